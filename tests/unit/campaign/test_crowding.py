"""What the campaign of a crowd calls a breach, and that its receivers count what comes to each."""

from __future__ import annotations

import json
import urllib.request

import pytest

from alerts.channels.push.encryption import encrypted
from campaign.carrying import carry
from campaign.crowding import KINDS, Told, phases
from campaign.filling import FIRST, Crowd
from campaign.receivers import Heard, Receivers

CHOSE = (1, 1, 1, 0)
ALL = [("a", 0), ("a", 1), ("a", 2), ("u", 0), ("u", 1), ("u", 2), ("e", 0), ("e", 1), ("e", 2)]


def told(messages, *, once=False) -> Told:
    heard = Heard(len(CHOSE))
    for text, person in messages:
        heard.hear(person, text)
    return Told("push", heard, CHOSE, KINDS, once=once)


def without(*messages):
    return [each for each in ALL if each not in messages]


def test_everybody_told_once_is_no_breach():
    assert list(told(ALL).breaches(KINDS, under_way=0)) == []


@pytest.mark.parametrize(
    ("messages", "whole", "found"),
    [
        (without(("u", 2)), KINDS, ["lost"]),
        (without(("a", 2)), ["update", "end"], []),
        (without(("a", 2), ("u", 2), ("e", 2)), ["end"], []),
        (without(("e", 1)), ["end"], ["lost"]),
        ([*ALL, ("e", 1), ("e", 1)], KINDS, ["twice"]),
        ([*ALL, ("u", 3)], ["end"], ["lost", "told of what they didn't choose"]),
        (without(("a", 2), ("u", 2)), ["end"], []),
        ([*ALL, ("a", 1)], KINDS, ["out of order"]),
        (ALL[:6], ["update"], ["lost"]),
    ],
)
def test_who_is_missed_told_again_or_told_wrongly_is_found(messages, whole, found):
    assert [each.kind for each in told(messages).breaches(whole, under_way=1)] == found


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        (without(("u", 2)), []),
        (without(("u", 2), ("u", 1)), ["lost"]),
        ([*ALL, ("e", 1)], ["twice"]),
    ],
)
def test_what_is_said_once_may_be_missing_as_often_as_it_was_under_way_and_never_comes_twice(messages, found):
    assert [each.kind for each in told(messages, once=True).breaches(KINDS, under_way=1)] == found


def test_a_telephone_hears_an_sms_without_how_it_leaves():
    receivers = Receivers(20)
    receivers.start()
    body = {"body": {"text": "Crue\nStop : https://a.example/sms/000000000007"}, "recipients": [{"to": "33600000007"}]}
    url = f"{receivers.urls[0]}/sms/v1/campaigns"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), method="POST")) as answer:
        assert json.load(answer)["campaignId"]
    receivers.stop()
    assert (receivers.telephones.texts, receivers.telephones.has(7, 0)) == (["Crue"], 1)


def test_whom_an_end_reached_alone_is_counted():
    assert told(without(("a", 2), ("u", 2))).ended_alone == 1


def test_the_same_seed_is_the_same_plan_with_each_kill_before_the_next_message():
    plan = phases("s", 10)

    assert plan == phases("s", 10)
    assert sum(len(phase.kills) for phase in plan) == 10
    assert all(0 <= kill <= phase.until <= 1 for phase in plan for kill in phase.kills)
    assert carry("s", 3) == carry("s", 3)


def test_receivers_count_what_comes_to_each_chat_and_what_each_browser_reads():
    receivers = Receivers(3)
    receivers.start()
    crowd = Crowd(3, receivers.urls, receivers.keys)

    def post(url: str, body: bytes) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
            return answer.read()

    for chat in (0, 2, 2):
        body = json.dumps({"chat_id": FIRST + chat, "text": "Vent"}).encode()
        assert json.loads(post(f"{receivers.urls[0]}/bot1:t/sendMessage", body))["ok"]
    endpoint = crowd.browser(1).endpoint
    post(endpoint.url, encrypted(endpoint, b"Orage"))
    assert json.loads(post(f"{receivers.urls[0]}/bot1:t/getMe", b"{}"))["result"]["is_bot"]
    receivers.stop()

    assert [receivers.chats.has(each, 0) for each in range(3)] == [1, 0, 2]
    assert (receivers.chats.texts, receivers.chats.reached, receivers.chats.messages) == (["Vent"], [2], 3)
    assert [receivers.browsers.has(each, 0) for each in range(3)] == [0, 1, 0]
    assert receivers.browsers.texts == ["Orage"]
