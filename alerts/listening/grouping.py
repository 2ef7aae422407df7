"""The question of an utterance, and the automatic answering of later askers.

Within an incident, an utterance joins the question that it surely asks (`match`), else the one with the nearest vector,
else it begins one. A question's vector is made of its members'. If it is missing, after a merge or split, or can't be
read, because the sentence model was added or removed, it is made again: from the members' vectors at once, from their
words when the daemon begins (`read_anew`).

"Answer the next ones too" compares with those who had asked when the answer was given, and no later ones: otherwise one
wrong match would attract others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.listening.answering import answer_automatically
from alerts.listening.likeness import Match
from alerts.listening.understanding import Understanding
from alerts.model.listening import Question, QuestionState, Understood, Utterance
from alerts.store.listening import words_of_question

MOST_QUESTIONS = 200
"""Questions of one incident that a new one is compared with."""
WORDINGS = 20
"""Of those who asked first, how many a later asker is compared with."""
MOST_MEMBERS = 500
"""Utterances of one question that its vector is made of."""
_ANSWERED = (QuestionState.ANSWERED, QuestionState.BECAME)


@dataclass(frozen=True, slots=True)
class Group:
    """Groups utterances that want the same.

    `nearest` returns the question of an utterance's vector, among these with their vectors (None: none of them), and
    `together` the vector of several. `match` returns the question, among these with their wordings' vectors, that is
    asked so surely that it may be answered automatically; `current` is true if a vector can be read.
    """

    nearest: Callable[[bytes, Mapping[str, bytes]], tuple[str, float] | None]
    together: Callable[[Sequence[bytes]], bytes]
    match: Callable[[Understood, Mapping[str, Iterable[bytes]]], Match | None] = lambda *_: None
    current: Callable[[bytes | None], bool] = lambda vector: vector is not None


def group_of(understanding: Understanding) -> Group:
    """Grouping as what understands does it."""
    return Group(understanding.nearest, understanding.together, understanding.match, understanding.current)


def grouped(unit: DeskUnit, fresh: Utterance, group: Group | None) -> Utterance:
    """The utterance with its question, where it asks something. The question is stored, the utterance isn't."""
    if not fresh.asks or fresh.text is None or fresh.exercise:
        return fresh
    asked = _asked(unit, fresh, group) or Question(
        id=unit.new_id(),
        words=words_of_question(fresh.text),
        kind=fresh.kind,
        state=QuestionState.OPEN,
        created_at=unit.now,
        changed_at=unit.now,
        # What is only suggested is an officer's to say.
        incident=None if fresh.suggested else fresh.incident,
    )
    vectors = [each for each in (asked.centroid, fresh.vector) if each is not None]
    centroid = group.together(vectors) if group is not None and vectors else asked.centroid
    unit.listening.put_question(replace(asked, asked=asked.asked + 1, changed_at=unit.now, centroid=centroid))
    return replace(fresh, question=asked.id)


def answer_next(unit: DeskUnit, asker: Utterance, group: Group | None) -> bool:
    """Answer a stored utterance as those before it, where an officer wished so and it surely asks the same; whether."""
    asked = unit.listening.question(asker.question) if asker.question is not None else None
    if group is None or asked is None or not _goes_on(asked):
        return False
    found = _matched(unit, asker, group)
    return found == asked.id and answer_automatically(unit, asked, asker) is not None


def _asked(unit: DeskUnit, fresh: Utterance, group: Group | None) -> Question | None:
    if group is None or fresh.vector is None or fresh.incident is None or fresh.suggested:
        return None
    known = {each.id: each for each in unit.listening.questions(MOST_QUESTIONS, fresh.incident)}
    surely = _matched(unit, fresh, group) if any(map(_goes_on, known.values())) else None
    if surely is not None:
        return known[surely]
    vectors = {name: vector for name, each in known.items() if (vector := _vector(unit, each, group)) is not None}
    found = group.nearest(fresh.vector, vectors)
    return replace(known[found[0]], centroid=vectors[found[0]]) if found is not None else None


def _goes_on(asked: Question) -> bool:
    return asked.next_ones and asked.state in _ANSWERED


def _matched(unit: DeskUnit, asker: Utterance, group: Group) -> str | None:
    """The answered question of its incident that is surely asked: by the first who asked each, up to its answer."""
    wordings: dict[str, list[bytes]] = {}
    for asked in unit.listening.questions(MOST_QUESTIONS, asker.incident):
        answers = unit.listening.answers(asked.id) if asked.state in _ANSWERED else ()
        if answers:
            before = answers[0].created_at
            first = unit.listening.samples(asked.id, WORDINGS)
            wordings[asked.id] = [
                each.vector for each in first if each.vector and each.heard_at <= before and each.id != asker.id
            ]
    found = group.match(Understood(asker.kind, None, asker.asks, asker.vector), wordings)
    return found.question if found is not None else None


def _vector(unit: DeskUnit, asked: Question, group: Group) -> bytes | None:
    if group.current(asked.centroid):
        return asked.centroid
    members = [each.vector for each in unit.listening.samples(asked.id, MOST_MEMBERS) if group.current(each.vector)]
    vectors = [each for each in members if each is not None]
    if not vectors:
        return None
    vector = group.together(vectors)
    unit.listening.put_question(replace(asked, centroid=vector))
    return vector


# --- what was read by another side


async def read_anew(service: DeskService, understanding: Understanding) -> int:
    """Make the vectors anew that can't be read, of open questions and their utterances; returns how many these were.

    It is so after the sentence model was installed or removed, and of what a command took in without it.
    """
    stale = await service.ask(partial(_unread, understanding=understanding))
    for asked, members in stale:
        vectors = await understanding.vectors([words for _, words in members])
        made = {name: (words, vector) for (name, words), vector in zip(members, vectors, strict=True)}
        await service.act(partial(_put_vectors, asked=asked, made=made, understanding=understanding), posts=False)
    return sum(len(members) for _, members in stale)


def _unread(unit: DeskUnit, understanding: Understanding) -> list[tuple[str, list[tuple[str, str]]]]:
    found = []
    for asked in unit.listening.questions(MOST_QUESTIONS):
        if not understanding.current(asked.centroid):
            members = unit.listening.samples(asked.id, MOST_MEMBERS)
            found.append((asked.id, [(each.id, each.text) for each in members if each.text is not None]))
    return [each for each in found if each[1]]


def _put_vectors(
    unit: DeskUnit, asked: str, made: Mapping[str, tuple[str, bytes]], understanding: Understanding
) -> None:
    members = []
    for name, (words, vector) in made.items():
        kept = unit.listening.utterance(name)
        # What was edited or forgotten meanwhile keeps what it has now.
        if kept is not None and kept.text == words:
            unit.listening.put(replace(kept, vector=vector))
            members.append(vector)
    question = unit.listening.question(asked)
    if question is not None:
        unit.listening.put_question(replace(question, centroid=understanding.together(members)))
