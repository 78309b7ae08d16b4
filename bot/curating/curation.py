"""Drafts on their way: who may publish what, and what then changes in the folder. One thing at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from bot.base import Base
from bot.curating import limit
from bot.curating.bundles import Published, Refused, Withdrawn, bundle, family
from bot.curating.hand import Hand
from bot.curating.withdrawing import note, take_back
from bot.findings import Finding
from bot.intake import fields
from bot.intake.claims import claim_of
from bot.intake.drafts import Draft, drafts_of
from bot.intake.found import Found, Publication
from bot.intake.importing import Importer, reopen, start
from bot.intake.shapes import Kind
from bot.intake.shelf import Shelf
from bot.intake.writing import changed, write
from bot.store import Store, Transaction, reviews

HOLD = timedelta(minutes=30)
"""How long what one steward alone wrote can be taken back before it is in a post."""


@dataclass
class Curation:
    """One union's folder. `changed` makes the bot read it again at once; `two` asks for a second steward;
    `article` reads what is published under an address, `_turn` is whose it is to write."""

    folder: Path
    store: Store
    base: Callable[[], Base]
    changed: Callable[[], None]
    two: bool
    article: Callable[[str], Awaitable[Publication]]
    _turn: AbstractAsyncContextManager[None] = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._hand = Hand(self.folder, self.changed)

    async def drafts(self) -> dict[str, Draft]:
        """Every draft by id."""
        return (await self.all_drafts())[0]

    async def all_drafts(self) -> tuple[dict[str, Draft], tuple[Finding, ...]]:
        """Every draft by id, and what is wrong with files that are to be drafts."""
        return await asyncio.to_thread(drafts_of, self.folder)

    async def draft(self, id: str) -> Draft:
        """One draft; what is published becomes one again.

        :raises Refused: where there is nothing of that id, or a file of it that is no draft.
        """
        drafts, findings = await self.all_drafts()
        broken = [str(one) for one in findings if Path(one.file).stem.endswith(id)] if id else []
        if broken and id not in drafts:
            raise Refused("draft.broken", findings="\n".join(broken))
        try:
            return await self._hand.do(lambda: reopen(self.folder, id))
        except KeyError as error:
            raise Refused("draft.unknown", id=id[:40]) from error

    async def begin(self, publication: Publication, text: str = "") -> Draft:
        """A new draft of a publication, with a claim to write beside it, and what a steward wrote of them.

        :raises Refused: where that cannot be taken; nothing is begun then.
        """
        self._lines(text, "item")
        async with self._turn:
            made = await self._hand.do(lambda: start(self.folder, self.base(), publication))
        return await self.edit(made.id, text) if text else made

    async def take(self, publications: Sequence[Publication]) -> list[str]:
        """Drafts of what is new or changed; their ids."""
        async with self._turn:
            importer = await asyncio.to_thread(Importer, self.folder, self.base())
            done = await self._hand.do(lambda: importer.take(Found(tuple(publications))))
            return [*done.new, *done.changed]

    async def edit(self, id: str, text: str) -> Draft:
        """What a steward wrote goes into the draft.

        :raises Refused: where it cannot be taken.
        """
        async with self._turn:
            draft = await self.draft(id)
            # All is read before anything is written: of lines that cannot be taken, none are.
            mine, claimed, is_new = self._lines(text, draft.kind)
            if mine:
                await self._edit(draft, mine)
            if claimed:
                claim = await self._hand.do(lambda: claim_of(self.folder, self.base(), draft, is_new))
                await self._edit(claim, claimed)
                return await self.draft(id if mine else claim.id)
            return await self.draft(id)

    async def publish(self, id: str, steward: str, now: datetime, today: date) -> Published:
        """Publish a draft, a publication with those of its claims that are complete; or note the first of two approvals.

        :raises Refused: where something is missing or broken, or it was too much within the hour.
        """
        async with self._turn:
            drafts = await self.drafts()
            taken, left = bundle(id, drafts, self.base())
            shelf = Shelf(self.folder)
            await self._refuse_stale(shelf, taken)
            mark = hashlib.sha256("".join(one.mark for one in taken).encode()).hexdigest()
            await self._try(shelf, taken, today)
            ids, held = tuple(one.id for one in taken), timedelta(0) if self.two else HOLD

            async def review(transaction: Transaction) -> Published:
                await limit.allow(transaction, steward, now, len(ids))
                agreed = await reviews.approved_by(transaction, id, mark)
                if self.two and not agreed - {steward}:
                    await reviews.approve(self.store, transaction, id, mark, steward)
                    return Published(ids, left, waits_for=True, again=steward in agreed)
                await limit.count(transaction, steward, now, len(ids))
                await reviews.release(self.store, transaction, ids, now, held)
                return Published(ids, left, held=held)

            done = await self.store.run(review)
            if not done.waits_for:
                await self._hand.put(shelf, f"Publish {id}", steward, now)
            return done

    async def put_aside(self, id: str, steward: str, now: datetime) -> tuple[str, ...]:
        """A draft, with its claims, is not proposed again; what was put aside.

        :raises Refused: where there is no such draft, or it was too much within the hour.
        """
        async with self._turn:
            gone = family(id, await self.drafts())
            ids, shelf = tuple(one.id for one in gone), Shelf(self.folder)
            for one in gone:
                shelf.decline(one)

            async def review(transaction: Transaction) -> None:
                await limit.count(transaction, steward, now, len(ids))
                await reviews.close(transaction, ids)

            await self.store.run(review)
            await self._hand.put(shelf, f"Put {id} aside", steward, now)
            return ids

    async def withdraw(
        self, id: str, reason: Mapping[str, str], until_reviewed: Mapping[str, str], steward: str, now: datetime, today: date
    ) -> Withdrawn:
        """A publication is said no more, a fact or unknown goes: at once. What posts say of it, as it was written.

        Where it takes two stewards, the folder holds `until_reviewed` until a second one gives the same reason; where it
        takes one, posts wait for the reason as they do for what one alone published.

        :raises Refused: where there is nothing of that id, or it was too much within the hour.
        """
        async with self._turn:
            shelf, is_item = Shelf(self.folder), id in self.base().items
            gone = family(id, drafts) if id in (drafts := await self.drafts()) else ()
            try:
                await asyncio.to_thread(take_back, shelf, id, gone, (today, reason) if is_item else None)
            except KeyError as error:
                raise Refused("draft.unknown", id=id[:40]) from error
            await self._hand.check(shelf, today)
            aside, said = tuple(one.id for one in gone), reason if is_item else None
            hold = None if self.two else HOLD
            done = await self.store.run(lambda t: note(self.store, t, id, said, steward, now, hold, aside))
            if not done.reviewed:
                await asyncio.to_thread(shelf.withdraw, id, today, until_reviewed)
            await self._hand.put(shelf, f"Withdraw {id}", steward, now)
            return done

    async def _edit(self, draft: Draft, entries: tuple[fields.Entry, ...]) -> None:
        def change(tree: object) -> None:
            row = tree if draft.kind == "item" else tree[f"{draft.kind}s"][0]  # type: ignore[index]
            fields.apply(tree, row, draft.kind, entries)

        await self._hand.do(lambda: write(draft.path, changed(draft.path.read_text(encoding="utf-8"), change)))

    def _lines(self, text: str, kind: Kind) -> tuple[tuple[fields.Entry, ...], tuple[fields.Entry, ...], bool]:
        """What a steward wrote of a draft and of a claim that rests on it, and whether that is a further claim."""
        base = self.base()
        languages = {*base.languages, *base.texts.phrases}
        own, of_claim = fields.split(text) if kind == "item" else (text, "")
        try:
            mine, claimed = fields.entries_of(own, kind, languages), fields.entries_of(of_claim, "fact", languages)
        except fields.Unclear as error:
            raise Refused(error.key, **error.values) from error
        return mine, claimed, fields.says_claim(of_claim)

    async def _refuse_stale(self, shelf: Shelf, drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            if await asyncio.to_thread(shelf.is_stale, draft):
                raise Refused("publish.stale", id=draft.id)

    async def _try(self, shelf: Shelf, drafts: Sequence[Draft], today: date) -> None:
        def publish() -> None:
            for draft in drafts:
                shelf.publish(draft, today)

        await asyncio.to_thread(publish)
        await self._hand.check(shelf, today)
