"""Finds the hazard that a text names, in French, English and German, and the words that deny it.

`named` goes down `_NAMES` and returns all hazards that are named and meant. A name isn't meant if a word right before
it denies it ("pas de fuite de gaz", "after the storm"), if its own clause denies it further on ("evacuation not
needed"), or if `_NOT_MEANT` knows the text to mean another thing ("confinement des volailles"), unless `_MEANT_STILL`
matches too; in a drill, a question or a talk (`_NO_EVENT`) no name is meant. `is_taken_back` is true if something is
over; `says_it_is_over` is stricter, because its result is announced to people.

Texts must be folded first (`alerts.model.hazard.fold`): lower case, without accents, with straight apostrophes. The
words themselves are in `hazard_words.txt`, which also explains how to fix a misread headline.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path


def _sections(file: Path) -> dict[str, list[str]]:
    """Read the file's sections: for each name its lines, without blank ones and comments."""
    found: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if begun := re.fullmatch(r"\[([a-z ]+)\]", line):
            section = found[begun[1]] = []
        elif found and line and not line.lstrip().startswith("# "):
            section.append(line)
    return found


def _short_forms(lines: Sequence[str]) -> dict[str, str]:
    """Return each short form with its meaning; an indented line continues the one before."""
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith("<"):
            name, _, meaning = line.partition(" ")
            found[name] = meaning
        else:
            found[name] += line.strip()
    return found


