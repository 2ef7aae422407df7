"""How updates and ends are worded: what an update changed, and how an incident ended.

`changes` compares an update with what was said before: the gravity, the instruction, the end and the areas. What it
describes otherwise is read anyway. `ending` says that it is over, and why, in words that are another's for each of the
five ways to end. An all clear says that people are free, and what to mind still. An alert whose time has run out
doesn't: it says that the announced time is over, and what to go on minding. One that is withdrawn before it began is no
longer expected, one that had begun no longer holds. A correction says what is right. None of them says again the order
that it ends: its headline names the hazard, never the title of an instruction.

Whoever left or shut himself in reads "withdrawn" and "was wrong" as leave to go back: a hazard's `caution` says that it
is none, in both. A correction prints no place beside it, for a wrong place is what is mostly corrected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.model.alert import Alert, Info, Severity
from alerts.model.hazard import Hazard, fold
from alerts.model.post import EndReason
from alerts.rendering.library import WordTable, capital, sentence
from alerts.rendering.matter import Context, Matter, colour, gravity, level
from alerts.rendering.moments import Teller, event_end
from alerts.rendering.plain import orders, permits
from alerts.rendering.text import clean, place


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is new, as a sentence. `freed` says that somebody needs not act any more: it is always told."""

    sentence: str
    freed: bool = False


def changes(
    matter: Matter, previous: Alert | None, end_of: Callable[[datetime], str], place_of: Callable[[str], str]
) -> list[Change]:
    """Return what is new against `previous`, with what it was; nothing where that isn't known.

    `end_of` tells the moment of an end, `place_of` the name of a place, "" where it stands for none. A hazard whose
    words for a change are "" doesn't tell it: the time of a closed school's message is not that of the closure.
    """
    info, before = matter.info, previous.info_for(matter.language) if previous else None
    if before is None:
        return []
    words = {**matter.general, "changes": _sentences_of(matter)}
    # Works and somebody who is missing have labels of their own for how grave it is, and are no danger that rises.
    labelled = {gravity(info).value, gravity(before).value} <= matter.words.get("severities", {}).keys()
    areas = _other_areas(info, before, words, place_of)
    # Who is free of it comes first, for nobody may miss that; then what has grown worse.
    told = [
        *(each for each in areas if each.freed),
        *(() if labelled else _other_gravity(info, before, words)),
        *_other_instruction(info, before, words),
        *_other_end(info, before, words, end_of),
        *(each for each in areas if not each.freed),
    ]
    return [each for each in told if each.sentence]


def _sentences_of(matter: Matter) -> dict[str, str]:
    """The sentences of what is new, the hazard's own before those for all: one for one place stands for several too."""
    own: Mapping[str, str] = matter.words.get("changes", {})
    general = {name: said for name, said in matter.general["changes"].items() if name.removesuffix("_many") not in own}
    return {**general, **own}


def _other_gravity(info: Info, before: Info, words: WordTable) -> list[Change]:
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


def _other_instruction(info: Info, before: Info, words: WordTable) -> list[Change]:
    now, then = (fold(" ".join(clean(text or "").split())) for text in (info.instruction, before.instruction))
    return [Change(_sentence(words["changes"]["instruction"]))] if now and now != then else []


def _other_end(info: Info, before: Info, words: WordTable, end_of: Callable[[datetime], str]) -> list[Change]:
    end, earlier = event_end(info), event_end(before)
    # An end that is told for the first time is no longer one: it stands in the post anyway.
    if end is None or earlier is None or end == earlier:
        return []
    name = "longer" if end > earlier else "shorter"
    return [Change(_sentence(words["changes"][name], now=end_of(end), before=end_of(earlier)))]


def _other_areas(info: Info, before: Info, words: WordTable, place_of: Callable[[str], str]) -> list[Change]:
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


# --- an end --------------------------------------------------------------------------------------------------------

