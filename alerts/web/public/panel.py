"""The content of a screen in a hall or in the street: one alert at a time, in letters readable from six metres.

It comes in three forms. The page (`screens_of`) is a turn of screens, the worst alert first; an instruction is not cut
if one more screen holds its rest, and nothing ever scrolls. `text_of` is for displays of characters, in lines of at
most twenty. `json_of` is for programs: panels, gauges, sirens.

Its state "calm", "alert" or "stale" is the same as the pages' (`told.state_of`): "calm" is only given if the sources
were read lately.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.model.bounds import normal
from alerts.model.hazard import fold
from alerts.rendering.fit import at_sentences, shortened, whole_graphemes
from alerts.rendering.i18n import Words
from alerts.rendering.library import capital
from alerts.web.public.snapshot import Freshness, IncidentText, Snapshot, state_of

COLUMNS = 20
"""Characters of a line of `/panel.txt` at the most."""
SCREENS = 8
"""Screens that take turns at the most: who walks by sees the worst, and how many more there are."""
DWELL = 10
"""Seconds that each screen stays."""
_ROOM = 160
"""Letters of an instruction next to a heading, at the size that is readable from six metres."""
_PARTS = 4
"""Screens that one alert has at the most."""
# Characters that leave room for the instruction.
_HEADING, _AREA = 110, 70
_NIGHT = (22, 6)
"""The hours from when until when a screen is dark."""
# What a screen holds at a letter height of one hundredth of its shorter side, with much to spare for long words.
_CAPACITY = 6800
# Sizes of letters, in hundredths of the screen's shorter side.
_LARGEST, _SMALLEST = 13, 4
# Late sources that a screen names.
_NAMED = 3
# Blanks at which a line may break, and those at which it may not.
_BREAKS = re.compile(r"[^\S\u00a0\u202f\u2007\u2060]+")
_UNBROKEN = re.compile(r"[\u00a0\u202f\u2007\u2060]")
_HYPHENS = "-‐–/’'"


def json_of(shown: Sequence[IncidentText], snapshot: Snapshot, zone: ZoneInfo) -> str:
    """Return all current alerts, worst first. A missing value is an empty string, so that no display shows a "null"."""
    alerts = [alert_of(text, zone) for text in shown]
    said = {"as_of": _stamp(snapshot.now, zone), "state": state_of(shown, snapshot), "alerts": alerts}
    return json.dumps(said, ensure_ascii=False)


def alert_of(text: IncidentText, zone: ZoneInfo) -> dict[str, Any]:
    """One alert as a program gets it; `until` is when it holds no more, whatever else is heard by then."""
    facts = text.facts
    return {
        "severity": str(text.severity),
        "event": str(facts["event"] or capital(str(facts["name"]))),
        "headline": text.heading,
        "instruction": str(facts["instruction"] or ""),
        "area": str(facts["area"]),
        "until": _stamp(text.incident.alert.ends, zone),
    }


def _stamp(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")


# --- lines of characters -------------------------------------------------------------------------------------------


def text_of(shown: Sequence[IncidentText], snapshot: Snapshot, zone: ZoneInfo, words: Words) -> str:
    """The same in lines of at most twenty characters: an alert a paragraph, and of when it is in the last one."""
    paragraphs = [_lines_of(text) for text in shown]
    if not shown:
        state = state_of(shown, snapshot)
        paragraphs.append([words.gettext("No alert")] if state == "calm" else [words.gettext("Not up to date")])
    paragraphs += [[f"{source.title}{words.gettext(': ')}{words.gettext('no news')}"] for source in _late(snapshot)]
    paragraphs.append([up_to_date(snapshot, zone, words)])
    return "\n".join("\n".join(line for said in each for line in wrapped(said)) + "\n" for each in paragraphs)


def _lines_of(text: IncidentText) -> list[str]:
    facts = text.facts
    # "Travaux", and below it "Travaux rue Haute": the heading says both.
    label = "" if f"{fold(text.heading)} ".startswith(f"{fold(str(facts['label'] or ''))} ") else facts["label"]
    said = (label, text.heading, facts["instruction"], facts["area"], capital(str(facts["when"])))
    return [str(each) for each in said if each]


def up_to_date(snapshot: Snapshot, zone: ZoneInfo, words: Words) -> str:
    """Of when it is, by the clock of the hall; where a source is behind its time nothing is said to be up to date."""
    time = clock(snapshot.now, zone)
    return (
        words.gettext("made at %(time)s", time=time)
        if snapshot.doubtful
        else words.gettext("as of %(time)s", time=time)
    )


def clock(now: datetime, zone: ZoneInfo) -> str:
    """The time as clocks in halls show it."""
    return f"{now.astimezone(zone):%H:%M}"


def wrapped(text: str, columns: int = COLUMNS) -> list[str]:
    """Return the text in lines of at most so many characters, words whole if they fit.

    A longer word continues in the next line, after a hyphen or an apostrophe if it has one. Words joined by no-break
    blanks stay together if they fit; the blanks are replaced by plain ones, since few displays have them.
    """
    lines: list[str] = []
    for piece in _pieces(normal("NFC", text), columns):
        if lines and len(lines[-1]) + 1 + len(piece) <= columns:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines


def _pieces(text: str, columns: int) -> Iterator[str]:
    for together in filter(None, _BREAKS.split(text)):
        plain = " ".join(filter(None, _UNBROKEN.split(together)))
        if len(plain) <= columns:
            yield from filter(None, [plain])
            continue
        for word in plain.split(" "):
            yield from _cut(word, columns)


def _cut(word: str, columns: int) -> Iterator[str]:
    # Two pieces of one word never meet in a line again: together they are longer than it.
    while len(word) > columns:
        hyphen = max(word.rfind(each, 0, columns) for each in _HYPHENS)
        # What a reader takes for one character stays whole, unless it alone is longer than a line.
        place = hyphen + 1 or len(whole_graphemes(word, columns)) or columns
        yield word[:place]
        word = word[place:]
    yield word


# --- screens -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen of an alert; `do` is its instruction, or `part` of `parts` of it.

    `until` is when it must disappear, `size` the height of its letters in hundredths of the shorter side.
    """

    text: IncidentText
    heading: str
    area: str
    when: str
    do: str
    part: int
    parts: int
    until: str
    size: int


