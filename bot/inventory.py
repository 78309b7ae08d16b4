"""Everything that is kept, where, why and how long: what the notice, the command and the documents say is made from this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot import lifetimes
from bot.lifetimes import Lifetime
from bot.speaker import Speaker
from bot.store.schema import metadata


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing: `name` is a table's column, a pattern of files in the state folder, or a part of memory."""

    name: str
    why: str
    lives: Lifetime


def columns() -> tuple[Kept, ...]:
    """Every column of every table."""
    found = (column for table in metadata.sorted_tables for column in table.columns)
    return tuple(sorted((Kept(str(one), one.info["why"], one.info["lives"]) for one in found), key=lambda kept: kept.name))


FILES = (
    Kept("rueckspiegel.db*", "the database, where it is SQLite, and its journal while it writes", lifetimes.OPERATED),
    Kept("*.lock", "that one process serves an account; its name is a hash of the account's", lifetimes.OPERATED),
    Kept("vectors-*.npz", "the search's numbers for texts of the dossier, by a hash of the text", lifetimes.OPERATED),
    Kept("model/*", "what was learned from a changed dossier", lifetimes.OPERATED),
    Kept("*heartbeat.json*", "how the running bot is, for who operates it: counts and words, nobody", lifetimes.RESTART),
    Kept("backups/*", "copies of the database, encrypted, for who operates it", lifetimes.BACKED_UP),
    Kept("matrix*/*.account*", "device, access token and sync token, sealed with the key file", lifetimes.OPERATED),
    Kept("matrix*/*.account*", "HMACs of up to 4,000 rooms that were seen encrypted, sealed too", lifetimes.OPERATED),
    Kept("matrix*/*.account*", "whose sessions were read last, to make them unreadable; sealed too", lifetimes.UNDER_WAY),
    Kept("matrix*/*.db*", "the bot's own keys, encrypted under the key file; its own id in clear", lifetimes.OPERATED),
    Kept("matrix*/*.db*", "sessions with devices and rooms, sealed, under HMACs; in clear only the day", lifetimes.SESSION),
)
"""In the state folder; the key file lies beside it and data in a folder of the union's own."""

HISTORY = (Kept("git commits", "what stewards changed, under their pseudonym, with its time", lifetimes.HISTORY),)
"""In a data folder of the union's own."""

