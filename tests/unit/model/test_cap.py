from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from alerts.model.alert import Alert, Area, Circle, Info, MsgType, NamedValue, Reference, Resource, Scope
from alerts.model.cap import violations
from alerts.model.reason import because
from tests.walls import in_one_test

SENT = datetime(2026, 11, 25, 13, 0, tzinfo=timezone(timedelta(hours=1)))
RING = ((45.0, 5.0), (45.0, 5.1), (45.1, 5.1), (45.0, 5.0))
ALERT = Alert(
    identifier="crue-1",
    sender="alertes@riviere.example",
    sent=SENT,
    infos=(
        Info(
            event="Crue",
            web="https://riviere.example/crue",
            resources=(Resource("Carte", "image/png", digest="A" * 40, size=0),),
            areas=(
                Area(
                    "Quartier du pont",
                    polygons=(RING,),
                    circles=(Circle((45.0, 5.0), 0.0),),
                    geocodes=(NamedValue("INSEE", "38185"),),
                    altitude=0.0,
                    ceiling=3000.0,
                ),
            ),
        ),
    ),
)


def of_info(**changes: object) -> Alert:
    return replace(ALERT, infos=(replace(ALERT.infos[0], **changes),))


def of_area(**changes: object) -> Alert:
    return of_info(areas=(replace(ALERT.infos[0].areas[0], **changes),))


def of_resource(**changes: object) -> Alert:
    return of_info(resources=(replace(ALERT.infos[0].resources[0], **changes),))


def test_a_good_alert_breaks_no_rule() -> None:
    assert violations(ALERT) == ()


@in_one_test
@pytest.mark.parametrize("bad", ["a b", "a,b", "a<b", "a&b", "a\tb"])
@pytest.mark.parametrize("name", ["identifier", "sender"])
def test_a_name_has_no_blank_comma_or_markup(name: str, bad: str) -> None:
    (line,) = violations(replace(ALERT, **{name: bad}))
    assert str(line) == f"{name}: {bad!r} holds {bad[1]!r}; allowed: no blanks, commas, < and &"


