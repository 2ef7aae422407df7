"""What people say is kept once, in its newest words, and belongs to the incident of the post that it stands under."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.listening.grouping import Group
from alerts.listening.hearing import take, unkept
from alerts.model.listening import Kind, QuestionState, Understood, UtteranceState
from tests.unit.desk.conftest import an_alert

ASKS = Understood(Kind.QUESTION, asks=True, vector=b"w")


def taken(channel, *pairs, **more):
    """An action that keeps these remarks, as a channel's ear does."""
    return lambda unit: take(unit, channel, pairs, **more)


async def heard(listening):
    return await listening.service.ask(lambda unit: unit.listening.heard(100))


async def test_a_remark_is_kept_once_and_belongs_to_the_incident_of_its_post(listening):
    remark = listening.remark("L’eau est-elle potable ?", author="42", name="Paul")
    for _ in range(2):
        await listening.service.act(taken("page", (remark, Understood())))

    [kept] = await heard(listening)
    assert (kept.incident, kept.root, kept.text) == (listening.incident, "page-1", remark.text)
    assert (kept.sealed, kept.name, kept.state) == ("42", "Paul", UtteranceState.UNREAD)
    assert kept.author not in (None, "42")


async def test_two_channels_may_use_the_same_id(listening):
    for channel in ("page", "telegram"):
        await listening.service.act(taken(channel, (listening.remark("Merci", remote_id="1"), Understood())))

    assert {each.channel for each in await heard(listening)} == {"page", "telegram"}


async def test_the_newer_words_count_in_whatever_order_they_come(listening):
    first = listening.remark("C’est quand ?")
    second = replace(first, text="C’est quand, rue Haute ?", edited_at=first.at + timedelta(seconds=30))
    third = replace(first, text="C’est quand, rue Basse ?", edited_at=first.at + timedelta(seconds=40))
    for each in (second, first, third, second):
        await listening.service.act(taken("page", (each, Understood())))

    [kept] = await heard(listening)
    assert kept.text == third.text


async def test_other_words_than_somebody_saw_are_unread_again(listening):
    remark = listening.remark("Merci")
    await listening.service.act(taken("page", (remark, Understood(Kind.THANKS))))
    [kept] = await heard(listening)
    await listening.service.act(lambda unit: unit.listening.put(replace(kept, state=UtteranceState.HANDLED)))

    later = replace(remark, text="Au secours", edited_at=remark.at + timedelta(seconds=9))
    done = await listening.service.act(taken("page", (later, Understood(Kind.HELP))))

    assert [each.state for each in await heard(listening)] == [UtteranceState.UNREAD]
    assert [each.text for each in done.raised] == ["Au secours"]


async def test_nothing_but_a_person_takes_back_a_call_for_help(listening):
    remark = listening.remark("Au secours")
    await listening.service.act(taken("page", (remark, Understood(Kind.HELP))))
    later = replace(remark, text="Merci", edited_at=remark.at + timedelta(seconds=9))

    done = await listening.service.act(taken("page", (later, Understood(Kind.THANKS))))

    [kept] = await heard(listening)
    assert (kept.raised, kept.text, done.raised) == (True, "Merci", ())


async def test_what_is_gone_on_its_platform_has_no_word_left_and_stays_gone(listening):
    remark = listening.remark("Appelez-moi au 06", author="42", name="Paul", url="https://x.example/1")
    await listening.service.act(taken("page", (remark, Understood(vector=b"v"))))
    for each in (replace(remark, gone=True), remark):
        await listening.service.act(taken("page", (each, Understood())))

    [kept] = await heard(listening)
    assert kept.state is UtteranceState.GONE
    assert (kept.text, kept.name, kept.sealed, kept.author, kept.url, kept.vector) == (None,) * 6


async def test_a_removal_that_comes_before_the_remark_keeps_it_out(listening):
    remark = listening.remark("Bonjour")
    for each in (replace(remark, gone=True), remark):
        await listening.service.act(taken("page", (each, Understood())))

    assert [each.text for each in await heard(listening)] == [None]


async def test_what_was_forgotten_is_not_heard_again(listening):
    remark = listening.remark("Bonjour")
    await listening.service.act(lambda unit: unit.listening.never_again("page", remark.remote_id, unit.now))

    done = await listening.service.act(taken("page", (remark, Understood())))

    assert (done.utterances, await heard(listening)) == ((), [])


async def test_an_author_is_the_same_within_a_month_and_nobody_after_it(listening):
    said = [listening.remark(f"Bonjour {number}", author="42") for number in range(2)]
    said.append(replace(listening.remark("Bonjour"), author="42", at=listening.clock.now() + timedelta(days=31)))
    said.append(listening.remark("Bonsoir", author="43"))
    await listening.service.act(taken("page", *((each, Understood()) for each in said)))

    authors = [each.author for each in reversed(await heard(listening))]
    assert authors[0] == authors[1]
    assert len(set(authors)) == 3


async def test_who_asks_the_same_joins_the_question_of_that_incident(listening):
    group = Group(lambda vector, known: (next(iter(known)), 0.9) if known else None, b"".join)
    asked = [listening.remark("Eau potable ?"), listening.remark("On peut boire ?", root="telegram-1")]
    await listening.service.act(taken("page", (asked[0], ASKS), group=group))
    await listening.service.act(taken("telegram", (asked[1], ASKS), group=group))

    [question] = await listening.service.ask(lambda unit: unit.listening.questions(9))
    channels = await listening.service.ask(lambda unit: unit.listening.asked_on(question.id))
    assert (question.words, question.asked, question.state) == ("Eau potable ?", 2, QuestionState.OPEN)
    assert (question.incident, channels) == (listening.incident, {"page": 1, "telegram": 1})


