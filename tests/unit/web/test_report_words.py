"""The report's faces: HTML that stands alone, text, and spans as people read them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.desk.report import Delays, Report, ReportLine, ReportPost, ReportVersion, TimelineStep, Unsaid
from alerts.model.incident import AlertState
from alerts.model.post import PostState
from alerts.model.reason import because, in_words
from alerts.web.console.report import report_html, report_text, spelled_span
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


def a_report(**changes) -> Report:
    version = ReportVersion(
        number=1,
        alert="id1",
        identifier="urn-1",
        source="manual",
        sender="alertes@saint-martin.example",
        author="anne",
        state=AlertState.ACCEPTED,
        reason="validated by bruno",
        status="Actual",
        kind="Alert",
        event="Vent",
        severity="Severe",
        urgency="Immediate",
        certainty="Likely",
        headline="Rue <Basse> fermée",
        description="Une conduite est rompue.",
        instruction="Passez par la rue Haute.",
        web=None,
        areas=("Centre-Bourg",),
        onset=None,
        expires=NOW + timedelta(hours=6),
        sent=NOW,
        received_at=NOW,
        validated_at=NOW,
        notes=(because("event_no_uid"), in_words("an older note")),
    )
    told = ReportPost(
        post="p1",
        version=1,
        channel="x",
        kind="publish",
        means="new",
        state=PostState.SENT,
        text="Danger : <b>rue</b> Basse",
        link=None,
        picture=None,
        remote_id="77",
        url="https://x.com/i/web/status/77",
        reason=None,
        attempts=2,
        exercise=False,
        warnings=(because("remark_no_area"),),
        stored_at=NOW,
        left_at=NOW,
        answered_at=NOW,
        delays=Delays(whole=timedelta(seconds=1.25)),
    )
    fields = {
        "incident": "inc1",
        "station": "Ville de Saint-Martin",
        "made_at": NOW,
        "headline": version.headline,
        "exercise": False,
        "versions": (version,),
        "posts": (told,),
        "deeds": (ReportLine(NOW, "anne", "author", "console", "192.0.2.7", "post", 1, ""),),
        "steps": (TimelineStep(NOW, 1, "x", "send", None),),
        "unsaid": (Unsaid(None, "page", "it was not chosen"),),
    }
    return Report(**{**fields, **changes})


def test_the_file_needs_nothing_else_and_obeys_nothing_that_was_said():
    page = report_html(a_report(), "fr", PARIS)

    assert "<b>rue</b>" not in page
    assert "&lt;b&gt;rue" in page
    assert "<style>" in page
    assert "@page" in page
    assert re.findall(r'(?:src|href)="([^"]+)"', page) == ["https://x.com/i/web/status/77"], "nothing is fetched"
    assert "<script" not in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ["Compte rendu d’incident", "Grave", "envoyée", "Qui a fait quoi", "25/11/2026 13:00:00"]),
        ("en", ["Incident report", "Severe", "sent", "Who did what", "25/11/2026 13:00:00"]),
    ],
)
def test_both_faces_speak_the_reader_s_language(language, words):
    report = a_report()

    page, text = report_html(report, language, PARIS), report_text(report, language, PARIS)

    assert f'<html lang="{language}">' in page
    for word in words:
        assert word in page
        assert word.casefold() in text.casefold()


@pytest.mark.parametrize(
    ("language", "note", "look"),
    [
        ("fr", "il n’a pas d’UID", "aucun lieu n’est donné"),
        ("en", "it has no UID", "the alert has no area"),
    ],
)
def test_notes_and_warnings_are_in_the_reader_s_language_and_older_ones_as_they_are(language, note, look):
    for face in (report_html, report_text):
        said = " ".join(face(a_report(), language, PARIS).split()).casefold()
        for words in (note, look, "an older note"):
            assert words.casefold() in said


def test_the_text_says_what_was_said_as_it_was_said():
    text = report_text(a_report(), "en", PARIS)

    assert "Danger : <b>rue</b> Basse" in text
    assert "https://x.com/i/web/status/77" in text
    assert "page: it was not chosen" in text
    assert "EXERCISE" not in text


def test_days_are_in_the_reader_s_language_too():
    late = replace(a_report().posts[0], delays=Delays(whole=timedelta(days=2)))

    assert "2 j 00 h" in report_text(a_report(posts=(late,)), "fr", PARIS)


def test_an_exercise_says_so_before_anything_else():
    report = a_report(exercise=True)

    assert report_text(report, "en", PARIS).startswith("*** EXERCISE")
    assert report_html(report, "fr", PARIS).index("EXERCICE") < report_html(report, "fr", PARIS).index("<h1")


@in_one_test
@pytest.mark.parametrize(
    ("span", "spelled"),
    [
        (None, "–"),
        (timedelta(milliseconds=24), "24 ms"),
        (timedelta(seconds=1), "1 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(seconds=60), "1 min 00 s"),
        (timedelta(minutes=3, seconds=5), "3 min 05 s"),
        (timedelta(minutes=59, seconds=59), "59 min 59 s"),
        (timedelta(hours=2, minutes=10), "2 h 10 min"),
        (timedelta(days=3, hours=4), "3 d 04 h"),
    ],
)
def test_a_span_is_spelled_as_people_read_it(span, spelled):
    assert spelled_span(span) == spelled
