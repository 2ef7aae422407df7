"""The German weather service's archive: a snapshot of what is on, from which a warning vanishes when it is over.

Its updates name their predecessor, but a warning that is lifted early is only taken out: no message says so. So the
warnings of the last snapshots are remembered, and one that is missing gets an end of ours, a Cancel without words. Not
so where its time is over anyway; where a newer warning names it, or is about the same event in the same areas, and so
goes on from it; before it has been missing for `GONE_FOR`, since an archive is now and then published half; and while
anything in the archive can't be read, which may be the missing one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.model.alert import Alert, MsgType, Reference, Status
from alerts.model.ports import Heard
from alerts.model.reason import because

GONE_FOR = timedelta(minutes=10)
"""How long a warning must be missing before it is over: two of the service's archives."""
_DOMAIN = "dwd.de"


@dataclass(frozen=True, slots=True)
class ListedWarning:
    """A warning of a snapshot, by what its end needs; `about` is equal for the same event in the same areas.

    `gone` is the time since when it is missing.
    """

    identifier: str
    sender: str
    sent: datetime
    ends: datetime
    about: str
    gone: datetime | None = None

    @classmethod
    def of(cls, alert: Alert) -> ListedWarning:
        """The warning that this message is."""
        areas = sorted({f"{area.description} {sorted(map(str, area.geocodes))}" for area in alert.areas})
        said = repr((sorted({info.event.casefold() for info in alert.infos}), areas))
        about = hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]
        return cls(alert.identifier, alert.sender, alert.sent, alert.ends, about)

    def as_json(self) -> list[Any]:
        """The same as JSON has it."""
        gone = self.gone.isoformat() if self.gone else None
        return [self.identifier, self.sender, self.sent.isoformat(), self.ends.isoformat(), self.about, gone]

    @classmethod
    def read(cls, stored: Sequence[Any]) -> ListedWarning:
        """Read the output of `as_json`."""
        identifier, sender, sent, ends, about, gone = stored
        read = datetime.fromisoformat
        return cls(identifier, sender, read(sent), read(ends), about, read(gone) if gone else None)

    def end(self, now: datetime) -> Alert:
        """The message that ends it."""
        name = hashlib.sha256(f"{self.identifier} {self.sent.isoformat()}".encode()).hexdigest()[:32]
        reference = Reference(self.sender, self.identifier, self.sent)
        sent = max(now.replace(microsecond=0), self.sent)
        return Alert(f"tocsin-gone-{name}", self.sender, sent, msg_type=MsgType.CANCEL, references=(reference,))


class ArchiveSnapshot:
    """The warnings by the key of their entry, as the memory of a source has them, through one poll."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._on = {key: ListedWarning.read(each) for key, each in state.get("on", {}).items()}
        self._unread = set(state.get("unread", ()))

    def add(self, heard: Iterable[Heard]) -> None:
        """Take in the messages that were read: what they go on from is remembered no more."""
        for each in heard:
            alert = each.alert
            if each.problem:
                self._unread.add(each.key)
            if alert is None or not _is_theirs(alert.sender) or alert.status is not Status.ACTUAL:
                continue
            named = {alert.identifier, *(reference.identifier for reference in alert.references)}
            self._on = {key: old for key, old in self._on.items() if old.identifier not in named}
            if alert.msg_type is not MsgType.CANCEL:
                self._on[each.key] = ListedWarning.of(alert)

    def missing(self, keys: frozenset[str], now: datetime) -> None:
        """Note what is missing from the snapshot with these keys, all of which were read."""
        self._unread &= keys
        about = {each.about for key, each in self._on.items() if key in keys}
        for key, each in list(self._on.items()):
            if key in keys:
                self._on[key] = replace(each, gone=None)
            elif each.about in about:
                del self._on[key]
            # A time in the future was noted before the clock was set back.
            elif not self._unread and (each.gone is None or each.gone > now):
                self._on[key] = replace(each, gone=now)

    def ends(self, now: datetime) -> list[Heard]:
        """The ends of what has been missing long enough; those, and what is over by itself, are then forgotten."""
        on = {key: each for key, each in self._on.items() if each.ends > now}
        over = {key: each for key, each in on.items() if each.gone and now - each.gone >= GONE_FOR and not self._unread}
        self._on = {key: each for key, each in on.items() if key not in over}
        notes = (because("snapshot_without"),)
        return [Heard(f"{key} gone", alert=each.end(now), notes=notes) for key, each in over.items()]

    def state(self) -> dict[str, Any]:
        """The state handed to the next poll; empty if there is nothing to remember."""
        on = {key: each.as_json() for key, each in self._on.items()}
        kept = {"on": on, "unread": sorted(self._unread)}
        return {name: each for name, each in kept.items() if each}


def _is_theirs(sender: str) -> bool:
    domain = sender.rpartition("@")[2].lower()
    return domain == _DOMAIN or domain.endswith(f".{_DOMAIN}")
