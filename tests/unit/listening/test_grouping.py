"""Which question an utterance joins, whether its answer goes out by itself, and what another side read."""

import pytest

from alerts.listening.ears import Intake
from alerts.listening.grouping import group_of, read_anew
from alerts.listening.likeness import Side, WordLikeness
from alerts.listening.question_acts import AnswerQuestion, MergeQuestion, SplitQuestion
from alerts.listening.understanding import Understanding
from alerts.model.events import PostsStored
from alerts.model.listening import Kind, QuestionState
from alerts.model.person import Actor, Origin, Role
from tests.unit.acting import by
from tests.unit.listening.measure import asked, the_model

WATER = "L'eau du robinet est-elle potable ?"
ANNE = Actor("Anne", Role.APPROVER, Origin.COMMAND)


class Heard:
    """A town that hears and understands; `say` is somebody who says something under the page's post."""

    def __init__(self, listening, understanding):
        self.listening, self.understanding = listening, understanding
        self.intake = Intake(
            listening.service, listening.events, listening.clock, understanding.read, group_of(understanding)
        )

    async def say(self, *said, channel="page"):
        return await self.intake.keep(channel, [self.listening.remark(words, f"{channel}-1") for words in said])

    async def act(self, act, *values, **named):
        return await self.listening.service.act(by(ANNE, act, *values, **named))

    async def questions(self):
        """The words of each, with how many asked it, in the order in which they were made."""
        return {each.words: each for each in await self.all_questions()}

    async def all_questions(self):
        found = await self.listening.service.ask(lambda unit: unit.listening.questions(99))
        return sorted(found, key=lambda each: each.id)

    async def answered(self):
        """What is answered to, as posts, in the order in which they were stored."""
        rows = await self.listening.rows("SELECT in_reply_to FROM post WHERE kind = 'answer' ORDER BY seq")
        return [name for (name,) in rows]


@pytest.fixture(params=list(Side))
async def heard(request, listening):
    async with Understanding(WordLikeness if request.param is Side.WORDS else the_model) as understanding:
        yield Heard(listening, understanding)


@pytest.fixture
async def by_words(listening):
    async with Understanding(WordLikeness) as understanding:
        yield Heard(listening, understanding)


async def test_thirty_utterances_on_two_channels_are_four_questions(heard):
    told = [words for question in asked()["alert"][0]["question"] for words in question["said"]]
    assert len(told) == 30
    await heard.say(*told[::2])
    await heard.say(*told[1::2], channel="telegram")
    found = await heard.questions()
    assert len(found) == 4
    assert sum(each.asked for each in found.values()) == 30


async def test_what_asks_nothing_is_no_question(by_words):
    await by_words.say("Merci pour l'info", "12 cm de neige ici")
    assert await by_words.questions() == {}


