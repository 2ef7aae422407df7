"""Answers as bytes: entity tags, compressed forms, and what a cache may do."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import brotli
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request

from alerts.web.public.answers import SLICE, Cache, answer, respond, served
from tests.walls import in_one_test

LONG = "Vent violent. " * 100


def asked(**headers):
    return make_mocked_request("GET", "/", headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_the_same_bytes_have_the_same_tag_and_others_another():
    assert answer("a", "text/plain").etag == answer(b"a", "text/plain").etag
    assert answer("a", "text/plain").etag != answer("b", "text/plain").etag


@pytest.mark.parametrize(
    ("accepted", "encoding", "opened"),
    [
        ("gzip, deflate, br", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("gzip, br;q=0", "gzip", gzip.decompress),
        ("identity", None, bytes),
        ("br; q=0, gzip; q=0.5", "gzip", gzip.decompress),
        ("br;q=0.0,gzip;q=0.000", None, bytes),
        ("BR;Q=0.5, gzip", "br", brotli.decompress),
        ("vibration, x-gzip", None, bytes),
        ("br;q=odd, ;;, gzip;q=1.0", "gzip", gzip.decompress),
    ],
)
async def test_each_client_gets_the_form_that_it_reads_best(accepted, encoding, opened):
    response = await respond(answer(LONG, "text/html"), asked(Accept_Encoding=accepted))

    assert response.headers.get("Content-Encoding") == encoding
    assert opened(response.body).decode() == LONG
    assert response.headers["Vary"] == "Accept-Encoding"


async def test_a_form_is_packed_when_it_is_first_asked_for_and_kept():
    made, request = answer(LONG, "text/html"), asked(Accept_Encoding="br")
    assert made.kept("br") is None
    assert (await respond(made, request)).body is (await respond(made, request)).body
    assert made.kept("br") is not None
    assert made.kept("gzip") is None


def test_what_several_threads_ask_for_at_once_is_made_once():
    begun, may_end, made = threading.Event(), threading.Event(), []

    def make() -> str:
        begun.set()
        may_end.wait(60)
        made.append(1)
        return "made"

    cache = Cache()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(cache.get, "/", 1, make)
        begun.wait(60)
        second = threads.submit(cache.get, "/", 1, make)
        assert cache.kept("/", 1) is None
        may_end.set()
        assert (first.result(60), second.result(60), cache.kept("/", 1), len(made)) == ("made", "made", "made", 1)


def test_a_value_is_made_again_of_other_inputs_and_stays_where_it_cannot_be():
    cache = Cache()
    assert cache.get("/", 1, lambda: None) is None
    assert cache.get("/", 2, lambda: "two") == cache.get("/", 2, lambda: "again") == "two"
    assert (cache.kept("/", 2), cache.kept("/", 3), cache.kept("/nowhere", 2)) == ("two", None, None)
    assert (cache.get("/", 3, lambda: None), cache.kept("/", 3), cache.last("/")) == ("two", "two", "two")


def test_a_picture_or_a_line_is_not_compressed():
    for made in (answer(b"\x89PNG" * 1000, "image/png"), answer("short", "text/plain")):
        assert not made.packs
        assert made.form("br").body is made.body


@in_one_test
@pytest.mark.parametrize(("known", "status"), [("{tag}", 304), ('"x", {bare}', 304), ("*", 304), ('"x"', 200)])
async def test_who_has_it_already_is_told_so(known, status):
    made = answer(LONG, "text/html")
    request = asked(If_None_Match=known.format(tag=made.etag, bare=made.etag.removeprefix("W/")))
    response = await respond(made, request)

    assert response.status == status
    assert response.headers["ETag"] == made.etag
    assert bool(response.body) is (status == 200)


def test_a_cache_may_go_on_when_we_can_not():
    control = answer("a", "text/plain").headers["Cache-Control"]

    assert "max-age=1," in control, "what changes is seen within a second"
    assert "stale-while-revalidate" not in control, "who asks while we answer gets what holds"
    assert "stale-if-error=86400" in control


PAGES = {
    "long": answer(LONG, "text/html", extra={"Link": "</cap.xml>"}),
    "huge": answer(b"x" * (SLICE + 1), "image/png"),
}


@pytest.mark.parametrize("page", PAGES)
async def test_an_answer_of_any_length_is_sent_from_the_bytes_that_were_kept(page):
    first = await served(PAGES[page], asked())

    assert not isinstance(first, web.Response)
    assert await served(PAGES[page], asked()) is first


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serves each page by its kept bytes, and under `/built` by a response that aiohttp builds."""
    app = web.Application()
    for name, page in PAGES.items():
        app.router.add_get(f"/{name}", partial(served, page))
        app.router.add_get(f"/built/{name}", partial(respond, page))
    async with TestServer(app) as server:
        yield server.port


async def said(port: int, *requests: str) -> list[str]:
    """Send these over one connection and return all that is answered, a date apart, once the last one closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(requests).encode())
    lines = (await reader.read()).decode("latin-1").split("\r\n")
    writer.close()
    await writer.wait_closed()
    return sorted(line for line in lines if not line.startswith(("Date:", "Server:")))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("method", "version", "header"),
    [
        ("GET", "1.1", "X-Nothing: 1"),
        ("GET", "1.1", "Accept-Encoding: gzip"),
        ("GET", "1.1", "Accept-Encoding: br, gzip"),
        ("GET", "1.1", "If-None-Match: *"),
        ("GET", "1.1", 'If-None-Match: "other"'),
        ("HEAD", "1.1", "Accept-Encoding: br"),
        ("GET", "1.0", "Connection: keep-alive"),
    ],
)
async def test_an_answer_whose_bytes_are_kept_is_the_one_that_would_be_built(port, page, method, version, header):
    def asked(path: str) -> list[str]:
        stays = f"{method} {path} HTTP/{version}\r\nHost: town\r\n{header}\r\n\r\n"
        last = f"{method} {path} HTTP/1.1\r\nHost: town\r\nConnection: close\r\n\r\n"
        return [stays, stays, last]

    ours = await said(port, *asked(f"/{page}"))
    assert ours == await said(port, *asked(f"/built/{page}"))
    assert len([line for line in ours if line.endswith((" 200 OK", " 304 Not Modified"))]) == 3
