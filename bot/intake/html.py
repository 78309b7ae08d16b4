"""HTML to lines: what a browser would show, and in which lists. Pure."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree

from bot.intake.found import NotTaken
from bot.intake.lines import MARK, Line, counted, plain, seen, single_marks

_DROPPED = frozenset(
    {
        "head",
        "script",
        "style",
        "noscript",
        "template",
        "title",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "textarea",
        "select",
    }
    | {"datalist", "canvas", "audio", "video"}
)
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
    }
    | {
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "main",
        "nav",
        "p",
        "pre",
        "section",
    }
    | {"summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
)
_LISTS = frozenset({"ul", "ol", "menu"})
_HEADING = re.compile(r"h[1-6]")
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:opacity|font-size)\s*:\s*0(?:px|em|%|;|\s|$)"
    r"|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_HIDING_CLASSES = frozenset({"screen-reader-text", "sr-only", "visually-hidden", "hidden"})
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+")
_LINK_WORDS = re.compile(rf"{MARK} ?\(?externer Link\b\)?|\(?\bexterner Link\)? ?{MARK}")


def html_lines(text: str, address: str = "") -> tuple[Line, ...]:
    """Lines of an HTML page; `address` completes relative links. Raises NotTaken where it is nested past reading."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True)
    try:
        root = etree.fromstring(text.replace("\0", "").encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        return ()
    # The parser stops there and says nothing else, so that all that follows would be lost.
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise NotTaken("the page's elements are nested too deep", "save the dossier alone as text and import that")
    return () if root is None else _Walk(address).lines(root)


def address_of(href: str, base: str = "") -> str | None:
    """The address of a link if it leads to a page that may be named: a host in plain letters, nobody's name before it."""
    try:
        url = urljoin(base, seen(href))
        split = urlsplit(url)
        host, _ = split.hostname or "", split.port
    except ValueError:
        return None
    if split.scheme not in ("https", "http") or "@" in split.netloc or not _HOST.fullmatch(host):
        return None
    return url if re.fullmatch(r"[!-~]{1,2000}", url) else None


def _hidden(element: Any) -> bool:
    return (
        element.tag in _DROPPED
        or element.get("hidden") is not None
        or _HIDING.search(element.get("style", "")) is not None
        or not _HIDING_CLASSES.isdisjoint(element.get("class", "").split())
    )


class _Walk:
    """One pass over a tree: gathers runs of text and cuts them into lines where a browser would."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._made: list[Line] = []
        self._runs: list[str] = []
        self._urls: list[str | None] = []
        self._depth = 0
        self._opens = True
        self._heading = False

    def lines(self, root: Any) -> tuple[Line, ...]:
        walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in walker:
            is_shown = isinstance(element.tag, str) and not _hidden(element)
            if event == "start" and not is_shown:
                walker.skip_subtree()
            elif event == "start":
                self._start(element.tag)
                self._add(element.text)
            else:
                if is_shown:
                    self._end(element)
                self._add(element.tail)
        self._flush()
        return tuple(self._made)

    def _add(self, text: str | None) -> None:
        if text:
            self._runs.append(plain(text))

    def _start(self, tag: str) -> None:
        if tag == "br" or tag in _LISTS:
            self._flush()
        elif tag == "li":
            self._flush()
            self._opens = True
        elif tag in _BLOCKS:
            self._block()
            self._heading = _HEADING.fullmatch(tag) is not None
        self._depth += tag in _LISTS

    def _end(self, element: Any) -> None:
        tag = element.tag
        if tag == "a" and (href := element.get("href")):
            self._runs.append(MARK)
            self._urls.append(address_of(href, self._address))
        elif tag in _LISTS:
            self._flush()
            self._depth -= 1
            self._opens = self._depth == 0
        elif tag == "li":
            self._flush()
        elif tag in _BLOCKS:
            self._block()
            self._heading = False

    def _block(self) -> None:
        self._flush()
        # Inside an item a further paragraph still belongs to it.
        self._opens = self._opens or self._depth == 0

    def _flush(self) -> None:
        text, urls = "".join(self._runs), self._urls
        self._runs, self._urls = [], []
        if not plain(text := seen(text)).strip():
            return
        shown, kept = single_marks(_LINK_WORDS.sub(MARK, text), urls)
        self._made.append(Line(len(self._made) + 1, shown, self._depth, self._opens, self._heading, kept))
        self._opens = False
        counted(self._made)
