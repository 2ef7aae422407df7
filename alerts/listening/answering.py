"""An answer as posts: where it is said, once in each place, and what a new version does to what is out.

Each place is a thread of its own in the outbox (docs/adr, "An answer is a post"): its key is the question's id for the
one answer in our own thread on a channel, and the utterance's for a reply to one asker. So no alert waits for an
answer, a new version is an edit of the thread's post, and a key that a channel has already is answered there already.

Where that is depends on the platform. Telegram: one reply in the group, whoever asked there, and one in each private
chat. Facebook: one comment of the page under its post, and a reply to each of the first `replies` askers. X: one reply
of ours below our own post, since it lets nobody answer strangers unasked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.desk.dedupe import end_reason
from alerts.desk.unit import DeskUnit
from alerts.desk.versions import current_answer, public_versions
from alerts.model.alert import Severity, Status
from alerts.model.errors import Misuse
from alerts.model.incident import AlertState, StoredAlert, id_of
from alerts.model.listening import (
    NEVER_AUTOMATIC,
    AnswerState,
    GivenAnswer,
    Question,
    QuestionState,
    Utterance,
    UtteranceState,
)
from alerts.model.post import ANSWERS_LAST, Means, Message, Post, PostKind, PostState
from alerts.model.reason import because
from alerts.model.town import ChannelConfig
from alerts.rendering.answer import AnswerWords

WORTH_TELLING = timedelta(hours=6)
"""How long after the alert's end an answer to it is still sent, where a channel was down."""
# Entries on a page that people read on a telephone.
MOST_ENTRIES = 200
# Characters of a remark that asks nothing, when it takes the place of a question.
_SHORT_WORDING = 120
# The first sentence with a question mark.
_ASKS = re.compile(r"[^.!?\n…]*\?")
_GREETING = re.compile(
    r"^(?:@\w+|bonjour|bonsoir|salut|hello|hi|merci|svp|s['’]il vous plaît)\b[\s,:!–-]*", re.IGNORECASE
)
# States of an answer's posts: still stoppable, possibly published, and never published.
_UNSENT = (PostState.WAITING, PostState.QUEUED)
_MAY_BE_OUT = (PostState.SENDING, PostState.IN_DOUBT, PostState.SENT)
_NOT_OUT = (PostState.FAILED, PostState.EXPIRED)
_WORDLESS = (UtteranceState.GONE, UtteranceState.FORGOTTEN)


@dataclass(frozen=True, slots=True)
class AnswerPlace:
    """The place of an answer: a channel, the key of the thread there, and the remark or post it replies to.

    `is_ours`: it is below our own post, where nothing else shows the question.
    """

    channel: ChannelConfig
    key: str
    in_reply_to: str
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """A question and its answer, as on the public page. `key` is the question's id, `at` the time of release.

    `corrected`: it replaced another answer.
    """

    key: str
    question: str
    answer: str
    language: str
    asked: int
    at: datetime
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class _AnswerSubject:
    """The subject of an answer's posts: question and answer, and their alert."""

    question: Question
    answer: GivenAnswer
    alert: StoredAlert
    rounds: int
    said: dict[tuple[str, bool, bool], Message] = field(default_factory=dict)
    """The rendered messages: all replies on a channel have the same words."""

    @property
    def is_exercise(self) -> bool:
        """True if it is for exercises' channels alone."""
        return self.alert.alert is not None and self.alert.alert.status is not Status.ACTUAL


def faq(unit: DeskUnit, incident: str) -> Sequence[FaqEntry]:
    """Return the answers about an incident, the most asked first, as released: question, answer and place.

    A stranger's own wording is public nowhere: a question that no officer worded is omitted here.
    """
    entries = []
    for question in unit.listening.questions(MOST_ENTRIES, incident):
        if question.state not in (QuestionState.ANSWERED, QuestionState.BECAME):
            continue
        versions = public_versions(unit, question.id)
        if versions and versions[-1].incident in (None, incident):
            entries.append(_entry(question, versions[-1], corrected=len(versions) > 1))
    return sorted(entries, key=lambda each: (-each.asked, each.key))


