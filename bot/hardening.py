"""A crash must not leave the memory of the process on disk, nor its children at work."""

from __future__ import annotations

import ctypes
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


def forbid_dumps() -> None:
    """No core dump of this process, and no other process of this user may read its memory.

    :raises OSError: where the kernel refuses.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0, "PR_SET_DUMPABLE")


def end_with_parent() -> None:
    """A child that works for a process which was killed would go on for nobody.

    :raises OSError: where the kernel refuses.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, "PR_SET_PDEATHSIG")


def _prctl(option: int, value: int, name: str) -> None:
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({name}) was refused")
