"""P19. Connections go to the declared hosts alone."""

from __future__ import annotations

import ast
import asyncio
import json
from pathlib import Path

import pytest

from bot.app import App
from bot.config import Settings
from bot.connections import BOT, connections
from tests import audit, chaos
from tests.bot_api.process import RemoteBotApi
from tests.live import QUESTION
from tests.matrix import Homeserver, Person
from tests.matrix_runs import Account, ask, meet, until
from tests.promises.conftest import Evidence

ROOT = Path(__file__).parents[2]
NETWORKS = {
    "httpx",
    "httpcore",
    "aiohttp",
    "requests",
    "urllib3",
    "socket",
    "telegram",
    "nio",
    "ssl",
    "http",
    "ftplib",
    "smtplib",
}
MAY = ("bot/transports/telegram/", "bot/transports/matrix/", "bot/loops/clock.py", "bot/intake/net.py", "bot/intake/guard.py",
       "bot/intake/jobs.py", "bot/systemd.py")  # fmt: skip
"""Modules that may open connections; `intake` is loaded by the fetching process alone, systemd's socket is this machine's."""


def _importers(files: list[tuple[str, str]]) -> list[str]:
    """Modules that import something with which connections are made, and may not."""
    found = []
    for name, source in files:
        names = set[str]()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add("urllib.request" if node.module == "urllib.request" else node.module.partition(".")[0])
        if names & {*NETWORKS, "urllib.request"} and not name.startswith(MAY):
            found.append(name)
    return found


@pytest.mark.promise("P19")
def test_p19_few_modules_can_connect_at_all(evidence: Evidence) -> None:
    paths = [file for part in ("bot", "handlers") for file in (ROOT / part).rglob("*.py")]
    files = [(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) for file in paths]
    assert _importers(files) == []
    evidence.finds("a handler that imports an HTTP library", _importers([("handlers/ask.py", "import httpx")]))
    evidence.measured(f"{len(files)} modules, 0 that could connect beside the transports, the clock and the fetching process")


@pytest.mark.promise("P19")
async def test_p19_a_running_bot_connects_to_the_declared_hosts_alone(
    app: App, hs: Homeserver, anna: Person, tmp_path: Path, evidence: Evidence
) -> None:
    account = await Account.make(hs, tmp_path / "state")
    async with RemoteBotApi() as api:
        more = {
            "RUECKSPIEGEL_MATRIX_HOMESERVER": hs.url,
            "RUECKSPIEGEL_MATRIX_USER": account.user,
            "RUECKSPIEGEL_MATRIX_PASSWORD": account.password,
            "AUDIT": str(tmp_path / "audit"),
        }
        async with chaos.bot(api.url, account.state, "tests.promises.audited", **more) as process:
            await api.user(1, "Ana", "en")
            await api.say(1, QUESTION)
            await api.wait_sent(1, 300)
            await until(account.signed, "the bot's keys at the homeserver", 300)
            await ask(anna, await meet(anna, account.user))
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 60) == 0
        settings = Settings(telegram_token="123456:TEST", telegram_api_url=api.url, matrix_homeserver=hs.url)
    declared = {one.host for one in connections([settings], app.base) if one.by == BOT}
    found = [tuple(one) for one in json.loads((tmp_path / "audit").read_text(encoding="utf-8"))]
    connected = {f"{host}:{port}" for kind, host, port in found if kind == "connect"}
    assert connected == declared
    assert audit.outside(found) == []
    planted = ("connect", "203.0.113.9", 443)
    evidence.finds("one connection more", audit.outside([*found, planted]) == [planted])
    evidence.measured(f"{len(connected)} hosts connected to, all of them declared; {len(declared)} declared")
