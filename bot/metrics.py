"""The last heartbeat as OpenMetrics, on a port of this machine. The only importer of prometheus_client, and that late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

from bot.heartbeat import Heartbeat
from bot.refusal import Refusal

if TYPE_CHECKING:
    from prometheus_client.core import Metric

HELD = ("clock", "disk")
DELIVERIES = ("pending", "sending", "sent", "failed", "unknown", "dead")
STATES = ("starting", "listening", "ended")


class PortTaken(Refusal):
    """The metrics' port cannot be opened; the message names the variable and the remedy."""


def loopback(text: str) -> tuple[str, int]:
    """`127.0.0.1:9464` or `[::1]:9464` as host and port.

    :raises ValueError: for anything else, since nobody but this machine may ask.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        inside = ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no port of this machine; write a loopback address, such as 127.0.0.1:9464")
    return host, int(port)


@contextmanager
def served(address: tuple[str, int] | None, latest: Callable[[], Heartbeat | None]) -> Iterator[None]:
    """While it lasts, `latest` is served on the address, if there is one.

    :raises PortTaken: where it cannot be opened.
    """
    if address is None:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server

    # A registry of our own: the library's holds figures of the process that nobody chose.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(latest))
    try:
        server, thread = start_http_server(address[1], address[0], registry)
    except OSError as error:
        problem = f"{address[0]}:{address[1]} cannot be opened ({error.strerror}); name a free port"
        raise PortTaken(f"RUECKSPIEGEL_METRICS: {problem}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Collector:
    """Asked at each scrape."""

    def __init__(self, latest: Callable[[], Heartbeat | None]) -> None:
        self._latest = latest

    def collect(self) -> Iterator[Metric]:
        """Every metric of the last heartbeat; none before the first."""
        beat = self._latest()
        if beat is not None:
            yield from _process(beat)
            yield from _platforms(beat)
            yield from _digests(beat)


def _process(beat: Heartbeat) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, InfoMetricFamily

    base = {"version": beat.base, "product": beat.version}
    yield InfoMetricFamily("rueckspiegel_base", "The fact base that answers, by its content's hash.", value=base)
    yield from _gauges(
        ("start_time_seconds", "When the process started, since 1970.", beat.since),
        ("heartbeat_time_seconds", "When these figures were taken, since 1970.", beat.at),
        ("lag_seconds", "How late the event loop came to a timer.", beat.lag),
        ("facts", "Facts in the base.", beat.facts),
        ("unknowns", "Known unknowns in the base.", beat.unknowns),
        ("items", "Dossier items in the base.", beat.items),
    )
    asked = CounterMetricFamily(
        "rueckspiegel_questions", "Questions by outcome, about, in tens, ten minutes late.", labels=("platform", "outcome")
    )
    for platform, outcomes in beat.questions.items():
        for outcome, number in outcomes.items():
            asked.add_metric([platform, outcome], number)
    yield asked


def _platforms(beat: Heartbeat) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, StateSetMetricFamily

    state = StateSetMetricFamily("rueckspiegel_platform", "What a platform's loop does.", labels=["platform"])
    contact = GaugeMetricFamily(
        "rueckspiegel_contact_time_seconds", "Last contact, to the minute, since 1970.", labels=["platform"]
    )
    waiting = GaugeMetricFamily("rueckspiegel_updates_waiting", "Updates under way.", labels=["platform"])
    ends = CounterMetricFamily(
        "rueckspiegel_updates_not_kept", "Updates set free, lost at an end, or shed of a flood.", labels=("platform", "fate")
    )
    restarts = CounterMetricFamily("rueckspiegel_platform_restarts", "Restarts after a failure.", labels=["platform"])
    for name, pulse in beat.platforms.items():
        state.add_metric([name], {word: word == pulse.state for word in STATES})
        if pulse.contact is not None:
            contact.add_metric([name], pulse.contact)
        waiting.add_metric([name], pulse.waiting)
        for fate, number in (("set-free", pulse.set_free), ("lost", pulse.lost), ("shed", pulse.shed)):
            ends.add_metric([name, fate], number)
        restarts.add_metric([name], pulse.restarts)
    yield from (state, contact, waiting, ends, restarts)


def _digests(beat: Heartbeat) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    yield from _gauges(
        ("channels", "Subscriptions to digests.", beat.channels),
        ("channels_paused", "Subscriptions that rest.", beat.paused),
        ("digest_parts_due", "Parts of digests whose time has come.", beat.due),
        ("digest_overdue_seconds", "How long the first of them has waited.", beat.overdue),
    )
    parts = GaugeMetricFamily("rueckspiegel_digest_parts", "Parts of digests in the ledger by state.", labels=["state"])
    for state in DELIVERIES:
        parts.add_metric([state], beat.deliveries.get(state, 0))
    yield parts
    held = GaugeMetricFamily("rueckspiegel_held", "1 where digests wait for this.", labels=["reason"])
    for reason in HELD:
        held.add_metric([reason], int(reason in beat.held))
    yield held


def _gauges(*rows: tuple[str, str, float]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    return (GaugeMetricFamily(f"rueckspiegel_{name}", what, value=value) for name, what, value in rows)
