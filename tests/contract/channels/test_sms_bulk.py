"""SMS to subscribers at each provider: one each and never a second, with how to leave, within the money."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.channels.budget import AHEAD
from alerts.channels.sms.bulk import SmsBulk
from alerts.channels.sms.settings import SmsSettings
from alerts.model.alert import Severity
from alerts.model.delivery import SendOutcome, Target
from alerts.model.errors import BadCredential, Retry
from alerts.model.post import Message
from alerts.model.spending import LIFTED, SPENT, Spending
from alerts.model.subscriber import Notice, Telephone, Topic
from alerts.rendering.i18n import sentence
from tests.contract.channels.conftest import PAGES, SETTINGS, told_by
from tests.contract.channels.test_sms import OCTOPUSH, SMSMODE
from tests.unit.store.bulk_turns import a_told

JEANNE = Telephone("+33612345678", "abcdefghijkl")
NUMBER, PRICE = "612345678", 0.07
SEVERE, MINOR = Notice(Topic.FLOOD, Severity.SEVERE), Notice(Topic.FLOOD, Severity.MINOR)
WITHOUT_LIST = {"subscriptions": True, "contacts": None, "numbers": None}


class Texts:
    """A town that sends SMS to its own subscribers."""

    def __init__(self, stage, **more) -> None:
        told = {"kind": "sms", **stage.place("sms"), **SETTINGS["sms"], "timeout": "60s", **WITHOUT_LIST, **more}
        self.stage = stage
        self.settings = SmsSettings.model_validate(told)
        self.bulk = SmsBulk("sms", self.settings, stage.resources(), sentence)

    def target(self, name="b1", telephone=JEANNE, language="fr", **changes) -> Target:
        now = self.stage.clock.now()
        texts = {"fr": "Crue : évitez les quais", "en": "Flood: stay away from the quays"}
        plain = a_told(name, texts=texts, notice=SEVERE, stored_at=now, expires=now + timedelta(hours=9))
        return Target(telephone.number, language, (replace(plain, **changes),), endpoint=telephone)

    async def tell(self, *told, **changes):
        return await self.bulk.tell(self.target(*told, **changes))

    async def sent(self):
        return [(each["kind"], each["text"]) for each in await self.stage.timeline("sms")]

    def spent(self) -> Spending:
        return Spending.read(self.stage.facts.recall(SPENT))


@pytest.fixture
def texts(stage):
    return Texts(stage)


@pytest.mark.parametrize("provider", [{}, OCTOPUSH, SMSMODE], ids=["ovh", "octopush", "smsmode"])
async def test_each_gets_one_with_how_to_leave_and_it_is_paid_for_once(stage, provider):
    texts = Texts(stage, **{**provider, **WITHOUT_LIST})
    assert (await texts.tell()).outcome is SendOutcome.SENT
    await texts.bulk.close()
    [sent] = await texts.sent()
    assert sent == ("1 SMS, +33612345678", f"Crue : évitez les quais\nStop : {PAGES}/sms/abcdefghijkl")
    assert texts.spent().of("b1") == pytest.approx(PRICE if not provider else 0.06)


async def test_where_the_provider_takes_answers_leaving_is_a_word(stage):
    texts = Texts(stage, number="38100")
    await texts.tell(language="en")
    [(_, text)] = await texts.sent()
    assert text.endswith("\nStop: STOP to 38100.")


async def test_what_people_write_to_the_number_is_heard_once_in_order(stage):
    texts = Texts(stage, number="38100")
    for text in ("ALERTE", "Stop"):
        await stage.control("sms/written", number=JEANNE.digits, text=text)
    heard = await texts.bulk.heard(0)
    assert [(each.id, each.number, each.text) for each in heard] == [
        (1, JEANNE.digits, "ALERTE"),
        (2, JEANNE.digits, "Stop"),
    ]
    assert [each.text for each in await texts.bulk.heard(2)] == ["Stop"]
    assert await texts.bulk.heard(3) == []


@pytest.mark.parametrize("fault", ["cut_after", "half", "error_after"])
async def test_what_is_in_doubt_is_failed_and_perhaps_there_and_paid(texts, fault):
    await texts.stage.fault("sms", fault, route="POST", times=1)
    result = await texts.tell()
    assert (result.outcome, result.may_be_out) == (SendOutcome.FAILED, True)
    await texts.bulk.close()
    assert texts.spent().of("b1") == pytest.approx(PRICE)


async def test_what_is_certainly_not_out_is_tried_again_and_names_no_number(texts):
    await texts.stage.fault("sms", "rate_limit", route="POST", times=1, retry_after=30)
    with pytest.raises(Retry) as told:
        await texts.tell()
    assert told.value.after is not None
    assert NUMBER not in told_by(told.value)
    assert (await texts.tell()).outcome is SendOutcome.SENT
    await texts.bulk.close()
    assert texts.spent().of("b1") == pytest.approx(PRICE)


async def test_a_provider_that_quotes_the_number_has_it_in_no_reason(texts):
    await texts.stage.fault("sms", "code", message="no credit for +33 6 12 34 56 78", route="POST", times=1)
    with pytest.raises(BadCredential) as told:
        await texts.tell()
    assert NUMBER not in told_by(told.value).replace(" ", "")


async def test_money_is_booked_ahead_and_given_back_at_the_end(texts):
    await texts.tell()
    assert texts.spent().of("b1") == pytest.approx(AHEAD * PRICE)
    await texts.tell(telephone=Telephone("+33612345679", "b" * 12))
    await texts.bulk.close()
    assert texts.spent().of("b1") == pytest.approx(2 * PRICE)


async def test_near_the_ceiling_the_last_that_fits_is_sent_and_no_more(stage):
    texts = Texts(stage, daily_budget=3 * PRICE, urgent_share=0)
    for place in range(3):
        assert (await texts.tell(telephone=Telephone(f"+3361234567{place}", "b" * 12))).outcome is SendOutcome.SENT
    with pytest.raises(Retry) as told:
        await texts.tell()
    assert told.value.reason.code == "budget_reached"
    stage.facts.known[LIFTED] = f"{stage.clock.now():%Y-%m-%d}"
    assert (await texts.tell()).outcome is SendOutcome.SENT


async def test_what_is_kept_for_urgent_alerts_nothing_else_spends(stage):
    texts = Texts(stage, daily_budget=10 * PRICE, urgent_share=0.5)
    outcomes = [(await texts.tell(notice=MINOR)).outcome for _ in range(6)]
    assert outcomes == [SendOutcome.SENT] * 5 + [SendOutcome.FAILED]
    assert (await texts.tell("b2")).outcome is SendOutcome.SENT


async def test_codes_have_a_ceiling_of_their_own_each_day(stage):
    texts = Texts(stage, codes=2)
    message = Message("123456", "123456", None)
    for place in range(2):
        await texts.bulk.write_to(JEANNE.digits, message, f"s{place}")
    with pytest.raises(Retry) as told:
        await texts.bulk.write_to(JEANNE.digits, message, "s3")
    assert told.value.reason.code == "sms_codes_used_up"
    await stage.clock.advance(86400)
    await texts.bulk.write_to(JEANNE.digits, message, "s4")


async def test_without_a_list_a_post_costs_nothing_and_says_nothing(stage):
    channel = await stage.open("sms", **WITHOUT_LIST)
    receipt = await channel.publish(Message("Crue", "Crue", None))
    assert receipt.remote_id
    assert await stage.timeline("sms") == []
    assert (await channel.probe()).followers is None


async def test_a_changed_key_is_taken_without_a_restart(texts, monkeypatch):
    monkeypatch.setenv("OVH_SECRET", "wrong")
    with pytest.raises(BadCredential):
        await texts.tell()
    monkeypatch.setenv("OVH_SECRET", "sandbox-ovh-secret")
    assert (await texts.tell()).outcome is SendOutcome.SENT
