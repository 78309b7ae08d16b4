"""Drafts on their way: who may publish what, and what then changes in the folder. One thing at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bot.base import Base, BrokenBase
from bot.curating.bundles import Published, Refused, bundle, family
from bot.findings import errors_of
from bot.intake import fields
from bot.intake.claims import claim_of
from bot.intake.drafts import Draft, Kind, drafts_of
from bot.intake.found import Found, Publication
from bot.intake.history import record
from bot.intake.importing import Importer, reopen, start
from bot.intake.ledger import FILE
from bot.intake.shelf import Shelf
from bot.intake.writing import changed, write
from bot.logs import Event, warn
from bot.store import Store, Transaction, reviews

Value = TypeVar("Value")
HOLD = timedelta(minutes=30)
"""How long one steward alone can take back what goes to channels."""
MOST_AN_HOUR = 20
MOST_SHOWN = 5


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

    async def drafts(self) -> dict[str, Draft]:
        """Every draft by id."""
        return (await asyncio.to_thread(drafts_of, self.folder))[0]

    async def draft(self, id: str) -> Draft:
        """One draft; what is published becomes one again.

        :raises Refused: where there is nothing of that id.
        """
        try:
            return await self._writing(lambda: reopen(self.folder, id))
        except KeyError as error:
            raise Refused("draft.unknown", id=id[:40]) from error

    async def begin(self, publication: Publication) -> Draft:
        """A new draft of a publication, with a claim to write beside it."""
        async with self._turn:
            return await self._writing(lambda: start(self.folder, self.base(), publication))

    async def take(self, publications: Sequence[Publication]) -> list[str]:
        """Drafts of what is new or changed; their ids."""
        async with self._turn:
            importer = await asyncio.to_thread(Importer, self.folder, self.base())
            done = await self._writing(lambda: importer.take(Found(tuple(publications))))
            return [*done.new, *done.changed]

    async def edit(self, id: str, text: str) -> Draft:
        """What a steward wrote goes into the draft.

        :raises Refused: where it cannot be taken.
        """
        async with self._turn:
            draft = await self.draft(id)
            own, of_claim = fields.split(text) if draft.kind == "item" else (text, "")
            # All is read before anything is written: of lines that cannot be taken, none are.
            mine, claimed = _entries(own, draft.kind), _entries(of_claim, "fact")
            if mine:
                await self._edit(draft, mine)
            if claimed:
                is_new = fields.says_claim(of_claim)
                claim = await self._writing(lambda: claim_of(self.folder, self.base(), draft, is_new))
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
            mark = hashlib.sha256("".join(one.mark for one in taken).encode()).hexdigest()
            shelf = Shelf(self.folder)
            await self._try(shelf, taken, today)
            ids, held = tuple(one.id for one in taken), timedelta(0) if self.two else HOLD

            async def review(transaction: Transaction) -> bool:
                if await reviews.published_since(transaction, steward, now - timedelta(hours=1)) >= MOST_AN_HOUR:
                    raise Refused("publish.too-many", most=str(MOST_AN_HOUR))
                others = await reviews.approved_by(transaction, id, mark) - {steward}
                if self.two and not others:
                    await reviews.approve(self.store, transaction, id, mark, steward)
                    return False
                await reviews.release(self.store, transaction, ids, steward, now, held)
                return True

            if not await self.store.run(review):
                return Published(ids, left, waits_for=True)
            await self._put(shelf, f"Publish {id}", steward, now)
            return Published(ids, left, held=held)

    async def put_aside(self, id: str, steward: str, now: datetime) -> tuple[str, ...]:
        """A draft, with its claims, is not proposed again; what was put aside.

        :raises Refused: where there is no such draft.
        """
        async with self._turn:
            drafts = await self.drafts()
            gone = family(id, drafts)
            shelf = Shelf(self.folder)
            for one in gone:
                shelf.decline(one)
            await self.store.run(lambda transaction: reviews.close(transaction, [one.id for one in gone]))
            await self._put(shelf, f"Put {id} aside", steward, now)
            return tuple(one.id for one in gone)

    async def withdraw(
        self, id: str, reason: Mapping[str, str], until_reviewed: Mapping[str, str], steward: str, now: datetime, today: date
    ) -> bool:
        """A publication is said no more, a fact or unknown goes: at once. Whether posts show the reason, as it was written.

        Where it takes two stewards, posts show `until_reviewed` until a second one gives the same reason.

        :raises Refused: where there is nothing of that id.
        """
        async with self._turn:
            shelf, mark = Shelf(self.folder), hashlib.sha256(f"withdraw {id} {sorted(reason.items())}".encode()).hexdigest()
            is_item = id in self.base().items
            reviewed = not (self.two and is_item) or await self._seconded(id, mark, steward)
            try:
                if is_item:
                    await asyncio.to_thread(shelf.withdraw, id, today, reason if reviewed else until_reviewed)
                else:
                    await asyncio.to_thread(shelf.remove, id)
            except KeyError as error:
                raise Refused("draft.unknown", id=id[:40]) from error
            await self._check(shelf, today)
            await self._put(shelf, f"Withdraw {id}", steward, now)
            return reviewed

    async def _seconded(self, id: str, mark: str, steward: str) -> bool:
        """Whether another steward said the same before; else this one is noted as the first."""

        async def review(transaction: Transaction) -> bool:
            if await reviews.approved_by(transaction, id, mark) - {steward}:
                await reviews.close(transaction, [id])
                return True
            await reviews.approve(self.store, transaction, id, mark, steward)
            return False

        return await self.store.run(review)

    async def _edit(self, draft: Draft, entries: tuple[fields.Entry, ...]) -> None:
        def change(tree: object) -> None:
            row = tree if draft.kind == "item" else tree[f"{draft.kind}s"][0]  # type: ignore[index]
            fields.apply(tree, row, draft.kind, entries)

        await self._writing(lambda: write(draft.path, changed(draft.path.read_text(encoding="utf-8"), change)))

    async def _try(self, shelf: Shelf, drafts: Sequence[Draft], today: date) -> None:
        def publish() -> None:
            for draft in drafts:
                shelf.publish(draft, today)

        await asyncio.to_thread(publish)
        await self._check(shelf, today)

    async def _check(self, shelf: Shelf, today: date) -> None:
        try:
            await asyncio.to_thread(shelf.tried, today)
        except BrokenBase as error:
            found = errors_of(error.findings)
            raise Refused("publish.broken", findings="\n".join(map(str, found[:MOST_SHOWN]))) from error

    async def _put(self, shelf: Shelf, what: str, steward: str, now: datetime) -> None:
        await self._writing(shelf.put)
        try:
            await asyncio.to_thread(record, self.folder, [*shelf.changes, Path(FILE)], what, steward, now)
        except Exception as error:  # The files are the truth; their history is a convenience.
            warn(Event.NOT_COMMITTED, exception=error)
        self.changed()

    async def _writing(self, work: Callable[[], Value]) -> Value:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Refused("draft.read-only", folder=str(self.folder), why=str(error.strerror)) from error


def _entries(text: str, kind: Kind) -> tuple[fields.Entry, ...]:
    try:
        return fields.entries_of(text, kind)
    except fields.Unclear as error:
        raise Refused(error.key, **error.values) from error
