"""Who cancelled a task: somebody who wants it to end, or nobody, where only what it waited for was cancelled."""

from __future__ import annotations

import asyncio


def is_cancelled() -> bool:
    """Whether the task that asks is to end; a library may cancel what we wait for, and nothing of ours ends by that."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
