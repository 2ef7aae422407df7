from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.alert import (
    Alert,
    Category,
    Info,
    MsgType,
    NamedValue,
    Reference,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from alerts.model.errors import Unreadable
from alerts.model.reason import Reason
from alerts.sources.cap.message import CAP_NAMESPACES, MAX_NOTES, read_json, read_message
from tests.cap_messages import alert_xml, info_xml
from tests.walls import in_one_test

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def read(xml: str) -> tuple[Alert, tuple[str, ...]]:
    return in_words(*read_message(xml.encode(), zone=PARIS))


def in_words(alert: Alert, notes: Sequence[Reason]) -> tuple[Alert, tuple[str, ...]]:
    return alert, tuple(map(str, notes))


def read_info(**elements: str) -> tuple[Info, tuple[str, ...]]:
    alert, notes = read(alert_xml(info_xml(**elements)))
    return alert.infos[0], notes


def test_a_good_message_needs_no_forgiving() -> None:
    alert, notes = read(alert_xml())

    assert notes == ()
    assert (alert.identifier, alert.sender, alert.sent) == ("crue-1", "alertes@riviere.example", NOON)
    assert (alert.status, alert.msg_type, alert.scope) == (Status.ACTUAL, MsgType.ALERT, Scope.PUBLIC)
    assert alert.infos[0].severity is Severity.SEVERE
    assert alert.infos[0].areas[0].description == "Quartier du pont"


# --- what is no message ---------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize("name", ["identifier", "sender", "sent"])
@pytest.mark.parametrize("element", ["", "<{0}/>", "<{0}>  </{0}>"])
def test_a_message_without_identity_is_unreadable(name: str, element: str) -> None:
    with pytest.raises(Unreadable, match=f"^the CAP message has no {name}: it can't be told from any other$"):
        read(alert_xml(**{name: element.format(name)}))


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(Unreadable, match="no identifier and no sender and no sent"):
        read("<alert><status>Actual</status></alert>")


@pytest.mark.parametrize("sent", ["yesterday", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_a_sent_that_is_no_time_is_unreadable(sent: str) -> None:
    with pytest.raises(Unreadable, match="sent is no time"):
        read(alert_xml(sent=f"<sent>{sent}</sent>"))


def test_another_document_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="its root is <feed>, expected <alert>"):
        read("<feed xmlns='http://www.w3.org/2005/Atom'/>")


# --- form -----------------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize("namespace", [*CAP_NAMESPACES, ""])
def test_every_version_of_cap_is_read(namespace: str) -> None:
    assert read(alert_xml(namespace=namespace)) == read(alert_xml())


def test_any_prefix_is_read() -> None:
    xml = alert_xml().replace(' xmlns="', ' xmlns:q="').replace("</", "<//").replace("<", "<q:")
    assert read(xml.replace("<q://", "</q:")) == read(alert_xml())


def test_a_foreign_namespace_is_noted() -> None:
    _, notes = read(alert_xml(namespace="urn:example:own"))
    assert notes == ("the namespace 'urn:example:own' is not CAP's",)


def test_the_order_of_elements_is_nothing() -> None:
    backwards = alert_xml(info="", scope=info_xml() + "<scope>Public</scope>")
    assert read(backwards) == read(alert_xml())


def test_empty_elements_say_nothing() -> None:
    empty = "".join(f"<{name}/>" for name in ("restriction", "addresses", "note", "references", "incidents", "code"))
    assert read(alert_xml(code=empty)) == read(alert_xml())
    assert (
        read_info(extra="<web/><parameter/><resource/><eventCode><valueName>x</valueName></eventCode>") == read_info()
    )


def test_single_lines_are_trimmed_and_prose_is_kept() -> None:
    info, _ = read_info(
        headline="<headline>\n  Crue  </headline>",
        description="<description>\n  Deux\n  lignes \n</description><instruction> </instruction>",
    )
    assert info.headline == "Crue"
    assert info.description == "\n  Deux\n  lignes \n"
    assert info.instruction is None


def test_markup_inside_a_text_is_read_as_its_text() -> None:
    info, _ = read_info(description="<description>Fuyez <b>vite</b> !</description>")
    assert info.description == "Fuyez vite !"


def test_a_signature_is_ignored() -> None:
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><note>x</note></Signature>'
    assert read(alert_xml(signature=signature)) == read(alert_xml())


def test_latin_1_that_says_it_is_utf_8_is_read() -> None:
    xml = '<?xml version="1.0" encoding="UTF-8"?>' + alert_xml(info_xml(event="<event>Inondé</event>"))
    alert, notes = in_words(*read_message(xml.encode("latin-1"), zone=PARIS))
    assert alert.infos[0].event == "Inondé"
    assert notes == ("not in the declared encoding: read as Windows-1252",)


def test_a_pair_of_cap_1_0_is_read() -> None:
    info, _ = read_info(extra="<parameter>VTEC=/O.NEW/=x</parameter>")
    assert info.parameters == (NamedValue("VTEC", "/O.NEW/=x"),)


# --- codes ----------------------------------------------------------------------------------------------------------


def test_what_does_not_say_that_it_is_actual_is_a_test() -> None:
    alert, notes = read(alert_xml(status=""))
    assert alert.status is Status.TEST
    assert notes == ("status is missing: taken as Test",)
    assert read(alert_xml(status="<status>Live</status>"))[0].status is Status.TEST
    assert read(alert_xml(status="<status>actual</status>"))[0].status is Status.ACTUAL


def test_a_missing_scope_is_public_and_an_odd_one_is_not() -> None:
    assert read(alert_xml(scope=""))[0].scope is Scope.PUBLIC
    assert read(alert_xml(scope="<scope>Internal</scope>"))[0].scope is Scope.PRIVATE


@in_one_test
@pytest.mark.parametrize("msg_type", MsgType)
def test_every_message_type_is_read_as_such(msg_type: MsgType) -> None:
    assert read(alert_xml(msgType=f"<msgType>{msg_type}</msgType>"))[0].msg_type is msg_type


def test_missing_codes_are_unknown_and_noted() -> None:
    info, notes = read_info(urgency="", severity="", certainty="", category="", event="")
    assert (info.urgency, info.severity) == (Urgency.UNKNOWN, Severity.UNKNOWN)
    assert info.categories == (Category.OTHER,)
    assert info.event == "Crue de la Drevenne"
    assert len(notes) == 5


def test_repeated_codes_are_all_read_and_odd_ones_left_out() -> None:
    info, notes = read_info(
        category="<category>Met</category><category>GEO</category><category>Met</category><category>zzz</category>",
        extra="<responseType>all clear</responseType><responseType>Panic</responseType>",
    )
    assert info.categories == (Category.MET, Category.GEO)
    assert info.response_types == (ResponseType.ALL_CLEAR,)
    assert notes == ("category 'zzz' is no code of CAP: left out", "responseType 'Panic' is no code of CAP: left out")


def test_a_missing_language_is_the_standards_or_the_sources() -> None:
    xml = alert_xml(info_xml(language="")).encode()
    assert read_message(xml, zone=PARIS)[0].infos[0].language == "en-US"
    assert read_message(xml, zone=PARIS, language="fr-FR")[0].infos[0].language == "fr-FR"


# --- times, references ----------------------------------------------------------------------------------------------


def test_times_without_a_zone_are_in_the_sources() -> None:
    info, notes = read_info(onset="<onset>2026-11-25T13:00:00</onset>", expires="")
    assert info.onset == NOON
    assert info.expires is None
    assert notes == ("time '2026-11-25T13:00:00' has no zone: taken as 2026-11-25T13:00:00+01:00",)


def test_an_odd_expiry_is_left_out_and_the_alert_kept() -> None:
    info, notes = read_info(expires="<expires>until further notice</expires>")
    assert info.expires is None
    assert notes == ("time 'until further notice' can't be read: left out",)


@in_one_test
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s,i,2026-11-25T12:00:00-00:00", [("s", "i")]),
        ("s,i,2026-11-25T12:00:00-00:00\n\t t,j,2026-11-25T12:00:00-00:00 ", [("s", "i"), ("t", "j")]),
        ("s,i,2026-11-25T12:00+00:00", [("s", "i")]),
        ("s,a,b,2026-11-25T12:00:00-00:00", [("s", "a,b")]),
        ("La mairie, i, 2026-11-25T12:00:00-00:00 t,j,2026-11-25T12:00:00Z", [("La mairie", "i"), ("t", "j")]),
        ("s,i,2026-11-25T12:00:00Z s,i,2026-11-25T12:00:00Z", [("s", "i")]),
    ],
)
def test_references_are_read_however_they_are_separated(text: str, expected: list[tuple[str, str]]) -> None:
    alert, _ = read(alert_xml(references=f"<references>{text}</references>"))
    assert alert.references == tuple(Reference(sender, identifier, NOON) for sender, identifier in expected)


