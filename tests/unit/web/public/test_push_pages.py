"""Subscribing to push over HTTP: what is kept, what is refused, and that whoever leaves is gone."""

from __future__ import annotations

import json
from datetime import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.access.sessions import digest
from alerts.channels.push.encryption import is_readable
from alerts.channels.push.services import service_of
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential
from alerts.model.reason import because
from alerts.model.subscriber import PushEndpoint, Quiet, Topic
from alerts.model.town import PUSH, District
from alerts.web.public.choices import COUNTED_EVERY, SubscriberPlaces
from alerts.web.public.push import A_NETWORK, PushEnrolment, PushPages
from tests.unit.channels.test_push import PUBLIC, SECRET
from tests.unit.web.public.house import a_house
from tests.walls import in_one_test

PATH = "/push/subscriptions"
SQUARE = {"type": "Polygon", "coordinates": [[[5, 45], [6, 45], [6, 46], [5, 45]]]}


class Desk:
    """A town that takes subscriptions, and a browser."""

    def __init__(self, house, client) -> None:
        self.house, self.client = house, client

    def body(self, name: str = "one", **more):
        keys = {"p256dh": PUBLIC, "auth": SECRET}
        return {"endpoint": f"https://push.example/{name}", "expirationTime": None, "keys": keys, **more}

    async def send(self, method: str, path: str, body=None, **headers):
        data = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        told = {"Content-Type": "application/json", **headers}
        async with self.client.request(method, path, data=data, headers=told) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text

    async def subscribe(self, **more) -> str:
        status, told = await self.send("POST", PATH, self.body(**more))
        assert status == 201, told
        return told["token"]

    async def kept(self):
        return await self.house.service.ask(lambda unit: [each for _, each in unit.subscribers.all()])


@pytest.fixture
async def desk(tmp_path):
    districts = (District("D1", "Les Quais", SQUARE), District("D2", "Le Moulin", SQUARE))
    async with a_house(tmp_path, districts=districts) as house:
        door = PushEnrolment(lambda: "BKey", lambda url: service_of(url, ("push.example",)) is not None, is_readable)
        app = web.Application()
        app.add_routes(PushPages(house.publisher.setting, house.service, door).routes())
        async with TestClient(TestServer(app)) as client:
            yield Desk(house, client)


async def test_the_key_is_told(desk):
    assert await desk.send("GET", "/push/key") == (200, {"key": "BKey"})


async def test_without_a_key_it_is_said(desk):
    def key() -> str:
        raise BadCredential(because("push_key_unreadable"))

    app = web.Application()
    door = PushEnrolment(key, lambda _: True, lambda *_: True)
    app.add_routes(PushPages(desk.house.publisher.setting, desk.house.service, door).routes())
    async with TestClient(TestServer(app)) as client, client.get("/push/key") as answer:
        assert (answer.status, (await answer.json())["reason_code"]) == (503, "push_key_unreadable")


async def test_choices_are_kept_and_the_token_only_as_a_digest(desk):
    choices = {
        "districts": ["D1"],
        "topics": ["flood"],
        "severity": "Severe",
        "quiet": ["22:00", "07:00"],
        "language": "en",
    }
    token = await desk.subscribe(choices=choices)
    [kept] = await desk.kept()
    assert (kept.districts, kept.topics, kept.severity) == ({"D1"}, {Topic.FLOOD}, Severity.SEVERE)
    assert (kept.quiet, kept.language, kept.on) == (Quiet(time(22), time(7)), "en", True)
    assert kept.endpoint.url == "https://push.example/one"
    assert kept.token == digest(token) != token


async def test_empty_lists_mean_all_and_nothing_told_means_so_too(desk):
    await desk.subscribe(choices={"districts": [], "topics": [], "severity": "Minor"})
    await desk.subscribe(name="two")
    plain = [(each.districts, each.topics, each.severity, each.quiet, each.language) for each in await desk.kept()]
    assert plain == [(frozenset(), frozenset(), Severity.MINOR, None, "fr")] * 2


