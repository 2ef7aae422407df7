"""Answers to people's questions, as a post of each channel.

An answer is an officer's own words: of a stranger's it contains only the question, in the wording that an officer
approved. It is laid out by `answer.j2` of the channel's kind, in the words of `words.j2`, and fitted to the platform's
limit, as an alert is; a template that fails is replaced by the bare words and the link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from alerts.model.bounds import visible
from alerts.model.post import Message, PostKind
from alerts.model.reason import Reason, because
from alerts.rendering.counting import spelled_for
from alerts.rendering.fit import fit
from alerts.rendering.library import FAULTS, GENERAL, Part, Piece, reason_of, sentence, split
from alerts.rendering.text import clean, french, tame

if TYPE_CHECKING:
    from alerts.model.town import ChannelConfig, Town
    from alerts.rendering.library import Library

_ANSWER = "instruction"
"""The part that holds the answer: it is kept like an instruction."""


@dataclass(frozen=True, slots=True)
class AnswerWords:
    """The answer for one place: `text` in `language`.

    `question` precedes it unless the place shows the question itself (None: the answer is a reply to it). `link` is the
    address of the town's page about it. `automatic`: nobody reviewed this question.
    """

    text: str
    language: str
    question: str | None = None
    link: str | None = None
    automatic: bool = False
    exercise: bool = False


def message_of(reply: AnswerWords, channel: ChannelConfig, station: Town, library: Library) -> Message:
    """The post of that channel; never raises for what a template holds."""
    markup = channel.text.markup
    language = _spoken(reply.language, library) or channel.language or station.language
    known = _known(reply, station, library, language)
    try:
        name = library.find(language, channel.kind, (), PostKind.ANSWER)
        pieces = split(library.printed(name, markup, known)) if name else _bare(known, markup)
    except FAULTS:
        pieces = _bare(known, markup)
    if reply.exercise:
        mark = Part("exercise", _written(str(known["words"]["exercise"]), markup), keep=True)
        pieces = [mark, "\n", *pieces, "\n", mark]
    fitted = fit(pieces, channel.text)
    text = spelled_for(fitted.text, channel.text)
    plain = visible(text) if markup == "html" else text
    # The address stands in the text everywhere: a comment has no card of its own, and an edit would lose it.
    return Message(text, plain, None, language=language)


def verdict_on(found: str, fact: str, language: str, libraries: Sequence[Library]) -> str:
    """A rumour's verdict in words, by the first library that has them as they should be."""
    for library in libraries:
        try:
            said = library.words(language, GENERAL)["rumours"][found]
            return str(said).format(fact=sentence(fact))
        except FAULTS:
            continue
    return sentence(fact)


def faults_of_layout(name: str, language: str, markup: str, station: Town, library: Library) -> Iterator[Reason]:
    """Yield the faults of a layout of answers: it fails, or omits the answer itself."""
    said = AnswerWords("What is answered.", language, "What is asked?", "https://alerts.example/1", automatic=True)
    for reply in (said, replace(said, question=None, link=None, automatic=False)):
        try:
            pieces = split(library.printed(name, markup, _known(reply, station, library, language)))
        except FAULTS as fault:
            yield because("template_wrong", where=library.where(fault, name), said=reason_of(fault))
            return
        if not any(isinstance(each, Part) and each.name == _ANSWER and each.text for each in pieces):
            yield because("template_lacks", path=library.path(name), parts=[_ANSWER], first=_ANSWER)
            return


def _spoken(language: str, library: Library) -> str | None:
    """Return the language if the library has words of it for the frame of an answer, else None."""
    return language if {language, language.split("-", 1)[0]} & set(library.languages(language)) else None


def _known(reply: AnswerWords, station: Town, library: Library, language: str) -> dict[str, Any]:
    words = library.words(language, GENERAL)
    text, question = clean(reply.text), tame(clean(reply.question), keep_links=False) if reply.question else ""
    if language.lower().startswith("fr"):
        text, question = french(text), french(question)
    said = words["answers"]
    return {
        "answer": text,
        "question": str(said["question"]).format(question=question) if question else "",
        "automatic": said["automatic"] if reply.automatic else "",
        "link": reply.link,
        "station": station.name,
        "labels": words["labels"],
        "words": words,
    }


def _bare(known: dict[str, Any], markup: str) -> list[Piece]:
    parts = (("headline", "question"), (_ANSWER, "answer"), ("automatic", "automatic"), ("link", "link"))
    pieces: list[Piece] = []
    for part, name in parts:
        pieces += [Part(part, _written(known[name] or "", markup), keep=True), "\n"]
    return pieces


def _written(text: str, markup: str) -> str:
    return str(escape(text)) if markup == "html" else text
