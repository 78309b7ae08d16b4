"""P6, P7, P8. What a process writes by itself: logs, exceptions, and nothing at a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.promises.conftest import Evidence
from tests.test_log_rules import test_only_the_log_logs_and_only_commands_speak_to_the_terminal as keep_the_rules

ROOT = Path(__file__).parents[2]
CANARY, TOKEN = "zelkandor", "7099887766:AAzelkandortoken"
LOGGERS = (
    "httpx", "httpcore.http11", "telegram.ext.ExtBot", "telegram.request", "nio.responses", "nio.events.misc", "aiosqlite",
    "sqlalchemy.engine", "asyncio", "apscheduler.executors", "py.warnings", "never.seen", "rueckspiegel",
)  # fmt: skip
LOGS = f"""
import logging, sys, warnings
careful = sys.argv[1] == "careful"
if careful:
    from bot import logs
    logs.set_up(True)
else:
    logging.basicConfig(level=logging.DEBUG)
try:
    raise ValueError("{CANARY}") from KeyError("{CANARY}")
except ValueError as error:
    for name in {LOGGERS!r}:
        for level in range(10, 51, 10):
            logging.getLogger(name).log(level, "%s", "{CANARY}", exc_info=error, extra={{"text": "{CANARY}"}})
warnings.warn("{CANARY}")
sys.exit(0)
"""
CALLS = """
import asyncio, logging, sys
from bot.transports.telegram.api import Api
from bot.transports.telegram.outcomes import TokenRefused, Unreachable
careful, token, *urls = sys.argv[1:]
if careful == "careful":
    from bot import logs
    logs.set_up(True)
else:
    logging.basicConfig(level=logging.DEBUG)
async def main():
    for url in urls:
        api = Api(token, url, call_seconds=0.5)
        for call in (api.start, lambda: api.updates(1), lambda: api.do(lambda bot: bot.send_message(1, "x"))):
            try:
                await call()
            except (TokenRefused, Unreachable) as error:
                print(repr(error), error.__cause__, error.__context__ if careful != "careful" else "", file=sys.stderr)
        await api.close()
asyncio.run(main())
"""
CRASHES = """
import ctypes, os, resource, sys
if sys.argv[1] == "careful":
    from bot.hardening import forbid_dumps
    forbid_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
secret = "zelkandor" * 100
os.abort()
"""


LOOKS = """
import ctypes, os, subprocess, sys
how = sys.argv[1]
def as_nobody():
    if os.geteuid() == 0:
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
if how.startswith("target"):
    from bot.hardening import forbid_dumps
    as_nobody()
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as any process is that did not change its user
    if how == "target-careful":
        forbid_dumps()
    secret = "zelk" + "andor" * 100
    print(flush=True)
    sys.stdin.read()
    sys.exit()
target = subprocess.Popen(
    [sys.executable, *sys.orig_argv[1:-1], f"target-{how}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
target.stdout.readline()
as_nobody()
found = 0
try:
    with open(f"/proc/{target.pid}/maps") as maps, open(f"/proc/{target.pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and end - begin < 2**28:
                memory.seek(begin)
                try:
                    found += memory.read(end - begin).count(b"zelk" + b"andor" * 100)
                except OSError:
                    pass
    print("read", found)
except PermissionError:
    print("refused")
target.communicate()
"""


def _said(code: str, how: str, *more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, how, *more], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.mark.promise("P6")
def test_p06_logs_hold_only_named_events_and_typed_fields(evidence: Evidence) -> None:
    keep_the_rules()
    said = _said(LOGS, "careful")
    assert said.count("\n") >= len(LOGGERS) * 5
    assert CANARY not in said
    evidence.finds("the same records through Python's own handler", CANARY in _said(LOGS, "careless"))
    evidence.measured(f"{said.count(chr(10))} lines of {len(LOGGERS)} loggers at every level, 0 with a word of a record")


@pytest.mark.promise("P7")
async def test_p07_the_token_is_in_no_log_and_no_exception(evidence: Evidence) -> None:
    import asyncio

    closing = asyncio.Event()

    async def refuse(request: web.BaseRequest) -> web.Response:
        return web.json_response({"ok": False, "error_code": 401, "description": f"Unauthorized {TOKEN}"}, status=401)

    async def garble(request: web.BaseRequest) -> web.Response:
        return web.Response(body=f"<html>{TOKEN}".encode())

    async def hang(request: web.BaseRequest) -> web.Response:
        await closing.wait()
        return web.Response()

    urls = ["http://127.0.0.1:9", "http://nobody.invalid"]
    runners = []
    for handler in (refuse, garble, hang):
        runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
    said = await asyncio.to_thread(_said, CALLS, "careful", TOKEN, *urls)
    careless = await asyncio.to_thread(_said, CALLS, "careless", TOKEN, *urls[2:4])
    closing.set()
    for runner in runners:
        await runner.cleanup()
    assert said.count("\n") > 10
    assert "AAzelkandor" not in said
    evidence.finds("the same calls with Python's own handler", "AAzelkandor" in careless)
    evidence.measured(f"401, garbage, a refused connection, an unknown host and silence: 0 in {said.count(chr(10))} lines")


@pytest.mark.promise("P8")
def test_p08_a_crash_leaves_no_copy_of_the_memory(tmp_path: Path, evidence: Evidence) -> None:
    found = {}
    for how in ("careful", "careless"):
        folder = tmp_path / how
        folder.mkdir()
        limits = 'ulimit -S -c "$(ulimit -H -c)" 2>/dev/null; exec "$@"'
        command = ["/bin/sh", "-c", limits, "sh", sys.executable, "-c", CRASHES, how]
        own = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == -6
        found[how] = [int(word) for word in done.stdout.split()], list(folder.iterdir())
    assert found["careful"] == ([0, 0], [])
    assert "forbid_dumps()\n" in (ROOT / "bot" / "commands" / "run.py").read_text(encoding="utf-8")
    for unit in (ROOT / "deploy").glob("*.service"):
        assert "LimitCORE=0" in unit.read_text(encoding="utf-8")
        assert "MemorySwapMax=0" in unit.read_text(encoding="utf-8")
    limit, dumpable = found["careless"][0]
    assert dumpable == 1
    # Where the kernel hands dumps to a program, or the machine forbids them, there is no file to find.
    dumps = any(CANARY.encode() * 100 in file.read_bytes() for file in found["careless"][1])
    assert dumps or limit == 0 or Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii").strip() != "core"
    assert _said(LOOKS, "careful").split() == ["refused"]
    evidence.finds("without it another process reads the same words in its memory", _said(LOOKS, "careless").split()[1] > "0")
    evidence.measured("core limit 0, not dumpable, no file after SIGABRT, its memory is refused to others of the same user")
