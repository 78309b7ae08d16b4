"""The command line as a process: what scripts from outside hold it to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.commands.main import main
from tests.shown import below

ROOT = Path(__file__).parent.parent


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_the_command_of_make_chat_answers_the_first_question() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "python -m bot chat" in recipe
    done = run("chat", stdin="what can the in-van camera record?\n")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("The AI-capable Netradyne cameras")


def test_buttons_are_tapped_by_number() -> None:
    done = run("chat", stdin="/topics\n1\n")
    assert done.returncode == 0
    assert "[1] Das Dossier" in done.stdout
    assert "Woher stammen die Fakten hier?" in done.stdout


def test_ask_prints_one_object_a_line_in_order_and_nothing_else() -> None:
    questions = ["what can the in-van camera record?", "hat dhl auch kameras", "", "hallo", "Was kostet die Ring Dashcam?"]
    done = run("ask", "--stdin", "--json", stdin="\n".join(questions) + "\n")
    assert done.returncode == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["question"] for row in rows] == questions
    assert all(set(row) == {"question", "language", "outcome", "kind", "facts", "score", "text"} for row in rows)
    assert all(row["outcome"] in ("answer", "suggest", "unknown", "decline") for row in rows)
    assert rows[0]["facts"][0] == "van-camera-records"
    assert rows[3]["kind"] == "greeting"
    assert rows[4]["facts"][0] == "ring-car-cam-price"


def test_lines_stand_alone() -> None:
    done = run("ask", "--stdin", "--json", stdin="what can the in-van camera record?\nund in Deutschland?\n")
    assert json.loads(done.stdout.splitlines()[1])["outcome"] != "answer"


def test_two_questions_in_one_line_are_one_object_with_both() -> None:
    done = run("ask", "--json", "Was filmt die Kamera im Transporter? Und wer stellt die her?")
    row = json.loads(done.stdout)
    assert row["outcome"] == "answer"
    assert row["facts"] == ["van-camera-records", "van-camera-maker"]


def test_a_forced_language_is_spoken() -> None:
    row = json.loads(run("ask", "--json", "--language", "en", "was kostet die ring dashcam").stdout)
    assert row["language"] == "en"
    assert "250 US dollars" in row["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ask",), "either a question or --stdin"),
        (("aks", "x"), "No such command"),
        (("ask", "--langage", "de", "x"), "No such option"),
        (("ask", "--language", "deutsch", "x"), "two letters"),
        (("ask", "--data", "/no/such/folder", "x"), "mistakes in the data folder"),
        (("evaluate", "/no/such/file.tsv"), "cannot be read"),
    ],
)
def test_wrong_use_is_status_2_and_says_what_is_wrong(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_misspelt_setting_is_refused_with_the_nearest_name() -> None:
    done = run("ask", "x", RUECKSPIEGEL_KONTACT="x")
    assert done.returncode == 2
    assert "RUECKSPIEGEL_KONTACT" in done.stderr
    assert "RUECKSPIEGEL_CONTACT" in done.stderr


def test_a_language_without_phrases_is_refused() -> None:
    done = run("ask", "x", RUECKSPIEGEL_LANGUAGE="xx")
    assert done.returncode == 2
    assert "RUECKSPIEGEL_LANGUAGE: nothing is written in 'xx'; write one of ar, " in done.stderr


def test_the_contact_of_the_settings_is_named() -> None:
    row = json.loads(run("ask", "--json", "soll ich das unterschreiben oder nicht?", RUECKSPIEGEL_CONTACT="hilfe@verdi").stdout)
    assert "hilfe@verdi" in row["text"]


def test_a_broken_folder_at_start_is_status_2_with_the_report(folder: Path) -> None:
    file = folder / "facts" / "ring.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("place: [US]", "place: [XX]", 1), encoding="utf-8")
    done = run("chat", "--data", str(folder), stdin="hallo\n")
    assert done.returncode == 2
    assert re.search(r"facts/ring\.yaml:\d+: place: error: XX is no country; use the ISO", done.stderr)
    assert run("check", "--data", str(folder)).returncode == 1


def test_warnings_count_only_when_strict(folder: Path) -> None:
    file = folder / "dossier" / "2020-09-01-us-warehouse-surveillance.yaml"
    new = file.read_text(encoding="utf-8").replace("id: us-warehouse-surveillance", "id: nothing-rests-on-this")
    (folder / "dossier" / "2020-09-02-new.yaml").write_text(new, encoding="utf-8")
    assert run("check", "--data", str(folder)).returncode == 0
    strict = run("check", "--data", str(folder), "--strict")
    assert strict.returncode == 1
    assert "no fact rests on nothing-rests-on-this" in strict.stdout


def test_evaluate_prints_figures_and_json(tmp_path: Path) -> None:
    file = tmp_path / "some.tsv"
    file.write_text(
        "en\tvan-camera-records\twhat can the in-van camera record?\tplain\nde\t-\that DHL auch Kameras?\tothercompany\n",
        encoding="utf-8",
    )
    tree = json.loads(run("evaluate", str(file), "--json").stdout)
    assert tree["rows"][0]["right"] == {"part": 1, "whole": 1}
    assert tree["rows"][0]["wrong"] == {"part": 0, "whole": 2}
    assert "right or offered" in run("evaluate", str(file)).stdout


def test_a_broken_line_of_questions_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.tsv"
    file.write_text("de\tno-such-fact\tx y\tplain\n", encoding="utf-8")
    done = run("evaluate", str(file))
    assert done.returncode == 2
    assert f"{file}:1: there is no fact no-such-fact" in done.stderr


def test_every_command_has_help_and_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, command in below(main).items():
        if command.hidden:
            continue
        assert command.help, name
        assert f"`rueckspiegel {name}" in readme, name


def test_every_figure_of_the_readme_comes_from_the_benchmarks() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    part = readme.split("## How well it works")[1].split("## Commands")[0]
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    figures = re.findall(r"\d+(?:\.\d+)? (?:%|ms|MB|s)\b|\d+\.\d+%", part)
    assert figures
    assert [figure for figure in figures if figure not in benchmarks] == []


def test_running_loads_nothing_of_what_the_account_may_not_need() -> None:
    """Of Matrix, PostgreSQL, typesetting and training; together they are 70 MB and a second of the start."""
    heavy = {"nio", "psycopg", "typst", "sklearn", "scipy"}
    script = f"import sys, bot.commands.main, bot.commands.run; sys.exit(str(sorted({heavy} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
