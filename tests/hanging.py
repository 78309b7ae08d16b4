"""The bot, but its search never comes back."""

from __future__ import annotations

import sys
import threading

from bot.commands.main import main
from bot.search.matcher import Matcher


def _hang(*_: object, **__: object) -> None:
    print("2026-01-01T00:00:00Z info hangs", file=sys.stderr, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    Matcher.find = _hang  # type: ignore[method-assign, assignment]
    sys.argv[1:] = ["run"]
    main()
