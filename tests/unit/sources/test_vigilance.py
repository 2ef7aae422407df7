"""Météo-France's Vigilance: what the map and the bulletin say, what an edition changes, and how it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.config import read_config
from alerts.desk.dedupe import topic_key
from alerts.model.alert import MsgType, NamedValue, Severity, Urgency
from alerts.model.errors import ConfigurationError, Unreadable
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.incident import AlertState
from alerts.model.post import PostKind
from alerts.model.town import SourceRules
from alerts.sources.cap.message import apply_colours, read_message
from alerts.sources.departments import DEPARTMENTS, departments_in, named_event
from alerts.sources.editions import Colour
from alerts.sources.vigilance.bulletin import Bulletin, ColourMap, ColourWindow, read_bulletin, read_map
from alerts.sources.vigilance.warning import (
    PHENOMENA,
    Addressee,
    PublishedPhenomenon,
    alert_of,
    changes,
    published_after,
    to_come,
)
from tests.cap_messages import alert_xml, info_xml
from tests.samples import shared
from tests.unit.desk.conftest import TownDesk, a_town
from tests.vigilance_pages import HOUR, MORNING, TONIGHT, Hours, a_bulletin, a_map
from tests.walls import in_one_test

EVENING = [(7, 13, 3), (13, 18, 2)]
"""Orange from 13 h to 19 h in Paris, then yellow until midnight."""


def plain(text: str | None) -> str:
    return (text or "").replace("\u00a0", " ").replace("\u202f", " ")


class Watch:
    """A department's Vigilance as it is heard edition by edition, without any address."""

    def __init__(self, department: str = "38", *, without: tuple[str, ...] = ()) -> None:
        self.department, self.without = department, without
        self.told: dict[str, PublishedPhenomenon] = {}

    def hears(self, colours: dict[str, Hours], after: float = 0, bulletin: Bulletin | None = None):
        now = MORNING + after * HOUR
        return self.reads(read_map(a_map(colours, updated=now), self.department), now, bulletin)

    def reads(self, edition: ColourMap, now: datetime, bulletin: Bulletin | None = None):
        found = changes(edition, self.told, self.without, now)
        to = Addressee(self.department, a_town(), now)
        made = [(each, alert_of(each, edition, bulletin, to)) for each in found]
        # As it is kept: JSON and back.
        kept = json.dumps({name: run.as_json() for name, run in published_after(self.told, made, now).items()})
        self.told = {name: PublishedPhenomenon.of(each) for name, each in json.loads(kept).items()}
        return [alert for _, alert in made]


@pytest.fixture
def watch():
    return Watch()


# --- what stands there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phenomenon", PHENOMENA)
@pytest.mark.parametrize(("colour", "severity"), [(2, Severity.MODERATE), (3, Severity.SEVERE), (4, Severity.EXTREME)])
def test_each_colour_of_each_phenomenon(watch, phenomenon, colour, severity):
    [alert] = watch.hears({phenomenon: [(0, 13, colour)]})

    french, english = alert.infos
    assert {french.severity, english.severity} == {severity}
    assert french.headline == f"Vigilance {['jaune', 'orange', 'rouge'][colour - 2]} {french.event.lower()}"
    assert hazard_of(french) is hazard_of(english) is not Hazard.GENERAL
    assert apply_colours(alert) == alert, "the colour that MeteoAlarm's parameter tells is the same"
    assert (french.language, english.language) == ("fr-FR", "en-GB")


def test_the_nine_phenomena_are_nine_hazards(watch):
    alerts = watch.hears({phenomenon: [(0, 13, 3)] for phenomenon in PHENOMENA})

    assert {hazard_of(each.infos[0]) for each in alerts} == {
        Hazard.WIND, Hazard.RAIN_FLOOD, Hazard.STORM, Hazard.FLOOD, Hazard.SNOW_ICE, Hazard.HEAT, Hazard.COLD,
        Hazard.AVALANCHE, Hazard.COASTAL,
    }  # fmt: skip
    assert len({each.incidents for each in alerts}) == 9


