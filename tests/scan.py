"""Search files and databases for persons: texts and numbers that must not be there, in whatever encoding."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

import numpy as np
import sqlalchemy as sa

Form = tuple[str, bytes, bool]  # encoding, needle, whether upper and lower case differ
UNREADABLE, BREAK, CHUNK, SLOTS = "unreadable", b"\x00\xfe\x01\xfd", 1 << 18, 22
WHOLE, FOLD, MIX, SPREAD = (1 << 64) - 1, 0x2020202020202020, 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15
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
    """A secret that must not be found: best one rare word, or 43 bits and more, as short ones are found by chance."""

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
        for codec in ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "ascii"):
            yield codec, one.encode(codec, "xmlcharrefreplace"), False
        yield from ((name, escape(one).encode(), False) for name, escape in ESCAPES.items())
        yield from _base64_forms("base64", raw)
        digests = [hashlib.new(name, raw) for name in ("md5", "sha1", "sha256", "sha512", "blake2b")]
        for digest in (*digests, hashlib.blake2b(raw, digest_size=16), hashlib.blake2b(raw, digest_size=32)):
            start = digest.digest()[:8]  # so that shortened ones are found too
            yield from ((digest.name, start, True), (f"{digest.name} hex", start.hex().encode(), False))


def _base64_forms(name: str, raw: bytes) -> Iterator[Form]:
    for shift in range(3):  # without the characters that hang on what stands before and after
        middle = base64.b64encode(bytes(shift) + raw)[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield from ((name, middle, True), (f"{name} urlsafe", middle.translate(bytes.maketrans(b"+/", b"-_")), True))


def _number_forms(number: int) -> Iterator[Form]:
    yield from ((f"decimal {name}", raw, exact) for name, raw, exact in _text_forms(str(number)))
    value = number & WHOLE
    # SQLite's row ids have seven bits a byte, but all eight in a ninth; its integers have 4, 6 or 8 bytes.
    row_id = [value >> shift & 127 | 128 for shift in (range(8, 64, 7) if value >> 56 else range(7, value.bit_length(), 7))]
    packed = {"row id": bytes([*reversed(row_id), value & (255 if value >> 56 else 127)])}
    for order, name in ((">", "big-endian"), ("<", "little-endian")):
        packed |= {f"int64 {name}": struct.pack(f"{order}q", number), f"double {name}": struct.pack(f"{order}d", number)}
        if -(1 << 31) <= number < 1 << 32:
            packed[f"int32 {name}"] = struct.pack(f"{order}I", value & 0xFFFFFFFF)
        elif -(1 << 47) <= number < 1 << 47:
            packed["int48 big-endian"] = struct.pack(">q", number)[2:]
    for name, raw in packed.items():
        yield from ((name, raw, True), (f"{name} hex", raw.hex().encode(), False))
        yield from _base64_forms(f"{name} base64", raw) if len(raw) >= 6 else ()


def _forms(secret: str | int) -> Iterator[Form]:
    if isinstance(secret, str):
        return _text_forms(secret)
    # Telegram writes the id of a channel with -100 before it, and in links without.
    numbers = {secret, abs(secret), int(re.sub(r"^-100(?=\d{10}$)", "", str(secret)))}
    return (form for number in numbers for form in _number_forms(number))


class _Scanner:
    """All forms of all canaries, looked up by a hash of their first 16, 8 or 4 bytes."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        forms = ((one.label, *form) for one in canaries for form in _forms(one.secret) if len(form[1]) >= 4)
        known = {(label, name, raw if exact else raw.lower(), exact) for label, name, raw, exact in forms}
        self.longest = max((len(needle[2]) for needle in known), default=1)
        self.heads: dict[int, dict[int, list[tuple[str, str, bytes, bool]]]] = {16: {}, 8: {}, 4: {}}
        for needle in known:
            width = next(width for width in self.heads if width <= len(needle[2]))
            first, second = (int.from_bytes(needle[2][at : at + min(8, width)], "little") | FOLD for at in (0, 8))
            key = (first * MIX ^ second) & WHOLE if width == 16 else first & (1 << 8 * width) - 1
            self.heads[width].setdefault(key, []).append(needle)
        self.slots = {width: np.zeros(1 << SLOTS, bool) for width in self.heads}
        for width, heads in self.heads.items():
            self.slots[width][[(key * SPREAD & WHOLE) >> 64 - SLOTS for key in heads]] = True

    def find(self, data: bytes, where: str, begin: int = 0) -> Iterator[Trace]:
        folded = np.full(len(data) + 16, 32, np.uint8)  # with this bit in all bytes "A" and "a" have the same hash
        folded[: len(data)] |= np.frombuffer(data, np.uint8)
        eights = np.ndarray(len(data) + 8, "<u8", folded, strides=(1,)).copy()
        hashes = {16: eights[:-8] * np.uint64(MIX) ^ eights[8:], 8: eights[:-8], 4: eights[:-8] & np.uint64(0xFFFFFFFF)}
        for width, keys in hashes.items():
            places = np.flatnonzero(self.slots[width][keys * np.uint64(SPREAD) >> np.uint64(64 - SLOTS)])
            for place, key in zip(places.tolist(), keys[places].tolist()):
                for label, encoding, raw, exact in self.heads[width].get(key, ()):
                    seen = data[place : place + len(raw)]
                    if (seen if exact else seen.lower()) == raw:
                        yield Trace(where, label, encoding, begin + place)

    def in_rows(self, table: str, rows: sa.CursorResult[Any]) -> Iterator[Trace]:
        for part, some in enumerate(rows.partitions(1000)):
            for column, cells in zip(rows.keys(), zip(*some)):
                data = BREAK.join(bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode() for one in cells)
                for trace in self.find(data, f"{table}.{column}"):
                    yield trace._replace(offset=1000 * part + data.count(BREAK, 0, trace.offset))

    def in_tables(self, connection: sa.Connection) -> Iterator[Trace]:
        run, inspector, cells = connection.exec_driver_sql, sa.inspect(connection), [sa.literal_column("*")]
        for schema in inspector.get_schema_names():
            for name in () if schema.startswith(("pg_", "information_schema")) else inspector.get_table_names(schema):
                if connection.dialect.name == "sqlite":  # whose texts may hold any bytes
                    columns = [sa.column(column["name"]) for column in inspector.get_columns(name, schema)]
                    cells = [sa.cast(column, sa.LargeBinary).label(column.name) for column in columns]
                yield from self.in_rows(name, connection.execute(sa.select(*cells).select_from(sa.table(name, schema=schema))))
        if connection.dialect.name != "sqlite":
            yield from self.in_rows("pg_stats", run("SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats"))
            return
        for name in run("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'").scalars().all():
            run(f"CREATE VIRTUAL TABLE temp.scanned USING fts5vocab(main, '{name}', instance)")
            words = run("SELECT term FROM temp.scanned ORDER BY doc, col, offset").scalars()
            yield from self.find(" ".join(words).encode(), f"{name}.fts5vocab")
            run("DROP TABLE temp.scanned")

    def in_file(self, path: Path, where: str, inside: bool = False) -> Iterator[Trace]:
        data = magic = b""
        with path.open("rb") as stream, tempfile.TemporaryDirectory() as folder:
            while chunk := stream.read(CHUNK):
                data, magic = data[-self.longest :] + chunk, magic or chunk[:16]
                yield from self.find(data, where, stream.tell() - len(data))
            copy = Path(folder, "copy")
            if magic == b"SQLite format 3\x00":
                for end in ("", "-wal"):
                    if Path(f"{path}{end}").exists():
                        shutil.copyfile(f"{path}{end}", f"{copy}{end}")
                with sa.create_engine(f"sqlite:///{copy}", poolclass=sa.NullPool).connect() as connection:
                    yield from (trace._replace(where=f"{where}:{trace.where}") for trace in self.in_tables(connection))
            elif magic.startswith(b"PK\x03\x04") and not inside:
                with zipfile.ZipFile(path) as archive:
                    for name in archive.namelist():
                        copy.write_bytes(archive.read(name))
                        yield from self.in_file(copy, f"{where}!{name}", inside=True)
            elif magic.startswith(b"\x1f\x8b") and not inside:
                copy.write_bytes(gzip.decompress(path.read_bytes()))
                yield from self.in_file(copy, f"{where}!", inside=True)


def _first(traces: Iterable[Trace]) -> list[Trace]:
    return sorted({trace[:3]: trace for trace in sorted(traces, reverse=True)}.values())


def scan_database(connection: sa.Connection, canaries: Iterable[Canary]) -> list[Trace]:
    """In every cell of every table."""
    return _first(_Scanner(canaries).in_tables(connection))


def scan(paths: Iterable[Path], canaries: Iterable[Canary]) -> list[Trace]:
    """In names and contents of all files; what cannot be read is a trace without a canary, encoding `UNREADABLE`."""
    scanner, traces = _Scanner(canaries), list[Trace]()
    for path in [file for path in paths for file in (path, *path.rglob("*"))]:  # listed before copies are made
        traces += scanner.find(path.name.encode(errors="surrogateescape"), f"{path} (name)")
        try:
            traces += scanner.in_file(path, str(path)) if path.is_file() else path.iterdir()
        except Exception as error:
            traces.append(Trace(str(path), "", UNREADABLE, 0))
    return _first(traces)
