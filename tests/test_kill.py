"""The promise in its short form: no question is lost over kill -9 and faults, whatever the moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import chaos


async def test_no_question_is_lost_over_kill_9(tmp_path: Path) -> None:
    result = await chaos.killed(tmp_path / "state", people=60, kills=3, seed=1)
    assert result.lost == 0
    assert result.repeated <= result.kills * chaos.AT_ONCE


@pytest.mark.promises
async def test_no_question_is_lost_while_calls_fail_in_another_process(tmp_path: Path) -> None:
    result = await chaos.faulty(tmp_path / "state", people=60, seed=2)
    assert result.lost == 0


@pytest.mark.promises
async def test_one_parked_chat_silences_nobody(tmp_path: Path) -> None:
    _, missed = await chaos.parked(tmp_path / "state", people=150)
    assert missed == 0


async def test_a_second_bot_with_the_same_state_is_refused(tmp_path: Path) -> None:
    async with chaos.RemoteBotApi() as api, chaos.bot(api.url, tmp_path / "state") as first:
        await api.user(1, "Ana", "en")
        await api.say(1, "hello")
        await api.wait_sent(1, 30)
        async with chaos.bot(api.url, tmp_path / "state") as second:
            assert await second.wait() == 2
        assert first.returncode is None
    assert "another process serves this bot account" in (tmp_path / "log").read_text(encoding="utf-8")


async def test_a_missing_setting_names_the_variable(tmp_path: Path) -> None:
    for name in ("RUECKSPIEGEL_TELEGRAM_TOKEN", "RUECKSPIEGEL_CONTACT"):
        async with chaos.bot("http://127.0.0.1:9", tmp_path / "state", **{name: ""}) as process:
            assert await process.wait() == 2
        assert name in (tmp_path / "log").read_text(encoding="utf-8").splitlines()[-1]
