"""The card of the posts of channels that are configured so, where an alert has no picture of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.desk.actions import Desk
from alerts.desk.posts import PostWriter
from alerts.model.alert import Resource, Severity, Status
from alerts.model.ports import Heard
from alerts.model.post import Means, PostKind
from tests.unit.desk.conftest import (
    NOW,
    SENDER,
    TELEGRAM,
    TownDesk,
    X,
    a_town,
    an_alert,
    cancelling,
    following,
    renderer_of,
)


class Album:
    """Files of cards, by the order in which they were drawn."""

    def __init__(self) -> None:
        self.cards = []

    def file_of(self, card) -> str:
        if card not in self.cards:
            self.cards.append(card)
        return f"card-{self.cards.index(card)}.png"


class IllustratedTown(TownDesk):
    """Telegram's posts have cards; X's have none."""

    def __init__(self, path, channels) -> None:
        super().__init__(path, a_town(channels=channels))
        self.album = Album()
        self.writer = PostWriter(self.station, renderer_of(self.station), self._new_id, self.album.file_of)
        self.desk = Desk(self.station, self.writer, self._new_id, self.clock.now)


@pytest.fixture
def town(tmp_path):
    town = IllustratedTown(tmp_path / "town.db", (X, replace(TELEGRAM, card=True)))
    yield town
    town.db.close()


def images(filed):
    return {made.post.channel: made.post.message.image for made in filed.drafts}


def test_only_the_channel_that_wants_it_carries_the_card_with_its_words(town):
    found = images(town.hear(an_alert(severity=Severity.SEVERE)))

    assert found["x"] is None
    assert found["telegram"].path == "card-0.png"
    assert found["telegram"].alt.startswith("Danger grave – Coup de vent. ")
    assert town.album.cards[0].heading == "Coup de vent"


def test_an_update_carries_what_holds_now_and_an_end_carries_none(town):
    first = town.hear(alert := an_alert())
    town.deliver(first)
    second = town.hear(following(alert, headline="Tempête"))
    town.deliver(second)
    end = town.hear(cancelling(alert))

    assert images(second)["telegram"].path == "card-1.png"
    assert town.album.cards[1].heading == "Tempête (mise à jour)"
    assert [made.post.kind for made in end.drafts if made.post.channel == "telegram"] == [PostKind.END]
    assert images(end)["telegram"] is None


def test_the_officers_own_picture_comes_first(town):
    picture = Resource("Plan", "image/png", uri="file:///srv/plan.png")
    filed = town.post(replace(an_alert(resources=(picture,)), sender=SENDER))

    assert images(filed)["telegram"].path == "/srv/plan.png"


def test_a_card_is_drawn_before_the_transaction_and_not_in_it(town):
    alert = an_alert()
    town.desk.locate([Heard(alert.identifier, alert)], "meteo")
    drawn = list(town.album.cards)
    town.hear(alert)

    assert len(drawn) == 1
    assert town.album.cards == drawn


def test_what_an_officer_writes_is_drawn_before_too(town):
    alert = replace(an_alert(), sender=SENDER)
    town.desk.warm(alert)
    drawn = list(town.album.cards)
    town.post(alert)

    assert (len(drawn), town.album.cards) == (1, drawn)


def test_what_is_only_looked_at_is_not_drawn_but_has_its_words(town):
    town.desk = town.desk.for_preview()
    filed = town.hear(an_alert())

    assert images(filed)["telegram"].alt.startswith("Attention – Coup de vent")
    assert town.album.cards == []


def test_an_exercises_card_says_so_and_is_drawn_for_exercises_channels_alone(tmp_path):
    drills = replace(TELEGRAM, name="drills", exercise=True, card=True)
    town = IllustratedTown(tmp_path / "drills.db", (replace(X, card=True, on_end=Means.REPLY), drills))
    alert = replace(an_alert(), status=Status.EXERCISE)
    town.desk.locate([Heard(alert.identifier, alert)], "meteo")
    filed = town.hear(alert)

    assert list(images(filed)) == ["drills"]
    assert images(filed)["drills"].alt.startswith("EXERCICE – ")
    assert [card.exercise for card in town.album.cards] == ["EXERCICE"]
    town.db.close()


def test_a_card_of_another_day_is_another_card(town):
    filed = town.hear(an_alert())
    town.clock.set(NOW.replace(day=26))
    again = town.hear(an_alert(event="Crue", headline="Coup de vent", expires=NOW.replace(day=26, hour=20)))

    assert images(filed)["telegram"].path != images(again)["telegram"].path


def test_where_a_post_is_a_picture_each_carries_the_card_an_end_too_and_no_other_picture(tmp_path):
    instagram = replace(TELEGRAM, card=True, card_alone=True, on_update=Means.NEW, on_end=Means.NEW)
    town = IllustratedTown(tmp_path / "town.db", (instagram,))
    alert = an_alert(severity=Severity.SEVERE)
    first = town.hear(alert)
    town.deliver(first)
    end = town.hear(cancelling(alert))

    assert images(first)["telegram"].path == "card-0.png"
    assert images(end)["telegram"].path == "card-1.png"
    assert (town.album.cards[1].severity, end.drafts[0].post.means) == (None, Means.NEW)
    town.db.close()
