"""install.sh on a bare Debian: a folder made by debootstrap, in which no systemd runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TAKEN = ("bot", "handlers", "data", "deploy", "pyproject.toml", "constraints.txt", "README.md", "LICENSE")
KEPT = ("opt", "etc", "var/lib", "usr/local")

pytestmark = [
    pytest.mark.promises,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("debootstrap"), reason="needs root and debootstrap"),
]


class Debian:
    """A system in a folder. Where this machine's pip trusts a certificate of its own, the other does too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        own = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        if "PIP_CERT" in os.environ:
            shutil.copy(os.environ["PIP_CERT"], self.folder / "source" / "trusted.crt")
            own["PIP_CERT"] = "/source/trusted.crt"
        return subprocess.run(["chroot", self.folder, *words], capture_output=True, text=True, env=own, check=False)

    def files(self) -> dict[str, tuple[int, int, int, int]]:
        """Mode, owner, size and time of everything that the script may touch."""
        return {
            str(file): (stat.st_mode, stat.st_uid, stat.st_size, stat.st_mtime_ns)
            for part in KEPT
            for file in (self.folder / part).rglob("*")
            for stat in [file.lstat()]
        }


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    folder = tmp_path_factory.mktemp("debian")
    folder.chmod(0o755)  # It becomes the root folder, which all users must be able to enter.
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder], check=True, capture_output=True)
    for name in TAKEN:
        source = ROOT / name
        (folder / "source").mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / "source" / name)
    yield Debian(folder)
    shutil.rmtree(folder)


def test_a_second_run_changes_nothing_and_the_removal_says_what_it_leaves(debian: Debian) -> None:
    first = debian.run("/source/deploy/install.sh")
    assert first.returncode == 0, first.stderr
    assert "neither enabled nor started" in first.stdout
    assert "RUECKSPIEGEL_CONTACT" in first.stdout

    before = debian.files()
    second = debian.run("/source/deploy/install.sh")
    assert "nothing was changed" in second.stdout
    assert debian.files() == before

    settings = "RUECKSPIEGEL_STATE=/var/lib/rueckspiegel/state"
    asked = debian.run(
        "runuser", "-u", "rueckspiegel", "--",
        "env", "-C", "/", settings, "/opt/rueckspiegel/current/bin/rueckspiegel", "ask", "what can the in-van camera record?",
    )  # fmt: skip
    assert asked.stdout.startswith("The AI-capable Netradyne cameras")

    gone = debian.run("/source/deploy/install.sh", "--remove")
    assert gone.returncode == 0
    assert not (debian.folder / "opt/rueckspiegel").exists()
    for left in ("/var/lib/rueckspiegel", "/etc/rueckspiegel"):
        assert left in gone.stdout
        assert (debian.folder / left[1:]).is_dir()
    assert (debian.folder / "etc/rueckspiegel/credentials/key").stat().st_mode & 0o777 == 0o600
