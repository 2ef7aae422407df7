"""Reasons: a code with values, stored as such, and put into words when somebody reads it.

To add a reason, write its code, its English and its French as one message of a catalogue of `alerts/locale/fr`:

    msgctxt "merged"
    msgid "merged with {into}: {source} told of the same event before"
    msgstr "réunie avec {into} : {source} a déjà annoncé le même événement"

and call `because("merged", into=…, source=…)` where it is decided. A test compares the two.

The stored form is compact JSON, `{"code":"merged","with":"a1"}`. An old row may contain a plain sentence: it is read as
the code `words` and shown unchanged. Text from a platform or the system is a value, and is quoted as theirs.

A sentence names its values in braces. The part after a colon says how the value is spelled: `{state:term}` is a word of
ours, translated like a sentence; `{at:time}` is a date and time, `{at:clock}` the time alone, `{at:hour}` the time as
people say it; `{count:number}` has the language's separators between figures; `{each:lines}` is a list with a line for
each item. Without a spelling a text is inserted as it is; a nested reason is always worded, and a list joined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from types import MappingProxyType
from typing import Any, Union

from alerts.model.catalogue import LOCALE, coded_sentences

LONGEST = 2000
"""Characters of one value at the most: it may come from outside."""
DEEPEST = 6
"""Maximum depth of nested reasons."""
# A value in braces, and the way to spell it.
_VALUE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_KEPT = '{"code":"'
WORDS = "words"
"""The code of a reason that is already a sentence."""

Value = Union[str, int, float, "Reason", tuple["Value", ...]]
Translate = Callable[[str], str]


@cache
def sentences() -> Mapping[str, str]:
    """Return every code with its English sentence, read once from the catalogues: the one list of them."""
    coded = (each for file in sorted(LOCALE.glob("fr/*.po")) for each in coded_sentences(file))
    # A code with a dot, such as `credential.wrong`, is a notice's.
    return MappingProxyType({WORDS: "{text}", **{code: sentence for code, sentence in coded if code.isidentifier()}})


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of `sentences()` with its values, by name. `str()` words it in English, for the log."""

    code: str
    values: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        return self.worded()

    def __getitem__(self, name: str) -> Value | None:
        """The value of that name; None if there is none."""
        return next((value for known, value in self.values if known == name), None)

    def worded(self, translate: Translate = str, zone: tzinfo | None = None) -> str:
        """Return the sentence, translated by `translate`; times are in `zone`, or in their own zone for None."""
        sentence = translate(sentences().get(self.code, ""))
        if not sentence:  # a newer version's code: its values are better than nothing
            return ", ".join(
                [self.code, *(f"{name}: {_spelled(each, '', translate, zone)}" for name, each in self.values)]
            )
        return _VALUE.sub(lambda found: _spelled(self[found[1]], found[2] or "", translate, zone), sentence)

    def kept(self) -> str:
        """Return the form in which the store has it."""
        if self.code == WORDS:
            return str(self["text"])
        return json.dumps(self._as_json(), ensure_ascii=False, separators=(",", ":"))

    def codes(self) -> Iterator[str]:
        """Its own code and those of the reasons within."""
        yield self.code
        for _, value in self.values:
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Reason):
                    yield from each.codes()

    def _as_json(self) -> dict[str, Any]:
        return {"code": self.code, **{name: _as_json(value) for name, value in self.values}}


def because(code: str, /, **values: object) -> Reason:
    """The reason of that code. A value is a text, a number, a time, an enum (a word of ours), a reason, a list."""
    return Reason(code, tuple((name, _value_of(each)) for name, each in values.items()))


def in_words(text: str) -> Reason:
    """Return a sentence as a reason: somebody else's, or one that was stored before reasons had codes."""
    return Reason(WORDS, (("text", text[:LONGEST]),))


def as_reason(reason: Reason | str) -> Reason:
    """Return a reason unchanged, and a sentence as a reason."""
    return reason if isinstance(reason, Reason) else in_words(reason)


def reason_of(error: ValueError) -> Reason:
    """Return the reason that a reader's error was raised with, or its text as a reason."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Reason) else in_words(str(error))


def read_reason(kept: str | None) -> Reason | None:
    """Parse the output of `kept`, or a plain sentence of an older version. Returns None for None."""
    if kept is None:
        return None
    # An old sentence may happen to begin like a stored reason: if it can't be parsed, it is shown unchanged.
    if kept.startswith(_KEPT):
        try:
            return _of_json(json.loads(kept))
        except (ValueError, TypeError, AttributeError, RecursionError):
            pass
    return in_words(kept)


def kept_reason(reason: Reason | None) -> str | None:
    """Return the form in which the store has a reason; None for None."""
    return reason.kept() if reason is not None else None


def _of_json(data: Mapping[str, Any], depth: int = 0) -> Reason:
    if depth > DEEPEST:
        raise ValueError("reasons within reasons")
    values = {name: _read_value(each, depth) for name, each in data.items() if name != "code"}
    return Reason(str(data["code"]), tuple(values.items()))


def _read_value(value: Any, depth: int) -> Value:
    if isinstance(value, dict):
        return _of_json(value, depth + 1)
    if isinstance(value, list):
        return tuple(_read_value(each, depth + 1) for each in value)
    return value if isinstance(value, int | float) else str(value)


def _value_of(value: object) -> Value:
    if isinstance(value, Reason):
        return value
    if type(value) is str:
        return value[:LONGEST]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(_value_of(each) for each in value)
    return str(value)[:LONGEST]


def _as_json(value: Value) -> Any:
    if isinstance(value, Reason):
        return value._as_json()  # noqa: SLF001 one's own kind
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value


def _spelled(value: Value | None, way: str, translate: Translate, zone: tzinfo | None) -> str:
    if value is None:
        return "?"
    if isinstance(value, Reason):
        return value.worded(translate, zone)
    if isinstance(value, tuple):
        inner = translate("; ") if any(isinstance(each, Reason) for each in value) else ", "
        between = "\n" if way == "lines" else inner
        return between.join(_spelled(each, way, translate, zone) for each in value)
    if way == "number" and isinstance(value, int | float):
        return f"{value:,}".translate({ord(sign): translate(sign) for sign in ",."})
    if way in ("time", "clock"):
        return _time(str(value), translate("%Y-%m-%d %H:%M" if way == "time" else "%H:%M"), zone)
    if way == "hour":
        # "1pm", "13 h": full hours have no minutes.
        return re.sub(r":00(?=[ap]m)|\u00a000$", "", _time(str(value), translate("%-I:%M%p"), zone).lower())
    return translate(str(value)) if way == "term" else str(value)


def _time(kept: str, form: str, zone: tzinfo | None) -> str:
    try:
        time = datetime.fromisoformat(kept)
    except ValueError:
        return kept
    here = time.astimezone(zone) if zone is not None and time.tzinfo is not None else time
    return here.strftime(form)
