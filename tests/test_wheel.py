"""The wheel: everything that runs and everything that is said is in it, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
MOST_BYTES = 12 * 2**20


def _pip(*words: str | Path, python: Path = Path(sys.executable)) -> None:
    subprocess.run([python, "-m", "pip", "--disable-pip-version-check", *words], check=True, capture_output=True, timeout=900)


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("rueckspiegel-*.whl"))


def test_it_holds_the_program_and_the_data_and_nothing_else(wheel: Path) -> None:
    modules = {
        str(file.relative_to(ROOT))
        for part in ("bot", "handlers")
        for file in (ROOT / part).rglob("*.*")
        if file.suffix in (".py", ".typ", ".onnx")
    }
    data = {f"bot/{file.relative_to(ROOT)}" for file in (ROOT / "data").rglob("*") if file.is_file()}
    held = _names(wheel)
    assert {name for name in held if ".dist-info/" not in name} == modules | data
    assert f"rueckspiegel-{VERSION}.dist-info/licenses/LICENSE" in held
    assert wheel.stat().st_size < MOST_BYTES


def test_the_changelog_tells_the_operator_what_to_do() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    titles = [section.partition("\n")[0] for section in sections]
    assert titles[0] == "Unreleased" or titles[0].startswith(VERSION)
    assert all(title == "Unreleased" or re.match(r"\d+\.\d+\.\d+ ", title) for title in titles)
    assert all("### What an operator must do\n" in section for section in sections)


@pytest.mark.promises
def test_it_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    _pip("install", "--constraint", ROOT / "constraints.txt", f"{wheel}[pdf,postgres]", python=python)
    _pip("check", python=python)

    def run(*words: str) -> str:
        own = {"PATH": os.environ["PATH"], "RUECKSPIEGEL_STATE": str(tmp_path / "state")}
        command = [tmp_path / "clean" / "bin" / "rueckspiegel", *words]
        return subprocess.run(command, cwd=tmp_path, env=own, check=True, capture_output=True, text=True, timeout=300).stdout

    assert run("--version").endswith(f"{VERSION}\n")
    run("check", "--strict")
    assert run("ask", "what can the in-van camera record?").startswith("The AI-capable Netradyne cameras")
    assert "SIGTERM" in run("run", "--help")
    assert "channels: 0" in run("status")  # The migrations were found.
    subprocess.run([python, "-I", "-c", "import psycopg, typst"], check=True)


@pytest.mark.promises
def test_a_source_distribution_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    _pip("install", "build", python=python)
    subprocess.run([python, "-m", "build", "--outdir", tmp_path, ROOT], check=True, capture_output=True, timeout=900)
    assert _names(next(tmp_path.glob("*.whl"))) == _names(wheel)