async def test_choices_are_changed_by_the_token_and_by_nothing_else(desk):
    token = await desk.subscribe()
    assert (await desk.send("PUT", f"{PATH}/{token}", {"choices": {"districts": ["D2"]}}))[0] == 200
    assert (await desk.kept())[0].districts == {"D2"}
    status, told = await desk.send("PUT", f"{PATH}/{'x' * 43}", {"choices": {"districts": []}})
    assert (status, told["reason_code"]) == (404, "push_token_unknown")
    assert (await desk.kept())[0].districts == {"D2"}


async def test_an_officer_s_device_is_moved_and_ended_by_their_account_alone(desk):
    """Whatever runs in a page of the town reads the token: it may not have what waits sent elsewhere, or to nobody."""
    token = await desk.subscribe()
    [first] = await desk.kept()
    told = "INSERT INTO officer_chat VALUES ('push', ?, 'anne')"
    await desk.house.service.act(lambda unit: unit.execute(told, (first.chat,)))

    for method, body in (("PUT", desk.body("two", choices={"districts": []})), ("DELETE", None)):
        status, said = await desk.send(method, f"{PATH}/{token}", body)
        assert (status, said["reason_code"]) == (403, "push_of_officer")
    assert await desk.kept() == [first]
    assert (await desk.send("PUT", f"{PATH}/{token}", {"choices": {"districts": ["D2"]}}))[0] == 200, "chosen anew"


async def test_a_browser_that_is_reached_elsewhere_keeps_its_token_and_what_it_was_told(desk):
    token = await desk.subscribe()
    [first] = await desk.kept()
    told = "INSERT INTO received VALUES ('push', ?, 'i1', 0, 0)"
    await desk.house.service.act(lambda unit: unit.execute(told, (first.chat,)))
    moved = desk.body("two", choices={"districts": ["D1"]})
    assert (await desk.send("PUT", f"{PATH}/{token}", moved))[0] == 200
    [now] = await desk.kept()
    assert (now.endpoint.url, now.districts, now.token) == ("https://push.example/two", {"D1"}, digest(token))
    [row] = await desk.house.service.ask(lambda unit: unit.execute("SELECT chat FROM received").fetchall())
    assert row["chat"] == now.chat != first.chat
    assert (await desk.send("PUT", f"{PATH}/{token}", moved))[0] == 200, "the same place again"
    for wrong, code in (
        ({"keys": None}, "push_keys_wrong"),
        ({"endpoint": "https://a.example/"}, "push_service_unknown"),
    ):
        status, told = await desk.send("PUT", f"{PATH}/{token}", {**moved, **wrong})
        assert (status, told["reason_code"]) == (422, code)
    assert await desk.kept() == [now]


async def test_the_same_browser_again_is_one_row_and_its_old_token_opens_nothing(desk):
    old = await desk.subscribe()
    new = await desk.subscribe(choices={"districts": ["D1"]})
    assert len(await desk.kept()) == 1
    assert (await desk.send("DELETE", f"{PATH}/{old}"))[0] == 404
    assert (await desk.send("DELETE", f"{PATH}/{new}"))[0] == 204


async def test_who_leaves_is_gone_with_everything(desk):
    token = await desk.subscribe()
    [kept] = await desk.kept()
    await desk.house.service.act(
        lambda unit: unit.execute("INSERT INTO received VALUES ('push', ?, 'i1', 0, 0)", (kept.chat,))
    )
    assert await desk.send("DELETE", f"{PATH}/{token}") == (204, "")
    rows = await desk.house.service.ask(
        lambda unit: [len(unit.execute(f"SELECT * FROM {table}").fetchall()) for table in ("subscriber", "received")]
    )
    assert rows == [0, 0]
    assert (await desk.send("DELETE", f"{PATH}/{token}"))[0] == 404


