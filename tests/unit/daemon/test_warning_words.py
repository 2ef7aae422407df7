"""Every warning says cause, then fix, in the station's language, and is short."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.daemon.warning_words import word
from alerts.daemon.warnings import LONGEST, compose
from alerts.delivery.watch import News, Say, Trouble, What
from alerts.rendering.count import count
from tests.unit.desk.conftest import PAGE, TEAM, X

PARIS = ZoneInfo("Europe/Paris")
SINCE = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
LONG = "the platform said a great many <things> & more; " * 40


def news(what: What, say: Say = Say.BEGINS, reason: str | None = "status 503", name: str = "meteo") -> News:
    return News(say, Trouble(what, name, reason, SINCE, 3), SINCE)


@pytest.mark.parametrize(("what", "language"), [(what, language) for what in What for language in ("fr-FR", "en")])
def test_each_kind_is_told_with_its_name_a_fix_and_that_it_is_over(what, language):
    begins = word(news(what), language, PARIS)
    over = word(news(what, Say.OVER), language, PARIS)

    assert "meteo" in begins.headline
    assert begins.fix
    assert begins.detail == "status 503"
    assert "meteo" in over.headline
    assert (over.fix, over.detail) == (None, None)
    assert not {"{", "}"} & set(begins.headline + begins.fix + over.headline)


def test_the_languages_are_two():
    kind = What.CREDENTIAL
    assert word(news(kind), "fr-CA", PARIS).headline.startswith("Avertissement : le canal meteo")
    assert word(news(kind), "de-DE", PARIS).headline.startswith("Warning: the channel meteo")
    assert word(news(kind, Say.GOES_ON), "fr", PARIS).headline.startswith("Toujours, depuis 25/11 03:05 : ")
    assert word(news(kind, Say.OVER), "en", PARIS).headline.endswith("(in trouble since 2026-11-25 03:05).")


def test_a_source_that_was_never_read_says_so():
    never = News(Say.BEGINS, Trouble(What.FEED, "meteo", "no such host"), SINCE)

    assert "jamais" in word(never, "fr", PARIS).headline
    assert "never" in word(never, "en", PARIS).headline


@pytest.mark.parametrize(
    ("what", "language", "outlet"),
    [(what, language, outlet) for what in What for language in ("fr-FR", "en") for outlet in (X, PAGE, TEAM)],
)
def test_it_fits_every_channel_and_the_cause_is_never_cut(what, language, outlet):
    words = word(news(what, reason=LONG, name="n" * 30), language, PARIS)
    message = compose(words, "Communauté de communes de Saint-Martin", outlet, language)

    assert count(message.text, outlet.text) <= min(outlet.text.limit, LONGEST)
    assert words.headline in message.plain
    assert ("&lt;" in message.text) == (outlet is TEAM and "<" in message.plain)


def test_all_of_it_is_there_where_it_fits():
    words = word(news(What.PLATFORM), "fr", PARIS)

    assert compose(words, "Saint-Martin", TEAM, "fr").plain.splitlines() == [
        "Tocsin, Saint-Martin",
        words.headline,
        words.fix,
        "(status 503)",
    ]