def _table(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Read a table: a word with a colon begins an entry, and each line from there on is one way to say it.

    Returns each entry with the source of its pattern (`_compiled`).
    """
    entries: list[tuple[str, list[str]]] = []
    for each in lines:
        line = each.strip()
        if begun := re.match(r"([a-z-]+): ?", line):
            entries.append((begun[1], []))
            line = line[begun.end() :]
        if line:
            entries[-1][1].append(_written_out(line))
    return tuple((name, rf"(?<!\w)(?:{'|'.join(ways)})(?!\w)") for name, ways in entries)


# At first use: compiling all of them takes 50 ms, and most commands and readers need few of them or none.
_compiled = cache(re.compile)


def _any_of(*sections: str) -> str:
    """Read sections without hazards, one way to say a thing on each line, as one pattern."""
    return _table(["any:", *(line for section in sections for line in _SECTIONS[section])])[0][1]


def _written_out(line: str) -> str:
    for short, meaning in _SHORT.items():
        line = line.replace(short, meaning)
    return line


_SECTIONS = _sections(Path(__file__).with_suffix(".txt"))
_SHORT = _short_forms(_SECTIONS["short forms"])
_NAMES, _EVENTS = _table(_SECTIONS["names"]), _table(_SECTIONS["events"])
_NOT_MEANT, _MEANT_STILL = dict(_table(_SECTIONS["not meant"])), dict(_table(_SECTIONS["meant still"]))
_IS_DRILL, _NO_EVENT = _any_of("drills"), _any_of("drills", "no event")
_OVER, _BACK_TO_NORMAL = _any_of("over"), _any_of("back to normal")
_NOT_YET, _GOES_ON = _any_of("not yet"), _any_of("goes on")
# A negation right before the name, and one in the same clause after it.
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:pas|aucune?|sans|ni|jamais|plus|ecarte\w*|exclu\w*) "
    r"(?:de |d'|du |des |la |le |les |l'|une? |tout |besoin |risque |danger |menace |autre |ordre |consigne ){0,4}"
    r"|\b(?:no|not|never|without|no longer|rules? out|don't|needn't|kein\w*|ohne|nicht) "
    r"(?:an? |any |the |risk |danger |threat |need |of |to |for |from |more |further |mandatory |gefahr |durch |einer )"
    r"{0,5}|\bn')$"
)
_DENIED_AFTER = re.compile(
    r"[^.,;:!?–]{0,30}\b(?:ecartee?s?|exclue?s?|infondee?s?|dementie?s?|inutiles?"
    r"|n'(?:est|a|aura) (?:pas|plus)(?! (?:encore )?(?:leve|termine|fini|annule|maitrise|repare|colmate))"
    r"|(?:pas|non) (?:necessaire|requise|prevue|confirmee?|envisagee?|ordonnee?)s?"
    r"|(?:not|un)[ -]?(?:necessary|needed|required|planned|expected|confirmed|ordered)"
    r"|unlikely|ruled out|nicht (?:notig|erforderlich|geplant)|ausgeschlossen)\b"
)
# Words that place a named hazard in the past.
_PAST = re.compile(
    r"\b(?:apres|suite aux?|suite a|a la suite|after|following|nach|depuis|since|seit) "
    r"(?:de la |de l'|des |du |de |d')?(?:[\w']+ ){0,2}(?:l')?$"
)
# Hazards that have passed if something is "after" them. After a leak or an earthquake its instruction still applies.
_IN_THE_PAST = frozenset(
    ("evacuation", "avalanche", "coastal", "rain-flood", "flood", "storm", "snow-ice", "heat", "cold", "wind")
)
# Characters before a name in which its negation is searched.
_BESIDE = 50


# Each channel asks about the same alert: a text is matched once.
_read_once = lru_cache(maxsize=512)


@_read_once
def named(text: str) -> tuple[str, ...]:
    """Return the hazards that a folded text names and means, by their values, the gravest first."""
    if _compiled(_NO_EVENT).search(text):
        return ()
    return tuple(
        hazard
        for hazard, names in _NAMES
        if any(not _is_denied(hazard, text, found) for found in _compiled(names).finditer(text))
        and is_meant(hazard, text)
    )


@_read_once
def is_meant(hazard: str, text: str) -> bool:
    """True if a text that names a hazard, or accompanies its name, can mean it."""
    if hazard in _MEANT_STILL and _compiled(_MEANT_STILL[hazard]).search(text):
        return True
    return not (hazard in _NOT_MEANT and _compiled(_NOT_MEANT[hazard]).search(text))


@_read_once
def event_in(text: str) -> str:
    """Return the first event other than a hazard that a folded text names; "" if it names none."""
    return next((event for event, names in _EVENTS if _compiled(names).search(text)), "")


@_read_once
def is_drill(text: str) -> bool:
    """True if a folded text is about a drill or a test."""
    return _compiled(_IS_DRILL).search(text) is not None


def _is_denied(hazard: str, text: str, found: re.Match[str]) -> bool:
    before = text[max(0, found.start() - _BESIDE) : found.start()]
    if _DENIED_BEFORE.search(before) or _DENIED_AFTER.match(text, found.end()):
        return True
    return hazard in _IN_THE_PAST and _PAST.search(before) is not None


_LATER = re.compile(
    r".{0,25}\b(?:prevue?|attendue?|expected|planned|estime\w*|demain|tomorrow|a partir|partiel\w*|partly|erwartet)\b"
)


@_read_once
def is_taken_back(text: str) -> bool:
    """True if a folded text says that something is over or becoming normal. Then only an officer gives instructions."""
    return _has_ended(_OVER, text) or _has_ended(_BACK_TO_NORMAL, text)


@_read_once
def says_it_is_over(*texts: str) -> bool:
    """True if one of the texts says outright that the alarm or danger is over, and none says that it goes on."""
    return any(_has_ended(_OVER, text) for text in texts) and not any(
        _compiled(_GOES_ON).search(text) for text in texts
    )


def _has_ended(ways: str, text: str) -> bool:
    """True if a text says in one of `ways` that it has ended; "sera levée" and "fin prévue à 18 h" don't say so."""
    return any(
        not _compiled(_NOT_YET).search(text, max(0, found.start() - 20), found.end())
        and not _LATER.match(text, found.end())
        for found in _compiled(ways).finditer(text)
    )
