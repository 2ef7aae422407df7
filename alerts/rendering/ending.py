"""The words of an end: that it is over, why and since when, and of a correction first of all what is right."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.model.alert import Info
from alerts.model.hazard import Hazard
from alerts.model.post import EndReason
from alerts.rendering.clean import clean
from alerts.rendering.faces import Context
from alerts.rendering.library import sentence
from alerts.rendering.matter import Matter
from alerts.rendering.moments import Teller, event_end

_NO_INFO = Info("", language="")
_BEGUN = "cancelled_begun"


def ending(matter: Matter, title: str, teller: Teller, context: Context) -> dict[str, Any]:
    """Return what an end says otherwise than a first post; `title` is what is over.

    A cancellation of what had begun has words of its own where the others would be false: "will not take place".
    """
    reason = context.reason or EndReason.EXPIRED
    lead = _lead(matter, title, context)
    over = _phrase(matter, "over", context)
    said: dict[str, Any] = {
        "reason": reason.value,
        "lead": lead.format(title=title),
        "lead_short": lead.format(title=matter.words["name"]) if matter.hazard is not Hazard.GENERAL else "",
        "when": _phrase(matter, "ended", context).format(moment=teller.moment(_ended(matter, context))),
        "instruction": over,
        "instruction_short": over,
        "prepared": over,
        "after": matter.words["after"] if reason in (EndReason.ALL_CLEAR, EndReason.EXPIRED) else "",
        "description": _own_words(matter, context),
        "change": "",
        "change_short": "",
    }
    return said | _corrected(matter, title, said) if reason is EndReason.CORRECTED else said


def _corrected(matter: Matter, title: str, said: dict[str, Any]) -> dict[str, str]:
    """What is right is what to know and do; what was wrong is quoted after it, so that nobody reads it as true."""
    wrong = matter.general["wrong"].format(title=title)
    if own := said["description"]:
        own = sentence(own)
        return {
            "instruction": own,
            "instruction_short": own,
            "change": wrong,
            "change_short": said["prepared"],
            "description": "",
        }
    return {"instruction": wrong}


def _phrase(matter: Matter, name: str, context: Context) -> str:
    """Return the phrase of this end: the hazard's own, else the one for all."""
    reason = (context.reason or EndReason.EXPIRED).value
    reasons = (_BEGUN, reason) if reason == EndReason.CANCELLED and _had_begun(matter, context) else (reason,)
    for words in (matter.words.get(name, {}), matter.general[name]):
        if found := next((words[key] for key in reasons if words.get(key)), None):
            return str(found)
    return str(matter.general[name][reason])


def _lead(matter: Matter, title: str, context: Context) -> str:
    """Return the phrase that this end begins with; one that names the hazard needs no title that only does so again."""
    lead = _phrase(matter, "ends", context)
    if title == matter.words["name"] and matter.words.get("ends") and lead in matter.words["ends"].values():
        return lead.partition("{title}")[0].rstrip(" :\u00a0")
    return lead


def _had_begun(matter: Matter, context: Context) -> bool:
    """Whether it was under way; what tells no start holds from the moment that it is said."""
    start = matter.info.onset or matter.info.effective
    return start is None or start <= context.now


def _ended(matter: Matter, context: Context) -> datetime:
    expires = event_end(matter.info) if context.reason in (None, EndReason.EXPIRED) else None
    return min(expires, context.now) if expires else context.now


def _own_words(matter: Matter, context: Context) -> str:
    """Return what the ending message itself says of the end. One that repeats the alarm says nothing of it."""
    own = matter.alert.infos[0] if matter.alert.infos else _NO_INFO
    before = context.previous.info_for(matter.language) if context.previous else None
    news = before is not None and own.description and own.description != clean(before.description or "")
    return "\n\n".join(text for text in (matter.alert.note, own.description if news else None) if text)
