"""Addresses that mislead are named, and shown as what they are."""

from __future__ import annotations

import pytest

from bot.spoofing import UNENCRYPTED, fault_of, shown, shown_host


@pytest.mark.parametrize(
    "url",
    ["https://example.org", "https://www.labournet.de/?p=177799", "https://bücher.example/", "https://xn--bcher-kva.example/x",
     "https://example.org:443/", "https://rtl.hu/cikk/ő", "https://șoferi.ro/", "https://почта.рф/", "https://ελλάδα.gr/",
     "https://العربية.example/", "https://例え.jp/", "https://EXAMPLE.org/a@b", "https://example.org/a%20b"],
)  # fmt: skip
def test_a_plain_address_has_no_fault(url: str) -> None:
    assert fault_of(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/", "not encrypted"), (f"https://example.org/{'a' * 2000}", "more than 2000"),
        ("ftp://example.org/", "no web address"), ("file:///etc/passwd", "no web address"), ("example.org", "no web address"),
        ("javascript:alert(1)", "no web address"), ("https://[::1/", "no web address"), ("https://a.b:x/", "no web address"),
        ("https://amazon.de@evil.example/", "before the host"), ("https://a:b@evil.example/", "before the host"),
        ("https://example.org:8443/", "port"), ("https://example.org:22/", "port"),
        ("https://127.0.0.1/", "number"), ("https://2130706433/", "number"), ("https://0x7f000001/", "number"),
        ("https://0/", "number"), ("https://0x7f.1/", "number"), ("https://[::1]/", "number"), ("https://127.1/", "number"),
        ("https://[::ffff:127.0.0.1]/", "number"), ("https://１２７.０.０.１/", "looks like"),
        ("https://127.0.0.1./", "number"),
        ("https://localhost/", "inside"), ("https://router.local/", "inside"), ("https://a.internal/", "inside"),
        ("https://intranet/", "inside"), ("https://localhost./", "inside"), ("https://x.onion/", "inside"),
        ("https://exam\u200bple.org/", "not seen"), ("https://example.org/\u202egpj.exe", "not seen"),
        ("https://exam\u00adple.org/", "not seen"), ("https://example.org/\x07", "not seen"),
        ("https://example.org/a b", "blanks"), ("https://example.org\\@evil.example/", "blanks"), (" https://a.org", "blanks"),
        ("https://exa\nmple.org/", "blanks"),
        ("https://аmazon.com/", "xn--mazon-3ve.com"), ("https://amazon.соm/", "looks like"),
        ("https://аррӏе.com/", "looks like"), ("https://xn--80ak6aa92e.com/", "looks like"),
        ("https://ｅxample.org/", "looks like"), ("https://example。org/", "looks like"), ("https://ɑmazon.de/", "looks like"),
        ("https://bıld.de/", "looks like"), ("https://οο.gr/", "looks like"),
        ("https://exam_ple.org/", "no host"), ("https://", "no host"), ("https://a..b/", "no host"),
        ("https://%65xample.org/", "no host"), ("https://-a.org/", "no host"), (f"https://{'a' * 64}.org/", "no host"),
    ],
)  # fmt: skip
def test_what_misleads_is_named_with_a_remedy(url: str, words: str) -> None:
    fault = fault_of(url)
    assert fault is not None
    assert words in fault.problem
    assert fault.remedy


def test_a_mixed_host_is_shown_in_ascii_and_an_honest_one_in_its_letters() -> None:
    assert shown("https://аmazon.com/\u202ex") == "https://xn--mazon-3ve.com/x"
    assert shown("https://Bücher.example/ü?x#y") == "https://bücher.example/ü?x#y"
    assert shown("https://xn--bcher-kva.example/") == "https://xn--bcher-kva.example/"
    assert shown_host("аррӏе.com") == "xn--80ak6aa92e.com"
    assert shown_host("exam_ple.org") == "exam_ple.org"
    assert shown("https://[broken") == "https://[broken"


def test_only_the_missing_encryption_is_a_fault_of_its_own() -> None:
    assert fault_of("http://example.org/") == UNENCRYPTED
    assert fault_of("http://localhost/") != UNENCRYPTED
