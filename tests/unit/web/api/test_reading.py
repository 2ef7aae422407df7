"""What a request may hold, and what is told where it holds something else."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re

import pytest

from alerts.model.errors import TocsinError
from alerts.web.api.app import LARGEST_JSON, LARGEST_PICTURED
from alerts.web.api.problems import ProblemType, of_key
from tests.unit.french import english
from tests.walls import in_one_test

GOOD = {"headline": "Coupure d’eau"}


async def refused(bureau, body, *, status=422, **headers):
    headers = {"Content-Type": "application/json", **headers}
    told = await bureau.told("POST", "/alerts", data=body, headers=headers, status=status)
    assert await bureau.rows("SELECT * FROM alert") == []
    return told


async def fault(bureau, **words):
    told = await refused(bureau, json.dumps({**GOOD, **words}))
    [found] = told["errors"]
    return found


WRONG = [
    ({"headlin": "x"}, "headlin", "did you mean headline?"),
    ({"image": "/etc/passwd"}, "image", "known: "),
    (
        {"picture": {"type": "image/png", "data": "AAAA", "alt": "x", "dta": "x"}},
        "picture.dta",
        "did you mean data?",
    ),
    ({"alt": "x"}, "alt", "known: "),
    ({"area": ["x"]}, "area", "did you mean areas?"),
    ({"headline": ""}, "headline", "What happens, in one line."),
    ({"headline": None}, "headline", "text in quotes"),
    ({"headline": "x" * 501}, "headline", "up to 500"),
    ({"headline": "a\x00b"}, "headline", "what matches"),
    ({"headline": "a\nb"}, "headline", "what matches"),
    ({"description": "a\x1bb"}, "description", "what matches"),
    ({"severity": "severe"}, "severity", "'Extreme', 'Severe'"),
    ({"exercise": "yes"}, "exercise", "true or false"),
    ({"areas": "Centre"}, "areas", "a list"),
    ({"areas": ["Centre", 3]}, "areas[1]", "text in quotes"),
    ({"channels": ["x"] * 51}, "channels", "up to 50"),
    ({"areas": ["Centre-Bour"]}, "areas", "did you mean"),
    ({"channels": ["twiter"]}, "channels", "known: page"),
    ({"expires": "soon"}, "expires", "a span such as 6h"),
    ({"expires": "2026-11-25T11:00"}, "expires", "a later time"),
    ({"web": "javascript:alert(1)"}, "web", "what matches"),
    ({"web": "file:///etc/passwd"}, "web", "what matches"),
    ({"lang": "français"}, "lang", "what matches"),
]
"""What is said, where that is wrong, and what is told to be allowed."""


@in_one_test
@pytest.mark.parametrize(("words", "where", "allowed"), WRONG)
async def test_each_fault_is_told_with_what_is_allowed(bureau, words, where, allowed):
    found = await fault(bureau, **words)

    assert found["where"] == where
    assert allowed in found["allowed"]


async def test_all_faults_are_told_at_once(bureau):
    told = await refused(bureau, json.dumps({"severity": "grave", "wait": True}))

    assert {one["where"] for one in told["errors"]} == {"headline", "severity", "wait"}
    assert told["detail"].endswith("(and 2 more)")


@in_one_test
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[" * 100_000,
        b'{"headline": NaN}',
        b'{"headline": "x", "headline": "y"}',
        b'{"headline": "\xff"}',
        b'{"headline": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"x": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
async def test_what_is_no_json_is_told_so(bureau, body):
    assert (await refused(bureau, body, status=400))["type"] == ProblemType.MALFORMED.type


@in_one_test
@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
async def test_a_body_is_an_object(bureau, body):
    assert (await refused(bureau, body))["errors"][0]["where"] == ""


@in_one_test
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_another_form_is_not_taken(bureau, headers):
    body = json.dumps(GOOD).encode()
    body = gzip.compress(body) if "Content-Encoding" in headers else body

    await refused(bureau, body, status=415, **headers)


async def test_a_bomb_is_not_unpacked(bureau):
    body = gzip.compress(b" " * 50_000_000)

    told = await refused(bureau, body, status=413, **{"Content-Encoding": "gzip"})

    assert told["type"] == ProblemType.TOO_LARGE.type


async def test_too_large_a_body_is_not_read_to_its_end(bureau):
    async def endless():
        for _ in range(LARGEST_JSON // 1024 + 64):
            yield b" " * 1024

    path, headers = "/alerts/x/reject", {"Content-Type": "application/json"}
    for body in (b" " * (LARGEST_JSON + 1), endless()):
        await bureau.told("POST", path, data=body, headers=headers, status=413)


async def test_only_what_may_hold_a_picture_may_be_large(bureau):
    await refused(bureau, io.BytesIO(b" " * (LARGEST_PICTURED + 1)), status=413)
    told = await refused(bureau, b" " * (LARGEST_JSON + 1))
    assert told["errors"][0]["where"] == "headline"


@in_one_test
@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limt=5", "limt"),
        ("limit=1&limit=2", "limit"),
        ("before=nosuch", "before"),
        ("state=gone", "state"),
        ("q=%00", ""),
        ("q=", "q"),
    ],
)
async def test_a_query_is_as_strict(bureau, query, where):
    told = await bureau.told("GET", f"/alerts?{query}", status=422)

    assert [one["where"] for one in told["errors"]] == [where]


@in_one_test
@pytest.mark.parametrize("name", ["%00", "a" * 300, "%0a", "..%2F..", "%FF", "%2e%2e"])
async def test_a_strange_name_names_nothing(bureau, name):
    answer = await bureau.client.get(f"/api/v1/alerts/{name}", headers={"Authorization": "Bearer token-of-viewer"})

    assert answer.status == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/nowhere", "", "/", "/alerts/", "/alerts/x/y"])
async def test_no_such_address_is_a_problem_too(bureau, path):
    problem = await bureau.told("GET", path, status=404)

    assert problem == {**problem, "type": ProblemType.UNKNOWN.type, "title": ProblemType.UNKNOWN.title, "status": 404}


async def test_another_method_is_told_which_there_are(bureau):
    answer = await bureau.ask("DELETE", "/alerts")

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match", "Accept", "User-Agent", "X-Forwarded-For"])
async def test_half_a_character_in_a_header_is_borne(bureau, name):
    told = await bureau.posted()
    path = f"/api/v1/alerts/{told['alert']}".encode()
    lines = [
        b"Host: x",
        b"Authorization: Bearer token-of-author",
        name.encode() + b": \xdf\x80\xff",
        b"Content-Length: 0",
    ]
    reader, writer = await asyncio.open_connection(bureau.client.host, bureau.client.port)
    for line in (b"GET " + path, b"POST " + path + b"/drop"):
        writer.write(b"\r\n".join([line + b" HTTP/1.1", *lines, b"", b""]))
        head = await reader.readuntil(b"\r\n\r\n")
        assert int(head.split()[1]) in (200, 400, 406, 409), head
        await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
    writer.close()


@pytest.mark.parametrize("error", [RuntimeError, TocsinError, OSError])
async def test_a_fault_of_the_program_tells_nothing_of_it(bureau, error):
    def broken(_):
        raise error("secret of the house")

    bureau.service.act = broken
    problem = await bureau.told("POST", "/alerts", json=GOOD, status=500)

    assert problem["type"] == ProblemType.INTERNAL.type
    assert "secret" not in json.dumps(problem)


def told_of(where, what, allowed=None):
    return {"where": where, "what": what, "allowed": allowed}


@pytest.mark.parametrize(
    ("misuse", "found"),
    [
        ("--headline is missing; allowed: one line", told_of("headline", "is missing", "one line")),
        (
            "--area 'X': no such district; did you mean 'Y'?",
            told_of("areas", "'X': no such district", "did you mean 'Y'?"),
        ),
        ("--channel 'x': no such channel; known: a, b", told_of("channels", "'x': no such channel", "known: a, b")),
        ("nothing was given; allowed: such as --expires", told_of("", "nothing was given", "such as expires")),
        ("'x' is the start of several", told_of("", "'x' is the start of several")),
    ],
)
def test_what_the_desk_says_of_options_is_said_of_keys(misuse, found):
    assert of_key(misuse) == found


async def test_every_answer_forbids_to_guess_and_to_share(bureau):
    for answer in [
        await bureau.ask("GET", "/me"),
        await bureau.ask("GET", "/nowhere"),
        await bureau.ask("GET", "/me", None),
    ]:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, no-cache"


ASKED = [
    *({"json": {**GOOD, **words}} for words, _, _ in WRONG),
    *({"data": body} for body in (b"{", b"[" * 100_000, b'{"x": NaN}', b'{"x": 1, "x": 2}', b'{"x": "\xff"}', b"[]")),
    {"json": {"severity": "grave", "wait": True}},
    {"json": GOOD, "headers": {"Content-Type": "text/plain"}},
    {"json": GOOD, "headers": {"Accept": "text/html"}},
    {"json": GOOD, "headers": {"Idempotency-Key": "a b"}},
    {"data": b" " * 300_000},
    {"data": b"<alert/>", "headers": {"Content-Type": "application/cap+xml"}},
    {"json": GOOD, "role": "viewer"},
    {"json": GOOD, "role": None},
    {"json": GOOD, "headers": {"Authorization": "Bearer nul"}},
    {"method": "PUT"},
    {"path": "/nowhere"},
    {"path": "/alerts/nulle/approve", "json": {}, "role": "approver"},
    {"path": "/posts/nul/retry", "json": {}, "role": "approver"},
    {"method": "GET", "path": "/alerts?before=nulle"},
    {"method": "GET", "path": "/alerts?limit=0&limit=1"},
    {"method": "GET", "path": "/alerts?limit=0"},
    {"method": "GET", "path": "/alerts?q=%00"},
    {"method": "GET", "path": "/alerts/nulle"},
]
"""Requests that are refused."""


KEYS = re.compile(r"Idempotency-Key|connus\u00a0: .*|^\w+", re.DOTALL)
"""What is a name of JSON or HTTP in any language: the keys that there are, and the one that it is about."""


@in_one_test
@pytest.mark.parametrize("asked", ASKED)
async def test_no_problem_says_a_word_of_english_to_who_asks_for_french(bureau, asked):
    method, path = asked.get("method", "POST"), asked.get("path", "/alerts")
    headers = {"Accept-Language": "fr", "Content-Type": "application/json", **asked.get("headers", {})}
    rest = {name: value for name, value in asked.items() if name in ("json", "data", "role")}
    answer = await bureau.ask(method, path, headers=headers, **rest)
    told = json.loads(await answer.text())

    assert (answer.status >= 400, answer.headers["Content-Language"]) == (True, "fr"), told
    said = [told["title"], told["detail"]]
    said += [one[part] for one in told.get("errors", ()) for part in ("what", "allowed") if one[part]]
    assert [line for line in said if english(KEYS.sub("", line))] == []
