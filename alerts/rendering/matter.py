"""What a post is about, before any of it is put into words."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.model.alert import Alert, Info, Severity
from alerts.model.hazard import Hazard, kind_of
from alerts.model.post import PostKind
from alerts.rendering.changes import gravity
from alerts.rendering.library import Words


@dataclass(frozen=True, slots=True)
class Matter:
    """What is to be said: the alert with its words cleaned, and the words of its language and hazard.

    `info` is what is over where the post is an end. `language` is the tag of the text, `own` whether the
    station says it itself.
    """

    alert: Alert
    info: Info
    kind: PostKind
    hazard: Hazard
    language: str
    general: Words
    words: Words
    own: bool = False


NOTICE = "notice"
"""A general message below Severe: a market that is cancelled is an announcement, and no alert that ends."""


def worded(words: Words, hazard: Hazard, info: Info) -> Words:
    """Return the words of a hazard as they are for this alert: `variants` set some of them otherwise.

    A mere risk of fire doesn't flare up again, and a bridge that is down is more than a closed road.
    """
    kind = kind_of(hazard, info)
    if hazard is Hazard.GENERAL and not gravity(info).at_least(Severity.SEVERE):
        kind = NOTICE
    return {**words, **words.get("variants", {}).get(kind, {}), "kind": kind} if kind else words
