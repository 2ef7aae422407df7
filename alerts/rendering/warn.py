"""What an officer should look at before a post goes out, each as one line: the cause, then what to do."""

from __future__ import annotations

import re

from alerts.model.alert import Alert, Info, Severity, Status
from alerts.model.post import PostKind
from alerts.rendering.faces import ChannelFace
from alerts.rendering.fit import Fitted
from alerts.rendering.links import links
from alerts.rendering.moments import event_end

_CARE = r"(?! (?:great |extreme |particular )?(?:caution|care)\b)"
_TEST = re.compile(rf"\b(?:tests?|exercices?|exercise{_CARE}|drill|essai|probealarm|übung)\b", re.IGNORECASE)


def of_alert(alert: Alert, info: Info | None, kind: PostKind, prepared: str) -> list[str]:
    """Return what the alert itself leaves to be desired: no instruction, area or end; "test" in an actual one.

    `prepared` is the instruction that stands in for a missing one, "" where there is none.
    """
    if info is None:
        return ["the alert says nothing in any language: check what is over, and say it in your own words"]
    warnings = []
    if kind is not PostKind.END:
        if not info.instruction:
            warnings += _without_instruction(info, prepared)
        if not any(area.description for area in alert.areas):
            warnings.append("the alert has no area: the post names no place, check that it is right")
        if event_end(info) is None:
            warnings.append("the alert has no expiry: the post names none, end it by hand when it is over")
    said = f"{info.headline} {info.event} {info.description}"
    if alert.status is Status.ACTUAL and (word := _TEST.search(said)):
        warnings.append(f"the text says “{word[0]}” but its status is Actual: check that it isn't an exercise")
    return warnings


def of_post(
    rendered_text: str, link: str | None, channel: ChannelFace, fitted: Fitted, kind: PostKind, *, page: bool
) -> list[str]:
    """Return what the post's text leaves to be desired: links X makes of bare domains, short forms, length.

    `page` is whether the post links to the alert's own page, where all of it stands.
    """
    warnings = _of_instruction(fitted, kind, page=page)
    warnings += [
        f"the {name} is too long here: its short form is used"
        for name in fitted.short
        if name not in ("instruction", "change")
    ]
    if channel.text.count == "weighted":
        warnings += [
            f"X makes a link of “{found}”: it counts 23 units and a post with a link costs 13 times as much, reword it"
            for found in links(rendered_text)
            if found != link
        ]
    if fitted.count > channel.text.limit:
        warnings.append(
            f"the text is {fitted.count} of {channel.text.limit} units and can't be cut further: shorten the alert"
        )
    return warnings


def _without_instruction(info: Info, prepared: str) -> list[str]:
    if prepared:
        return ["the alert has no instruction: ours is used, check that it is right"]
    if info.severity is Severity.MINOR:
        return []
    return ["the alert has no instruction and none is prepared for it: say what to do, if there is something to do"]


def _of_instruction(fitted: Fitted, kind: PostKind, *, page: bool) -> list[str]:
    whole = "the whole is behind the link" if page else "no link leads to the whole, so shorten it"
    if "instruction" in fitted.cut:
        return [f"the instruction is too long here: it is cut, {whole}"]
    if "instruction" in fitted.short and kind is not PostKind.END:
        return [f"not even the first sentence of the instruction fits here: the prepared one is used instead, {whole}"]
    return []
