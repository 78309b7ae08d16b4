"""Rows that tell nothing without the key file: found by an HMAC, sealed, and dated by the day of their last use alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from bot.keys import Keys

JSON = dict[str, Any]


@dataclass(frozen=True)
class SealedRows:
    """One table in the crypto store. `name` is what a row is found by; it stands nowhere."""

    database: Any
    table: str
    keys: Keys = field(repr=False)

    def create(self) -> None:
        """The table, where it is missing."""
        # Without row ids, which would tell in what order people came.
        columns = "mark TEXT PRIMARY KEY, day INTEGER NOT NULL, sealed TEXT NOT NULL"
        self.database.execute_sql(f"CREATE TABLE IF NOT EXISTS {self.table} ({columns}) WITHOUT ROWID")

    def mark(self, name: str) -> str:
        """What a row is kept under."""
        return self.keys.mark(name, self._purpose)[:32]

    def put(self, name: str, thing: JSON, day: date) -> None:
        """Keep it, last used on that day, in place of what was kept under this name."""
        row = (self.mark(name), day.toordinal(), self.keys.seal(json.dumps(thing), self._purpose))
        self.database.execute_sql(f"INSERT OR REPLACE INTO {self.table} (mark, day, sealed) VALUES (?, ?, ?)", row)

    def all(self) -> Iterator[tuple[JSON, date]]:
        """Everything, and the day of its last use.

        :raises BrokenKey: where it was sealed with another key file.
        """
        for day, sealed in self.database.execute_sql(f"SELECT day, sealed FROM {self.table}").fetchall():
            yield json.loads(self.keys.open(sealed, self._purpose)), date.fromordinal(day)

    def delete(self, name: str) -> None:
        """As if it had never been."""
        self.database.execute_sql(f"DELETE FROM {self.table} WHERE mark = ?", (self.mark(name),))

    def delete_unused(self, until: date) -> frozenset[str]:
        """Erase what was used on that day for the last time, or before; the marks of it."""
        with self.database.atomic():
            old = self.database.execute_sql(f"SELECT mark FROM {self.table} WHERE day <= ?", (until.toordinal(),)).fetchall()
            self.database.execute_sql(f"DELETE FROM {self.table} WHERE day <= ?", (until.toordinal(),))
        return frozenset(str(mark) for (mark,) in old)

    @property
    def _purpose(self) -> str:
        return f"matrix/{self.table}"


def day_of(moment: datetime) -> date:
    """The day by which a use is dated."""
    return moment.astimezone(UTC).date()
