"""Fixtures of the tests that start the real program."""

from __future__ import annotations

import pytest

from tests.process.town import Town, town_in
from tests.release import at_release

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def shared_town(tmp_path_factory, forks):
    """One for all tests of a module, which tell what is theirs by its words."""
    Town.forks = forks
    for town in town_in(tmp_path_factory.mktemp("town")):
        town.start_sandbox()
        yield town


def pytest_generate_tests(metafunc):
    """What is marked so is told twice: of a town whose store is a file, and of one whose store is on a server."""
    if metafunc.definition.get_closest_marker("both_stores"):
        metafunc.parametrize("engine", ["file", *at_release(["server"])])


@pytest.fixture
def engine():
    """Where the town's store is, unless a test is of both."""
    return "file"


@pytest.fixture
def town(tmp_path, engine, request):
    """A town with a sandbox that runs."""
    for town in town_in(tmp_path):
        if engine == "server":
            town.store = request.getfixturevalue("server").url.reveal()
        town.start_sandbox()
        yield town
