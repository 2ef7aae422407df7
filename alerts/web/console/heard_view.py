"""The content of the pages about remarks, read in one unit of work: the ears, possible calls for help, questions.

Nothing is folded away before somebody saw its first words: every unread remark is in one of the lists, or their end
says how many more there are. Of each question a few samples are read, however many asked it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerts.desk.unit import DeskUnit
from alerts.desk.versions import current_answer, waiting
from alerts.listening.answering import what_is_asked, worded
from alerts.listening.moderating import WAITING, may
from alerts.listening.proposals import Proposal, proposals, suggest
from alerts.model.listening import (
    EarStatus,
    GivenAnswer,
    Kind,
    Moderation,
    Question,
    QuestionState,
    Utterance,
)
from alerts.model.post import Post
from alerts.model.town import Town
from alerts.web.console.watch import needs_somebody

MOST = 100
"""Utterances that a list shows at the most; its end says how many more there are."""
# Bounds of the page; beyond, it says that there are more.
MOST_QUESTIONS = 40
MOST_RAISED = 30
MOST_ASKERS = 200
MOST_CHOICES = 20
"""Other questions, and alerts that are on, that a page offers to choose from."""
# A few askers show what is meant.
SAMPLES = 3
LATELY = 8
"""Answered questions that stay in sight, the newest."""
# Kinds on which an answer can be a reply.
_LISTENED_TO = ("twitter", "facebook", "telegram", "mastodon", "bluesky")


@dataclass(frozen=True, slots=True)
class EarSeen:
    """An ear, and how old its knowledge is: `off`, `new` (never listened), `well`, `late`, or `deaf` with a reason."""

    name: str
    state: str
    status: EarStatus


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question: its askers by channel, since when, in which words, and its answer.

    `current_answer` is the current answer, `waiting` the one for a second person, `stuck` the posts of the answer that
    failed or are in doubt.
    """

    question: Question
    channels: Mapping[str, int]
    samples: tuple[Utterance, ...]
    current_answer: GivenAnswer | None = None
    waiting: GivenAnswer | None = None
    stuck: tuple[Post, ...] = ()

    @property
    def since(self) -> datetime:
        """When it was first asked."""
        return min((each.said_at for each in self.samples), default=self.question.created_at)


@dataclass(frozen=True, slots=True)
class HeardBoard:
    """The page of remarks. `rest` are the unread ones outside questions and calls for help.

    `counts` has the unread of each kind, `more` how many of the rest aren't shown, from the place `onward` on,
    `more_questions` is true if not all are, and `headlines` are the incidents' names. `proposals` are additions to
    alerts, `blocks` those that wait for a second person, `on` the current incidents, by id and name.
    """

    ears: tuple[EarSeen, ...]
    raised: tuple[Utterance, ...]
    questions: tuple[AskedQuestion, ...]
    rumours: tuple[AskedQuestion, ...]
    answered: tuple[AskedQuestion, ...]
    rest: tuple[Utterance, ...]
    elsewhere: tuple[Utterance, ...]
    counts: Mapping[Kind, int]
    more: int = 0
    onward: int | None = None
    more_questions: bool = False
    headlines: Mapping[str, str] = field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()
    blocks: tuple[tuple[Moderation, Utterance | None], ...] = ()
    on: tuple[tuple[str, str], ...] = ()

    @property
    def waiting(self) -> tuple[AskedQuestion, ...]:
        """The questions whose answer waits for a second person."""
        return tuple(each for each in (*self.questions, *self.rumours, *self.answered) if each.waiting is not None)


def board_of(unit: DeskUnit, after: int = 0) -> HeardBoard:
    """Return the present remarks; of those outside questions and calls for help, the ones after that place."""
    town, listening = unit.desk.station, unit.listening
    counts = listening.unread_counts()
    raised = tuple(listening.calls(MOST_RAISED))
    open_ones = [asked_of(unit, each) for each in listening.questions(MOST_QUESTIONS, state=QuestionState.OPEN)]
    # What most people ask comes first; of as many, who has waited longest.
    open_ones.sort(key=lambda asked: (-asked.question.asked, asked.since))
    answered = [asked_of(unit, each) for each in listening.questions(LATELY, state=QuestionState.ANSWERED)]
    beside = listening.unread_beside(MOST, after)
    feeds = town.listening.feeds
    # Only a full list can have more behind it: else nothing has to be counted.
    unseen = listening.beside_count(beside[-1].seq) if len(beside) == MOST else 0
    rumours = tuple(each for each in open_ones if each.question.kind is Kind.RUMOUR)
    board = HeardBoard(
        ears=tuple(ears_of(unit)),
        raised=raised,
        questions=tuple(each for each in open_ones if each not in rumours),
        rumours=rumours,
        answered=tuple(answered),
        rest=tuple(each for each in beside if each.channel not in feeds),
        elsewhere=tuple(each for each in beside if each.channel in feeds),
        counts={kind: sum(n for (each, _), n in counts.items() if each is kind) for kind in Kind},
        more=unseen,
        onward=beside[-1].seq if unseen else None,
        more_questions=len(open_ones) == MOST_QUESTIONS,
        proposals=tuple(proposals(unit)),
        blocks=tuple((each, listening.utterance(each.utterance)) for each in listening.moderations_in(WAITING)),
        on=tuple(incidents_on(unit)),
    )
    # In one question for all that the page names, however many rows it has.
    about = [each.incident for each in (*raised, *beside)]
    about += [each.question.incident for each in (*open_ones, *answered)]
    return replace(board, headlines=headlines_of(unit, about))


