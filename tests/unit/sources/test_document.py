"""What is made of a document is made once; what is kept is bounded."""

from __future__ import annotations

import asyncio
import threading

import pytest

from alerts.apart import pool
from alerts.model.errors import FailedForGood, SourceFailed
from alerts.sources.cap.nina import Outlines, read_outlines
from alerts.sources.document import KEPT_FOR, FetchedDocument, Shelf


@pytest.fixture
def document():
    return FetchedDocument("https://feeds.example/a", b"words")


async def test_what_is_made_of_it_is_made_once_and_off_the_loop(document):
    threads = []

    def make():
        threads.append(threading.current_thread())
        return object()

    first, second = await asyncio.gather(document.once("a", make), document.once("a", make))

    assert first is second
    assert first is await document.once("a", make)
    assert first is document.made("a")
    assert first is not await document.once("b", make)
    assert len(threads) == 2
    assert threading.current_thread() not in threads


async def test_what_cannot_be_made_is_told_to_all_and_tried_again(document):
    def fail():
        raise ValueError

    told = await asyncio.gather(document.once("a", fail), document.once("a", fail), return_exceptions=True)
    assert [type(each) for each in told] == [ValueError] * 2
    assert await document.once("a", lambda: 1) == 1


async def test_only_what_is_unreadable_itself_is_given_up_for_good(document, monkeypatch):
    with pytest.raises(FailedForGood):
        await document.parsed(read_outlines, size=Outlines.size)

    monkeypatch.setattr(pool, "MOST_WAITING", 0)
    with pytest.raises(SourceFailed) as caught:
        await document.parsed(read_outlines, size=Outlines.size)
    assert type(caught.value) is SourceFailed


async def test_one_who_stops_waiting_leaves_it_to_the_others(document):
    may = threading.Event()
    waiting = [asyncio.ensure_future(document.once("a", lambda: may.wait(5))) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    may.set()

    assert await waiting[1]


async def test_what_was_made_weighs_too_and_is_made_anew_once_forgotten(document):
    made = await document.once("a", list, lambda _: 1000)
    assert document.weight == 1005
    document.forget("a")

    assert await document.once("a", list) is not made


def test_what_was_not_asked_for_longest_makes_room():
    shelf = Shelf(most=250)
    a, b, c = (FetchedDocument(name, b"x" * 100) for name in "abc")
    shelf.keep(a, 0.0)
    shelf.keep(b, 1.0)
    shelf.keep(a, 2.0)
    shelf.keep(c, 3.0)

    assert [each in shelf for each in (a, b, c)] == [True, False, True]
    a.weight = 10_000
    shelf.keep(a, 4.0)
    assert len(shelf) == 0
    shelf.keep(b, 5.0)
    assert b in shelf


def test_what_nobody_asked_for_lately_is_let_go():
    shelf = Shelf()
    a, b = FetchedDocument("a", b""), FetchedDocument("b", b"")
    shelf.keep(a, 0.0)
    shelf.keep(b, 100.0)
    shelf.tidy(KEPT_FOR + 1)

    assert (a in shelf, b in shelf) == (False, True)
