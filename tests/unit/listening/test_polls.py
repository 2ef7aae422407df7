"""Polls from their opening to their numbers: validated like posts, closed together, unread until then, never twice."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.officer import Officer
from alerts.listening.out import PollOut, PollResult
from alerts.listening.poll_acts import ApprovePoll, ClosePoll, RejectPoll, TellPollOutcome
from alerts.listening.polls import (
    PollDraft,
    drawn_up,
    fingerprint_of,
    open_poll,
    publish_result,
)
from alerts.model.errors import Conflict, Forbidden, InDoubt, Misuse, Rejected, Retry
from alerts.model.person import Actor, Origin, Role
from alerts.model.poll import PollState, Way
from alerts.model.post import PostKind, PostState
from tests.fakes import Late
from tests.unit.listening.poll_town import ANNE, PAUL, QUESTION, PollTown

APPROVED = '[sources.manual]\npublish = "approve"\n'


@pytest.fixture
async def town(tmp_path):
    town = PollTown(tmp_path)
    await town.start()
    yield town
    await town.kill()


@pytest.fixture
async def careful(tmp_path):
    town = PollTown(tmp_path, APPROVED)
    await town.start()
    yield town
    await town.kill()


async def tally(town, poll):
    return await town.ask(lambda unit: unit.polls.tally(unit.polls.poll(poll.id)))


async def result(town, poll):
    return (await town.ask(lambda unit: PollResult.of(unit, unit.polls.poll(poll.id)))).as_json()


def faults(town, **changes):
    now = town.clock.now()
    draft = {"question": QUESTION, "options": ("Oui", "Non"), "closes": now + timedelta(hours=1)} | changes
    with pytest.raises(Misuse) as told:
        drawn_up(PollDraft(**draft), town.town, "Anne", "p1", now)
    return list(told.value.reason.codes())


async def test_a_poll_goes_to_each_channel_in_its_own_way(town):
    poll = await town.open()
    assert poll.state is PollState.OPEN
    assert [post.state for post in await town.posts(poll)] == [PostState.SENT] * 3
    telegram, page = town.channels["telegram"].messages[0], town.channels["page"].messages[0]
    assert telegram.poll is not None
    assert (telegram.poll.question, telegram.poll.options) == (QUESTION, ("Oui", "Non"))
    assert page.poll is None
    assert page.link == f"https://saint-martin.example/polls/{poll.id}"
    assert "• Oui\n• Non" in page.plain
    assert town.channels["exercices"].messages == []


async def test_all_is_closed_in_the_same_second_and_counted_by_place(town):
    poll = await town.open(minutes=10)
    await town.vote(poll, 0, "a", "b")
    await town.vote(poll, 1, "c", place="web")
    ends = poll.closes_at
    await town.clock.advance(700)
    closings = [town.channels[name].calls("close_poll") for name in ("telegram", "groupe")]
    assert [[(at.at - ends) < timedelta(seconds=1) for at in calls] for calls in closings] == [[True], [True]]
    assert town.channels["page"].calls("close_poll") == []
    told = await result(town, poll)
    assert told["channels"] == {
        "groupe": {"Oui": 1, "Non": 2},
        "telegram": {"Oui": 12, "Non": 3},
        "web": {"Oui": 2, "Non": 1},
    }
    assert (told["state"], told["turnout"], told["not_counted"]) == ("closed", 21, [])


async def test_who_closes_it_early_tells_the_platform_when_that_was(town):
    poll = await town.open(minutes=60)
    await town.clock.advance(120)
    closed = await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    await town.clock.advance(2)
    assert town.channels["telegram"].closed_at == closed.closes_at == poll.opened_at + timedelta(seconds=122)


async def test_votes_and_their_secret_are_gone_once_it_is_closed(town):
    poll = await town.open()
    await town.vote(poll, 0, "a", "b")
    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    assert await town.ask(lambda unit: list(unit.execute("SELECT * FROM ballot"))) == []
    assert (await town.poll(poll)).secret == ""


async def test_before_the_end_there_is_a_turnout_and_no_number(town):
    poll = await town.open()
    await town.vote(poll, 0, "a", "b", "c")
    told = await result(town, poll)
    assert told == {"poll": poll.id, "state": "open", "turnout": 3}
    shown = await town.ask(lambda unit: PollOut.of(unit, unit.polls.poll(poll.id)))
    assert "votes" not in json.dumps(shown.as_json())


async def test_whatever_is_stored_of_numbers_isnt_told_before_the_end(town):
    poll = await town.open()
    await town.daemon.service.act(
        lambda unit: unit.execute("UPDATE poll_place SET votes = '[7, 8]', how = 'final' WHERE name = 'telegram'")
    )
    found = await tally(town, poll)
    assert all(place.count is None for place in found.places)
    assert found.channels == {}


async def test_an_export_hides_what_votes_could_be_counted_with(town):
    poll = await town.open()
    await town.vote(poll, 0, "a")
    rows = await town.ask(lambda unit: list(unit.views.export()))
    [ballot] = [row for row in rows if row["table"] == "ballot"]
    assert (ballot["voter"], ballot["mark"], ballot["nonce"]) == ("***", "***", "***")
    [kept] = [row for row in rows if row["table"] == "poll"]
    assert kept["secret"] == "***"


async def test_two_votes_for_the_same_option_look_different(town):
    poll = await town.open()
    await town.vote(poll, 0, "a", "b")
    marks = await town.ask(lambda unit: [row["mark"] for row in unit.execute("SELECT mark FROM ballot")])
    assert len(set(marks)) == 2


async def test_where_a_validation_is_needed_somebody_else_opens_it(careful):
    poll = await careful.open()
    assert poll.state is PollState.WAITING
    assert await careful.posts(poll) == []
    with pytest.raises(Forbidden):
        await careful.act(lambda officer: ApprovePoll(poll.id).done_by(officer))
    same = Actor("anne", Role.APPROVER, Origin.COMMAND)
    with pytest.raises(Forbidden, match="somebody else"):
        await careful.act(lambda officer: ApprovePoll(poll.id).done_by(officer), same)
    opened = await careful.act(lambda officer: ApprovePoll(poll.id).done_by(officer), PAUL)
    await careful.clock.advance(2)
    assert opened.state is PollState.OPEN
    assert [post.state for post in await careful.posts(poll)] == [PostState.SENT] * 3
    with pytest.raises(Conflict):
        await careful.act(lambda officer: ApprovePoll(poll.id).done_by(officer), PAUL)


async def test_who_only_reads_asks_nobody(town):
    with pytest.raises(Forbidden):
        await town.open(who=Actor("Vera", Role.VIEWER, Origin.COMMAND))


async def test_what_was_rejected_never_opens(careful):
    poll = await careful.open()
    await careful.act(lambda officer: RejectPoll(poll.id, "trop tôt").done_by(officer), PAUL)
    await careful.clock.advance(300)
    assert (await careful.poll(poll)).state is PollState.REJECTED
    assert await careful.posts(poll) == []


async def test_what_nobody_validated_in_its_time_is_given_up(careful):
    poll = await careful.open(minutes=10)
    await careful.clock.advance(620)
    found = await careful.poll(poll)
    assert (found.state, found.reason.code) == (PollState.REJECTED, "poll_never_opened")


async def test_it_opens_at_its_hour(town):
    opens = town.clock.now() + timedelta(minutes=5)
    poll = await town.open(minutes=60, opens=opens)
    assert poll.state is PollState.WAITING
    await town.clock.advance(5 * 60)
    assert (await town.poll(poll)).state is PollState.OPEN
    sent = [asked.at for name in ("telegram", "groupe", "page") for asked in town.channels[name].published]
    assert len(sent) == 3
    assert all(at - opens < timedelta(minutes=1) for at in sent)


async def test_a_platform_that_is_down_at_closing_is_counted_later(town):
    town.channels["telegram"].script["close_poll"] = deque([Retry("down")] * 3)
    poll = await town.open(minutes=5)
    await town.clock.advance(300)
    told = await result(town, poll)
    assert told["not_counted"] == ["telegram"]
    assert "telegram" not in told["channels"]
    await town.clock.advance(600)
    told = await result(town, poll)
    assert (told["not_counted"], told["channels"]["telegram"]) == ([], {"Oui": 12, "Non": 3})


async def test_a_result_that_goes_out_takes_no_closing_with_it(town):
    town.channels["telegram"].script["close_poll"] = deque([Retry("down")] * 6)
    poll = await town.open(minutes=5)
    await town.clock.advance(300)
    await town.act(lambda officer: publish_result(officer, poll.id, {}))
    await town.clock.advance(900)
    [count] = [post for post in await town.posts(poll, PostKind.COUNT) if post.channel == "telegram"]
    assert count.state is PostState.SENT
    assert (await result(town, poll))["channels"]["telegram"] == {"Oui": 12, "Non": 3}
    assert [post.state for post in await town.posts(poll, PostKind.RESULT)] == [PostState.SENT] * 3


async def test_numbers_that_a_platform_will_never_tell_are_told_as_missing(town):
    town.channels["telegram"].script["close_poll"] = deque([Rejected("gone")])
    poll = await town.open(minutes=5)
    await town.clock.advance(310)
    told = await result(town, poll)
    assert told["notes"] == [{"channel": "telegram", "how": "missed", "reason": "gone", "reason_code": "words"}]
    assert "telegram" not in told["channels"]


async def test_what_never_went_out_is_not_sent_after_the_end(town):
    town.channels["telegram"].script["publish"] = deque([Retry("down")] * 60)
    poll = await town.open(minutes=5)
    await town.clock.advance(400)
    [post] = [post for post in await town.posts(poll) if post.channel == "telegram"]
    assert post.state is PostState.EXPIRED
    assert town.channels["telegram"].calls("close_poll") == []
    told = await result(town, poll)
    assert [note["reason_code"] for note in told["notes"]] == ["poll_never_asked"]


@pytest.mark.parametrize("what", ["publish", "close_poll"])
async def test_a_kill_at_the_platform_makes_no_second_poll_and_loses_no_closing(town, what):
    town.hang("telegram", what)
    poll = await town.open(minutes=5)
    if what == "close_poll":
        await town.clock.advance(301)
    assert len(town.channels["telegram"].calls(what)) == 1
    await town.kill()
    await town.start()
    await town.clock.advance(900)
    asked = town.channels["telegram"].published
    [first, *_] = [post for post in await town.posts(poll) if post.channel == "telegram"]
    assert len(asked) == 1, "a poll in doubt is never asked again by itself"
    if what == "publish":
        assert first.state is PostState.EXPIRED, "this platform can't be searched, so an officer had until its end"
    else:
        assert (await result(town, poll))["channels"]["telegram"] == {"Oui": 12, "Non": 3}


@pytest.mark.parametrize("moment", ["opened", "closed"])
async def test_a_kill_right_after_the_transaction_loses_nothing_of_it(town, moment):
    now = town.clock.now()
    draft = PollDraft(QUESTION, ("Oui", "Non"), now + timedelta(minutes=5))
    poll = await town.daemon.service.act(lambda unit: open_poll(Officer(unit, ANNE), draft))
    if moment == "closed":
        await town.clock.advance(2)
        await town.daemon.service.act(lambda unit: ClosePoll(poll.id).done_by(Officer(unit, ANNE)))
    await town.kill()
    await town.start()
    await town.clock.advance(400)
    assert [len(town.channels[name].published) for name in ("telegram", "groupe", "page")] == [1, 1, 1]
    assert [len(town.channels[name].calls("close_poll")) for name in ("telegram", "groupe")] == [1, 1]
    told = await result(town, poll)
    assert (told["state"], told["not_counted"], told["turnout"]) == ("closed", [], 18)


async def test_a_daemon_that_was_away_at_the_end_closes_when_it_is_back(town):
    poll = await town.open(minutes=5)
    await town.kill()
    town.clock.set(town.clock.now() + timedelta(minutes=20))
    await town.start()
    await town.clock.advance(5)
    assert (await town.poll(poll)).state is PollState.CLOSED
    assert (await result(town, poll))["not_counted"] == []


async def test_a_lost_answer_at_closing_is_asked_for_again(town):
    town.channels["telegram"].script["close_poll"] = deque([InDoubt("no answer")])
    poll = await town.open(minutes=5)
    await town.clock.advance(400)
    assert len(town.channels["telegram"].calls("close_poll")) == 2
    assert (await result(town, poll))["channels"]["telegram"] == {"Oui": 12, "Non": 3}


async def test_the_result_goes_out_on_every_channel_with_the_parts(town):
    poll = await town.open(minutes=5)
    await town.vote(poll, 1, "a")
    await town.clock.advance(310)
    seen = fingerprint_of(await tally(town, poll))
    await town.act(lambda officer: publish_result(officer, poll.id, {}, seen=seen))
    await town.clock.advance(5)
    words = town.channels["telegram"].messages[-1].plain
    assert "Oui : 13 (groupe 1, telegram 12, page 0)" in words.replace("\u00a0", " ")
    assert "%" not in words
    assert town.channels["telegram"].published[-1].to == "1", "in the thread of its question"
    assert town.channels["page"].published[-1].to is None, "a post of its own, which has its picture"
    with pytest.raises(Conflict):
        await town.act(lambda officer: publish_result(officer, poll.id, {}))


async def test_numbers_that_changed_since_they_were_shown_are_not_published(town):
    town.channels["telegram"].script["close_poll"] = deque([Late(30, Retry("down"))])
    poll = await town.open(minutes=5)
    await town.clock.advance(300)
    seen = fingerprint_of(await tally(town, poll))
    await town.clock.advance(60)
    with pytest.raises(Conflict, match="not what was shown"):
        await town.act(lambda officer: publish_result(officer, poll.id, {}, seen=seen))


async def test_nothing_is_published_before_the_end(town):
    poll = await town.open()
    with pytest.raises(Conflict, match="open"):
        await town.act(lambda officer: publish_result(officer, poll.id, {}))
    with pytest.raises(Conflict, match="open"):
        await town.act(lambda officer: TellPollOutcome(poll.id, "Rien").done_by(officer))


async def test_what_came_of_it_is_added(town):
    poll = await town.open()
    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    await town.act(lambda officer: TellPollOutcome(poll.id, "La place ferme dès mai.").done_by(officer))
    assert (await town.poll(poll)).outcome == "La place ferme dès mai."


async def test_many_votes_in_one_minute_are_told_beside_the_result(town):
    poll = await town.open(minutes=30)
    await town.vote(poll, 0, "early", "bird")
    await town.clock.advance(600)
    await town.vote(poll, 1, *(f"flood {number}" for number in range(12)))
    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer))
    told = await result(town, poll)
    assert [(spike["channel"], spike["votes"]) for spike in told["spikes"]] == [("web", 12)]
    assert told["channels"]["web"] == {"Oui": 2, "Non": 12}, "they are told, not taken away"


async def test_an_exercise_is_asked_on_exercise_channels_alone(town):
    poll = await town.open(exercise=True)
    assert [post.channel for post in await town.posts(poll)] == ["exercices"]
    assert town.channels["exercices"].messages[0].poll.question == f"EXERCICE – {QUESTION}"
    assert faults(town, exercise=True, channels=("telegram",)) == ["poll_for_exercise_channels"]
    assert faults(town, channels=("exercices",)) == ["poll_for_live_channels"]


async def test_where_a_post_is_a_picture_nobody_is_asked(town):
    channels = town.town.channels
    town.town = replace(town.town, channels=channels | {"telegram": replace(channels["telegram"], card_alone=True)})
    draft = PollDraft(question=QUESTION, options=("Oui", "Non"), closes=town.clock.now() + timedelta(hours=1))
    assert "telegram" not in drawn_up(draft, town.town, "Anne", "p1", town.clock.now()).channels
    assert faults(town, channels=("telegram",)) == ["poll_without_picture"]


async def test_where_each_post_costs_money_nobody_is_asked_unless_an_officer_says_so(town):
    channels = town.town.channels
    town.town = replace(town.town, channels=channels | {"telegram": replace(channels["telegram"], price=0.07)})
    draft = PollDraft(question=QUESTION, options=("Oui", "Non"), closes=town.clock.now() + timedelta(hours=1))
    now = town.clock.now()
    assert "telegram" not in drawn_up(draft, town.town, "Anne", "p1", now).channels
    chosen = drawn_up(replace(draft, channels=("telegram",)), town.town, "Anne", "p1", now)
    assert chosen.channels == ("telegram",)


async def test_all_faults_are_told_at_once(town):
    now = town.clock.now()
    assert faults(town, question=" ", options=("Oui",)) == ["lines", "poll_without_question", "poll_options"]
    assert faults(town, options=("a" * 26, "b")) == ["poll_option_long"]
    assert faults(town, options=("語" * 13, "b")) == ["poll_option_long"], "as X counts: 26"
    assert faults(town, options=("Oui", "oui")) == ["poll_option_twice"]
    assert faults(town, options=("Oui", "")) == ["poll_option_empty"]
    assert faults(town, question="q" * 201) == ["poll_question_long"]
    assert faults(town, closes=now + timedelta(minutes=4, seconds=59)) == ["poll_length"]
    assert faults(town, closes=now + timedelta(days=7, seconds=1)) == ["poll_length"]
    assert faults(town, opens=now + timedelta(days=91), closes=now + timedelta(days=92)) == ["poll_starts_late"]
    assert faults(town, channels=("nowhere",)) == ["no_such_channel"]


async def test_its_posts_are_listed_among_no_alerts(town):
    poll = await town.open()
    assert await town.ask(lambda unit: [each.id for each in unit.views.on_now(unit.now)]) == []
    assert await town.ask(lambda unit: [each.id for each in unit.views.everything()]) == []
    assert await town.ask(lambda unit: unit.views.public_incidents(unit.now)) == []
    history = await town.ask(lambda unit: [event.what for event in unit.views.history(poll.id)])
    assert history[0] == "accepted", "and explained all the same"


async def test_who_did_what_stands_in_the_audit_log_without_numbers(town):
    poll = await town.open()
    await town.vote(poll, 0, "a")
    await town.act(lambda officer: ClosePoll(poll.id).done_by(officer), Actor("Luc", Role.AUTHOR, Origin.API))
    lines = await town.ask(lambda unit: [(line.entry.actor, line.entry.act) for line in unit.audit.newest()])
    assert ("Anne", "consult") in lines
    assert ("Luc", "consult") in lines


async def test_an_open_poll_says_where_it_is_asked(town):
    poll = await town.open()
    found = await tally(town, poll)
    ways = {place.name: place.way for place in found.places}
    assert ways == {"telegram": Way.POLL, "groupe": Way.POLL, "page": Way.LINK, "web": Way.OWN}
    assert ANNE.name == poll.author
