"""Keys that others publish, without what nio cannot bear: whoever publishes an odd one harms nobody but that device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from nio.crypto import DeviceStore, Olm, OlmAccount, OutboundSession

JSON = dict[str, Any]
Sift = Callable[[str, str, Any], object]
_TRIAL = OlmAccount()
"""Sessions are made with it to see whether they can be made at all; nothing is ever said in them."""


def queried(body: JSON) -> tuple[JSON, int]:
    """An answer of /keys/query with the devices that nio can take in, and how many are missing."""
    return _sifted(body, "device_keys", _device)


def claimed(body: JSON, known: DeviceStore) -> tuple[JSON, int]:
    """An answer of /keys/claim with the keys from which a session with a known device can be made, and how many are missing."""
    return _sifted(body, "one_time_keys", partial(_one_time_key, known))


def _sifted(body: JSON, part: str, sift: Sift) -> tuple[JSON, int]:
    users = body.get(part)
    if not isinstance(users, dict):
        return body, 0
    kept: JSON = {}
    odd = 0
    for user, devices in users.items():
        found = devices if isinstance(devices, dict) else {}
        kept[user] = {id: thing for id, thing in found.items() if _bears(partial(sift, user, id, thing))}
        odd += len(found) - len(kept[user])
    return {**body, part: kept}, odd


def _bears(trial: Callable[[], object]) -> bool:
    try:
        return trial() is not False
    except Exception:  # nio and the crypto library take the form of many things for granted.
        return False


def _device(user: str, id: str, device: Any) -> bool:
    if (
        (device["user_id"], device["device_id"]) != (user, id)
        or not isinstance(device.get("unsigned", {}), dict)
        or not isinstance(device["algorithms"], list)
        or not _are_texts(device["algorithms"])
        or not _are_texts(device["keys"].values())
        or not all(_are_texts(each.values()) for each in device.get("signatures", {}).values())
    ):
        return False
    # Not whether the signature is true: nio looks at that, and what it then leaves out counts as no deletion.
    Olm.verify_json(None, device, device["keys"][f"ed25519:{id}"], user, id)
    return True


def _one_time_key(known: DeviceStore, user: str, id: str, keys: Any) -> bool:
    device, key = known[user][id], next(iter(keys.values()))
    OutboundSession(_TRIAL, device.curve25519, key["key"])
    return bool(Olm.verify_json(None, key, device.ed25519, user, id))


def _are_texts(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)