def test_what_is_no_reference_is_left_out_with_a_note() -> None:
    alert, notes = read(alert_xml(references="<references>crue-0 s,i,2026-11-25T12:00:00Z none</references>"))
    assert [reference.identifier for reference in alert.references] == ["i"]
    assert notes == ("reference 'none' is not sender,identifier,sent: left out",)


@pytest.mark.parametrize("sent", ["2026-11-25T13:00:00+01:00", "2026-11-25T12:00:29+00:00", "2026-11-26T12:00:00Z"])
def test_a_message_does_not_refer_to_itself(sent: str) -> None:
    reference = f"<references>x@y,crue-1,{sent} x@y,crue-0,{sent}</references>"
    alert, notes = read(alert_xml(references=reference))
    assert [reference.identifier for reference in alert.references] == ["crue-0"]
    assert notes == ("a reference of the message to itself was dropped",)


def test_a_reference_to_itself_may_have_lost_its_seconds() -> None:
    sent, reference = "2026-11-25T13:00:29+01:00", "<references>x@y,crue-1,2026-11-25T13:00+01:00</references>"
    alert, _ = read(alert_xml(sent=f"<sent>{sent}</sent>", references=reference))
    assert alert.references == ()


def test_an_earlier_version_under_the_same_identifier_is_no_self_reference() -> None:
    alert, notes = read(alert_xml(references="<references>x@y,crue-1,2026-11-25T11:00:00Z</references>"))
    assert [reference.identifier for reference in alert.references] == ["crue-1"]
    assert notes == ()