@in_one_test
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"endpoint": "https://evil.example/x"}, 422, "push_service_unknown"),
        ({"endpoint": "http://push.example/x"}, 422, "push_service_unknown"),
        ({"endpoint": "https://127.0.0.1/x"}, 422, "push_service_unknown"),
        ({"endpoint": "https://push.example/" + "x" * 1000}, 422, "push_field_wrong"),
        ({"keys": {"p256dh": PUBLIC[:-1], "auth": SECRET}}, 422, "push_keys_wrong"),
        ({"keys": {"p256dh": PUBLIC}}, 422, "push_field_wrong"),
        ({"choices": {"districts": ["D9"]}}, 422, "push_district_unknown"),
        ({"choices": {"topics": ["gossip"]}}, 422, "push_field_wrong"),
        ({"choices": {"severity": "Awful"}}, 422, "push_field_wrong"),
        ({"choices": {"quiet": ["22:00", "27:00"]}}, 422, "push_field_wrong"),
        ({"choices": {"step": "menu"}}, 422, "push_field_wrong"),
        ({"choices": {"districts": ["D1"] * 2000}}, 422, "push_field_wrong"),
    ],
)
async def test_what_can_t_be_is_refused_and_nothing_is_kept(desk, change, status, code):
    said, told = await desk.send("POST", PATH, {**desk.body(), **change})
    assert (said, told["reason_code"]) == (status, code)
    assert await desk.kept() == []


@in_one_test
@pytest.mark.parametrize("body", ["", "[]", "{", "\ud83d".encode("utf-16", "surrogatepass"), '{"endpoint": 5}'])
async def test_what_is_no_subscription_is_refused(desk, body):
    assert (await desk.send("POST", PATH, body))[0] == 422


@in_one_test
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"keys": {"p256dh": PUBLIC}}, "keys.auth"),
        ({"choices": {"topics": ["water", "gossip"]}}, "choices.topics.1"),
        ({"choices": {"quiet": ["22:00", "27:00"]}}, "choices.quiet.1"),
        ({"choices": {"x" * 500: 1}}, "choices." + "x" * 72),
    ],
)
async def test_a_refusal_names_the_field_that_is_wrong(desk, change, field):
    _, told = await desk.send("POST", PATH, {**desk.body(), **change}, **{"Accept-Language": "en"})
    assert told["error"] == f"{field} is missing, or can’t be so"


async def test_there_are_as_many_places_as_there_are_and_whoever_has_one_keeps_it(desk):
    await desk.subscribe(name="one")
    places = SubscriberPlaces(desk.house.service, PUSH, 2)
    await places.count()
    one, two, three = (
        PushEndpoint(f"https://push.example/{name}", PUBLIC, SECRET).number for name in ("one", "two", "three")
    )

    def take(unit):
        return [places.has_one_for(unit, number) for number in (one, two, three, one)]

    assert await desk.house.service.keep(take) == [True, True, False, True]
    desk.house.clock.set(desk.house.clock.now() + COUNTED_EVERY)
    await places.count()  # the second one never came to be kept
    assert await desk.house.service.keep(lambda unit: places.has_one_for(unit, three))


async def test_a_refusal_is_in_the_reader_s_language(desk):
    bad = {**desk.body(), "endpoint": "https://evil.example/x"}
    french, english = [(await desk.send("POST", PATH, bad, **{"Accept-Language": each}))[1] for each in ("fr", "en")]
    assert "service de notification" in french["error"]
    assert "push service" in english["error"]


async def test_another_site_s_page_subscribes_nobody(desk):
    status, told = await desk.send("POST", PATH, desk.body(), **{"Sec-Fetch-Site": "cross-site"})
    assert (status, told["reason_code"]) == (403, "push_from_elsewhere")
    assert (await desk.send("POST", PATH, desk.body(), **{"Content-Type": "text/plain"}))[0] == 415
    assert await desk.kept() == []


async def test_a_network_is_paced(desk):
    for number in range(A_NETWORK):
        await desk.subscribe(name=str(number))
    status, told = await desk.send("POST", PATH, desk.body("more"))
    assert (status, told["reason_code"]) == (429, "push_too_many")
    assert len(await desk.kept()) == A_NETWORK


async def test_too_much_is_not_read(desk):
    status, told = await desk.send("POST", PATH, {**desk.body(), "more": "x" * 70_000})
    assert (status, told["reason_code"]) == (413, "push_too_large")


@pytest.mark.parametrize(("method", "body"), [("PUT", {"choices": {}}), ("DELETE", None)])
async def test_what_is_no_token_is_not_known(desk, method, body):
    status, told = await desk.send(method, f"{PATH}/short", body)
    assert (status, told["reason_code"]) == (404, "push_token_unknown")
