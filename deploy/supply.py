"""Writes constraints-hashed.txt and docs/licences.md. Run by `make pins`, with the Python that the bot will run on.

The hashes are those of the files that pip chooses on this machine for the versions of constraints.txt; pip then takes no other.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
HASHED, LICENCES = ROOT / "constraints-hashed.txt", ROOT / "docs" / "licences.md"


def chosen() -> list[dict[str, Any]]:
    """What pip would install for the product with PostgreSQL, in order of name, without the product itself."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    command += ["--constraint", str(ROOT / "constraints.txt"), f"{ROOT}[postgres]"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [one for one in json.loads(done.stdout)["install"] if "archive_info" in one["download_info"]]
    return sorted(found, key=lambda one: str(one["metadata"]["name"]).lower())


def hashed(found: list[dict[str, Any]]) -> str:
    """Requirements with one hash each."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    lines = [f"# Made by `make pins` for {python} on {sys.platform}; for `pip install --require-hashes --requirement`."]
    for one in found:
        name, version = one["metadata"]["name"], one["metadata"]["version"]
        lines.append(f"{name}=={version} --hash=sha256:{one['download_info']['archive_info']['hashes']['sha256']}")
    return "\n".join(lines) + "\n"


def licences(found: list[dict[str, Any]]) -> str:
    """A table of name, version and licence as each package says of itself."""
    rows = [f"| {one['metadata']['name']} | {one['metadata']['version']} | {_licence(one['metadata'])} |" for one in found]
    head = [
        "# Licences of what is installed",
        "",
        "Made by `make pins`.",
        "",
        "| package | version | licence |",
        "| --- | --- | --- |",
    ]
    return "\n".join([*head, *rows]) + "\n"


def _licence(told: dict[str, Any]) -> str:
    classifiers = [one.rpartition(" :: ")[2] for one in told.get("classifier", ()) if one.startswith("License ::")]
    first = re.split(r"[\n\r]", told.get("license_expression") or "")[0] or ", ".join(classifiers)
    return first or str(told.get("license") or "not said").split("\n", maxsplit=1)[0][:60]


def main() -> None:
    found = chosen()
    for one in found:
        try:  # The installed package knows more than some indexes tell.
            installed = metadata(one["metadata"]["name"])
            one["metadata"].setdefault("license_expression", installed.get("License-Expression"))
        except PackageNotFoundError:
            continue
    HASHED.write_text(hashed(found), encoding="utf-8")
    LICENCES.write_text(licences(found), encoding="utf-8")


if __name__ == "__main__":
    main()
