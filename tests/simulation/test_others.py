"""A channel and a source of every kind under virtual time: none is missing, what holds, and what is found."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from alerts.channels import KINDS as CHANNEL_KINDS
from alerts.channels import bluesky, mastodon, matrix
from alerts.channels.ntfy import Ntfy
from alerts.model.post import Receipt
from alerts.sources import KINDS as SOURCE_KINDS
from alerts.sources import atmo, gtfs_rt, mailbox, roads, vigicrues
from alerts.sources.cap import nina
from alerts.sources.ical import source as ical
from simulation.__main__ import SHORT, Wish, broken
from simulation.run import simulate
from simulation.sandboxed import told
from simulation.station import shared_settings
from tests.release import at_release

SEEDS = 20
"""In so many seeds each bug is found."""


def test_every_kind_of_channel_and_of_source_takes_part():
    towns = [shared_settings(), shared_settings(wide=True), shared_settings(others=True)]
    assert {each.kind for town in towns for each in town.channels.values()} == CHANNEL_KINDS.keys()
    assert {each.kind for town in towns for each in town.sources.values()} - {"manual"} == SOURCE_KINDS.keys()


@pytest.mark.parametrize("seed", [0, *at_release(range(1, 12))])
def test_no_seed_breaks_a_promise(seed):
    assert list(broken(simulate(seed, SHORT, others=True), Wish.read(["--others"]))) == []


@pytest.mark.release
def test_a_seed_goes_the_same_way_each_time():
    assert simulate(3, SHORT, others=True).digest == simulate(3, SHORT, others=True).digest


def _counted(text: str):
    count = itertools.count()
    return lambda *_, **__: text.format(next(count))


async def _nothing(*_, **__):
    return None


def older_is_newer(monkeypatch):
    monkeypatch.setattr(vigicrues, "older_edition", lambda *_: None)
    monkeypatch.setattr(vigicrues, "must_be_newer", lambda *_: None)
    monkeypatch.setattr(vigicrues.VigicruesSource, "_tell", lambda _, __, ___, published, ____: ([], published))


def episode_passed_over(monkeypatch):
    monkeypatch.setattr(atmo, "to_come", lambda *_: ())


def missing_goes_on(monkeypatch):
    monkeypatch.setattr(gtfs_rt, "GONE_AFTER", 100 * gtfs_rt.LIFE)


def closure_passed_over(monkeypatch):
    monkeypatch.setattr(roads, "_rank", lambda *_: None)
    monkeypatch.setattr(roads, "_IMPEDES", {"NOTHING"})
    monkeypatch.setattr(roads, "_text", lambda *_: "")


def entry_ever_new(monkeypatch):
    monkeypatch.setattr(ical, "from_state", lambda _: {})


def warning_passed_over(monkeypatch):
    monkeypatch.setattr(nina, "address_of", lambda *_: None)


def mail_ever_new(monkeypatch):
    count, draft = itertools.count(), mailbox.draft_of

    def renamed(name, words, *given, **named):
        return draft(name, replace(words, identity=f"{next(count)}"), *given, **named)

    monkeypatch.setattr(mailbox, "draft_of", renamed)


def key_ever_new(module):
    def planted(monkeypatch):
        monkeypatch.setattr(module, "identity_of", _counted("key-{}"))

    return planted


def blind(module, kind):
    """No key by which a repeat is known, and nothing is found."""

    def planted(monkeypatch):
        key_ever_new(module)(monkeypatch)
        monkeypatch.setattr(told(kind), "find", _nothing)

    return planted


def receipt_of_nothing(monkeypatch):
    async def publish(*_, **__):
        return Receipt("nt0")

    monkeypatch.setattr(Ntfy, "publish", publish)
    monkeypatch.setattr(told("ntfy"), "publish", publish)


BUGS = {
    "vigicrues": ("what is on is told", older_is_newer),
    "atmo": ("what is on is told", episode_passed_over),
    "gtfs_rt": ("what is over is ended", missing_goes_on),
    "roads": ("what is on is told", closure_passed_over),
    "ical": ("a change goes on with what was told", entry_ever_new),
    "nina": ("what is on is told", warning_passed_over),
    "mailbox": ("what is on is told once", mail_ever_new),
    "mastodon": ("nothing twice", blind(mastodon, "mastodon")),
    "bluesky": ("a key is taken once", blind(bluesky, "bluesky")),
    "matrix": ("nothing twice", blind(matrix, "matrix")),
    "ntfy": ("nothing lost", receipt_of_nothing),
}
EACH_RUN = ("vigicrues", "gtfs_rt")


@pytest.mark.parametrize("kind", [*EACH_RUN, *at_release(BUGS.keys() - set(EACH_RUN))])
def test_a_bug_put_in_on_purpose_is_found(kind, monkeypatch):
    promise, plant = BUGS[kind]
    plant(monkeypatch)

    outcomes = (simulate(seed, SHORT, others=True) for seed in range(SEEDS))
    assert any(breach.promise == promise for outcome in outcomes for breach in outcome.breaches)
