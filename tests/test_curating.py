"""Stewards write and review in chat, and what comes of it are files."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app import App
from bot.base import load_base
from bot.commands.curate import check
from bot.commands.drafts import draft
from bot.intake.drafts import Draft
from bot.intake.history import begin
from bot.intake.importing import start
from bot.keys import Keys
from bot.loops.answer import Answering
from bot.loops.drafts import DraftWatch
from bot.loops.stewards import Stewards
from bot.messages import Address, Message, Role
from bot.store import Store, held, open_store, reviews
from handlers import router
from tests.newsroom import ARTICLE, NOW, ROOM, TODAY, Newsroom, commits, empty_folder

ITEM = "kameras-am-fliessband-in-leipzig"
FACT = f"{ITEM}-1"
ITEM_LINES = """\
title en: Cameras at the conveyor in Leipzig
summary de: Am Band sollen Kameras hängen.
summary en: Cameras are said to hang at the conveyor.
topics: conveyor"""
FACT_LINES = """\
claim de: Am Band in Leipzig sollen seit Oktober Kameras hängen.
claim en: Cameras are said to hang at the conveyor in Leipzig since October.
status: reported
topic: conveyor
topic de: Am Band
topic en: At the conveyor
frage de: hängen am band kameras
question en: are there cameras at the conveyor"""


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, Keys(b"k" * 32)) as opened:
        yield opened


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = empty_folder(tmp_path / "own")
    (folder / "README").write_text("ours")
    begin(folder, "Begin", NOW)
    return folder


@pytest.fixture
def one(app: App, store: Store, own: Path) -> Newsroom:
    return Newsroom(app, store, own)


@pytest.fixture
def two(app: App, store: Store, own: Path) -> Newsroom:
    return Newsroom(app, store, own, two=True)


async def written(room: Newsroom) -> None:
    await room.say(f"/draft {ARTICLE.url}")
    await room.say(f"/draft {ITEM}\n{ITEM_LINES}")
    await room.say(f"/draft {FACT}\n{FACT_LINES}")


async def test_from_an_article_to_an_answer(one: Newsroom) -> None:
    begun = await one.say(f"/draft {ARTICLE.url}")
    assert "Missing: title en, summary de, summary en, topics" in begun.text
    assert ARTICLE.passage in begun.text
    assert begun.draft == ITEM
    assert f"/draft {FACT}" in [button.says for button in begun.buttons]
    shown = await one.say(f"/draft {ITEM}\n{ITEM_LINES}")
    assert "It will read like this" in shown.text
    assert "Stadtzeitung" in shown.text
    claim = await one.say(f"/draft {FACT}\n{FACT_LINES}")
    assert "It will read like this" in claim.text
    assert claim.draft == FACT
    done = await one.say(f"/publish {ITEM}")
    assert done.text.startswith(f"Published: {ITEM}, {FACT}")
    assert "30 minutes" in done.text
    assert (await one.say("/ask are there cameras at the conveyor")).text.startswith("Cameras are said to hang")
    assert commits(one.folder)[0] == f"anna: Publish {ITEM}"
    assert not list((one.folder / "drafts").rglob("*.yaml"))


async def test_nothing_is_said_before_it_is_published(one: Newsroom) -> None:
    await written(one)
    one.reread()
    assert not one.base.facts
    assert not one.base.items


async def test_the_passage_stays_in_the_draft(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    for path in one.folder.rglob("*.yaml"):
        if path.name != "imports.yaml":
            assert ARTICLE.passage not in path.read_text(encoding="utf-8"), path


async def test_one_alone_waits_half_an_hour_with_the_channels(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    assert ITEM in await one.store.run(lambda t: reviews.fresh(t, NOW + timedelta(minutes=29)))
    assert ITEM not in await one.store.run(lambda t: reviews.fresh(t, NOW + timedelta(minutes=31)))


async def test_it_takes_two_different_stewards(two: Newsroom) -> None:
    await written(two)
    assert "second steward" in (await two.say(f"/publish {ITEM}")).text
    assert "second steward" in (await two.say(f"/publish {ITEM}")).text
    two.reread()
    assert not two.base.items
    done = await two.say(f"/publish {ITEM}", "ben")
    assert done.text.startswith("Published")
    assert "minutes" not in done.text
    assert ITEM in two.base.items


async def test_a_changed_draft_takes_two_again(two: Newsroom) -> None:
    await written(two)
    await two.say(f"/publish {ITEM}")
    await two.say(f"/draft {ITEM}\nsummary en: Something quite different.", "ben")
    assert "second steward" in (await two.say(f"/publish {ITEM}", "ben")).text


async def test_what_is_incomplete_says_what_is_missing(one: Newsroom) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    assert "Missing: title en, summary de, summary en, topics" in (await one.say(f"/publish {ITEM}")).text
    assert "Missing: claim de" in (await one.say(f"/publish {FACT}")).text


async def test_an_incomplete_claim_stays_behind_and_follows_later(one: Newsroom) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    await one.say(f"/draft {ITEM}\n{ITEM_LINES}")
    assert f"still drafts: {FACT}" in (await one.say(f"/publish {ITEM}")).text
    await one.say(f"/draft {FACT}\n{FACT_LINES}")
    assert (await one.say(f"/publish {FACT}")).text.startswith(f"Published: {FACT}")
    assert FACT in one.base.facts


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("status: rumour", "rumour is no status"),
        ("claim: without language", "with its language"),
        ("frobnicate", "no field"),
        ("as_of: yesterday", "yesterday is no day"),
        ("object: Not An Id", "Not An Id"),
        ("claim de: " + "x" * 601, "too long"),
        ("question de: " + "x" * 301, "too long"),
    ],
)
async def test_a_line_that_cannot_be_taken_changes_nothing(one: Newsroom, line: str, says: str) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    before = (one.folder / "drafts" / "facts" / f"{FACT}.yaml").read_text(encoding="utf-8")
    assert says in (await one.say(f"/draft {FACT}\n{line}")).text
    assert (one.folder / "drafts" / "facts" / f"{FACT}.yaml").read_text(encoding="utf-8") == before


async def test_of_lines_for_both_that_cannot_be_taken_none_are(one: Newsroom) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    before = {path: path.read_bytes() for path in one.folder.rglob("*.yaml")}
    await one.say(f"/draft {ITEM}\n{ITEM_LINES}\nclaim de: x\nstatus: rumour")
    assert {path: path.read_bytes() for path in one.folder.rglob("*.yaml")} == before


async def test_what_would_break_the_folder_is_refused_whole(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/draft {FACT}\nplace: XX")
    said = await one.say(f"/publish {ITEM}")
    assert "XX is no country" in said.text
    assert not list((one.folder / "dossier").iterdir())
    assert len(list((one.folder / "drafts").rglob("*.yaml"))) == 2


async def test_comments_and_order_of_a_topic_stay(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    topic = one.folder / "facts" / "conveyor.yaml"
    topic.write_text("# Ours, do not sort.\n" + topic.read_text(encoding="utf-8"), encoding="utf-8")
    one.reread()
    await one.say("/draft A second look at the conveyor")
    await one.say(f"/draft a-second-look-at-the-conveyor-1\n{FACT_LINES}\nitem: {ITEM}\nplace: DE\nas_of: 2026-11-20")
    await one.say("/draft a-second-look-at-the-conveyor-1\n-frage de: hängen am band kameras\nfrage de: wo hängt noch was")
    await one.say(
        "/draft a-second-look-at-the-conveyor-1\n-question en: are there cameras at the conveyor\nquestion en: where else"
    )
    assert (await one.say("/publish a-second-look-at-the-conveyor-1")).text.startswith("Published")
    text = topic.read_text(encoding="utf-8")
    assert text.startswith("# Ours, do not sort.\n")
    assert text.index(f"id: {FACT}") < text.index("id: a-second-look-at-the-conveyor-1")


NEWER = "they-were-taken-down-1"


async def newer(one: Newsroom) -> None:
    """A fact that supersedes the first one."""
    await one.say("/draft They were taken down")
    lines = FACT_LINES.replace("hängen am band kameras", "hängen sie noch").replace(
        "are there cameras at the conveyor", "still there"
    )
    await one.say(f"/draft {NEWER}\n{lines}\nitem: {ITEM}\nplace: DE\nas_of: 2026-11-22\nersetzt: {FACT}")
    await one.say(f"/publish {NEWER}")


async def test_a_newer_fact_supersedes_the_old_one(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    await newer(one)
    assert one.base.facts[FACT].superseded_by == NEWER


async def test_withdrawn_is_said_no_more_and_stays_withdrawn(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    assert "With a reason" in (await one.say(f"/withdraw {ITEM}")).text
    await one.say(f"/withdraw {ITEM} The paper took it back.")
    assert one.base.items[ITEM].reason == {"en": "The paper took it back."}
    assert FACT not in one.base.corpus.facts
    await one.say(f"/draft {ARTICLE.url}")
    assert one.base.items[ITEM].withdrawn == TODAY


async def test_with_two_the_reason_is_reviewed_before_channels_see_it(two: Newsroom) -> None:
    await written(two)
    await two.say(f"/publish {ITEM}")
    await two.say(f"/publish {ITEM}", "ben")
    assert "second steward" in (await two.say(f"/withdraw {ITEM} Insult of somebody.")).text
    assert two.base.items[ITEM].withdrawn == TODAY
    assert "Insult" not in str(two.base.items[ITEM].reason)
    await two.say(f"/withdraw {ITEM} Insult of somebody.", "ben")
    assert two.base.items[ITEM].reason == {"en": "Insult of somebody."}


async def test_a_draft_that_was_put_aside_is_not_proposed_again(one: Newsroom) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    assert f"Put aside: {ITEM}, {FACT}" in (await one.say(f"/withdraw {ITEM}")).text
    assert (await one.say("/drafts")).text.startswith("No draft")
    assert (one.folder / "drafts" / "declined").is_dir()


async def test_nobody_publishes_without_end(one: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.curating.limit.MOST_AN_HOUR", 2)
    await written(one)
    await one.say(f"/publish {ITEM}")
    await one.say(f"/draft {ITEM} again\nx")
    await one.say("/draft One more")
    await one.say(f"/draft one-more\n{ITEM_LINES}\ndate: 2026-11-23\noutlet: X\nauthor: Y\ncountry: DE\ntitle de: Noch eins")
    assert "more than 2 in an hour" in (await one.say("/publish one-more")).text
    assert (await one.say("/publish one-more", "ben")).text.startswith("Published")


@pytest.mark.parametrize("command", ["drafts", "draft x", "publish x", "withdraw x y"])
@pytest.mark.parametrize("role", [Role.ANYONE, Role.MANAGER])
async def test_nobody_else_may(one: Newsroom, command: str, role: Role) -> None:
    before = sorted(str(path) for path in one.folder.rglob("*"))
    await one.say(f"/{command}", role=role)
    assert sorted(str(path) for path in one.folder.rglob("*")) == before


async def test_an_address_that_cannot_be_read_takes_nothing_over(one: Newsroom) -> None:
    assert "404" in (await one.say("/draft https://nowhere.example/x")).text
    assert not (one.folder / "drafts").exists()


async def test_suggestions_are_shown_as_such_and_taken_over_by_nobody(one: Newsroom) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    shown = await one.say(f"/draft {FACT}")
    assert "Suggestion: status: reported (because of: sollen)" in shown.text
    assert "Missing: claim de, claim en, status" in (await one.say(f"/publish {FACT}")).text
    await one.say(f"/draft {ITEM}\n{ITEM_LINES}")
    await one.say(f"/draft {FACT}\n{FACT_LINES}")
    await one.say(f"/publish {ITEM}")
    await one.say("/draft Once more at the conveyor")
    again = await one.say(f"/draft once-more-at-the-conveyor-1\n{FACT_LINES}")
    assert f"belongs to {FACT} already" in again.text
    assert f"compare with {FACT}" in again.text


async def test_what_a_feed_brings_is_drafted_once(one: Newsroom) -> None:
    assert await one.curation.take([ARTICLE]) == [ITEM]
    assert await one.curation.take([ARTICLE]) == []
    assert list(await one.curation.drafts()) == [ITEM]


async def test_a_claim_can_be_written_under_its_publication(one: Newsroom) -> None:
    await one.curation.take([ARTICLE])
    shown = await one.say(f"/draft {ITEM}\n{ITEM_LINES}\n{FACT_LINES}")
    assert shown.draft == ITEM
    assert "complete: 1" in shown.text
    second = FACT_LINES.replace("hängen am band kameras", "hängt noch etwas").replace("are there cameras", "is there more")
    assert (await one.say(f"/draft {ITEM}\n{second}")).draft == f"{ITEM}-2"
    assert (await one.say(f"/draft {ITEM}\nfrage de: und sonst so")).draft == FACT
    assert (await one.say(f"/publish {ITEM}")).text.startswith(f"Published: {ITEM}, {FACT}, {ITEM}-2")


async def test_with_a_reason_what_is_published_is_withdrawn_whatever_draft_there_is(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    await one.say(f"/draft {ITEM}\nsummary en: Other words.")
    aside = await one.say(f"/withdraw {ITEM}")
    assert aside.text.startswith(f"Put aside: {ITEM}")
    assert "still published" in aside.text
    assert f"/withdraw {ITEM} REASON" in aside.text
    await one.say(f"/draft {ITEM}")
    gone = await one.say(f"/withdraw {ITEM} It is false.")
    assert gone.text.startswith(f"Withdrawn: {ITEM}")
    assert f"Put aside: {ITEM}" in gone.text
    assert one.base.items[ITEM].withdrawn == TODAY
    assert not await one.curation.drafts()


async def test_a_fact_and_its_draft_are_withdrawn_and_both_are_kept(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    await one.say(f"/draft {FACT}\nclaim en: Other words.")
    await one.say(f"/withdraw {FACT} It is false.")
    assert FACT not in one.base.facts
    kept = "".join(path.read_text(encoding="utf-8") for path in (one.folder / "drafts" / "declined").glob("*.yaml"))
    assert "since October" in kept
    assert "Other words." in kept


async def test_what_others_refer_to_is_withdrawn_too(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    await newer(one)
    topic = one.folder / "facts" / "conveyor.yaml"
    asked = "unknowns:\n  - id: how-many\n    object: conveyor\n    aspect: number\n    says: {de: Offen., en: Open.}\n"
    asked += f"    nearest: [{NEWER}]\n    questions: {{}}\n"
    topic.write_text(topic.read_text(encoding="utf-8") + asked, encoding="utf-8")
    one.reread()
    assert (await one.say(f"/withdraw {NEWER}")).text.startswith(f"Withdrawn: {NEWER}")
    assert one.base.unknowns["how-many"].nearest == ()
    assert one.base.facts[FACT].superseded_by is None
    assert "nearest: []" in topic.read_text(encoding="utf-8")


async def test_what_is_refused_does_not_count(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    broken = one.folder / "facts" / "broken.yaml"
    broken.write_text("topic: [", encoding="utf-8")
    done = await one.store.run(lambda t: reviews.done_since(t, "anna", NOW - timedelta(hours=1)))
    assert "does not fit" in (await one.say(f"/withdraw {ITEM} It is false.")).text
    assert "does not fit" in (await one.say(f"/withdraw {FACT} It is false.")).text
    assert await one.store.run(lambda t: reviews.done_since(t, "anna", NOW - timedelta(hours=1))) == done


async def test_a_draft_that_others_overtook_is_refused(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    await one.say(f"/draft {FACT}\nasks en: What hangs there?\nasks de: Was hängt da?")
    topic = one.folder / "facts" / "conveyor.yaml"
    topic.write_text(topic.read_text(encoding="utf-8").replace("since October", "since November"), encoding="utf-8")
    one.reread()
    said = await one.say(f"/publish {FACT}")
    assert "would undo" in said.text
    assert f"/withdraw {FACT}" in said.text
    assert "since November" in one.base.facts[FACT].claim["en"]


async def test_a_draft_of_what_is_published_changes_only_that(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    topic = one.folder / "facts" / "conveyor.yaml"
    before = topic.read_text(encoding="utf-8")
    await one.say(f"/draft {FACT}\nfrage de: noch eine")
    await one.say(f"/publish {FACT}")
    assert sorted(set(topic.read_text(encoding="utf-8").splitlines()) - set(before.splitlines())) == ["        - noch eine"]
    await one.say(f"/draft {FACT}\n-frage de: noch eine")
    await one.say(f"/publish {FACT}")
    assert topic.read_text(encoding="utf-8") == before


async def test_a_claim_is_held_back_as_the_bot_says(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    await one.say(f"/draft {FACT}\nfrage de: noch eine")
    assert f"/hold {FACT}" in (await one.say(f"/publish {FACT}")).text
    assert (await one.say(f"/hold {FACT}")).text == f"{FACT}: held back."
    assert FACT in await one.store.run(lambda t: held.kept_back(t, NOW + timedelta(days=1)))
    assert "nothing published" in (await one.say("/hold no-such-thing")).text


async def test_the_limit_counts_what_goes_out_together(one: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.curating.limit.MOST_AN_HOUR", 2)
    await one.say("/draft Something to drop")
    await one.say("/withdraw something-to-drop-1")
    await written(one)
    assert "more than 2 in an hour" in (await one.say(f"/publish {ITEM}")).text
    assert ITEM not in one.base.items


async def test_lines_below_an_address_or_a_title_are_taken(one: Newsroom) -> None:
    shown = await one.say(f"/draft {ARTICLE.url}\nsummary de: Eigene Worte.\nclaim en: A claim.")
    assert "summary de: Eigene Worte." in shown.text
    assert (await one.curation.drafts())[FACT].row["claim"] == {"en": "A claim."}
    assert "summary en: Own words." in (await one.say("/draft Something quite new here\nsummary en: Own words.")).text
    before = sorted(await one.curation.drafts())
    assert "no field" in (await one.say("/draft Something newer still\nsumary en: Own words.")).text
    assert sorted(await one.curation.drafts()) == before


async def test_a_title_is_in_the_language_it_is_written_in(one: Newsroom) -> None:
    assert "title en: Cameras at" in (await one.say("/draft Cameras at the conveyor in the warehouse")).text
    assert "title de: Kameras am" in (await one.say("/draft Kameras am Band im Lager aufgehängt")).text


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("claim en: x\nstaus: reported", "perhaps: status"),
        ("claim ed: x", "ed is no language"),
        ("claim english: x", "english is no language"),
        ("claim en: x\nsupercedes: a-b-c", "perhaps: supersedes"),
    ],
)
async def test_what_is_mistyped_is_no_text(one: Newsroom, line: str, says: str) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    assert says in (await one.say(f"/draft {FACT}\n{line}")).text
    assert not (await one.curation.drafts())[FACT].row["claim"]


async def test_texts_go_on_in_the_next_line(one: Newsroom) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    await one.say(
        f"/draft {FACT}\nclaim en: One line\nand one more. Amazon says: nothing.\nhttps://a.example/x\nas-of: 2026-11-01"
    )
    row = (await one.curation.drafts())[FACT].row
    assert row["claim"]["en"] == "One line and one more. Amazon says: nothing. https://a.example/x"
    assert row["as_of"] == "2026-11-01"


async def test_a_field_without_a_value_is_emptied(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/draft {FACT}\nasks en: What?\nasks de: Was?\nsupersedes: some-fact")
    await one.say(f"/publish {ITEM}")
    assert "no such fact" in (await one.say(f"/publish {ITEM}")).text
    await one.say(f"/draft {FACT}\nasks en:\nasks de:\nsupersedes:\nfrage de:\nstatus:")
    assert "Missing: status, question de" in (await one.say(f"/publish {FACT}")).text
    draft = (await one.curation.drafts())[FACT]
    assert "asks" not in draft.row
    assert not draft.tree["supersedes"]


async def test_a_fact_moves_to_the_topic_that_it_gets(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/publish {ITEM}")
    await one.say(f"/draft {FACT}\ntopic: warehouse\ntopic de: Lager\ntopic en: Warehouse")
    await one.say(f"/publish {FACT}")
    assert one.base.facts[FACT].topic == "warehouse"
    assert one.base.topics["warehouse"]["en"] == "Warehouse"
    assert "conveyor" not in one.base.topics


async def test_norway_is_no_refusal(one: Newsroom) -> None:
    await written(one)
    await one.say(f"/draft {FACT}\nplace: NO")
    assert (await one.say(f"/publish {ITEM}")).text.startswith("Published")
    assert one.base.facts[FACT].place == ("NO",)


async def test_a_file_that_is_no_draft_harms_no_other(one: Newsroom) -> None:
    await one.say(f"/draft {ARTICLE.url}")
    drafts = one.folder / "drafts"
    (drafts / "2026-01-01-a-text.yaml").write_text("id: a-text\ntitle: Text\n", encoding="utf-8")
    (drafts / "2026-01-02-a-day.yaml").write_text("id: a-day\ndate: 20.7.2023\ntitle: {de: T}\n", encoding="utf-8")
    assert list(await one.curation.drafts()) == [ITEM, FACT]
    said = (await one.say("/drafts")).text
    assert "drafts/2026-01-01-a-text.yaml:2: title: warning" in said
    assert "drafts/2026-01-02-a-day.yaml:2: date: warning: 20.7.2023 is no day" in said
    assert "a-day.yaml:2" in (await one.say("/draft a-day")).text


async def test_each_draft_is_shown_once_whatever_stands_beside_it(one: Newsroom) -> None:
    for number in range(2):
        await one.say(f"/draft A thing of number {number}")
    (one.folder / "drafts" / "2026-01-01-a-text.yaml").write_text("id: a-text\ntitle: Text\n", encoding="utf-8")
    seen: list[str] = []

    async def show(draft: Draft, drafts: Mapping[str, Draft]) -> bool:
        seen.append(draft.id)
        if draft.id.endswith("0"):
            raise ValueError(draft.id)
        return True

    async def tell(key: str, values: Mapping[str, str]) -> None:
        seen.append(values["findings"].partition(":")[0])

    watch = DraftWatch(one.curation, one.store, show, tell)
    for _ in range(3):
        await watch.look()
    names = ["drafts/undated-a-thing-of-number-0.yaml", "drafts/2026-01-01-a-text.yaml"]
    assert seen == ["a-thing-of-number-0", names[0], "a-thing-of-number-1", names[1]]


async def test_what_the_room_got_as_an_answer_is_not_shown_there_again(one: Newsroom) -> None:
    answering = Answering(router, one.desk, {}, Stewards({}, ROOM))
    seen: list[str] = []

    async def show(draft: Draft, drafts: Mapping[str, Draft]) -> bool:
        seen.append(draft.id)
        return True

    async def tell(key: str, values: Mapping[str, str]) -> None:
        raise AssertionError(key)

    async def role_of(_: Message) -> Role:
        return Role.STEWARD

    watch = DraftWatch(one.curation, one.store, show, tell)
    private = Address("telegram", "1001")
    for address, title, arrives in ((ROOM, "Said there", True), (ROOM, "Lost there", False), (private, "Said elsewhere", True)):
        said = await answering.receive(Message("1", address, f"/draft {title}", "en", steward="anna"), role_of)
        assert said is not None
        assert said.draft is not None
        if arrives and said.arrived is not None:
            await said.arrived()
    for _ in range(2):
        await watch.look()
    assert sorted(seen) == ["lost-there", "said-elsewhere"]


async def test_the_page_for_stewards_leads_from_a_title_to_an_answer(one: Newsroom) -> None:
    page = (Path(__file__).parent.parent / "docs" / "curating.md").read_text(encoding="utf-8")
    [title] = re.findall(r"`/draft (Cameras [^`]+)`", page)
    publication, claim = (block.strip() for block in re.findall(r"```\n(.*?)```", page, re.DOTALL)[:2])
    begun = await one.say(f"/draft {title}")
    [to_claim] = [button.says for button in begun.buttons if button.says.startswith("/draft ")]
    written = await one.say(f"/draft {begun.draft}\n{publication}")
    assert "Missing" not in written.text
    shown = await one.say(f"{to_claim}\n{claim}")
    assert "It will read like this" in shown.text
    done = await one.say(f"/publish {begun.draft}")
    assert done.text.startswith(f"Published: {begun.draft}, {shown.draft}")
    [question] = re.findall(r"^question en: (.+)$", claim, re.MULTILINE)
    assert (await one.say(f"/ask {question}")).text.startswith("Cameras are said to hang")


def test_check_says_of_each_draft_what_is_missing(own: Path) -> None:
    start(own, load_base(own, TODAY)[0], ARTICLE)
    said = CliRunner().invoke(check, ["--data", str(own)], standalone_mode=False)
    assert f"{ITEM}.yaml: draft: missing: title en, summary de, summary en, topics" in said.output
    assert "1 warnings" in said.output  # The model's, which is not there.


def test_the_command_suggests_what_the_room_suggests(own: Path) -> None:
    said = CliRunner().invoke(draft, ["--title", "Kameras sollen am Band hängen", "--data", str(own)], standalone_mode=False)
    assert said.exit_code == 0, said.output
    assert "Suggestion: status: reported (because of: sollen)" in said.output
