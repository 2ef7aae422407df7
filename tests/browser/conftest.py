"""A real Chromium on a real daemon. Some modules have a town of their own; each person has a profile of theirs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.browser.axe import Stories
from tests.browser.chromium import CHROMIUM, NOTIFYING, launched
from tests.browser.officer import PATIENCE, Desk, People
from tests.browser.town import DeskTown, desk_town

pytestmark = pytest.mark.process
expect.set_options(timeout=PATIENCE)


def pytest_configure(config):
    """Whoever asks for what is looked at before a release has axe-core look at the pages of stories, too."""
    Stories.looked_at = config.option.markexpr != "not release"


class _Kept:
    """The browsers that are open, by their programs, while tests of this folder follow each other."""

    playwright: Playwright | None = None
    open: ClassVar[dict[str, Browser]] = {}
    until = ExitStack()

    @classmethod
    def browser(cls, program: str) -> Browser:
        if program in cls.open and not cls.open[program].is_connected():
            cls.close()  # it crashed in an earlier test
        if cls.playwright is None:
            cls.playwright = cls.until.enter_context(sync_playwright())
        if program not in cls.open:
            cls.open[program] = cls.until.enter_context(launched(cls.playwright, program))
        return cls.open[program]

    @classmethod
    def close(cls) -> None:
        cls.playwright = None
        cls.open.clear()
        cls.until.close()


@pytest.fixture
def chromium() -> Browser:
    """The browser: starting it takes a second of computing."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium-headless-shell")
    return _Kept.browser(CHROMIUM)


@pytest.fixture
def notifying_chromium() -> Browser:
    """One that shows notifications, which takes two seconds more."""
    if shutil.which(NOTIFYING) is None:
        pytest.skip("chromium is missing, and its shell shows no notifications: apt-get install chromium")
    return _Kept.browser(NOTIFYING)


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