def test_a_long_list_of_anything_but_references_is_read_in_proportion() -> None:
    alert, _ = read(alert_xml(references=f"<references>{'a,' * 500_000}</references>"))
    assert alert.references == ()


def test_a_name_that_is_too_long_is_the_same_digest_wherever_it_stands() -> None:
    longer = "\u4e00" * 400  # 1,200 bytes
    former, notes = read(alert_xml(identifier=f"<identifier>{longer}</identifier>"))
    alert, _ = read(alert_xml(references=f"<references>x@y,{longer},2026-11-25T11:00:00Z</references>"))
    assert [reference.identifier for reference in alert.references] == [former.identifier]
    assert len(former.identifier.encode()) < 1000
    assert notes == ("identifier is longer than 1,000 characters: the rest is left out",)


def test_addresses_and_incidents_are_words_of_which_some_are_quoted() -> None:
    alert, _ = read(alert_xml(addresses='<addresses>a@b "mairie centrale"  c</addresses><incidents>x</incidents>'))
    assert alert.addresses == ("a@b", "mairie centrale", "c")
    assert alert.incidents == ("x",)


# --- areas ----------------------------------------------------------------------------------------------------------


def test_the_good_shapes_of_an_area_survive_the_bad_ones() -> None:
    info, notes = read_info(
        area="<area><areaDesc>Ici</areaDesc><polygon>1,1</polygon><polygon>45,5 45,6 46,6</polygon>"
        "<circle>x</circle><circle>45,5 2</circle><altitude>haut</altitude></area><area/>"
    )
    (area,) = info.areas
    assert area.polygons == (((45.0, 5.0), (45.0, 6.0), (46.0, 6.0), (45.0, 5.0)),)
    assert [circle.radius for circle in area.circles] == [2.0]
    assert area.altitude is None
    assert len(notes) == 4


