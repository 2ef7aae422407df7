"""Consulting: how a poll comes to be and is published, and what is due by itself; the rest is `poll_acts`.

How it works: `open_poll` checks a draft as a post is checked and stores it; it opens at once, at its hour, or once
somebody else has validated it. To open is one transaction: the state, where it is asked, and a post for each channel.
To close is one too: the votes of page and bots are counted and taken away, and for each platform's own poll a post of
the kind `count` is stored, which its lane carries out with all that a lane does: a kill loses none, and a platform that
is down is counted later. `due` does what its time has come for; a daemon calls it under the lease of the shared duties.

Nothing here, nor in `PollOut`, has a number before a poll is closed, but for the turnout of page and
bots.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from alerts.desk.approve import SHORTEST as SHORTEST_NAME
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Severity, Urgency
from alerts.model.errors import Conflict, Misuse
from alerts.model.incident import MANUAL, AlertState, StoredAlert
from alerts.model.person import Act
from alerts.model.poll import (
    BOT,
    FEWEST_OPTIONS,
    LATEST_START,
    LONGEST,
    LONGEST_OPTION,
    LONGEST_QUESTION,
    MOST_OPTIONS,
    POLLS,
    SHORTEST,
    WEB,
    Counting,
    Poll,
    PollCount,
    PollPlace,
    PollState,
    Tally,
    Way,
)
from alerts.model.post import Means, Message, Post, PostImage, PostKind, PostState, priority_of
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.counting import weighted
from alerts.rendering.polling import draw_result, question_on, result_alt, result_on
from alerts.rendering.text import clean_line

_SEVERITY = Severity.MINOR
_PRIORITY = priority_of(_SEVERITY, Urgency.IMMEDIATE)
# Ahead of all that isn't Severe, so that all of them are closed within the same seconds.
_CLOSING = priority_of(Severity.SEVERE, Urgency.PAST) - 1
_RESULT_LASTS = timedelta(days=7)
_GOES_OUT = (PostState.SENDING, PostState.IN_DOUBT, PostState.SENT)


@dataclass(frozen=True, slots=True)
class PollDraft:
    """A poll as it is asked for; without `channels` it goes to those of `asked_by_default`. `opens` None: now."""

    question: str
    options: tuple[str, ...]
    closes: datetime
    opens: datetime | None = None
    channels: tuple[str, ...] = ()
    exercise: bool = False


def drawn_up(draft: PollDraft, town: Town, author: str, identity: str, now: datetime) -> Poll:
    """The poll that a draft comes to. Raises Misuse, with all of its faults at once."""
    question = " ".join(clean_line(draft.question).split())
    options = tuple(" ".join(clean_line(option).split()) for option in draft.options)
    opens = max(draft.opens or now, now)
    channels = draft.channels or tuple(each.name for each in asked_by_default(town, exercise=draft.exercise))
    faults = [
        *_faults_of_words(question, options),
        *_faults_of_times(opens, draft.closes, now),
        *_faults_of_channels(tuple(channels), town, exercise=draft.exercise),
    ]
    if faults:
        raise Misuse(faults[0] if len(faults) == 1 else because("lines", each=faults))
    return Poll(
        id=identity,
        question=question,
        options=options,
        opens_at=opens,
        closes_at=draft.closes,
        channels=tuple(dict.fromkeys(channels)),
        author=author,
        state=PollState.WAITING,
        created_at=now,
        secret=secrets.token_hex(32),
        exercise=draft.exercise,
    )


def _faults_of_words(question: str, options: Sequence[str]) -> list[Reason]:
    faults = []
    if not question:
        faults.append(because("poll_without_question"))
    elif len(question) > LONGEST_QUESTION:
        faults.append(because("poll_question_long", count=len(question), most=LONGEST_QUESTION))
    if not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
        faults.append(because("poll_options", count=len(options), least=FEWEST_OPTIONS, most=MOST_OPTIONS))
    for option in options:
        if not option:
            faults.append(because("poll_option_empty"))
        elif (length := weighted(option)) > LONGEST_OPTION:
            faults.append(because("poll_option_long", option=option, count=length, most=LONGEST_OPTION))
    if len({option.casefold() for option in options if option}) < len([option for option in options if option]):
        faults.append(because("poll_option_twice"))
    return faults


def _faults_of_times(opens: datetime, closes: datetime, now: datetime) -> list[Reason]:
    if opens - now > LATEST_START:
        return [because("poll_starts_late", days=LATEST_START.days)]
    if not SHORTEST <= closes - opens <= LONGEST:
        return [because("poll_length", least=SHORTEST.seconds // 60, most=LONGEST.days)]
    return []


def may_ask(channel: ChannelConfig) -> bool:
    """True if a poll may be asked there: a question has no card, so none where a post is a picture."""
    return channel.public and not channel.card_alone


def asked_by_default(town: Town, *, exercise: bool) -> list[ChannelConfig]:
    """Return the channels that ask a poll which names none: all that may, unless each post costs money there."""
    channels = town.channels.values()
    return [each for each in channels if may_ask(each) and each.exercise is exercise and each.price is None]


def _faults_of_channels(names: Sequence[str], town: Town, *, exercise: bool) -> list[Reason]:
    fitting = {each.name for each in town.channels.values() if may_ask(each) and each.exercise is exercise}
    unknown = [name for name in names if name not in town.channels]
    if unknown:
        return [because("no_such_channel", name=name, known=list(town.channels)) for name in unknown]
    pictures = [name for name in names if town.channels[name].card_alone]
    if pictures:
        return [because("poll_without_picture", channels=pictures)]
    strangers = [name for name in names if name not in fitting]
    if strangers:
        known = sorted(fitting)
        if exercise:
            return [because("poll_for_exercise_channels", channels=strangers, known=known)]
        return [because("poll_for_live_channels", channels=strangers, known=known)]
    if not names:
        return [because("poll_without_channel")]
    # What leads to the page needs an address that it leads to.
    bare = [name for name in names if not town.channels[name].asks]
    return [because("poll_without_address", channels=bare)] if bare and not town.public_url else []


def find_poll(unit: DeskUnit, name: str) -> Poll:
    """The poll of that id, or of the one that begins so. Raises Misuse."""
    exact = unit.polls.poll(name)
    if exact is not None:
        return exact
    found = unit.polls.beginning(name) if len(name) >= SHORTEST_NAME else []
    if not found:
        raise Misuse(because("no_such_poll", name=name))
    if len(found) > 1:
        raise Misuse(because("name_of_polls", name=name, found=[each.id for each in found]))
    return found[0]


def open_poll(officer: Officer, draft: PollDraft, identity: str | None = None) -> Poll:
    """Store a poll, and open it where manual's `publish` is `auto` and its hour has come. Raises Misuse, Forbidden.

    `identity` is its id, where whoever asks has to know it before.
    """
    officer.must(Act.CONSULT)
    unit, town = officer.unit, officer.unit.desk.station
    poll = drawn_up(draft, town, officer.actor.name, identity or unit.new_id(), unit.now)
    officer.write(Act.CONSULT, poll.id, f"asks: {poll.question} [{', '.join(poll.options)}]")
    if town.rules_for(MANUAL).publish != "auto":
        unit.polls.put(poll)
        return poll
    approved = replace(poll, approved_at=unit.now)
    unit.polls.put(approved)
    return opened(unit, town, approved) if approved.opens_at <= unit.now else approved


def shown_of(poll: Poll) -> str:
    """Return the SHA-256 that the validation of a poll is bound to: its question, places and times."""
    asked = [poll.id, poll.question, list(poll.options), list(poll.channels), poll.exercise]
    times = [poll.opens_at.timestamp(), poll.closes_at.timestamp()]
    return sha256(json.dumps([*asked, *times], ensure_ascii=False).encode()).hexdigest()


def publish_result(
    officer: Officer, name: str, pictures: Mapping[str, str], *, seen: str | None = None
) -> tuple[Poll, list[Post]]:
    """Put the result out on every channel of the poll. `pictures` are files by language; `seen` what was shown.

    Raises Forbidden, and Conflict where it isn't closed, is out already, or isn't what was shown any more.
    """
    officer.must(Act.CONSULT)
    unit, town = officer.unit, officer.unit.desk.station
    poll = find_poll(unit, name)
    if poll.state is not PollState.CLOSED:
        raise Conflict(because("poll_is", poll=poll.id, state=poll.state))
    if poll.published_at is not None:
        raise Conflict(because("poll_published", poll=poll.id))
    tally = unit.polls.tally(poll)
    if seen is not None and seen != fingerprint_of(tally):
        raise Conflict(because("changed_since_shown", alert=poll.id))
    posts = [
        _post(unit, poll, channel, PostKind.RESULT, message) for channel, message in results_on(town, tally, pictures)
    ]
    for post in posts:
        _store(unit, replace(post, expires=unit.now + _RESULT_LASTS))
    published = replace(poll, published_at=unit.now)
    unit.polls.put(published)
    unit.alerts.note(unit.now, poll.id, None, "accepted", because("poll_result_published"))
    officer.write(Act.CONSULT, poll.id, "publishes the result")
    return published, posts


def results_on(town: Town, tally: Tally, pictures: Mapping[str, str]) -> list[tuple[ChannelConfig, Message]]:
    """Return the result's message for each channel of the poll."""
    results = []
    for name in tally.poll.channels:
        channel = town.channels.get(name)
        if channel is None or channel.exercise is not tally.poll.exercise:
            continue
        language = channel.language or town.language
        file = pictures.get(language)
        image = PostImage(file, result_alt(tally, language)) if file else None
        results.append((channel, result_on(town, channel, tally, image)))
    return results


