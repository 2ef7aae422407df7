"""What an officer should look at before a post goes out, each a reason: the cause, then what to do."""

from __future__ import annotations

import re

from alerts.model.alert import Alert, Info, Severity, Status
from alerts.model.post import PostKind
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig
from alerts.rendering.counting import links
from alerts.rendering.fit import Fitted
from alerts.rendering.moments import event_end

_CARE = r"(?! (?:great |extreme |particular )?(?:caution|care)\b)"
_TEST = re.compile(rf"\b(?:tests?|exercices?|exercise{_CARE}|drill|essai|probealarm|übung)\b", re.IGNORECASE)


def of_alert(alert: Alert, info: Info | None, kind: PostKind, prepared: str, said: str) -> list[Reason]:
    """Return what the alert itself leaves to be desired: no instruction, area or end; "test" in an actual one.

    `prepared` is the instruction that stands in for a missing one, "" where there is none; `said` the one that is said.
    """
    if info is None:
        return [because("remark_says_nothing")]
    warnings = []
    if kind is not PostKind.END:
        if not info.instruction:
            warnings += _without_instruction(info, prepared)
        elif prepared and said == prepared != info.instruction:
            warnings.append(because("remark_no_order"))
        if not any(area.description for area in alert.areas):
            warnings.append(because("remark_no_area"))
        if event_end(info) is None:
            warnings.append(because("remark_no_end"))
    words = f"{info.headline} {info.event} {info.description}"
    if alert.status is Status.ACTUAL and (word := _TEST.search(words)):
        warnings.append(because("remark_test_word", word=word[0]))
    return warnings


def of_post(
    rendered_text: str, link: str | None, channel: ChannelConfig, fitted: Fitted, kind: PostKind, *, page: bool
) -> list[Reason]:
    """Return what the post's text leaves to be desired: links X makes of bare domains, short forms, length.

    `page` is whether the post links to the alert's own page, where all of it stands.
    """
    warnings = _of_instruction(fitted, kind, page=page)
    warnings += [
        because("remark_short_form", part=name) for name in fitted.short if name not in ("instruction", "change")
    ]
    if channel.text.count == "weighted":
        warnings += [because("remark_link_of_x", found=found) for found in links(rendered_text) if found != link]
    if fitted.count > channel.text.limit:
        warnings.append(because("remark_too_long", count=fitted.count, limit=channel.text.limit))
    return warnings


def _without_instruction(info: Info, prepared: str) -> list[Reason]:
    if prepared:
        return [because("remark_own_instruction")]
    if info.severity is Severity.MINOR:
        return []
    return [because("remark_no_instruction")]


def _of_instruction(fitted: Fitted, kind: PostKind, *, page: bool) -> list[Reason]:
    whole = because("remark_whole_behind_link" if page else "remark_whole_nowhere")
    if "instruction" in fitted.cut:
        return [because("remark_instruction_cut", whole=whole)]
    if "instruction" in fitted.short and kind is not PostKind.END:
        return [because("remark_instruction_replaced", whole=whole)]
    return []
