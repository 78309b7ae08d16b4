"""What the bot says. The table of contents:"""

from bot.router import Router
from handlers import ask, clean, doubt, help, mind, news, source

router = Router(ask.router, help.router, mind.router, news.router, source.router, doubt.router, clean.router)
"""Every command and the fallback."""
