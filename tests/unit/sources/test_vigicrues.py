"""Vigicrues: what an edition says in either form, what it changes, how it is told, and told once with the Vigilance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from alerts.config import read_config
from alerts.desk.dedupe import topic_key
from alerts.model.alert import Alert, MsgType, NamedValue, Severity, Urgency
from alerts.model.errors import ConfigurationError, SourceFailed, Unreadable
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.incident import AlertState
from alerts.model.ports import Memory, SourceReading, Surroundings
from alerts.model.post import PostKind
from alerts.model.town import SourceRules
from alerts.sources.cap.message import apply_colours
from alerts.sources.departments import named_event
from alerts.sources.document import FetchedDocument
from alerts.sources.editions import Colour
from alerts.sources.settings import VigicruesSettings
from alerts.sources.vigicrues import LIFE, RENEWED_AFTER, STALE, RiverSection, VigicruesSource, read_edition
from tests.fakes import FakeClock
from tests.flood_pages import a_geojson, an_rss, calm, entry, feed_of
from tests.samples import shared
from tests.unit.desk.conftest import TownDesk, a_town
from tests.unit.sources.test_vigilance import Watch, as_meteoalarm, kinds, plain
from tests.vigilance_pages import MORNING
from tests.walls import in_one_test

HOUR = timedelta(hours=1)
CODES = ("GA6", "TL3")
GREEN, YELLOW, ORANGE, RED = 1, 2, 3, 4
HERE = ("INSEE:38185", "NUTS3:FR714")


def colours(body: bytes, codes: tuple[str, ...] = CODES) -> dict[str, Colour | None]:
    return {each.code: each.colour for each in read_edition(body, None, codes).sections}


class Served:
    """A share of an address that says what a test lays out."""

    def __init__(self) -> None:
        self.body = b""

    async def look(self, digest: str | None) -> FetchedDocument | None:
        document = FetchedDocument("https://vigicrues.example/feed", self.body)
        return None if document.digest == digest else document


class River:
    """A source as it is polled edition by edition, and what it remembers, which is stored as JSON."""

    def __init__(self, *sections: str, form=an_rss, town=None) -> None:
        self.form, self.served, self.memory, self.now = form, Served(), Memory(), MORNING
        self.sections, self.town = sections or CODES, town or a_town(areas=HERE)
        self.reading: SourceReading | None = None

    @property
    def source(self) -> VigicruesSource:
        settings = VigicruesSettings.model_validate({"kind": "vigicrues", "sections": self.sections})
        made = VigicruesSource("crues", settings, Surroundings(None, FakeClock(self.now), self.town))
        made._share = self.served  # no request is made
        return made

    async def says(self, levels: Mapping[str, int], after: float = 0, *, issued: float | None = None) -> list[Alert]:
        at = MORNING + (after if issued is None else issued) * HOUR
        return await self.serves(self.form(levels, at), after)

    async def serves(self, body: bytes, after: float = 0) -> list[Alert]:
        self.served.body, self.now = body, MORNING + after * HOUR
        self.reading = await self.source.read(self.memory, nothing_known, self.now)
        kept = self.reading.memory
        self.memory = Memory(digest=kept.digest, state=json.loads(json.dumps(dict(kept.state))))
        return [each.alert for each in self.reading.heard]


async def nothing_known(_) -> set[str]:
    return set()


@pytest.fixture(params=[an_rss, a_geojson], ids=["rss", "geojson"])
def river(request):
    return River(form=request.param)


# --- what stands there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [an_rss, a_geojson])
def test_both_forms_say_the_same(form):
    edition = read_edition(form({"GA6": ORANGE, "GA1": RED, "TL3": GREEN}, MORNING), None, CODES)

    assert edition.updated == MORNING
    assert edition.sections == (
        RiverSection("GA6", "Vidourle", Colour.ORANGE),
        RiverSection("TL3", "Haut Tarn", Colour.GREEN),
    )


def test_the_old_spelling_is_read_as_the_new_one():
    told = {"GA6": RED, "TL3": YELLOW}
    new, old = (read_edition(a_geojson(told, MORNING, old=old), None, CODES) for old in (False, True))

    assert b"LbEntCru" in a_geojson(told, MORNING, old=True)
    assert new == old


def test_the_reference_of_an_edition_is_its_hour_in_paris():
    document = json.loads(a_geojson({}, None)) | {"RefInfoVigiCru": "25082026_16"}
    assert read_edition(json.dumps(document).encode(), None, CODES).updated == datetime(2026, 8, 25, 14, 0, tzinfo=UTC)


def test_a_calm_country_is_green_throughout():
    assert colours(feed_of(calm(MORNING))) == {"GA6": Colour.GREEN, "TL3": Colour.GREEN}


ANSWERS = {
    "no entries": (feed_of(), {}),
    "calm beside a coloured section": (feed_of(calm(), entry("GA6", "jaune")), {"GA6": 2}),
    "a colour nobody knows": (feed_of(entry("GA6", "violet"), entry("TL3", "vert")), {"GA6": None, "TL3": 1}),
    "no colour": (feed_of(entry("GA6", "")), {"GA6": None}),
    "feminine, capitals": (feed_of(entry("GA6", "Verte"), entry("TL3", "ROUGE")), {"GA6": 1, "TL3": 4}),
    "no code": (feed_of(entry("", "rouge", name="Vidourle")), {}),
    "a name with brackets": (feed_of(entry("GA6", "orange", name="Rhône (aval)")), {"GA6": 3}),
    "another's code in the name": (feed_of(entry("GA6", "vert", name="Aval (TL3)")), {"GA6": 1}),
    "one section twice": (feed_of(entry("GA6", "vert"), entry("GA6", "rouge")), {"GA6": 4}),
    "twice, once unreadable": (feed_of(entry("GA6", "vert"), entry("GA6", "gris")), {"GA6": None}),
    "one guid for all": (
        feed_of(entry("GA6", "jaune", guid="1"), entry("TL3", "vert", guid="1")),
        {"GA6": 2, "TL3": 1},
    ),
    "levels that are none": (a_geojson({"GA6": 0, "TL3": 5}, None), {"GA6": None, "TL3": None}),
    "levels of other types": (a_geojson({"GA6": None, "TL3": [3]}, None), {"GA6": None, "TL3": None}),
    "a level of a million digits": (a_geojson({"GA6": "9" * 1_000_000}, None), {"GA6": None}),
    "features of another form": (b'{"features": [1, null, {"properties": 3}, {"properties": {"CdEntCru": []}}]}', {}),
    "no features": (b'{"features": []}', {}),
    "a byte order mark": (b"\xef\xbb\xbf" + a_geojson({"GA6": 3}, None), {"GA6": 3}),
    "levels with a point": (a_geojson({"GA6": 3.0, "TL3": 2.5}, None), {"GA6": 3, "TL3": None}),
    "levels as texts": (a_geojson({"GA6": " 4 ", "TL3": "rouge"}, None), {"GA6": 4, "TL3": None}),
    "levels that are true, or no number": (
        a_geojson({"GA6": True, "TL3": float("nan")}, None),
        {"GA6": None, "TL3": None},
    ),
    "a name of half a character": (a_geojson({"GA6": 3}, None).replace(b"Vidourle", b"\\ud800"), {"GA6": 3}),
    "letters and marks apart": (
        feed_of(entry("GA6", "rouge")).replace("\u00e7".encode(), "c\u0327".encode()),
        {"GA6": 4},
    ),
    "blanks that don't break": (
        feed_of(entry("GA6", "rouge")).replace(b" : &lt;b&gt;", "\u202f:\u00a0&lt;b&gt;".encode()),
        {"GA6": 4},
    ),
    "Latin-1, and says so": (
        feed_of(entry("GA6", "rouge")).decode().replace("1.0", '1.0" encoding="iso-8859-1').encode("latin-1"),
        {"GA6": 4},
    ),
    "no description": (feed_of("<item><title>Vidourle : rouge</title></item>"), {}),
    "three hundred others": (feed_of(*(entry(f"GB{each}", "rouge") for each in range(300))), {}),
    "a code in small letters": (feed_of(entry("ga6", "orange")), {"GA6": 3}),
    "torn after a section": (feed_of(entry("GA6", "rouge"), entry("TL3", "vert"))[:-190], {"GA6": 4}),
    "an entity of its own": (
        feed_of(entry("GA6", "&b;")).replace(b"<rss", b'<!DOCTYPE a [<!ENTITY b "vert">]><rss'),
        {"GA6": 1},
    ),
    "a calm country that speaks of a colour": (feed_of(calm().replace("…", "vigilance rouge")), {"GA6": 1, "TL3": 1}),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_only_what_is_said_to_be_green_is_green(answer):
    body, expected = ANSWERS[answer]
    assert colours(body) == expected


@in_one_test
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe",
        b"<html><body>Maintenance</body></html>",
        b"{",
        b"{}",
        b'{"features": {}}',
        b'{"a":' * 90_000,
        b'[{"features": []}]',
        a_geojson({"GA6": 3}, None)[:-40],
        a_geojson({"GA6": 3}, None).replace(b"Vidourle", b"C\xe8ze"),
        b'{"features": ' + b"9" * 100_000 + b"}",
    ],
)
def test_what_is_neither_form_is_told(body):
    with pytest.raises(Unreadable):
        read_edition(body, None, CODES)


@in_one_test
@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "yesterday", 3, None, []])
def test_a_time_that_is_none_is_none(time):
    document = json.loads(a_geojson({"GA6": ORANGE}, None)) | {"DtHrInfoVigiCru": time}
    assert read_edition(json.dumps(document).encode(), None, CODES).updated is None


# --- what it changes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "severity", "headline"),
    [
        (YELLOW, Severity.MODERATE, "Vigilance jaune crues"),
        (ORANGE, Severity.SEVERE, "Vigilance orange crues"),
        (RED, Severity.EXTREME, "Vigilance rouge crues"),
    ],
)
async def test_each_colour_is_an_alert_in_two_languages(river, level, severity, headline):
    [alert] = await river.says({"GA6": level, "TL3": GREEN})
    french, english = alert.infos

    assert (french.severity, french.urgency, french.headline) == (severity, Urgency.IMMEDIATE, headline)
    assert hazard_of(french) is hazard_of(english) is Hazard.FLOOD
    assert apply_colours(alert) == alert, "the colour that MeteoAlarm's parameter tells is the same"
    assert (french.language, english.language) == ("fr-FR", "en-GB")
    [area] = alert.areas
    assert area.description == "Vidourle"
    assert set(area.geocodes) >= {NamedValue("VIGICRUES", "GA6"), NamedValue("INSEE", "38185")}


async def test_all_sections_are_one_flood_and_the_worst_is_told_first(river):
    [alert] = await river.says({"GA6": YELLOW, "TL3": RED})
    french, english = alert.infos

    assert plain(french.description) == (
        "Rouge : Haut Tarn. Jaune : Vidourle.\n\n"
        "Une crue majeure menace directement les personnes et les biens.\n\n"
        "Bulletin publié mercredi 25 à 6 h."
    )
    assert english.headline == "Red warning: floods"
    assert english.description.startswith("Red: Haut Tarn. Yellow: Vidourle.")
    assert english.description.endswith("Bulletin issued Wednesday 25, 6am.")
    assert [each.description for each in alert.areas] == ["Haut Tarn", "Vidourle"]


async def test_a_run_from_its_first_colour_to_green(river):
    [first] = await river.says({"GA6": YELLOW, "TL3": GREEN})
    assert await river.says({"GA6": YELLOW, "TL3": GREEN}, after=4) == [], "an edition that changes nothing"
    [second] = await river.says({"GA6": ORANGE, "TL3": GREEN}, after=5)
    [third] = await river.says({"GA6": ORANGE, "TL3": YELLOW}, after=6)
    [end] = await river.says({"GA6": GREEN, "TL3": GREEN}, after=7)
    assert await river.says({"GA6": GREEN, "TL3": GREEN}, after=8) == []
    [anew] = await river.says({"GA6": RED, "TL3": GREEN}, after=9)

    told = [first, second, third, end, anew]
    assert [each.msg_type for each in told] == [
        MsgType.ALERT, MsgType.UPDATE, MsgType.UPDATE, MsgType.CANCEL, MsgType.ALERT,
    ]  # fmt: skip
    assert [each.identifier for each in third.references] == [first.identifier, second.identifier]
    assert [each.identifier for each in end.references] == [first.identifier, third.identifier]
    assert (end.infos, anew.references) == ((), ())
    assert third.starts == first.sent, "it began when it began"
    assert len({each.identifier for each in told}) == 5


async def test_the_same_colours_are_renewed_so_that_they_outlast_an_edition_that_is_missing(river):
    [first] = await river.says({"GA6": ORANGE, "TL3": GREEN}, after=10)
    assert first.expires - first.sent == LIFE
    told = {}
    for hours in range(11, 75):
        issued = max(each for each in (10, 28, 34, 52, 58) if each <= hours)
        made = await river.says({"GA6": ORANGE, "TL3": GREEN}, after=hours, issued=issued)
        if made:
            [told[hours]] = made

    assert list(told) == [28, 52], "once a day"
    assert {each.msg_type for each in told.values()} == {MsgType.UPDATE}
    assert told[52].expires >= MORNING + (58 + 18 + 6) * HOUR, "the edition after the next one is in time"
    assert RENEWED_AFTER < 18 * HOUR


async def test_what_ran_out_is_another_flood_when_it_comes_again(river):
    await river.says({"GA6": ORANGE, "TL3": GREEN})
    [alert] = await river.says({"GA6": ORANGE, "TL3": GREEN}, after=33)
    assert (alert.msg_type, alert.references) == (MsgType.ALERT, ())


async def test_a_section_that_is_absent_ends_nothing_and_is_told_to_the_officer(river):
    await river.says({"GA6": ORANGE, "TL3": YELLOW})
    assert await river.says({"TL3": YELLOW}, after=1) == []
    assert str(river.reading.trouble).startswith("Vigicrues doesn't name GA6, whose last colour still stands")
    await river.serves(river.served.body, after=1.1)
    assert river.reading.trouble is not None, "for as long as it is absent"

    [less] = await river.says({"TL3": GREEN}, after=2)
    assert [each.description for each in less.areas] == ["Vidourle"]
    [end] = await river.says({"GA6": GREEN, "TL3": GREEN}, after=3)
    assert (end.msg_type, river.reading.trouble) == (MsgType.CANCEL, None)


async def test_nor_does_a_colour_that_cannot_be_read():
    river = River()
    await river.says({"GA6": ORANGE, "TL3": GREEN})
    assert await river.serves(feed_of(entry("GA6", "violet", MORNING + HOUR), entry("TL3", "vert")), after=1) == []
    assert str(river.reading.trouble) == "the colour that Vigicrues gives GA6 can't be read; the last one still stands"


async def test_what_is_only_kept_is_not_renewed(river):
    await river.says({"GA6": ORANGE, "TL3": GREEN})
    assert await river.says({"TL3": GREEN}, after=20) == []


async def test_a_section_that_is_no_longer_asked_for_is_dropped():
    river = River()
    await river.says({"GA6": ORANGE, "TL3": YELLOW})
    river.sections = ("TL3",)
    [update] = await river.serves(river.served.body, after=1)
    assert (update.msg_type, update.severity) == (MsgType.UPDATE, Severity.MODERATE)
    river.sections = ("GA1",)
    [end] = await river.says({"GA1": GREEN}, after=2)
    assert end.msg_type is MsgType.CANCEL


async def test_an_older_edition_is_passed_over_and_an_hour_of_them_is_a_failure(river):
    await river.says({"GA6": ORANGE, "TL3": GREEN}, after=5)
    assert await river.says({"GA6": GREEN, "TL3": GREEN}, after=5.2, issued=4) == []
    with pytest.raises(SourceFailed, match="only editions older than that of"):
        await river.says({"GA6": GREEN, "TL3": GREEN}, after=6.3, issued=4)
    [end] = await river.says({"GA6": GREEN, "TL3": GREEN}, after=7)
    assert end.msg_type is MsgType.CANCEL


async def test_an_edition_of_the_future_is_one_of_now(river):
    [alert] = await river.says({"GA6": ORANGE, "TL3": GREEN}, after=1, issued=30)
    assert alert.sent == MORNING + HOUR
    [update] = await river.says({"GA6": RED, "TL3": GREEN}, after=2)
    assert update.severity is Severity.EXTREME


async def test_an_edition_of_yesterday_is_a_failure_also_where_it_is_unchanged(river):
    body = river.form({"GA6": ORANGE, "TL3": GREEN}, MORNING)
    await river.serves(body)
    for memory in (river.memory, Memory()):
        river.memory = memory
        with pytest.raises(SourceFailed, match="and no newer one is there"):
            await river.serves(body, after=STALE / HOUR)


async def test_a_feed_without_times_is_of_when_it_is_read():
    river = River()
    [alert] = await river.serves(an_rss({"GA6": ORANGE, "TL3": GREEN}, None), after=1)
    assert alert.sent == MORNING + HOUR
    assert await river.serves(river.served.body, after=60) == [], "nobody knows how old it is"


# --- at the desk ----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path):
    names = {"crues": "vigicrues", "vigilance": "vigilance", "meteoalarm": "cap"}
    rules = {name: SourceRules(kind=kind, severity=Severity.SEVERE) for name, kind in names.items()}
    town = TownDesk(tmp_path / "town.db", a_town(sources=rules, areas=HERE))
    town.clock.set(MORNING)
    yield town
    town.db.close()


async def test_the_life_of_a_flood_is_one_thread(desk):
    river = River(town=desk.station)
    [first] = kinds(desk, await river.says({"GA6": ORANGE, "TL3": GREEN}), "crues")
    desk.pass_(hours=2)
    [second] = kinds(desk, await river.says({"GA6": YELLOW, "TL3": GREEN}, after=2), "crues")
    desk.pass_(hours=2)
    [end] = kinds(desk, await river.says({"GA6": GREEN, "TL3": GREEN}, after=4), "crues")

    assert [set(desk.kinds(each).values()) for each in (first, second, end)] == [
        {PostKind.PUBLISH}, {PostKind.UPDATE}, {PostKind.END},
    ]  # fmt: skip
    assert first.stored.incident_id == end.stored.incident_id
    said = {plain(each.message.plain) for each in desk.posts(first).values()}
    assert all(each.count("Source : Vigicrues") == 1 for each in said)


@pytest.mark.parametrize("first", ["crues", "vigilance", "meteoalarm"])
async def test_one_flood_of_vigicrues_the_vigilance_and_meteoalarm_is_told_once(desk, first):
    river, watch = River(town=desk.station), Watch()
    alerts = {
        "crues": await river.says({"GA6": ORANGE, "TL3": GREEN}),
        "vigilance": watch.hears({"4": [(0, 13, 3)]}),
        "meteoalarm": [as_meteoalarm(of=("crues", "12; Flooding"))],
    }
    assert {each.incidents for [each] in alerts.values()} == {("tocsin-event:meteo-france/38/flood",)}
    assert len({topic_key(each) for [each] in alerts.values()}) == 1

    [told] = kinds(desk, alerts[first], first)
    assert set(desk.kinds(told).values()) == {PostKind.PUBLISH}
    for second in alerts.keys() - {first}:
        [merged] = kinds(desk, alerts[second], second)
        assert (merged.stored.state, desk.kinds(merged)) == (AlertState.LEFT_OUT, {})
        assert str(merged.stored.reason) == f"merged with {told.stored.id}: {first} told of the same event before"

    desk.pass_(hours=2)
    [red] = kinds(desk, await river.says({"GA6": RED, "TL3": GREEN}, after=2), "crues")
    assert set(desk.kinds(red).values()) == {PostKind.UPDATE}
    assert red.stored.incident_id == told.stored.incident_id


async def test_another_hazard_is_another_event(desk):
    [flood] = await River(town=desk.station).says({"GA6": ORANGE, "TL3": GREEN})
    [rain] = Watch().hears({"2": [(0, 13, 3)]})
    assert topic_key(flood) != topic_key(rain)
    assert topic_key(flood) != topic_key(named_event(as_meteoalarm(), frozenset({"38"})))


async def test_a_town_in_two_departments_names_no_event():
    [alert] = await River(town=a_town(areas=("INSEE:38185", "INSEE:73065"))).says({"GA6": ORANGE, "TL3": GREEN})
    assert alert.incidents == ()


# --- what may be configured -----------------------------------------------------------------------------------------

LINES = (
    '[station]\nname = "V"\nsender = "a@v.example"\n[channels.t]\nkind = "telegram"\nchat = "@ville_v"\n'
    'token = { env = "T" }\n[sources.crues]\nkind = "vigicrues"\n'
)


def test_its_settings(tmp_path):
    told = 'sections = ["GA6", "ML101", "GA6"]\nformat = "geojson"\napi_url = "http://127.0.0.1:8081/vigicrues/"\n'
    rules = read_config(tmp_path / "channels.toml", LINES + told).rules_for("crues")

    assert (rules.settings.sections, rules.settings.format) == (("GA6", "ML101"), "geojson")
    assert rules.settings.api_url == "http://127.0.0.1:8081/vigicrues"
    assert rules.every == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("wrong", "key", "said"),
    [
        ("", "sections", "such as ['GA6', 'TL3']"),
        ("sections = []", "sections", "such as ['GA6', 'TL3']"),
        ('sections = "GA6"', "sections", "a list of text in quotes"),
        ('sections = ["Vidourle"]', "sections", "'Vidourle' is no section of Vigicrues"),
        ('sections = ["GA6&x=1"]', "sections", "is no section of Vigicrues"),
        ('sections = ["GA6"]\nformat = "xml"', "format", "geojson"),
        ('sections = ["GA6"]\napi_url = "ftp://x"', "api_url", "text in quotes"),
        ('sections = ["GA6"]\nurl = "https://x.example"', "url", "known"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(tmp_path, wrong, key, said):
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path / "channels.toml", LINES + wrong)

    told = {str(each["key"]): str(each["what"]) for each in caught.value.problems}
    assert list(told) == [f"sources.crues.{key}"]
    assert said in told[f"sources.crues.{key}"]


# --- what Vigicrues really sends, and what others have seen of it ---------------------------------------------------


def test_the_geojson_of_the_25th_of_august():
    body = shared("breadth/vigicrues/InfoVigiCru-2026-08-25.geojson").read_bytes()
    edition = read_edition(body, None, ("CO1", "NO50", "ML101", "GA6"))

    assert edition.updated == datetime(2026, 8, 25, 13, 55, 59, tzinfo=UTC)
    assert edition.sections == (
        RiverSection("CO1", "Golo aval", Colour.GREEN),
        RiverSection("NO50", "Eure moyenne et aval", Colour.GREEN),
        RiverSection("ML101", "Loir vendômois", Colour.GREEN),
    )


def test_the_rss_of_two_sections():
    body = shared("breadth/vigicrues/territoire-rss.SYNTHETIC.xml").read_bytes()
    edition = read_edition(body, None, ("GA1", "GA6"))

    assert edition.updated == datetime(2026, 9, 29, 12, 33, 47, tzinfo=UTC)
    assert edition.sections == (
        RiverSection("GA6", "Vidourle", Colour.YELLOW),
        RiverSection("GA1", "Cèze amont", Colour.GREEN),
    )
