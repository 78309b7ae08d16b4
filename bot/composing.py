"""Items to the parts of a digest: grouped by topic, oldest first, in the channel's language, split to messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.digests import MOST_PARTS, Owed, Slot, Subscription
from bot.facts import Item, in_language
from bot.items import told
from bot.messages import Button, Reply, Span
from bot.speaker import Speaker

LONGEST_PART = 3_400
"""Characters; a message takes 4096 and what stands around the items needs room too."""
MOST_ITEMS = 8


@dataclass(frozen=True, slots=True)
class Composed:
    """The parts of a slot with the items in each, and the new items that are left for the next."""

    parts: tuple[tuple[tuple[str, ...], Reply], ...]
    left: tuple[Item, ...]


def compose(found: Owed, subscription: Subscription, slot: Slot, speaker: Speaker) -> Composed:
    """What goes out at a slot: first what may be a repeat, marked as such, then what is new."""
    again = _packed(found.again, speaker)[:MOST_PARTS]
    packed = _packed(found.new, speaker)
    taken = packed[: MOST_PARTS - len(again)]
    left = tuple(item for pack in packed[len(taken) :] for item in pack)
    parts = [(_ids(pack), _part(pack, Span("↻ " + speaker.say("digest.again") + "\n\n"), speaker)) for pack in again]
    for number, pack in enumerate(taken):
        lead = Span(speaker.say("digest.title", date=speaker.day(slot.day)) + "\n\n", "bold") if number == 0 else Span("")
        reply = _part(pack, lead, speaker)
        if left and number == len(taken) - 1:
            reply = Reply((*reply.spans, Span("\n\n" + speaker.say("digest.more", count=str(len(left))))), reply.buttons)
        parts.append((_ids(pack), reply))
    return Composed(tuple(parts), left)


def proof(item: Item, speaker: Speaker) -> Reply:
    """The newest item, shown at once when a chat subscribes."""
    return _part((item,), Span(speaker.say("digest.proof") + "\n\n", "bold"), speaker)


def outdated(items: Sequence[Item], posted: Reply, speaker: Speaker) -> bool:
    """Whether a posted part says something else of its items than the dossier today. Other phrases are no reason to edit."""
    for item in items:
        said = told(item, speaker).text if item.withdrawn is not None else speaker.curated(item.summary)
        if speaker.curated(item.title) not in posted.text or said not in posted.text:
            return True
    return False


def corrected(items: Sequence[Item], posted: Reply, speaker: Speaker) -> Reply:
    """A part as it should read today: its first line as it was, its items as they are now."""
    return _part(items, posted.spans[0] if posted.spans else Span(""), speaker)


def correction(items: Sequence[Item], speaker: Speaker) -> Reply:
    """What is posted where the earlier post can no longer be changed."""
    return _part(items, Span(speaker.say("digest.correction") + "\n\n", "bold"), speaker)


def _packed(items: Iterable[Item], speaker: Speaker) -> list[tuple[Item, ...]]:
    order = list(speaker.base.topics)
    by_topic = sorted(
        items, key=lambda item: (order.index(_topic(item)) if _topic(item) in order else len(order), item.date, item.id)
    )
    packs: list[list[Item]] = []
    size = 0
    for item in by_topic:
        length = len(told(item, speaker).text) + 60
        if not packs or size + length > LONGEST_PART or len(packs[-1]) >= MOST_ITEMS:
            packs.append([])
            size = 0
        packs[-1].append(item)
        size += length
    return [tuple(pack) for pack in packs]


def _part(items: Sequence[Item], lead: Span, speaker: Speaker) -> Reply:
    spans: list[Span] = [lead]
    buttons: list[Button] = []
    for topic, group in groupby(items, key=_topic):
        if topic in speaker.base.topics:
            spans.append(Span(in_language(speaker.base.topics[topic], speaker.language, speaker.fallback)[0] + "\n", "italic"))
        for item in group:
            one = told(item, speaker)
            spans += [*one.spans, Span("\n\n")]
            buttons += one.buttons
    return Reply(tuple(spans[:-1]), tuple(buttons))


def _ids(items: Sequence[Item]) -> tuple[str, ...]:
    return tuple(item.id for item in items)


def _topic(item: Item) -> str:
    return item.topics[0] if item.topics else ""
