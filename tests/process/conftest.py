"""Fixtures of the tests that start the real program."""

from __future__ import annotations

import pytest

from tests.process.town import town_in

pytestmark = pytest.mark.process


@pytest.fixture
def town(tmp_path):
    """A town with a sandbox that runs."""
    for town in town_in(tmp_path):
        town.start_sandbox()
        yield town
