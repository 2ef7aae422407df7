"""What a broker is told beyond the contract, against a real one: what stands there, for whom, and how it goes away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.channels.mqtt import LARGEST, Mqtt, level
from alerts.channels.settings import MqttSettings
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, InDoubt, Rejected, Retry
from alerts.model.post import About, Means, Message, PostKind, PostState
from alerts.model.reason import reason_of
from alerts.store.files import migrate
from tests.contract.channels.conftest import SETTINGS, message
from tests.unit.delivery.lane_house import LaneHouse
from tests.walls import in_one_test

READY = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
ALERT = {
    "severity": "Severe",
    "event": "Orages",
    "headline": "Orages violents",
    "instruction": "Restez à l’abri.",
    "area": "Centre-Bourg",
    "until": "2026-11-25T22:00:00+01:00",
    "districts": ["D1"],
    "over": False,
}


def alert(incident: str = "i1", kind: PostKind = PostKind.PUBLISH, **more: Any) -> Message:
    about = About("p1", "a1", incident, "panneaux", kind, Severity.SEVERE, ready_at=READY)
    return Message(json.dumps({**ALERT, **more}), "Orages violents", "https://a.example/alerts/i1", about=about)


@pytest.fixture
async def channel(stage):
    channel = await stage.open("mqtt")
    yield channel
    await channel.close()


async def test_an_alert_stands_at_each_of_its_districts_and_for_the_whole_town(stage, channel):
    receipt = await channel.publish(alert(districts=["D1", "D2"]))
    standing = await stage.broker.standing()

    assert standing.keys() == {"tocsin/all/i1", "tocsin/D1/i1", "tocsin/D2/i1"}
    assert standing["tocsin/D1/i1"] == {
        "incident": "i1",
        "exercise": False,
        "said_at": "2026-11-25T17:30:00+00:00",
        **{name: said for name, said in ALERT.items() if name not in ("over", "districts")},
        "districts": ["D1", "D2"],
        "link": "https://a.example/alerts/i1",
    }
    assert (receipt.remote_id, receipt.url) == ("i1 D1 D2", None)


async def test_two_alerts_stand_side_by_side_and_the_end_of_one_leaves_the_other(stage, channel):
    first = await channel.publish(alert("i1"))
    await channel.publish(alert("i2", headline="Crue"))
    assert len(await stage.broker.standing("tocsin/D1/+")) == 2

    await channel.delete(first.remote_id)
    assert {each["headline"] for each in (await stage.broker.standing("tocsin/D1/+")).values()} == {"Crue"}
    assert [(said.words, said.retained) for said in stage.broker.taken[-2:]] == [(b"", True)] * 2


async def test_an_update_takes_its_place_and_leaves_no_district_behind(stage, channel):
    first = await channel.publish(alert(districts=["D1", "D2"]))
    later = await channel.edit(first.remote_id, alert(districts=["D2", "D3"], severity="Extreme"))
    standing = await stage.broker.standing()

    assert standing.keys() == {"tocsin/all/i1", "tocsin/D2/i1", "tocsin/D3/i1"}
    assert {each["severity"] for each in standing.values()} == {"Extreme"}
    assert stage.broker.taken[-1].words == b"", "what goes, goes last"
    await channel.delete(later.remote_id)
    assert await stage.broker.standing() == {}


@pytest.mark.parametrize("how", ["publish", "edit"])
async def test_an_end_that_comes_as_words_takes_away_too(stage, channel, how):
    first = await channel.publish(alert())
    end = alert(kind=PostKind.END, over=True)
    receipt = await (channel.publish(end, first.remote_id) if how == "publish" else channel.edit(first.remote_id, end))

    assert await stage.broker.standing() == {}
    assert receipt.remote_id == "i1"
    await channel.delete(receipt.remote_id)


async def test_what_is_no_alert_does_not_stay(stage, channel):
    await channel.publish(message("Le canal x ne répond plus"))
    about = About("p9", "a9", "i9", "panneaux", PostKind.POLL, Severity.MINOR)
    await channel.publish(Message("Quelle heure ?", "Quelle heure ?", about=about))

    assert [(said.told["text"], said.retained) for said in stage.broker.taken] == [
        ("Le canal x ne répond plus", False),
        ("Quelle heure ?", False),
    ]
    assert await stage.broker.standing() == {}


async def test_topics_hold_nothing_that_a_topic_may_not(stage, channel):
    await channel.publish(alert(districts=["SM/01", "a+b#", "  ", "é"]))

    assert (await stage.broker.standing()).keys() == {
        f"tocsin/{each}/i1" for each in ("all", "SM-01", "a-b-", "-", "é")
    }
    assert level("") == "-"


async def test_a_prefix_of_several_levels(stage):
    channel = await stage.open("mqtt", prefix="ville/alertes")
    await channel.publish(alert())

    assert (await stage.broker.standing()).keys() == {"ville/alertes/all/i1", "ville/alertes/D1/i1"}


async def test_what_no_small_receiver_can_take_is_refused(stage, channel):
    with pytest.raises(Rejected, match="larger than 65,536 bytes"):
        await channel.publish(alert(instruction="x" * LARGEST))
    assert stage.broker.connections == 0


async def test_a_refused_login_stops_the_channel_and_a_busy_broker_is_waited_for(stage, channel):
    stage.broker.set("refuse")
    with pytest.raises(BadCredential, match="refuses user and password: “Not authorized”"):
        await channel.publish(alert())
    stage.broker.set("busy")
    with pytest.raises(Retry, match="takes nothing just now: “Server unavailable”") as caught:
        await channel.publish(alert())
    assert caught.value.whole_channel


async def test_what_a_broker_says_unasked_is_no_word_that_it_has_the_alert(stage):
    channel = await stage.open("mqtt", timeout="2s")
    stage.broker.set("speaks")
    with pytest.raises(InDoubt, match=r"didn.t answer within"):
        await channel.publish(alert())

    assert stage.broker.taken == []
    await channel.close()


async def test_a_connection_that_breaks_is_told_at_once_and_said_again(stage, channel):
    stage.broker.set("cut_after", times=1)
    with pytest.raises(InDoubt, match="closed the connection without an answer"):
        await channel.publish(alert())
    before = await stage.broker.standing()
    await channel.publish(alert())

    assert await stage.broker.standing() == {**before, "tocsin/D1/i1": before["tocsin/all/i1"]}


async def test_the_probe_tells_who_signs_in_and_says_nothing(stage, channel):
    assert (await channel.probe()).account == "tocsin@127.0.0.1"
    assert stage.broker.taken == []


# --- over the lane --------------------------------------------------------------------------------------------------


class Watched(Mqtt):
    """Tells the town's clock that it is at work, so that no time passes meanwhile."""

    def __init__(self, house: LaneHouse, stage: Any) -> None:
        told = {"kind": "mqtt", **stage.place("mqtt"), **SETTINGS["mqtt"]}
        super().__init__("x", MqttSettings.model_validate(told), stage.resources())
        self._house = house

    async def publish(self, words: Message, reply_to: str | None = None) -> Any:
        with self._house.database.at_work.piece():
            return await super().publish(words, reply_to)

    async def edit(self, remote_id: str, words: Message) -> Any:
        with self._house.database.at_work.piece():
            return await super().edit(remote_id, words)

    async def delete(self, remote_id: str) -> None:
        with self._house.database.at_work.piece():
            await super().delete(remote_id)


