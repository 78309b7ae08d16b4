"""Two people's changes to one row, the product's and a steward's, brought together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]


def merged(before: Any, ours: Any, theirs: Any, path: Path = ()) -> tuple[Any, tuple[str, ...]]:
    """Ours with what changed from `before` to theirs, and a sentence for each field that both changed, where ours stays.

    Texts go by language and variants one by one, all else as a whole. Where `before` is not known (None), what differs counts
    as changed by both, and nothing as taken out.
    """
    if theirs in (before, ours):
        return ours, ()
    if ours == before:
        return theirs, ()
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        was = before if isinstance(before, Mapping) else {}
        inner = {key: merged(was.get(key), ours.get(key), theirs.get(key), (*path, key)) for key in {**ours, **theirs}}
        kept = {
            key: value
            for key, (value, _) in inner.items()
            if value is not None or None in (ours.get(key, 0), theirs.get(key, 0))
        }
        return kept, tuple(conflict for _, conflicts in inner.values() for conflict in conflicts)
    if len(path) > 1 and isinstance(ours, list) and isinstance(theirs, list):
        known = before if isinstance(before, list) else []
        left = [one for one in ours if one in theirs or one not in known]
        return [*left, *(one for one in theirs if one not in known and one not in ours)], ()
    return ours, (f"{' '.join(path)}: the newer shipped base says “{_said(theirs)}”, this folder “{_said(ours)}”, which stays",)


def changes(ours: Any, new: Any, path: Path = ()) -> tuple[str, ...]:
    """The fields in which `new` differs from ours, as a steward writes them: `claim de`."""
    if isinstance(ours, Mapping) and isinstance(new, Mapping):
        return tuple(field for key in {**ours, **new} for field in changes(ours.get(key), new.get(key), (*path, key)))
    return () if ours == new else (" ".join(path),)


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "–" if value is None else str(value)
