"""What deploy/ promises, as far as it can be read; and the image's steps, run without an engine for containers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config import KNOWN, read_settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "rueckspiegel.service"
SCRIPTS = ("install.sh", "rueckspiegel")
WORST_EXPOSURE = "12"
"""Of 100, as systemd-analyze counts: what is left is that it may use the network."""


def _service() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and line[0].isalpha():
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def _compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def _steps(stage: str) -> list[str]:
    """The RUN steps of a stage of the Dockerfile, which are a line each."""
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")
    return re.findall(r"^RUN (.+)$", next(part for part in lines if stage in part.partition("\n")[0]), re.MULTILINE)


def test_every_setting_named_in_deploy_exists() -> None:
    for file in DEPLOY.iterdir():
        named = set(re.findall(r"RUECKSPIEGEL_([A-Z_]+[A-Z])", file.read_text(encoding="utf-8")))
        assert named <= {*KNOWN}, file.name


def test_the_example_settings_are_valid_once_they_are_taken() -> None:
    lines = (DEPLOY / "rueckspiegel.env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    taken = dict(line.removeprefix("#").split("=", 1) for line in lines if line.startswith("#RUECKSPIEGEL_"))
    settings = read_settings({**taken, "RUECKSPIEGEL_MATRIX_PASSWORD": "x"})
    assert settings.contact
    assert settings.stewards


def test_a_secret_file_that_is_empty_is_no_secret(tmp_path: Path) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.touch()
    full.write_text("123456:TEST\n", encoding="utf-8")
    both = {"RUECKSPIEGEL_TELEGRAM_TOKEN_FILE": str(full), "RUECKSPIEGEL_MATRIX_PASSWORD_FILE": str(empty)}
    settings = read_settings(both, tmp_path)
    assert settings.telegram_token == "123456:TEST"
    assert settings.matrix_password is None


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound(script: str) -> None:
    assert os.access(DEPLOY / script, os.X_OK)
    subprocess.run(["bash", "-n", DEPLOY / script], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", DEPLOY / script], check=True)


def test_the_unit_keeps_what_it_promises() -> None:
    unit = _service()
    for name, value in {
        "ExecStart": "/opt/rueckspiegel/current/bin/rueckspiegel run", "User": "rueckspiegel", "StateDirectoryMode": "0700",
        "UMask": "0077", "LimitCORE": "0", "MemorySwapMax": "0", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "StartLimitIntervalSec": "0",
    }.items():  # fmt: skip
        assert unit[name] == [value], name
    assert int(unit["TimeoutStopSec"][0]) > 20
    assert "169.254.0.0/16" in unit["IPAddressDeny"][0].split()
    for credential in unit["LoadCredential"]:
        assert f"=%d/{credential.partition(':')[0]}" in " ".join(unit["Environment"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text(encoding="utf-8"), flags=re.MULTILINE))
    verified = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    words = ["systemd-analyze", "security", "--offline=yes", f"--threshold={WORST_EXPOSURE}", "--no-pager", copy]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_the_operators_command_runs_under_the_services_limits(tmp_path: Path) -> None:
    for name, does in (("systemctl", f'cat "{UNIT}"'), ("systemd-run", 'printf "%s\\n" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        [DEPLOY / "rueckspiegel", "ask", "a b"], capture_output=True, text=True, check=True, env={"PATH": path}
    )
    words = done.stdout.splitlines()
    assert words[-3:] == ["/opt/rueckspiegel/current/bin/rueckspiegel", "ask", "a b"]
    assert "--property=User=rueckspiegel" in words
    assert "--property=ProtectSystem=strict" in words
    assert not [
        word for word in words if "%d" in word or re.match(r"--property=(Exec|Type|Restart|Description|WantedBy)", word)
    ]


def test_the_container_keeps_what_it_promises() -> None:
    bot = _compose()["services"]["bot"]
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert bot["user"] == "10001:10001"
    assert bot["ulimits"] == {"core": 0}
    assert bot["mem_limit"] == bot["memswap_limit"]
    assert int(bot["stop_grace_period"].removesuffix("s")) > 20
    assert bot["healthcheck"]["test"][:2] == ["CMD", "rueckspiegel"]
    assert {*bot["secrets"]} == {*_compose()["secrets"]}
    assert {volume.partition(":")[0] for volume in bot["volumes"]} == {*_compose()["volumes"]}
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert image.count("\nFROM ") == 2
    assert "\nUSER 10001:10001\n" in image


def _context(into: Path) -> None:
    """What the ignore file lets into the build, and nothing else."""
    for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            (shutil.copytree if source.is_dir() else shutil.copy)(source, into / line[1:])


@pytest.mark.promises
def test_the_images_steps_make_a_program_that_works(tmp_path: Path) -> None:
    source, program, state = (tmp_path / name for name in ("source", "program", "state"))
    source.mkdir()
    _context(source)
    path = f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"
    for step in _steps("AS build"):
        here = step.replace("/opt/rueckspiegel", str(program))
        subprocess.run(["sh", "-c", here], cwd=source, check=True, env={**os.environ, "PATH": path})
    health = [
        program / "bin" / word if word == "rueckspiegel" else word
        for word in _compose()["services"]["bot"]["healthcheck"]["test"][1:]
    ]
    settings = {"RUECKSPIEGEL_STATE": str(state), "RUECKSPIEGEL_KEY_FILE": str(tmp_path / "key")}
    done = subprocess.run(health, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (program / "bin" / "pip").exists()
