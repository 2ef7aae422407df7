"""What people write by SMS: words that subscribe, end it and say who sends, each in its transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.bot.texting import ANSWERS_A_DAY, WORDS, Texting, TextWord, word_in
from alerts.model.errors import Retry
from alerts.model.lease import LeaseLost
from alerts.model.ports import TextHeard
from alerts.model.reason import because
from alerts.model.subscriber import Subscriber, Telephone
from alerts.model.telephone import FRENCH
from tests.unit.leases import take
from tests.unit.web.public.house import a_house

JEANNE = "+33612345678"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("STOP", TextWord.STOP), (" stop. ", TextWord.STOP), ("Arrêt !", TextWord.STOP), ("STOP SVP", TextWord.STOP),
        ("«Désabonnement»", TextWord.STOP), ("ALLO?", TextWord.WHO), ("Allô", TextWord.WHO), ("contact", TextWord.WHO),
        ("alerte", TextWord.SUBSCRIBE), ("Inscription svp", TextWord.SUBSCRIBE), ("", None), ("Merci, stop !", None),
        ("\u202eSTOP", TextWord.STOP), ("12 !", None), ("stopper", None), ("x" * 5000 + " stop", None),
    ],
)  # fmt: skip
def test_the_first_word_decides(text, word):
    assert word_in(text) is word


def test_no_word_means_two_things():
    assert sum(map(len, WORDS)) == len(set().union(*WORDS))


class Provider:
    def __init__(self) -> None:
        self.written: list[TextHeard] = []
        self.said: list[tuple[str, str]] = []
        self.refuses = False

    def write(self, text, number=JEANNE):
        self.written.append(TextHeard(len(self.written) + 1, number, text))

    async def heard(self, after):
        return [each for each in self.written if each.id >= after]

    async def say(self, number, message, name):
        if self.refuses:
            raise Retry(because("sms_codes_used_up", most="1"))
        self.said.append((number, message.text))


class Hold:
    name = "bot sms"


class Town:
    def __init__(self, house) -> None:
        self.house, self.provider = house, Provider()
        self.lease = None
        town = house.publisher.setting.town
        says = {"provider": self.provider, "write": self.provider.say}
        self.texting = Texting("sms", town, house.service, join=lambda _: Hold(), prefixes=FRENCH, **says)

    async def hear(self):
        if self.lease is None:
            now = self.house.clock.now()
            [self.lease] = await take(self.house.database, ["bot sms"], "us", now, now + timedelta(minutes=1))
        await self.texting.hear(self.lease)

    async def kept(self):
        return [one for _, one in await self.house.service.ask(lambda unit: list(unit.subscribers.all()))]


@pytest.fixture
async def town(tmp_path):
    async with a_house(tmp_path, public_url="https://alertes.example") as house:
        yield Town(house)


async def test_a_word_subscribes_the_number_that_wrote_and_the_answer_has_its_choices(town):
    town.provider.write("Alerte")
    await town.hear()
    [one] = await town.kept()
    assert one.endpoint.digits == JEANNE
    [(number, text)] = town.provider.said
    assert (number, f"https://alertes.example/sms/{one.endpoint.token} " in text) == (JEANNE, True)
    assert "STOP" in text


async def test_stop_removes_everything_and_is_not_answered(town):
    town.provider.write("ALERTE")
    await town.hear()
    town.provider.said.clear()
    town.provider.write("Stop")
    await town.hear()
    assert (await town.kept(), town.provider.said) == ([], [])


async def test_what_was_heard_is_not_done_again(town):
    town.provider.write("STOP")
    town.provider.write("ALERTE")
    await town.hear()
    town.provider.said.clear()
    await town.hear()
    assert (len(await town.kept()), town.provider.said) == (1, [])


async def test_who_is_subscribed_keeps_their_choices_and_their_link(town):
    telephone = Telephone(JEANNE, "abcdefghijkl")
    one = Subscriber(telephone.number, districts=frozenset({"D1"}), endpoint=telephone, token="d")
    await town.house.service.keep(lambda unit: unit.subscribers.put("sms", one))
    town.provider.write("ALERTE")
    await town.hear()
    assert await town.kept() == [one]
    assert "abcdefghijkl" in town.provider.said[0][1]


async def test_allo_says_who_sends_and_how_to_leave(town):
    town.provider.write("ALLO")
    await town.hear()
    [(_, text)] = town.provider.said
    assert "Contact" in text
    assert text.endswith("STOP")
    assert await town.kept() == []


async def test_other_words_and_numbers_that_can_t_be_get_no_answer(town):
    town.provider.write("Merci beaucoup !")
    town.provider.write("ALERTE", number="38100")
    town.provider.write("ALERTE", number="+33899123456")
    await town.hear()
    assert (await town.kept(), town.provider.said) == ([], [])


async def test_a_number_gets_three_answers_a_day_and_stop_counts_always(town):
    for _ in range(ANSWERS_A_DAY + 2):
        town.provider.write("ALLO")
    await town.hear()
    assert len(town.provider.said) == ANSWERS_A_DAY
    town.provider.write("ALERTE")
    town.provider.write("STOP")
    await town.hear()
    assert await town.kept() == []


async def test_an_answer_that_can_t_be_paid_undoes_nothing(town):
    town.provider.refuses = True
    town.provider.write("ALERTE")
    await town.hear()
    assert len(await town.kept()) == 1


async def test_who_lost_the_lease_does_nothing(town):
    town.provider.write("ALERTE")
    await town.hear()
    await town.house.clock.advance(3600)
    town.provider.write("STOP")
    with pytest.raises(LeaseLost):
        await town.hear()
    assert len(await town.kept()) == 1
