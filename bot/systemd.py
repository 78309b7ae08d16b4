"""What systemd is told of a service of `Type=notify`: one datagram a message, nothing where no systemd listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

READY, WATCHDOG, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


def notify(message: str, environment: Mapping[str, str] | None = None) -> None:
    """Say it; a socket that is gone is no reason to stop."""
    address = (os.environ if environment is None else environment).get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.settimeout(1.0)
        # A name that begins with @ is abstract: the kernel writes it with a zero byte.
        line.sendto(message.encode(), "\0" + address[1:] if address.startswith("@") else address)


def watchdog_seconds(environment: Mapping[str, str] | None = None) -> float | None:
    """Within how many seconds systemd wants to hear from this process, None where it does not."""
    found = os.environ if environment is None else environment
    microseconds, process = found.get("WATCHDOG_USEC", ""), found.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or process != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000 or None