def languages_of(town: Town, poll: Poll) -> list[str]:
    """Return the languages of its result."""
    channels = [town.channels[name] for name in poll.channels if name in town.channels]
    return list(dict.fromkeys(channel.language or town.language for channel in channels))


def fingerprint_of(tally: Tally) -> str:
    """Return the digest that a publication is bound to: of the numbers as displayed."""
    shown = [tally.poll.id, {name: list(votes.items()) for name, votes in sorted(tally.channels.items())}]
    return sha256(json.dumps(shown, ensure_ascii=False).encode()).hexdigest()


def due(unit: DeskUnit, town: Town, now: datetime, only: Collection[str] | None = None) -> list[Poll]:
    """Open, close and give up what its time has come for (or `only` these); returns those polls as they are now."""
    done = []
    for poll in unit.polls.due(now):
        if only is not None and poll.id not in only:
            continue
        if poll.state is PollState.OPEN:
            done.append(closed(unit, town, poll))
        elif poll.closes_at <= now:
            missed = replace(poll, state=PollState.REJECTED, secret="", reason=because("poll_never_opened"))
            unit.polls.put(missed)
            done.append(missed)
        else:
            done.append(opened(unit, town, poll))
    return done


def opened(unit: DeskUnit, town: Town, poll: Poll) -> Poll:
    """Open it: its page answers, and each channel has a post, in this transaction."""
    now = unit.now
    done = replace(poll, state=PollState.OPEN, opened_at=now)
    unit.polls.put(done)
    # Posts belong to a message: this one says nothing, and is listed nowhere.
    unit.alerts.add(StoredAlert(poll.id, poll.id, POLLS, None, AlertState.ACCEPTED, now, author=poll.author))
    unit.alerts.note(now, poll.id, None, "accepted", because("poll_opened", question=poll.question))
    unit.alerts.close(poll.id, now)
    for name in poll.channels:
        channel = town.channels.get(name)
        if channel is None or channel.exercise is not poll.exercise:
            why = because("poll_channel_unfit")
            unit.polls.put_place(poll.id, PollPlace(name, Way.LINK, PollCount((), Counting.MISSED), now, reason=why))
            continue
        unit.polls.put_place(poll.id, PollPlace(name, Way.POLL if channel.asks else Way.LINK))
        message = question_on(town, channel, poll)
        _store(unit, replace(_post(unit, poll, channel, PostKind.POLL, message), expires=poll.closes_at))
    if town.public_url:
        unit.polls.put_place(poll.id, PollPlace(WEB, Way.OWN))
    if any(bot.exercise is poll.exercise for bot in town.bots.values()):
        unit.polls.put_place(poll.id, PollPlace(BOT, Way.OWN))
    return done


