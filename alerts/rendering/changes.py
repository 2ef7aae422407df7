"""How grave an alert is by MeteoAlarm's colour or CAP's severity, and what an update changes.

It changes the gravity, the instruction, the end and the areas; what it describes otherwise is read anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from alerts.model.alert import Alert, Info, Severity
from alerts.model.hazard import fold
from alerts.rendering.library import Words, sentence
from alerts.rendering.moments import event_end
from alerts.rendering.text import clean, place

TellEnd = Callable[[datetime], str]
NamePlace = Callable[[str], str]
_GRAVITIES = {"yellow": Severity.MODERATE, "orange": Severity.SEVERE, "red": Severity.EXTREME}


def gravity(info: Info) -> Severity:
    """Return the severity, by MeteoAlarm's colour where there is one: the CAP severity beside it is at times off."""
    return _GRAVITIES.get(colour(info), info.severity)


def level(info: Info, words: Words) -> str | None:
    """Return MeteoAlarm's colour as the public knows it ("Vigilance orange"), None where the feed has none."""
    levels: Mapping[str, str] = words["levels"]
    return levels.get(colour(info))


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is new, as a sentence. `freed` says that somebody needs not act any more: it is always told."""

    sentence: str
    freed: bool = False


def changes(
    info: Info,
    previous: Alert | None,
    language: str,
    words: Words,
    end_of: TellEnd,
    *,
    labels: Mapping[str, str] = MappingProxyType({}),
    place_of: NamePlace = str,
) -> list[Change]:
    """Return what is new in `info` against `previous`, with what it was; nothing where that isn't known.

    Who is free of it comes first, for nobody may miss that; then what has grown worse. `end_of` tells the moment of an
    end, `place_of` the name of a place, "" where it stands for none. How grave it is isn't told where the hazard has
    `labels` of its own for both: works and somebody who is missing are no danger that rises. A hazard whose words for a
    change are "" doesn't tell it: the time of a closed school's message is not that of the closure.
    """
    before = previous.info_for(language) if previous else None
    if before is None:
        return []
    named = gravity(info).value in labels and gravity(before).value in labels
    areas = _areas(info, before, words, place_of)
    told = [
        *(each for each in areas if each.freed),
        *(() if named else _gravity(info, before, words)),
        *_instruction(info, before, words),
        *_end(info, before, words, end_of),
        *(each for each in areas if not each.freed),
    ]
    return [each for each in told if each.sentence]


def colour(info: Info) -> str:
    """Return the colour of MeteoAlarm's `awareness_level` ("3; orange; Severe"): yellow, orange, red, else ""."""
    parts = [part.strip().lower() for part in (info.parameter("awareness_level") or "").split(";")]
    return next((part for part in parts if part in _GRAVITIES), "")


def _gravity(info: Info, before: Info, words: Words) -> list[Change]:
    now, then = gravity(info), gravity(before)
    if Severity.UNKNOWN in (now, then) or now is then:
        return []
    name = "raised" if now.rank > then.rank else "lowered"
    coloured = level(info, words) and level(before, words) and f"level_{name}" in words["changes"]
    said = words["colours"] if coloured else words["degrees"]
    was, is_now = (colour(before), colour(info)) if coloured else (then.value, now.value)
    sentence = words["changes"][f"level_{name}" if coloured else name]
    since = words.get("since", {}).get(was, said[was])
    return [Change(_sentence(sentence, before=said[was], now=said[is_now], since=since))]


def _instruction(info: Info, before: Info, words: Words) -> list[Change]:
    now, then = (fold(" ".join(clean(text or "").split())) for text in (info.instruction, before.instruction))
    return [Change(_sentence(words["changes"]["instruction"]))] if now and now != then else []


def _end(info: Info, before: Info, words: Words, end_of: TellEnd) -> list[Change]:
    end, earlier = event_end(info), event_end(before)
    if end is None or earlier is None or end == earlier:
        return []
    name = "longer" if end > earlier else "shorter"
    return [Change(_sentence(words["changes"][name], now=end_of(end), before=end_of(earlier)))]


def _areas(info: Info, before: Info, words: Words, place_of: NamePlace) -> list[Change]:
    """What is added and what is freed: nobody by "the whole town", and nothing is known where one told no place."""
    now, then = (
        {fold(name): name for area in each.areas if (name := place_of(place(area.description)))}
        for each in (info, before)
    )
    if not now or not then:
        return []
    everywhere = fold(str(words["whole"]))
    if everywhere in now or everywhere in then:
        name = "everywhere" if everywhere in now else "only"
        places = [*now.values()]
        if (everywhere in now and everywhere in then) or name not in words["changes"]:
            return []
        sentence_of = _number(words["changes"], name, places)
        return [Change(_sentence(sentence_of, areas=", ".join(places)), freed=name == "only")]
    added = [name for key, name in now.items() if key not in then]
    gone = [name for key, name in then.items() if key not in now]
    return [
        Change(_sentence(_number(words["changes"], name, places), areas=", ".join(places)), freed=name == "fewer")
        for name, places in (("more", added), ("fewer", gone))
        if places
    ]


def _number(sentences: Mapping[str, str], name: str, places: Sequence[str]) -> str:
    """Return the sentence for one place, or that for several where the language has another one."""
    return sentences.get(f"{name}_many", sentences[name]) if len(places) > 1 else sentences[name]


def _sentence(text: str, **values: str) -> str:
    return sentence(text.format(**values))
