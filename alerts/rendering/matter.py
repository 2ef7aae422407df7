"""The subject of a post before it is put into words: its gravity, and the texts prepared for its hazard.

A `Matter` is an alert with its words cleaned, and the words (`library.WordTable`) of its language and its hazard. A
hazard's words contain its prepared texts: the short instruction for each severity (`prepared`), the longer `advice`
that accompanies it if there is room, and the usual alert (`read_prepared`), so that an officer only completes the
differences. The gravity (`gravity`) chooses among them. `Context` is the moment of the post.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from alerts.model.alert import Alert, Category, Certainty, Info, Severity, Urgency
from alerts.model.hazard import Hazard, fold, kind_of
from alerts.model.post import EndReason, PostKind
from alerts.model.town import parse_span
from alerts.rendering.library import WordTable

# What MeteoAlarm's colours mean. The CAP severity that its members send beside them is at times another.
_GRAVITIES = {"yellow": Severity.MODERATE, "orange": Severity.SEVERE, "red": Severity.EXTREME}
NOTICE = "notice"
"""A general message below Severe: a market that is cancelled is an announcement, and no alert that ends."""
_SENTENCE_END = re.compile(r"[.!?…\n]+")
_WORD = re.compile(r"\w+")
# A sentence of fewer words isn't compared.
_ENOUGH_WORDS = 3
_MOST_OF_IT = 0.7
"""The part of a line that a sentence must be to say the same."""
_MOST_SENTENCES = 200
"""Sentences of an instruction that are compared: nobody reads as many."""
_BY_GRAVITY = (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR)


@dataclass(frozen=True, slots=True)
class Context:
    """The moment of a post, and facts outside the alert.

    `incident` is the id of its lasting page. `now` is the time of rendering, aware. `reason` is why it ends (an `end`
    without one reads as expired). `previous` is the version before: an update gives its changes against it, and an end
    without words of its own (a CAP Cancel without info) is named after it. `area_names` are the town's names for the
    matched areas; they precede the feed's. `first` is true for the first post of the incident on the channel, for the
    link policy `first` (None: a `publish` is). `strange` is true if it includes a feed's words: they mention nobody,
    and link only as the post does. `source` is the title of the source, which names a sender who only has an address.
    """

    incident: str
    now: datetime
    reason: EndReason | None = None
    previous: Alert | None = None
    exercise: bool = False
    area_names: tuple[str, ...] = ()
    first: bool | None = None
    strange: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Matter:
    """The subject of a post: the alert with its words cleaned, and the words of its language and hazard.

    `info` is the ended one if the post is an end. `language` is the tag of the text, `own` is true if the town itself
    is the sender.
    """

    alert: Alert
    info: Info
    kind: PostKind
    hazard: Hazard
    language: str
    general: WordTable
    words: WordTable
    own: bool = False


def worded(words: WordTable, hazard: Hazard, info: Info, now: datetime) -> WordTable:
    """Return the words of a hazard as they are for this alert: `variants` set some of them otherwise.

    A mere risk of fire doesn't flare up again, and a bridge that is down is more than a closed road.
    """
    kind = kind_of(hazard, info, now)
    if hazard is Hazard.GENERAL and not gravity(info).at_least(Severity.SEVERE):
        kind = NOTICE
    return {**words, **words.get("variants", {}).get(kind, {}), "kind": kind} if kind else words


def gravity(info: Info) -> Severity:
    """Return the severity, by MeteoAlarm's colour where there is one."""
    return _GRAVITIES.get(colour(info), info.severity)


def level(info: Info, words: WordTable) -> str | None:
    """Return MeteoAlarm's colour as the public knows it ("Vigilance orange"), None where the feed has none."""
    levels: Mapping[str, str] = words["levels"]
    return levels.get(colour(info))


def colour(info: Info) -> str:
    """Return the colour of MeteoAlarm's `awareness_level` ("3; orange; Severe"): yellow, orange, red, else ""."""
    said = info.parameter("awareness_level")
    if not said:
        return ""
    for part in said.split(";"):
        if (word := part.strip().lower()) in _GRAVITIES:
            return word
    return ""


def prepared(info: Info, hazard: Hazard, words: WordTable) -> str:
    """Return the hazard's own short instruction: that of the severity, else of the next slighter one, else the usual.

    A general alert may be of any kind, so nothing prepared could replace its sender's own words.
    """
    # A general alert may be about anything, so nothing that is prepared could stand for its sender's words.
    if hazard is Hazard.GENERAL and info.instruction:
        return ""
    return str(_said_at(info, words["instruction"], str(words.get("kind", ""))))


