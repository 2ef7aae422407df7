"""The words of an end: that it is over, and why, in words that are another's for each of the five ways to end.

An all clear says that people are free, and what to mind still. An alert whose time has run out doesn't: it says that
the announced time is over, and what to go on minding. One that is taken back before it began is no longer expected, one
that had begun no longer holds. A correction says what is right. None of them says again the order that it ends: its
headline names the hazard, never the title of an instruction.

Whoever left or shut himself in reads "withdrawn" and "was wrong" as leave to go back: a hazard's `caution` says that it
is none, in both. A correction prints no place beside it, for a wrong place is what is mostly corrected.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from alerts.model.alert import Info
from alerts.model.hazard import Hazard, fold
from alerts.model.post import EndReason
from alerts.rendering.faces import Context
from alerts.rendering.library import sentence
from alerts.rendering.matter import Matter
from alerts.rendering.moments import Teller, event_end
from alerts.rendering.plain import orders, permits
from alerts.rendering.text import clean

_NO_INFO = Info("", language="")
_BEGUN = "cancelled_begun"
_MINDED = (EndReason.ALL_CLEAR.value, EndReason.EXPIRED.value, _BEGUN)
"""The ends of something that was there: what it left behind is to be minded still."""
_FIRST_SENTENCE = re.compile(r"(?<=[.!?…])[ \n]+|\n+")
_LONG_TITLE = 110
_CLOSED = re.compile(
    r",? (?:(?:est|sera|sont|seront|is|are|will be) )?(?:(?:ferm|barr|coup)ée?s?|closed)\b.*", re.IGNORECASE | re.DOTALL
)
"""What is open again, or isn't closed after all, is not called closed beside it."""


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
        "stamp": str(matter.general["stamps"].get(_reasons(matter, context)[0], "")),
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
    which = _what_ends(matter, title) if "{title}" in _ends_in(matter) else ""
    return said | _corrected(matter, teller, context, own, ", ".join(text for text in (name, which or area) if text))


def _ends_in(matter: Matter) -> str:
    """Return how it is said to be over: of a road or a school with its name, for there is more than one."""
    return str({**matter.general["ends"], **matter.words.get("ends", {})}[EndReason.ALL_CLEAR.value])


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

    A cancellation of what had begun has one of its own where the other would be false: "will not take place".
    """
    reasons = _reasons(matter, context)
    for key in reasons:
        for words in (matter.words.get(name, {}), matter.general[name]):
            if key in words:
                return str(words[key])
    return str(matter.general[name][reasons[-1]])


def _reasons(matter: Matter, context: Context) -> tuple[str, ...]:
    """Return how it ended as the words call it, the narrower name first."""
    reason = (context.reason or EndReason.EXPIRED).value
    return (_BEGUN, reason) if reason == EndReason.CANCELLED and _had_begun(matter, context) else (reason,)


def _had_begun(matter: Matter, context: Context) -> bool:
    """Whether it was under way; what tells no start holds from the moment that it is said."""
    start = matter.info.onset or matter.info.effective
    return start is None or start <= context.now


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
