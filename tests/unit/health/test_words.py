"""Every warning says cause, then fix, in the station's language, and is short."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.health.monitor import HealthNotice, Phase, Trouble, What
from alerts.health.notices import LONGEST, compose, tidied
from alerts.health.words import NoticeWords, PendingApproval, word, word_pending
from alerts.model.alert import Severity
from alerts.model.reason import because, in_words
from alerts.rendering.counting import count
from tests.unit.desk.conftest import PAGE, TEAM, X
from tests.walls import in_one_test

PARIS = ZoneInfo("Europe/Paris")
SINCE = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
LONG = "the platform said a great many <things> & more; " * 40


def news(what: What, say: Phase = Phase.FIRING, reason: str | None = "status 503", name: str = "meteo") -> HealthNotice:
    return HealthNotice(say, Trouble(what, name, in_words(reason) if reason else None, SINCE, 3), SINCE)


@in_one_test
@pytest.mark.parametrize(("what", "language"), [(what, language) for what in What for language in ("fr-FR", "en")])
def test_each_kind_is_told_with_its_name_a_fix_and_that_it_is_over(what, language):
    begins = word(news(what), language, PARIS)
    over = word(news(what, Phase.RESOLVED), language, PARIS)

    assert "meteo" in begins.headline
    assert begins.fix
    assert begins.detail == "status 503"
    assert "meteo" in over.headline
    assert (over.fix, over.detail) == (None, None)
    assert not {"{", "}"} & set(begins.headline + begins.fix + over.headline)


def test_where_the_desk_has_an_address_a_warning_leads_there_and_names_no_command():
    for what in (What.CREDENTIAL, What.LANE, What.UNDECIDED, What.LIMIT, What.FEED):
        for language in ("fr", "en"):
            told = word(news(what), language, PARIS, "https://poste.example/desk")
            assert "https://poste.example/desk/" in told.fix
            assert "tocsin" not in told.fix


@in_one_test
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x_forbids_all", "portail développeur"),
        ("x_account_refused", "Connectez-vous à la plateforme"),
        ("facebook_permission", "Un administrateur du compte"),
        ("x_credits", "La personne qui paie l’application"),
    ],
)
def test_a_refusal_says_whether_it_is_app_account_right_or_credits_and_whom_to_ask(code, says):
    trouble = Trouble(What.PLATFORM if code == "x_credits" else What.CREDENTIAL, "x", because(code, said="no"), SINCE)
    told = word(HealthNotice(Phase.FIRING, trouble, SINCE), "fr", PARIS)
    assert "identifiants" not in told.headline
    assert says in told.fix


@in_one_test
@pytest.mark.parametrize(
    ("code", "english", "french"),
    [
        (
            "x_keys_refused",
            "credential of the channel x works again",
            "identifiants du canal x sont de nouveau acceptés",
        ),
        ("x_app_refused", "accepts what our app publishes again", "accepte de nouveau ce que publie notre application"),
        ("x_forbids_all", "accepts what our app publishes again", "accepte de nouveau ce que publie notre application"),
        ("x_account_refused", "the platform accepts our account again", "accepte de nouveau notre compte"),
        ("facebook_permission", "the platform lets us publish again", "nous laisse de nouveau publier"),
        ("x_credits", "the channel x has credits again", "le canal x a de nouveau des crédits"),
        (None, "the channel x can publish again", "le canal x peut de nouveau publier"),
    ],
)
def test_that_it_is_over_says_what_was_refused(code, english, french):
    reason = because(code, said="no") if code else None
    over = HealthNotice(Phase.RESOLVED, Trouble(What.CREDENTIAL, "x", reason, SINCE), SINCE)
    assert english in word(over, "en", PARIS).headline
    assert french in word(over, "fr", PARIS).headline


def test_the_languages_are_two():
    kind = What.CREDENTIAL
    assert word(news(kind), "fr-CA", PARIS).headline.startswith("Avertissement\u00a0: le canal meteo")
    assert word(news(kind), "de-DE", PARIS).headline.startswith("Warning: the channel meteo")
    assert word(news(kind, Phase.REPEATED), "fr", PARIS).headline.startswith("Toujours, depuis 25/11 3\u00a0h\u00a005")
    assert word(news(kind, Phase.RESOLVED), "en", PARIS).headline.endswith("(in trouble since 2026-11-25 03:05).")


def test_a_source_that_was_never_read_says_so():
    never = HealthNotice(Phase.FIRING, Trouble(What.FEED, "meteo", in_words("no such host")), SINCE)

    assert "jamais" in word(never, "fr", PARIS).headline
    assert "never" in word(never, "en", PARIS).headline


@in_one_test
@pytest.mark.parametrize(
    ("what", "language", "channel"),
    [(what, language, channel) for what in What for language in ("fr-FR", "en") for channel in (X, PAGE, TEAM)],
)
def test_it_fits_every_channel_and_the_cause_is_never_cut(what, language, channel):
    words = word(news(what, reason=LONG, name="n" * 30), language, PARIS)
    message = compose(words, "Communauté de communes de Saint-Martin", channel, language)

    assert count(message.text, channel.text) <= min(channel.text.limit, LONGEST)
    assert words.headline in message.plain
    assert ("&lt;" in message.text) == (channel is TEAM and "<" in message.plain)


def test_all_of_it_is_there_where_it_fits():
    words = word(news(What.PLATFORM), "fr", PARIS)

    assert compose(words, "Saint-Martin", TEAM, "fr").plain.splitlines() == [
        "Tocsin, Saint-Martin",
        words.headline,
        words.fix,
        "(status 503)",
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_word_of_a_stranger_turns_a_notice_around(language):
    awaited = PendingApproval(
        "a1",
        "Crue \u202e!rinetnoc\u2066 <b>du Drac</b>",
        Severity.SEVERE,
        ("Rue\u202e Haute",),
        SINCE,
        None,
        "An\u200bne\u202d",
    )
    words = word_pending(awaited, Phase.FIRING, language, PARIS)
    over = word_pending(
        replace(awaited, settled="reject", who="Be\u202ert", reason="Non\u202e."), Phase.RESOLVED, language, PARIS
    )

    for each in (words, over, NoticeWords("Titre\u202e", "Lisez.", "dit\u2067\nceci")):
        for shown in (compose(each, "Saint-Martin", channel, language).plain for channel in (TEAM, X)):
            assert not {c for c in shown if unicodedata.category(c) == "Cf"}
            assert "<b>" not in shown
    assert "Crue !rinetnoc du Drac" in compose(words, "Saint-Martin", TEAM, language).plain


def test_the_alert_that_is_kept_of_a_notice_is_clean_too():
    told = tidied(NoticeWords("Titre\u202e", "Lisez.", "dit\u2067 ceci"))

    assert (told.headline, told.fix, told.detail) == ("Titre", "Lisez.", "dit ceci")