@pytest.fixture
async def house(tmp_path):
    template = tmp_path / "template.db"
    migrate(template)
    (tmp_path / "town").mkdir()
    house = await LaneHouse.open(template, tmp_path / "town")
    yield house
    await house.close()


MEANS = {"on_update": Means.EDIT, "on_end": Means.DELETE}


async def test_a_broker_that_is_down_for_an_hour_is_caught_up_with(stage, house):
    await house.start(Watched(house, stage), **MEANS)
    first = await house.post(json.dumps(ALERT), Severity.SEVERE, incident_id="i1")
    over = await house.post(json.dumps(ALERT), Severity.SEVERE, incident_id="i2")
    await house.clock.advance(5)
    await stage.broker.go()

    told = json.dumps({**ALERT, "severity": "Extreme"})
    update = await house.post(told, incident_id="i1", kind=PostKind.UPDATE, means=Means.EDIT)
    end = await house.post(json.dumps({**ALERT, "over": True}), incident_id="i2", kind=PostKind.END, means=Means.DELETE)
    new = await house.post(json.dumps(ALERT), Severity.SEVERE, incident_id="i3")
    for _ in range(60):
        await house.clock.advance(60)
    assert [await house.state(each) for each in (update, end, new)] == [PostState.QUEUED] * 3
    assert len(await stage.broker.standing("tocsin/D1/+")) == 2, "the broker still shows what it knew"

    await stage.broker.come_back()
    for _ in range(10):
        await house.clock.advance(60)
    assert [await house.state(each) for each in (first, over, update, end, new)] == [PostState.SENT] * 5
    standing = await stage.broker.standing("tocsin/D1/+")
    assert {topic: each["severity"] for topic, each in standing.items()} == {
        "tocsin/D1/i1": "Extreme",
        "tocsin/D1/i3": "Severe",
    }


