"""What the bot says. The table of contents:"""

from bot.router import Router
from handlers import ask, help, mind, source

router = Router(ask.router, help.router, mind.router, source.router)
"""Every command and the fallback."""
