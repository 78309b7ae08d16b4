"""What the commands share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from bot.app import App, open_app
from bot.config import read_settings

data_option = click.option(
    "--data", type=click.Path(path_type=Path), help="Another data folder than RUECKSPIEGEL_DATA or the shipped one."
)


def open_with(data: Path | None) -> App:
    """The app of the settings, with another data folder where one is given."""
    settings = read_settings()
    return open_app(replace(settings, data=data) if data else settings)
