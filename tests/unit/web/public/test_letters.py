"""Subscribing to letters with a real relay: the link confirms, nothing is kept before, one click leaves."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace

import pytest
from aiohttp import MultipartWriter, web
from aiohttp.test_utils import TestClient, TestServer

from alerts.channels.mail.bulk import MailBulk
from alerts.channels.settings import MAIL_TEXT, MailSettings
from alerts.model.alert import Severity
from alerts.model.ports import Resources
from alerts.model.subscriber import Mailbox, Quiet, Topic
from alerts.model.town import ChannelConfig, District
from alerts.rendering.i18n import sentence
from alerts.web.public.email_signup import LASTS, EmailSignupPages
from alerts.web.public.publisher import public_routes
from alerts.web.public.signup import A_DAY, A_NETWORK, INTERVAL, LinkSeal, Signup, SignupRequest
from tests.mail_relay import Relay
from tests.unit.web.public.house import a_door, a_house
from tests.unit.web.public.test_asking import BAD_KINDS

SQUARE = {"type": "Polygon", "coordinates": [[[5, 45], [6, 45], [6, 46], [5, 45]]]}
PAGES = "https://alertes.example"
JEANNE = "Jeanne@quais.example"


class Town:
    """A town that people subscribe to by letter, its relay, and somebody's browser without script."""

    def __init__(self, house, relay, client) -> None:
        self.house, self.relay, self.client = house, relay, client

    async def ask(self, path, form=None, **headers):
        method = "GET" if form is None else "POST"
        async with self.client.request(method, path, data=form, headers=headers, allow_redirects=False) as answer:
            # When it was looked at is another minute each time.
            page = re.sub(r"<time.*?</time>", "", await answer.text())
            return answer.status, answer.headers.get("Location") or page

    async def send(self, address=JEANNE, path="/mail", **more):
        return await self.ask(path, {"email": address, "severity": "Minor", "quiet": "", **more})

    def link(self):
        found = re.search(rf"{PAGES}(/\S*mail/confirm/\S+)", self.relay.taken[-1].text())
        return found[1]

    async def subscribe(self, *told, **more):
        await self.send(*told, **more)
        status, own = await self.ask(self.link(), {})
        assert status == 303, own
        return own.partition("?")[0]

    async def kept(self):
        return await self.house.service.ask(lambda unit: list(unit.subscribers.all()))

    async def pass_time(self, span: timedelta):
        await self.house.clock.advance(span.total_seconds())


@asynccontextmanager
async def a_town(tmp_path, **more):
    relay = await Relay().start()
    told = {"kind": "mail", "host": "127.0.0.1", "port": relay.port, "tls": "none", "sender": "a@town.example"}
    settings = MailSettings.model_validate({**told, "subscriptions": True, "timeout": "60s"})
    channel = ChannelConfig("lettre", "mail", MAIL_TEXT, subscriptions=True, settings=settings)
    districts = (District("D1", "Les Quais", SQUARE), District("D2", "Le Moulin", SQUARE))
    changes = {"districts": districts, "channels": {"lettre": channel}, "public_url": PAGES, **more}
    async with a_house(tmp_path, **changes) as house:
        bulk = MailBulk("lettre", settings, a_house_s_resources(house, tmp_path), sentence)
        pages = EmailSignupPages(house.publisher, house.service, Signup("lettre", bulk.write_to))
        app = web.Application()
        app.add_routes([*pages.routes(), *public_routes(house.publisher)])
        async with TestClient(TestServer(app)) as client:
            found = Town(house, relay, client)
            found.pages = pages
            yield found
        await bulk.close()
    await relay.stop()


@pytest.fixture
async def town(tmp_path):
    async with a_town(tmp_path) as found:
        yield found


def a_house_s_resources(house, folder):
    async def remember(_key: str, _value: str) -> None: ...

    return Resources(None, house.clock, folder, lambda _: None, remember, pages=PAGES)


