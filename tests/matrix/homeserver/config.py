"""What Synapse needs to be told; JSON, which is YAML as well."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

SERVER_NAME = "localhost"
_LIFTED = {"per_second": 1000, "burst_count": 10000}
_LIMITS: dict[str, Any] = {
    "rc_message": _LIFTED,
    "rc_registration": _LIFTED,
    "rc_login": {"address": _LIFTED, "account": _LIFTED, "failed_attempts": _LIFTED},
    "rc_joins": {"local": _LIFTED, "remote": _LIFTED},
    "rc_joins_per_room": _LIFTED,
    "rc_invites": {"per_room": _LIFTED, "per_user": _LIFTED, "per_issuer": _LIFTED},
    "rc_room_creation": _LIFTED,
    "rc_key_requests": _LIFTED,
}


def write_config(folder: Path, port: int, registration_secret: str, lifted: bool) -> Path:
    """The configuration file in `folder`, with a signing key and a log configuration beside it."""
    seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    (folder / "signing.key").write_text(f"ed25519 a_test {seed}\n")
    (folder / "log.json").write_text(json.dumps(_logging(folder / "homeserver.log")))
    config = folder / "homeserver.json"
    config.write_text(json.dumps(_settings(folder, port, registration_secret) | (_LIMITS if lifted else {})))
    return config


def _settings(folder: Path, port: int, registration_secret: str) -> dict[str, Any]:
    listener = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "type": "http",
        "tls": False,
        "resources": [{"names": ["client"]}],
    }
    return {
        "server_name": SERVER_NAME,
        "report_stats": False,
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "log_config": str(folder / "log.json"),
        "registration_shared_secret": registration_secret,
        "macaroon_secret_key": secrets.token_hex(),
        "form_secret": secrets.token_hex(),
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "presence": {"enabled": False},
        "bcrypt_rounds": 4,  # the default costs a quarter of a second a login
    }


def _logging(path: Path) -> dict[str, Any]:
    handler = {"class": "logging.FileHandler", "filename": str(path), "formatter": "plain"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"file": handler},
        "root": {"level": "WARNING", "handlers": ["file"]},
    }