def advice(info: Info, words: WordTable, said: Sequence[str | None], *, begun: bool, before: str) -> list[str]:
    """Return the longer advice for this severity, without the lines that `said` (instruction, description) contains.

    A line that starts with the word for "before" is for the time before the event: it is dropped once that has `begun`.
    A line is a repetition if a sentence contains all of it, or is most of it, whatever the case, accents and
    punctuation; a sentence of one or two words is too short to compare.
    """
    lines: Sequence[str] = words["advice"]
    if isinstance(lines, Mapping):
        lines = _said_at(info, lines, str(words.get("kind", "")))
    fitting = tuple(line for line in lines if not (begun and before and line.startswith(before)))
    return [*_not_in("\n".join(text for text in said if text), fitting)]


@lru_cache(maxsize=128)
def _not_in(said: str, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines that `said` doesn't contain; remembered, since each channel's post asks for the same."""
    sentences = _SENTENCE_END.split(said)[:_MOST_SENTENCES]
    given = [folded for sentence in sentences if (folded := _folded(sentence))]
    return tuple(line for line in lines if not any(_repeats(_folded(line), each) for each in given))


def _said_at(info: Info, by_severity: Mapping[str, Any], kind: str) -> Any:
    """Return what is said at the severity of `info`; what is said of its `kind` ("risk", "collapse") at all of them.

    A kind may have words for one severity too: "risk Extreme".
    """
    grave = gravity(info)
    # Never a graver order than the alert's: "leave at once" in a moderate one would empty a quarter.
    at_most = _BY_GRAVITY[_BY_GRAVITY.index(grave) :] if grave in _BY_GRAVITY else ()
    of_kind = (*(f"{kind} {each.value}" for each in at_most), kind) if kind else ()
    if special := next((by_severity[key] for key in of_kind if key in by_severity), None):
        return special
    found = next((by_severity[each.value] for each in at_most if by_severity.get(each.value)), None)
    return found if found is not None else by_severity.get("default", "")


def _repeats(line: str, sentence: str) -> bool:
    shorter, longer = (line, sentence) if len(line) <= len(sentence) else (sentence, line)
    # Looked for without its limits first: nearly no line is any part of a sentence.
    if shorter not in longer or shorter.count(" ") < _ENOUGH_WORDS - 1 or f" {shorter} " not in f" {longer} ":
        return False
    # A short sentence that is a part of a line isn't all of it: "call 112" must not take "never touch a fallen cable:
    # call 112" away.
    return shorter == line or len(sentence) >= _MOST_OF_IT * len(line)


@lru_cache(maxsize=512)
def _folded(text: str) -> str:
    return " ".join(_WORD.findall(fold(text)))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The usual alert of a hazard, in one language. `duration` is a span as it is typed: `6h`.

    `headline` and `description` are empty where nothing can be said beforehand. `kinds` are the usual alerts of its
    kinds that have one of their own (`kind_of`), such as a planned power cut.
    """

    hazard: Hazard
    name: str
    event: str
    headline: str
    description: str
    category: Category
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    duration: str
    instructions: Mapping[str, str]
    kinds: Mapping[str, Prepared] = field(default_factory=dict)

    def instruction(self, severity: Severity) -> str:
        """Return the instruction for that severity, else the usual one. It may have blanks to fill in: `{place}`."""
        return self.instructions.get(severity.value) or self.instructions["default"]


def read_prepared(hazard: Hazard, words: WordTable) -> Prepared:
    """Return the prepared texts of a hazard, with defaults for missing ones. Raises ValueError for a wrong value."""
    variants: Mapping[str, WordTable] = words.get("variants", {})
    usual: Mapping[str, Any] = words.get("prepared", {})
    kinds = {
        kind: _prepared(hazard, {**words, **own, "prepared": {**usual, **own["prepared"]}}, kind)
        for kind, own in variants.items()
        if "prepared" in own
    }
    return replace(_prepared(hazard, words), kinds=kinds)


def _prepared(hazard: Hazard, words: WordTable, kind: str = "") -> Prepared:
    said: Mapping[str, Any] = words.get("prepared", {})
    orders: Mapping[str, str] = words["instruction"]
    usual = {"default": orders[kind]} if kind in orders else orders
    duration = str(said.get("duration", "12h"))
    parse_span(duration)
    return Prepared(
        hazard=hazard,
        name=str(words["name"]),
        event=str(said.get("event", words["name"])),
        headline=str(said.get("headline", "")),
        description=str(said.get("description", "")),
        category=Category(said.get("category", Category.SAFETY)),
        severity=Severity(said.get("severity", Severity.MODERATE)),
        urgency=Urgency(said.get("urgency", Urgency.EXPECTED)),
        certainty=Certainty(said.get("certainty", Certainty.LIKELY)),
        duration=duration,
        instructions=dict(said.get("instruction", usual)),
    )
