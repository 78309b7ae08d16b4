"""Search files and databases for persons: texts and numbers that must not be there, in whatever encoding.

The best canary is one rare word, or a number of 2**42 and more: what is shorter is found by chance in much data.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote, quote_plus

import numpy as np
import sqlalchemy as sa

Form = tuple[str, bytes, bool]  # encoding, needle, whether upper and lower case differ
UNREADABLE, BREAK, CHUNK, SLOTS = "unreadable", b"\x00\xfe\x01\xfd", 1 << 18, 22
WHOLE, FOLD, MIX, SPREAD = (1 << 64) - 1, 0x2020202020202020, 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15
CODECS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "ascii")
ESCAPES: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text)[1:-1],
    "json utf-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[3:-3],
    "json all": lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be").hex()),
    "python str": lambda text: ascii(text)[1:-1],
    "python bytes": lambda text: repr(text.encode())[2:-1],
    "percent": lambda text: quote(text, safe=""),
    "percent form": lambda text: quote_plus(text, safe="/"),
    "percent all": lambda text: re.sub("(..)", r"%\1", text.encode().hex()),
    "hex": lambda text: text.encode().hex(),
}


@dataclass(frozen=True)
class Canary:
    """A secret that must not be found; only its label is ever shown."""

    label: str
    secret: str | int = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret.encode()) < 6 if isinstance(self.secret, str) else not 1 << 24 <= abs(self.secret) < 1 << 63:
            raise ValueError(f"canary {self.label}: only texts of 6 bytes and more, and numbers of 25 to 63 bits")


class Trace(NamedTuple):
    """Where a canary was first found in an encoding; the offset is a byte of a file or a row of a table."""

    where: str
    canary: str
    encoding: str
    offset: int


def _text_forms(text: str) -> Iterator[Form]:
    normal = {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC"))}
    normal.add("".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)))
    # A full-text index keeps the words without what stands between them, and mostly without accents.
    normal |= {" ".join(re.findall(r"[^\W_]+", one)) for one in normal}
    cases = {case for one in normal for case in (one, one.lower(), one.upper(), one.title(), one.casefold())}
    for one, raw in ((one, one.encode()) for one in cases if len(one.encode()) >= 6):
        yield from ((codec, one.encode(codec, "xmlcharrefreplace"), False) for codec in CODECS)
        yield from ((name, escape(one).encode(), False) for name, escape in ESCAPES.items())
        yield from _base64_forms("base64", raw)
        digests = {name: hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256", "sha512", "blake2b")}
        digests |= {f"blake2b-{size}": hashlib.blake2b(raw, digest_size=size).digest() for size in (16, 32)}
        for name, digest in digests.items():  # the beginning only, so that cut ones are found too
            yield from ((name, digest[:8], True), (f"{name} hex", digest[:8].hex().encode(), False))


def _base64_forms(name: str, raw: bytes) -> Iterator[Form]:
    for shift in range(3):  # without the characters that hang on what stands before and after
        middle = base64.b64encode(bytes(shift) + raw)[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield from ((name, middle, True), (f"{name} urlsafe", middle.translate(bytes.maketrans(b"+/", b"-_")), True))


def _number_forms(number: int) -> Iterator[Form]:
    value = number & WHOLE
    # SQLite's row ids have seven bits a byte, but all eight in a ninth; its integers have 4, 6 or 8 bytes.
    row_id = [value >> shift & 127 | 128 for shift in (range(8, 64, 7) if value >> 56 else range(7, value.bit_length(), 7))]
    packed = {"row id": bytes([*reversed(row_id), value & (255 if value >> 56 else 127)])}
    for order, name in ((">", "big-endian"), ("<", "little-endian")):
        packed |= {f"int64 {name}": struct.pack(f"{order}q", number), f"double {name}": struct.pack(f"{order}d", number)}
        if -(1 << 31) <= number < 1 << 32:
            packed[f"int32 {name}"] = struct.pack(f"{order}I", value & 0xFFFFFFFF)
        elif -(1 << 47) <= number < 1 << 47:
            packed[f"int48 {name}"] = number.to_bytes(6, "big" if order == ">" else "little", signed=True)
    for name, raw in packed.items():
        yield from ((name, raw, True), (f"{name} hex", raw.hex().encode(), False))
        yield from _base64_forms(f"{name} base64", raw) if len(raw) >= 6 else ()


def _forms(secret: str | int) -> Iterator[Form]:
    # Telegram writes the id of a channel with -100 before it, and in links without.
    numbers = {secret, abs(secret), int(re.sub(r"^-100(?=\d{10}$)", "", str(secret)))} if isinstance(secret, int) else ()
    yield from _text_forms(secret) if isinstance(secret, str) else ()
    for number in numbers:
        yield from ((f"decimal {name}", raw, exact) for name, raw, exact in _text_forms(str(number)))
        yield from _number_forms(number)


class _Needles:
    """All forms of all canaries, looked up by a hash of their first 16, 8 or 4 bytes."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self.heads: dict[int, dict[int, list[tuple[str, Form]]]] = {16: {}, 8: {}, 4: {}}
        forms = ((one.label, form) for one in canaries for form in _forms(one.secret) if len(form[1]) >= 4)
        known = {(label, (name, raw if exact else raw.lower(), exact)) for label, (name, raw, exact) in forms}
        for label, form in known:
            width = next(width for width in self.heads if width <= len(form[1]))
            first, second = (int.from_bytes(form[1][at : at + min(8, width)], "little") | FOLD for at in (0, 8))
            key = (first * MIX ^ second) & WHOLE if width == 16 else first & (1 << 8 * width) - 1
            self.heads[width].setdefault(key, []).append((label, form))
        self.longest = max((len(form[1]) for _, form in known), default=1)
        self.slots = {width: np.zeros(1 << SLOTS, bool) for width in self.heads}
        for width, heads in self.heads.items():
            self.slots[width][[(key * SPREAD & WHOLE) >> 64 - SLOTS for key in heads]] = True

    def find(self, data: bytes) -> Iterator[tuple[int, str, str]]:
        """Offset, label and encoding; the hashes do not tell upper from lower case."""
        folded = np.full(len(data) + 16, 32, np.uint8)
        np.bitwise_or(np.frombuffer(data, np.uint8), np.uint8(32), out=folded[: len(data)])
        eights = np.ndarray(len(data) + 8, "<u8", folded, strides=(1,)).copy()
        hashes = {16: eights[:-8] * np.uint64(MIX) ^ eights[8:], 8: eights[:-8], 4: eights[:-8] & np.uint64(0xFFFFFFFF)}
        for width, keys in hashes.items():
            places = np.flatnonzero(self.slots[width][keys * np.uint64(SPREAD) >> np.uint64(64 - SLOTS)])
            for place, key in zip(places.tolist(), keys[places].tolist()):
                for label, (encoding, raw, exact) in self.heads[width].get(key, ()):
                    seen = data[place : place + len(raw)]
                    if (seen if exact else seen.lower()) == raw:
                        yield place, label, encoding


def _in_rows(table: str, rows: sa.CursorResult[tuple[object, ...]], needles: _Needles) -> Iterator[Trace]:
    for part, some in enumerate(rows.partitions(1000)):
        for column, cells in zip(rows.keys(), zip(*some)):
            data = BREAK.join(bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in cells)
            for place, label, encoding in needles.find(data):
                yield Trace(f"{table}.{column}", label, encoding, 1000 * part + data.count(BREAK, 0, place))


def _in_sqlite(run: Callable[[str], sa.CursorResult[tuple[object, ...]]], needles: _Needles) -> Iterator[Trace]:
    for table, kind, no_row_id in run("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'").all():
        pass
