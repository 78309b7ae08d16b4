"""Synapse's virtual environment: apart from the bot's, because the two want different versions of the same packages."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / ".venv-synapse"
CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:")


def ensure_installed() -> Path:
    """The environment's Python; builds the environment when it is missing or was built from other constraints."""
    python, mark = FOLDER / "bin" / "python", FOLDER / ".built"
    wanted = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()
    if _reads(mark) == wanted:
        return python
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _reads(mark) != wanted:  # whoever waited for the lock finds it built
            subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
            subprocess.run([str(python), *_PIP, "--constraint", str(CONSTRAINTS), "matrix-synapse"], check=True)
            mark.write_text(wanted)
    return python


def _reads(mark: Path) -> str | None:
    return mark.read_text() if mark.exists() else None
