"""Names that look like a mistake or like somebody else's: said, never repaired. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

import regex

from bot.search.fold import fold

_ODD = regex.compile(r"ii|yy|jj|hh|vv|ww|qq|xx|(\p{L})\1\1", regex.IGNORECASE)
_SCRIPTS = tuple(regex.compile(rf"\p{{Script={script}}}") for script in ("Latin", "Cyrillic", "Greek", "Armenian", "Cherokee"))
_DOMAIN = regex.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}")


def doubts_about(name: str, what: str, others: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Doubts about an author or outlet (`what`) beside the other spellings of the page and the known ones."""
    if sum(bool(script.search(name)) for script in _SCRIPTS) > 1:
        yield f"the {what} “{name}” mixes letters of several alphabets that look alike"
    if name in known:
        return
    near = [other for other in dict.fromkeys((*known, *others)) if other.casefold() != name.casefold() and is_near(name, other)]
    if near:
        yield f"the {what} “{name}” is almost “{near[0]}”: a typo?"
    elif what == "author" and (odd := _ODD.search(name)):
        yield f"the {what} “{name}” has an odd “{odd.group()}”: a typo?"


def doubts_about_link(outlet: str, url: str) -> Iterator[str]:
    """Doubts about a link that leads elsewhere than the outlet's name says, or to a host that can only look like another."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    if any(label.startswith("xn--") for label in host.split(".")):
        yield f"the link leads to {host}, a host with letters that may look like others"
    named = outlet.casefold().removeprefix("www.")
    if _DOMAIN.fullmatch(named) and host != named and not host.endswith(f".{named}"):
        yield f"the outlet is called {named}, but the link leads to {host}"


def is_near(one: str, other: str) -> bool:
    """One letter added, left out, changed, or two neighbours swapped; or the same but for accents and punctuation."""
    first, second = sorted((fold(one), fold(other)), key=len)
    if first == second:
        return True
    if len(first) < 4 or len(second) - len(first) > 1:
        return False
    at = next((at for at, (left, right) in enumerate(zip(first, second)) if left != right), len(first))
    rest, longer = first[at:], second[at:]
    if len(first) < len(second):
        return rest == longer[1:]
    return rest[1:] == longer[1:] or (rest[:2] == longer[1::-1] and rest[2:] == longer[2:])
