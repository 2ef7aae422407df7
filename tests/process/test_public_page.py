"""The town's page, of the real program: true within a second, and in nobody's way when it stops."""

from __future__ import annotations

import http.client
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

pytestmark = pytest.mark.process


def page(daemon, path="/") -> str:
    with urllib.request.urlopen(daemon.url + path, timeout=60) as answer:
        return answer.read().decode()


@contextmanager
def stream_of(daemon) -> Iterator[http.client.HTTPResponse]:
    """A page that is open somewhere, and listens."""
    with closing(http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=60)) as connection:
        connection.request("GET", "/events")
        with connection.getresponse() as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            yield answer


def next_data(stream) -> bytes:
    while line := stream.readline():
        if line.startswith(b"data:"):
            return line
    raise AssertionError("the stream has ended")


def test_what_a_command_stored_is_on_the_page_and_told_to_who_listens(town):
    town.configure()
    daemon = town.start_daemon()
    with stream_of(daemon) as stream:
        assert b'"on": []' in next_data(stream)

        for number in range(5):
            incident = town.post(f"Rue {number} barrée")["incident"]
            town.until(lambda number=number: f"Rue {number} barrée" in page(daemon))
            assert incident.encode() in next_data(stream)
            assert f"Rue {number} barrée" in page(daemon, f"/alerts/{incident}")


def test_a_stop_waits_for_nobody_whose_page_is_open(town):
    town.configure()
    daemon = town.start_daemon()
    with ExitStack() as open_pages:
        streams = [open_pages.enter_context(stream_of(daemon)) for _ in range(5)]
        for stream in streams:
            next_data(stream)

        assert daemon.stop(signal.SIGTERM) == 0
        for stream in streams:
            stream.read()  # raises IncompleteRead where it was cut off


def test_the_pages_are_a_cycle_that_is_watched(town):
    town.configure()
    daemon = town.start_daemon()
    cycles = town.until(
        lambda: (
            (found := town.ask("/readyz", base=daemon.url)["cycles"]) and found["pages"]["age"] is not None and found
        )
    )

    assert cycles["pages"]["age"] < 60
