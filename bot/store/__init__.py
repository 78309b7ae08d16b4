"""All that is kept on disk, and every line of SQL. Gives and takes our values, never rows.

No table has a column for a person: no asker's id, name, language or text (tests hold the schema to that).
"""

from bot.store.engine import Store, Transaction
from bot.store.opening import open_store
from bot.store.refused import BrokenStore

__all__ = ["BrokenStore", "Store", "Transaction", "open_store"]