def _entry(question: Question, answer: GivenAnswer, *, corrected: bool) -> FaqEntry:
    at, asked = answer.validated_at or answer.created_at, asked_in(question, answer)
    return FaqEntry(question.id, asked or "", answer.text, answer.language, question.asked, at, corrected)


def asked_in(question: Question, answer: GivenAnswer) -> str | None:
    """Return the question by that version of its answer. Returns None if nothing public states it."""
    return answer.asked if answer.incident is not None else worded(question)


def worded(question: Question) -> str | None:
    """Return the question in an officer's words.

    Returns None if it has only a stranger's, which nothing public repeats.
    """
    return question.words if question.worded_by is not None else None


def what_is_asked(words: str) -> str:
    """Return the question in somebody's words without the rest: the first sentence that asks."""
    asks = _ASKS.search(words)
    said = " ".join((asks[0] if asks else words).split())
    while (bare := _GREETING.sub("", said)) != said:
        said = bare
    return said[:1].upper() + said[1 : len(said) if asks else _SHORT_WORDING]


def newest_alert(unit: DeskUnit, incident: str | None) -> StoredAlert:
    """The alert that an answer about an incident belongs to. Raises Misuse where there is none."""
    accepted = [
        stored
        for stored in (unit.alerts.incident(incident) if incident else ())
        if stored.state is AlertState.ACCEPTED and stored.alert is not None
    ]
    if not accepted:
        raise Misuse(because("question_without_incident"))
    # An end has nothing to be asked about: what it ended has.
    going_on = [stored for stored in accepted if stored.alert is not None and end_reason(stored.alert) is None]
    return (going_on or accepted)[-1]


def spread(unit: DeskUnit, question: Question, answer: GivenAnswer) -> tuple[Post, ...]:
    """Store the posts by which an accepted answer reaches everybody who has to have it; these.

    What carries an earlier version is edited, and what hasn't left yet is superseded. Nowhere is it said twice.
    """
    subject = _AnswerSubject(question, answer, newest_alert(unit, question.incident), _rounds(unit, question.id))
    threads = _threads(unit, question.id)
    places = list(_places(unit, question, everywhere=answer.everywhere))
    changed = [_again(unit, subject, thread) for thread in threads.values() if _may_change(thread)]
    posts = [post for post in changed if post is not None]
    posts += [_first(unit, subject, place) for place in places if (place.key, place.channel.name) not in threads]
    unit.alerts.note(unit.now, subject.alert.id, None, "answered", because("answer_told", question=question.id))
    return tuple(posts)


def take_back(unit: DeskUnit, question: Question, answer: GivenAnswer) -> tuple[Post, ...]:
    """Store the posts that take an answer back wherever it is; what hasn't left yet doesn't leave."""
    subject = _AnswerSubject(question, answer, newest_alert(unit, question.incident), _rounds(unit, question.id))
    taken = []
    for thread in _threads(unit, question.id).values():
        last = thread[-1]
        if last.state in _UNSENT:
            _supersede(unit, last, answer.id)
        if last.state is PostState.FAILED:
            _give_up(unit, last, question.id)
        if any(post.state in _MAY_BE_OUT for post in thread):
            place = AnswerPlace(unit.desk.station.channels[last.channel], last.incident_id, last.in_reply_to or "")
            taken.append(_stored(unit, subject, place, Means.DELETE, last.message))
    why = because("answer_withdrawn", question=question.id)
    unit.alerts.note(unit.now, subject.alert.id, None, "answer_withdrawn", why)
    return tuple(taken)


def answer_automatically(unit: DeskUnit, question: Question, asker: Utterance) -> Post | None:
    """Store the reply to one who asks what was answered already; None where there is none to make.

    The caller has seen that it is the same question. Nobody is answered so twice, nor beyond what an answer's limits on
    the platform are, nor after the incident is over, nor on X, nor where it may be a call for help.
    """
    answer = current_answer(unit, question.id)
    if answer is None or (answer.incident is not None and not answer.next_ones):
        return None
    if asker.raised or asker.kind in NEVER_AUTOMATIC or asker.state in _WORDLESS:
        return None
    alert = newest_alert(unit, question.incident)
    if alert.alert is None or alert.alert.ends <= unit.now:
        return None
    rounds = _rounds(unit, question.id)
    threads, own = _threads(unit, question.id), _key(asker.id, rounds)
    for place in _places(unit, question, everywhere=False):
        is_theirs = place.key == own or (place.channel.kind == "telegram" and not place.is_ours)
        is_here = place.channel.name == asker.channel and place.in_reply_to == asker.remote_id
        if is_theirs and is_here and (place.key, asker.channel) not in threads:
            return _first(unit, _AnswerSubject(question, answer, alert, rounds), place, automatic=True)
    return None


