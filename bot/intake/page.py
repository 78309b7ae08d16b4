"""A page's bytes as numbered lines: what is to be seen of it, in which list, and where its links lead. Pure, no network.

HTML is read as WordPress writes it. Plain text is read as people copy it out of a browser: bullets nested by indent, and the
words "externer Link" where a link was.
"""

from __future__ import annotations

import re

from bot.intake.found import NotTaken
from bot.intake.lines import MARK, Line, counted, plain, seen, single_marks

MOST_BYTES = 2_000_000
_LINK_WORDS = re.compile(r"\(?\bexterner Link\b\)?")
_BULLET = re.compile(r"([ \t\u00a0]*)(?:[•‣◦▪●*+-]|\d{1,3}[.)])[ \t\u00a0]+(?=\S)")
_HTML = re.compile(rb"<\s*(?:!doctype\s+html|html|head|body|p|div|ul|ol|li|a|br|h[1-6]|blockquote|article)\b", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
# As browsers read these names; other codecs of Python are no character sets or take quadratic time.
_CHARSETS = {
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii", "windows-1252", "cp1252"), "cp1252"),
    **dict.fromkeys(("iso-8859-15", "latin-9"), "iso8859-15"),
    **dict.fromkeys(("utf-16", "utf-16le"), "utf-16-le"),
    "utf-16be": "utf-16-be",
}
_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def read_page(raw: bytes, content_type: str = "", address: str = "") -> tuple[Line, ...]:
    """The page's lines. `address` completes relative links. Raises NotTaken for what is too large or no text."""
    if len(raw) > MOST_BYTES:
        raise NotTaken(
            f"the page is larger than {MOST_BYTES // 1_000_000} MB", "save the dossier alone as text and import that"
        )
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("", "text/html", "application/xhtml+xml", "text/plain") or raw.startswith(b"%PDF-"):
        raise NotTaken(f"this is {seen(kind)[:60] or 'a PDF'}, not a page", "save it as text or HTML and import the file")
    if kind in ("text/html", "application/xhtml+xml") or (not kind and _HTML.search(raw[:4096])):
        from bot.intake.html import html_lines  # lxml is loaded only where there is HTML

        return html_lines(_decoded(raw, content_type, _META.search(raw[:4096])), address)
    return text_lines(_decoded(raw, content_type))


def text_lines(text: str) -> tuple[Line, ...]:
    """Lines of plain text. A bullet opens an item; what is indented or follows without an empty line belongs to it."""
    lines: list[Line] = []
    indents: list[int] = []
    after_blank = True
    for number, row in enumerate(text.split("\n"), 1):
        bullet = _BULLET.match(row)
        content = seen(plain(row[bullet.end() :] if bullet else row))
        if not content:
            after_blank = True
            continue
        indent = len((bullet.group(1) if bullet else row[: len(row) - len(row.lstrip())]).expandtabs(4))
        while indents and indents[-1] >= indent and (bullet or after_blank):
            indents.pop()
        if bullet:
            indents.append(indent)
        marked = _LINK_WORDS.sub(MARK, content)
        shown, urls = single_marks(marked, [None] * marked.count(MARK)) if plain(marked).strip() else (content, ())
        lines.append(Line(number, shown, len(indents), bullet is not None or (not indents and after_blank), urls=urls))
        after_blank = False
        counted(lines)
    return tuple(lines)


def _decoded(raw: bytes, content_type: str, meta: re.Match[bytes] | None = None) -> str:
    """Header before <meta> before UTF-8; what fits none of them is read as Windows-1252, as browsers do."""
    named = [charset for start, charset in _ORDER_MARKS if raw.startswith(start)]
    if found := _HEADER.search(content_type):
        named.append(_CHARSETS.get(found.group(1).lower(), "utf-8"))
    # A page whose <meta> could be read is not in UTF-16, whatever it says.
    if meta and b"16" not in meta.group(1):
        named.append(_CHARSETS.get(meta.group(1).decode("ascii", "replace").lower(), "utf-8"))
    for charset in (*named, "utf-8"):
        try:
            text = raw.decode(charset)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = raw.decode("cp1252", "replace")
    return re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
