"""Alerts as CAP messages, in and out; and what a message may try."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from alerts.model.alert import Alert, Info, Resource
from alerts.model.cap import write
from alerts.sources.cap.message import read_message
from alerts.web.api.app import LARGEST_CAP
from alerts.web.api.operation import CAP, JSON, best_form, has_it, seen_in
from alerts.web.api.queries import without_files
from tests.unit.desk.conftest import HERE, LATER, NOW, SENDER, Area, Severity
from tests.walls import in_one_test

HEADERS = {"Content-Type": "application/cap+xml"}


def a_message(**changes):
    info = Info(
        "Eau",
        severity=Severity.MODERATE,
        language="fr-FR",
        headline="Eau non potable",
        expires=LATER,
        areas=(Area("Saint-Martin", geocodes=(HERE,)),),
    )
    fields = set(Info.__dataclass_fields__)
    info = replace(info, **{name: value for name, value in changes.items() if name in fields})
    rest = {name: value for name, value in changes.items() if name not in fields}
    return replace(Alert("urn-1", SENDER, NOW, infos=(info,)), **rest)


async def test_a_cap_message_is_posted_and_told_again(bureau):
    told = await bureau.told("POST", "/alerts", data=write(a_message()), headers=HEADERS, status=201)

    answer = await bureau.ask("GET", f"/alerts/{told['alert']}", "viewer", headers={"Accept": CAP})
    alert, notes = read_message(await answer.read(), zone=NOW.tzinfo)

    assert told["identifier"] == "urn-1"
    assert answer.content_type == CAP
    assert (alert.identifier, alert.infos[0].headline, notes) == ("urn-1", "Eau non potable", ())
    assert answer.headers["ETag"] != (await bureau.ask("GET", f"/alerts/{told['alert']}")).headers["ETag"]


async def test_the_same_message_again_is_the_same_alert(bureau):
    body = write(a_message())
    first = await bureau.told("POST", "/alerts", data=body, headers=HEADERS, status=201)

    assert (await bureau.told("POST", "/alerts", data=body, headers=HEADERS))["alert"] == first["alert"]


@in_one_test
@pytest.mark.parametrize(
    "uri", ["etc/passwd", "//etc/passwd", "ftp://x/y", "data:image/png,x", "view-source:file:///x"]
)
async def test_a_message_names_nothing_but_the_web(bureau, uri):
    message = a_message(resources=(Resource("Carte", "image/png", uri=uri),))

    told = await bureau.told("POST", "/alerts", data=write(message), headers=HEADERS, status=422)

    assert told["errors"][-1]["where"] == "info[0].resource[0].uri"
    assert await bureau.rows("SELECT * FROM alert") == []


@pytest.mark.parametrize("uri", ["file:///etc/hostname", "FILE:/etc/hostname", " file:///etc/hostname"])
async def test_a_message_publishes_no_file_of_this_machine(bureau, uri):
    """Not even under our own sender's name, whose files are published when an officer names them here."""
    message = a_message(resources=(Resource("Carte", "image/png", uri=uri),))

    await bureau.told("POST", "/alerts", data=write(message), headers=HEADERS, status=201)

    assert await bureau.rows("SELECT image FROM post WHERE image IS NOT NULL") == []
    assert await bureau.rows("SELECT id FROM alert WHERE lower(document) LIKE '%file:%'") == []


async def test_our_own_file_never_shows(bureau, tmp_path):
    picture = tmp_path / "carte.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    told = await bureau.told("POST", "/alerts", data=write(a_message()), headers=HEADERS, status=201)
    resource = json.dumps([{"description": "Carte", "mime_type": "image/png", "uri": picture.as_uri()}])
    document = f'"resources":{resource},"areas"'
    await bureau.write("UPDATE alert SET document = replace(document, '\"areas\"', ?)", document)
    assert (await bureau.rows("SELECT count(*) FROM alert WHERE document LIKE '%file:%'")) == [(1,)]

    for form in (CAP, JSON):
        text = await (await bureau.ask("GET", f"/alerts/{told['alert']}", headers={"Accept": form})).text()
        assert "file:" not in text
        assert str(tmp_path) not in text
    assert (
        "<resourceDesc>Carte</resourceDesc>"
        in await (await bureau.ask("GET", f"/alerts/{told['alert']}", headers={"Accept": CAP})).text()
    )


