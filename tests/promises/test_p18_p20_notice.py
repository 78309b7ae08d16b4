"""P18, P20. What people are told of what is kept: at once, true, and short enough to be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from bot.app import App, now
from bot.inventory import FILED, GROUPS, MEMORY, REMEMBERED, SEEN_BY, full_notice, notice
from bot.messages import Address
from bot.speaker import Speaker
from tests.bot_api import BotApi
from tests.live import QUESTION, app_on, live, text
from tests.promises import documents
from tests.promises.conftest import Evidence
from tests.promises.sentences import PROMISES

GROUP = -100200
SCREEN = 900
"""Characters that a small phone shows without scrolling much."""
OTHERS = ("others",)
"""What no test of ours can hold: what somebody else's servers do, what the law says, where to turn to."""
NOTICE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "privacy": (("P1", "P2"), ("P2", "P3", "P18")),
    "privacy.asked": (("P2", "P3"),),
    "privacy.gap": (("P10", "P18"), ("P2",), ("P2", "P18")),
    "privacy.telegram": (OTHERS, OTHERS),
    "privacy.better": (OTHERS,),
    "privacy.numbers": (("P2", "P18"),),
    "privacy.matrix": (OTHERS, OTHERS),
    "kept.lead": (("P2",),),
    "kept.answered": (("P1", "P2"), ("P3",), ("P3", "P4")),
    "kept.counts": (("P2",), ("P3",)),
    "kept.channels": (("P2",), ("P4",), ("P5",)),
    "kept.gone": (("P3",),),
    "kept.reviews": (("P2",), ("P3",), ("P2",)),
    "kept.items": (("P2",), ("P2",)),
    "kept.sources": (("P2",), ("P3",)),
    "kept.panic": (("P17",), ("P3",)),
    "kept.remembered": (("P2", "P18"),),
    "kept.passing": (("P1", "P2"),),
    "kept.matrix": (("P2",),),
    "kept.keys": (("P1",), ("P2",)),
    "kept.rest": (("P1", "P2", "P6"), ("P6",)),
    "kept.reaches": (("P19",), ("P19",)),
    "kept.rights": (("P18",), ("P18",), OTHERS),
    "kept.promises": (("P20",),),
}


def _sentences(phrase: str) -> int:
    return len(re.split(r"(?<=[.!?])\s+", phrase))


def _untested(notice: Mapping[str, tuple[tuple[str, ...], ...]], app: App) -> list[str]:
    """Phrases of which a sentence in German or English names no promise, or one that does not exist."""
    texts = app.base.texts.phrases
    return [
        key
        for key, sentences in notice.items()
        for language in ("de", "en")
        if _sentences(texts[language][key]) > len(sentences)
        or not all(names and set(names) <= {*PROMISES, *OTHERS} for names in sentences)
    ]


@pytest.mark.promise("P20")
def test_p20_the_notice_is_short_and_each_sentence_has_its_test(app: App, evidence: Evidence) -> None:
    longest = 0
    for language in app.base.texts.phrases:
        for platform in ("telegram", "matrix"):
            said = notice(Speaker(app.base, language, "de", "union office"), platform, "A" * 43)
            assert "{" not in said
            longest = max(longest, len(said))
    assert longest <= SCREEN
    for language, phrases in app.base.texts.phrases.items():
        whole = full_notice(Speaker(app.base, language, "de", "union office"))
        assert "{" not in whole
        assert len(whole) < 4096
        assert "Amazon" not in phrases.get("bot.description", "") + phrases.get("bot.short", "")
    said_keys = {
        "privacy",
        "privacy.asked",
        "privacy.gap",
        "kept.gone",
        *(key for keys in SEEN_BY.values() for key in keys),
        *GROUPS,
        *REMEMBERED,
        *FILED,
    }
    assert said_keys <= set(NOTICE)
    assert _untested(NOTICE, app) == []
    tested = {mark for names in NOTICE.values() for sentence in names for mark in sentence} - set(OTHERS)
    assert tested <= _with_a_test()
    evidence.finds("a sentence too many", _untested({"privacy.gap": (("P1",),)}, app))
    count = sum(map(len, NOTICE.values()))
    evidence.measured(
        f"{longest} characters at most in {len(app.base.texts.phrases)} languages; {count} sentences, each with its test"
    )