_NO_INFO = Info("", language="")
_BEGUN = "cancelled_begun"
_MINDED = (EndReason.ALL_CLEAR.value, EndReason.EXPIRED.value, _BEGUN)
"""The ends of something that was there: what it left behind is to be minded still."""
_FIRST_SENTENCE = re.compile(r"(?<=[.!?…])[ \n]+|\n+")
_LONG_TITLE = 110
_CLOSED = re.compile(
    r"(?:, (?:rue|route|voie|road|street))?,? (?:(?:est|sera|sont|seront|is|are|will be) )?"
    r"(?:(?:ferm|barr|coup)ée?s?|closed)\b.*",
    re.IGNORECASE | re.DOTALL,
)
"""What is open again, or isn't closed after all, is not called closed beside it."""


def what_is_closed(title: str) -> str:
    """Return what a title says is closed ("Rue Haute" of "Rue Haute barrée"); "" where it says no such thing."""
    return _CLOSED.sub("", title) if _CLOSED.search(title) else ""


def ending(matter: Matter, title: str, area: str, teller: Teller, context: Context) -> dict[str, Any]:
    """Return what an end says otherwise than a first post; `title` is what is over, `area` where, in short.

    The officer's own words stand in the place of what the machine would say, which the form that ends an alert offered
    them; those of a feed stand beside it.
    """
    reason = context.reason or EndReason.EXPIRED
    name = _name(matter, title)
    lead = _lead(_phrase(matter, "ends", context), name, _what_ends(matter, title))
    over, after = _suggested(matter, context)
    own = _own_words(matter, context)
    replaces = bool(own and matter.alert.note and matter.own)
    said: dict[str, Any] = {
        "reason": reason.value,
        "stamp": _phrase(matter, "stamps", context),
        "lead": lead,
        "lead_short": lead,
        "when": _phrase(matter, "ended", context).format(moment=teller.moment(_ended(matter, context))),
        "instruction": sentence(own) if replaces else over,
        "instruction_short": sentence(own) if replaces else over,
        "prepared": over,
        "after": "" if replaces else after,
        "advice": [],
        "description": "" if replaces else own,
        "change": "",
        "change_short": "",
        "freed": False,
    }
    if reason is not EndReason.CORRECTED:
        return said
    # A road or a school is named where it is said to be over, for there is more than one.
    ends = {**matter.general["ends"], **matter.words.get("ends", {})}
    which = _what_ends(matter, title) if "{title}" in str(ends[EndReason.ALL_CLEAR.value]) else ""
    return said | _corrected(matter, teller, context, own, ", ".join(text for text in (name, which or area) if text))


def _suggested(matter: Matter, context: Context) -> tuple[str, str]:
    """Return what the machine says of this end by itself, and what to mind after it.

    An all clear that has something to mind says that instead of "lifted" once more: its title and its time say so.
    """
    said, reason = _phrase(matter, "over", context), _reasons(matter, context)[0]
    after = str(matter.words["after"]) if reason in _MINDED else ""
    caution = str(matter.words.get("caution", "")) if reason in (_BEGUN, EndReason.CORRECTED) else ""
    if reason == EndReason.ALL_CLEAR and after and not matter.words.get("over", {}).get(reason):
        return after, ""
    return " ".join(text for text in (said, caution) if text), after


def _corrected(matter: Matter, teller: Teller, context: Context, own: str, what: str) -> dict[str, Any]:
    """What is right is the title; where nothing says it, that the message was wrong: which one, of when and where.

    The place that was told stands in brackets there and nowhere else, so that nobody takes it for the right one.
    """
    general, lead = matter.general, str(matter.general["ends"]["corrected"])
    before = context.previous or matter.alert
    wrong = str(general["wrong"]).format(moment=teller.sent(before.sent), title="", what=what).replace(" ()", "")
    nowhere = {"areas": [], "area": "", "area_short": "", "place": ""}
    if not own:
        head = lead.format(right=wrong, title=wrong, name=wrong)
        return {"lead": head, "lead_short": head, **nowhere}
    first, *rest = _FIRST_SENTENCE.split(own, maxsplit=1)
    # What is right becomes the title only where it is as short as one.
    if len(first) > _LONG_TITLE:
        first, rest = matter.words["name"] if matter.hazard is not Hazard.GENERAL else "", [own]
    head = lead.format(right=first, title=first, name=first) if first else lead.partition("{")[0].rstrip(" –:\u00a0")
    caution = "" if permits(own) else str(matter.words.get("caution", ""))
    right = " ".join(sentence(text) for text in (wrong, *rest, caution) if text)
    return {
        "lead": head.rstrip("."),
        "lead_short": head.rstrip("."),
        "instruction": right,
        "instruction_short": right,
        "description": "",
        **nowhere,
    }