async def test_the_town_s_page_has_the_form_and_may_send_it(town):
    async with town.client.get("/") as answer:
        page = await answer.text()
        assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert 'action="/mail"' in page
    assert 'value="D1"' in page
    assert 'action="/en/mail"' in (await town.ask("/en/"))[1]


async def test_nothing_is_kept_until_the_link_s_button_is_pressed(town):
    status, page = await town.send(district="D1", topic="flood", severity="Severe", quiet="22:00-07:00")
    assert (status, "Consultez votre messagerie" in page) == (200, True)
    [taken] = town.relay.taken
    assert taken.to == [JEANNE]
    link = town.link()
    assert "eanne" not in link
    status, page = await town.ask(link)
    assert (status, JEANNE in page) == (200, True)
    assert await town.kept() == [], "programs on the way look at links too"

    status, own = await town.ask(link, {})
    assert status == 303
    [(channel, one)] = await town.kept()
    assert (channel, one.endpoint.address, one.language, one.on) == ("lettre", JEANNE, "fr", True)
    assert (one.districts, one.topics, one.severity) == ({"D1"}, {Topic.FLOOD}, Severity.SEVERE)
    assert one.quiet == Quiet(time(22), time(7))
    assert own == f"/mail/{one.endpoint.token}?kept"


async def test_in_a_fleet_the_link_s_button_leads_below_the_town_s_own_path_once(tmp_path):
    async with a_town(tmp_path, mount="/t/martin") as town, a_door(town.pages.routes()) as client:
        await town.send()
        answer = await client.post(f"/t/martin{town.link()}", allow_redirects=False)
        [(_, one)] = await town.kept()
        assert answer.headers["Location"] == f"/t/martin/mail/{one.endpoint.token}?kept"