def test_green_is_nothing(watch):
    assert watch.hears({}) == []


def test_the_words_give_each_colour_s_hours_and_who_says_so_when(watch):
    [alert] = watch.hears({"3": EVENING})
    french, english = alert.infos

    assert plain(french.description) == (
        "Orange : mercredi 25, de 13 h à 19 h. Jaune : mercredi 25, de 19 h à minuit.\n\n"
        "Carte publiée mercredi 25 à 6 h."
    )
    assert english.description == (
        "Orange: Wednesday 25, 1pm to 7pm. Yellow: Wednesday 25, 7pm to midnight.\n\nMap issued Wednesday 25, 6am."
    )
    assert (french.onset, french.expires) == (MORNING + 7 * HOUR, TONIGHT)
    assert (alert.sent, french.urgency) == (MORNING, Urgency.EXPECTED)


@pytest.mark.parametrize(
    ("hours", "urgency"),
    [([(0, 5, 3)], Urgency.IMMEDIATE), ([(11, 14, 3)], Urgency.EXPECTED), ([(12, 14, 3)], Urgency.FUTURE)],
)
def test_how_soon_it_begins(watch, hours, urgency):
    [alert] = watch.hears({"1": hours})
    assert alert.urgency is urgency


def test_what_goes_on_over_midnight_is_one_time(watch):
    [alert] = watch.hears({"6": [(8, 40, 3)]})

    assert alert.expires == MORNING + 40 * HOUR
    assert "Orange : du mercredi 25 à 14 h au jeudi 26 à 22 h." in plain(alert.infos[0].description)


def test_floods_have_no_hours_so_the_period_has_the_colour(watch):
    [alert] = watch.hears({"4": [(3, 4, 3)]})
    assert (alert.starts, alert.expires) == (MORNING, TONIGHT)


def test_the_department_is_the_area_and_the_town_lies_in_it(watch):
    [alert] = watch.hears({"3": EVENING})
    [area] = alert.areas

    assert area.description == "Isère"
    assert set(area.geocodes) >= {NamedValue("FR-DEP", "38"), NamedValue("NUTS3", "FR714"), *a_town().codes}


def test_the_coast_has_colours_of_its_own():
    body = a_map({}, department="30", coast={"9": [(0, 13, 3)]})
    [alert] = Watch("30").reads(read_map(body, "30"), MORNING)

    assert alert.infos[0].event == "Vagues-submersion"
    assert alert.areas[0].description == "Gard"


def test_of_two_colours_at_one_time_the_worse_one_counts():
    body = a_map({"1": [(0, 10, 2)]}, department="30", coast={"1": [(4, 6, 4)]})
    found = read_map(body, "30").windows["1"]

    at = [(each.begin - MORNING, each.end - MORNING, each.colour) for each in found]
    assert at == [
        (0 * HOUR, 4 * HOUR, Colour.YELLOW), (4 * HOUR, 6 * HOUR, Colour.RED), (6 * HOUR, 10 * HOUR, Colour.YELLOW),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda product: product.pop("update_time"), "update_time is missing"),
        (lambda product: product["periods"].clear(), "periods is missing"),
        (lambda product: [each["timelaps"]["domain_ids"].pop(0) for each in product["periods"]], "38 isn't on"),
        (lambda product: _ours(product).update(phenomenon_max_color_id=7), "phenomenon_max_color_id"),
        (lambda product: _ours(product).pop("phenomenon_id"), "phenomenon_id"),
    ],
)
def test_a_map_that_is_none_is_told(change, said):
    document = json.loads(a_map({"3": EVENING}))
    change(document["product"])

    with pytest.raises(Unreadable, match=said):
        read_map(json.dumps(document).encode(), "38")


def _ours(product):
    return product["periods"][0]["timelaps"]["domain_ids"][0]["phenomenon_items"][0]