def _name(matter: Matter, title: str) -> str:
    """Return what is over by its name; of a general alert by its title, unless that is an order or frees people.

    That title is quoted: "Notice withdrawn – Market cancelled" would say that there is a market.
    """
    if matter.hazard is not Hazard.GENERAL:
        return str(matter.words["name"])
    if orders(title) or permits(title) or title == matter.words["name"]:
        return ""
    return str(matter.general["quoted"]).format(text=title)


def _what_ends(matter: Matter, title: str) -> str:
    """Return what has ended beside a phrase that says how: "" where the title says no more than the hazard's name."""
    what = str(matter.words["name"]) if orders(title) else title
    same = fold(what) in (fold(str(matter.words["name"])), fold(matter.info.event))
    return "" if same and matter.hazard is not Hazard.GENERAL else _CLOSED.sub("", what)


def _lead(phrase: str, name: str, title: str) -> str:
    """Return the phrase with the name in it; without the dash where there is none, or where the phrase says it."""
    if not (title if "{title}" in phrase else name):
        return phrase.partition("{")[0].rstrip(" –:\u00a0")
    said = phrase.format(title=title, name=name, right=name)
    return said.rstrip(" –:\u00a0")


def _phrase(matter: Matter, name: str, context: Context) -> str:
    """Return the phrase of this end: the hazard's own, else the one for all.

    A cancellation of what had begun has one of its own where the other would be false: "will not take place". Where a
    colour is known, what ends is a warning of that colour.
    """
    reasons, shade = _reasons(matter, context), colour(matter.info)
    coloured = matter.general["coloured"].get(name, {}) if level(matter.info, matter.general) else {}
    tables = (matter.words.get(name, {}), coloured, matter.general[name])
    found = next((str(words[key]) for key in reasons for words in tables if key in words), "")
    said = str(matter.general["colours"].get(shade, shade))
    return found.replace("{colour}", said).replace("{Colour}", capital(said))


def _reasons(matter: Matter, context: Context) -> tuple[str, ...]:
    """Return how it ended as the words call it, the narrower name first."""
    reason = (context.reason or EndReason.EXPIRED).value
    start = matter.info.onset or matter.info.effective
    # What tells no start holds from the moment that it is said.
    had_begun = start is None or start <= context.now
    return (_BEGUN, reason) if reason == EndReason.CANCELLED and had_begun else (reason,)


def _ended(matter: Matter, context: Context) -> datetime:
    expires = event_end(matter.info) if context.reason in (None, EndReason.EXPIRED) else None
    return min(expires, context.now) if expires else context.now


def _bare(text: str) -> str:
    """Without how it is set: what the station typed is set as French is set, and is the same words."""
    return "".join(letter for letter in fold(text) if letter.isalnum())


def _own_words(matter: Matter, context: Context) -> str:
    """Return what the ending message itself says of the end. One that repeats the alarm says nothing of it."""
    own = matter.alert.infos[0] if matter.alert.infos else _NO_INFO
    before = context.previous.info_for(matter.language) if context.previous else None
    news = before is not None and own.description and _bare(own.description) != _bare(clean(before.description or ""))
    return "\n\n".join(text for text in (matter.alert.note, own.description if news else None) if text)
