"""How long what is kept lives: where deletion, the notice and the documents take it from. Pure.

A lifetime is a time, or the word of what ends it (`lives.WORD` says it to people).
"""

from __future__ import annotations

from datetime import timedelta

Lifetime = timedelta | str

ANSWERED = timedelta(hours=25)
COUNTED = timedelta(days=365)
RELEASED = timedelta(days=1)
NOT_IN_FEED = timedelta(days=90)
GONE = timedelta(days=30)
"""A chat that threw the bot out: nobody there can ask it to forget any more."""
SUBSCRIBED = "subscribed"
REVIEWED = "reviewed"
WATCHED = "watched"
NAMED = "named"
LIFTED = "lifted"
DATABASE = "database"
"""It names a publication and nobody, and forgetting it could send what was dropped."""

FACT = timedelta(minutes=10)
OWN = timedelta(hours=48)
"""Messages older than this cannot be deleted on Telegram."""
REPORT = timedelta(hours=1)
ROLE = timedelta(minutes=1)
TAP = timedelta(seconds=20)
WEEK = timedelta(days=7)
RESTART = "restart"
UNDER_WAY = "under-way"
SESSION = timedelta(days=8)
OPERATED = "operated"
PACED = timedelta(minutes=2)
"""Longer only while the platform tells us to wait."""
LOG = timedelta(days=14)
"""What the documents ask of who operates it: the log is the system's, not ours."""
BACKED_UP = "backed-up"
HISTORY = "history"

ROUND = timedelta(minutes=1)
REST = timedelta(minutes=10)
INVITED = timedelta(hours=1)
EXPECTED = timedelta(days=1)
"""So long a room in which the bot is alone waits for who is invited there."""
LATE = timedelta(hours=24)
"""A message that could be read by then would be too old to be answered."""

STATED = {
    "fact": FACT,
    "own": OWN,
    "report": REPORT,
    "counted": COUNTED,
    "role": ROLE,
    "tap": TAP,
    "session": SESSION,
    "log": LOG,
    "paced": PACED,
    "late": LATE,
    "gone": GONE,
}
"""By the name that phrases call them."""
