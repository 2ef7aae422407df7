"""Credentials are tried on a schedule, and no more often than needed: a platform may charge for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.delivery.retry import sent
from alerts.health.observer import CredentialProbes, ProbeResult
from alerts.model.delivery import Verdict
from alerts.model.errors import BadCredential, Retry
from alerts.model.events import AttemptFinished
from alerts.model.ports import Probe
from alerts.model.post import Message, PostState, Receipt
from alerts.model.reason import because, in_words
from tests.fakes import FakeClock

QUARTER = timedelta(minutes=15)


class Lane:
    """Answers as it is told, and counts how often it was asked."""

    proves_nothing = False
    probes_at_home = False

    def __init__(self, answer: Probe | Exception | None = None) -> None:
        self.answer = answer
        self.asked = 0
        self.said: list[str] = []

    async def probe(self) -> Probe | None:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def send_unjournalled(self, message: Message) -> None:
        self.said.append(message.plain)


class Sent:
    """As much of a post as is looked at."""

    channel = "x"


@pytest.fixture
def lane():
    return Lane(Probe("@town"))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def soundings(lane, clock):
    return CredentialProbes({"x": lane}, clock, QUARTER)


async def take(soundings, clock, rounds: int = 1) -> ProbeResult | None:
    for _ in range(rounds):
        found = await soundings.take(lambda name: True)
        await clock.advance(60)
    return found.get("x")


async def test_a_credential_that_works_is_tried_each_quarter_of_an_hour(soundings, lane, clock):
    assert await take(soundings, clock, 31) == ProbeResult()
    assert lane.asked == 3


async def test_one_whose_probe_asks_nobody_is_looked_at_in_each_round(soundings, lane, clock):
    lane.probes_at_home = True
    assert await take(soundings, clock, 3) == ProbeResult()
    lane.answer = BadCredential(in_words("refused"))
    assert (await take(soundings, clock)).refused
    assert lane.asked == 4


async def test_one_that_was_used_is_not_tried(soundings, lane, clock):
    await take(soundings, clock, 14)
    soundings.note_attempt(AttemptFinished(Sent(), sent(Receipt("1")), 0.1))
    await take(soundings, clock, 14)
    assert lane.asked == 1
    await take(soundings, clock, 2)
    assert lane.asked == 2


async def test_an_attempt_that_failed_is_no_use_of_it(soundings, lane, clock):
    await take(soundings, clock, 14)
    soundings.note_attempt(AttemptFinished(Sent(), Verdict(PostState.QUEUED, "retry"), 0.1))
    await take(soundings, clock, 2)
    assert lane.asked == 2


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (BadCredential("revoked; renew it"), ProbeResult(refused=in_words("revoked; renew it"))),
        (Retry("no answer"), ProbeResult(unreachable=in_words("no answer"))),
        (ZeroDivisionError("token"), ProbeResult(unreachable=because("channel_stumbled", error="ZeroDivisionError"))),
    ],
)
async def test_one_that_fails_is_tried_in_every_round_until_it_works(soundings, lane, clock, error, found):
    lane.answer = error
    assert await take(soundings, clock, 5) == found
    assert lane.asked == 5

    lane.answer = Probe("@town")
    assert await take(soundings, clock, 5) == ProbeResult()
    assert lane.asked == 6


async def test_what_is_missing_is_kept_until_the_next_try(soundings, lane, clock):
    lane.answer = Probe("@town", (in_words("may not edit"),))
    assert await take(soundings, clock, 5) == ProbeResult(rights=(in_words("may not edit"),))
    assert lane.asked == 1
    soundings.note_attempt(AttemptFinished(Sent(), sent(Receipt("1")), 0.1))
    assert await take(soundings, clock) == ProbeResult(rights=(in_words("may not edit"),)), "to publish is not to edit"


async def test_one_that_cannot_be_asked_now_is_not_known(soundings, lane, clock):
    lane.answer = None
    assert await take(soundings, clock, 2) is None
    assert await soundings.take(lambda name: False) == {}
    assert lane.asked == 2


async def test_what_was_found_is_forgotten_when_the_lane_met_worse(soundings, lane, clock):
    await take(soundings, clock)
    soundings.forget("x")
    assert await soundings.take(lambda name: False) == {}
    await take(soundings, clock)
    assert lane.asked == 2


async def test_followers_are_kept_when_their_number_changed(lane, clock):
    kept: list[tuple[str, str, str]] = []

    async def remember(*fact: str) -> None:
        kept.append((fact[0], fact[1], fact[2]))

    soundings = CredentialProbes({"x": lane}, clock, QUARTER, remember)
    for followers in (4200, 4200, None, 4201):
        lane.answer = Probe("@town", followers=followers)
        await take(soundings, clock, rounds=15)

    assert kept == [("x", "followers", "4200"), ("x", "followers", "4201")]


async def test_a_number_that_can_not_be_kept_is_no_reason_to_mistrust_the_credential(lane, clock):
    async def remember(*_: str) -> None:
        raise OSError("disk full")

    lane.answer = Probe("@town", followers=1)
    found = await take(CredentialProbes({"x": lane}, clock, QUARTER, remember), clock)

    assert found == ProbeResult()
