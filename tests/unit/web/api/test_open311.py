"""Open311 GeoReport v2 as a program meets it: every answer, in both forms, against the text of the specification."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from alerts.reports.places import coarse
from tests import open311
from tests.unit.web.api.bureau import CHANNELS, open_bureau
from tests.walls import in_one_test

FORMS = ("json", "xml")
SENT = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer token-of-reporter"}
HERE = (45.19034, 5.71077)
WORDS = "De l’eau <b>dans</b> la rue & la cave 🌊\n]]> \x00\x0b\ud7ff"
TOWN = (
    CHANNELS.replace("[store]", 'public_url = "https://alertes.saint-martin.example"\n[store]')
    + '\n[reports]\nanswers = "auto"\n'
)


@pytest.fixture
async def town(tmp_path):
    async with open_bureau(tmp_path, TOWN) as opened:
        yield opened


async def get(town, path, check=open311.requests, *more, form="json", expected=200, key=None, **query):
    """The answer in one form, which keeps to the specification."""
    query = {**query, **({"api_key": f"token-of-{key}"} if key else {})}
    answer = await town.client.get(f"/open311/v2/{path}.{form}?{urlencode(query)}", headers={"Accept-Language": "en"})
    body = await answer.read()
    assert answer.status == expected, body
    return check(open311.read(body, answer.headers["Content-Type"], form, open311.ROOTS[check]), *more)


async def both(town, path, check=open311.requests, *more, **query):
    """The same in both forms."""
    one = await get(town, path, check, *more, **query)
    other = await get(town, path, check, *more, form="xml", **query)
    assert _plain(one) == _plain(other)
    return one


def _plain(told):
    """What is empty is null in XML."""
    if isinstance(told, dict):
        return {name: _plain(value) for name, value in told.items()}
    return [_plain(each) for each in told] if told and isinstance(told, list) else told or None


async def post(town, *, form="json", status=201, check=open311.made, key="reporter", headers=None, **fields):
    told = {"api_key": key and f"token-of-{key}", "service_code": "flooding", "lat": HERE[0], "long": HERE[1], **fields}
    body = urlencode({name: value for name, value in told.items() if value is not None}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **(headers or {})}
    answer = await town.client.post(
        f"/open311/v2/requests.{form}", data=body, headers={"Accept-Language": "en", **headers}
    )
    content = await answer.read()
    assert answer.status == status, content
    read = open311.read(content, answer.headers["Content-Type"], form, open311.ROOTS[check])
    return check(read, *([] if check is open311.made else [status]))


async def refused(town, path, expected, **query):
    """An error, told in both forms alike."""
    [one] = await both(town, path, open311.errors, expected, expected=expected, **query)
    return one["description"]


async def reported(town, **fields):
    return (await post(town, **fields))["service_request_id"]


async def accepted(town, **fields):
    number = await reported(town, **fields)
    await town.told("POST", f"/reports/{number}/accept", json={})
    await passing(town)
    return number


async def passing(town, **time):
    """Until what everybody may see is read anew."""
    await town.clock.advance(timedelta(**time or {"seconds": 6}).total_seconds())


# --- services


async def test_the_kinds_are_services(town):
    told = await both(town, "services", open311.services)
    assert [each["service_code"] for each in told][:2] == ["road", "lighting"]
    flooding = next(each for each in told if each["service_code"] == "flooding")
    assert (flooding["service_name"], flooding["type"], flooding["metadata"]) == ("Flooding", "realtime", False)
    noise = next(each for each in told if each["service_code"] == "noise")
    assert noise["description"] == "Seen by those on duty alone."


async def test_a_service_has_no_fields_and_one_that_stops_says_what_to_do(town):
    assert (await both(town, "services/flooding", open311.definition, "flooding"))["attributes"] == []
    [stop] = (await both(town, "services/gas", open311.definition, "gas"))["attributes"]
    assert not stop["variable"]
    assert "18" in stop["description"]
    assert "dragons" in await refused(town, "services/dragons", 404)


async def test_discovery_names_the_endpoint(town):
    [endpoint] = (await both(town, "discovery", open311.discovery))["endpoints"]
    assert endpoint["url"] == "https://alertes.saint-martin.example/open311/v2"


# --- before and after acceptance


async def test_before_acceptance_it_is_there_for_a_key_alone_and_without_its_words(town):
    number = await reported(town, description=WORDS)
    assert await refused(town, f"requests/{number}", 404) == "there is no request of that number"
    assert await both(town, "requests") == []
    assert await both(town, "requests", service_request_id=number) == []
    [one] = await both(town, f"requests/{number}", key="reporter")
    assert one["status"] == "open"
    assert "description" not in one
    assert await both(town, "requests", key="reporter") == [one]
    assert "eau" not in json.dumps(one)


async def test_once_accepted_everybody_reads_it_coarse(town):
    number = await accepted(town, description=WORDS, address_string="12 rue des Tanneurs")
    [one] = await both(town, f"requests/{number}")
    assert one["description"] == "De l’eau <b>dans</b> la rue & la cave 🌊\n]]> \ud7ff"
    assert (one["lat"], one["long"]) == coarse(*HERE)
    assert one["address"] is None, "no house can be told from it"
    assert one["requested_datetime"] == "2026-11-25T00:00:00+01:00"
    assert one["media_url"] is None
    assert await both(town, "requests") == [one]
    assert await both(town, "requests", key="reporter") == [one]
    assert "Tanneurs" not in json.dumps(one)
    assert str(HERE[0]) not in json.dumps(one)


@pytest.mark.parametrize("key", [None, "reporter", "administrator"])
async def test_a_private_kind_is_nowhere(town, key):
    number = await accepted(town, service_code="noise", description="Le voisin")
    await refused(town, f"requests/{number}", 404, key=key)
    await refused(town, f"tokens/{number}", 404, key=key)
    assert await both(town, "requests", key=key) == []
    assert await both(town, "requests", key=key, service_code="noise") == []
    assert await both(town, "requests", key=key, service_request_id=number) == []


async def test_what_was_set_aside_or_erased_or_is_long_closed_is_gone(town):
    for statement in (
        "UPDATE report SET state = 'set aside', accepted_at = NULL",
        "UPDATE report SET state = 'closed', closing = 'erased'",
        "UPDATE report SET state = 'closed', closing = 'done', closed_at = 1",
    ):
        number = await accepted(town)
        await town.write(statement)
        await passing(town)
        for key in (None, "reporter"):
            await refused(town, f"requests/{number}", 404, key=key)
            assert await both(town, "requests", key=key) == []


async def test_what_was_withheld_has_no_words(town):
    number = await accepted(town, description="Mme Durand")
    await town.write("UPDATE report SET withheld = 'un nom'")
    assert (await both(town, f"requests/{number}"))[0]["description"] is None


async def test_the_town_s_answer_is_told(town):
    number = await accepted(town)
    await town.told("POST", f"/reports/{number}/close", json={"text": "Pompé <ce matin>"})
    [one] = await both(town, f"requests/{number}")
    assert (one["status"], one["status_notes"]) == ("closed", "Pompé <ce matin>")
    assert one["updated_datetime"] == "2026-11-25T00:00:00+01:00"


async def test_one_that_closed_unaccepted_is_told_to_a_key_alone(town):
    number = await reported(town, description="Ailleurs")
    await town.told("POST", f"/reports/{number}/close", json={"text": "Pas chez nous", "closing": "not ours"})
    await refused(town, f"requests/{number}", 404)
    [one] = await both(town, f"requests/{number}", key="reporter")
    assert (one["status"], one["status_notes"], "description" in one) == ("closed", None, False)


# --- lists


async def test_lists_are_narrowed(town):
    first = await accepted(town, service_code="flooding")
    await passing(town, days=1)
    second = await accepted(town, service_code="waste", lat=45.2)
    await town.told("POST", f"/reports/{second}/close", json={})
    await passing(town)

    async def names(**query):
        return [each["service_request_id"] for each in await both(town, "requests", **query)]

    assert await names() == [second, first]
    assert await names(service_code="waste") == [second]
    assert await names(service_code="waste, flooding", status="open") == [first]
    assert await names(status="closed") == [second]
    assert await names(status="open,closed") == [second, first]
    assert await names(service_code="dragons") == []
    assert await names(service_request_id=f"{first},SM-26-9999, {second.lower()}", status="closed") == [first, second]
    day = timedelta(days=1)
    now = town.clock.now()
    assert await names(start_date=now.isoformat()) == [second], "a time stands for its day"
    assert await names(end_date=(now - day).isoformat()) == [first]
    assert await names(start_date="2026-11-25T23:59:59 01:00", end_date="2026-11-25T22:59:59Z") == [first]
    assert await names(start_date="2026-08-30T00:00:00Z", end_date="2026-11-28T00:00:00Z") == [second, first]
    assert await names(start_date="2027-01-01T00:00:00Z", end_date="2027-01-02T00:00:00Z") == []
    assert await names(start_date="") == [second, first]


@in_one_test
@pytest.mark.parametrize(
    "query",
    [
        {"status": "new"},
        {"start_date": "yesterday"},
        {"start_date": "2026-11-25"},
        {"start_date": "2026-11-25T12:00:00"},
        {"start_date": "2026-02-30T12:00:00Z"},
        {"end_date": "0001-01-01T00:00:00+23:00"},
        {"end_date": "0001-01-01T00:00:00-14:00"},
        {"start_date": "2026-08-01T00:00:00Z", "end_date": "2026-11-25T00:00:00Z"},
        {"start_date": "2026-11-25T00:00:00Z", "end_date": "2026-11-24T00:00:00Z"},
        {"start_date": "2027-11-25T00:00:00Z"},
        {"service_request_id": ",".join(map(str, range(101)))},
        {"x": "y" * 5000},
    ],
)
async def test_what_cannot_be_asked_is_told(town, query):
    assert await refused(town, "requests", 400, **query)


async def test_what_is_older_than_ninety_days_is_asked_for(town):
    await accepted(town)
    await passing(town, days=91)
    assert await both(town, "requests") == []
    assert len(await both(town, "requests", start_date="2026-11-01T00:00:00Z", end_date="2026-12-01T00:00:00Z")) == 1


async def test_an_answer_has_a_thousand_at_the_most(town):
    await accepted(town)
    columns = [row[1] for row in await town.rows("PRAGMA table_info(report)")]
    others = {"seq": "1000 + value", "id": "'n' || value", "number": "'N-' || value", "key": "NULL"}
    told = ", ".join(others.get(column, column) for column in columns)
    await town.write(
        "WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1100) "
        f"INSERT INTO report ({', '.join(columns)}) SELECT {told} FROM report, n WHERE seq = 1"
    )
    await passing(town)
    told = await both(town, "requests")
    assert (len(told), told[0]["service_request_id"]) == (1000, "N-1100")


# --- reporting


@pytest.mark.parametrize("form", FORMS)
async def test_a_report_is_taken_and_answered_with_its_number(town, form):
    one = await post(town, form=form, description=WORDS, media_url="http://127.0.0.1:1/x.jpg", email="a@b.example")
    assert one["service_request_id"] == "SM-26-0001"
    assert "https://alertes.saint-martin.example/report/SM-26-0001/" in one["service_notice"]
    assert "media_url" in one["service_notice"]
    assert not one["service_notice"].endswith("."), "a link ends where it ends"
    [(kind, via, text, lat)] = await town.rows("SELECT kind, via, text, lat FROM report")
    assert (kind, via, lat) == ("flooding", "open311", HERE[0])
    assert text == "De l’eau <b>dans</b> la rue & la cave 🌊\n]]> \ud7ff"
    assert "b.example" not in repr(await town.rows("SELECT * FROM report"))


async def test_who_reports_is_the_device_else_the_account_else_the_network(town):
    mail = {"email": "nadia@example.org", "first_name": "Nadia"}
    for fields in ({"device_id": "a"}, {"device_id": "a", **mail}, {"account_id": "b"}, {}, {}, mail, {"phone": "06"}):
        await reported(town, **fields)
    assert len(await town.rows("SELECT DISTINCT source FROM report")) == 5
    assert "adia" not in repr(await town.rows("SELECT * FROM report")) + repr(
        await town.rows("SELECT * FROM report_source")
    )


async def test_five_devices_make_a_draft_that_waits(town):
    for number in range(5):
        await reported(town, device_id=str(number), lat=HERE[0] + number / 1000)
    [alert] = (await town.told("GET", "/alerts", "viewer"))["alerts"]
    assert alert["state"] == "waiting"
    reports = (await town.told("GET", "/reports", "viewer"))["reports"]
    assert {each["draft"] for each in reports} == {alert["alert"]}


async def test_the_same_key_of_a_program_is_one_report(town):
    key = {"Idempotency-Key": "k1"}
    assert await post(town, headers=key) == await post(town, headers=key)
    assert len(await town.rows("SELECT * FROM report")) == 1


async def test_a_long_description_is_kept_as_far_as_it_goes(town):
    one = await post(town, description="x" * 4000)
    assert "500" in one["service_notice"]
    assert await town.rows("SELECT length(text) FROM report") == [(500,)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (403, {"api_key": None}),
        (403, {"api_key": "wrong"}),
        (403, {"api_key": "wrong\nX: y"}),
        (400, {"service_code": None}),
        (404, {"service_code": "dragons"}),
        (400, {"service_code": "gas"}),
        (400, {"lat": None, "long": None}),
        (400, {"lat": None}),
        (400, {"long": None, "address_string": "rue"}),
        (400, {"lat": None, "long": None, "address_id": "7"}),
        (400, {"lat": None, "long": None, "address_string": "rue qui n’existe pas"}),
        (400, {"lat": "nan"}),
        (400, {"lat": "1e400"}),
        (400, {"lat": "inf"}),
        (400, {"lat": "91"}),
        (400, {"lat": "9" * 400}),
        (404, {"jurisdiction_id": "elsewhere.example"}),
        (404, {"jurisdiction_id": "aint-martin.example"}),
    ],
)
async def test_what_cannot_be_is_told_and_nothing_kept(town, form, status, fields):
    fields = {"key" if name == "api_key" else name: value for name, value in fields.items()}
    [error] = await post(town, form=form, status=status, check=open311.errors, **fields)
    if fields.get("service_code") == "gas":
        assert "18" in error["description"]
    assert await town.rows("SELECT * FROM report") == []


@in_one_test
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {"Content-Type": "application/json"}),
        (b"service_code=%ff", {}),
        (b"service_code=\xff", {}),
        (b"lat=1&lat=2", {}),
        (b"&".join(b"a%d=1" % n for n in range(200)), {}),
        (b"lat=1", {"Content-Type": "application/x-www-form-urlencoded; charset=latin-1"}),
    ],
)
async def test_a_body_in_another_form_is_refused(town, body, headers):
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "Bearer token-of-reporter",
        **headers,
    }
    answer = await town.client.post("/open311/v2/requests.json", data=body, headers=headers)
    assert answer.status == 400
    open311.errors(open311.read(await answer.read(), answer.headers["Content-Type"], "json", "errors"), 400)


async def test_a_large_body_is_refused_before_it_is_read(town):
    answer = await town.client.post("/open311/v2/requests.xml", data=b"x" * 70_000, headers=SENT)
    assert answer.status == 413
    open311.errors(open311.read(await answer.read(), answer.headers["Content-Type"], "xml", "errors"), 413)


async def test_our_jurisdiction_may_be_named_and_no_other(town):
    for name in ("alertes.saint-martin.example", "saint-martin.example", "www.saint-martin.example", ""):
        await both(town, "services", open311.services, jurisdiction_id=name)
    for path in ("services", "services/flooding", "requests", "requests/SM-26-0001", "tokens/x", "discovery"):
        await refused(town, path, 404, jurisdiction_id="elsewhere.example")


async def test_a_token_is_the_number_itself(town):
    number = await accepted(town)
    assert (await both(town, f"tokens/{number}", open311.token, number))["service_request_id"] == number
    await refused(town, "tokens/abc", 404)


async def test_a_wrong_key_sees_less_than_nobody(town):
    await accepted(town)
    for path in ("requests", "requests/SM-26-0001"):
        await refused(town, path, 403, key="wrong")
        await refused(town, path, 403, key="é")


async def test_other_ways_are_answered_in_the_standard_s_form(town):
    for path in ("requests/../x", "nothing", "services/a/b"):
        await refused(town, path, 404)
    answer = await town.client.post("/open311/v2/services.json")
    assert answer.status == 400
    open311.errors(open311.read(await answer.read(), answer.headers["Content-Type"], "json", "errors"), 400)


async def test_an_address_that_asks_without_end_is_told_to_wait(town):
    statuses = [(await town.client.get("/open311/v2/requests.json")).status for _ in range(70)]
    assert statuses.count(429) == 10
    await get(town, "requests", key="reporter")


async def test_a_crowd_that_reads_asks_the_database_once(town):
    assert await both(town, "requests") == []
    number = await reported(town)
    await town.told("POST", f"/reports/{number}/accept", json={})
    assert await both(town, "requests") == [], "what was read is told again"
    await passing(town)
    assert len(await both(town, "requests")) == 1


async def test_a_town_without_reports_has_no_server(bureau):
    assert (await bureau.client.get("/open311/v2/services.json")).status == 404