@in_one_test
@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]", b"{}", b'{"product": 3}', b"[" * 100_000])
def test_what_is_no_document_of_theirs_is_told(body):
    with pytest.raises(Unreadable, match="Météo-France's map"):
        read_map(body, "38")
    with pytest.raises(Unreadable, match="Météo-France's bulletin"):
        read_bulletin(body, "38")


def test_a_map_of_more_times_than_there_can_be_is_refused():
    told = json.loads(a_map({"1": [(1, 9, 3)]}))
    [domain] = [each for each in told["product"]["periods"][0]["timelaps"]["domain_ids"] if each["domain_id"] == "38"]
    domain["phenomenon_items"][0]["timelaps_items"] *= 2001
    with pytest.raises(Unreadable, match="timelaps_items"):
        read_map(json.dumps(told).encode(), "38")


def test_numbers_may_come_as_texts_and_the_rest_of_france_as_it_likes():
    document = json.loads(a_map({"3": EVENING}))
    for period in document["product"]["periods"]:
        ours, other = period["timelaps"]["domain_ids"]
        other["phenomenon_items"] = "none of ours"
        for each in ours["phenomenon_items"]:
            each["phenomenon_id"] = int(each["phenomenon_id"])
            each["phenomenon_max_color_id"] = str(each["phenomenon_max_color_id"])

    assert read_map(json.dumps(document).encode(), "38") == read_map(a_map({"3": EVENING}), "38")


def test_the_forecasters_words_are_the_description_and_their_advice_the_instruction(watch):
    bulletin = read_bulletin(
        a_bulletin({
            "3": {
                "Départements en vigilance Orange Orages": ["Isère (38)"],
                "Qualification": ["Orages forts."],
                "Évolution prévue": ["Ils gagnent l’est.", "Grêle <b>possible</b>."],
                "Conseils de comportement": ["Abritez-vous."],
            },
            "1": {"Qualification": ["Rafales."]},
        }),
        "38",
    )  # fmt: skip
    [alert] = watch.hears({"3": EVENING}, bulletin=bulletin)

    hours, qualification, to_come_, credit = plain(alert.infos[0].description).split("\n\n")
    assert (qualification, to_come_) == (
        "Qualification : Orages forts.",
        "Évolution prévue : Ils gagnent l’est.\nGrêle possible.",
    )
    assert hours.startswith("Orange :")
    assert credit.startswith("Carte publiée")
    assert alert.infos[0].instruction == "Abritez-vous."


# --- what an edition changes ----------------------------------------------------------------------------------------


def test_an_edition_that_changes_nothing_posts_nothing(watch):
    watch.hears({"3": EVENING})

    assert watch.hears({"3": EVENING}, after=1) == []
    assert watch.hears({"3": EVENING}, after=9) == [], "its first hours have passed, which is no news"
    assert watch.hears({"3": [(13, 18, 2)]}, after=13) == [], "nor is it that the orange ones have"
    assert watch.hears({}, after=18) == [], "and what ran out as it was told is over by itself"


def test_from_orange_to_red_is_an_update(watch):
    [first] = watch.hears({"3": EVENING})
    [second] = watch.hears({"3": [(7, 13, 4), (13, 18, 2)]}, after=5)
    [third] = watch.hears({"3": [(7, 15, 4), (15, 18, 2)]}, after=8)

    assert [each.msg_type for each in (first, second, third)] == [MsgType.ALERT, MsgType.UPDATE, MsgType.UPDATE]
    assert second.severity is Severity.EXTREME
    assert [each.identifier for each in second.references] == [first.identifier]
    assert [each.identifier for each in third.references] == [first.identifier, second.identifier]
    assert len({first.identifier, second.identifier, third.identifier}) == 3
    assert plain(third.infos[0].description).startswith("Rouge : jusqu’à mercredi 25 à 21 h. Jaune : ")
    assert third.starts == MORNING + 7 * HOUR, "it began when it began"


def test_less_is_an_update_too(watch):
    watch.hears({"3": EVENING})
    [less] = watch.hears({"3": [(7, 18, 2)]}, after=3)

    assert (less.msg_type, less.severity) == (MsgType.UPDATE, Severity.MODERATE)


def test_back_to_green_is_an_end(watch):
    [first] = watch.hears({"3": EVENING})
    [end] = watch.hears({}, after=8)

    assert (end.msg_type, end.infos) == (MsgType.CANCEL, ())
    assert [each.identifier for each in end.references] == [first.identifier]
    assert watch.hears({}, after=9) == []
    [anew] = watch.hears({"3": EVENING}, after=10)
    assert (anew.msg_type, anew.references) == (MsgType.ALERT, ())


def test_what_ran_out_is_another_incident_when_it_comes_again(watch):
    watch.hears({"3": [(0, 2, 3)]})
    [alert] = watch.hears({"3": [(6, 9, 3)]}, after=5)

    assert (alert.msg_type, alert.references) == (MsgType.ALERT, ())


def test_a_green_hour_in_between_makes_no_two_incidents(watch):
    [alert] = watch.hears({"3": [(2, 4, 3), (8, 10, 2)]})
    assert watch.hears({"3": [(2, 4, 3), (8, 10, 2)]}, after=5) == []

    assert alert.expires == MORNING + 10 * HOUR
    assert "Orange : mercredi 25, de 8 h à 10 h. Jaune : mercredi 25, de 14 h à 16 h." in plain(
        alert.infos[0].description
    )


def test_phenomena_that_are_left_out_are_not_told():
    alerts = Watch(without=("4", "6")).hears({"3": EVENING, "4": [(0, 5, 4)], "6": [(0, 5, 4)]})
    assert [each.infos[0].event for each in alerts] == ["Orages"]


def test_the_gravest_is_told_first(watch):
    alerts = watch.hears({"1": [(0, 5, 2)], "3": [(0, 5, 4)], "5": [(0, 5, 3)]})
    assert [each.severity for each in alerts] == [Severity.EXTREME, Severity.SEVERE, Severity.MODERATE]


def test_what_is_to_come():
    window = ColourWindow(MORNING, MORNING + HOUR, Colour.RED)
    assert to_come([window], MORNING + HOUR) == ()
    assert to_come([window], MORNING + HOUR / 2) == (replace(window, begin=MORNING + HOUR / 2),)


# --- at the desk ----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path):
    rules = {
        "vigilance": SourceRules(kind="vigilance", severity=Severity.SEVERE),
        "meteoalarm": SourceRules(kind="cap", severity=Severity.SEVERE),
    }
    town = TownDesk(tmp_path / "town.db", a_town(sources=rules, areas=("INSEE:38185", "NUTS3:FR714")))
    town.clock.set(MORNING)
    yield town
    town.db.close()


def kinds(town, alerts, source="vigilance"):
    found = []
    for each in alerts:
        filed = town.hear(each, source)
        town.deliver(filed)
        found.append(filed)
    return found


def test_the_whole_life_of_a_thunderstorm(desk, watch):
    [first] = kinds(desk, watch.hears({"3": EVENING}))
    desk.pass_(hours=3)
    [second] = kinds(desk, watch.hears({"3": [(7, 13, 4)]}, after=3))
    desk.pass_(hours=6)
    [third] = kinds(desk, watch.hears({}, after=9))

    assert set(desk.kinds(first).values()) == {PostKind.PUBLISH}
    assert set(desk.kinds(second).values()) == {PostKind.UPDATE}
    assert set(desk.kinds(third).values()) == {PostKind.END}
    assert {first.stored.incident_id} == {second.stored.incident_id, third.stored.incident_id}


def test_a_post_names_its_source_once(desk, watch):
    [filed] = kinds(desk, watch.hears({"3": EVENING}))
    assert {plain(each.message.plain).count("Source : ") for each in desk.posts(filed).values()} == {1}


def test_yellow_is_posted_where_severity_lets_it(desk, watch):
    [yellow] = kinds(desk, watch.hears({"3": [(7, 13, 2)]}))
    [orange] = kinds(desk, watch.hears({"3": [(7, 13, 3)]}, after=0.1))
    [less] = kinds(desk, watch.hears({"3": [(7, 13, 2)]}, after=0.2))

    assert yellow.stored.state is AlertState.LEFT_OUT
    assert set(desk.kinds(orange).values()) == {PostKind.PUBLISH}
    assert set(desk.kinds(less).values()) == {PostKind.UPDATE}


def as_meteoalarm(
    severity: str = "orange",
    identifier: str = "2.49.0.0.250.0.FR.1",
    areas: str = "FR714 FR713",
    *,
    of: tuple[str, str] = ("orages", "3; Thunderstorm"),
):
    """What Météo-France sends MeteoAlarm of the same storm, or `of` another phenomenon."""
    level = {"yellow": "2; yellow; Moderate", "orange": "3; orange; Severe", "red": "4; red; Extreme"}[severity]

    def pair(name: str, value: str) -> str:
        return f"<parameter><valueName>{name}</valueName><value>{value}</value></parameter>"

    area = "".join(
        f"<area><areaDesc>{each}</areaDesc><geocode><valueName>NUTS3</valueName><value>{each}</value></geocode></area>"
        for each in areas.split()
    )
    body = alert_xml(
        info_xml(
            event=f"<event>Vigilance {severity} {of[0]}</event>",
            headline=f"<headline>Vigilance {severity} {of[0]}</headline>",
            parameter=pair("awareness_level", level) + pair("awareness_type", of[1]),
            area=area,
        ),
        identifier=f"<identifier>{identifier}</identifier>",
        sender="<sender>vigilance@meteo.fr</sender>",
        sent="<sent>2026-11-25T06:00:30+01:00</sent>",
    ).encode()
    alert, _ = read_message(body, zone=UTC, language="fr-FR")
    return named_event(apply_colours(alert), departments_in(a_town(areas=("NUTS3:FR714",)).codes))


def test_what_meteoalarm_tells_of_the_same_storm_is_told_once(desk, watch):
    [ours] = watch.hears({"3": EVENING})
    theirs = as_meteoalarm()
    assert ours.incidents == theirs.incidents == ("tocsin-event:meteo-france/38/storm",)
    assert topic_key(ours) == topic_key(theirs)

    [first] = kinds(desk, [ours])
    [second] = kinds(desk, [theirs], "meteoalarm")

    assert second.stored.state is AlertState.LEFT_OUT
    assert second.stored.reason.code == "merged"
    assert second.stored.incident_id == first.stored.incident_id


def test_whichever_comes_first_what_goes_on_goes_on_in_one_thread(desk, watch):
    [theirs] = kinds(desk, [as_meteoalarm()], "meteoalarm")
    [ours] = kinds(desk, watch.hears({"3": EVENING}))
    desk.pass_(hours=3)
    [red] = kinds(desk, watch.hears({"3": [(7, 13, 4)]}, after=3))

    assert ours.stored.state is AlertState.LEFT_OUT
    assert set(desk.kinds(red).values()) == {PostKind.UPDATE}
    assert theirs.stored.incident_id == red.stored.incident_id


def test_a_graver_word_of_the_other_feed_is_an_update(desk, watch):
    [ours] = kinds(desk, watch.hears({"3": EVENING}))
    [theirs] = kinds(desk, [as_meteoalarm("red")], "meteoalarm")

    assert set(desk.kinds(theirs).values()) == {PostKind.UPDATE}
    assert theirs.stored.incident_id == ours.stored.incident_id


def test_another_phenomenon_or_another_department_is_another_event(watch):
    [ours] = watch.hears({"1": EVENING})

    assert topic_key(ours) != topic_key(as_meteoalarm())
    assert as_meteoalarm(areas="FR713").incidents == ()


def test_what_somebody_else_sends_is_given_no_name():
    theirs = replace(as_meteoalarm(), sender="alerts@stranger.example", incidents=())
    assert named_event(theirs, frozenset({"38"})) is theirs


def test_a_town_s_codes_tell_its_department():
    codes = [
        NamedValue("INSEE", "38185"),
        NamedValue("NUTS3", "FR831"),
        NamedValue("insee", "2B033"),
        NamedValue("EMMA_ID", "FR714"),
    ]
    assert departments_in(codes) == {"38", "2A", "2B"}


def test_the_table_of_departments():
    assert len(DEPARTMENTS) == 96
    assert len({each.nuts for each in DEPARTMENTS.values()}) == len({each.name for each in DEPARTMENTS.values()}) == 96
    assert "20" not in DEPARTMENTS


# --- what may be configured -----------------------------------------------------------------------------------------

LINES = (
    '[station]\nname = "V"\nsender = "a@v.example"\n[channels.t]\nkind = "telegram"\nchat = "@ville_v"\n'
    'token = { env = "T" }\n[sources.meteo]\nkind = "vigilance"\n'
)


def test_its_settings(tmp_path):
    told = 'key = { env = "K" }\ndepartment = "2A"\nexcept = ["4"]\napi_url = "http://127.0.0.1:8081/vigilance/"\n'
    settings = read_config(tmp_path / "channels.toml", LINES + told).rules_for("meteo").settings

    assert (settings.department, settings.except_) == ("2A", ("4",))
    assert settings.api_url == "http://127.0.0.1:8081/vigilance"


def test_the_key_goes_over_http_to_this_machine_alone(tmp_path):
    told = 'key = { env = "K" }\ndepartment = "2A"\napi_url = "http://meteo.example"\n'
    with pytest.raises(ConfigurationError, match="api_url"):
        read_config(tmp_path / "channels.toml", LINES + told)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    wrong = (
        'key = "abc"\ndepartment = "1"\nexcept = ["10"]\napi_url = "ftp://x"\nexcpt = 3\nurl = "https://x.example"\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        read_config(tmp_path / "channels.toml", LINES + wrong)

    told = {str(each["key"]): str(each["what"]) for each in caught.value.problems}
    assert set(told) == {
        f"sources.meteo.{key}" for key in ("key", "department", "except[0]", "api_url", "excpt", "url")
    }
    assert '"38", "01" or "2A"' in told["sources.meteo.department"]
    assert "'except'" in told["sources.meteo.excpt"]
    assert "abc" not in str(caught.value)


def test_overseas_is_another_service(tmp_path):
    with pytest.raises(ConfigurationError, match="warns 974 by documents that can't be read here"):
        read_config(tmp_path / "channels.toml", f'{LINES}key = {{ env = "K" }}\ndepartment = "974"\n')


# --- what Météo-France really sends ---------------------------------------------------------------------------------


def test_the_map_of_the_26th_of_august():
    body = shared("feeds/vigilance/carte-encours.json").read_bytes()
    now = datetime(2026, 8, 26, 4, 30, tzinfo=UTC)
    edition = read_map(body, "35")
    [alert] = Watch("35").reads(edition, now)

    assert (alert.severity, alert.infos[0].headline) == (Severity.SEVERE, "Vigilance orange orages")
    assert plain(alert.infos[0].description).startswith("Orange : mercredi 26, de 20 h à ")
    assert (edition.updated, edition.until) == (
        datetime(2026, 8, 26, 4, 0, 28, tzinfo=UTC),
        datetime(2026, 8, 27, 22, 0, tzinfo=UTC),
    )
    [other] = Watch("14").reads(read_map(body, "14"), now)
    assert other.severity is Severity.MODERATE


def test_the_bulletin_of_the_6th_of_july():
    body = shared("feeds/vigilance/textes-encours-trimmed.json").read_bytes()

    assert read_bulletin(body, "10").descriptions == {}
    document = json.loads(body)
    # A department of that zone has the zone's words under its own name.
    document["product"]["text_bloc_items"][2]["domain_id"] = "2A"
    told = read_bulletin(json.dumps(document).encode(), "2A")
    assert plain(told.descriptions["6"]).startswith("Qualification : Episode caniculaire dont la durée")
    assert "Corse-du-Sud (2A), Haute-Corse (2B)" not in told.descriptions["6"]
    assert told.instructions == {}
    assert told.updated == datetime(2025, 7, 6, 8, 0, 23, tzinfo=UTC)
    assert timedelta() < datetime(2025, 7, 7, tzinfo=UTC) - told.updated
