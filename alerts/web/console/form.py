"""The form of an alert: its fields, and what they say.

A field is kept as it was typed, right or wrong (`Fields`: a name and its text, or the texts that were ticked): a draft
that can't be published yet loses nothing. `typed` takes the fields out of a posted form, `typed_in_json` out of what a
script sends. `read_form` reads them against the station and the time: either they are a draft of an alert that the
desk takes, or `problems` has a sentence for each field that has to be put right, in the reader's language.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from alerts.desk.draft import Draft, draft_alert, read_time
from alerts.desk.outlines import read_circle, read_polygon
from alerts.model.alert import Category, Certainty, Severity, Urgency
from alerts.model.bounds import bounded, seen
from alerts.model.errors import Misuse
from alerts.model.hazard import Hazard
from alerts.model.incident import Typed
from alerts.model.reason import Reason, because
from alerts.model.town import Town
from alerts.rendering.plain import filled

TEXTS = (
    "hazard", "exercise", "headline", "description", "instruction", "event", "category", "severity", "urgency",
    "certainty", "place", "polygon", "circle", "onset", "span", "expires", "web", "picture", "alt",
)  # fmt: skip
"""The fields that hold one text each."""
LISTS = ("area", "channel")
"""The fields of which several may be ticked."""
BLANK = "blank:"
"""The prefix of a field for a blank of a prepared text: `blank:lieu` has the value of `{lieu}`."""
WITH_BLANKS = ("headline", "description", "instruction")
"""The texts that may have blanks, in the order in which they are typed."""
LONGEST = 20_000
"""Characters that a field may hold; no platform takes as many."""
SPANS = ("1h", "3h", "6h", "12h", "24h")
TOMORROW, OTHER = "tomorrow", "other"
EVERYWHERE = "all"
"""The tick for the whole town, in addition to its districts."""
# Characters of a field that are looked at at all: of a longer one no more is shown again.
_SHOWN = 2 * LONGEST
# Far more than any town has districts: what is ticked is the browser's word, and is bounded like a text.
_MOST_TICKED = 500
# No prepared text has a tenth as many blanks, and none has a longer name (`blanks`).
_MOST_FIELDS, _LONGEST_NAME = 100, 70
# "Tomorrow" means the beginning of the working day.
_MORNING = 8
Fields = Mapping[str, Typed]
Gettext = Callable[..., str]
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class FormContext:
    """The context of reading a form: the town, the time, and the files of stored pictures."""

    station: Town
    now: datetime
    picture: Callable[[str], Path | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of a form. `problems` has a sentence for each invalid field; then there is no `draft`."""

    draft: Draft | None
    channels: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)


def read_form(fields: Fields, form_context: FormContext, _: Gettext, why: Callable[[Reason], str] = str) -> Reading:
    """Read a form. Faults are worded in the reader's language, by `_` and `why` (for reasons)."""
    reader = _Reader(fields, form_context, _)
    draft = reader.draft()
    channels = reader.channels()
    if draft is not None and not reader.problems:
        reader.check(draft, why)
    return Reading(None if reader.problems else draft, channels, reader.problems)


def until(fields: Fields, now: datetime, station: Town) -> str | None:
    """When it is over, as `read_time` takes it: what was typed counts before what was ticked."""
    own, span = text(fields, "expires"), text(fields, "span")
    if own:
        return own
    if span == TOMORROW:
        local = now.astimezone(station.zone) + timedelta(days=1)
        # Without a zone, so that it is read as a local time: eight o'clock also where the clocks change in that night.
        return local.replace(hour=_MORNING, minute=0, second=0, microsecond=0, tzinfo=None).isoformat()
    return span if span in SPANS else None


def text(fields: Fields, name: str) -> str:
    """Return a field's text, stripped."""
    value = fields.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def filled_text(fields: Fields, name: str) -> str:
    """Return a text as people would read it: its blanks filled in, as far as they have values."""
    values = {
        each.removeprefix(BLANK): " ".join(text(fields, each).split()) for each in fields if each.startswith(BLANK)
    }
    return filled(text(fields, name), values)