# --- where


def _places(unit: DeskUnit, question: Question, *, everywhere: bool) -> Iterator[AnswerPlace]:
    """Each place at which the answer is said, once: where it was asked, then, if `everywhere`, where it wasn't."""
    town, rounds = unit.desk.station, _rounds(unit, question.id)
    by_channel: dict[str, list[Utterance]] = {}
    for each in unit.listening.asking(question.id):
        # What an officer heard at the counter has nowhere to be answered.
        if each.state not in _WORDLESS and each.by is None:
            by_channel.setdefault(each.channel, []).append(each)
    for name, askers in by_channel.items():
        channel = town.channels.get(name)
        if channel is not None:
            yield from _where_asked(unit, question, channel, askers, rounds)
    if everywhere:
        open_ones = {name for name, askers in by_channel.items() if any(not each.private for each in askers)}
        for name, channel in town.channels.items():
            if name not in open_ones:
                yield from _own_thread(unit, question, channel, rounds)


def _where_asked(
    unit: DeskUnit, question: Question, channel: ChannelConfig, askers: Sequence[Utterance], rounds: int
) -> Iterator[AnswerPlace]:
    yield from _privately(channel, askers, rounds)
    openly = [each for each in askers if not each.private]
    if not openly:
        return
    match channel.kind:
        case "telegram":
            yield AnswerPlace(channel, _key(question.id, rounds), openly[0].remote_id)
        case "facebook":
            root = next((each.root for each in openly if each.root), None)
            yield from _own_thread(unit, question, channel, rounds, root)
            for each in _each_person(openly)[: channel.replies]:
                yield AnswerPlace(channel, _key(each.id, rounds), each.remote_id)
        case _:
            root = next((each.root for each in openly if each.root), None)
            yield from _own_thread(unit, question, channel, rounds, root)


def _privately(channel: ChannelConfig, askers: Sequence[Utterance], rounds: int) -> Iterator[AnswerPlace]:
    chats: dict[str, Utterance] = {}
    for each in askers:
        if each.private:
            chats.setdefault(each.remote_id.partition(":")[0], each)
    for each in chats.values():
        yield AnswerPlace(channel, _key(each.id, rounds), each.remote_id)


def _own_thread(
    unit: DeskUnit, question: Question, channel: ChannelConfig, rounds: int, root: str | None = None
) -> Iterator[AnswerPlace]:
    """The place below our own post: the one under which it was asked, else the newest of the incident."""
    below = root or _our_post(unit, question, channel)
    if below is not None:
        yield AnswerPlace(channel, _key(question.id, rounds), below, is_ours=True)


def _our_post(unit: DeskUnit, question: Question, channel: ChannelConfig) -> str | None:
    thread = unit.alerts.thread(question.incident, channel.name) if question.incident else ()
    out = [post.receipt.remote_id for post in thread if post.state is PostState.SENT and post.receipt is not None]
    return out[0] if out else None


def _each_person(askers: Sequence[Utterance]) -> list[Utterance]:
    """The first that each person said of these; who has no name is somebody else each time."""
    people: dict[str, Utterance] = {}
    for each in askers:
        people.setdefault(each.author or each.id, each)
    return list(people.values())


def _rounds(unit: DeskUnit, question_id: str) -> int:
    """How often an answer to it was withdrawn: what is said after that is said anew, not edited into what is gone."""
    return sum(each.state is AnswerState.WITHDRAWN for each in unit.listening.answers(question_id))


def _key(base: str, rounds: int) -> str:
    return id_of(base, str(rounds)) if rounds else base


# --- posts