async def test_what_was_not_acknowledged_is_said_again_and_harms_nobody(stage, house):
    await house.start(Watched(house, stage), **MEANS)
    stage.broker.set("cut_after", times=2)
    post = await house.post(json.dumps(ALERT), Severity.SEVERE, incident_id="i1")
    for _ in range(6):
        await house.clock.advance(10)

    assert await house.state(post) is PostState.SENT
    assert len([said for said in stage.broker.taken if said.topic == "tocsin/all/i1"]) == 3
    assert len(await stage.broker.standing()) == 2


# --- what channels.toml may say -------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"on_update": "new"}, "mqtt_stands"),
        ({"on_update": "reply"}, "mqtt_stands"),
        ({"on_end": "reply"}, "mqtt_stands"),
        ({"on_end": "none"}, "mqtt_stands"),
        ({"user": "tocsin"}, "mqtt_half_a_login"),
        ({"password": {"env": "P"}}, "mqtt_half_a_login"),
        ({"api_url": "https://a.example"}, "mqtt_api_url"),
    ],
)
def test_what_is_not_allowed(wrong, code):
    with pytest.raises(ValidationError) as caught:
        MqttSettings.model_validate({"kind": "mqtt", "host": "broker.example", **wrong})
    [detail] = caught.value.errors()
    assert reason_of(detail["ctx"]["error"]).code == code


@in_one_test
@pytest.mark.parametrize("prefix", ["", "/a", "a/", "a//b", "a/+", "#", "$SYS", "a b"])
def test_a_prefix_is_levels_of_a_topic(prefix):
    with pytest.raises(ValidationError):
        MqttSettings.model_validate({"kind": "mqtt", "host": "broker.example", "prefix": prefix})


def test_the_usual_ports():
    def port(**told: Any) -> int:
        return MqttSettings.model_validate({"kind": "mqtt", "host": "127.0.0.1", **told}).broker_port

    assert (port(), port(tls="none"), port(port=9)) == (8883, 1883, 9)


async def test_what_was_never_acknowledged_is_taken_away_by_its_end(stage, house):
    await house.start(Watched(house, stage), **MEANS)
    stage.broker.set("cut_after", times=1)
    alert = await house.post(json.dumps(ALERT), Severity.SEVERE, incident_id="i1")
    end = await house.post(json.dumps({**ALERT, "over": True}), incident_id="i1", kind=PostKind.END, means=Means.DELETE)
    for _ in range(10):
        await house.clock.advance(5)

    assert [await house.state(each) for each in (alert, end)] == [PostState.SUPERSEDED, PostState.SENT]
    assert await stage.broker.standing() == {}
