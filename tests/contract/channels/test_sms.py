"""What is particular to SMS: three providers, what they are told, money, and that nothing is sent twice by itself."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta

import pytest
from pydantic import ValidationError

from alerts.channels.sms.settings import SmsSettings
from alerts.model.alert import Severity
from alerts.model.errors import BadCredential, DatabaseRefused, InDoubt, Rejected, Retry
from alerts.model.post import About, Means, PostKind
from alerts.model.spending import LIFTED, SPENT, Spending
from tests.contract.channels.conftest import SETTINGS, message
from tests.contract.channels.platform import platform

PEOPLE, PRICE = 420, 0.07
OVH = SETTINGS["sms"]
COMMON = {"sender": "STMARTIN", "price": PRICE, "daily_budget": 1000, "monthly_budget": 5000}
OCTOPUSH = {
    **COMMON, "provider": "octopush", "key": {"env": "OCTOPUSH_KEY"}, "login": "mairie@saint-martin.example",
    "contacts": "1234", "secret": None, "consumer_key": None, "service": None,
}  # fmt: skip
SMSMODE = {
    **COMMON, "provider": "smsmode", "key": {"env": "SMSMODE_KEY"}, "numbers": {"file": "numbers"},
    "secret": None, "consumer_key": None, "service": None, "contacts": None,
}  # fmt: skip
PROVIDERS = {"ovh": OVH, "octopush": OCTOPUSH, "smsmode": SMSMODE}
NUMBERS = ["+33612345678", "+33712345678", "+41791234567"]


def about(post: str = "p1", **more) -> About:
    return About(post, "alert", "incident", "here", PostKind.PUBLISH, Severity.SEVERE, **more)


def said(text: str = "Crue de l’Isère : évitez les quais", post: str = "p1", **more):
    return message(text, about=about(post, **more))


def spent(stage) -> Spending:
    return Spending.read(stage.facts.recall(SPENT))


async def wound(stage, sending):
    """What comes of it, while the clock is wound that it waits by."""
    task = asyncio.ensure_future(sending)
    while not task.done():
        await stage.clock.advance(1.0)
    return await task


@pytest.fixture
def numbers(tmp_path):
    (tmp_path / "numbers").write_text("\n".join(NUMBERS))


@pytest.fixture(params=list(PROVIDERS))
async def channel(request, stage, numbers):
    return await stage.open("sms", **PROVIDERS[request.param])


@pytest.fixture
async def ovh(stage):
    return await stage.open("sms")


async def test_each_provider_sends_once_within_the_alphabet(stage, channel):
    receipt = await wound(stage, channel.publish(said("L’Isère déborde – évitez la forêt")))
    [post] = await stage.timeline("sms")
    assert (post["id"], post["text"]) == (receipt.remote_id, "L'Isère déborde - évitez la foret")
    assert post["kind"] == "1 SMS"


async def test_each_provider_is_probed_without_sending(stage, channel):
    probe = await channel.probe()
    assert probe.account in {"sms-ab12345-1", "mairie@saint-martin.example", "Mairie de Saint-Martin"}
    assert probe.warnings == ()
    assert await stage.timeline("sms") == []


async def test_how_many_are_told_is_known_from_what_was_asked_last(stage, channel):
    await wound(stage, channel.publish(said()))
    probe = await channel.probe()
    assert probe.followers in (PEOPLE, len(NUMBERS))


async def test_what_it_costs_is_what_the_provider_says(stage, channel):
    await wound(stage, channel.publish(said("a" * 161)))
    told = {"ovh": 2 * PEOPLE * PRICE, "octopush": 2 * PEOPLE * 0.06, "smsmode": 2 * len(NUMBERS) * 0.06}
    provider = channel._settings.provider
    assert spent(stage).of("p1") == pytest.approx(told[provider])


@pytest.mark.parametrize("fault", ["cut_after", "half", "error_after"])
async def test_what_is_in_doubt_counts_as_paid_and_is_found_by_its_reference(stage, ovh, fault):
    await ovh.probe()
    since = stage.clock.now()
    await stage.fault("sms", fault, route="POST", times=1)
    with pytest.raises(InDoubt):
        await ovh.publish(said())
    assert spent(stage).of("p1") == pytest.approx(PEOPLE * PRICE)
    other = await stage.open("sms")  # a process that was killed knows nothing of it
    found = await other.find(said(), since, None, frozenset())
    assert [post["id"] for post in await stage.timeline("sms")] == [found.remote_id]
    assert await other.find(said(post="p2"), since, None, frozenset()) is None


async def test_smsmode_finds_by_its_reference_and_octopush_says_that_it_can_t(stage, numbers):
    smsmode, octopush = await stage.open("sms", **SMSMODE), await stage.open("sms", **OCTOPUSH)
    since = stage.clock.now()
    receipt = await smsmode.publish(said())
    assert await smsmode.find(said(), since, None, frozenset()) == receipt
    await stage.clock.advance(3600)
    assert await smsmode.find(said(), stage.clock.now(), None, frozenset()) is None
    with pytest.raises(InDoubt) as told:
        await octopush.find(said(), since, None, frozenset())
    assert told.value.reason.code == "sms_not_searched"


async def test_octopush_s_doubt_begins_with_the_confirmation(stage):
    octopush = await stage.open("sms", **OCTOPUSH)
    await stage.fault("sms", "cut_after", route="create", times=1)
    with pytest.raises(Retry):
        await wound(stage, octopush.publish(said()))
    await stage.fault("sms", "cut_after", route="/send", times=1)
    with pytest.raises(InDoubt):
        await wound(stage, octopush.publish(said()))
    assert len(await stage.timeline("sms")) == 1


async def test_a_campaign_that_is_never_computed_is_tried_again(stage):
    octopush = await stage.open("sms", **OCTOPUSH)
    await stage.fault("sms", "error_json", route="status", status=400)
    with pytest.raises(Retry) as told:
        await wound(stage, octopush.publish(said()))
    assert (told.value.reason.code, told.value.sent) == ("sms_still_computed", False)
    assert spent(stage).posts == {}


async def test_what_would_go_over_a_ceiling_waits_without_a_request(stage):
    tight = await stage.open("sms", daily_budget=1.5 * PEOPLE * PRICE)
    await tight.publish(said(post="p1"))
    asked = len(await stage.requests("sms"))
    with pytest.raises(Retry) as told:
        await tight.publish(said(post="p2"))
    assert (told.value.reason.code, told.value.reason["key"]) == ("budget_reached", "daily_budget")
    assert (told.value.sent, told.value.whole_channel, told.value.after) == (False, False, None)
    assert len(await stage.requests("sms")) == asked
    await stage.clock.advance(24 * 3600)
    assert await tight.publish(said(post="p2"))


async def test_a_month_has_a_ceiling_of_its_own_and_another_file_lifts_it(stage):
    tight = await stage.open("sms", monthly_budget=1.5 * PEOPLE * PRICE)
    await tight.publish(said(post="p1"))
    await stage.clock.advance(24 * 3600)
    with pytest.raises(Retry) as told:
        await tight.publish(said(post="p2"))
    assert told.value.reason["key"] == "monthly_budget"
    assert await (await stage.open("sms")).publish(said(post="p2"))


async def test_what_an_administrator_lifts_is_lifted_until_midnight(stage):
    tight = await stage.open("sms", monthly_budget=1.5 * PEOPLE * PRICE)
    await tight.publish(said(post="p1"))
    stage.facts.known[LIFTED] = stage.clock.now().date().isoformat()
    assert await tight.publish(said(post="p2"))
    await stage.clock.advance(24 * 3600)
    with pytest.raises(Retry):
        await tight.publish(said(post="p3"))
    assert spent(stage).of("p2") == spent(stage).of("p1")


async def test_several_at_once_don_t_pass_the_ceiling_together(stage):
    tight = await stage.open("sms", daily_budget=2.5 * PEOPLE * PRICE)
    await tight.probe()
    done = await asyncio.gather(*(tight.publish(said(post=f"p{n}")) for n in range(4)), return_exceptions=True)
    assert sum(isinstance(each, Retry) for each in done) == 2
    assert len(await stage.timeline("sms")) == 2


async def test_what_was_refused_isn_t_counted(stage, ovh):
    await ovh.probe()
    await stage.fault("sms", "code", route="POST", times=1)
    with pytest.raises(BadCredential) as told:
        await ovh.publish(said())
    assert told.value.reason.code == "sms_no_credit"
    assert spent(stage).posts == {}


async def test_what_can_t_be_written_down_isn_t_spent(stage, ovh, monkeypatch):
    await ovh.probe()

    async def refuse(name, change):
        raise DatabaseRefused("disk full") from sqlite3.OperationalError()

    monkeypatch.setattr(stage.facts, "change", refuse)
    channel = await stage.open("sms")
    with pytest.raises(Retry) as told:
        await channel.publish(said())
    assert (told.value.reason.code, told.value.sent) == ("cost_not_kept", False)
    assert await stage.timeline("sms") == []
    assert spent(stage).posts == {}


async def test_no_text_takes_more_parts_than_are_allowed(stage):
    channel = await stage.open("sms", parts=2)
    assert await channel.publish(said("a" * 306))
    for text in ("a" * 307, "ж" * 135):
        with pytest.raises(Rejected) as told:
            await channel.publish(said(text))
        assert told.value.reason.code == "sms_too_many_parts"


@pytest.mark.parametrize(
    ("ends", "minutes"), [(None, 2880), (timedelta(hours=3), 180), (timedelta(days=9), 2880), (timedelta(minutes=1), 5)]
)
async def test_a_telephone_that_is_off_isn_t_told_of_what_is_over(stage, ends, minutes):
    answers = b'{"records": 2, "totalCreditsRemoved": 2}'
    async with platform(answers) as there:
        channel = await stage.open("sms", api_url=there.url)
        await channel.publish(said(expires=stage.clock.now() + ends if ends else None))
    assert f'"validityPeriod": {minutes},'.encode() in there.asked[-1].body.replace(b"}", b",")


async def test_a_request_is_signed_by_the_provider_s_clock(stage):
    theirs = int(stage.clock.now().timestamp()) + 3600
    async with platform(str(theirs).encode(), b'{"records": 2, "totalCreditsRemoved": 2}') as there:
        await (await stage.open("sms", api_url=there.url)).publish(said())
    assert [each.headers["X-Ovh-Timestamp"] for each in there.asked[1:]] == [str(theirs)] * 2


async def test_a_number_that_is_none_is_told_by_its_line_and_never_itself(stage, tmp_path):
    (tmp_path / "numbers").write_text("+33612345678\n0612345678\n")
    channel = await stage.open("sms", **SMSMODE)
    with pytest.raises(BadCredential) as told:
        await channel.publish(said())
    assert told.value.reason["line"] == 2
    assert "0612345678" not in str(told.value)


async def test_an_empty_list_is_told(stage):
    async with platform(b'{"records": 0, "status": "enable", "items": []}') as there:
        channel = await stage.open("sms", api_url=there.url)
        assert [each.code for each in (await channel.probe()).warnings] == ["sms_nobody"]
        with pytest.raises(Rejected):
            await channel.publish(said())


async def test_a_list_whose_number_is_not_told_is_asked_for_again_and_loses_no_alert(stage):
    async with platform(b'{"slotId": 1234}') as there:
        channel = await stage.open("sms", api_url=there.url)
        with pytest.raises(Retry) as told:
            await channel.publish(said())
    assert told.value.reason.code == "unreadable_answer"
    assert spent(stage).posts == {}


async def test_a_sender_that_isn_t_validated_and_a_low_credit_are_told(stage):
    async with platform(b'{"records": 10, "status": "waitingValidation", "creditsLeft": 9}') as there:
        channel = await stage.open("sms", api_url=there.url)
        told = [each.code for each in (await channel.probe()).warnings]
    assert told == ["sms_sender_waits", "sms_credit_low"]


def settings(**changes) -> SmsSettings:
    told = {"kind": "sms", **OVH, **changes}
    return SmsSettings.model_validate({key: value for key, value in told.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": None}, "sms_key_missing"),
        ({"contacts": None}, "sms_key_missing"),
        ({"login": "a@b.example"}, "sms_key_of_another"),
        ({**SMSMODE, "numbers": None}, "sms_key_missing"),
        ({**SMSMODE, "contacts": "1"}, "sms_key_of_another"),
        ({**OCTOPUSH, "service": "sms-1"}, "sms_key_of_another"),
    ],
)
def test_each_provider_has_its_own_keys(changes, code):
    with pytest.raises(ValidationError) as told:
        settings(**changes)
    [error] = told.value.errors()
    assert error["ctx"]["error"].args[0].code == code


def test_severe_alone_and_posts_of_their_own_unless_said():
    assert (settings().severity, settings().on_update, settings().on_end) == (Severity.SEVERE, Means.NEW, Means.NEW)