def _threads(unit: DeskUnit, question_id: str) -> dict[tuple[str, str], list[Post]]:
    """The posts of each thread that carries an answer to it, by key and channel; none of what was taken back."""
    threads: dict[tuple[str, str], list[Post]] = {}
    for post in unit.listening.answer_posts(question_id):
        threads.setdefault((post.incident_id, post.channel), []).append(post)
    town = unit.desk.station
    return {
        where: posts
        for where, posts in threads.items()
        if posts[-1].means is not Means.DELETE and where[1] in town.channels
    }


def _may_change(thread: Sequence[Post]) -> bool:
    """True if a new version goes where this one went, or was to go; a thread given up before its start stays so."""
    return any(post.state in _MAY_BE_OUT for post in thread) or thread[-1].state in (*_UNSENT, *_NOT_OUT)


def _again(unit: DeskUnit, subject: _AnswerSubject, thread: Sequence[Post]) -> Post | None:
    """The post by which a new version takes the place of what the thread says; None where that is the same."""
    last = thread[-1]
    if last.state in _UNSENT:
        _supersede(unit, last, subject.answer.id)
    channel, remark = unit.desk.station.channels[last.channel], last.in_reply_to or ""
    # In a group it stands below the first who asked; on the other platforms the question's own thread is ours.
    is_below_asker = channel.kind == "telegram" and ":" in remark
    own = _key(subject.question.id, subject.rounds)
    place = AnswerPlace(channel, last.incident_id, remark, is_ours=last.incident_id == own and not is_below_asker)
    message = _message(unit, subject, place)
    if last.state is PostState.SENT and last.message == message:
        return None
    return _stored(unit, subject, place, Means.EDIT, message)


def _first(unit: DeskUnit, subject: _AnswerSubject, place: AnswerPlace, *, automatic: bool = False) -> Post:
    return _stored(unit, subject, place, Means.REPLY, _message(unit, subject, place, automatic=automatic))


def _message(unit: DeskUnit, subject: _AnswerSubject, place: AnswerPlace, *, automatic: bool = False) -> Message:
    key = (place.channel.name, place.is_ours, automatic)
    if key in subject.said:
        return subject.said[key]
    town, has_page = unit.desk.station, place.channel.link != "never" and not subject.is_exercise
    page = f"{town.public_url}/alerts/{subject.question.incident}" if town.public_url and has_page else None
    reply = AnswerWords(
        subject.answer.text,
        subject.answer.language,
        asked_in(subject.question, subject.answer) if place.is_ours else None,
        page,
        automatic=automatic,
        exercise=subject.is_exercise,
    )
    subject.said[key] = unit.desk.renderer.answer(reply, place.channel)
    return subject.said[key]


def _stored(unit: DeskUnit, subject: _AnswerSubject, place: AnswerPlace, means: Means, message: Message) -> Post:
    ends = subject.alert.alert.ends if subject.alert.alert is not None else unit.now
    post = Post(
        id=unit.new_id(),
        alert_id=subject.alert.id,
        incident_id=place.key,
        channel=place.channel.name,
        kind=PostKind.ANSWER,
        means=means,
        state=PostState.QUEUED,
        priority=ANSWERS_LAST,
        message=message,
        severity=Severity.MINOR,
        stored_at=unit.now,
        exercise=subject.is_exercise,
        expires=max(ends, unit.now) + WORTH_TELLING,
        in_reply_to=place.in_reply_to,
        answer=subject.answer.id,
    )
    unit.alerts.add_post(post)
    return post


def _give_up(unit: DeskUnit, post: Post, question: str) -> None:
    """Drop a failed post, so that a withdrawn answer isn't published by a retry."""
    reason = because("answer_withdrawn", question=question)
    unit.alerts.move_post(post, PostState.DROPPED, reason, not_before=None)
    unit.alerts.note(unit.now, post.alert_id, post.id, PostState.DROPPED, reason)


def _supersede(unit: DeskUnit, post: Post, by: str) -> None:
    reason = because("superseded", by=by)
    unit.alerts.move_post(post, PostState.SUPERSEDED, reason, not_before=None)
    unit.alerts.note(unit.now, post.alert_id, post.id, PostState.SUPERSEDED, reason)
