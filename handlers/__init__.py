"""What the bot says. The table of contents:"""

from bot.router import Router
from handlers import ask, clean, curate, digest, doubt, gap, help, hold, mind, news, panic, privacy, sheet, source

router = Router(
    *(
        module.router
        for module in (ask, help, mind, news, source, doubt, gap, clean, digest, hold, curate, sheet, panic, privacy)
    ),
)
"""Every command and the fallback."""
