"""What a post is about, before any of it is put into words."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.model.alert import Alert, Info
from alerts.model.hazard import Hazard
from alerts.model.post import PostKind
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