def test_a_picture_of_the_web_stays():
    resource = Resource("Carte", "image/png", uri="https://saint-martin.example/carte.png")
    message = a_message(resources=(resource, replace(resource, uri=" FILE:///x")))

    assert [each.uri for each in without_files(message).infos[0].resources] == [resource.uri, None]


LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">%s]><alert><identifier>&l9;</identifier></alert>"""
    % b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n > 1 else b"&lol;") for n in range(1, 10))
)
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert><identifier>&x;</identifier></alert>"""


@in_one_test
@pytest.mark.parametrize(
    "body",
    [
        LAUGHS,
        OUTSIDE,
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><alert/>',
        b"<alert>" + b"<a>" * 5000,
        b"<alert/>",
        b"<rss/>",
        b"no xml",
        b"",
        b"\x00" * 100,
        b"<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>" + b"<info/>" * 40_000,
    ],
)
async def test_no_message_hurts(bureau, body):
    told = await bureau.told("POST", "/alerts", data=body, headers=HEADERS, status=400)

    assert told["type"] == "urn:problem-type:tocsin:malformed"
    assert "root:" not in told["detail"]
    assert await bureau.rows("SELECT * FROM alert") == []


async def test_a_huge_message_is_refused(bureau):
    body = io.BytesIO(b"<alert>" + b" " * LARGEST_CAP + b"</alert>")

    assert (await bureau.ask("POST", "/alerts", data=body, headers=HEADERS)).status == 413


async def test_a_message_with_faults_is_told_each(bureau):
    faulty = a_message(identifier="a b", web="nowhere")

    told = await bureau.told("POST", "/alerts", data=write(faulty), headers=HEADERS, status=422)

    assert {one["where"] for one in told["errors"]} == {"identifier", "info[0].web"}


async def test_an_exercise_as_a_message_reaches_no_live_channel(bureau):
    body = write(a_message()).replace(b"<status>Actual", b"<status>Exercise")

    told = await bureau.told("POST", "/alerts", data=body, headers=HEADERS, status=201)

    assert [post["channel"] for post in told["posts"]] == ["exercices"]


async def test_only_an_alert_is_taken_or_told_as_a_message(bureau):
    told = await bureau.posted()

    assert (await bureau.ask("GET", "/alerts", headers={"Accept": CAP})).status == 406
    assert (await bureau.ask("GET", f"/alerts/{told['alert']}", headers={"Accept": "text/html"})).status == 406
    path = f"/alerts/{told['alert']}/update"
    assert (await bureau.ask("POST", path, data=write(a_message()), headers=HEADERS)).status == 415


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*;q=0.2", JSON),
        (CAP, CAP),
        ("application/json;q=0.5, application/cap+xml", CAP),
        ("application/json, application/cap+xml", JSON),
        ("*/*, application/json;q=0", CAP),
        ("text/html, */*;q=0.1", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=nonsense", None),
        (",;,=", None),
    ],
)
def test_the_form_is_the_one_that_is_liked_best(accept, form):
    assert best_form(accept, (JSON, CAP)) == form


def test_tags_are_read_as_the_standard_has_them():
    assert seen_in('"a-1", W/"b-2", "c"') == {"a", "c"}
    assert seen_in("*") is None
    assert seen_in("nonsense") == set()
    assert has_it('W/"a-1"', '"a-1"')
    assert has_it("*", '"a-1"')
    assert not has_it('"a"', '"a-1"')
    assert not has_it(None, '"a-1"')
