"""A feed's bytes to publications; in the child process alone, since a parser of strangers' XML may be led astray."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import feedparser

from bot.intake.fetched import Entry
from bot.intake.found import NotTaken, Publication
from bot.intake.plain import line, passage, text_of
from bot.spoofing import UNENCRYPTED, fault_of, shown

MOST_ENTRIES = 500
"""Looked at, the newest."""
MOST_HELD = 10_000
"""Of more none can say anything within the 2 MB that a feed may have."""
PLAIN_FEED = "ask its makers for a plain feed of what is new"
NO_FEED = "look on the page for the address of its feed, often the page's own with /feed at the end"


def read_feed(body: bytes, content_type: str, url: str) -> tuple[tuple[Entry, ...], float]:
    """The newest entries, newest first, and the pause in seconds that the feed asks for.

    :raises NotTaken: for what is no feed, or declares entities of its own, which only bombs need.
    """
    if b"<!ENTITY" in body:
        raise NotTaken(f"{shown(url)}: it declares entities of its own, as bombs do", PLAIN_FEED)
    held = body.count(b"<item") + body.count(b"<entry")
    if held > MOST_HELD:
        raise NotTaken(f"{shown(url)}: it holds {held:,} entries", PLAIN_FEED)
    # What the library would clean and complete is taken as text alone, which makes both needless.
    headers = {"content-type": content_type, "content-location": url}
    parsed = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    if not parsed.get("version") and not parsed.entries:
        raise NotTaken(f"{shown(url)}: that is no feed", NO_FEED)
    newest = sorted(parsed.entries, key=_day, reverse=True)[:MOST_ENTRIES]
    outlet, language = line(parsed.feed.get("title", "")), _language(parsed.feed.get("language"))
    entries: dict[str, Entry] = {}
    for row in newest:
        entry = _entry(row, outlet, language)
        entries.setdefault(entry.id, entry)
    return tuple(entries.values()), _minutes(parsed.feed.get("ttl")) * 60


def _entry(row: Mapping[str, Any], outlet: str, language: str) -> Entry:
    title, day = line(row.get("title", "")), _day(row)
    url, doubts = _address(str(row.get("link") or ""))
    content = (row.get("content") or [{}])[0].get("value") or row.get("summary") or ""
    name = str(row.get("id") or row.get("link") or f"{title or content} {day}")
    found = Publication(
        title=title,
        date=day if day != date.min else None,
        author=line(row.get("author", "")),
        outlet=line((row.get("source") or {}).get("title", "")) or outlet,
        url=url,
        language=language,
        passage=passage(text_of(content)),
        doubts=doubts,
    )
    return Entry(hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32], found)


def _address(url: str) -> tuple[str | None, tuple[str, ...]]:
    """An address that may be a source, and what is doubtful about it; one that misleads is named and left out."""
    if not url:
        return None, ("no address is given",)
    fault = fault_of(url)
    if fault is None:
        return url, ()
    if fault == UNENCRYPTED:
        return url, (f"{fault.problem}; {fault.remedy}",)
    return None, (f"left out: {shown(url)[:200]}: {fault.problem}",)


def _day(row: Mapping[str, Any]) -> date:
    for name in ("published_parsed", "updated_parsed"):
        moment = row.get(name)
        try:
            if moment:
                return date(*moment[:3])
        except (TypeError, ValueError):
            continue
    return date.min


def _language(text: object) -> str:
    code = str(text or "")[:2].lower()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _minutes(text: object) -> float:
    digits = str(text or "").strip()
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else 0.0