CASES = {
    "no identifier": (replace(ALERT, identifier=""), "identifier: is empty"),
    "no sender": (replace(ALERT, sender=""), "sender: is empty"),
    "naive sent": (replace(ALERT, sent=SENT.replace(tzinfo=None)), "sent: 2026-11-25T13:00:00 has no zone"),
    "fraction": (replace(ALERT, sent=SENT.replace(microsecond=5)), "sent: 2026-11-25T13:00:00.000005+01:00 has fract"),
    "odd offset": (
        replace(ALERT, sent=SENT.astimezone(timezone(timedelta(seconds=561)))),
        "sent: 2026-11-25T12:09:21+00:09:21 has an offset with seconds",
    ),
    "restricted": (replace(ALERT, scope=Scope.RESTRICTED), "restriction: is missing"),
    "restriction": (replace(ALERT, restriction="pompiers"), "restriction: stands beside the scope Public"),
    "private": (replace(ALERT, scope=Scope.PRIVATE), "addresses: are missing"),
    "error": (
        replace(ALERT, msg_type=MsgType.ERROR, references=(Reference("s", "i", SENT),)),
        "note: is missing; an Error",
    ),
    "reference sender": (
        replace(ALERT, references=(Reference("s s", "i", SENT),)),
        "references[0].sender: 's s' holds ' '",
    ),
    "reference identifier": (
        replace(ALERT, references=(Reference("s", "i", SENT), Reference("s", "", SENT))),
        "references[1].identifier: is empty",
    ),
    "reference sent": (
        replace(ALERT, references=(Reference("s", "i", SENT.replace(tzinfo=None)),)),
        "references[0].sent: 2026-11-25T13:00:00 has no zone",
    ),
    "address": (replace(ALERT, addresses=("a", " ")), "addresses[1]: is empty"),
    "incident": (replace(ALERT, incidents=('a "b"',)), "incidents[0]: 'a \"b\"' holds a double quote"),
    "code": (replace(ALERT, codes=("",)), "code[0]: is empty"),
    "language": (of_info(language="français"), "info[0].language: 'français' is no language tag"),
    "underscore": (of_info(language="fr_FR"), "info[0].language: 'fr_FR' is no language tag"),
    "category": (of_info(categories=()), "info[0].category: is missing"),
    "event": (of_info(event=" "), "info[0].event: is empty"),
    "effective": (of_info(effective=SENT.replace(tzinfo=None)), "info[0].effective: 2026-11-25T13:00:00 has no zone"),
    "onset": (of_info(onset=SENT.replace(tzinfo=None)), "info[0].onset: 2026-11-25T13:00:00 has no zone"),
    "expires": (of_info(expires=SENT.replace(tzinfo=None)), "info[0].expires: 2026-11-25T13:00:00 has no zone"),
    "relative web": (of_info(web="/crue"), "info[0].web: '/crue' is no absolute URI"),
    "web with blank": (of_info(web="https://a b/"), "info[0].web: 'https://a b/' is no absolute URI"),
    "broken web": (of_info(web="https://[a/"), "info[0].web: 'https://[a/' is no absolute URI"),
    "event code": (of_info(event_codes=(NamedValue("", "x"),)), "info[0].eventCode[0].valueName: is empty"),
    "parameter": (of_info(parameters=(NamedValue("x", ""),)), "info[0].parameter[0].value: is empty"),
    "resource": (of_resource(description=""), "info[0].resource[0].resourceDesc: is empty"),
    "mime type": (of_resource(mime_type="png"), "info[0].resource[0].mimeType: 'png' is none"),
    "size": (of_resource(size=-1), "info[0].resource[0].size: is -1"),
    "digest": (of_resource(digest="abc"), "info[0].resource[0].digest: 'abc' is no SHA-1"),
    "area": (of_area(description=""), "info[0].area[0].areaDesc: is empty"),
    "three points": (of_area(polygons=(RING, RING[1:3] + RING[1:2])), "info[0].area[0].polygon[1]: has 3 points"),
    "open ring": (of_area(polygons=((*RING, (1.0, 1.0)),)), "info[0].area[0].polygon[0]: is open"),
    "north of the pole": (
        of_area(polygons=((RING[0], (90.5, 5.1), *RING[2:]),)),
        "info[0].area[0].polygon[0]: 90.5,5.1 is not on earth",
    ),
    "nowhere": (
        of_area(polygons=((RING[0], (float("nan"), 5.1), *RING[2:]),)),
        "info[0].area[0].polygon[0]: nan,5.1 is not on earth",
    ),
    "east of the date line": (of_area(circles=(Circle((0.0, 180.5), 1.0),)), "info[0].area[0].circle[0]: 0.0,180.5 is"),
    "radius": (of_area(circles=(Circle((0.0, 0.0), -1.0),)), "info[0].area[0].circle[0]: has the radius -1.0"),
    "endless": (of_area(circles=(Circle((0.0, 0.0), float("inf")),)), "info[0].area[0].circle[0]: has the radius inf"),
    "geocode": (of_area(geocodes=(NamedValue("INSEE", ""),)), "info[0].area[0].geocode[0].value: is empty"),
    "ceiling alone": (of_area(altitude=None), "info[0].area[0].ceiling: stands alone"),
    "ceiling below": (of_area(altitude=4000.0), "info[0].area[0].ceiling: 3000.0 is below the altitude 4000.0"),
    "altitude": (of_area(altitude=float("nan"), ceiling=None), "info[0].area[0].altitude: is nan"),
}


@in_one_test
@pytest.mark.parametrize(("alert", "line"), CASES.values(), ids=CASES)
def test_a_broken_rule_is_told_with_its_place(alert: Alert, line: str) -> None:
    (told,) = violations(alert)
    assert str(told).startswith(line)
    assert "\n" not in str(told)


@in_one_test
@pytest.mark.parametrize("msg_type", [MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR])
def test_what_is_about_another_message_names_it(msg_type: MsgType) -> None:
    alert = replace(ALERT, msg_type=msg_type, note="Pourquoi")
    assert violations(alert) == (because("rule_references", type=msg_type),)
    assert violations(replace(alert, references=(Reference("s", "i", SENT.astimezone(UTC)),))) == ()


def test_restricted_and_private_are_allowed_with_what_they_need() -> None:
    assert violations(replace(ALERT, scope=Scope.RESTRICTED, restriction="pompiers")) == ()
    assert violations(replace(ALERT, scope=Scope.PRIVATE, addresses=("mairie centrale",))) == ()
    assert violations(replace(ALERT, msg_type=MsgType.ALERT, infos=())) == ()


def test_every_broken_rule_is_told() -> None:
    alert = replace(of_area(description="", altitude=None), identifier="", scope=Scope.PRIVATE)
    assert len(violations(alert)) == 4


def test_what_is_shown_of_a_long_value_is_short() -> None:
    (line,) = violations(replace(ALERT, identifier="x y" * 1000))
    assert len(str(line)) < 150