def test_the_notes_of_a_thoroughly_bad_message_are_bounded() -> None:
    rings = "".join(f"<polygon>{number},{number}x</polygon>" for number in range(100))
    _, notes = read_info(area=f"<area><areaDesc>Ici</areaDesc>{rings}</area>")
    assert len(notes) == MAX_NOTES


# --- JSON -----------------------------------------------------------------------------------------------------------

DOCUMENT = {
    "identifier": "crue-1",
    "sender": "alertes@riviere.example",
    "sent": "2026-11-25T13:00:00+01:00",
    "status": "Actual",
    "msgType": "Alert",
    "scope": "Public",
    "info": [
        {
            "language": "fr-FR",
            "category": ["Met"],
            "event": "Crue",
            "urgency": "Expected",
            "severity": "Severe",
            "certainty": "Likely",
            "onset": "2026-11-25T14:00:00+01:00",
            "expires": "2026-11-25T20:00:00+01:00",
            "headline": "Crue de la Drevenne",
            "area": {"areaDesc": "Quartier du pont"},
        }
    ],
}


def test_the_same_message_as_json_is_the_same_alert() -> None:
    assert in_words(*read_json(DOCUMENT, zone=PARIS)) == read(alert_xml())


def test_json_texts_lose_what_no_store_can_hold() -> None:
    spelt = json.loads(json.dumps(DOCUMENT).replace("Drevenne", "Dre\\u0000ven\\ud800ne"))
    assert in_words(*read_json(spelt, zone=PARIS)) == read(alert_xml())


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["info", "area", "geocode", "sent", "references", "polygon", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*DOCUMENT, "references", "code"]), _json))
def test_any_json_is_an_alert_or_unreadable(changes: dict[str, object]) -> None:
    try:
        alert, _ = read_json({**DOCUMENT, **changes}, zone=PARIS)
    except Unreadable:
        return
    assert alert.identifier


def test_json_nested_without_end_is_read_no_deeper_than_cap_goes() -> None:
    nested: dict[str, object] = {"event": "x"}
    for _ in range(5000):
        nested = {"info": nested}
    assert len(read_json({**DOCUMENT, **nested}, zone=PARIS)[0].infos) <= 1


# --- any bytes ------------------------------------------------------------------------------------------------------

_GOOD = alert_xml(references="<references>s,i,2026-11-25T12:00:00Z</references>").encode()


@given(st.integers(0, len(_GOOD)), st.integers(0, 30), st.binary(max_size=12))
def test_a_damaged_message_is_an_alert_or_unreadable(place: int, length: int, damage: bytes) -> None:
    try:
        alert, _ = read_message(_GOOD[:place] + damage + _GOOD[place + length :], zone=PARIS)
    except Unreadable:
        return
    assert alert.identifier


@pytest.mark.parametrize("address", ["file:///srv/picture.png", "FILE:///srv/picture.png", " file:picture.png"])
def test_a_message_from_outside_names_no_file_of_this_machine(address: str) -> None:
    resource = (
        f"<resource><resourceDesc>A map</resourceDesc><mimeType>image/png</mimeType><uri>{address}</uri></resource>"
    )
    alert, notes = in_words(*read_message(alert_xml(info_xml(extra=resource)).encode(), zone=PARIS))

    assert [each.uri for each in alert.infos[0].resources] == [None]
    assert any("uri names a file of this machine: ignored" in note for note in notes)
