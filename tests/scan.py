"""Search files and databases for persons: texts and numbers that must not be there, in whatever encoding."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import sqlite3
import struct
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import quote, quote_plus

import numpy as np
import sqlalchemy as sa

Form = tuple[str, bytes, bool]  # encoding, needle, and whether upper and lower case differ
UNREADABLE, ANY, BREAK, CHUNK = "unreadable", ("utf-8", "surrogateescape"), b"\x00\xfe\x01\xfd", 1 << 18
WHOLE, FOLD, MIX, SPREAD, SLOTS = (1 << 64) - 1, 0x2020202020202020, 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15, 22
INDEXES_AS_TABLES = """INSERT INTO sqlite_master SELECT 'table', 'index ' || name, 'index ' || name, rootpage,
    printf('CREATE TABLE "index %w" (%s, PRIMARY KEY (%s)) WITHOUT ROWID', name, cells, cells) FROM (SELECT name, rootpage,
    (SELECT group_concat('c' || seqno) FROM pragma_index_xinfo(of.name)) AS cells FROM sqlite_master of WHERE type = 'index')"""
ESCAPES: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps(text)[1:-1],
    "json utf-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[3:-3],
    "json all": lambda text: re.sub("(....)", r"\\u\1", text.encode("utf-16-be").hex()),
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
        digests: list[Any] = [hashlib.new(name, raw) for name in ("md5", "sha1", "sha256", "sha512")]
        digests += [hashlib.blake2b(raw, digest_size=size) for size in (16, 32, 64)]
        for made in digests:  # the beginnings, so that shortened ones are found too
            yield from ((made.name, made.digest()[:8], True), (f"{made.name} hex", made.hexdigest()[:16].encode(), False))


def _base64_forms(name: str, raw: bytes) -> Iterator[Form]:
    for shift in range(3):  # without the characters that hang on what stands before and after
        middle = base64.b64encode(bytes(shift) + raw)[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield from ((name, middle, True), (f"{name} urlsafe", middle.translate(bytes.maketrans(b"+/", b"-_")), True))


def _forms(secret: str | int) -> Iterator[Form]:
    yield from _text_forms(secret) if isinstance(secret, str) else ()
    # Telegram writes the id of a channel with -100 before it, and in links without.
    bare = re.sub(r"^-100(?=[1-9]\d{9}$)", "", str(secret))
    for number in {secret, abs(secret), int(bare)} if isinstance(secret, int) else ():
        yield from ((f"decimal {name}", raw, exact) for name, raw, exact in _text_forms(str(number)))
        value, nine = number & WHOLE, not 0 <= number < 1 << 56
        # SQLite's row ids have seven bits a byte, but all eight in a ninth; its integers have 4, 6 or 8 bytes.
        high = [value >> shift & 127 | 128 for shift in (range(8, 64, 7) if nine else range(7, value.bit_length(), 7))]
        packed = {"row id": bytes([*reversed(high), value & (255 if nine else 127)])}
        codes = "qdi" if -(1 << 31) <= number < 1 << 31 else "qdI" if 0 <= number < 1 << 32 else "qd"
        packed |= {f"struct {order}{code}": struct.pack(order + code, number) for order in "<>" for code in codes}
        packed |= {"int48": struct.pack(">q", number)[2:]} if -(1 << 47) <= number < 1 << 47 else {}
        for name, raw in packed.items():
            yield from ((name, raw, True), (f"{name} hex", raw.hex().encode(), False))
            yield from _base64_forms(f"{name} base64", raw) if len(raw) >= 6 else ()


class _Scanner:
    """All forms of all canaries, looked up by a hash of their first 16, 8 or 4 bytes."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        forms = ((one.label, *form) for one in canaries for form in _forms(one.secret) if len(form[1]) >= 4)
        known = {(raw if exact else raw.lower(), exact, label): name for label, name, raw, exact in reversed([*forms])}
        self.found: dict[tuple[str, str, str], int] = {}
        self.longest = max((len(raw) for raw, *_ in known), default=1)
        self.heads: dict[int, dict[int, list[tuple[bytes, bool, str, str]]]] = {16: {}, 8: {}, 4: {}}
        self.slots = {width: np.zeros(1 << SLOTS, bool) for width in self.heads}
        for (raw, exact, label), name in known.items():
            width = next(width for width in self.heads if width <= len(raw))
            first, second = (int.from_bytes(raw[at : at + min(8, width)], "little") | FOLD for at in (0, 8))
            key = (first * MIX ^ second) & WHOLE if width == 16 else first & (1 << 8 * width) - 1
            self.heads[width].setdefault(key, []).append((raw, exact, label, name))
            self.slots[width][(key * SPREAD & WHOLE) >> 64 - SLOTS] = True

    def find(self, data: bytes, where: str, begin: int = 0, cells: bool = False) -> None:
        folded = np.full(len(data) + 16, 32, np.uint8)  # with this bit in all bytes "A" and "a" have the same hash
        folded[: len(data)] |= np.frombuffer(data, np.uint8)
        eights = np.ndarray(len(data) + 8, "<u8", folded, strides=(1,)).copy()
        hashes = {16: eights[:-8] * np.uint64(MIX) ^ eights[8:], 8: eights[:-8], 4: eights[:-8] & np.uint64(0xFFFFFFFF)}
        for width, keys in hashes.items():
            for at in np.flatnonzero(self.slots[width][keys * np.uint64(SPREAD) >> np.uint64(64 - SLOTS)]).tolist():
                for raw, exact, label, encoding in self.heads[width].get(int(keys[at]), ()):
                    seen = data[at : at + len(raw)]
                    if (seen if exact else seen.lower()) == raw:
                        self.found.setdefault((where, label, encoding), begin + (data.count(BREAK, 0, at) if cells else at))

    def in_rows(self, where: str, rows: sa.CursorResult[Any]) -> None:
        for part, some in enumerate(rows.partitions(1000)):
            for column, cells in zip(rows.keys(), zip(*some)):
                data = BREAK.join(one if isinstance(one, bytes) else str(one).encode(*ANY) for one in cells)
                self.find(data, f"{where}.{column}", 1000 * part, cells=True)

    def in_tables(self, connection: sa.Connection, where: str = "") -> None:
        run, inspector, lite = connection.exec_driver_sql, sa.inspect(connection), connection.dialect.name == "sqlite"
        quoted = connection.dialect.identifier_preparer.quote_identifier
        for schema in inspector.get_schema_names():
            for name in () if schema.startswith(("pg_", "information_schema")) else inspector.get_table_names(schema):
                self.in_rows(f"{where}{name}", run(f"SELECT * FROM {quoted(schema)}.{quoted(name)}"))
        if not lite:  # PostgreSQL keeps samples of the rows for its planner
            self.in_rows("pg_stats", run("SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats"))
        for name in run("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%fts5%'").scalars().all() if lite else ():
            run(f"CREATE VIRTUAL TABLE temp.scanned USING fts5vocab(main, {quoted(name)}, instance)")
            words = run("SELECT term FROM temp.scanned ORDER BY doc, col, offset").scalars()
            self.find(" ".join(words).encode(*ANY), f"{where}{name}.fts5vocab")
            run("DROP TABLE temp.scanned")

    def in_file(self, path: Path, where: str) -> None:
        data = magic = b""
        with path.open("rb") as stream, tempfile.TemporaryDirectory() as folder:
            while chunk := stream.read(CHUNK):
                data, magic = data[-self.longest :] + chunk, magic or chunk[:16]
                self.find(data, where, stream.tell() - len(data))
            copy = Path(folder, "copy")
            if magic == b"SQLite format 3\x00":
                self.in_sqlite(path, copy, f"{where}:")
            elif magic.startswith(b"\x1f\x8b\x08"):
                copy.write_bytes(gzip.decompress(path.read_bytes()))
                self.in_file(copy, f"{where}!")
            elif magic.startswith(b"PK\x03\x04"):
                with zipfile.ZipFile(path) as archive:
                    for name in archive.namelist():
                        copy.write_bytes(archive.read(name))
                        self.in_file(copy, f"{where}!{name}")

    def in_sqlite(self, path: Path, copy: Path, where: str) -> None:
        for end in ("", "-wal") if Path(f"{path}-wal").exists() else ("",):
            Path(f"{copy}{end}").write_bytes(Path(f"{path}{end}").read_bytes())
        with sa.create_engine(f"sqlite:///{copy}", poolclass=sa.NullPool).connect() as connection:
            for statement in ("PRAGMA writable_schema = ON", INDEXES_AS_TABLES, "PRAGMA writable_schema = RESET"):
                connection.exec_driver_sql(statement)
            cast(sqlite3.Connection, connection.connection.driver_connection).text_factory = lambda raw: raw.decode(*ANY)
            self.in_tables(connection, where)


def scan_database(connection: sa.Connection, canaries: Iterable[Canary]) -> list[Trace]:
    """In every cell of every table."""
    scanner = _Scanner(canaries)
    scanner.in_tables(connection)
    return [Trace(*key, offset) for key, offset in sorted(scanner.found.items())]


def scan(paths: Iterable[Path], canaries: Iterable[Canary]) -> list[Trace]:
    """In names and contents of all files; what cannot be read is a trace of no canary, its encoding `UNREADABLE`."""
    scanner = _Scanner(canaries)
    files = [file for top in paths for file in (top.resolve(strict=True), *top.rglob("*"))]
    for path in files:  # all listed before any copy is made
        scanner.find(path.name.encode(*ANY), f"{path} (name)")
        try:  # to look into folders as well, as a listing is silent about forbidden ones
            scanner.in_file(path, str(path)) if path.is_file() else path.is_dir() and any(path.iterdir())
        except Exception:
            scanner.found[str(path), "", UNREADABLE] = 0
    return [Trace(*key, offset) for key, offset in sorted(scanner.found.items())]