async def test_what_may_be_a_call_for_help_stands_before_what_is_older(listening):
    said = [(listening.remark(f"Merci {number}"), Understood(Kind.THANKS)) for number in range(3)]
    said.append((listening.remark("Ma mère est bloquée"), Understood(Kind.HELP)))
    await listening.service.act(taken("page", *said))

    unread = await listening.service.ask(lambda unit: unit.listening.unread(9))
    assert [each.text for each in unread] == ["Ma mère est bloquée", "Merci 0", "Merci 1", "Merci 2"]


async def test_the_posts_that_are_listened_under_are_those_that_are_out(listening):
    now = listening.clock.now()
    posts = await listening.service.ask(lambda unit: unit.listening.spoken("page", now - timedelta(days=1), now, 9))

    assert [(each.remote_id, each.incident, each.over_at) for each in posts] == [("page-1", listening.incident, None)]


async def test_of_two_first_versions_of_one_time_the_one_told_later_counts(listening):
    first = listening.remark("C’est quand ?")
    for each in (first, replace(first, text="C’est quand, rue Haute ?")):
        await listening.service.act(taken("page", (each, Understood())))

    [kept] = await heard(listening)
    assert (kept.text, kept.edited_at) == ("C’est quand, rue Haute ?", None)


async def test_an_edit_of_the_very_second_counts_before_the_first_words(listening):
    first = listening.remark("C’est quand ?")
    edited = replace(first, text="C’est quand, rue Haute ?", edited_at=first.at)
    for each in (first, edited, first):
        await listening.service.act(taken("page", (each, Understood())))

    assert [each.text for each in await heard(listening)] == ["C’est quand, rue Haute ?"]


async def test_an_edit_that_was_seen_before_it_was_told_keeps_older_words_out(listening):
    first = listening.remark("C’est quand ?")
    seen = replace(first, text="C’est quand, rue Haute ?")
    for each in (seen, replace(seen, edited_at=first.at + timedelta(seconds=30)), first):
        await listening.service.act(taken("page", (each, Understood())))

    assert [each.text for each in await heard(listening)] == ["C’est quand, rue Haute ?"]


async def test_whether_it_is_hidden_is_as_it_was_told_last(listening):
    remark = listening.remark("Bonjour")
    hides = replace(remark, text=None, hidden=True, edited_at=remark.at + timedelta(seconds=30))
    shows = replace(hides, hidden=False, edited_at=remark.at + timedelta(seconds=60))
    found = []
    for each in (remark, hides, remark, shows, hides, replace(remark, edited_at=shows.edited_at)):
        await listening.service.act(taken("page", (each, Understood())))
        [kept] = await heard(listening)
        found.append(kept.hidden)

    assert found == [False, True, True, False, False, False]
    assert (kept.text, kept.state) == ("Bonjour", UtteranceState.UNREAD)


async def test_hidden_before_its_words_were_told_it_is_hidden_and_its_words_are_news(listening):
    remark = listening.remark("Eau potable ?")
    hides = replace(remark, text=None, hidden=True, at=remark.at + timedelta(seconds=30))
    await listening.service.act(taken("page", (hides, Understood())))
    [kept] = await heard(listening)
    assert (kept.text, kept.state) == (None, UtteranceState.HANDLED)

    done = await listening.service.act(taken("page", (remark, ASKS)))

    [kept] = await heard(listening)
    assert (kept.text, kept.state, kept.hidden, kept.said_at) == (remark.text, UtteranceState.UNREAD, True, remark.at)
    assert kept.question is not None
    assert len(done.utterances) == 1


@pytest.mark.parametrize(
    ("text", "is_suggested"),
    [
        ("L’eau est coupée aux Tilleuls, jusqu’à quand ?", True),
        ("eau COUPEE rue des tilleuls", True),
        ("Il pleut à Saint-Martin, quelle ville", False),
        ("Bonjour", False),
    ],
)
async def test_what_stands_under_no_post_is_suggested_for_the_alert_with_its_words(listening, text, is_suggested):
    alert = an_alert(identifier="cut", headline="Coupure d’eau : eau coupée rue des Tilleuls", event="Coupure d’eau")
    filed = await listening.service.act(lambda unit: unit.desk.post(unit.alerts, alert))
    await listening.service.act(taken("presse", (listening.remark(text, root=None), ASKS)))

    [kept] = await heard(listening)
    [question] = await listening.service.ask(lambda unit: unit.listening.questions(9))
    assert (kept.incident, kept.suggested) == ((filed.stored.incident_id, True) if is_suggested else (None, False))
    assert question.incident is None, "until an officer says so"


async def test_what_is_kept_just_so_needs_no_second_look(listening):
    remark = listening.remark("Bonjour")
    edited = replace(remark, text="Bonsoir", edited_at=remark.at + timedelta(seconds=9))
    again = replace(edited, edited_at=remark.at + timedelta(seconds=19))
    hidden = replace(remark, text=None, hidden=True, edited_at=again.edited_at)
    left = []
    for each in (remark, remark, edited, edited, again, hidden, hidden, replace(remark, gone=True), edited, hidden):
        left.append(len(await listening.service.ask(lambda unit, each=each: unkept(unit, "page", [each]))))
        await listening.service.act(taken("page", (each, Understood())))

    assert left == [1, 0, 1, 0, 1, 1, 0, 1, 0, 0]
