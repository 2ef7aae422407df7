"""Room for a crowd: readers of the public pages take no file away from what sends."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from alerts.daemon.serving import OPEN_FILES, make_room
from alerts.web.public.publisher import AT_ONCE, room_for_streams


@pytest.fixture
def files() -> Iterator[int]:
    """The hard limit; the soft one is what a service gets that asks for nothing."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < OPEN_FILES:
        pytest.skip(f"no process may have {OPEN_FILES} files open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def test_a_service_takes_what_the_system_gives_and_gives_nothing_back(files):
    make_room()
    taken = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES + 1, files)) if files > OPEN_FILES else None
    make_room()

    assert taken == (OPEN_FILES, files)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= OPEN_FILES


def test_where_there_is_little_room_half_of_it_is_not_for_streams(files):
    scarce = room_for_streams()
    make_room()

    assert (scarce, room_for_streams()) == (512, AT_ONCE)