async def test_no_table_has_an_address_that_was_not_confirmed(town):
    await town.send()

    def dumped(unit):
        tables = [row[0] for row in unit.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        return "".join(repr([tuple(row) for row in unit.execute(f"SELECT * FROM {each}")]) for each in tables)

    assert "quais" not in await town.house.service.ask(dumped)


async def test_choices_are_seen_and_changed_on_the_own_page_and_by_nobody_else(town):
    own = await town.subscribe(district="D1")
    page = (await town.ask(own))[1]
    assert 'value="D1" checked' in page
    assert 'value="D2" checked' not in page
    status, page = await town.ask(
        own, {"act": "keep", "district": "D2", "topic": "water", "severity": "Moderate", "quiet": ""}
    )
    assert (status, 'value="D2" checked' in page, 'value="water" checked' in page) == (200, True, True)
    [(_, one)] = await town.kept()
    assert (one.districts, one.topics, one.severity) == ({"D2"}, {Topic.WATER}, Severity.MODERATE)
    assert (await town.ask(f"/mail/{'x' * 43}"))[0] == 404
    assert (await town.ask(f"/mail/{'x' * 43}", {"act": "keep", "district": "D1"}))[0] == 404
    assert (await town.kept())[0][1].districts == {"D2"}


async def test_the_own_page_is_in_the_language_that_was_chosen(town):
    await town.send(path="/en/mail")
    assert "confirm your subscription" in town.relay.taken[-1].letter["Subject"]
    status, own = await town.ask(town.link(), {})
    assert (status, own.startswith("/en/mail/")) == (303, True)
    page = (await town.ask(own.removeprefix("/en")))[1]
    assert "No more e-mails" in page


@pytest.mark.parametrize("form", [{"List-Unsubscribe": "One-Click"}, {"act": "leave"}])
async def test_one_click_leaves_and_no_row_remains(town, form):
    own = await town.subscribe()
    [(_, one)] = await town.kept()
    await town.house.service.act(
        lambda unit: unit.execute("INSERT INTO received VALUES ('lettre', ?, 'i1', 7, 0)", (one.chat,))
    )
    # As a mailbox provider's server sends it: from elsewhere, without anything else.
    assert (await town.ask(own, form, **{"Sec-Fetch-Site": "cross-site"}))[0] == 200
    rows = await town.house.service.ask(
        lambda unit: [len(unit.execute(f"SELECT * FROM {table}").fetchall()) for table in ("subscriber", "received")]
    )
    assert rows == [0, 0]
    assert (await town.ask(own, form))[0] == 200, "twice is the same as once"
    assert (await town.ask(own))[0] == 404


async def test_one_click_may_come_as_parts_too_and_what_says_nothing_changes_nothing(town):
    own = await town.subscribe(district="D1")
    before = await town.kept()
    assert (await town.ask(own, {"x": "y"}))[0] == 200
    assert (await town.ask(own, b"", **{"Content-Type": "text/plain"}))[0] == 200
    assert (await town.ask("/mail", b"x", **{"Content-Type": "multipart/form-data"}))[0] == 400
    assert await town.kept() == before
    with MultipartWriter("form-data") as parts:
        parts.append("One-Click").set_content_disposition("form-data", name="List-Unsubscribe")
    assert (await town.ask(own, parts))[0] == 200
    assert await town.kept() == []


async def test_a_link_is_good_for_a_day_and_no_other_is_ours(town):
    await town.send()
    link = town.link()
    await town.pass_time(LASTS - timedelta(seconds=1))
    assert (await town.ask(link))[0] == 200
    await town.pass_time(timedelta(seconds=2))
    assert [(await town.ask(link))[0], (await town.ask(link, {}))[0]] == [410, 410]
    forged = link[:-4] + ("AAAA" if not link.endswith("AAAA") else "BBBB")
    assert (await town.ask(forged, {}))[0] == 410
    assert await town.kept() == []


@pytest.mark.parametrize("form", [{"List-Unsubscribe": "One-Click"}, {"act": "leave"}])
async def test_a_link_subscribes_once_and_brings_nobody_back_who_left(town, form):
    await town.send(district="D1")
    link = town.link()
    for _ in range(3):  # a program on the way only looks
        assert (await town.ask(link))[0] == 200
    assert await town.kept() == []

    status, own = await town.ask(link, {})
    own = own.partition("?")[0]
    assert (await town.ask(own, {"act": "keep", "severity": "Minor", "quiet": ""}))[0] == 200
    again = await town.ask(link, {})
    assert (status, again) == (303, (303, f"{own}?kept")), "pressed twice it leads to the same page"
    assert (await town.kept())[0][1].districts == frozenset(), "and what was chosen since stays"

    await town.ask(own, form)
    status, page = await town.ask(link, {})
    assert (status, "Ce lien a déjà servi" in page) == (410, True)
    assert (await town.ask(f"{link[:-1]}{_twin(link[-1])}", {}))[0] == 410
    assert await town.kept() == []

    await town.pass_time(INTERVAL)
    await town.send()
    assert (await town.ask(town.link(), {}))[0] == 303, "another link is another ask"


def _twin(last):
    """Another letter that ends the same bytes: the last bits of base64 may count for nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(last) ^ 1]


def test_a_link_that_asks_for_what_there_is_no_more_is_as_good_as_none():
    seal, now = LinkSeal(bytes(32), LASTS), datetime(2026, 11, 25, 12, tzinfo=UTC)
    former = SimpleNamespace(model_dump=lambda mode: {"topics": ["meteorites"]})
    assert seal.read(seal.made(SignupRequest(JEANNE, former, "fr"), now), now) is None


async def test_who_asks_for_a_known_address_is_told_the_same_and_changes_nothing(town):
    own = await town.subscribe(district="D1")
    first = (await town.send("new@quais.example"))[1]
    await town.pass_time(INTERVAL)
    again = (await town.send(JEANNE.upper(), district="D2"))[1]
    assert first == again
    [(_, one)] = await town.kept()
    assert one.districts == {"D1"}
    # Whoever has the mailbox confirms: one row, and the links of earlier letters go on working.
    assert (await town.ask(town.link(), {}))[0] == 303
    [(_, one)] = await town.kept()
    assert (one.districts, own) == ({"D2"}, f"/mail/{one.endpoint.token}")


async def test_nobody_floods_a_mailbox(town):
    pages = set()
    for _ in range(2):
        pages.add((await town.send())[1])
    assert len(town.relay.taken) == 1
    name, domain = JEANNE.split("@")
    assert (await town.send(f"{name}+{len(pages)}@{domain}"))[0] == 200
    assert len(town.relay.taken) == 1, "a mark after a plus is no other mailbox"
    for _ in range(A_DAY + 2):
        await town.pass_time(INTERVAL)
        pages.add((await town.send(JEANNE.lower()))[1])
    assert len(town.relay.taken) == A_DAY
    assert len(pages) == 1, "and who tries learns nothing by it"


async def test_google_has_one_mailbox_for_all_places_of_the_dots(town):
    for address in ("jeanne.m@gmail.com", "jeannem@gmail.com", "J.e.a.n.n.e.m+x@googlemail.com", "jeannem@GMAIL.com"):
        assert (await town.send(address))[0] == 200
    assert len(town.relay.taken) == 1
    assert (await town.send("jeanne.m@quais.example"))[0] == 200
    assert (await town.send("jeannem@quais.example"))[0] == 200
    assert len(town.relay.taken) == 3, "elsewhere a dot makes another mailbox"


async def test_a_network_that_asks_too_often_is_told_so(town):
    for number in range(A_NETWORK):
        assert (await town.send(f"n{number}@quais.example"))[0] == 200
    assert (await town.send("more@quais.example"))[0] == 429
    assert len(town.relay.taken) == A_NETWORK


@pytest.mark.parametrize(
    "form",
    [
        {"email": "nobody"},
        {"email": "a@b.example\r\nBcc: x@evil.example"},
        {"email": "a@b.example>"},
        {"email": ""},
        {"district": "D9"},
        {"topic": "gossip"},
        {"severity": "Awful"},
        {"quiet": "22:00-27:00"},
        {"quiet": "soon"},
    ],
)
async def test_what_can_t_be_is_refused_and_nothing_leaves(town, form):
    assert (await town.send(**{"address": form.get("email", JEANNE), **form}))[0] == 422
    assert town.relay.taken == []


@pytest.mark.parametrize(
    ("form", "said"),
    [({"address": "jeanne@quais"}, "adresse électronique. Rien"), ({"district": ["D1", "D9"]}, "Ces choix")],
)
async def test_what_was_typed_is_still_there_where_it_is_refused(town, form, said):
    _, page = await town.send(**{"topic": "flood", "severity": "Severe", "quiet": "21:00-07:00", **form})
    assert said in page
    assert f'value="{form.get("address", JEANNE)}"' in page
    if "district" not in form:  # else the choices themselves can't be
        assert 'value="flood" checked' in page
        assert 'value="Severe" selected' in page
        assert 'value="21:00-07:00" selected' in page


async def test_what_a_stranger_typed_is_no_markup(town):
    _, page = await town.send(address='"><script>alert(1)</script>')
    assert "<script>alert" not in page


async def test_a_program_that_fills_in_all_is_thanked_and_dropped(town):
    assert (await town.send(website="x"))[0] == 200
    assert town.relay.taken == []


async def test_another_site_s_page_may_not_ask(town):
    form = {"email": JEANNE}
    assert (await town.ask("/mail", form, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403


async def test_it_is_said_where_no_letter_can_be_sent_and_nothing_about_the_mailbox(town):
    town.relay.set(says={"RCPT": "550 5.1.1 no such user"})
    assert (await town.send("gone@quais.example"))[0] == 200
    await town.relay.stop()
    assert (await town.send())[0] == 503
    assert (await town.send())[0] == 503, "what never left is no letter that somebody has"


def test_a_mailbox_is_the_same_however_it_is_written_in_capitals():
    assert Mailbox(JEANNE, "a").number == Mailbox(JEANNE.upper(), "b").number
    assert JEANNE not in repr(Mailbox(JEANNE, "a"))


@pytest.mark.parametrize("kind", BAD_KINDS)
async def test_what_is_no_form_is_refused_as_such(town, kind):
    assert (await town.ask("/mail", BAD_KINDS[kind], **{"Content-Type": kind}))[0] == 400
    assert await town.kept() == []
