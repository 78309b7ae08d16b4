"""Items to the parts of a digest: the oldest first, grouped by topic, each part one message on any platform. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

from bot.base import Base
from bot.digests import MOST_PARTS, Owed, Slot, Subscription
from bot.facts import Item, in_language
from bot.items import told
from bot.limits import MESSAGE, Size, fitted, size_of
from bot.messages import Button, Reply, Span
from bot.speaker import Speaker

ROOM = MESSAGE - Size(800, 3_000, 2)
"""What items get of a message; the rest is for the line that says how many follow, and on Matrix for the way into private."""
MOST_ITEMS = 8


@dataclass(frozen=True, slots=True)
class Composed:
    """The parts of a slot with the items in each, and the new items that are left for the next."""

    parts: tuple[tuple[tuple[str, ...], Reply], ...]
    left: tuple[Item, ...]


def compose(found: Owed, subscription: Subscription, slot: Slot, speaker: Speaker) -> Composed:
    """What goes out at a slot: first what may be a repeat, marked as such, then what is new, of both the oldest."""
    title = Span(speaker.say("digest.title", date=speaker.day(slot.day)) + "\n\n", "bold")
    mark = Span("↻ " + speaker.say("digest.again") + "\n\n")
    again = _packed(found.again, frozenset(), MOST_PARTS, mark, speaker)
    new = _packed(found.new, found.alone, MOST_PARTS - len(again), title, speaker)
    taken = {item.id for pack in new for item in pack}
    left = tuple(item for item in found.new if item.id not in taken)
    parts = [(_ids(pack), _part(pack, mark, speaker)) for pack in again]
    for number, pack in enumerate(new):
        reply = _part(pack, title if number == 0 else Span(""), speaker)
        if left and number == len(new) - 1:
            reply = replace(reply, spans=(*reply.spans, Span("\n\n" + speaker.say("digest.more", count=str(len(left))))))
        parts.append((_ids(pack), reply))
    return Composed(tuple(parts), left)


def proof(item: Item, speaker: Speaker) -> Reply:
    """The newest item, shown at once when a chat subscribes."""
    return _part((item,), Span(speaker.say("digest.proof") + "\n\n", "bold"), speaker)


def for_channels(base: Base, entries: Collection[str], reasons: Collection[str]) -> Base:
    """The base as posts may show it: without those claims, and without those reasons of withdrawals."""
    withdrawn = [id for id in reasons if id in base.items and base.items[id].withdrawn is not None]
    if withdrawn:
        standing = {language: base.texts.say(language, "withdraw.reviewing") for language in base.languages}
        base = replace(base, items={**base.items, **{id: replace(base.items[id], reason=standing) for id in withdrawn}})
    if set(entries) & set(base.facts):
        facts = {id: fact for id, fact in base.facts.items() if id not in entries}
        # A topic may have got its name from such a claim.
        used = {fact.topic for fact in facts.values()}
        base = replace(base, facts=facts, topics={id: name for id, name in base.topics.items() if id in used})
    return base


def outdated(items: Sequence[Item], posted: Reply, speaker: Speaker, kept_back: Collection[str] = ()) -> bool:
    """Whether a part says something else of its items than the dossier today. Other phrases are no reason to edit."""
    new = corrected(items, posted, speaker, kept_back)
    said = (span.text.strip() for span in new.spans[1:] if span.style != "italic" and span.url is None)
    return any(text not in posted.text for text in said)


def corrected(items: Sequence[Item], posted: Reply, speaker: Speaker, kept_back: Collection[str] = ()) -> Reply:
    """A part as it should read today: its first line as it was, its items as they are now.

    Those that are kept back stay as they were; of what was withdrawn meanwhile the title does.
    """
    as_it_was = dict[str, tuple[Span, ...]]()
    if any(item.id in kept_back for item in items):
        blocks = _blocks(posted)
        if len(blocks) != len(items):
            return posted  # Which of it is whose cannot be told any more.
        as_it_was = {item.id: block for item, block in zip(items, blocks) if item.id in kept_back}
    return _part(items, posted.spans[0] if posted.spans else Span(""), speaker, as_it_was)


def correction(items: Sequence[Item], speaker: Speaker) -> Reply:
    """What is posted where the earlier post can no longer be changed."""
    return _part(items, Span(speaker.say("digest.correction") + "\n\n", "bold"), speaker)


def _packed(items: Sequence[Item], alone: Collection[str], most: int, lead: Span, speaker: Speaker) -> list[tuple[Item, ...]]:
    """The oldest of the items, as many as so many parts hold."""
    oldest = items[: most * MOST_ITEMS]
    sizes = {item.id: size_of(_lines(item, speaker)) for item in oldest}
    room = ROOM - size_of([lead])
    for count in range(len(oldest), 0, -1):
        packs = _packs(_by_topic(oldest[:count], speaker), alone, sizes, room)
        if len(packs) <= most:
            return packs
    return []


def _packs(items: Sequence[Item], alone: Collection[str], sizes: Mapping[str, Size], room: Size) -> list[tuple[Item, ...]]:
    packs: list[list[Item]] = []
    size = Size(0, 0, 0)
    for item in items:
        size += sizes[item.id]
        apart = bool(packs) and (item.id in alone or packs[-1][0].id in alone)
        if not packs or apart or len(packs[-1]) >= MOST_ITEMS or not size.within(room):
            packs.append([])
            size = sizes[item.id]
        packs[-1].append(item)
    return [tuple(pack) for pack in packs]


def _by_topic(items: Sequence[Item], speaker: Speaker) -> list[Item]:
    order = {topic: number for number, topic in enumerate(speaker.base.topics)}
    return sorted(items, key=lambda item: (order.get(_topic(item), len(order)), item.date, item.id))


def _part(
    items: Sequence[Item], lead: Span, speaker: Speaker, as_it_was: Mapping[str, tuple[Span, ...]] = MappingProxyType({})
) -> Reply:
    """One message; where that is too long, its longest texts are shortened."""
    spans: list[Span] = [lead]
    for topic, group in groupby(items, key=_topic):
        spans += _heading(topic, speaker)
        for item in group:
            before = as_it_was.get(item.id, ())
            if before and item.withdrawn is None:
                spans += [*before, Span("\n\n")]
            else:
                spans += [*before[:1], *told(item, speaker).spans[len(before[:1]) :], Span("\n\n")]
    buttons: list[Button] = [button for item in items for button in told(item, speaker).buttons]
    return Reply(fitted(spans[:-1], ROOM), tuple(buttons), language=speaker.language)


def _blocks(posted: Reply) -> list[tuple[Span, ...]]:
    """What a part says of each of its items: from a title to the empty line after it."""
    blocks: list[list[Span]] = []
    is_open = False
    for span in posted.spans[1:]:
        if span.style == "bold":
            blocks.append([])
        is_open = span.style == "bold" or (is_open and not span.text.startswith("\n\n"))
        if is_open:
            blocks[-1].append(span)
    return [tuple(block) for block in blocks]


def _lines(item: Item, speaker: Speaker) -> list[Span]:
    """An item with all that may stand around it."""
    return [*_heading(_topic(item), speaker), *told(item, speaker).spans, Span("\n\n")]


def _heading(topic: str, speaker: Speaker) -> list[Span]:
    if topic not in speaker.base.topics:
        return []
    return [Span(in_language(speaker.base.topics[topic], speaker.language, speaker.fallback)[0] + "\n", "italic")]


def _ids(items: Sequence[Item]) -> tuple[str, ...]:
    return tuple(item.id for item in items)


def _topic(item: Item) -> str:
    return item.topics[0] if item.topics else ""
