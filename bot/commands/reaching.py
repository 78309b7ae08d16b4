"""What `doctor` asks of the platforms: credentials, time, the device on Matrix, and whether every channel can be reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

from bot.app import now
from bot.commands.signs import Sign
from bot.config import Settings
from bot.digests import Subscription
from bot.environment import PREFIX
from bot.keys import load_keys
from bot.loops.clock import MOST_SKEW, asked, skew_of
from bot.messages import Address
from bot.publishing import clocks
from bot.store import Store, subscriptions
from bot.transports.matrix.identity import Identity
from bot.transports.matrix.proof import NotLoggedIn, proof, rooms_joined
from bot.transports.matrix.session import Credentials
from bot.transports.telegram.api import Api
from bot.transports.telegram.outcomes import OtherPoller, TokenRefused, Unreachable
from bot.transports.telegram.reach import may_post

LITTLE_SKEW = 10.0
MOST_ASKED = 200
"""Subscriptions of a platform that are asked for: each is a call, and the running bot needs its own."""
_SYNC = "turn on time synchronisation, such as systemd-timesyncd or chrony"

Reachable = Callable[[Address], Awaitable[bool]]


async def clock_signs(settings: Settings) -> AsyncIterator[Sign]:
    """This machine's clock against each platform's."""
    for platform, url in clocks(settings).items():
        told = await asked(url)
        skew = None if told is None else skew_of(told, now())
        name = f"clock against {platform}"
        if skew is None:
            yield Sign(name, "warn", "the platform tells no time", "look at its line; digests wait until one does")
        elif abs(skew) > MOST_SKEW:
            yield Sign(name, "fail", f"{abs(skew):.0f} seconds off, so that digests wait", _SYNC)
        elif abs(skew) > LITTLE_SKEW:
            yield Sign(name, "warn", f"{abs(skew):.0f} seconds off", _SYNC)
        else:
            yield Sign(name, "ok", f"{abs(skew):.0f} seconds off")


async def telegram_signs(settings: Settings) -> AsyncIterator[Sign]:
    """The token, and that the bot cannot read groups."""
    if settings.telegram_token is None:
        return
    api = Api(settings.telegram_token, settings.telegram_api_url)
    try:
        me = await api.start()
    except TokenRefused:
        remedy = f"copy {PREFIX}TELEGRAM_TOKEN once more from BotFather"
        yield Sign("telegram", "fail", "Telegram refuses the token", remedy)
        return
    except (Unreachable, OtherPoller) as error:
        says = f"{settings.telegram_api_url} does not answer ({type(error).__name__})"
        yield Sign("telegram", "fail", says, f"check the network and {PREFIX}TELEGRAM_API_URL")
        return
    finally:
        await api.close()
    if me.can_read_all_group_messages:
        yield Sign("telegram", "fail", "privacy mode is off", "send /setprivacy to BotFather and choose Enable")
    else:
        yield Sign("telegram", "ok", f"@{me.username}")


async def matrix_signs(settings: Settings) -> AsyncIterator[Sign]:
    """The login, and whether the device is signed so that no client warns of it."""
    credentials = _credentials(settings)
    if credentials is None:
        return
    if await asked(clocks(settings)["matrix"]) is None:
        says = f"{settings.matrix_homeserver} does not answer"
        yield Sign("matrix", "fail", says, f"check the network and {PREFIX}MATRIX_HOMESERVER")
        return
    if not settings.key_path.exists():
        yield _not_yet()
        return
    keys = load_keys(settings.key_path)
    try:
        problems = await proof(credentials, settings.matrix_folder, keys)
    except NotLoggedIn:
        yield _not_yet()
        return
    for problem in problems:
        says, _, remedy = problem.rpartition("; ")
        yield Sign("matrix", "fail", says or remedy, remedy if says else "restart the bot, which signs in anew")
    if not problems:
        fingerprint = Identity.of(keys, credentials.user).fingerprint
        yield Sign("matrix", "ok", f"the device is verified, fingerprint {fingerprint}")


def _not_yet() -> Sign:
    return Sign("matrix", "warn", "the bot has not logged in yet", "start it once, which tries user and password")


def _credentials(settings: Settings) -> Credentials | None:
    if settings.matrix_user is None or settings.matrix_homeserver is None or settings.matrix_password is None:
        return None
    return Credentials(settings.matrix_homeserver, settings.matrix_user, settings.matrix_password)


async def subscription_signs(settings: Settings, store: Store) -> AsyncIterator[Sign]:
    """Every chat that gets digests, and the stewards' room: can the bot still post there?"""
    found = await store.run(lambda transaction: subscriptions.all_subscriptions(store, transaction))
    by_platform: dict[str, list[Subscription]] = defaultdict(list)
    for one in found:
        by_platform[one.address.platform].append(one)
    out: list[Sign] = []
    asked_for = 0
    for platform, some in sorted(by_platform.items()):
        some.sort(key=lambda one: one.paused != "gone")
        wanted = [one.address for one in some][:MOST_ASKED]
        asked_for += len(wanted)
        out += [_lost(str(address)) for address in await _unreachable(settings, store, platform, wanted)]
    for sign in out:
        yield sign
    if not out:
        yield Sign("channels", "ok", f"{asked_for} of {len(found)} asked for, all can be reached")
    room = settings.steward_room
    if room is not None and await _unreachable(settings, store, room.platform, [room]):
        yield Sign("stewards' room", "fail", "the bot cannot post there", f"let it in, or mend {PREFIX}STEWARD_ROOM")


def _lost(address: str) -> Sign:
    remedy = f"let the bot in again and `channel resume {address}`, or `channel remove {address}`"
    return Sign("channel", "warn", f"{address} cannot be reached", remedy)


async def _unreachable(settings: Settings, store: Store, platform: str, wanted: list[Address]) -> list[Address]:
    """Those where the bot cannot post; a platform that does not answer or is not set up condemns none of them."""
    credentials = _credentials(settings)
    if platform == "matrix" and credentials is not None:
        try:
            rooms = await rooms_joined(credentials, settings.matrix_folder, store.keys)
        except NotLoggedIn:
            return []
        return [] if rooms is None else [one for one in wanted if one.chat not in rooms]
    if platform != "telegram" or settings.telegram_token is None:
        return []
    api = Api(settings.telegram_token, settings.telegram_api_url)
    try:
        me = await api.start()
        return [one for one in wanted if not await may_post(api, me.id, one)]
    except (Unreachable, TokenRefused, OtherPoller):
        return []
    finally:
        await api.close()