def several(fields: Fields, name: str) -> tuple[str, ...]:
    """Return the ticked values."""
    value = fields.get(name, ())
    return (value,) if isinstance(value, str) else value


def lines(fields: Fields, name: str) -> tuple[str, ...]:
    """The lines of a field that hold something."""
    return tuple(line.strip() for line in text(fields, name).splitlines() if line.strip())


def typed(pairs: Iterable[tuple[str, Any]]) -> dict[str, Typed]:
    """A form's pairs as fields: what isn't one of ours is left aside."""
    found: dict[str, Typed] = {}
    for name, value in pairs:
        is_blank = name.startswith(BLANK) and len(name) < _LONGEST_NAME and len(found) < _MOST_FIELDS
        if (name in TEXTS or is_blank) and isinstance(value, str):
            found[name] = plain(value)
        elif name in LISTS and isinstance(value, str) and len(several(found, name)) < _MOST_TICKED:
            found[name] = (*several(found, name), plain(value))
    return found


def typed_in_json(value: Any) -> dict[str, Typed]:
    """The same out of a script's object, in which a field of several is a list. Raises Misuse."""
    if not isinstance(value, Mapping):
        raise Misuse(because("fields_unread"))
    pairs = [(str(name), one) for name, each in value.items() for one in (each if isinstance(each, list) else [each])]
    return typed(pairs)


def too_long(fields: Fields) -> tuple[str, ...]:
    """The fields that hold more than `LONGEST` characters: they are shown as they were typed, and kept nowhere."""
    return tuple(name for name in fields if any(len(value) > LONGEST for value in several(fields, name)))


def digest(fields: Fields, *more: str) -> str:
    """Return a digest that is equal for equal fields: the confirmed version is the one published."""
    said = [{name: value for name, value in sorted(fields.items()) if value}, *more]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def same(one: Fields, other: Fields) -> bool:
    """True if both have the same input, an empty field being none."""
    return digest(one) == digest(other)


def plain(value: str) -> str:
    """Without what no platform prints and no page obeys: controls, halves of characters, what can't be seen."""
    kept = bounded(value, _SHOWN).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in seen(kept) if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


