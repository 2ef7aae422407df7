"""A real Chromium on a real daemon. Each module has a town of its own; each test, browsers of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import CHROMIUM, started
from tests.browser.officer import PATIENCE, Desk, People
from tests.browser.town import DeskTown, desk_town

pytestmark = pytest.mark.process
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def chromium():
    """The browser, for one module: Playwright's loop must not be there when other modules run theirs."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium-headless-shell")
    with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def town(tmp_path_factory) -> Iterator[DeskTown]:
    """One town for all: its alerts are told apart by their words."""
    with desk_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture(scope="session")
def people(town) -> People:
    """Those who work there; the cookies they have outlive a browser."""
    people = People(town)
    for name, role in (("anne", "author"), ("berthe", "approver")):
        people.known(name, role)
    return people


@pytest.fixture
def desk(chromium, people) -> Iterator[Desk]:
    """Opens browsers for people; at the end none of them may have met an error of a script or of the policy."""
    desk = Desk(chromium, people)
    yield desk
    desk.close()
