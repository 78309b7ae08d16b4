"""What the child is asked to do: fetch a page, an article or a feed, look after a link."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bot.intake.fetched import FeedNews, Link, Page, Result, TryLater
from bot.intake.found import NotTaken
from bot.intake.guard import AGAIN_LATER, NoSuchHost
from bot.intake.net import Answer, Web
from bot.spoofing import safe_url, shown

PARSERS = {"article": "bot.intake.articles", "feed": "bot.intake.feeds"}
"""What a job needs beside the net; loaded before memory is capped."""
ARCHIVE = "https://archive.org/wayback/available?url="
_GONE = {404: "there is no such page (404)", 410: "the page was taken away (410)"}
_COPY = re.compile(r"https?://(web\.archive\.org/web/\d{4,14}/\S+)")


async def do(order: Mapping[str, Any], web: Web) -> Result:
    """One order: its job and the address.

    :raises NotTaken: where nothing that can be used came of it.
    """
    url = str(order["url"])
    match order["job"]:
        case "page":
            answer = _good(await web.fetch(url))
            return Page(answer.body, answer.headers.get("content-type", ""), answer.url)
        case "article":
            from bot.intake.articles import read_article

            answer = _good(await web.fetch(url))
            return read_article(answer.body, answer.url)
        case "feed":
            return await _feed(web, url, str(order["etag"]), str(order["modified"]))
        case "link":
            return await _link(web, url)
    raise NotTaken(f"{order['job']} is no job", "use the same version of the product in all processes")


def _good(answer: Answer) -> Answer:
    if answer.status == 200:
        return answer
    name = shown(answer.url)
    if answer.status in (429, 503) and answer.wait is not None:
        raise TryLater(f"{name}: the site asks us to come back later ({answer.status})", AGAIN_LATER, answer.wait)
    if answer.status in _GONE:
        raise NotTaken(f"{name}: {_GONE[answer.status]}", "check the address")
    raise NotTaken(f"{name}: the site answers with status {answer.status}", AGAIN_LATER)


async def _feed(web: Web, url: str, etag: str, modified: str) -> FeedNews | None:
    from bot.intake.feeds import read_feed

    asked = {name: value for name, value in (("If-None-Match", etag), ("If-Modified-Since", modified)) if value}
    answer = await web.fetch(url, headers=asked)
    if answer.status == 304 and asked:
        return None
    entries, pause = read_feed(_good(answer).body, answer.headers.get("content-type", ""), answer.url)
    kept = [answer.headers.get(name, "")[:500] for name in ("etag", "last-modified")]
    return FeedNews(entries, kept[0], kept[1], pause)


async def _link(web: Web, url: str) -> Link:
    try:
        # Many servers have no good answer to HEAD; what it says against a page is asked again with GET.
        answer = await web.fetch(url, method="HEAD", whole=False)
        if answer.status >= 400:
            answer = await web.fetch(url, whole=False)
    except NoSuchHost:
        return Link("dead", url, "there is no such host", await _archived(web, url))
    except NotTaken as error:
        return Link("unclear", url, error.problem.removeprefix(f"{shown(url)}: "), await _archived(web, url))
    if answer.status < 400:
        gone_to = shown(answer.url) if answer.moved else url
        return Link("moved" if answer.moved else "ok", gone_to, archived=await _archived(web, url))
    why = _GONE.get(answer.status, f"the site answers with status {answer.status}")
    return Link("dead" if answer.status in _GONE else "unclear", url, why, await _archived(web, url))


async def _archived(web: Web, url: str) -> str:
    """The address of the newest archived copy, where the archive knows one."""
    try:
        said = json.loads(_good(await web.fetch(ARCHIVE + quote(url, safe=""))).body)
        copy = _COPY.fullmatch(said["archived_snapshots"]["closest"]["url"])
    except (NotTaken, ValueError, KeyError, TypeError):
        return ""
    return safe_url(f"https://{copy[1]}") or "" if copy else ""