class _Reader:
    def __init__(self, fields: Fields, form_context: FormContext, gettext: Gettext) -> None:
        self._fields = fields
        self._ground = form_context
        self._ = gettext
        self.problems: dict[str, str] = {}

    def draft(self) -> Draft | None:
        picture = self._picture()
        self._look()
        return Draft(
            headline=filled_text(self._fields, "headline"),
            description=filled_text(self._fields, "description"),
            instruction=filled_text(self._fields, "instruction"),
            event=text(self._fields, "event") or None,
            category=self._one_of(Category, "category", Category.SAFETY),
            severity=self._one_of(Severity, "severity", Severity.MODERATE),
            urgency=self._one_of(Urgency, "urgency", Urgency.EXPECTED),
            certainty=self._one_of(Certainty, "certainty", Certainty.LIKELY),
            onset=text(self._fields, "onset") or None,
            expires=until(self._fields, self._ground.now, self._ground.station),
            areas=self._areas(),
            web=text(self._fields, "web") or None,
            image=picture,
            alt=(text(self._fields, "alt") or None) if picture else None,
            exercise=bool(text(self._fields, "exercise")),
            hazard=self._hazard(),
            place=text(self._fields, "place") or None,
            polygons=lines(self._fields, "polygon"),
            circles=lines(self._fields, "circle"),
        )

    def _look(self) -> None:
        _ = self._
        if not text(self._fields, "headline"):
            self.problems["headline"] = _("Say in one line what happens.")
        self._lengths()
        self._shapes()
        self._times()
        self._web()

    def channels(self) -> tuple[str, ...]:
        _, chosen = self._, several(self._fields, "channel")
        unknown = [name for name in chosen if self._ground.station.channels.get(name) is None]
        if unknown:
            self.problems["channel"] = _("There is no channel “%(name)s” any more.", name=unknown[0])
        return chosen

    def check(self, draft: Draft, why: Callable[[Reason], str]) -> None:
        """Check the form as a whole, such as a place without a name."""
        _ = self._
        try:
            draft_alert(draft, self._ground.station, self._ground.now, "0")
        except Misuse as error:
            # The reason begins with the command line's option (`--place`); by that its field in the form is found.
            option = str(error).split(" ", 1)[0].removeprefix("--").rstrip(":")
            if option == "place":
                self.problems["place"] = _("Say in a few words where that is: what was drawn lies in no district.")
            else:
                self.problems[option if option in self._fields else ""] = why(error.reason)

    def _hazard(self) -> Hazard | None:
        name = text(self._fields, "hazard")
        return Hazard(name) if name in set(Hazard) else None

    def _one_of(self, kind: type[E], name: str, default: E) -> E:
        _, value = self._, text(self._fields, name)
        if value and value not in set(kind):
            self.problems[name] = _("“%(typed)s” is none of the choices.", typed=value)
        return kind(value) if value in set(kind) else default

    def _areas(self) -> tuple[str, ...]:
        _, chosen = self._, several(self._fields, "area")
        known = {EVERYWHERE, *(district.code for district in self._ground.station.districts)}
        gone = [code for code in chosen if code not in known]
        if gone:
            self.problems["area"] = _("There is no district “%(name)s” any more.", name=gone[0])
        return chosen

    def _lengths(self) -> None:
        _ = self._
        for name in too_long(self._fields):
            self.problems[name] = _("That is too long: at most %(most)s characters. Shorten it.", most=LONGEST)

    def _shapes(self) -> None:
        _ = self._
        for line in lines(self._fields, "polygon"):
            if not _is_read(read_polygon, line):
                self.problems["polygon"] = _(
                    "“%(typed)s” can’t be used. An outline has at least three corners, each “latitude,longitude”, in "
                    "the order they are walked, and doesn’t cross itself: 45.18,5.71 45.18,5.73 45.19,5.72",
                    typed=_brief(line),
                )
        for line in lines(self._fields, "circle"):
            if not _is_read(read_circle, line):
                self.problems["circle"] = _(
                    "“%(typed)s” can’t be used. A circle is “latitude,longitude radius in km”: 45.19,5.72 2",
                    typed=_brief(line),
                )

    def _times(self) -> None:
        _, now = self._, self._ground.now
        onset = self._time("onset", text(self._fields, "onset"))
        ends = self._time("expires", until(self._fields, now, self._ground.station) or "")
        if onset and ends and now < onset and ends <= onset:
            self.problems["expires"] = _("That is before it starts. Give a later time.")
        elif ends and ends <= now:
            self.problems["expires"] = _("That is already past. Give a later time.")

    def _time(self, name: str, typed: str) -> datetime | None:
        _, form_context = self._, self._ground
        if not typed:
            return None
        try:
            return read_time(name, typed, form_context.now, form_context.station.zone)
        except Misuse:
            self.problems[name] = _(
                "“%(typed)s” isn’t a time that can be used. Write a duration such as 6h, a time such as 18:30, or a "
                "date and time such as 2026-11-25T18:00.",
                typed=_brief(typed),
            )
            return None

    def _web(self) -> None:
        _, address = self._, text(self._fields, "web")
        start, slashes, rest = address.partition("://")
        if address and not (
            start in ("http", "https") and slashes and rest.strip("/") and not set(rest) & set(" \t\n")
        ):
            self.problems["web"] = _("An address begins with https:// and has no blanks.")

    def _picture(self) -> Path | None:
        _, name = self._, text(self._fields, "picture")
        file = self._ground.picture(name) if name else None
        if name and file is None:
            self.problems["picture"] = _("The picture isn’t there any more. Choose it again.")
        return file


def _is_read(read: Callable[[str], object], line: str) -> bool:
    try:
        read(line)
    except Misuse:
        return False
    return True


def _brief(typed: str) -> str:
    return typed if len(typed) <= 60 else typed[:59] + "…"
