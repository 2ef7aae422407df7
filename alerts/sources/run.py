"""The messages that a source makes of one thing while it is on: of a phenomenon, a flood, an episode of pollution.

The first is an alert, each other one an update of the first and the last, and the end a cancellation. A source keeps
the run as JSON with what it told last, and forgets it with the end: what comes later is a thing of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.model.alert import Alert, Info, MsgType, Reference
from alerts.model.ports import Heard, Known


@dataclass(frozen=True, slots=True)
class MessageRun:
    """The messages about a thing: the first and the last, and their number."""

    first: Reference
    last: Reference
    count: int

    @classmethod
    def after(cls, before: MessageRun | None, alert: Alert) -> MessageRun:
        """Return the run with this message as its last."""
        last = Reference(alert.sender, alert.identifier, alert.sent)
        return cls(before.first, last, before.count + 1) if before else cls(last, last, 1)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it, without the sender."""
        messages = [[each.identifier, each.sent.isoformat()] for each in (self.first, self.last)]
        return {"messages": messages, "count": self.count}

    @classmethod
    def of(cls, stored: Mapping[str, Any], sender: str) -> MessageRun:
        """Read the output of `as_json`, with whatever else is beside it."""
        first, last = (Reference(sender, name, datetime.fromisoformat(sent)) for name, sent in stored["messages"])
        return cls(first, last, stored["count"])


def sent_after(run: MessageRun | None, sent: datetime) -> datetime:
    """Return a message's time of issue: never before the last of its run, or it would count as an earlier one."""
    return max(sent, run.last.sent) if run else sent


def next_message(
    run: MessageRun | None,
    sender: str,
    name: str,
    sent: datetime,
    infos: Sequence[Info],
    *,
    content: object,
    incidents: tuple[str, ...] = (),
) -> Alert:
    """The next message of a run, issued at `sent` (`sent_after`); without `infos` its end.

    Its identifier begins with `name`. For the same `content` (by its `repr`) it is the same, should that be read again
    before it is remembered; for each other one another.
    """
    digest = hashlib.sha256(repr(content).encode()).hexdigest()[:12]
    kind = MsgType.UPDATE if run else MsgType.ALERT
    return Alert(
        identifier=f"{name}-{run.count + 1 if run else 1}-{digest}",
        sender=sender,
        sent=sent_after(run, sent),
        msg_type=kind if infos else MsgType.CANCEL,
        references=tuple(dict.fromkeys((run.first, run.last))) if run else (),
        incidents=incidents,
        infos=tuple(infos),
    )


async def unheard(heard: Sequence[Heard], known: Known) -> list[Heard]:
    """Return the entries that aren't stored yet, in their order."""
    stored = await known([each.key for each in heard]) if heard else set()
    return [each for each in heard if each.key not in stored]
