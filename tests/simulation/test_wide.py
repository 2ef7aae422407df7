"""A town with a broker, a list, a Vigilance and a site's feed under virtual time: what holds, and what is found."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from alerts.channels import mqtt
from alerts.channels.mail import channel as mail
from alerts.model.alert import MsgType
from alerts.sources import feed
from alerts.sources.rss import Met, RssSource
from alerts.sources.vigilance import source as vigilance
from simulation import run
from simulation.__main__ import SHORT, Wish, broken
from simulation.neighbours import SITE, Neighbours
from simulation.run import simulate
from simulation.station import shared_settings
from tests.release import at_release

BATCH = 1
SEEDS = 20
"""In so many seeds each bug is found."""
FINDS_MOST = 1
"""The seed that finds nine of the ten is tried first."""


@pytest.mark.parametrize("batch", [0, *at_release(range(1, 12))])
def test_no_seed_of_a_wide_town_breaks_a_promise(batch):
    wish = Wish.read(["--wide"])
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        assert list(broken(simulate(seed, SHORT, wide=True), wish)) == []


@pytest.mark.parametrize("seed", [74101013])
def test_a_seed_that_broke_a_promise_before_keeps_it(seed):
    assert simulate(seed, SHORT, wide=True).breaches == []


@pytest.mark.release
def test_a_seed_of_a_wide_town_goes_the_same_way_each_time():
    assert simulate(3, SHORT, wide=True).digest == simulate(3, SHORT, wide=True).digest


def colours_forgotten(monkeypatch):
    monkeypatch.setattr(vigilance, "published_after", lambda *_: {})


def green_untold(monkeypatch):
    changes = vigilance.changes
    monkeypatch.setattr(vigilance, "changes", lambda *given: [each for each in changes(*given) if each.windows])


def what_was_told_misnamed(monkeypatch):
    of = vigilance.PublishedPhenomenon.of

    def misnamed(each):
        published = of(each)
        last = replace(published.run.last, identifier="another")
        return replace(published, run=replace(published.run, last=last))

    monkeypatch.setattr(vigilance.PublishedPhenomenon, "of", misnamed)


def entries_ever_new(monkeypatch):
    count = itertools.count()
    monkeypatch.setattr(feed, "_short", lambda _: f"{next(count):016}")


def entries_passed_over(monkeypatch):
    monkeypatch.setattr(Neighbours, "unread", lambda _: False)
    monkeypatch.setattr(RssSource, "_concerns", lambda *_: False)


def changes_apart(monkeypatch):
    monkeypatch.setattr(Met, "reference", lambda *_: None)


def changes_that_end(monkeypatch):
    alert = RssSource._alert

    def ending(*given):
        made = alert(*given)
        return replace(made, msg_type=MsgType.CANCEL, infos=()) if made.references else made

    monkeypatch.setattr(RssSource, "_alert", ending)


def entries_out_at_once(monkeypatch):
    def hasty(**asked):
        town = shared_settings(**asked)
        return replace(town, sources={**town.sources, SITE: replace(town.sources[SITE], publish="auto")})

    monkeypatch.setattr(run, "shared_settings", hasty)


def nothing_taken_away(monkeypatch):
    monkeypatch.setattr(mqtt, "emptied", lambda *_: [])


def letters_renamed(monkeypatch):
    count, written = itertools.count(), mail.written
    monkeypatch.setattr(mail, "written", lambda *given: replace(written(*given), id=f"{next(count)}@x.example"))


BUGS = {
    "a colour is told once": colours_forgotten,
    "what the map says is told": green_untold,
    "the map goes on from what was told": what_was_told_misnamed,
    "an entry is told once": entries_ever_new,
    "no entry is lost": entries_passed_over,
    "a changed entry is an update": changes_apart,
    "what leaves a feed isn't over": changes_that_end,
    "an entry waits for an officer": entries_out_at_once,
    "what stands is what is on": nothing_taken_away,
    "a letter keeps its name": letters_renamed,
}


LONGEST = "what leaves a feed isn't over"


@pytest.mark.parametrize("promise", [*at_release([LONGEST]), *(each for each in BUGS if each != LONGEST)])
def test_a_bug_put_in_on_purpose_is_found(promise, monkeypatch):
    BUGS[promise](monkeypatch)

    outcomes = (simulate(seed, SHORT, wide=True) for seed in (FINDS_MOST, *range(SEEDS)))
    assert any(breach.promise == promise for outcome in outcomes for breach in outcome.breaches)