def closed(unit: DeskUnit, town: Town, poll: Poll) -> Poll:
    """Close it everywhere: page and bots are counted now, each platform's own poll by its lane."""
    now = unit.now
    unit.polls.count(poll, now)
    done = replace(poll, state=PollState.CLOSED, closed_at=now, closes_at=min(now, poll.closes_at), secret="")
    unit.polls.put(done)
    unit.alerts.note(now, poll.id, None, "over", because("poll_closed"))
    for place in unit.polls.tally(done).places:
        if place.way is not Way.OWN:
            _close_there(unit, town, poll, place)
    return done


def _close_there(unit: DeskUnit, town: Town, poll: Poll, place: PollPlace) -> None:
    now = unit.now
    asked = next((post for post in unit.alerts.thread(poll.id, place.name) if post.kind is PostKind.POLL), None)
    if asked is not None and asked.state is PostState.QUEUED:
        over = because("over_before_sent")
        unit.alerts.move_post(asked, PostState.EXPIRED, over, not_before=None)
        unit.alerts.note(now, poll.id, asked.id, PostState.EXPIRED, over)
    if asked is not None and asked.state is PostState.FAILED:
        over = because("poll_closed")
        unit.alerts.move_post(asked, PostState.DROPPED, over, not_before=None)
        unit.alerts.note(now, poll.id, asked.id, PostState.DROPPED, over)
    if place.way is not Way.POLL:
        return
    channel = town.channels.get(place.name)
    if asked is None or asked.state not in _GOES_OUT or channel is None:
        why = because("poll_never_asked")
        unit.polls.counted(poll.id, place.name, PollCount((), Counting.MISSED), now, why)
        return
    form = asked.message.poll or poll.form
    # With the time of the closing: a platform whose own poll goes on until its end tells by it how early that was.
    message = replace(asked.message, poll=replace(form, closes_at=min(now, poll.closes_at)))
    closing = _post(unit, poll, channel, PostKind.COUNT, message)
    _store(unit, replace(closing, means=Means.EDIT, priority=_CLOSING))


def _post(unit: DeskUnit, poll: Poll, channel: ChannelConfig, kind: PostKind, message: Message) -> Post:
    return Post(
        id=unit.new_id(),
        alert_id=poll.id,
        incident_id=poll.id,
        channel=channel.name,
        kind=kind,
        # Where nothing is told in replies, as on a Facebook Page, a reply is a comment without a picture: few see it.
        means=Means.REPLY if kind is PostKind.RESULT and channel.on_update is Means.REPLY else Means.NEW,
        state=PostState.QUEUED,
        priority=_PRIORITY,
        message=message,
        severity=_SEVERITY,
        stored_at=unit.now,
        exercise=poll.exercise,
    )


def _store(unit: DeskUnit, post: Post) -> None:
    unit.alerts.add_post(post)
    unit.alerts.note(post.stored_at, post.alert_id, post.id, post.state, None)


# --- as it is told


def pictures_of(tally: Tally, town: Town) -> dict[str, bytes]:
    """Return the result as a picture, as PNG, in each of its languages."""
    return {language: draw_result(tally, town.name, language) for language in languages_of(town, tally.poll)}
