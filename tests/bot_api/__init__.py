"""A Telegram Bot API server for tests: real HTTP, answers checked against the published schema."""

from .faults import ApiError, Fault
from .server import BotApi

__all__ = ["ApiError", "BotApi", "Fault"]
