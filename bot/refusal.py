"""What every error has in common that a command tells in one line."""

from __future__ import annotations


class Refusal(Exception):
    """Why a command does nothing, and what to do about it, in one line for who gave it."""
