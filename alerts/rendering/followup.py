"""The words of updates and ends: the changes of an update, and how an incident ended.

`changes` compares an update with the previous version: the gravity, the instruction, the end and the areas. Other
changes of its description are read anyway. `ending` says that it is over, and why, in different words for each of the
five ways to end. An all clear says that people are free, and what to do still. An alert that expires doesn't: it says
that the announced time is over, and what to continue to do. One withdrawn before it began is no longer expected, one
that had begun no longer holds. A correction gives the right facts. None of them repeats the order that it ends: its
headline names the hazard, never the title of an instruction.

People who left home or sheltered take "cancelled" and "withdrawn" for leave to go back: a hazard's `caution` denies it.
After a false alarm nobody comes to let people out, so a correction has a caution of its own (`caution_corrected`): in
doubt, follow the people on the spot. An officer's own words precede the caution and the rest, and remove them only if
they let people go themselves (`frees`). A correction has no place after it, for a wrong place is the usual error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.model.alert import CLUSTER_PARAMETER, Alert, Info, Severity
from alerts.model.hazard import Hazard, fold
from alerts.model.post import EndReason
from alerts.rendering.library import WordTable, capital, sentence
from alerts.rendering.matter import Context, Matter, colour, gravity, level
from alerts.rendering.moments import DateFormatter, event_end
from alerts.rendering.plain import frees, orders, permits
from alerts.rendering.text import clean


@dataclass(frozen=True, slots=True)
class Change:
    """One change, as a sentence; `brief` is the same in few words, "" if it may be left out.

    `freed` says that somebody needs not act any more, which is always included; so is a rise to Extreme (`is_rise`).
    """

    sentence: str
    freed: bool = False
    brief: str = ""

    @property
    def is_rise(self) -> bool:
        """True if the gravity has risen to Extreme."""
        return bool(self.brief)


def changes(
    matter: Matter, previous: Alert | None, end_of: Callable[[datetime], str], places_of: Callable[[Info], list[str]]
) -> list[Change]:
    """Return the changes against `previous`, with the old values; empty if it is unknown.

    `end_of` formats the moment of an end, `places_of` returns the places of an info, the whole town being one of them.
    A hazard whose words for a change are "" omits it: the time of a closed school's message is not that of the closure.
    """
    info, before = matter.info, previous.info_for(matter.language) if previous else None
    if before is None:
        return []
    words = {**matter.general, "changes": _sentences_of(matter)}
    # Works and somebody who is missing have labels of their own for how grave it is, and are no danger that rises.
    labelled = {gravity(info).value, gravity(before).value} <= matter.words.get("severities", {}).keys()
    areas = _other_areas(places_of(info), places_of(before), words)
    grave = [] if labelled else _other_gravity(info, before, words)
    freed = [each for each in areas if each.freed]
    # Whoever is free of it gets no all clear, so what to mind still is told here; not beside a rise, which is graver.
    mind = [Change(str(matter.words["after"]))] if freed and not any(each.is_rise for each in grave) else []
    # What holds for those still concerned comes first: behind the place that is freed, it would be read as news of it.
    # What those who are freed still have to mind stands right behind their place, and stays with it (`fit`).
    found = [
        *grave,
        *_other_instruction(info, before, words),
        *_other_end(info, before, words, end_of),
        *(each for each in areas if not each.freed),
        *freed,
        *mind,
    ]
    return [each for each in found if each.sentence]


def _sentences_of(matter: Matter) -> dict[str, str]:
    """Return the sentences for changes, the hazard's own before the general ones.

    A hazard's sentence for one place is used for several too.
    """
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
    grown = now is Severity.EXTREME and "risen" in words["changes"]
    brief = _sentence(words["changes"]["risen"], now=said[is_now]) if grown else ""
    return [Change(_sentence(sentence, before=said[was], now=said[is_now], since=since), brief=brief)]


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


def _other_areas(places: Sequence[str], earlier: Sequence[str], words: WordTable) -> list[Change]:
    """Return the places added and freed. "The whole town" frees nobody, and a missing place means nothing is known."""
    now, then = ({fold(name): name for name in names} for names in (places, earlier))
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
    found = []
    for name, names in (("more", added), ("fewer", gone)):
        if names:
            *most, last = names
            listed = f"{', '.join(most)}{words['calendar']['and']}{last}" if most else last
            found.append(Change(_sentence(_number(words["changes"], name, names), areas=listed), freed=name == "fewer"))
    return found


def _number(sentences: Mapping[str, str], name: str, places: Sequence[str]) -> str:
    """Return the sentence for one place, or that for several where the language has another one."""
    return sentences.get(f"{name}_many", sentences[name]) if len(places) > 1 else sentences[name]


def _sentence(text: str, **values: str) -> str:
    return sentence(text.format(**values))


# --- an end --------------------------------------------------------------------------------------------------------

_NO_INFO = Info("", language="")
_BEGUN = "cancelled_begun"
_TAKEN_BACK = (EndReason.CANCELLED.value, _BEGUN, EndReason.CORRECTED.value)
"""The ends that nobody may take for an all clear."""
_MINDED = (EndReason.ALL_CLEAR.value, EndReason.EXPIRED.value, _BEGUN)
"""The ends of something that was there: what it left behind is to be minded still."""
_FIRST_SENTENCE = re.compile(r"(?<=[.!?…])[ \n]+|\n+")
# A longer sentence is no title.
_LONG_TITLE = 110
_COLLAPSE = "collapse"
_CLOSED = re.compile(
    r"(?:, (?:rue|route|voie|road|street))?,? (?:(?:est|sera|sont|seront|is|are|will be) )?"
    r"(?:(?:ferm|barr|coup)ée?s?|closed)\b.*",
    re.IGNORECASE | re.DOTALL,
)
"""The closure in a title, which is removed if the place is open again, or not closed after all."""


def what_is_closed(title: str) -> str:
    """Return what a title says is closed ("Rue Haute" of "Rue Haute barrée"); "" where it says no such thing."""
    return _CLOSED.sub("", title) if _CLOSED.search(title) else ""


def ending(matter: Matter, title: str, area: str, teller: DateFormatter, context: Context) -> dict[str, Any]:
    """Return the facts of an end that differ from a first post's; `title` is what ended, `area` its place, short.

    An officer's own words replace the sentences that the machine would write, before its caution; a feed's are added to
    all of it. `instruction` combines the sentences, the own words and the caution.
    """
    reason = context.reason or EndReason.EXPIRED
    name = _name(matter, title)
    lead = _lead(_phrase(matter, "ends", context), name, _what_ends(matter, title))
    own = _own_words(matter, context)
    replaces = bool(own and matter.alert.note and matter.own)
    words = _with_own_words(matter, context, own) if replaces else _suggested(matter, context)
    said: dict[str, Any] = {
        "reason": reason.value,
        "stamp": _phrase(matter, "stamps", context),
        "lead": lead,
        "lead_short": lead,
        "when": _phrase(matter, "ended", context).format(moment=teller.moment(_ended(matter, context))),
        **words,
        "prepared": _suggested(matter, context)["instruction"],
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


def _suggested(matter: Matter, context: Context) -> dict[str, str]:
    """Return what the machine says of this end by itself, and what to mind after it.

    An all clear says no more than what to mind, and not "lifted" once more: its title and its time say so.
    """
    said, caution, after = _phrase(matter, "over", context), _caution(matter, context), _after(matter, context)
    if _reasons(matter, context)[0] == EndReason.ALL_CLEAR and not _own_over(matter, context):
        said, after = after, ""
    return _in_one(said, "", caution, after)


def _with_own_words(matter: Matter, context: Context, own: str) -> dict[str, str]:
    """Return the officer's words and, unless they let people go, what must be minded all the same.

    Of an all clear that is what the hazard itself says of it, of what has run out all that is said, of what is taken
    back its caution.
    """
    if frees(own):
        return _in_one("", own, "", "")
    match context.reason:
        case EndReason.ALL_CLEAR:
            caution = _own_over(matter, context)
        case EndReason.EXPIRED | None:
            caution = _phrase(matter, "over", context)
        case _:
            caution = _caution(matter, context)
    return _in_one("", own, "" if fold(caution) in fold(own) else caution, _after(matter, context))


def _in_one(statement: str, own: str, caution: str, after: str) -> dict[str, str]:
    own = sentence(own)
    whole = " ".join(text for text in (statement, own, caution) if text)
    parts = {"statement": statement, "own_words": own, "caution": caution, "after": after}
    return {**parts, "instruction": whole, "instruction_short": whole}


def _caution(matter: Matter, context: Context) -> str:
    reason, words = _reasons(matter, context)[0], matter.words
    if reason == EndReason.CORRECTED and "caution_corrected" in words:
        return str(words["caution_corrected"])
    return str(words.get("caution", "")) if reason in _TAKEN_BACK else ""


def _after(matter: Matter, context: Context) -> str:
    return str(matter.words["after"]) if _reasons(matter, context)[0] in _MINDED else ""


def _own_over(matter: Matter, context: Context) -> str:
    """Return what the hazard itself says of this end, "" where it has the words for all."""
    return str(matter.words.get("over", {}).get(_reasons(matter, context)[0], ""))


def _corrected(matter: Matter, teller: DateFormatter, context: Context, own: str, what: str) -> dict[str, Any]:
    """Return the facts of a correction: the right fact is the title; without one, the wrong message is identified.

    The old place appears in brackets there and nowhere else, so that nobody takes it for the right one.
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
    caution = "" if frees(own) or fold(_caution(matter, context)) in fold(own) else _caution(matter, context)
    return {
        "lead": head.rstrip("."),
        "lead_short": head.rstrip("."),
        **_in_one(sentence(wrong), " ".join(map(sentence, rest)), caution, ""),
        "description": "",
        **nowhere,
    }


