"""Fetching reaches the open web and nothing inside, whatever it is told; and no answer is larger or slower than allowed."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpcore
import pytest
from aiohttp import web as server

from bot.intake.found import NotTaken
from bot.intake.guard import Guarded, NoSuchHost, is_public, resolve
from bot.intake.net import Web
from tests.open_web import OpenWeb

NEWS = "https://news.test/feed"


@pytest.fixture
async def open_web(tmp_path: Path) -> AsyncIterator[OpenWeb]:
    async with OpenWeb(tmp_path) as opened:
        yield opened


class Recorded(httpcore.AsyncNetworkBackend):
    """Notes where a connection would have gone, and makes none."""

    def __init__(self) -> None:
        self.connected: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        raise httpcore.ConnectError("nobody there")


def answers(*addresses: str) -> object:
    async def look_up(host: str, port: int) -> Sequence[str]:
        return addresses

    return look_up


INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
    "198.18.0.1", "192.88.99.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "::ffff:127.0.0.1",
    "::127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "fd00::1", "fc00::1", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1", "2001::1", "2002:7f00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
async def test_a_host_inside_is_not_connected_to_even_beside_a_public_one(address: str) -> None:
    assert not is_public(address)
    for found in ((address,), ("1.1.1.1", address), (address, "1.1.1.1")):
        inner = Recorded()
        with pytest.raises(NotTaken, match="inside a network"):
            await Guarded(inner, answers(*found)).connect_tcp("news.example", 443)  # type: ignore[arg-type]
        assert inner.connected == []


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
async def test_the_connection_goes_to_the_address_that_was_checked(address: str) -> None:
    inner = Recorded()
    with pytest.raises(httpcore.ConnectError):
        await Guarded(inner, answers(address)).connect_tcp("news.example", 443)  # type: ignore[arg-type]
    assert inner.connected == [address]


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0", "localhost", "127.1", "::1"])
async def test_numbers_that_the_resolver_understands_are_refused_there_too(host: str) -> None:
    inner = Recorded()
    with pytest.raises(NotTaken):
        await Guarded(inner, resolve).connect_tcp(host, 443)
    assert inner.connected == []


@pytest.mark.parametrize(
    "url",
    ["http://news.test/feed", "file:///etc/passwd", "ftp://news.test/", "https://news.test:22/", "https://a@news.test/",
     "https://127.0.0.1/", "https://2130706433/", "https://[::1]/", "https://localhost/", "gopher://x.test/", "https://"],
)  # fmt: skip
async def test_no_address_of_another_form_is_asked(open_web: OpenWeb, url: str) -> None:
    with pytest.raises(NotTaken) as refused:
        await Web(open_web.loopback).fetch(url)
    assert refused.value.problem
    assert refused.value.remedy
    assert open_web.asked == []


@pytest.mark.parametrize(
    "to",
    ["http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/", "http://news.test/feed", "https://[::1]/",
     "file:///etc/passwd", "https://localhost/", "//127.0.0.1/", "https://news.test:8443/", "https://x@news.test/"],
)  # fmt: skip
async def test_a_redirect_is_checked_like_a_first_address(open_web: OpenWeb, to: str) -> None:
    open_web.redirect(NEWS, to)
    with pytest.raises(NotTaken, match="leads to another address"):
        await Web(open_web.loopback).fetch(NEWS)
    assert len(open_web.asked) == 1


async def test_a_name_that_changes_its_address_on_the_way_is_refused(open_web: OpenWeb) -> None:
    """Rebinding: public at first, inside when it is asked again after a redirect."""
    asked: list[str] = []

    async def turns(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["1.1.1.1"] if len(asked) == 1 else ["127.0.0.1"]

    inner = Recorded()
    guarded = Guarded(inner, turns)
    with pytest.raises(httpcore.ConnectError):
        await guarded.connect_tcp("news.example", 443)
    with pytest.raises(NotTaken, match="inside a network"):
        await guarded.connect_tcp("news.example", 443)
    assert inner.connected == ["1.1.1.1"]
    open_web.redirect(NEWS, "https://rebound.example/")
    with pytest.raises(NotTaken, match="inside a network"):
        await Web(open_web.loopback, turns).fetch(NEWS)


async def test_redirects_are_followed_five_times_and_remembered_where_they_are_for_good(open_web: OpenWeb) -> None:
    for hop in range(1, 7):
        open_web.redirect(f"https://news.test/{hop}", f"/{hop - 1}", 301)
    open_web.serve("https://news.test/0", "here")
    answer = await Web(open_web.loopback).fetch("https://news.test/5")
    assert (answer.body, answer.url, answer.moved) == (b"here", "https://news.test/0", True)
    with pytest.raises(NotTaken, match="more than 5 times"):
        await Web(open_web.loopback).fetch("https://news.test/6")
    open_web.redirect("https://news.test/1", "https://other.test/x", 302)
    open_web.serve("https://other.test/x", "there")
    answer = await Web(open_web.loopback).fetch("https://news.test/2")
    assert (answer.body, answer.moved) == (b"there", False)


async def test_nothing_of_ours_is_sent_along(open_web: OpenWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    open_web.serve("https://other.test/x", "there")
    open_web.serve(NEWS, status=302, Location="https://other.test/x", Set_Cookie="id=1; Domain=.test")
    assert (await Web(open_web.loopback).fetch(NEWS)).body == b"there"
    for _, _, headers in open_web.asked:
        assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding"}
        assert "spiegel" not in repr(headers).lower()


BARE = zlib.compressobj(9, zlib.DEFLATED, -15)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b"ok" * 900, mtime=0)), ("deflate", zlib.compress(b"ok" * 900)), ("identity", b"ok" * 900),
     ("deflate", BARE.compress(b"ok" * 900) + BARE.flush())],
)  # fmt: skip
async def test_compressed_answers_are_made_whole(open_web: OpenWeb, encoding: str, body: bytes) -> None:
    open_web.serve(NEWS, body, Content_Encoding=encoding)
    assert (await Web(open_web.loopback).fetch(NEWS)).body == b"ok" * 900


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"ok"), ("gzip", b"no gzip"), ("gzip", gzip.compress(b"x" * 999, mtime=0)[:-9])]
)
async def test_what_cannot_be_unpacked_is_not_taken(open_web: OpenWeb, encoding: str, body: bytes) -> None:
    open_web.serve(NEWS, body, Content_Encoding=encoding)
    with pytest.raises(NotTaken, match="cannot be read"):
        await Web(open_web.loopback).fetch(NEWS)


async def test_what_is_larger_than_allowed_is_refused_however_it_is_sent(open_web: OpenWeb) -> None:
    open_web.serve(NEWS, b"x" * 2_000_001)
    open_web.serve("https://news.test/bomb", gzip.compress(bytes(20_000_000), mtime=0), Content_Encoding="gzip")

    async def chunks(request: server.BaseRequest) -> server.StreamResponse:
        response = server.StreamResponse()
        await response.prepare(request)
        while True:  # Ends when the other side has had enough.
            await response.write(b"x" * 65536)

    open_web.serve_by("https://news.test/endless", chunks)
    for url in (NEWS, "https://news.test/bomb", "https://news.test/endless"):
        with pytest.raises(NotTaken, match="larger than 2 MB"):
            await Web(open_web.loopback).fetch(url)
    open_web.serve(NEWS, b"x" * 2_000_000)
    assert len((await Web(open_web.loopback).fetch(NEWS)).body) == 2_000_000


async def test_who_answers_a_byte_at_a_time_is_given_up(open_web: OpenWeb) -> None:
    async def drip(request: server.BaseRequest) -> server.StreamResponse:
        response = server.StreamResponse()
        await response.prepare(request)
        while not open_web.closing.is_set():
            await response.write(b"x")
            with_patience = asyncio.ensure_future(open_web.closing.wait())
            await asyncio.wait([with_patience], timeout=0.05)
            with_patience.cancel()
        return response

    open_web.serve_by(NEWS, drip)
    with pytest.raises(NotTaken, match=r"no whole answer came within 0\.5 seconds"):
        await Web(open_web.loopback, seconds=0.5).fetch(NEWS)


async def test_a_certificate_that_nobody_vouches_for_is_refused(open_web: OpenWeb) -> None:
    from dataclasses import replace

    open_web.serve(NEWS, "x")
    elsewhere = replace(open_web.loopback, hosts=("bank.test",))
    with pytest.raises(NotTaken, match="certificate"):
        await Web(elsewhere).fetch("https://bank.test/")
    assert open_web.asked == []


async def test_a_host_that_does_not_exist_is_said_to() -> None:
    with pytest.raises(NotTaken):
        await Web().fetch("https://no-such-host.invalid/")
    with pytest.raises(NoSuchHost):
        await resolve(f"{'a' * 64}.example", 443)


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [("120", "", 120), ("Tue, 24 Nov 2026 12:10:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT", 600), ("soon", "", None),
     ("", "", None), ("Tue, 24 Nov 2026 12:10:00 GMT", "never", None)],
)  # fmt: skip
async def test_when_a_site_wants_to_be_asked_again(open_web: OpenWeb, value: str, date: str, seconds: float | None) -> None:
    open_web.serve(NEWS, status=429, Retry_After=value, **({"Date": date} if date else {}))
    assert (await Web(open_web.loopback).fetch(NEWS)).wait == seconds