MEMORY = {
    "_languages": Kept("chosen languages", "HMAC of a chat to the language that was chosen there", lifetimes.RESTART),
    "_facts": Kept("last answers", "HMAC of a chat to the last fact said there, for follow-ups", lifetimes.FACT),
    "_choices": Kept("numbers", "without buttons: what the last answer's numbers mean, its text, language", lifetimes.FACT),
    "_own": Kept("own messages", "HMAC of a chat to the ids of our messages there, for /clean and edits", lifetimes.OWN),
    "_reports": Kept("reports", "the facts that were reported as wrong, not by whom", lifetimes.REPORT),
    "_passed_on": Kept("passed on", "HMACs of the chats that passed a question on, to limit it", lifetimes.REPORT),
}
"""By the name of what holds it in `Memory`."""
UNDER_WAY = (
    Kept("messages under way", "the message, its answer and an HMAC of who wrote it, until it was sent", lifetimes.UNDER_WAY),
    Kept("stewards", "their accounts and pseudonyms, as the settings name them", lifetimes.RESTART),
    Kept("managers", "HMACs of a group's administrators, since they may set it up", lifetimes.ROLE),
    Kept("taps", "HMACs of buttons that were tapped, against doubled taps", lifetimes.TAP),
    Kept("chats just written to", "HMAC of a chat to when, since platforms limit how fast", lifetimes.PACED),
    Kept("counts", "how often a fact was said this week, by nobody in particular", lifetimes.WEEK),
    Kept("outcomes", "about how many questions were answered or not, since the start", lifetimes.RESTART),
    Kept("notes for stewards", "what they are told and their room did not take yet; no question", lifetimes.RESTART),
    Kept("questions just asked", "HMAC of a question to what was found, so that it is searched once", lifetimes.RESTART),
    Kept("rooms on Matrix", "rooms that the bot is in, with members and devices, as the library needs them", lifetimes.RESTART),
)
"""In memory beside it."""
ON_MATRIX = {
    "Rounds._pairs": Kept("rounds on Matrix", "HMAC of room and sender to how quickly they ask", lifetimes.ROUND),
    "Rounds._resting": Kept("programs on Matrix", "HMAC of room and sender, who is left alone for a while", lifetimes.REST),
    "Rooms._invites": Kept("invitations on Matrix", "HMACs of who invited the bot, to limit it", lifetimes.INVITED),
    "Roles._made_by": Kept("makers of rooms on Matrix", "HMACs, since they may set it up", lifetimes.RESTART),
    "Rooms._successors": Kept("replaced rooms on Matrix", "which room follows which, until we are let in", lifetimes.RESTART),
    "Rooms._lonely": Kept("empty rooms on Matrix", "since when the bot is alone in a room, to leave it", lifetimes.EXPECTED),
    "Gaps._held": Kept("held messages on Matrix", "while a room's past cannot be had, what follows it", lifetimes.UNDER_WAY),
    "Late._unread": Kept("unread messages on Matrix", "encrypted, as their keys have not come", lifetimes.LATE),
    "Late._waiting": Kept("awaited keys on Matrix", "who waits for one, as long as it may still come", lifetimes.UNDER_WAY),
    "Late._told": Kept("unread sessions on Matrix", "HMACs, so that it is said once", lifetimes.SESSION),
}
"""In memory by the part of the transport that holds it."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "kept.answered": ("answered",),
    "kept.counts": ("asked", "notes"),
    "kept.channels": ("chats", "subscriptions", "seen", "digests", "deliveries"),
    "kept.reviews": ("approvals", "releases", "acts", "shown"),
    "kept.items": ("items",),
    "kept.sources": ("feeds", "feed_entries", "links"),
    "kept.panic": ("panic",),
}
"""The sentences of the full notice on what is on disk, and the tables that each of them speaks of."""
SEEN_BY = {"telegram": ("privacy.telegram", "privacy.better"), "matrix": ("privacy.numbers", "privacy.matrix")}
REMEMBERED, FILED = ("kept.remembered", "kept.passing", "kept.matrix"), ("kept.keys", "kept.rest")


def notice(speaker: Speaker, platform: str, fingerprint: str) -> str:
    """What a phone shows at once: what is kept, and what the platform sees."""
    keys = ("privacy", "privacy.asked", *SEEN_BY.get(platform, ()))
    return "\n\n".join(speaker.stated(key, fingerprint=fingerprint) for key in keys)


def full_notice(speaker: Speaker) -> str:
    """Everything that is kept, and how long."""
    parts = {
        "kept.disk": [speaker.stated(key, lives=_lives(tables, key, speaker)) for key, tables in GROUPS.items()]
        + [speaker.stated("kept.gone")],
        "kept.memory": [speaker.stated(key) for key in REMEMBERED],
        "kept.files": [speaker.stated(key) for key in FILED],
    }
    said = [speaker.say("kept.lead")]
    said += ["\n– ".join([speaker.say(head), *lines]) for head, lines in parts.items()]
    said += [speaker.stated("privacy.gap"), speaker.say("kept.reaches")]
    said += [speaker.say("kept.rights", contact=speaker.whom()), speaker.say("kept.promises")]
    return "\n\n".join(said)


def told(lives: Lifetime, speaker: Speaker, key: str) -> str:
    """A lifetime in words, as it stands in the phrase `key`."""
    if isinstance(lives, timedelta):
        event = f"lives.after-{key.removeprefix('kept.')}"
        return speaker.say(event if speaker.has(event) else "lives.after", time=speaker.lasting(lives, key))
    return speaker.say(f"lives.{lives}")


def _lives(tables: tuple[str, ...], key: str, speaker: Speaker) -> str:
    found = [column.info["lives"] for name in tables for column in metadata.tables[name].columns]
    return ", ".join(dict.fromkeys(told(lives, speaker, key) for lives in found))