def _name(matter: Matter, title: str) -> str:
    """Return what is over by its name; of a general alert by its title, unless that is an order or frees people.

    That title is quoted: "Notice withdrawn – Market cancelled" would say that there is a market. So is that of a
    collapse: "Alert over – Bridge collapsed" would be news of one.
    """
    if matter.words.get("kind") == _COLLAPSE and (fallen := _what_ends(matter, title)):
        return str(matter.general["quoted"]).format(text=fallen)
    if matter.hazard is not Hazard.GENERAL:
        return _watched(matter, title) or str(matter.words["name"])
    # What residents reported is over as what they saw, and not as that nobody confirmed it.
    title = matter.info.event if matter.info.parameter(CLUSTER_PARAMETER) else title
    if orders(title) or permits(title) or title == matter.words["name"]:
        return ""
    return str(matter.general["quoted"]).format(text=title)


def _watched(matter: Matter, title: str) -> str:
    """Return what a coloured warning was for, as its own title said it ("crues"); "" where no colour begins that."""
    named = str(level(matter.info, matter.general) or "")
    rest = title[len(named) :]
    says_it = bool(named) and fold(title[: len(named)]) == fold(named) and not rest[:1].isalnum()
    return rest.strip(" \u00a0:–") if says_it else ""


def _what_ends(matter: Matter, title: str) -> str:
    """Return the thing that ended, for a phrase that says how: "" if the title is no more than the hazard's name."""
    what = str(matter.words["name"]) if orders(title) else title
    named = f"{matter.words['name']} ("
    if fold(what).startswith(fold(named)) and what.endswith(")"):
        what = what[len(named) : -1]  # a foreign title, in brackets behind the name
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
    return "".join(character for character in fold(text) if character.isalnum())


def _own_words(matter: Matter, context: Context) -> str:
    """Return what the ending message itself says of the end. One that repeats the alarm says nothing of it."""
    own = matter.alert.infos[0] if matter.alert.infos else _NO_INFO
    before = context.previous.info_for(matter.language) if context.previous else None
    news = before is not None and own.description and _bare(own.description) != _bare(clean(before.description or ""))
    return "\n\n".join(text for text in (matter.alert.note, own.description if news else None) if text)
