"""The bot's keys: one device for ever, believed by everybody, and nothing that reads a question once it is answered."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.app import App
from bot.keys import Keys
from bot.transports import TransportEnded
from bot.transports.matrix.identity import Identity
from tests.live import QUESTION
from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix_runs import DEADLINE, Account, ask, meet, until
from tests.scan import Canary, scan

KEYS = Keys(b"k" * 32)


@pytest.fixture
def bot(hs: Homeserver, tmp_path: Path) -> Iterator[Account]:
    """An account that no bot has used so far."""
    before = os.umask(0o022)
    yield asyncio.run(Account.make(hs, tmp_path / "bot" / "state"))
    os.umask(before)


def _verify(thing: dict[str, Any], user: str, key: str) -> None:
    bare = {name: value for name, value in thing.items() if name not in ("signatures", "unsigned")}
    message = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    public, signature = key, thing["signatures"][user]
    Ed25519PublicKey.from_public_bytes(_decoded(public)).verify(
        _decoded(next(value for name, value in signature.items() if name == f"ed25519:{public}")), message
    )


def _decoded(text: str) -> bytes:
    assert "=" not in text
    return base64.b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.promises
async def test_device_and_identity_stay_over_a_restart_and_a_kill(bot: Account, anna: Person) -> None:
    seen = set()
    for end in ("kill", "terminate", "kill"):
        async with bot.apart() as process:
            await bot.ready()
            room = await meet(anna, bot.user)
            await ask(anna, room)
            seen.add((*bot.devices(), await bot.master()))
            getattr(process, end)()
            assert await process.wait() == (0 if end == "terminate" else -9)
    assert [len(one) for one in seen] == [2]  # one device, one master key, each time the same


async def test_a_stranger_sees_an_identity_that_signed_the_device(bot: Account, hs: Homeserver, app: App) -> None:
    async with bot.here(app):
        await bot.ready()
    found, user = await hs.keys(bot.user), bot.user
    master, self_signing = found["master_keys"][user], found["self_signing_keys"][user]
    [(device_id, device)] = found["device_keys"][user].items()
    for key in (master, self_signing):
        [(id, public)] = key["keys"].items()
        assert id == f"ed25519:{public}"
    device_key = device["keys"][f"ed25519:{device_id}"]
    signature = master["signatures"][user][f"ed25519:{device_id}"]
    _verify({**master, "signatures": {user: {f"ed25519:{device_key}": signature}}}, user, device_key)
    _verify(self_signing, user, next(iter(master["keys"].values())))
    _verify(device, user, next(iter(self_signing["keys"].values())))


async def test_a_foreign_identity_ends_the_bot_and_is_not_replaced(bot: Account, hs: Homeserver, app: App) -> None:
    token = await hs.login(bot.user, bot.password)
    foreign = Identity.of(Keys(Ed25519PrivateKey.generate().private_bytes_raw()), bot.user).upload("NONE", "")
    del foreign["master_key"]["signatures"]
    assert (await hs.request("POST", "/_matrix/client/v3/keys/device_signing/upload", token, foreign))[0] == 200
    before = await bot.master()
    async with bot.here(app) as service:
        await until(lambda: bool(service.ended), "the bot's end")
        assert isinstance(service.ended[0], TransportEnded)
        assert "RUECKSPIEGEL_MATRIX_USER" in str(service.ended[0])
    assert await bot.master() == before


@pytest.mark.parametrize("lost", ["crypto store", "state folder"])
async def test_lost_keys_make_a_new_device_of_the_same_identity(bot: Account, anna: Person, app: App, lost: str) -> None:
    async with bot.here(app):
        await bot.ready()
        await ask(anna, await meet(anna, bot.user))
    [before], master = bot.devices(), await bot.master()
    if lost == "crypto store":
        (bot.state / "matrix" / f"{before}.db").unlink()
    else:
        shutil.rmtree(bot.state)
    async with bot.here(app):
        await until(lambda: before not in bot.devices(), "the end of the old device")
        await bot.ready()
        await ask(anna, await meet(anna, bot.user))
    assert await bot.master() == master
    assert len(bot.devices()) == 1
    assert [file.stem for file in (bot.state / "matrix").glob("*.db")] == bot.devices()


async def test_a_device_that_somebody_else_logged_in_is_left_alone(bot: Account, hs: Homeserver, app: App) -> None:
    await hs.login(bot.user, bot.password, "ELSEWHERE")
    for _ in range(2):
        async with bot.here(app):
            await bot.ready()
    assert "ELSEWHERE" in bot.devices()


async def test_a_backup_that_is_put_back_makes_a_new_device_that_can_be_written_to(
    bot: Account, hs: Homeserver, anna: Person, ben: Person, app: App
) -> None:
    async with bot.here(app):
        await bot.ready()
        await ask(anna, await meet(anna, bot.user))
    shutil.copytree(bot.state, bot.state.parent / "backup")
    [before], master = bot.devices(), await bot.master()
    thief = await hs.login(*await hs.new_user("thief"))
    claim = {"one_time_keys": {bot.user: {before: "signed_curve25519"}}}
    async with bot.here(app):
        for _ in range(5):
            await hs.request("POST", "/_matrix/client/v3/keys/claim", thief, claim)
        await ask(anna, await meet(anna, bot.user))  # a claim alone wakes no sync, at which others are uploaded
        await ask(anna, await meet(anna, bot.user))
    await hs.request("POST", "/_matrix/client/v3/keys/claim", thief, claim)
    shutil.rmtree(bot.state)
    shutil.copytree(bot.state.parent / "backup", bot.state)
    async with bot.here(app):
        await until(lambda: before not in bot.devices(), "the end of the old device")
        await bot.ready()
        await ask(ben, await meet(ben, bot.user))
    assert await bot.master() == master


class Silent(Proxy):
    """A homeserver that once answers the question for keys with nothing."""

    answered = 0

    async def _pass(self, request: Any, body: bytes) -> Any:
        response = await super()._pass(request, body)
        if request.path.endswith("/keys/query"):
            self.answered += 1
            if self.answered <= 2:
                response.body = b"{}"
        return response


async def test_no_answer_about_keys_is_not_taken_for_no_identity(bot: Account, hs: Homeserver, app: App) -> None:
    token = await hs.login(bot.user, bot.password)
    foreign = Identity.of(Keys(Ed25519PrivateKey.generate().private_bytes_raw()), bot.user).upload("NONE", "")
    del foreign["master_key"]["signatures"]
    assert (await hs.request("POST", "/_matrix/client/v3/keys/device_signing/upload", token, foreign))[0] == 200
    before = await bot.master()
    async with Silent(hs.url) as proxy, bot.here(app, proxy.url) as service:
        await until(lambda: bool(service.ended), "the bot's end")
    assert await bot.master() == before


@pytest.mark.promises
async def test_after_a_log_out_everywhere_people_can_still_write(
    bot: Account, hs: Homeserver, anna: Person, ben: Person, app: App
) -> None:
    async with bot.here(app):
        room = await meet(anna, bot.user)
        await ask(anna, room)
        devices = bot.devices()
        token = await hs.login(bot.user, bot.password)
        assert (await hs.request("POST", "/_matrix/client/v3/logout/all", token, {}))[0] == 200
        await ask(anna, room, 2)
        await until(lambda: bot.devices() == devices, "the same device")
        await bot.ready()
        await ask(ben, await meet(ben, bot.user))


@pytest.mark.promises
async def test_without_one_time_keys_and_killed_in_the_upload_a_new_person_is_read(
    bot: Account, hs: Homeserver, anna: Person, ben: Person
) -> None:
    token = await hs.login(*await hs.new_user("thief"))
    async with Proxy(hs.url) as proxy:
        async with bot.apart(proxy.url) as process:
            await bot.ready()
            room = await meet(anna, bot.user)
            [device] = bot.devices()
            proxy.faults.append(Fault("POST", "/keys/upload", after=process.kill))
            claim = {"one_time_keys": {bot.user: {device: "signed_curve25519"}}}

            async def claimed() -> dict[str, Any]:
                _, answer = await hs.request("POST", "/_matrix/client/v3/keys/claim", token, claim)
                return dict(next(iter(answer["one_time_keys"][bot.user][device].values())))

            taken = [await claimed()]
            await anna.say(room, "here", msgtype="m.notice")  # a claim alone wakes no sync
            await asyncio.wait_for(process.wait(), DEADLINE)
        while not taken[-1].get("fallback"):
            taken.append(await claimed())
        assert len({key["key"] for key in taken}) == len(taken) > 50
        await anna.say(room, QUESTION)
        async with bot.apart(proxy.url):
            await anna.wait_message(room, timeout=DEADLINE)
            await ask(ben, await meet(ben, bot.user))
            for _ in range(60):
                await claimed()
            await ask(ben, await meet(ben, bot.user))


@pytest.mark.promises
async def test_a_conversation_leaves_no_person_in_files_that_only_the_bot_reads(
    bot: Account, anna: Person, hs: Homeserver, tmp_path: Path
) -> None:
    dora = await Person.join(hs, "Quixotrella", tmp_path / "dora")
    async with bot.apart(RUECKSPIEGEL_LOG="debug") as process:
        rooms = [await meet(person, bot.user) for person in (anna, dora)]
        for person, room in zip((anna, dora), rooms):
            await ask(person, room, text="does the van camera vambrustically record my voice?")
        process.terminate()
        assert await process.wait() == 0
    await dora.close()
    canaries = [Canary(f"user {p.user_id}", p.user_id) for p in (anna, dora)]
    canaries += [Canary("local", p.user_id[1:].partition(":")[0]) for p in (anna, dora)]
    canaries += [Canary(f"device {p.device_id}", p.device_id) for p in (anna, dora)]
    canaries += [Canary("name", "Quixotrella"), Canary("text", "vambrustically"), Canary("password", bot.password)]
    assert scan([bot.state, bot.state.parent / "log", bot.state.with_name("state.key")], canaries) == []


@pytest.mark.promises
async def test_all_files_of_the_state_are_readable_by_the_bot_alone(bot: Account) -> None:
    async with bot.apart() as process:
        await bot.ready()
        process.terminate()
        assert await process.wait() == 0
    files = [file for file in (*bot.state.rglob("*"), bot.state.with_name("state.key")) if file.is_file()]
    assert [file.name for file in files if file.stat().st_mode & 0o077] == []
