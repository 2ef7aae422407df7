"""NINA's JSON and the German weather service's archive: the forms of CAP that a town in Germany reads."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.desk.territory import Elsewhere, Territory
from alerts.model.alert import Alert, Area, Certainty, Info, MsgType, NamedValue, Reference, Severity, Status, Urgency
from alerts.model.errors import Unreadable
from alerts.model.ports import Heard
from alerts.model.reason import because
from alerts.rendering.text import clean
from alerts.sources.cap import nina
from alerts.sources.cap.index import IndexEntry, read_index
from alerts.sources.cap.message import read_json
from alerts.sources.cap.snapshot import GONE_FOR, ArchiveSnapshot
from tests.cap_messages import message
from tests.samples import shared
from tests.walls import in_one_test

LIST = "https://warnung.bund.de/api31/dashboard/064110000000.json"
MESSAGE = "https://warnung.bund.de/api31/warnings/mow.DE-HE-1.json"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
KASSEL, OWN = "066330000000", "066330003003"


def read(body: object, url: str = LIST) -> list[IndexEntry]:
    return read_index(json.dumps(body).encode(), "application/json", url, zone=UTC)


def warned(keys: str = KASSEL, **area: Any) -> dict[str, Any]:
    info = {
        "language": "DE", "category": ["Safety"], "event": "Gefahrendurchsage", "urgency": "Immediate",
        "severity": "Extreme", "certainty": "Observed", "headline": "Bombenfund",
        "parameter": [{"valueName": "warnVerwaltungsbereiche", "value": keys}],
        "area": [{"areaDesc": "Kreis Kassel", "geocode": [{"valueName": "AreaId", "value": "0"}], **area}],
    }  # fmt: skip
    return {
        "identifier": "mow.DE-HE-1", "sender": "DE-HE-KS", "sent": "2026-11-25T12:00:00+01:00", "status": "Actual",
        "msgType": "Alert", "scope": "Public", "info": [info],
    }  # fmt: skip


def geojson(*rings: Any, number: object = 0, kind: str = "Polygon") -> bytes:
    feature = {"properties": {"areaId": number}, "geometry": {"type": kind, "coordinates": list(rings)}}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


SQUARE = [[9, 51], [10, 51], [10, 52], [9, 52], [9, 51]]
HOLE = [[9.4, 51.4], [9.6, 51.4], [9.6, 51.6], [9.4, 51.4]]


# --- NINA: the list -------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    ("listed", "version"),
    [
        ({"payload": {"version": 2, "hash": "4fa1"}, "sent": "2026-11-25T06:15Z"}, "4fa1 2 2026-11-25T06:15Z"),
        ({"version": 7, "startDate": "2026-11-25T06:15:15+02:00", "type": "Alert"}, "7"),
        ({"payload": None}, ""),
    ],
)  # fmt: skip
def test_a_list_of_ninas_leads_to_each_message_and_its_outlines(listed: dict[str, Any], version: str) -> None:
    for url in (LIST, "https://warnung.bund.de/api31/mowas/mapData.json"):
        (entry,) = read([{"id": "mow.DE-HE-1", **listed}], url)

        assert (entry.url, entry.key) == (MESSAGE, f"{MESSAGE} {version}".rstrip())
        assert entry.outlines == MESSAGE.replace(".json", ".geojson")


def test_an_empty_list_means_that_nothing_is_on_where_ninas_lists_are_and_nothing_elsewhere() -> None:
    assert read([]) == []
    assert read([], "https://warnung.bund.de/api31/mowas/mapData.json") == []
    for other in ("https://feeds.example/index.json", "https://warnung.bund.de/api31/dashboard/kassel.json"):
        with pytest.raises(Unreadable, match="no list of `warnings`"):
            read([], other)


@pytest.mark.parametrize("other", [[1, 2], ["a"], [{"name": "x"}], [[]], [None], {"id": "x"}, 3, "x", None])
def test_a_list_of_anything_else_is_no_index(other: object) -> None:
    with pytest.raises(Unreadable):
        read(other)


@pytest.mark.parametrize("name", ["../../key", "a/b", "", "x" * 201, "a b", "ä", "a?b", "a#b", 3, None, {}])
def test_a_name_that_leads_elsewhere_costs_itself_alone(name: object) -> None:
    good, bad = read([{"id": "mow.DE-HE-1"}, {"id": name}])
    assert good.url == MESSAGE
    assert (bad.url, str(bad.problem)) == (None, "warnings[1] holds no alert")


def test_what_is_over_by_the_list_is_known_before_it_is_fetched() -> None:
    (entry,) = read([{"id": "mow.DE-HE-1", "expiresDate": "2026-11-25T12:00:00+00:00"}])
    assert entry.expires == NOON


# --- NINA: the message ----------------------------------------------------------------------------------------------


def test_the_sample_of_ninas_ends_an_alert_in_nine_languages_with_its_outlines_and_keys() -> None:
    body = shared("feeds/nina/de-mowas-cancel.json").read_bytes()
    (entry,) = read_index(body, None, "https://warnung.bund.de/api31/warnings/mow.x.json", zone=UTC)
    outlines = nina.read_outlines(shared("feeds/nina/de-mowas-cancel.geojson").read_bytes())
    assert entry.document is not None
    assert entry.outlines == "https://warnung.bund.de/api31/warnings/mow.x.geojson"

    alert, notes = read_json(nina.placed(entry.document, outlines), zone=UTC)

    assert (alert.msg_type, alert.status, notes) == (MsgType.CANCEL, Status.ACTUAL, ())
    assert [each.identifier for each in alert.references] == ["mow.DE-HE-KS-SE106-20250313-106-000"]
    assert [info.language for info in alert.infos] == ["DE", "DE-LS", "EN", "AR", "ES", "FR", "PL", "RU", "TR"]
    assert {len(info.areas[0].polygons) for info in alert.infos} == {25}
    chosen = {language: alert.info_for(language) for language in ("de", "fr-FR", "en-GB")}
    assert [info and info.headline for info in chosen.values()] == [
        "Entwarnung: Probealarm - Land Hessen",
        "Avertissement",
        "Alert",
    ]
    assert clean(alert.infos[0].description or "").startswith('Dies ist die Entwarnung zur Warnung "Probealarm')
    assert Territory((NamedValue("ARS", "064120000000"),)).locate(alert) == ("Land Hessen",)
    assert isinstance(Territory((NamedValue("ARS", "091620000000"),)).locate(alert), Elsewhere)


def test_outlines_are_written_as_cap_has_them_with_their_holes_by_their_number() -> None:
    outlines = nina.read_outlines(geojson(SQUARE, HOLE))
    placed = nina.placed(warned(), outlines)
    (area,) = read_json(placed, zone=UTC)[0].areas

    assert area.polygons == (((51, 9), (51, 10), (52, 10), (52, 9), (51, 9)),)
    assert [code.name for code in area.geocodes] == ["AreaId", "EXCLUDE_POLYGON", "ARS"]
    other = nina.placed(warned(), nina.read_outlines(geojson(SQUARE, number=1)))
    assert read_json(other, zone=UTC)[0].areas[0].polygons == ()
    several = nina.read_outlines(geojson([SQUARE], [SQUARE], kind="MultiPolygon"))
    assert len(several.rings) == 2
    unnumbered = nina.placed(warned(geocode=[]), nina.read_outlines(geojson(SQUARE, number=7)))
    assert len(read_json(unnumbered, zone=UTC)[0].areas[0].polygons) == 1


def test_areas_without_number_and_end_get_no_outlines() -> None:
    outlines = nina.read_outlines(geojson(*[[SQUARE]] * 1000, kind="MultiPolygon"))
    message = warned()
    message["info"] += [{"area": [{}] * 150}] * 2

    placed = nina.placed(message, outlines)
    assert max(len(area["polygon"]) for info in placed["info"] for area in info["area"]) == 0
    assert placed["info"][0]["area"][0]["geocode"][-1]["value"] == KASSEL


@in_one_test
@pytest.mark.parametrize(
    ("body", "rings"),
    [
        (b"", None),
        (b"{", None),
        (b"[" * 100_000, None),
        (b"<html/>", None),
        (b"[]", None),
        (b'{"features": 3}', None),
        (b'{"features": []}', 0),
        (b'{"features": [3, null, {}, {"geometry": 1}, {"geometry": {"type": "Point", "coordinates": [1, 2]}}]}', 0),
        (geojson(), 0),
        (geojson("abc"), 0),
        (geojson([["x", "y"]]), 0),
        (geojson([[1]]), 0),
        (geojson([[1, 2, 3]] * 4), 1),
        (geojson({}), 0),
        (geojson(*[[SQUARE]] * 2000, kind="MultiPolygon"), 1000),
        (geojson([[9, 51]] * 90_000, kind="Polygon"), 1),
        (geojson([[9, 51]] * 100_001, kind="Polygon"), 0),
        (b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[1e999, 1]]]}}]}', 1),
    ],
)  # fmt: skip
def test_outlines_are_bounded_whatever_comes(body: bytes, rings: int | None) -> None:
    if rings is None:
        with pytest.raises(Unreadable, match="no readable GeoJSON"):
            nina.read_outlines(body)
    else:
        read_them = nina.read_outlines(body)
        assert len(read_them.rings) == rings
        read_json(nina.placed(warned(), read_them), zone=UTC)


@pytest.mark.parametrize(
    "change",
    [
        {"info": 3}, {"info": [3, None]}, {"info": [{"area": 3, "parameter": 4}]}, {"info": [{"area": [3]}]},
        {"info": [{"area": [{"geocode": 3}]}]}, {"info": [{"parameter": [{"valueName": nina.KEYS}]}]},
        {"info": [{"area": [{"polygon": "1,2"}], "parameter": [{"valueName": nina.KEYS, "value": [1]}]}]},
    ],
)  # fmt: skip
def test_a_misshapen_message_is_read_as_far_as_it_goes(change: dict[str, Any]) -> None:
    alert, _ = read_json(nina.placed(warned() | change, nina.read_outlines(geojson(SQUARE))), zone=UTC)
    assert alert.identifier == "mow.DE-HE-1"


@in_one_test
@pytest.mark.parametrize(
    ("named", "own", "is_here"),
    [
        ("066330003003", OWN, True),
        ("066330000000", OWN, True),
        ("060000000000", OWN, True),
        ("066330003003", "066330000000", True),
        ("066340000000", OWN, False),
        ("066330003004", OWN, False),
        ("066330003000", OWN, True),
        ("110000000000", "110000000000", True),
        ("064120000000,066330000000", OWN, True),
        ("", OWN, False),
        ("0663", OWN, False),
    ],
)
def test_a_key_covers_what_lies_within_it(named: str, own: str, is_here: bool) -> None:
    alert, _ = read_json(nina.placed(warned(named), None), zone=UTC)
    keys = nina.keys_in([NamedValue("ARS", own), NamedValue("WARNCELLID", "806633003")])
    located = Territory(keys).locate(nina.with_keys(alert, keys, outlined=False))
    assert (located == ("Kreis Kassel",)) is is_here


def test_where_both_have_outlines_they_decide_and_not_the_key_of_the_kreis() -> None:
    drawn, _ = read_json(nina.placed(warned(), nina.read_outlines(geojson(SQUARE))), zone=UTC)
    bare, _ = read_json(nina.placed(warned(), None), zone=UTC)
    keys = nina.keys_in([NamedValue("ars", OWN)])

    assert nina.with_keys(drawn, keys, outlined=True) is drawn
    assert nina.with_keys(drawn, keys, outlined=False) is not drawn
    assert nina.with_keys(bare, keys, outlined=True) is not bare
    assert nina.with_keys(bare, (), outlined=False) is bare


# --- the archive ----------------------------------------------------------------------------------------------------


def packed(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in files.items():
            file.writestr(name, body)
    return written.getvalue()


def test_an_archive_of_anything_else_does_not_mean_that_nothing_is_on() -> None:
    nested = packed({"inner.zip": packed({"a.xml": message("a")})})
    for body in (nested, packed({"README.txt": b"closed"})):
        with pytest.raises(Unreadable, match="files but no CAP message"):
            read_index(body, None, LIST, zone=UTC)
    assert read_index(packed({}), None, LIST, zone=UTC) == []


def test_names_that_climb_out_of_an_archive_are_names_and_no_more() -> None:
    climbing, rooted = read_index(
        packed({"../../etc/x.xml": message("a"), "/y.cap": message("b")}), None, LIST, zone=UTC
    )
    assert [each.key.partition(" ")[0] for each in (climbing, rooted)] == ["../../etc/x.xml", "/y.cap"]
    assert (climbing.message, rooted.message) == (message("a"), message("b"))


def test_an_encrypted_file_costs_itself_alone() -> None:
    body = bytearray(packed({"a.xml": message("a"), "b.xml": message("b")}))
    # The flag of encryption, in the file's own header and in the directory.
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    locked, good = read_index(bytes(body), None, LIST, zone=UTC)
    assert str(locked.problem) == "a.xml in the ZIP is damaged, or packed in a way that can't be read"
    assert good.message == message("b")


def test_a_directory_without_end_is_refused_before_it_is_read() -> None:
    with pytest.raises(Unreadable, match="more than 5000"):
        read_index(b"PK\x03\x04" + b"PK\x01\x02" * 20_001, None, LIST, zone=UTC)


# --- what vanishes from it ------------------------------------------------------------------------------------------


def dwd(
    name: str, *, event: str = "FROST", follows: str | None = None, sender: str = "opendata@dwd.de", **kinds: Any
) -> Heard:
    info = Info(
        event=event, categories=(), urgency=Urgency.IMMEDIATE, severity=Severity.MINOR, certainty=Certainty.LIKELY,
        language="de", expires=NOON + timedelta(hours=6), areas=(Area("Ort", geocodes=(NamedValue("CELL", "8"),)),),
    )  # fmt: skip
    references = (Reference(sender, follows, NOON),) if follows else ()
    return Heard(f"{name}.xml 1", alert=Alert(name, sender, NOON, references=references, infos=(info,), **kinds))


def polled(*looks: tuple[timedelta, list[Heard], list[str]]) -> list[Alert]:
    """The ends after these looks: each its time, what was new, and the names of all that is in the archive."""
    state: dict[str, Any] = {}
    over: list[Heard] = []
    for after, new, names in looks:
        snapshot = ArchiveSnapshot(state)
        snapshot.add(new)
        snapshot.missing(frozenset(f"{name}.xml 1" for name in names), NOON + after)
        over += snapshot.ends(NOON + after)
        state = json.loads(json.dumps(snapshot.state()))
    return [each.alert for each in over if each.alert]


ZERO, SOON, LATER = timedelta(), timedelta(minutes=1), timedelta(minutes=1) + GONE_FOR


def test_what_is_missing_from_the_archive_for_ten_minutes_is_over() -> None:
    (end,) = polled((ZERO, [dwd("a"), dwd("b", event="WIND")], ["a", "b"]), (SOON, [], ["b"]), (LATER, [], ["b"]))

    assert (end.msg_type, end.sender, end.infos) == (MsgType.CANCEL, "opendata@dwd.de", ())
    assert end.references == (Reference("opendata@dwd.de", "a", NOON),)


@in_one_test
@pytest.mark.parametrize(
    "looks",
    [
        # It is there again.
        [(ZERO, [dwd("a")], ["a"]), (SOON, [], []), (SOON * 5, [], ["a"]), (LATER, [], [])],
        # A newer one names it; a newer one doesn't, and says the same.
        [(ZERO, [dwd("a")], ["a"]), (SOON, [dwd("b", event="EIS", follows="a")], ["b"]), (LATER, [], ["b"])],
        [(ZERO, [dwd("a")], ["a"]), (SOON, [dwd("b")], ["b"]), (LATER, [], ["b"])],
        # Its time is over, and it runs out.
        [(ZERO, [dwd("a")], ["a"]), (timedelta(hours=7), [], []), (timedelta(hours=8), [], [])],
        # A Cancel of the service's own.
        [(ZERO, [dwd("a")], ["a"]), (SOON, [dwd("c", follows="a", msg_type=MsgType.CANCEL)], ["c"]), (LATER, [], [])],
        # Somebody else's archive, and a test of the service's.
        [(ZERO, [dwd("a", sender="x@dwd.de.example")], ["a"]), (SOON, [], []), (LATER, [], [])],
        [(ZERO, [dwd("a", status=Status.TEST)], ["a"]), (SOON, [], []), (LATER, [], [])],
    ],
)  # fmt: skip
def test_what_goes_on_runs_out_or_comes_back_gets_no_end(looks: list[tuple[timedelta, list[Heard], list[str]]]) -> None:
    assert polled(*looks) == []


def test_while_anything_in_the_archive_is_unread_nothing_is_over() -> None:
    broken = Heard("x.xml 1", problem=because("xml_empty"))
    first = (ZERO, [dwd("a"), broken], ["a", "x"])
    assert polled(first, (SOON, [], ["x"]), (LATER, [], ["x"])) == []
    (end,) = polled(first, (SOON, [], []), (LATER, [], []))
    assert end.references[0].identifier == "a"
