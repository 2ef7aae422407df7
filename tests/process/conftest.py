"""Fixtures of the tests that start the real program."""

from __future__ import annotations

import pytest

from tests.process.town import Town, town_in

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def shared_town(tmp_path_factory, forks):
    """One for all tests of a module, which tell what is theirs by its words."""
    Town.forks = forks
    for town in town_in(tmp_path_factory.mktemp("town")):
        town.start_sandbox()
        yield town


@pytest.fixture
def town(tmp_path):
    """A town with a sandbox that runs."""
    for town in town_in(tmp_path):
        town.start_sandbox()
        yield town
