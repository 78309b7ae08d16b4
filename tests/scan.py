"""Search files and databases for persons: names, texts and numbers that must not be there, in whatever encoding.

Canaries are best one rare word, or a number above 2**42: shorter forms are found by chance in hundreds of megabytes.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import html
import json
import lzma
import os
import pickle
import re
import shutil
import sqlite3
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import quote, quote_plus

import numpy as np
import sqlalchemy as sa

Pieces = tuple[tuple[bytes, ...], ...]  # one tuple a character, of all the ways it may be written
Found = dict[tuple[str, str, str], int]
UNREADABLE = "unreadable"
CHUNK, BITS, WIDTHS = 1 << 18, 22, (16, 8, 6, 4)
MIX, SPREAD = 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15
DIGESTS: dict[str, Callable[[bytes], Any]] = {
    **{name: getattr(hashlib, name) for name in ("md5", "sha1", "sha256", "sha512", "blake2b")},
    **{f"blake2b-{8 * size}": lambda raw, size=size: hashlib.blake2b(raw, digest_size=size) for size in (8, 16, 32)},
}
BYTES: dict[str, Callable[[str], bytes]] = {
    name: lambda char, name=name: char.encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
}
ESCAPES: dict[str, Callable[[str], str]] = {
    "json": lambda char: json.dumps(char)[1:-1],
    "json utf-8": lambda char: json.dumps(char, ensure_ascii=False)[1:-1],
    "json in json": lambda char: json.dumps(json.dumps(char)[1:-1])[1:-1],
    "json all": lambda char: "".join(f"\\u{unit[0]:04x}" for unit in struct.iter_unpack(">H", char.encode("utf-16-be"))),
    "python str": lambda char: ascii(char)[1:-1],
    "python bytes": lambda char: repr(char.encode())[2:-1],
    "html": lambda char: html.escape(char).encode("ascii", "xmlcharrefreplace").decode(),
    "percent": lambda char: quote(char, safe=""),
    "percent path": quote,
    "percent form": quote_plus,
    "percent all": lambda char: "".join(f"%{byte:02x}" for byte in char.encode()),
    "hex": lambda char: char.encode().hex(),
}


@dataclass(frozen=True)
class Canary:
    """A secret that must not be found; only its label is ever shown."""

    label: str
    secret: str | int = field(repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.secret, str) and len(self.secret.encode()) < 6:
            raise ValueError(f"canary {self.label}: a text of under 6 bytes is found anywhere by chance")
        if isinstance(self.secret, int) and not 1 << 24 <= abs(self.secret) < 1 << 63:
            raise ValueError(f"canary {self.label}: a number needs 4 to 8 bytes, smaller ones are found anywhere by chance")


class Trace(NamedTuple):
    """Where a canary was first found in one encoding; the offset is a byte in a file or a row of a table."""

    where: str
    canary: str
    encoding: str
    offset: int


@cache
def _ways(char: str, name: str) -> tuple[bytes, ...]:
    cases = {same for case in (char, char.lower(), char.upper(), char.casefold()) for same in (case, case.lower(), case.title())}
    ways: set[bytes] = set()
    for case in cases:
        try:
            if name in BYTES:
                ways.add(BYTES[name](case))
            else:
                plain = ESCAPES[name](case)
                large = plain.upper().replace("\\U", "\\u").replace("\\X", "\\x")
                ways |= {plain.encode(), plain.lower().encode(), large.encode()}
        except UnicodeEncodeError:
            continue
    return tuple(sorted(ways))


def _base64(raw: bytes) -> Iterator[tuple[str, Pieces]]:
    """Only the characters that do not hang on what stands before and after."""
    for shift in range(3):
        middle = base64.b64encode(bytes(shift) + raw)[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield "base64", ((middle,),)
        yield "base64 urlsafe", ((middle.translate(bytes.maketrans(b"+/", b"-_")),),)


def _text_forms(text: str) -> Iterator[tuple[str, Pieces]]:
    normal = {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")} | {text, text.lower()}
    bare = {"".join(char for char in unicodedata.normalize("NFD", one) if not unicodedata.combining(char)) for one in normal}
    # A full-text index keeps words without what stands between them, and mostly without accents.
    words = {" ".join(re.findall(r"[^\W_]+", one)) for one in normal | bare}
    for spelling in sorted(one for one in normal | bare | words if len(one.encode()) >= 6):
        for name in (*BYTES, *ESCAPES):
            yield name, tuple(_ways(char, name) for char in spelling)
    for spelling in _cases(text):
        yield from _base64(spelling.encode("utf-8", "surrogatepass"))


def _cases(text: str) -> set[str]:
    normal = {text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFKC", text)}
    return {case for one in normal for case in (one, one.lower(), one.upper(), one.casefold())}


def _digest_forms(text: str) -> Iterator[tuple[str, Pieces]]:
    """The first 8 bytes of each, so that truncated digests are found as well as whole ones."""
    for spelling in _cases(text):
        for name, digest in DIGESTS.items():
            raw = digest(spelling.encode("utf-8", "surrogatepass")).digest()[:8]
            yield name, ((raw,),)
            yield f"{name} hex", ((raw.hex().encode(), raw.hex().upper().encode()),)
            yield f"{name} base64", ((base64.b64encode(raw)[:10], base64.urlsafe_b64encode(raw)[:10]),)


def _varint(number: int) -> bytes:
    """As SQLite writes a row id: seven bits a byte, of the ninth byte all eight."""
    value = number & (1 << 64) - 1
    if value >> 56:
        return bytes(value >> 8 + 7 * place & 127 | 128 for place in reversed(range(8))) + bytes([value & 255])
    return bytes(value >> 7 * place & 127 | (128 if place else 0) for place in reversed(range(-(-value.bit_length() // 7))))


def _packed_forms(number: int) -> Iterator[tuple[str, Pieces]]:
    packed = [("int64 big", struct.pack(">q", number)), ("int64 little", struct.pack("<q", number))]
    packed += [("double big", struct.pack(">d", number)), ("double little", struct.pack("<d", number))]
    packed += [("pickle", pickle.dumps(number, 2)[2:-1]), ("sqlite row id", _varint(number))]
    if -(1 << 31) <= number < 1 << 32:
        short = number & 0xFFFFFFFF
        packed += [("int32 big", struct.pack(">I", short)), ("int32 little", struct.pack("<I", short))]
    elif -(1 << 47) <= number < 1 << 47:  # SQLite has no five bytes, it goes from four to six
        packed += [("sqlite int48", struct.pack(">q", number)[2:])]
    for name, raw in packed:
        yield name, ((raw,),)
        yield f"{name} hex", ((raw.hex().encode(), raw.hex().upper().encode()),)
        if len(raw) >= 6:
            yield from ((f"{name} {kind}", pieces) for kind, pieces in _base64(raw))


def _forms(secret: str | int) -> Iterator[tuple[str, Pieces]]:
    if isinstance(secret, str):
        yield from _text_forms(secret)
        yield from _digest_forms(secret)
        return
    digits = str(abs(secret))
    # Telegram writes the id of a channel with -100 before it, and in links without.
    bare = int(digits[3:]) if secret < 0 and len(digits) == 13 and digits.startswith("100") else 0
    for number in (secret, abs(secret), bare):
        if abs(number) >= 1 << 24:
            yield from ((f"decimal {name}", pieces) for name, pieces in _text_forms(str(abs(number))))
            yield from ((f"decimal {name}", pieces) for name, pieces in _digest_forms(str(number)))
            yield from _packed_forms(number)
