"""The scanner finds every planted leak, and nothing where there is none."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import random
import sqlite3
import struct
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa

from tests.scan import CHUNK, UNREADABLE, Canary, Trace, scan, scan_database

NAME = "Zäzilie Brömmelkamp"
USER, CHAT, SMALL = 71_234_567_890_123, -1007099887766, 2_123_456_789
CANARIES = [Canary("name", NAME), Canary("user", USER), Canary("chat", CHAT), Canary("small", SMALL)]
UTF8 = NAME.encode()
DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b")

TEXTS = {
    "utf-8": UTF8,
    "utf-16-le": NAME.encode("utf-16-le"),
    "utf-16-be": NAME.encode("utf-16-be"),
    "latin-1": NAME.encode("latin-1"),
    "ascii": b"Z&#228;zilie Br&#246;mmelkamp",
    "json": json.dumps({"from": NAME}).encode(),
    "json in json": json.dumps(json.dumps({"from": NAME})).encode(),
    "json all": "".join(f"\\u{ord(letter):04X}" for letter in NAME).encode(),
    "python bytes": repr(UTF8).encode(),
    "percent": quote(NAME).encode(),
    "percent form": quote_plus(NAME).encode(),
    "percent all": "".join(f"%{byte:02X}" for byte in UTF8).encode(),
    "hex": UTF8.hex().encode(),
    **{name: hashlib.new(name, UTF8).digest() for name in DIGESTS},
    **{f"{name} hex": hashlib.new(name, UTF8).hexdigest().encode() for name in DIGESTS},
}
SPELLINGS = {
    "lower": NAME.lower(),
    "upper": NAME.upper(),
    "mixed": "zäZILIE bröMMELKAMP",
    "decomposed": unicodedata.normalize("NFD", NAME),
    "without accents": "zazilie brommelkamp",
    "in a sentence": f"Ich bin {NAME}.",
}
NUMBERS = {
    "decimal utf-8": str(USER).encode(),
    "decimal utf-16-le": str(USER).encode("utf-16-le"),
    "decimal json all": "".join(f"\\u{ord(digit):04x}" for digit in str(USER)).encode(),
    "decimal hex": str(USER).encode().hex().encode(),
    "struct >q": USER.to_bytes(8, "big"),
    "struct <q": USER.to_bytes(8, "little"),
    "struct >q hex": USER.to_bytes(8, "big").hex().encode(),
    "struct <q hex": USER.to_bytes(8, "little").hex().upper().encode(),
    "struct >d": struct.pack(">d", USER),
    "int48": USER.to_bytes(6, "big"),
    "int48 hex": USER.to_bytes(6, "big").hex().encode(),
    **{f"decimal {name}": hashlib.new(name, str(USER).encode()).digest()[:8] for name in DIGESTS},
    **{f"decimal {name} hex": hashlib.new(name, str(USER).encode()).hexdigest()[:16].encode() for name in DIGESTS},
}
CHATS = {
    "decimal utf-8": b"https://t.me/c/7099887766/3",
    "decimal base64": base64.b64encode(b'{"chat": -1007099887766}'),
    "decimal sha256 hex": hashlib.sha256(b"-1007099887766").hexdigest().encode(),
    "struct >q": struct.pack(">q", CHAT),
    "struct <q": struct.pack("<q", CHAT),
    "int48": struct.pack(">q", CHAT)[2:],
}
SMALLS = {
    "decimal utf-8": b"2123456789",
    "struct >i": SMALL.to_bytes(4, "big"),
    "struct <i": SMALL.to_bytes(4, "little"),
    "struct >i hex": SMALL.to_bytes(4, "big").hex().encode(),
}
LEAKS = [
    *(("name", encoding, leak) for encoding, leak in TEXTS.items()),
    *(("name", "utf-8", spelling.encode()) for spelling in SPELLINGS.values()),
    *(("user", encoding, leak) for encoding, leak in NUMBERS.items()),
    *(("chat", encoding, leak) for encoding, leak in CHATS.items()),
    *(("small", encoding, leak) for encoding, leak in SMALLS.items()),
]


def seen(traces: list[Trace], canary: str, where: str = "") -> set[str]:
    """Encodings in which the canary was found in places of that name."""
    return {trace.encoding for trace in traces if trace.canary == canary and where in trace.where}


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA secure_delete = OFF")
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize(("canary", "encoding", "leak"), LEAKS, ids=[f"{canary}-{encoding}" for canary, encoding, _ in LEAKS])
def test_every_encoding_is_found_amid_random_bytes(tmp_path: Path, canary: str, encoding: str, leak: bytes) -> None:
    noise = random.Random(encoding)
    # Across the border of two reads, where a leak is most easily missed.
    before = CHUNK - len(leak) // 2
    (tmp_path / ".noise").write_bytes(noise.randbytes(before) + leak + noise.randbytes(5000))
    traces = scan([tmp_path], CANARIES)
    assert encoding in seen(traces, canary)
    assert {trace.canary for trace in traces} == {canary}
    assert all(before <= trace.offset < before + len(leak) for trace in traces)


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize(("canary", "leak"), [("name", UTF8), ("user", str(USER).encode()), ("user", USER.to_bytes(8, "big"))])
def test_base64_is_found_at_every_alignment(tmp_path: Path, before: int, encode: type, canary: str, leak: bytes) -> None:
    (tmp_path / "log").write_bytes(b"\n" + encode(b"\xfb\xff\xfe"[:before] + leak + b"\xff\xfe") + b"\n")
    assert any("base64" in encoding for encoding in seen(scan([tmp_path], CANARIES), canary))


def test_signs_that_json_escapes_are_found(tmp_path: Path) -> None:
    secret = 'der "große"\n\\Chef'
    for ascii_only in (True, False):
        (tmp_path / f"{ascii_only}.json").write_bytes(json.dumps([secret], ensure_ascii=ascii_only).encode())
    traces = scan([tmp_path], [Canary("signs", secret)])
    assert seen(traces, "signs", "True.json") == {"json"}
    assert seen(traces, "signs", "False.json") == {"json utf-8"}


def test_base64_with_signs_of_its_own_is_found_in_both_alphabets(tmp_path: Path) -> None:
    secret = "ü?ü>ü~ÿ?>>>"
    assert {b"+", b"/"} & {bytes([byte]) for byte in base64.b64encode(secret.encode())}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        (tmp_path / encode.__name__).write_bytes(encode(secret.encode()))
    traces = scan([tmp_path], [Canary("signs", secret)])
    assert {"base64"} <= seen(traces, "signs", "/b64encode")
    assert {"base64 urlsafe"} <= seen(traces, "signs", "/urlsafe_b64encode")


@pytest.mark.parametrize(
    "secret", ["Владислав", "Σίσυφος Στεφανίδης", "Groß-Straßer", "İlkay Yıldız", "李小龙李", "ﬁnnland", "🐸🐸🐸"]
)
@pytest.mark.parametrize("case", [str, str.lower, str.upper, str.casefold, str.title])
def test_names_of_all_scripts_are_found_in_all_cases(tmp_path: Path, secret: str, case: type) -> None:
    for encoding in ("utf-8", "utf-16-le"):
        (tmp_path / encoding).write_bytes(case(secret).encode(encoding))
        assert encoding in seen(scan([tmp_path], [Canary("name", secret)]), "name", encoding)


def test_numbers_are_found_in_live_cells_and_as_row_ids(tmp_path: Path) -> None:
    with database(tmp_path / "base.db") as base:
        base.execute("CREATE TABLE chats (id INTEGER PRIMARY KEY, peer INTEGER)")
        base.execute("INSERT INTO chats VALUES (?, ?)", (CHAT, USER))
        base.execute("INSERT INTO chats VALUES (1, ?)", (SMALL,))
    traces = scan([tmp_path], CANARIES)
    assert {"int48"} <= seen(traces, "user", "base.db")
    assert {"struct >i"} <= seen(traces, "small", "base.db")
    assert {"row id"} <= seen(traces, "chat", "base.db")
    assert seen(traces, "chat", "base.db:chats.id")
    assert {trace.offset for trace in traces if trace.where.endswith(":chats.peer") and trace.canary == "small"} == {1}


@pytest.mark.parametrize("number", [1 << 24, 1 << 40, 1 << 55, (1 << 56) - 1, 1 << 56, 1 << 62, -(1 << 24), -(1 << 62) - 1])
def test_row_ids_of_all_sizes_are_found_in_the_bytes_of_a_file(tmp_path: Path, number: int) -> None:
    with database(tmp_path / "base.db") as base:
        base.execute("CREATE TABLE chats (id INTEGER PRIMARY KEY, words)")
        base.executemany("INSERT INTO chats VALUES (?, ?)", [(number + 5, "other"), (number, "words"), (number - 5, "other")])
    assert "row id" in {trace.encoding for trace in scan([tmp_path], [Canary("id", number)]) if trace.where.endswith("base.db")}


def test_deleted_rows_are_found_without_secure_delete_and_not_with_it(tmp_path: Path) -> None:
    for switch in ("OFF", "ON"):
        with database(tmp_path / f"{switch}.db") as base:
            base.execute(f"PRAGMA secure_delete = {switch}")
            base.execute("CREATE TABLE notes (words)")
            base.execute("INSERT INTO notes VALUES (?)", (f"{NAME} asked",))
            base.execute("DELETE FROM notes")
    traces = scan([tmp_path], CANARIES)
    assert "utf-8" in seen(traces, "name", "OFF.db")
    assert not seen(traces, "name", "/ON.db")


def test_the_write_ahead_log_is_read_as_bytes_and_as_rows(tmp_path: Path) -> None:
    with database(tmp_path / "base.db") as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("CREATE TABLE chats (peer, words)")
        base.execute("INSERT INTO chats VALUES (?, ?)", (USER, NAME))
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        traces = scan([tmp_path], CANARIES)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert "int48" in seen(traces, "user", "base.db-wal")
    assert seen(traces, "name", "base.db:chats.words")


@pytest.mark.parametrize("options", ["", ", content=''", ", tokenize='unicode61 remove_diacritics 0'"])
def test_full_text_indexes_are_found(tmp_path: Path, options: str) -> None:
    with database(tmp_path / "base.db") as base:
        base.execute(f'CREATE VIRTUAL TABLE "the notes" USING fts5(a, b{options})')
        base.execute(
            'INSERT INTO "the notes" (rowid, a, b) VALUES (1, ?, ?)', ("nothing", f"(Zäzilie), Brömmelkamp: {'x ' * 9}")
        )
    assert "utf-8" in seen(scan([tmp_path], CANARIES), "name", "base.db:the notes.fts5vocab")


def test_indexes_are_read_where_their_bytes_are_torn_apart(tmp_path: Path) -> None:
    with database(tmp_path / "base.db") as base:
        base.execute("PRAGMA page_size = 512")
        base.execute("BEGIN")
        base.execute("CREATE TABLE notes (key TEXT PRIMARY KEY, words, other UNIQUE)")
        base.execute("CREATE INDEX turned ON notes (replace(words, '-', 'ü') DESC, other)")
        for start in range(500):
            secret = "y" * start + "Gr-n-F-lbr-ck" + "z" * 600
            base.execute("INSERT INTO notes VALUES (?, ?, ?)", (start, secret, -start))
        base.execute("COMMIT")
    traces = scan([tmp_path], [Canary("torn", "GrünüFülbrück")])
    assert "utf-8" in seen(traces, "torn", "base.db:index turned.c0")


@pytest.mark.parametrize("coding", ["UTF-8", "UTF-16"])
def test_texts_that_are_none_and_databases_in_other_codings_are_read(tmp_path: Path, coding: str) -> None:
    with database(tmp_path / "base.db") as base:
        base.execute(f"PRAGMA encoding = '{coding}'")
        base.execute("CREATE TABLE notes (words TEXT, raw BLOB)")
        base.execute("INSERT INTO notes VALUES (CAST(x'fffeff' AS TEXT), NULL)")
        base.execute("INSERT INTO notes VALUES (?, ?)", (NAME, NAME.encode("utf-16-be")))
    traces = scan([tmp_path], CANARIES)
    assert UNREADABLE not in {trace.encoding for trace in traces}
    assert "utf-8" in seen(traces, "name", ":notes.words")
    assert "utf-16-be" in seen(traces, "name", ":notes.raw")


def test_packed_logs_archives_and_backups_are_opened(tmp_path: Path) -> None:
    with database(tmp_path / "base.db") as base:
        base.execute("CREATE TABLE chats (peer INTEGER)")
        base.execute("INSERT INTO chats VALUES (?)", (USER,))
    (tmp_path / "base.db.gz").write_bytes(gzip.compress((tmp_path / "base.db").read_bytes()))
    (tmp_path / "bot.log.1.gz").write_bytes(gzip.compress(b"INFO " * 5000 + UTF8 + b" INFO" * 5000))
    with zipfile.ZipFile(tmp_path / "old.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("logs/bot.log", b"INFO " * 50 + UTF8)
    traces = scan([tmp_path], CANARIES)
    assert seen(traces, "user", "base.db.gz!:chats.peer")
    assert "utf-8" in seen(traces, "name", "bot.log.1.gz!")
    assert "utf-8" in seen(traces, "name", "old.zip!logs/bot.log")


def test_names_of_files_and_folders_are_searched(tmp_path: Path) -> None:
    (tmp_path / str(USER)).mkdir()
    (tmp_path / f"{NAME.casefold()}.log").touch()
    assert {trace.canary for trace in scan([tmp_path], CANARIES)} == {"user", "name"}


def test_what_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\x00" + random.Random(1).randbytes(5000))
    (tmp_path / "torn.gz").write_bytes(gzip.compress(random.Random(2).randbytes(5000))[:-50])
    (tmp_path / "forbidden").mkdir(mode=0o000)
    traces = scan([tmp_path], CANARIES)
    forbidden = {"forbidden"} if os.geteuid() else set()  # nothing is forbidden to root
    assert {Path(trace.where).name for trace in traces if trace.encoding == UNREADABLE} == {"torn.db", "torn.gz"} | forbidden
    with pytest.raises(FileNotFoundError):
        scan([tmp_path / "mistyped"], CANARIES)


def test_every_cell_behind_a_connection_is_searched() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("CREATE TABLE chats (id INTEGER PRIMARY KEY, words TEXT, extra JSON)")
        connection.exec_driver_sql("CREATE VIRTUAL TABLE found USING fts5(words, content='')")
        assert scan_database(connection, CANARIES) == []
        connection.exec_driver_sql("INSERT INTO chats VALUES (?, 'nothing', NULL)", [(number,) for number in range(1500)])
        connection.exec_driver_sql("INSERT INTO chats VALUES (1500, ?, ?)", (NAME, json.dumps([CHAT])))
        connection.exec_driver_sql("INSERT INTO found (rowid, words) VALUES (1, ?)", (NAME,))
        traces = scan_database(connection, CANARIES)
    assert Trace("chats.words", "name", "utf-8", 1500) in traces
    assert Trace("chats.extra", "chat", "decimal utf-8", 1500) in traces
    assert "utf-8" in seen(traces, "name", "found.fts5vocab")


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    noise = random.Random(5)
    canaries = [Canary(f"n{number}", noise.randrange(1 << 42, 1 << 52)) for number in range(60)]
    canaries += [Canary(f"t{number}", "".join(noise.choices("abcdefghijklmnopqrstuvwxyzäöüß", k=10))) for number in range(60)]
    (tmp_path / "logs").mkdir()
    (tmp_path / "noise").write_bytes(noise.randbytes(4_000_000))
    (tmp_path / "logs" / "zeros").write_bytes(bytes(1_000_000))
    (tmp_path / "logs" / "hex.gz").write_bytes(gzip.compress(noise.randbytes(300_000).hex().encode(), 1))
    (tmp_path / "logs" / "base64").write_bytes(base64.b64encode(noise.randbytes(1_000_000)))
    with database(tmp_path / "base.db") as base:
        base.execute("BEGIN")
        base.execute("CREATE TABLE chats (peer INTEGER UNIQUE, words)")
        base.execute("CREATE VIRTUAL TABLE found USING fts5(words)")
        for _ in range(2000):
            base.execute("INSERT INTO chats VALUES (?, ?)", (noise.randrange(1 << 52, 1 << 60), noise.randbytes(30).hex()))
            base.execute("INSERT INTO found VALUES (?)", (noise.randbytes(30).hex(),))
        base.execute("COMMIT")
    assert scan([tmp_path], canaries) == []


@pytest.mark.parametrize("secret", ["Ali", "", 12345, -99, 1 << 63])
def test_a_canary_that_chance_would_find_is_refused(secret: str | int) -> None:
    with pytest.raises(ValueError, match="canary short"):
        Canary("short", secret)


def test_secrets_are_not_shown() -> None:
    assert repr(CANARIES[0]) == "Canary(label='name')"
