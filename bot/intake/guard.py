"""Connections to the open web and to nowhere else: a host is looked up once, and every address that it has must be public."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore

from bot.intake.found import NotTaken

AGAIN_LATER = "try again later, or open it in a browser"
MOST_TRIED = 3
# Ranges that lead to hosts behind a translator, perhaps inside; which of them Python counts as global depends on its age.
_TRANSLATED = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/23", "2002::/16"),
    )
)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class NoSuchHost(NotTaken):
    """The name of the host leads nowhere."""


@dataclass(frozen=True, slots=True)
class Loopback:
    """For tests alone: these hosts are a server on this machine, at that port, with that certificate (a file)."""

    hosts: tuple[str, ...]
    port: int
    certificate: str


def is_public(address: str) -> bool:
    """Whether an address is one of the open web: global, unicast, and no way back inside through a translator."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found.scope_id or found.is_site_local:
            return False
    if any(found in network for network in _TRANSLATED):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host.

    :raises NoSuchHost: where it has none.
    """
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise NotTaken(f"{host}: the name could not be looked up just now", AGAIN_LATER) from error
        raise NoSuchHost(f"{host}: there is no such host", "check how it is written") from error
    except UnicodeError as error:
        raise NoSuchHost(f"{host}: no host can be called that", "check how it is written") from error
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


class Guarded(httpcore.AsyncNetworkBackend):
    """Connects to the very address that was checked, so that a second look-up cannot lead elsewhere."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, look_up: Resolve, loopback: Loopback | None = None) -> None:
        self._inner, self._look_up, self._loopback = inner, look_up, loopback

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (as the library calls it)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if self._loopback is not None and host in self._loopback.hosts:
            return await self._inner.connect_tcp("127.0.0.1", self._loopback.port, timeout)
        addresses = await self._look_up(host, port)
        if not addresses or not all(map(is_public, addresses)):
            raise NotTaken(f"{host}: the host lies inside a network", "write an address that everybody can open")
        failure: Exception | None = None
        for address in addresses[:MOST_TRIED]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(self, path: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        raise NotTaken(f"{path} is no web address", "write one that begins with https://")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
