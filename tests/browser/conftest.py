"""A real Chromium on a real daemon. Some modules have a town of their own; each person has a profile of theirs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import CHROMIUM, started
from tests.browser.officer import PATIENCE, Desk, People
from tests.browser.town import DeskTown, desk_town

pytestmark = pytest.mark.process
expect.set_options(timeout=PATIENCE)


class _Kept:
    """The browser that is open, while tests of this folder follow each other."""

    open: Browser | None = None
    until = ExitStack()

    @classmethod
    def close(cls) -> None:
        cls.open = None
        cls.until.close()


@pytest.fixture
def chromium() -> Browser:
    """The browser: starting it takes a second of computing."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium-headless-shell")
    if _Kept.open is not None and not _Kept.open.is_connected():
        _Kept.close()  # it crashed in an earlier test
    if _Kept.open is None:
        _Kept.open = _Kept.until.enter_context(started())
    return _Kept.open


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem):
    """Close it before the first test of another folder: Playwright's loop must not be there when others run theirs."""
    try:
        yield
    finally:
        if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
            _Kept.close()


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
