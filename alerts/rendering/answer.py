"""What is said to those who asked something, as a post of each channel.

An answer is an officer's own words: nothing of what a stranger said is in it but the question, in the words that an
officer let stand. It is laid out by `answer.j2` of the channel's kind, in the words of `words.j2`, and fitted to what
the platform counts, as an alert is; a template that fails is replaced by the bare words and the link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from alerts.model.bounds import visible
from alerts.model.post import Message, PostKind
from alerts.model.reason import Reason, because
from alerts.rendering.fit import fit
from alerts.rendering.library import FAULTS, GENERAL, Part, Piece, reason_of, sentence, split
from alerts.rendering.text import clean, french, tame

if TYPE_CHECKING:
    from alerts.model.town import ChannelConfig, Town
    from alerts.rendering.library import Library

_ANSWER = "instruction"
"""The part that the answer stands in: it is kept as what to do is kept."""


@dataclass(frozen=True, slots=True)
class AnswerWords:
    """What one place is told: `text`, the answer, in `language`.

    `question` is said before it where nothing beside shows what was asked; None: it stands under the question itself.
    `link` is the address of the town's page about it. `automatic`: nobody looked at this question.
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
    plain = visible(fitted.text) if markup == "html" else fitted.text
    # The address stands in the text everywhere: a comment has no card of its own, and an edit would lose it.
    return Message(fitted.text, plain, None, language=language)


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
    """What is wrong with a layout of answers: it fails, or leaves out the answer itself."""
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
    """The language, where there are words of it for what stands around an answer."""
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
