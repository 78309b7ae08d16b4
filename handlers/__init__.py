"""What the bot says. The table of contents:"""

from bot.router import Router
from handlers import ask, clean, digest, doubt, gap, help, hold, mind, news, source

router = Router(*(module.router for module in (ask, help, mind, news, source, doubt, clean, digest, hold, gap)))
"""Every command and the fallback."""
