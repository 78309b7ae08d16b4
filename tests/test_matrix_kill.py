"""No question is lost and none answered twice over kill -9, and nothing of it stays; `killed` is the long form as well."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.matrix import Fault, Homeserver, Person, Proxy
from tests.matrix_runs import DEADLINE, SEND, Account, meet, until
from tests.scan import Canary, scan

PEOPLE = ("Quixotrella", "Vambrustina", "Zelkandora", "Morvinghasta")
WORDS = ("telpardine", "ombraxic", "fulgranter", "snerivolt")


@dataclass
class Crowd:
    """People who ask, each in an encrypted room of their own."""

    people: list[Person]
    rooms: list[str]
    roots: list[str]
    asked: list[list[str]]

    async def enter(self, bot: str) -> None:
        """Open the rooms, and in each a thread, as what is said there names the question that it answers."""
        self.rooms = [await meet(person, bot) for person in self.people]
        said = [person.say(room, "here", msgtype="m.notice") for person, room in zip(self.people, self.rooms)]
        self.roots = await asyncio.gather(*said)

    async def ask(self, number: int) -> None:
        """The next question of the `number`-th in turn."""
        place = number % len(self.people)
        text = f"what can the van camera record of {WORDS[place]}? ({number})"
        self.asked[place].append(await self.people[place].say(self.rooms[place], text, thread=self.roots[place]))

    def answers(self) -> Counter[str]:
        """How often each question was answered, as those who asked it read it."""
        found: Counter[str] = Counter()
        for person, room in zip(self.people, self.rooms):
            found.update(seen.relates_to.get("m.in_reply_to", {}).get("event_id", "none") for seen in person.seen(room))
        return found

    def questions(self) -> set[str]:
        return {id for asked in self.asked for id in asked}

    async def sync(self) -> None:
        for person in self.people:
            await person.sync_once()


@dataclass(frozen=True)
class Result:
    """What became of `asked` questions."""

    asked: int
    lost: int
    doubled: int
    unreadable: int
    kills: int
    between: int
    traces: list[str]


@asynccontextmanager
async def crowd(hs: Homeserver, folder: Path) -> AsyncIterator[Crowd]:
    people = [await Person.join(hs, name, folder / name) for name in PEOPLE]
    try:
        yield Crowd(people, [], [], [[] for _ in people])
    finally:
        await asyncio.gather(*(person.close() for person in people))


async def killed(hs: Homeserver, folder: Path, *, questions: int, kills: int, seed: int = 1) -> Result:
    """Killed again and again: every second time after the homeserver took an answer and before the bot heard of it."""
    dice, between = random.Random(seed), 0
    bot = await Account.make(hs, folder / "bot" / "state")
    async with crowd(hs, folder) as some, Proxy(hs.url) as proxy:
        number = 0
        for kill in range(kills + 1):
            async with bot.apart(proxy.url, RUECKSPIEGEL_LOG="debug") as process:
                if not some.rooms:
                    await bot.ready()
                    await some.enter(bot.user)
                if kill == kills // 2:
                    await hs.restart()
                share = questions * (kill + 1) // (kills + 1)
                fault = await _strike(proxy, process, exact=kill % 2 == 0, skip=dice.randrange(2)) if kill < kills else None
                while number < share:
                    await some.ask(number)
                    number += 1
                if kill < kills:
                    if kill % 2:
                        await until(lambda: len(some.answers()) > kill * questions // (kills + 1), "answers before a kill")
                        process.kill()
                    await asyncio.wait_for(process.wait(), DEADLINE)
                    between += fault.struck if fault else 0
                    proxy.faults.clear()
                    continue
                await until(lambda: not some.questions() - some.answers().keys(), "answers to all")
                process.terminate()
                assert await asyncio.wait_for(process.wait(), 20) == 0
        await some.sync()
        return _result(some, kills, between, _traces(bot, some))


async def _strike(proxy: Proxy, process: asyncio.subprocess.Process, *, exact: bool, skip: int) -> Fault | None:
    """The kill that comes between the homeserver's acceptance of a send and its response."""
    if not exact:
        return None

    async def kill() -> None:
        process.kill()
        await process.wait()

    proxy.faults.append(fault := Fault("PUT", SEND, after=kill, skip=skip))
    return fault


def _traces(bot: Account, some: Crowd) -> list[str]:
    canaries = [Canary(f"user-{person.user_id}", person.user_id) for person in some.people]
    canaries += [Canary(f"local-{person.user_id}", person.user_id[1:].partition(":")[0]) for person in some.people]
    canaries += [Canary(f"device-{person.device_id}", person.device_id) for person in some.people]
    canaries += [Canary(word, word) for word in (*PEOPLE, *WORDS)]
    canaries += [Canary("event", id) for id in some.questions()] + [Canary("password", bot.password)]
    log = bot.state.parent / "log"
    assert log.stat().st_size > 1_000
    return [str(trace) for trace in scan([bot.state, log, bot.state.with_name("state.key")], canaries)]


def _result(some: Crowd, kills: int, between: int, traces: list[str]) -> Result:
    answers, questions = some.answers(), some.questions()
    unreadable = sum(len(person.unreadable(room)) for person, room in zip(some.people, some.rooms))
    lost = sum(answers[id] == 0 for id in questions)
    return Result(len(questions), lost, sum(answers.values()) - len(answers), unreadable, kills, between, traces)


@pytest.mark.parametrize(
    ("questions", "kills"),
    [(8, 2), pytest.param(20, 4, marks=pytest.mark.promises), pytest.param(40, 8, marks=pytest.mark.promises)],
)
async def test_no_question_is_lost_or_answered_twice_over_kill_9_and_nothing_of_it_stays(
    hs: Homeserver, tmp_path: Path, questions: int, kills: int
) -> None:
    result = await killed(hs, tmp_path, questions=questions, kills=kills, seed=kills)
    assert (result.lost, result.doubled, result.unreadable) == (0, 0, 0)
    assert (result.asked, result.kills, result.between) == (questions, kills, kills // 2)
    assert result.traces == []
