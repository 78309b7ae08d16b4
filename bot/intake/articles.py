"""An article's page to one publication; in the child process alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import lxml.html
import trafilatura
from lxml import etree

from bot.intake.found import NotTaken, Publication
from bot.intake.plain import line, passage
from bot.spoofing import shown

# Only what is marked as a date: an extensive search takes any year in the text for one.
_DATES = {"original_date": True, "extensive_search": False}


def read_article(body: bytes, url: str) -> Publication:
    """Title, author, site, date and language as the page gives them, and the beginning of its text.

    :raises NotTaken: where there is neither a title nor a text.
    """
    found: Any = trafilatura.bare_extraction(
        body, url=url, with_metadata=True, include_comments=False, date_extraction_params=_DATES
    )
    found = found or trafilatura.extract_metadata(body, default_url=url, date_config=_DATES)
    title, text = line(found.title), passage(str(found.text or ""))
    if not title and not text:
        raise NotTaken(f"{shown(url)}: no article could be read there", "open it in a browser and write the draft by hand")
    site, language = _own_words(body)
    author, day = line(found.author), _day(found.date)
    missing = [name for name, value in (("title", title), ("author", author), ("date", day), ("text", text)) if not value]
    doubts = tuple(f"the page gives no {name} that could be read" for name in missing)
    return Publication(
        title=title,
        date=day,
        author=author,
        outlet=site or line(found.sitename or found.hostname),
        url=url,
        language=language,
        passage=text,
        doubts=doubts,
    )


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text or "")[:10])
    except ValueError:
        return None


def _own_words(body: bytes) -> tuple[str, str]:
    """The site's name as the page spells it, since the library would put it right, and the page's language."""
    try:
        root = lxml.html.fromstring(body)
    except (etree.ParserError, ValueError):
        return "", ""
    names = root.xpath("//meta[@property='og:site_name']/@content")
    code = str(root.get("lang") or "")[:2].lower()
    return line(names[0]) if names else "", code if len(code) == 2 and code.isascii() and code.isalpha() else ""
