"""What the works calendar says: three sentences for before, beginning and planned end; what changed; how it repeats."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.channels.settings import TELEGRAM_TEXT, TWITTER_TEXT
from alerts.model.alert import Alert, Area, Category, Info, MsgType, NamedValue, Severity
from alerts.model.post import EndReason, PostKind
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.matter import Context
from alerts.rendering.templates import Renderer
from tests.walls import in_one_test

PARIS = ZoneInfo("Europe/Paris")
RENDERER = Renderer(Town("Saint-Martin"))
MORNING = datetime(2026, 11, 26, 9, tzinfo=PARIS)
NOON = datetime(2026, 11, 26, 12, tzinfo=PARIS)
DAY_ENDS = datetime(2026, 11, 27, tzinfo=PARIS)
SERIES = {"rule": "FREQ=WEEKLY;BYDAY=TH", "opens": "09:00", "length": 10800, "last": "2026-12-17"}
SERIES |= {"off": [], "extra": [], "moved": []}


TELEGRAM = ChannelConfig("telegram", "telegram", TELEGRAM_TEXT)
X = ChannelConfig("x", "twitter", TWITTER_TEXT)


def said(
    step: str,
    *,
    language: str = "fr-FR",
    now: datetime = MORNING,
    kind: PostKind = PostKind.UPDATE,
    reason: EndReason | None = None,
    hazard: str = "works",
    title: str = "Rue haute barrée",
    ends: datetime = NOON,
    face: ChannelConfig = TELEGRAM,
    **parameters: object,
):
    """The variables of a template, and the post of a channel."""
    told = {"tocsin:hazard": hazard, "tocsin:step": step}
    told |= {f"tocsin:{name.replace('_', '-')}": json.dumps(value) for name, value in parameters.items()}
    info = Info(
        "Travaux",
        language="fr-FR",
        categories=(Category.TRANSPORT,),
        severity=Severity.MINOR,
        onset=MORNING,
        expires=ends,
        sender_name="Saint-Martin",
        headline=title,
        parameters=tuple(NamedValue(name, value) for name, value in told.items()),
        areas=(Area("Rue haute"),),
    )
    alert = Alert("1", "a@b", now.astimezone(UTC), msg_type=MsgType.UPDATE, infos=(info,))
    face = replace(face, language=language)
    context = Context("1", now, reason, alert)
    facts = RENDERER.tell(alert, kind, face, context=context)
    return facts, RENDERER.render(alert, kind, face, context=context).message.plain


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "begins", "ends", "ended", "over"),
    [
        (
            *("fr-FR", "Commence maintenant – Rue haute barrée", "fin prévue à midi"),
            *("Fin prévue passée (midi) – Rue haute barrée", "L’horaire annoncé est passé."),
        ),
        (
            *("en-GB", "Starting now – ", "due to end at noon"),
            *("Planned end passed (noon) – roadworks (Rue haute barrée)", "The announced time has passed."),
        ),
    ],
)
def test_before_beginning_and_planned_end_are_three_sentences(language, begins, ends, ended, over):
    before, _ = said("before", language=language, now=MORNING - timedelta(days=1), kind=PostKind.PUBLISH)
    start, post = said("start", language=language)
    end, last = said("end", language=language, now=NOON, kind=PostKind.END, reason=EndReason.EXPIRED)

    assert len({before["lead"], start["lead"], end["lead"]}) == 3
    assert start["lead"].startswith(begins)
    assert plain(start["when"]) == ends
    assert plain(end["lead"]) == ended
    assert end["instruction"].startswith(over)
    assert "Mise à jour" not in post
    assert "(update)" not in post
    for word in ("rétabli", "terminé", "restored", "finished", "open again"):
        assert word not in last


@in_one_test
@pytest.mark.parametrize(
    ("series", "when"),
    [
        ({}, "chaque jeudi de 9 h à {noon} jusqu’au 17 décembre"),
        ({"off": ["2026-12-03"]}, "chaque jeudi de 9 h à {noon} jusqu’au 17 décembre, sauf le 3 décembre"),
        (
            {"off": ["2026-12-03", "2026-12-10"]},
            "chaque jeudi de 9 h à {noon} jusqu’au 17 décembre, sauf les 3 et 10 décembre",
        ),
        ({"last": None}, "chaque jeudi de 9 h à {noon}"),
        ({"extra": ["2026-12-04"]}, "chaque jeudi de 9 h à {noon} jusqu’au 17 décembre, et aussi le 4 décembre"),
        ({"last": "2027-12-01"}, "chaque jeudi de 9 h à {noon} jusqu’au 1er décembre 2027"),
        ({"rule": "FREQ=WEEKLY;BYDAY=TU,TH"}, "chaque mardi et jeudi de 9 h à {noon} jusqu’au 17 décembre"),
        ({"rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}, "du lundi au vendredi de 9 h à {noon} jusqu’au 17 décembre"),
        ({"rule": "FREQ=WEEKLY;BYDAY=TH;INTERVAL=2"}, "un jeudi sur deux de 9 h à {noon} jusqu’au 17 décembre"),
        ({"rule": "FREQ=DAILY"}, "chaque jour du 26 novembre au 17 décembre, de 9 h à {noon}"),
        (
            {"rule": "FREQ=DAILY", "opens": "22:00", "length": 28800, "last": "2026-12-05"},
            "les nuits du 26 novembre au 6 décembre, de 22 h à 6 h",
        ),
        ({"rule": "FREQ=MONTHLY;BYDAY=1TU", "last": None}, "le premier mardi de chaque mois de 9 h à {noon}"),
        ({"rule": "FREQ=MONTHLY;BYMONTHDAY=15", "last": None}, "le 15 de chaque mois de 9 h à {noon}"),
        ({"rule": "", "extra": ["2026-12-03", "2026-12-17"]}, "les 3 et 17 décembre de 9 h à {noon}"),
        ({"rule": "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=2,3"}, "à plusieurs dates, la prochaine jeudi 26 novembre"),
    ],
)
def test_a_series_in_words(series, when):
    facts, _ = said("before", kind=PostKind.PUBLISH, series=SERIES | series)

    noon = "midi" if "midi" in facts["when"] else "12 h"
    assert plain(facts["when"]).startswith(when.format(noon=noon))


def test_a_series_with_a_date_that_is_moved_from_the_first_says_so():
    moved = [["2026-12-03", "2026-12-02T09:00:00+01:00", "2026-12-02T12:00:00+01:00"]]
    _, post = said("before", kind=PostKind.PUBLISH, series=SERIES | {"moved": moved})

    assert "Par exception, mercredi 2 décembre" in plain(post)
    assert "(était : jeudi 3 décembre)." in plain(post)


def test_a_series_that_begins_much_later_says_from_when():
    facts, _ = said("before", now=MORNING - timedelta(days=14), kind=PostKind.PUBLISH, series=SERIES)

    assert plain(facts["when"]).endswith("du 26 novembre au 17 décembre")


@in_one_test
@pytest.mark.parametrize(
    ("series", "change", "lead"),
    [
        (None, {"what": "time", "was": ["2026-11-25T09:00:00+01:00", "2026-11-25T12:00:00+01:00"]}, "Reporté – "),
        (None, {"what": "time", "was": ["2026-11-27T09:00:00+01:00", "2026-11-27T12:00:00+01:00"]}, "Avancé – "),
        (None, {"what": "time", "was": ["2026-11-26T09:00:00+01:00", "2026-11-26T11:00:00+01:00"]}, "Prolongé – "),
        (None, {"what": "time", "was": ["2026-11-26T09:00:00+01:00", "2026-11-26T17:00:00+01:00"]}, "Raccourci – "),
        (SERIES, {"what": "off", "days": ["2026-12-03"]}, "Fermeture annulée jeudi 3 décembre – "),
        (SERIES, {"what": "on", "days": ["2026-12-03"]}, "A bien lieu jeudi 3 décembre – "),
        (SERIES, {"what": "last", "was": "2026-12-10", "now": "2026-12-17"}, "Prolongé – "),
        (SERIES, {"what": "last", "was": None, "now": "2026-12-17"}, "Raccourci – "),
        (
            SERIES,
            {
                "what": "date",
                "moved": [["2026-12-03", "2026-12-02T09:00:00+01:00", "2026-12-02T12:00:00+01:00"]],
            },
            "Avancé – ",
        ),
        (
            SERIES,
            {"what": "rhythm", "was": SERIES | {"rule": "FREQ=DAILY", "first": "2026-11-26", "all_day": False}},
            "Changement – ",
        ),
    ],
)
def test_a_change_says_what_old_and_new(series, change, lead):
    more = {"series": series} if series else {}
    facts, post = said("moved", change=[change], **more)

    assert plain(facts["lead"]) == f"{lead}Rue haute{' barrée' if change['what'] != 'off' else ''}"
    if change["what"] not in ("off", "on"):
        assert "(était : " in plain(facts["when"])
    else:
        assert "Les autres dates ne changent pas." in post
    english, _ = said("moved", language="en-GB", change=[change], **more)
    assert english["lead"] != facts["lead"]


def test_a_new_title_and_a_new_place_say_the_old_ones():
    changes = [{"what": "title", "was": "Rue basse barrée"}, {"what": "place", "was": "Rue basse"}]
    _, post = said("moved", change=changes)

    assert "Nouvel intitulé (était : Rue basse barrée). Nouveau lieu (était : Rue basse)." in plain(post)


def test_called_off_says_what_is_not_on():
    before, _ = said("cancelled", now=MORNING - timedelta(days=1), kind=PostKind.END, reason=EndReason.CANCELLED)
    begun, _ = said("cancelled", now=NOON - timedelta(hours=1), kind=PostKind.END, reason=EndReason.CANCELLED)

    assert before["lead"] == begun["lead"] == "Fermeture annulée – Rue haute"
    assert before["instruction"].startswith("N’a pas lieu")
    assert begun["instruction"] == "L’annonce ne s’applique plus."


def test_an_end_says_the_same_where_room_is_short():
    _, post = said("end", now=NOON, kind=PostKind.END, reason=EndReason.EXPIRED, face=X)
    assert "L’horaire annoncé est passé." in post
    assert "La durée annoncée" not in post


@pytest.mark.parametrize(
    ("title", "lead"),
    [
        ("Raccordement au gaz rue Basse, rue barrée", "Fermeture annulée – Raccordement au gaz rue Basse"),
        ("Abattage d’arbres", "Annulé – Abattage d’arbres"),
    ],
)
def test_what_is_called_off_is_the_closure_where_there_was_to_be_one(title, lead):
    facts, _ = said("cancelled", kind=PostKind.END, reason=EndReason.CANCELLED, title=title)

    assert facts["lead"] == lead


@pytest.mark.parametrize(
    ("language", "hazard", "told"),
    [
        ("fr-FR", "works", ("Fin prévue ce soir – Rue haute barrée", "Respectez la signalisation encore en place.")),
        (
            *("en-GB", "works"),
            ("Due to end this evening – roadworks (Rue haute barrée)", "Follow any signs still on site."),
        ),
        ("fr-FR", "general", ("Fin prévue ce soir – Rue haute barrée", "")),
    ],
)
def test_the_evening_of_a_whole_day_is_not_called_passed(language, hazard, told):
    evening = {"all_day": True, "kind": PostKind.END, "reason": EndReason.EXPIRED, "hazard": hazard}
    facts, _ = said("end", language=language, now=NOON.replace(hour=20), ends=DAY_ENDS, **evening)
    late, _ = said("end", language=language, now=DAY_ENDS + timedelta(hours=9), ends=DAY_ENDS, **evening)

    assert (facts["lead"], facts["instruction"]) == told
    assert late["lead"].startswith(("Fin prévue passée – ", "Planned end passed – "))


@in_one_test
@pytest.mark.parametrize(
    ("language", "step", "order"),
    [
        *(("fr-FR", "before", "Avant 9 h : chargez"), ("en-GB", "before", "Before 9am: charge your phones.")),
        *(("fr-FR", "start", "Utilisez groupe électrogène"), ("en-GB", "start", "Use generators and stoves outdoors")),
    ],
)
def test_a_power_cut_of_the_calendar_is_planned_and_no_failure(language, step, order):
    when = MORNING - timedelta(hours=step == "before")
    facts, _ = said(step, language=language, now=when, kind=PostKind.PUBLISH, hazard="power")

    assert plain(facts["instruction"]).startswith(order)
    assert "câble" not in facts["instruction"]


def test_a_notice_that_is_withdrawn_repeats_nothing_of_it():
    facts, post = said("withdrawn", kind=PostKind.END, reason=EndReason.CANCELLED)

    assert facts["lead"] == "Annonce retirée"
    assert facts["instruction"] == "L’annonce ne s’applique plus."
    assert "haute" not in post


def test_what_is_no_works_is_not_called_so_and_orders_nothing():
    facts, post = said("before", kind=PostKind.PUBLISH, hazard="general")

    assert facts["lead"] == "Rue haute barrée"
    assert (facts["instruction"], facts["advice"]) == ("", [])
    assert "ravaux" not in post


def test_no_place_is_said_where_the_calendar_names_none():
    facts, _ = said("before", kind=PostKind.PUBLISH)
    info = replace(facts["info"], areas=(Area("Saint-Martin"),))
    alert = replace(facts["alert"], infos=(info,))
    face = ChannelConfig("telegram", "telegram", TELEGRAM_TEXT)
    post = RENDERER.render(alert, PostKind.PUBLISH, face, context=Context("1", MORNING)).message.plain

    assert facts["area"] == "Rue haute"
    assert "Où" not in post


@in_one_test
@pytest.mark.parametrize("value", ["{", "[]", '{"rule": 1}', '[{"what": "time", "was": 3}]', "9" * 5000])
def test_what_another_feed_writes_there_does_no_harm(value):
    for name in ("tocsin:series", "tocsin:change"):
        info = Info("x", headline="A title", parameters=(NamedValue("tocsin:step", "moved"), NamedValue(name, value)))
        face = ChannelConfig("telegram", "telegram", TELEGRAM_TEXT)
        alert = Alert("1", "a@b", MORNING, infos=(info,))
        for kind in PostKind:
            post = RENDERER.render(alert, kind, face, context=Context("1", MORNING)).message.plain
            assert "A title" in post
