"""`run`, with everything that it connects to and looks up written to the file that AUDIT names."""

from __future__ import annotations

import atexit
import json
import os
from pathlib import Path

from tests import audit

audit.listen()

from bot.commands.main import main  # noqa: E402 - the hook is there before anything is loaded


def _tell() -> None:
    Path(os.environ["AUDIT"]).write_text(json.dumps(sorted(audit.seen)), encoding="utf-8")


if __name__ == "__main__":
    atexit.register(_tell)
    main(["run"])
