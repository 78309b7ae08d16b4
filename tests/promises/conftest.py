"""What each promise's test hands over: its control, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.promises.sentences import PROMISES


@dataclass
class Evidence:
    """`control`: what the test was seen to find where it was put there; `figure`: what it found where it must not be."""

    promise: str
    control: str = ""
    figure: str = ""

    def finds(self, control: str, found: object) -> None:
        """The control: with the promise broken on purpose, the same look finds something."""
        assert found, f"{self.promise}: a test that cannot fail: {control}"
        self.control = control

    def measured(self, figure: str) -> None:
        self.figure = figure


KEPT = pytest.StashKey[Evidence]()


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Iterator[Evidence]:
    """For the promise of the test's mark; a test that forgets its control fails."""
    mark = request.node.get_closest_marker("promise")
    made = Evidence(mark.args[0])
    assert made.promise in PROMISES
    request.node.stash[KEPT] = made
    yield made
    assert made.control
    assert made.figure
