"""Text rules: lengths and entity offsets in UTF-16, links, commands and mentions."""

from __future__ import annotations

import re

from .faults import Json

MAX_CHARACTERS, MAX_RAW_BYTES, MAX_ENTITIES = 4096, 32768, 100
TOP_LEVELS = "at|be|ch|com|cz|de|es|eu|fr|gov|info|int|io|it|me|net|nl|org|pl|ro|ru|se|uk|us"
LINK = re.compile(rf"https?://\S+|(?<![\w@.-])(?:[\w-]+\.)+(?:{TOP_LEVELS})\b(?!@)")
COMMAND = re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/@])")
MENTION = re.compile(r"(?<![\w/@])@[A-Za-z0-9_]{4,32}(?!\w)")


def units(text: str) -> int:
    """Returns the length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def part(text: str, entity: Json) -> str:
    """Returns the piece of text an entity covers."""
    raw = text.encode("utf-16-le")
    return raw[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le", "replace")


def detect(text: str) -> list[Json]:
    """Returns the bot_command and mention entities a client would mark, in order."""
    found = [("bot_command", match) for match in COMMAND.finditer(text)]
    found += [("mention", match) for match in MENTION.finditer(text)]
    return [
        {"type": kind, "offset": units(text[: match.start()]), "length": units(match.group())}
        for kind, match in sorted(found, key=lambda pair: pair[1].start())
    ]


def entity_problems(text: str, entities: list[Json]) -> list[str]:
    """Returns what is wrong with the entities of a text, in words."""
    problems = []
    raw = text.encode("utf-16-le")
    total = len(raw) // 2
    if len(entities) > MAX_ENTITIES:
        problems.append(f"{len(entities)} entities, {MAX_ENTITIES} allowed")
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        where = f"entity {entity['type']} {start}..{end}"
        if start < 0 or entity["length"] < 1 or end > total:
            problems.append(f"{where} is outside the text of {total}")
        elif _splits(raw, start) or _splits(raw, end):
            problems.append(f"{where} splits a surrogate pair")
        if entity["type"] == "text_link" and not entity.get("url"):
            problems.append(f"{where} has no url")
    return problems


def _splits(raw: bytes, unit: int) -> bool:
    return 2 * unit < len(raw) and 0xDC <= raw[2 * unit + 1] <= 0xDF


def trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Returns text without white space at its ends, and its entities moved and cut accordingly."""
    shift = units(text) - units(text.lstrip())
    trimmed = text.strip()
    total, kept = units(trimmed), []
    for entity in entities:
        start = max(0, entity["offset"] - shift)
        end = min(total, entity["offset"] + entity["length"] - shift)
        if end > start:
            kept.append(entity | {"offset": start, "length": end - start})
    return trimmed, kept


def has_link(text: str, entities: list[Json]) -> bool:
    """Returns whether a client would show a preview: a text_link, or an address outside code."""
    if any(entity["type"] in ("text_link", "url") for entity in entities):
        return True
    code = [(e["offset"], e["offset"] + e["length"]) for e in entities if e["type"] in ("code", "pre")]
    starts = [units(text[: match.start()]) for match in LINK.finditer(text)]
    return any(not any(low <= start < high for low, high in code) for start in starts)
