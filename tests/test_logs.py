"""No token, id, name or text reaches a log, whoever logs it and at whatever level."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import logs
from bot.keys import Keys
from bot.logs import Event, Fate, log
from bot.store import open_store
from bot.store.schema import answered
from bot.transports.telegram.api import Api
from bot.transports.telegram.outcomes import TokenRefused, Unreachable

ROOT = Path(__file__).parent.parent
TOKEN, NAME, TEXT, ID = "7099887766:AAkanarientoken", "Zebedeus Kanari", "kanarienfrage über pausen", 7099887766
CANARIES = (TOKEN, "kanari", "zebedeus", "AAkana", str(ID))
WHOLE = f"{TOKEN} {NAME} {TEXT} {ID}"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (debug|info|warning|error|critical) [a-z-]+( [a-z]+=[\w.-]+)*")


@pytest.fixture(params=[False, True], ids=["info", "debug"])
def out(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    """What the log wrote; at the end nothing of a canary is in it or on the process's own outputs."""
    root, own, out = logging.getLogger(), logging.getLogger("rueckspiegel"), io.StringIO()
    loggers = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [(each, each.handlers, each.propagate, each.level) for each in (root, own, *loggers)]
    hooks = warnings.showwarning, sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions
    logs.set_up(request.param, out)
    try:
        yield out
    finally:
        warnings.showwarning, sys.excepthook, sys.unraisablehook, threading.excepthook, logging.raiseExceptions = hooks
        for each, each.handlers, each.propagate, each.level in before:
            each.manager._clear_cache()  # type: ignore[attr-defined]
    said = out.getvalue() + "".join(capfd.readouterr())
    assert [canary for canary in CANARIES if canary.casefold() in said.casefold()] == []
    assert [line for line in out.getvalue().splitlines() if not LINE.fullmatch(line)] == []


def failing() -> None:
    """Raises with canaries in the text, the cause and the variables."""
    secret = WHOLE
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise ValueError(secret, {secret: secret}) from error


def test_an_own_event_is_one_line_of_its_name_and_typed_fields(out: io.StringIO) -> None:
    log(Event.STARTED, count=3, seconds=1.25, fate=Fate.GONE, exception=ValueError)
    assert out.getvalue()[20:] == " info started count=3 seconds=1.25 fate=gone exception=ValueError\n"


@pytest.mark.parametrize("value", [TEXT, TEXT.encode(), None, [ID], {"id": ID}, (ID,), object(), str, Path(NAME)])
@pytest.mark.parametrize("event", [Event.STARTED, Event.PURGED])
def test_a_field_that_could_hold_a_text_is_refused(out: io.StringIO, event: Event, value: Any) -> None:
    with pytest.raises(TypeError):
        log(event, logging.DEBUG, field=value)
    assert out.getvalue() == ""


@pytest.mark.parametrize("name", ["telegram.Bot", "httpx", "nio.responses", "rueckspiegel", "rueckspiegel.child", "never.seen"])
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL, 37])
def test_of_a_foreign_record_only_logger_level_and_class_are_written(out: io.StringIO, name: str, level: int) -> None:
    logger = logging.getLogger(name)
    logger.log(level if level != 37 else logging.ERROR, WHOLE, extra={"text": WHOLE, "event": WHOLE}, stack_info=True)
    logger.log(logging.ERROR, "%s %r %(x)s", WHOLE, WHOLE)
    logger.error("%s", WHOLE, extra={"_rueckspiegel": None})
    logging.LoggerAdapter(logger, {"name_": NAME}).critical(WHOLE)
    try:
        failing()
    except ValueError as error:
        logger.exception(WHOLE)
        logger.error(error, exc_info=error)
    assert f" error library logger={name} exception=ValueError\n" in out.getvalue()


def _said(second: float, level: int = logging.WARNING, name: str = "nio.crypto.log", error: Exception | None = None) -> None:
    """A library's record of that time."""
    known = {"name": name, "levelno": level, "levelname": logging.getLevelName(level), "msg": WHOLE, "created": 1e6 + second}
    raised = (type(error), error, None) if error else None
    logging.getLogger(name).handle(logging.makeLogRecord(known | {"exc_info": raised}))


