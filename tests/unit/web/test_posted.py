"""A form is received within its bound before anything reads it, and what doesn't begin as one is refused at once."""

from __future__ import annotations

import ast
import asyncio
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

import alerts
from alerts.web import posted
from alerts.web.posted import BodyTooLarge, read_posted
from tests.walls import in_one_test

MOST = 200_000
HALF = 1_000_000
PARTS = "multipart/form-data; boundary=b"
PART = b'\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n--b'


@pytest.fixture
async def counter():
    """An address that tells what it read of a form."""

    async def tell(request: web.Request) -> web.Response:
        try:
            form = await read_posted(request, MOST, fields=5)
        except BodyTooLarge as large:
            return web.json_response(dict(large.fields), status=413)
        assert form is await read_posted(request), "read once"
        return web.json_response(
            [[name, value if isinstance(value, str) else len(value)] for name, value in form.items()]
        )

    app = web.Application()
    app.add_routes([web.post("/", tell)])
    async with TestClient(TestServer(app)) as client:
        yield client


async def sent(counter, body, kind=PARTS):
    async with counter.post("/", data=body, headers={"Content-Type": kind}) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else await answer.text()


def a_form(*parts: tuple[bytes, bytes], end: bytes = b"--\r\n") -> bytes:
    return b"--b" + b"".join(PART % part for part in parts) + end


async def test_text_and_files_come_as_they_were_sent(counter):
    form = FormData(default_to_multipart=True)
    form.add_field("words", "é\r\n--b\r\n\r\n--", content_type="text/plain; charset=utf-8")
    form.add_field("empty", "")
    form.add_field("file", b"\x00--\r\n" * 1000, filename='a "b".jpg', content_type="image/jpeg")
    form.add_field("none", b"", filename="", content_type="application/octet-stream")
    async with counter.post("/", data=form) as answer:
        told = await answer.json()
    assert told == [["words", "é\r\n--b\r\n\r\n--"], ["empty", ""], ["file", 5000], ["none", 0]]

    plain = "application/x-www-form-urlencoded"
    assert await sent(counter, b"a=1&b=%C3%A9+x&a=", plain) == (200, [["a", "1"], ["b", "é x"], ["a", ""]])
    assert await sent(counter, b"", plain) == (200, [])
    assert await sent(counter, b'{"a": 1}', "application/json") == (200, [])


@in_one_test
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"\r\n" + a_form((b"a", b"1")),
        b"preamble\r\n" + a_form((b"a", b"1")),
        a_form((b"a", b"1"), end=b""),
        a_form((b"a", b"1"), end=b'\r\nContent-Disposition: form-data; name="b"\r\n\r\ncut'),
        a_form((b"a", b"1"))[:3] + b"\r\n\r\nno head\r\n--b--",
        b"--b\r\nContent-Type: text/plain\r\n\r\nno name\r\n--b--\r\n",
        b"--b\r\nX: " + b"a" * 5000 + b'\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
        a_form(*[(b"a", b"1")] * 6),
        b"--b" + b"\r\n" * 10_000,
    ],
)
async def test_what_is_no_form_is_refused_with_a_sentence_in_both_languages(counter, body):
    status, said = await sent(counter, body)
    assert status == 400
    assert "Rechargez" in said
    assert "Load the page again" in said


@pytest.mark.parametrize("boundary", ["", '; boundary=""', f"; boundary={'b' * 71}x"])
async def test_parts_without_a_boundary_that_can_be_are_no_form(counter, boundary):
    assert (await sent(counter, a_form((b"a", b"1")), f"multipart/form-data{boundary}"))[0] == 400


@in_one_test
@pytest.mark.parametrize("half", [b"\n", b"\r\n\r\n", b"-\n", b"a" * 100, b"--B"])
async def test_what_begins_otherwise_is_refused_while_it_is_still_coming(counter, half):
    reader, writer = await asyncio.open_connection("127.0.0.1", counter.port)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: " + PARTS.encode() + b"\r\n\r\n"
    )
    writer.write(b"%x\r\n%b\r\n" % (len(half), half))
    # Nothing more comes, and the end of the body never does.
    assert b"400" in await asyncio.wait_for(reader.readline(), 60)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("says", [True, False])
async def test_of_what_is_too_large_the_fields_before_it_are_kept(counter, says):
    body = a_form((b"kind", b"tree"), (b"photo", b"\xff" * 2 * MOST))

    async def chunks():
        yield body

    assert await sent(counter, body if says else chunks()) == (413, {"kind": "tree"})


async def test_of_what_breaks_off_nothing_is_kept_until_the_collector_looks():
    """An error remembers where it came from, with all that stood there: megabytes for each form that ends too soon."""
    broke_off = asyncio.Queue[BaseException]()

    async def read(request: web.Request) -> web.Response:
        try:
            await read_posted(request, 4 * HALF)
        except BaseException as error:  # noqa: BLE001 the server of tests cancels who left
            broke_off.put_nowait(error)
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/", read)])
    head = f"POST / HTTP/1.1\r\nHost: town\r\nContent-Type: {PARTS}\r\nContent-Length: {2 * HALF}\r\n\r\n--b"
    kept = []
    tracemalloc.start()
    try:
        async with TestServer(app) as server:
            for _ in range(3):
                _, writer = await asyncio.open_connection(server.host, server.port)
                writer.write(head.encode() + b"x" * HALF)
                await writer.drain()
                writer.close()
                kept.append(await asyncio.wait_for(broke_off.get(), 20))
            held = tracemalloc.take_snapshot().filter_traces(
                [tracemalloc.Filter(inclusive=True, filename_pattern=posted.__file__)]
            )
    finally:
        tracemalloc.stop()
    assert sum(each.size for each in held.traces) < HALF


def test_no_other_code_reads_a_body():
    # What Facebook posts is read as bytes, within a bound, and is no form; the listener sees whether one is due.
    apart = {"web/posted.py", "daemon/hooks.py", "web/listener.py"}
    reads = re.compile(r"\brequest(\.clone\([^)]*\))?\.(post\(|multipart\(|read\(|json\(|text\(|content\b)")
    folder = Path(alerts.__file__).parent
    found = {str(each.relative_to(folder)) for each in folder.rglob("*.py") if reads.search(each.read_text())}
    assert found == apart


TAKES_A_BODY = {"read", "post", "json", "text", "multipart", "content"}


def bodies_in(tree: ast.AST, *, in_room: bool = False) -> Iterator[tuple[int, bool]]:
    """The lines where a request's body is taken, and whether it is counted there: within `arriving`."""
    if isinstance(tree, ast.AsyncWith):
        in_room = in_room or any(ast.unparse(each.context_expr) == "arriving(request)" for each in tree.items)
    if isinstance(tree, ast.Attribute) and tree.attr in TAKES_A_BODY and ast.unparse(tree.value) == "request":
        yield tree.lineno, in_room
    for each in ast.iter_child_nodes(tree):
        yield from bodies_in(each, in_room=in_room)


def test_no_body_is_taken_but_where_its_room_is_counted():
    folder = Path(alerts.__file__).parent
    found = {
        f"{path}:{line}": in_room
        for path in folder.rglob("*.py")
        if path != folder / "web" / "listener.py"  # it sees whether one is due, and takes none
        for line, in_room in bodies_in(ast.parse(path.read_text()))
    }
    assert len(found) >= 2
    assert not [place for place, in_room in found.items() if not in_room]
