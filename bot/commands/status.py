"""`status`: what runs, since when, and how digests stand; of the running bot's last heartbeat and of the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from bot.app import App, now
from bot.commands.common import account_option, over_all
from bot.heartbeat import OLD_SECONDS, Heartbeat, last_heartbeat
from bot.store import Store, Transaction, ledger, panic, subscriptions


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object.")
@account_option
def status(as_json: bool, account: str | None) -> None:
    """What runs and since when, each platform's last contact, digests due and sent, what is unknown, and the base."""
    found = over_all(_found, account)
    if as_json:
        click.echo(json.dumps(found))
        return
    for line in _lines(found):
        click.echo(line)


async def _found(app: App, store: Store, transaction: Transaction) -> dict[str, Any]:
    moment = now()
    beat = last_heartbeat(app.settings.state)
    stopped = await panic.since(transaction)
    channels = await subscriptions.all_subscriptions(store, transaction)
    due, overdue = await ledger.overdue(transaction, moment, [store.account] if store.account else None)
    base, upcoming = app.base, [next(one.schedule.slots(moment)).at for one in channels if not one.paused]
    return {
        **_running(beat, moment),
        "stopped": _time(stopped.timestamp()) if stopped else None,
        "channels": len(channels),
        "paused": {str(one.address): one.paused for one in channels if one.paused},
        "next": _time(min(upcoming).timestamp()) if upcoming else None,
        "due": due,
        "overdue": overdue,
        "deliveries": await ledger.counts(transaction, store.account),
        "base": beat.base if beat else base.version,
        "folder": base.version,
        "facts": beat.facts if beat else len(base.facts),
        "unknowns": beat.unknowns if beat else len(base.unknowns),
        "items": beat.items if beat else len(base.items),
    }


def _running(beat: Heartbeat | None, moment: datetime) -> dict[str, Any]:
    """What only the bot itself knows."""
    if beat is None:
        return {"running": False, "since": None, "heartbeat": None, "platforms": {}, "held": [], "lag": None}
    platforms = {
        name: {
            "state": pulse.state,
            "contact": None if pulse.contact is None else _time(pulse.contact),
            "waiting": pulse.waiting,
            "set_free": pulse.set_free,
            "lost": pulse.lost,
            "shed": pulse.shed,
            "restarts": pulse.restarts,
        }
        for name, pulse in beat.platforms.items()
    }
    running = moment.timestamp() - beat.at <= OLD_SECONDS
    known = {"since": _time(beat.since), "heartbeat": _time(beat.at), "platforms": platforms, "lag": beat.lag}
    return {"running": running, **known, "held": list(beat.held)}


def _lines(found: dict[str, Any]) -> list[str]:
    if found["running"]:
        lines = [f"running since {found['since']}, event loop {found['lag'] * 1000:.0f} ms late"]
    elif found["heartbeat"]:
        lines = [f"not running, or hangs: last sign at {found['heartbeat']}"]
    else:
        lines = ["not running"]
    for name, one in found["platforms"].items():
        counted = ", ".join(f"{key.replace('_', ' ')} {one[key]}" for key in _COUNTED)
        contact = f"{one['contact'][:16]}Z" if one["contact"] else "none"
        lines.append(f"{name}: {one['state']}, last contact {contact}, {counted}")
    if found["stopped"]:
        lines.append(f"stopped since {found['stopped']}: nothing is published until `rueckspiegel panic lift`")
    lines += [f"digests wait: {_REASONS[reason]}" for reason in found["held"] if reason in _REASONS]
    counted = ", ".join(f"{state} {number}" for state, number in sorted(found["deliveries"].items())) or "none"
    late = f", the first for {found['overdue']} s" if found["due"] else ""
    differs = f" (the folder holds {found['folder']})" if found["base"] != found["folder"] else ""
    return [
        *lines,
        f"channels: {found['channels']}, paused: {len(found['paused'])}",
        f"next digest: {found['next'] or 'none'}",
        f"due: {found['due']}{late}",
        f"deliveries: {counted}",
        f"base: {found['base']}{differs}, {found['facts']} facts, {found['unknowns']} unknowns, {found['items']} items",
        *(f"paused: {address} ({why})" for address, why in found["paused"].items()),
    ]


_COUNTED = ("waiting", "set_free", "lost", "shed", "restarts")
_REASONS = {
    "clock": "the clock differs from the platforms', or none of them has told the time yet; `doctor` says by how much",
    "disk": "the disk is nearly full; make room",
}


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
