"""Addresses that are not what they look like: whose letters mix, what may be a link. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import urlsplit

import idna

from bot.unseen import clean

LONGEST_URL = 2000
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
_INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion")
# Letters of other scripts that pass for Latin ones, and Latin ones that pass for others.
_PASS_FOR_LATIN = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡαικνρυωηοτ")
_PASS_FOR_ANOTHER = frozenset("ıĸŀŉ")
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "BOPOMOFO": "CJK"}


class Fault(NamedTuple):
    """What is wrong with an address, and what to do about it."""

    problem: str
    remedy: str


UNENCRYPTED = Fault("the address is not encrypted (http)", "write https://, where the site has it")
_BROKEN = Fault("that is no web address", "write one that begins with https://")
_UNSEEN_SIGNS = Fault("the address holds characters that are not seen", "type it anew, without them")
_LONG = Fault(f"the address has more than {LONGEST_URL} characters", "look for a shorter one, such as that for sharing")
_BLANK = Fault("the address holds blanks or backslashes", "copy it once more from the page")
_NAMED = Fault("the address names somebody before the host, so that it looks like another", "take out what stands before the @")
_PORT = Fault("the address names a port", "take it out; only the usual one is asked")
_NO_HOST = Fault("the address has no host that can be", "copy it once more from the page")
_NUMERIC = Fault("the host is a number", "write the name of the site")
_INNER = Fault("the host lies inside a network", "write an address that everybody can open")


def safe_url(url: str) -> str | None:
    """The address if it is a link that may be shown: https, a host, nobody's name before it."""
    try:
        split = urlsplit(url)
        host, _ = split.hostname or "", split.port
    except ValueError:
        return None
    if split.scheme != "https" or "@" in split.netloc or not re.fullmatch(r"([a-z0-9-]+\.)+[a-z0-9-]+", host):
        return None
    return url if re.fullmatch(r"[!-~]+", url) else None


def fault_of(url: str) -> Fault | None:
    """What keeps an address from being taken as a source, or nothing."""
    if len(url) > LONGEST_URL:
        return _LONG
    if clean(url) != url:
        return _UNSEEN_SIGNS
    if "\\" in url or any(sign.isspace() for sign in url):
        return _BLANK
    try:
        split = urlsplit(url)
        host, port = split.hostname or "", split.port
    except ValueError:
        return _BROKEN
    if split.scheme not in ("http", "https"):
        return _BROKEN
    if "@" in split.netloc:
        return _NAMED
    fault = _host_fault(host)
    if fault is not None:
        return fault
    if split.scheme == "http":
        return UNENCRYPTED
    return _PORT if port not in (None, 443) else None


def shown(url: str) -> str:
    """The address as a report may show it: nothing unseen in it, a host that looks like another in its ASCII form."""
    text = clean(url)
    try:
        split = urlsplit(text)
        host = split.hostname or ""
        return split._replace(netloc=split.netloc.lower().replace(host, shown_host(host))).geturl() if host else text
    except ValueError:
        return text


def host_of(url: str) -> str:
    """The host of an address as a report may show it; the address itself where it has none."""
    try:
        return shown_host(urlsplit(url).hostname or "") or shown(url)
    except ValueError:
        return shown(url)


def shown_host(host: str) -> str:
    """The host, in its ASCII form (punycode) where its letters mix scripts or look like others."""
    try:
        ascii_form = _ascii(host)
        letters = idna.decode(ascii_form)
    except (idna.IDNAError, UnicodeError):
        return host.encode("ascii", "backslashreplace").decode()
    return ascii_form if letters != _folded(host) or any(map(_is_disguised, letters.split("."))) else letters


def _host_fault(host: str) -> Fault | None:
    if ":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return _NUMERIC
    try:
        ascii_form = _ascii(host)
        letters = idna.decode(ascii_form)
    except (idna.IDNAError, UnicodeError):
        return _NO_HOST
    labels = letters.split(".")
    # What was written must be what is asked: full-width letters, say, become others on the way.
    if any(map(_is_disguised, labels)) or _folded(host) not in (letters, ascii_form):
        return Fault(f"the host is not what it looks like ({ascii_form})", "write the address of the site that is meant")
    if _NUMBER.fullmatch(labels[-1]):
        return _NUMERIC
    return _INNER if len(labels) < 2 or labels[-1] in _INSIDE else None


def _ascii(host: str) -> str:
    return idna.encode(host.rstrip("."), uts46=True).decode("ascii")


def _folded(host: str) -> str:
    return unicodedata.normalize("NFC", host.rstrip(".").lower())


def _is_disguised(label: str) -> bool:
    letters = [letter for letter in label if letter.isalpha()]
    scripts = {unicodedata.name(letter, "UNKNOWN").partition(" ")[0] for letter in letters}
    scripts = {_ONE_SCRIPT.get(script, script) for script in scripts}
    if scripts <= {"LATIN"}:
        return any(letter in _PASS_FOR_ANOTHER or (letter > "\u017f" and letter not in "șț") for letter in letters)
    return len(scripts) > 1 or all(letter in _PASS_FOR_LATIN for letter in letters)
