"""Puts the tables of what is kept into docs/privacy/record.md: `make privacy`."""

from __future__ import annotations

from pathlib import Path

from bot.app import today
from bot.base import load_base, shipped_folder
from bot.commands.privacy import as_markdown, tables
from bot.config import Settings

RECORD = Path(__file__).parents[2] / "docs" / "privacy" / "record.md"
BEGIN, END = "<!-- made by `make privacy` -->\n", "<!-- end -->"


def rendered(page: str) -> str:
    """The page with its tables as the code has them now."""
    base, _ = load_base(shipped_folder(), today())
    made = "\n".join(as_markdown(title, rows) for title, rows in tables([Settings()], base).items())
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    RECORD.write_text(rendered(RECORD.read_text(encoding="utf-8")), encoding="utf-8")