class TestTheNextOnes:
    @pytest.fixture
    async def answering(self, heard):
        await heard.say(WATER, "on peut boire l'eau ?", "l'école est ouverte demain ?")
        water, school = (await heard.questions()).values()
        await heard.act(AnswerQuestion, water.id, "Non, faites-la bouillir.", next_ones=True)
        await heard.act(AnswerQuestion, school.id, "Oui.")
        heard.before = len(await heard.answered())
        return heard

    async def new(self, heard):
        return (await heard.answered())[heard.before :]

    async def test_who_asks_it_later_is_answered_at_once(self, answering):
        woken = []
        answering.listening.events.subscribe(PostsStored, woken.append)
        [taken] = await answering.say("Bonjour, l'eau est potable ?")
        assert taken.answered
        assert await self.new(answering) == [taken.utterances[0].remote_id]
        assert len(woken) == 1, "its lane is woken"

    @pytest.mark.parametrize(
        "said",
        [
            "L'école est ouverte demain ?",  # answered, but not for the next ones
            "Le marché de samedi est maintenu ?",
            "L'eau du robinet est trouble",  # of the same, but it asks nothing
            "L'eau est potable ? C'est une honte !",
            "Il paraît que l'eau est potable, c'est vrai ?",
            "l'eau est potable ? ma grand-mère est bloquée chez elle",
        ],
    )
    async def test_nobody_else_is(self, answering, said):
        [taken] = await answering.say(said)
        assert not taken.answered
        assert await self.new(answering) == []

    async def test_who_was_taken_in_later_brings_in_nobody(self, answering):
        """Compared is with those who had asked when it was answered: here one who, by a person's word, asked it too."""
        await answering.listening.clock.advance(60)
        [other] = await answering.say("Le marché de samedi est maintenu ?")
        market = (await answering.all_questions())[-1]
        water = (await answering.questions())[WATER]
        await answering.act(MergeQuestion, market.id, water.id)
        [again] = await answering.say("Le marché de samedi est-il maintenu ?")
        assert [other.answered, again.answered] == [False, False]

    async def test_it_ends_with_the_wish(self, answering):
        water = (await answering.questions())[WATER]
        await answering.act(AnswerQuestion, water.id, "Oui, de nouveau.", next_ones=False)
        before = len(await answering.answered())
        [taken] = await answering.say("l'eau est potable ?")
        assert (taken.answered, len(await answering.answered())) == (False, before)


class TestVectors:
    async def test_what_was_merged_takes_in_who_asks_either(self, heard):
        await heard.say(WATER, "Le marché de samedi est maintenu ?")
        water, market = (await heard.questions()).values()
        await heard.act(MergeQuestion, market.id, water.id)
        await heard.say("l'eau est potable ?", "y a marché samedi ?")
        [one] = await heard.all_questions()
        assert (one.asked, one.centroid is not None) == (4, True)

    async def test_what_was_split_off_takes_in_its_own(self, heard):
        await heard.say(WATER, "l'eau est potable ?", "on peut boire l'eau du robinet ?")
        [one] = await heard.all_questions()
        members = await heard.listening.service.ask(lambda unit: unit.listening.asking(one.id))
        await heard.act(SplitQuestion, one.id, [members[2].id])
        await heard.say("On peut boire l'eau du robinet ?")
        found = {each.words: each.asked for each in await heard.all_questions()}
        assert found == {WATER: 2, "on peut boire l'eau du robinet ?": 2}

    async def test_what_the_other_side_read_is_read_anew_when_the_daemon_begins(self, by_words):
        await by_words.say(WATER, "l'eau est potable ?", "l'école est ouverte ?")
        listening = by_words.listening
        async with Understanding(the_model) as understanding:
            await understanding.begin()
            assert await read_anew(listening.service, understanding) == 3
            assert await read_anew(listening.service, understanding) == 0
            vectors = await listening.rows("SELECT vector FROM utterance")
            assert all(understanding.current(bytes(vector)) for (vector,) in vectors)
            await Heard(listening, understanding).say("on peut boire l'eau du robinet ?")
        assert [each.asked for each in (await by_words.questions()).values()] == [3, 1]

    async def test_what_has_no_words_any_more_is_not_read_anew(self, by_words):
        [taken] = await by_words.say(WATER)
        listening = by_words.listening
        await listening.service.act(lambda unit: unit.listening.forget(taken.utterances[0], unit.now))
        async with Understanding(the_model) as understanding:
            await understanding.begin()
            assert await read_anew(listening.service, understanding) == 0
        assert await listening.rows("SELECT vector FROM utterance") == [(None,)]


async def test_the_kind_and_its_reason_are_kept(by_words):
    [taken] = await by_words.say("Ma grand-mère est bloquée au premier étage")
    [utterance] = taken.raised
    assert (utterance.kind, utterance.kind_reason.code) == (Kind.HELP, "utterance_help")
    assert QuestionState.OPEN not in [each.state for each in await by_words.all_questions()]
