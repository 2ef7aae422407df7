"""Atmo France: which episodes are declared, what changes them, how they are told, and how the town signs in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from alerts.config import read_config
from alerts.model.alert import Alert, MsgType, NamedValue, Severity, Urgency
from alerts.model.errors import ConfigurationError, SourceFailed, Unreadable
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.ports import Memory, SourceReading, Surroundings
from alerts.model.post import PostKind
from alerts.model.town import SourceRules
from alerts.sources.atmo import TOKEN_LASTS, AirThreshold, AtmoSource, PollutedDay, read_episodes, read_token
from alerts.sources.settings import AtmoSettings
from alerts.sources.shared import SharedReader
from tests.air_pages import ALERTED, FREE, INFORMED, episodes, row
from tests.contract.sources.feed_server import serving
from tests.fakes import FakeClock
from tests.unit.desk.conftest import TownDesk, a_town
from tests.unit.sources.test_vigilance import kinds, plain
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
YESTERDAY, TODAY, TOMORROW = "2026-11-24", "2026-11-25", "2026-11-26"
PATH = "/api/v2/data/episodes/3jours"
PASSWORD = "a-password-of-the-town"


class Air:
    """A source at its server, which signs it in and gives the episodes to who has the last token."""

    def __init__(self, server, session, *, zones=(), town=None) -> None:
        self.server, self.clock, self.memory = server, FakeClock(NOW), Memory()
        self.tokens = 0
        self.body = episodes()
        server.pages["/api/login"], server.pages[PATH] = self.signs_in, self.gives
        told = {
            "kind": "atmo", "user": "mairie", "password": {"env": "ATMO_PASSWORD"}, "department": "38",
            "zones": zones, "api_url": server.url, "every": "1s",
        }  # fmt: skip
        self.reader = SharedReader(session, self.clock)
        around = Surroundings(session, self.clock, town or a_town(), self.reader)
        self.source = AtmoSource("air", AtmoSettings.model_validate(told), around)
        self.reading: SourceReading | None = None

    async def signs_in(self, request: web.Request) -> web.Response:
        if await request.json() != {"username": "mairie", "password": PASSWORD}:
            return web.Response(status=401)
        self.tokens += 1
        return web.json_response({"token": f"t.{self.tokens}"})

    async def gives(self, request: web.Request) -> web.Response:
        is_known = request.headers.get("Authorization") == f"Bearer t.{self.tokens}"
        return web.Response(body=self.body) if is_known else web.Response(status=401)

    async def says(self, *rows, after: float = 0) -> list[Alert]:
        self.body = episodes(*rows)
        return await self.look(after)

    async def look(self, after: float = 0) -> list[Alert]:
        await self.clock.advance(after * 3600 + 60)
        self.reading = await self.source.read(self.memory, nothing_known, self.clock.now())
        kept = self.reading.memory
        self.memory = Memory(digest=kept.digest, state=json.loads(json.dumps(dict(kept.state))))
        return [each.alert for each in self.reading.heard]


async def nothing_known(_) -> set[str]:
    return set()


@pytest.fixture
async def at_server(monkeypatch):
    monkeypatch.setenv("ATMO_PASSWORD", PASSWORD)
    async with serving() as server, aiohttp.ClientSession() as session:
        made = []

        def make(**more) -> Air:
            made.append(Air(server, session, **more))
            return made[-1]

        yield make
        for each in made:
            await each.reader.close()


@pytest.fixture
def air(at_server):
    return at_server()


# --- what is declared -----------------------------------------------------------------------------------------------


def days(*rows, zones=()):
    return {(each.pollutant, each.day): each.over for each in read_episodes(episodes(*rows), "38", zones).days}


@pytest.mark.parametrize(
    ("state", "over"),
    [
        (FREE, AirThreshold.NONE),
        ("Pas de dépassement", AirThreshold.NONE),
        (INFORMED, AirThreshold.INFORMATION),
        ("information et recommandation", AirThreshold.INFORMATION),
        (ALERTED, AirThreshold.ALERT),
        ("alerte", AirThreshold.ALERT),
        ("ALERTE NIVEAU 2", AirThreshold.ALERT),
        ("", None),
        ("inconnu", None),
        (3, None),
        (["ALERTE"], AirThreshold.ALERT),
        ("  Alerte\u00a0: niveau 1 ", AirThreshold.ALERT),
        ("Fin de l’alerte", None),
        ("ALERTE LEVÉE", None),
        ("aucune information", None),
        ("Pas de dépassement du seuil d’alerte, mais de celui d’information", None),
    ],
)
def test_each_state(state, over):
    assert days(("O3", TODAY, state)) == {("o3", TODAY): over}


@pytest.mark.parametrize(
    ("told", "pollutant"),
    [
        ({"lib_pol": "PM2.5"}, "pm25"),
        ({"lib_pol": "Particules PM10", "code_pol": None}, "pm10"),
        ({"lib_pol": "Dioxyde d’azote"}, "no2"),
        ({"lib_pol": None, "code_pol": "03"}, "no2"),
        ({"lib_pol": None, "code_pol": 24}, "pm10"),
        ({"lib_pol": "OZONE"}, "o3"),
    ],
)
def test_each_pollutant_by_its_name_or_number(told, pollutant):
    assert list(days(row("O3", TODAY, ALERTED, **told))) == [(pollutant, TODAY)]


def test_of_several_zones_the_worst_counts_unless_the_town_names_its_own():
    here = row("PM10", TODAY, INFORMED)
    there = row("PM10", TODAY, ALERTED, lib_zone="Bassin Lyon Nord-Isère")
    assert days(here, there) == {("pm10", TODAY): AirThreshold.ALERT}
    assert days(here, there, zones=("BASSIN GRENOBLOIS",)) == {("pm10", TODAY): AirThreshold.INFORMATION}
    assert read_episodes(episodes(here, there), "38", ()).zones == ("Bassin Lyon Nord-Isère", "Bassin grenoblois")


def test_of_several_declarations_the_last_counts_and_another_department_is_passed_over():
    first, second = (row("PM10", TODAY, each, date_dif=day) for each, day in ((ALERTED, YESTERDAY), (FREE, TODAY)))
    assert days(second, first) == days(first, second) == {("pm10", TODAY): AirThreshold.NONE}
    for when in (TODAY, "25/11/2026", 3, None):
        twice = [row("PM10", TODAY, each, date_dif=when) for each in (ALERTED, FREE)]
        assert days(*twice) == days(*twice[::-1]) == {("pm10", TODAY): AirThreshold.ALERT}, (
            "nobody knows which is the last"
        )
    assert days(row("PM10", TODAY, ALERTED, code_zone="69")) == {}
    for code in ("FR84ZAG01", 38, " 38 ", [], None):
        assert days(row("PM10", TODAY, ALERTED, code_zone=code)) == {("pm10", TODAY): AirThreshold.ALERT}


OTHERS = {
    "a pollutant nobody knows": row("CO", TODAY, ALERTED, lib_pol="Benzène", code_pol=99),
    "no pollutant": row("O3", TODAY, ALERTED, lib_pol=None, code_pol=None),
    "a pollutant of another type": row("O3", TODAY, ALERTED, lib_pol=[7], code_pol={}),
    "a pollutant of a megabyte": row("O3", TODAY, ALERTED, lib_pol="9" * 1_000_000, code_pol="9" * 1_000_000),
    "no day": row("O3", TODAY, ALERTED, date_ech=None),
    "a day of another form": row("O3", "25/11/2026", ALERTED),
    "a day of another type": row("O3", TODAY, ALERTED, date_ech=1764028800000),
    "a day in a thousand years": row("O3", "9999-12-31", ALERTED),
    "no state": row("O3", TODAY, ALERTED, etat=None),
    "half a character": row("O3", TODAY, "\ud800", lib_zone="\ud800"),
}


@pytest.mark.parametrize("other", OTHERS)
async def test_a_row_that_cannot_be_read_is_told_and_the_others_go_on(air, other):
    [alert] = await air.says(("PM10", TODAY, INFORMED), OTHERS[other])
    assert plain(alert.infos[0].headline) == "Pollution de l’air : particules fines PM10"
    assert air.reading.trouble.code == "atmo_unread"


async def test_a_pollutant_nobody_knows_is_no_matter_under_its_thresholds(air):
    [_] = await air.says(("PM10", TODAY, INFORMED), row("CO", TODAY, FREE))
    assert air.reading.trouble is None


@in_one_test
@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html></html>", b"[]", b"{}", b'{"features": {}}', b'{"a":' * 90_000, b'{"features": ' + b"9" * 100_000,
        episodes(("O3", TODAY, ALERTED))[:-9], episodes(("O3", TODAY, ALERTED)).replace(b"Bassin", b"\xe8"),
        episodes(*(row("O3", TODAY, ALERTED, lib_zone=f"Zone {each}") for each in range(501))),
        episodes(*(("O3", f"{year}-01-01", ALERTED) for year in range(2000, 2501))),
    ],
)  # fmt: skip
def test_what_are_no_episodes_is_told(body):
    with pytest.raises(Unreadable, match="Atmo France"):
        read_episodes(body, "38", ())


@in_one_test
@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"token": 3}', b'{"token": ""}', b'{"token": "a\\r\\nb"}', b'{"token": "\xc3\xa9"}']
)
def test_what_is_no_token_is_told(body):
    with pytest.raises(Unreadable, match="Atmo France"):
        read_token(body)


# --- what it changes ------------------------------------------------------------------------------------------------


async def test_nothing_is_declared(air):
    assert await air.says() == []
    assert await air.says(("O3", TODAY, FREE)) == []
    assert await air.says(("O3", YESTERDAY, ALERTED)) == [], "what is past is no alert"


async def test_an_episode_from_its_eve_to_its_end(air):
    [first] = await air.says(("O3", TOMORROW, INFORMED))
    french, english = first.infos
    assert (first.severity, first.urgency) == (Severity.MODERATE, Urgency.EXPECTED)
    assert hazard_of(french) is hazard_of(english) is Hazard.AIR_QUALITY
    assert plain(french.headline) == "Pollution de l’air : ozone"
    assert plain(french.description).startswith("Seuil d’information : ozone, jeudi 26.")
    assert english.description.startswith("Information threshold: ozone, Thursday 26.")
    assert (french.onset, french.expires) == (
        datetime(2026, 11, 25, 23, 0, tzinfo=UTC),
        datetime(2026, 11, 26, 23, 0, tzinfo=UTC),
    )
    assert {NamedValue("FR-DEP", "38"), *a_town().codes} <= set(first.areas[0].geocodes)

    assert await air.says(("O3", TOMORROW, INFORMED), after=1) == []
    [second] = await air.says(("O3", TOMORROW, ALERTED), ("PM10", TOMORROW, INFORMED), after=1)
    assert (second.msg_type, second.severity) == (MsgType.UPDATE, Severity.SEVERE)
    assert plain(second.infos[0].description).startswith(
        "Seuil d’alerte : ozone, jeudi 26.\nSeuil d’information : particules fines PM10, jeudi 26."
    )
    [end] = await air.says(("O3", TOMORROW, FREE), ("PM10", TOMORROW, FREE), after=1)
    assert (end.msg_type, end.infos) == (MsgType.CANCEL, ())
    assert [each.identifier for each in end.references] == [first.identifier, second.identifier]
    assert await air.says(("O3", TOMORROW, FREE), after=1) == []


async def test_one_more_day_is_an_update_and_a_day_that_passed_is_none(air):
    await air.says(("O3", TODAY, ALERTED))
    [longer] = await air.says(("O3", TODAY, ALERTED), ("O3", TOMORROW, ALERTED), after=2)
    assert plain(longer.infos[0].description).startswith("Seuil d’alerte : ozone, mercredi 25, jeudi 26.")
    assert await air.says(("O3", TODAY, ALERTED), ("O3", TOMORROW, ALERTED), after=12) == [], "it is tomorrow by now"
    assert await air.look(after=24) == [], "it ran out"
    [anew] = await air.says(("O3", "2026-11-27", ALERTED))
    assert (anew.msg_type, anew.references) == (MsgType.ALERT, ())


async def test_what_is_absent_or_unreadable_is_not_over(air):
    await air.says(("O3", TODAY, ALERTED))
    assert await air.says(after=1) == []
    assert await air.says(("O3", TODAY, "?"), after=1) == []
    assert str(air.reading.trouble).startswith("a pollutant, its state or its day can't be read")


async def test_an_episode_that_begins_again_is_another_one_though_its_words_are_the_same(air):
    told = [alert for state in (ALERTED, FREE, ALERTED) for alert in await air.says(("O3", TODAY, state), after=0.1)]
    assert [each.msg_type for each in told] == [MsgType.ALERT, MsgType.CANCEL, MsgType.ALERT]
    assert len({each.identifier for each in told}) == 3
    assert told[2].references == ()


async def test_a_clock_that_goes_back_makes_no_message_older_than_the_one_before(air):
    [first] = await air.says(("O3", TODAY, INFORMED))
    air.clock.set(NOW - timedelta(hours=3))
    [second] = await air.says(("O3", TODAY, ALERTED))
    assert second.sent == first.sent
    assert second.identifier != first.identifier


async def test_a_zone_that_is_not_named_is_told_with_those_that_are(at_server):
    air = at_server(zones=("Grenoble",))
    assert await air.says(("O3", TODAY, ALERTED)) == []
    assert str(air.reading.trouble) == (
        "Atmo France's episodes don't name Grenoble; in this department they name Bassin grenoblois"
    )
    await air.says(after=1)
    assert air.reading.trouble is None, "no episodes name no zones"


async def test_at_the_desk_it_is_one_thread(air, tmp_path):
    rules = {"air": SourceRules(kind="atmo", title="Atmo France")}
    desk = TownDesk(tmp_path / "town.db", a_town(sources=rules))
    desk.clock.set(NOW + timedelta(minutes=1))
    [first] = kinds(desk, await air.says(("O3", TODAY, ALERTED)), "air")
    desk.clock.set(NOW + timedelta(minutes=2))
    [end] = kinds(desk, await air.says(("O3", TODAY, FREE)), "air")

    assert (set(desk.kinds(first).values()), set(desk.kinds(end).values())) == ({PostKind.PUBLISH}, {PostKind.END})
    assert {plain(each.message.plain).count("Source : Atmo France") for each in desk.posts(first).values()} == {1}
    desk.db.close()


# --- how the town signs in ------------------------------------------------------------------------------------------


async def test_it_signs_in_once_an_hour(air):
    await air.says(("O3", TODAY, ALERTED))
    await air.look(after=0.5)
    assert air.tokens == 1
    await air.look(after=TOKEN_LASTS / 3600)
    assert air.tokens == 2
    assert {each.query_string for each in air.server.requests if each.path == PATH} == {
        "format=geojson&code_zone=38&with_geom=false"
    }


async def test_a_token_that_is_refused_is_replaced(air):
    await air.says(("O3", TODAY, ALERTED))
    air.tokens += 1
    with pytest.raises(SourceFailed, match="401"):
        await air.look(after=0.1)
    assert await air.look(after=0.1) == []


async def test_a_wrong_password_is_told_and_nobody_else_learns_it(air, monkeypatch):
    monkeypatch.setenv("ATMO_PASSWORD", "wrong")
    with pytest.raises(SourceFailed, match="doesn't sign mairie in; check user and password") as caught:
        await air.look()
    assert "wrong" not in str(caught.value.reason)
    monkeypatch.delenv("ATMO_PASSWORD")
    with pytest.raises(SourceFailed, match="ATMO_PASSWORD is not set"):
        await air.look()
    async with serving() as stranger:
        monkeypatch.setenv("ATMO_PASSWORD", PASSWORD)
        moved = web.Response(status=307, headers={"Location": f"{stranger.url}/api/login"})
        air.server.pages["/api/login"] = moved
        with pytest.raises(SourceFailed, match="307"):
            await air.look()
        assert stranger.requests == []


# --- what may be configured -----------------------------------------------------------------------------------------

LINES = (
    '[station]\nname = "V"\nsender = "a@v.example"\n[channels.t]\nkind = "telegram"\nchat = "@ville_v"\n'
    'token = { env = "T" }\n[sources.air]\nkind = "atmo"\n'
)


def test_its_settings(tmp_path):
    told = 'user = "m"\npassword = { env = "P" }\ndepartment = "2A"\nzones = ["Ajaccio"]\napi_url = "http://127.0.0.1:1/"\n'
    rules = read_config(tmp_path / "channels.toml", LINES + told).rules_for("air")
    assert (rules.settings.department, rules.settings.zones, rules.settings.api_url) == (
        "2A",
        ("Ajaccio",),
        "http://127.0.0.1:1",
    )
    assert rules.every == timedelta(minutes=30)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    wrong = 'password = "abc"\ndepartment = "974"\nzones = "x"\napi_url = "ftp://x"\nuser_name = "m"\n'
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path / "channels.toml", LINES + wrong)

    told = {str(each["key"]): str(each["what"]) for each in caught.value.problems}
    assert set(told) == {
        f"sources.air.{key}" for key in ("user", "password", "department", "zones", "api_url", "user_name")
    }
    assert "abc" not in str(caught.value)


def test_the_password_goes_over_http_to_this_machine_alone(tmp_path):
    told = LINES + 'user = "m"\npassword = { env = "P" }\ndepartment = "2A"\napi_url = "http://%s/"\n'
    for here in ("127.0.0.1:1", "localhost:1", "[::1]:1"):
        read_config(tmp_path / "channels.toml", told % here)
    for afar in ("atmo.example", "192.168.1.7:80", "127.0.0.1.example", "127.0.0.1@atmo.example", "[::1"):
        with pytest.raises(ConfigurationError, match="api_url"):
            read_config(tmp_path / "channels.toml", told % afar)


def test_a_day_is_kept_as_it_was_told():
    assert (
        PollutedDay("o3", TODAY, AirThreshold.ALERT) in read_episodes(episodes(("O3", TODAY, "alerte")), "38", ()).days
    )