def test_equal_lines_of_a_library_are_counted_and_an_event_is_never_left_out(out: io.StringIO) -> None:
    for _ in range(36):
        _said(0)
        log(Event.STARTED)
    _said(0, name="nio.rooms")
    _said(0, logging.ERROR)
    _said(0, error=ValueError(WHOLE))
    _said(59)
    _said(60)
    _said(-3600)
    assert [line[21:] for line in out.getvalue().splitlines() if "started" not in line] == [
        "warning library logger=nio.crypto.log",
        "warning library logger=nio.rooms",
        "error library logger=nio.crypto.log",
        "warning library logger=nio.crypto.log exception=ValueError",
        "warning library logger=nio.crypto.log count=36",
        "warning library logger=nio.crypto.log",
    ]
    assert out.getvalue().count(" info started\n") == 36


def test_a_process_says_classes_alone_even_where_a_library_brought_a_handler() -> None:
    code = (
        "import logging, warnings; from bot import logs; lib = logging.getLogger('lib'); lib.propagate = False;"
        f"lib.addHandler(logging.StreamHandler()); logs.set_up(True); lib.error({WHOLE!r}); warnings.warn({WHOLE!r});"
        f"raise ValueError({WHOLE!r}) from KeyError({WHOLE!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    said = ["error library logger=lib", "warning unhandled exception=UserWarning", "error unhandled exception=ValueError"]
    assert [line[21:] for line in done.stderr.splitlines()] == said


def _is_unraisable() -> None:
    class Falling:
        def __del__(self) -> None:
            failing()

    Falling()
    gc.collect()


def _in_a_thread() -> None:
    thread = threading.Thread(target=failing, name=NAME)
    thread.start()
    thread.join()


def _uncaught() -> None:
    try:
        failing()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)


def _in_the_loop(handled: bool) -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        if handled:
            loop.set_exception_handler(logs.on_loop_exception)
        loop.call_soon(failing)
        loop.call_exception_handler({"message": WHOLE, "future": WHOLE})
        task = asyncio.create_task(asyncio.to_thread(failing), name=NAME)
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(play(), debug=True)


WAYS = (_is_unraisable, _in_a_thread, _uncaught, lambda: _in_the_loop(True), lambda: _in_the_loop(False))


@pytest.mark.parametrize("way", WAYS)
def test_what_python_itself_would_print_is_a_class_alone(out: io.StringIO, way: Callable[[], None]) -> None:
    way()
    assert "exception=" in out.getvalue()


_OK, _SAID = b"HTTP/1.1 200 OK\r\n\r\n", WHOLE.encode()
ANSWERS = (_OK + b"{'ok': " + _SAID, b'HTTP/1.1 401 X\r\n\r\n{"ok":false,"description":"' + _SAID + b'"}', b"", _SAID)


@pytest.mark.parametrize(
    "answer", [*ANSWERS, b"HTTP/1.1 500 X\r\n\r\n" + _SAID, _OK + b'{"ok":true,"result":[["' + _SAID + b'"']
)
async def test_the_libraries_under_telegram_tell_nothing(out: io.StringIO, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        api = Api(TOKEN, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", call_seconds=1.0)
        with pytest.raises((Unreachable, TokenRefused)) as raised:
            await api.start()
        with pytest.raises((Unreachable, TokenRefused)):
            await api.updates(ID)
        await api.do(lambda bot: bot.send_message(ID, TEXT))
        await api.close()
    assert not any(canary in str(raised.value) for canary in CANARIES)


async def test_the_libraries_under_the_store_tell_nothing(out: io.StringIO, tmp_path: Path) -> None:
    async def twice(connection: AsyncConnection) -> None:
        for _ in range(2):
            await connection.execute(insert(answered).values(mark=WHOLE, hour=1))

    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/a.db", Keys(b"k" * 32)) as store:
        with pytest.raises(IntegrityError) as raised:
            await store.run(twice)
    logging.getLogger("sqlalchemy.engine").error("failed", exc_info=raised.value)
    assert not any(canary in str(raised.value) for canary in CANARIES)


def test_a_log_that_cannot_be_written_stops_nothing(out: io.StringIO) -> None:
    closed = io.StringIO()
    logs.set_up(True, closed)
    closed.close()
    log(Event.STARTED)
    logging.getLogger("lib").error(WHOLE)
