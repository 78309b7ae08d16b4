"""Where this process connects to and what it looks up, over its whole life."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

Seen = tuple[str, str, int]
"""`connect` or `look up`, host, port."""
RESERVED = ("localhost", ".localhost", ".invalid", ".test", ".example")
"""Names that no resolver may ever find."""
seen: set[Seen] = set()


def listen() -> None:
    """From now on; a hook cannot be taken away again."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        seen.add(("connect", str(arguments[1][0]), int(arguments[1][1])))
    elif event == "socket.getaddrinfo" and arguments[0]:
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
        seen.add(("look up", host, int(arguments[1] or 0) if str(arguments[1] or 0).isdigit() else 0))


def outside(found: Iterable[Seen]) -> list[Seen]:
    """What of it left this machine, or would have."""
    return sorted(one for one in found if not (_is_here(one[1]) or (one[0] == "look up" and one[1].endswith(RESERVED))))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        try:
            return ip_address(socket.inet_aton(host)).is_loopback or host == "0"
        except OSError:
            return False
