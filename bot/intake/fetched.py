"""What the child brings back, as values and as the JSON between the two processes. Pure.

The child reads what strangers wrote, so that what it says is read with care: a value of another shape is an error.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from bot.intake.found import NotTaken, Publication


class TryLater(NotTaken):
    """The server asks not to be asked again for so many `seconds`."""

    def __init__(self, problem: str, remedy: str, seconds: float) -> None:
        super().__init__(problem, remedy)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Page:
    """The bytes of a page, and the address at which they were found in the end."""

    body: bytes
    content_type: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed; `id` is a hash of the name that the feed gives it."""

    id: str
    publication: Publication


@dataclass(frozen=True, slots=True)
class FeedNews:
    """A feed as it is now, newest first. `etag` and `modified` are to be shown next time; `pause`: seconds it asks for."""

    entries: tuple[Entry, ...]
    etag: str = ""
    modified: str = ""
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """How an address is: `state` ok, moved (to `url`), dead or unclear; `why` for the last two; an archived copy's address."""

    state: str
    url: str
    why: str = ""
    archived: str = ""


Result = Page | Publication | FeedNews | Link | None


def packed(result: Result) -> dict[str, Any]:
    """As JSON can hold it."""
    match result:
        case Page():
            return asdict(result) | {"body": base64.b64encode(result.body).decode("ascii")}
        case Publication():
            return _packed(result)
        case FeedNews():
            entries = [{"id": entry.id, "publication": _packed(entry.publication)} for entry in result.entries]
            return {"entries": entries, "etag": result.etag, "modified": result.modified, "pause": result.pause}
        case Link():
            return asdict(result)
    return {}


def page(row: Mapping[str, Any]) -> Page:
    return Page(base64.b64decode(row["body"]), str(row["content_type"]), str(row["url"]))


def publication(row: Mapping[str, Any]) -> Publication:
    day, url = row["date"], row["url"]
    return Publication(
        title=str(row["title"]),
        date=date.fromisoformat(day) if day else None,
        author=str(row["author"]),
        outlet=str(row["outlet"]),
        url=None if url is None else str(url),
        language=str(row["language"]),
        passage=str(row["passage"]),
        doubts=tuple(map(str, row["doubts"])),
    )


def feed_news(row: Mapping[str, Any]) -> FeedNews | None:
    """Nothing where the feed has not changed."""
    if not row:
        return None
    entries = tuple(Entry(str(entry["id"]), publication(entry["publication"])) for entry in row["entries"])
    return FeedNews(entries, str(row["etag"]), str(row["modified"]), float(row["pause"]))


def link(row: Mapping[str, Any]) -> Link:
    return Link(*(str(row[name]) for name in ("state", "url", "why", "archived")))


def _packed(found: Publication) -> dict[str, Any]:
    return asdict(found) | {"date": found.date.isoformat() if found.date else None}
