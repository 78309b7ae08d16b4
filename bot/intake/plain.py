"""HTML of strangers to plain text: no tag, no script, nothing unseen."""

from __future__ import annotations

import re

import lxml.html
from lxml import etree

from bot.unseen import clean

LONGEST_LINE = 300
LONGEST_PASSAGE = 1500
_BLOCKS = ("p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "section", "article")
_SILENT = ("script", "style", "template", "noscript", "iframe", "object")


def text_of(markup: str) -> str:
    """What a reader would see of it, a line a block."""
    if "<" not in markup and "&" not in markup:
        return clean(markup).strip()
    try:
        root = lxml.html.fromstring(f"<div>{clean(markup)}</div>")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    etree.strip_elements(root, *_SILENT, etree.Comment, with_tail=False)
    for block in root.iter(*_BLOCKS):
        block.tail = "\n" + (block.tail or "")
    lines = (" ".join(part.split()) for part in str(root.text_content()).split("\n"))
    return clean("\n".join(filter(None, lines)))


def line(markup: object) -> str:
    """One line of text, such as a title."""
    return cut(" ".join(text_of(str(markup or "")).split()), LONGEST_LINE)


def passage(text: str) -> str:
    """The beginning of a text, as much as a draft rests on."""
    return cut(re.sub(r"\n{2,}", "\n", clean(text).strip()), LONGEST_PASSAGE)


def cut(text: str, most: int) -> str:
    """At most so many characters, to the end of a word; what was left out is shown."""
    if len(text) <= most:
        return text
    head = text[: most - 2]
    return (head.rpartition(" ")[0] or head).rstrip() + " …"
