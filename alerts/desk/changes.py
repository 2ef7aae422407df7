"""The differences between two messages of one incident, for a reader who knows the earlier one.

`changes_between` compares them element by element under CAP's names, language by language; `word_runs` compares texts
word by word, or by whole sentences if too few words are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest

from alerts.model.alert import Alert, Area, Info, MsgType
from alerts.model.incident import StoredAlert

Value = str | datetime | None
_WORDS = re.compile(r"\s+|[^\s]+")
_SENTENCES = re.compile(r"[^.!?\n]+[.!?\n]*\s*|[.!?\n]+\s*")
_MOST_PIECES = 1000
_SAID = ("headline", "description", "instruction")
_PLAIN = ("event", "severity", "urgency", "certainty", "web")
_TIMES = ("onset", "expires")


class Mark(StrEnum):
    """The fate of a run of words."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Run:
    """Some words, and what became of them."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One difference; a value is None if there was none, or is none any more.

    `field` is CAP's name (`headline`, `expires`, …), `picture` by its words (the same twice: it is another one), `area`
    for an added or removed one, or `outline` for a moved one. `language` is set if the message has several. `runs` are
    the words of a text.
    """

    field: str
    before: Value
    after: Value
    language: str | None = None
    runs: tuple[Run, ...] = ()


def changes_between(earlier: StoredAlert, later: StoredAlert) -> tuple[VersionChange, ...]:
    """Return the changes that a reader of `earlier` must learn to know `later`, in the order of reading.

    Its time, its identifier and the fact that it is an update are no changes.
    """
    if earlier.alert is None or later.alert is None:
        return ()
    return tuple(_changes(earlier.alert, later.alert))


def _pieces(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the compared pieces: few enough, since the time grows as the cube of their number."""
    for pattern in (_WORDS, _SENTENCES):
        old, new = pattern.findall(before), pattern.findall(after)
        if max(len(old), len(new)) <= _MOST_PIECES:
            return old, new
    return [before], [after]


def word_runs(before: str, after: str) -> tuple[Run, ...]:
    """Two texts as one, word by word: what stayed, what went, what came.

    Where less than half of the words stay, and in long texts, by whole sentences: nobody can read two texts in shreds.
    """
    runs = _runs(*_pieces(before, after))
    kept = sum(len(run.text.split()) for run in runs if run.mark is Mark.SAME)
    if 2 * kept >= max(len(before.split()), len(after.split())):
        return runs
    return _runs(_SENTENCES.findall(before), _SENTENCES.findall(after))


def _runs(old: Sequence[str], new: Sequence[str]) -> tuple[Run, ...]:
    runs: list[Run] = []
    # Without `autojunk`, by which a word that stands there often would count as nothing and hide a change.
    for step, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if step == "equal":
            runs.append(Run(Mark.SAME, "".join(old[i:j])))
            continue
        runs += [Run(Mark.GONE, "".join(old[i:j]))] if i < j else []
        runs += [Run(Mark.NEW, "".join(new[k:m]))] if k < m else []
    return tuple(runs)


def _changes(earlier: Alert, later: Alert) -> Iterator[VersionChange]:
    for field in ("status", "note"):
        yield from _plain(field, getattr(earlier, field), getattr(later, field))
    if later.msg_type is MsgType.CANCEL:
        yield from _plain("msg_type", earlier.msg_type, later.msg_type)
    several = len(earlier.infos) > 1 or len(later.infos) > 1
    for info in later.infos:
        before = next((one for one in earlier.infos if one.language.lower() == info.language.lower()), None)
        # A language that is new is told as if all of it came: it has nothing to be compared with.
        yield from _of_info(before or Info(event=""), info, info.language if several else None)
    spoken = {info.language.lower() for info in later.infos}
    for gone in earlier.infos:
        if gone.language.lower() not in spoken:
            yield VersionChange("language", gone.language, None)
    # One that names no area leaves it where it was: an end needn't repeat that.
    if later.areas:
        yield from _of_areas(earlier.areas, later.areas)


def _of_info(before: Info, after: Info, language: str | None) -> Iterator[VersionChange]:
    for field in _SAID:
        old, new = getattr(before, field) or "", getattr(after, field) or ""
        if old != new:
            yield VersionChange(field, old or None, new or None, language, word_runs(old, new))
    for field in _PLAIN:
        yield from _plain(field, getattr(before, field), getattr(after, field), language)
    for field in _TIMES:
        if getattr(before, field) != getattr(after, field):
            yield VersionChange(field, getattr(before, field), getattr(after, field), language)
    if any(one != other for one, other in zip_longest(before.resources, after.resources)):
        yield VersionChange("picture", _picture(before), _picture(after), language)


def _plain(field: str, before: object, after: object, language: str | None = None) -> Iterator[VersionChange]:
    if before != after:
        yield VersionChange(field, _said(before), _said(after), language)


def _said(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _picture(info: Info) -> str | None:
    """Return its words: the file's name on this machine means nothing to readers."""
    return "; ".join(each.description for each in info.resources) or None


def _of_areas(before: Sequence[Area], after: Sequence[Area]) -> Iterator[VersionChange]:
    old, new = {area.description: area for area in before}, {area.description: area for area in after}
    for name in old:
        if name not in new:
            yield VersionChange("area", name, None)
    for name, area in new.items():
        if name not in old:
            yield VersionChange("area", None, name)
        elif area != old[name]:
            yield VersionChange("outline", name, name)
