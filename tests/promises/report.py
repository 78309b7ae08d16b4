"""A plugin: prints each promise with its test, its control and its figure, and writes docs/promises.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.promises.conftest import KEPT
from tests.promises.sentences import PROMISES

PAGE = Path(__file__).parents[2] / "docs" / "promises.md"
LEAD = """# What is promised, and what shows it

Written by `make promises` from its run; not by hand. Each promise is a test of that name under `tests/promises/`, and each
test has a control: the same look, where the promise was broken on purpose, finds it. `make test` runs a short form of each.
"""


@dataclass
class Row:
    """One test of a promise."""

    promise: str
    name: str
    control: str = "–"
    figure: str = "–"
    held: bool = True

    def line(self) -> str:
        return f"| {self.promise} | `{self.name}` | {self.control} | {self.figure} | {'held' if self.held else 'BROKEN'} |"


@dataclass(eq=False)
class Report:
    """Everything that ran and has a promise's mark. A plugin, so that it must be hashable."""

    rows: dict[str, Row] = field(default_factory=dict)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        outcome = yield
        mark = item.get_closest_marker("promise")
        if mark is None:
            return
        path, _, name = item.nodeid.rpartition("::")
        row = self.rows.setdefault(item.nodeid, Row(mark.args[0], f"{Path(path).name}::{name}"))
        row.held = row.held and outcome.get_result().passed  # type: ignore[attr-defined]
        if kept := item.stash.get(KEPT, None):
            row.control, row.figure = kept.control or "–", kept.figure or "–"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        rows = sorted(self.rows.values(), key=lambda row: (int(row.promise[1:]), row.name))
        for row in rows:
            state = "held  " if row.held else "BROKEN"
            terminalreporter.write_line(f"{state} {row.promise:4}{PROMISES[row.promise]}")
            terminalreporter.write_line(f"           {row.name}: {row.figure}; control: {row.control}")
        told = [f"**{id}** {sentence}" for id, sentence in PROMISES.items()]
        head = ["| promise | test | control: what the test finds | figure | |", "| --- | --- | --- | --- | --- |"]
        without = [id for id in PROMISES if id not in {row.promise for row in rows}]
        rest = [f"No test in this run: {', '.join(without)}."] if without else []
        page = [LEAD, *("\n".join([one, ""]) for one in told), *head, *(row.line() for row in rows), "", *rest]
        PAGE.write_text("\n".join(page).rstrip() + "\n", encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Report(), "promises")