def _with_a_test() -> set[str]:
    source = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    return set(re.findall(r'mark\.promise\("(P\d+)"\)', source))


@pytest.mark.promise("P18")
async def test_p18_what_is_shown_is_what_there_is_and_forgetting_is_at_once(
    api: BotApi, app: App, tmp_path: Path, evidence: Evidence
) -> None:
    ana, opened = api.user(1, "Ana", "en"), app_on(app, api.url, tmp_path / "state")
    memory, here = opened.memory, Address("telegram", "1")
    async with live(opened):

        async def said(words: str, number: int) -> str:
            api.say(ana, words)
            await api.wait_sent(number, 30)
            return text(api)

        assert "Questions are not stored" in await said("/privacy", 1)
        assert "as soon as it is ended" in await said("/privacy full", 2)
        await said(QUESTION, 3)
        await said("/language en", 4)
        shown = await said("/mydata", 5)
        assert shown == (
            "In memory of this chat: chosen language (en), last answer said (van-camera-records), "
            "numbers of the bot's own messages (4). On disk: nothing."
        )
        await api.wait_drained(10)  # The list itself is known by now too.
        assert memory.own(here, now()) == tuple(str(message["message_id"]) for message in api.sent)
        assert {part for part in MEMORY if getattr(memory, part)} == {"_languages", "_facts", "_own"}
        forgotten = await said("/forget", 6)
        assert "Nothing of this chat is in memory" in forgotten
        assert "stay visible" in forgotten
        assert not [part for part in MEMORY if getattr(memory, part)]
        assert "In memory of this chat: nothing." in await said("/mydata", 7)
        assert "Deleted messages of the bot: 1" in await said("/clean", 8)
    evidence.finds("before it is forgotten, an answer, a language and four messages", "(4)" in shown)
    evidence.measured("/mydata lists exactly what is in memory; after /forget nothing, not even the number of that answer")


@pytest.mark.promise("P18")
async def test_p18_who_runs_a_chat_erases_all_of_it(
    api: BotApi, app: App, tmp_path: Path, database_url: str, evidence: Evidence
) -> None:
    ana, ben = api.user(1, "Ana", "en"), api.user(2, "Ben", "en")
    group = api.group(GROUP, "Depot 7", members=[ana], admins=[ben])
    opened = app_on(app, api.url, tmp_path / "state", database=database_url)
    async with live(opened):
        for number, (who, words) in enumerate(
            [(ben, "/digest daily 18:00"), (ana, "/mydata"), (ana, "/forget"), (ana, "/mydata")], 1
        ):
            api.say(who, words, chat=group)
            await api.wait_sent(number, 30)
        kept = "its encrypted address" in text(api)
        api.say(ben, "/forget", chat=group)
        await api.wait_sent(5, 30)
        assert "Nothing of this channel is stored any more" in text(api)
        api.say(ana, "/mydata", chat=group)
        await api.wait_sent(6, 30)
        assert "On disk: nothing" in text(api)
        assert opened.store is not None
        for table in ("chats", "subscriptions", "seen", "digests", "deliveries"):
            assert await opened.store.run(lambda c, table=table: c.scalar(sql(f"SELECT count(*) FROM {table}"))) == 0
        engine = opened.store.engine.dialect.name
    evidence.finds("as long as somebody else asks to forget it, it is kept, and said to be", kept)
    evidence.measured(f"after the administrator's /forget 0 rows of the chat ({engine})")


@pytest.mark.promise("P20")
def test_p20_the_documents_say_what_the_code_does(evidence: Evidence) -> None:
    page = documents.RECORD.read_text(encoding="utf-8")
    assert documents.rendered(page) == page
    names = ("record", "impact-assessment", "breach", "warrant", "threats")
    pages = [(documents.RECORD.parent / f"{name}.md").read_text(encoding="utf-8") for name in names]
    named = set(re.findall(r"\bP\d+\b", " ".join(pages)))
    assert named <= set(PROMISES)
    changed = page.replace("25 hours", "30 hours")
    evidence.finds("a lifetime that was changed by hand", documents.rendered(changed) != changed)
    rows = page.count("\n| ")
    evidence.measured(
        f"{rows} rows of the record of processing are as the code has them; {len(named)} promises named in {len(names)} pages"
    )