def asked_of(unit: DeskUnit, question: Question, most: int = SAMPLES) -> AskedQuestion:
    """A question with the first who asked it, and its answers."""
    return AskedQuestion(
        question,
        unit.listening.asked_on(question.id),
        tuple(unit.listening.samples(question.id, most)),
        current_answer(unit, question.id),
        waiting(unit, question.id),
        tuple(post for post in unit.listening.answer_posts(question.id) if needs_somebody(post)),
    )


def question_of(unit: DeskUnit, name: str) -> dict[str, Any] | None:
    """Return the content of a question's page. Returns None if there is none of that id."""
    found = unit.listening.question(name)
    if found is None:
        return None
    asked = asked_of(unit, found, MOST_ASKERS)
    # Of the same incident, or of none yet: into one of these it may be merged.
    others = [
        each
        for each in unit.listening.questions(MOST_QUESTIONS, state=QuestionState.OPEN)
        if each.id != found.id and found.incident in (each.incident, None)
    ]
    return {
        "asked": asked,
        "answers": unit.listening.answers(name),
        "wording": worded(found) or what_is_asked(found.words),
        "posts": unit.listening.answer_posts(name),
        "suggested": suggest(unit, found) if asked.current_answer is None and found.incident else None,
        "proposal": next((each for each in proposals(unit) if each.question.id == name), None),
        "others": others[:MOST_CHOICES],
        "on": incidents_on(unit),
        "headlines": headlines_of(unit, [found.incident]),
        "moderates": {each: may(unit.desk.station, each) for each in asked.channels},
    }


def said_of(unit: DeskUnit, name: str) -> dict[str, Any] | None:
    """Return the content of an utterance's page. Returns None if there is none of that id."""
    found = unit.listening.utterance(name)
    if found is None:
        return None
    return {
        "said": found,
        "question": unit.listening.question(found.question) if found.question else None,
        "on": incidents_on(unit),
        "headlines": headlines_of(unit, [found.incident]),
        "moderates": may(unit.desk.station, found.channel),
        "moderated": unit.listening.moderations_of(name),
    }


def incidents_on(unit: DeskUnit) -> Sequence[tuple[str, str]]:
    """The incidents that are on, the gravest first, with what they are called."""
    stored = unit.views.on(unit.now, most=MOST_CHOICES)
    return list(headlines_of(unit, (each.incident_id for each in stored)).items())


def ears_of(unit: DeskUnit) -> Sequence[EarSeen]:
    """Each channel that people may answer on, whether it is listened to or not, and each feed."""
    town, known = unit.desk.station, unit.listening.ears()
    channels = [name for name, each in town.channels.items() if each.hears or _is_open_to_answers(town, name)]
    ears = [_ear(known.get(name) or EarStatus(name), unit.now, hears=town.channels[name].hears) for name in channels]
    feeds = [_ear(known.get(name) or EarStatus(name), unit.now, hears=True) for name in town.listening.feeds]
    return [*ears, *feeds]


def _is_open_to_answers(town: Town, name: str) -> bool:
    channel = town.channels[name]
    return channel.kind in _LISTENED_TO and channel.public and not channel.exercise


def _ear(status: EarStatus, now: datetime, *, hears: bool) -> EarSeen:
    if not hears:
        state = "off"
    elif status.reason is not None:
        state = "deaf"
    elif status.last_ok is None:
        state = "new"
    else:
        state = "late" if status.is_late(now) else "well"
    return EarSeen(status.name, state, status)


def headlines_of(unit: DeskUnit, incidents: Iterable[str | None]) -> Mapping[str, str]:
    """Return the incidents' headlines, by id."""
    wanted = list(dict.fromkeys(each for each in incidents if each))
    if not wanted:
        return {}
    language, found = unit.desk.station.language, {}
    for incident, messages in unit.views.messages(wanted).items():
        infos = [each.alert.info_for(language) for each in messages if each.alert is not None]
        named = [info.headline or info.event for info in infos if info is not None]
        found[incident] = named[-1] if named else incident
    return found