@dataclass(frozen=True, slots=True)
class PanelRotation:
    """The screens in turn, and of how many alerts there is none."""

    screens: tuple[Screen, ...]
    more: int


def screens_of(shown: Sequence[IncidentText], zone: ZoneInfo) -> PanelRotation:
    """The turn of what is on, worst first; an alert whose screens there is no room for is among those that are more."""
    screens: list[Screen] = []
    for place, text in enumerate(shown):
        made = _screens(text, zone)
        # The worst is shown however long it is; the last place may be needed to say that there is more.
        if screens and len(screens) + len(made) > SCREENS - (place < len(shown) - 1):
            return PanelRotation(tuple(screens), len(shown) - place)
        screens += made
    return PanelRotation(tuple(screens), 0)


def _screens(text: IncidentText, zone: ZoneInfo) -> list[Screen]:
    facts = text.facts
    heading, area = shortened(text.heading, _HEADING), shortened(str(facts["area"]), _AREA)
    when = capital(str(facts["when"]))
    parts = parts_of(str(facts["instruction"] or "")) or [""]
    until = _stamp(text.incident.alert.ends, zone)
    return [
        Screen(text, heading, area, when, do, n, len(parts), until, _size(heading, do, area, when))
        for n, do in enumerate(parts, 1)
    ]


def parts_of(text: str) -> list[str]:
    """Split an instruction for screens, between sentences, else between words; an endless text ends with "…"."""
    parts: list[str] = []
    left = " ".join(text.splitlines()).strip()
    while left and len(parts) < _PARTS:
        said = left if len(left) <= _ROOM else _beginning(left)
        parts.append(said.strip())
        left = left[len(said) :].strip()
    if left:
        parts[-1] += " …"
    return parts


def _beginning(text: str) -> str:
    if whole := at_sentences(text[: 4 * _ROOM], lambda said: len(said) <= _ROOM, markup=False):
        return whole
    end = text.rfind(" ", 1, _ROOM + 1)
    return text[: end if end > 0 else _ROOM]


def _size(heading: str, *rest: str) -> int:
    # A heading's letters are half as high again.
    letters = 2.25 * len(heading) + sum(len(each) for each in rest)
    return max(_SMALLEST, min(_LARGEST, int(math.sqrt(_CAPACITY / max(letters, 1)))))


def is_night(now: datetime, zone: ZoneInfo) -> bool:
    """True if a bright screen would dazzle."""
    begins, ends = _NIGHT
    hour = now.astimezone(zone).hour
    return hour >= begins or hour < ends


def _late(snapshot: Snapshot) -> list[Freshness]:
    return [source for source in snapshot.sources if source.stale][:_NAMED]
