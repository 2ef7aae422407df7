"""One look at the new entries of an index: each message fetched and read, what fails left for the next look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import structlog

from alerts.model.errors import FailedForGood, SourceFailed, Unreadable
from alerts.model.ports import Heard
from alerts.model.reason import Reason, because, kept_reason, read_reason
from alerts.sources.cap.entry import IndexEntry
from alerts.sources.cap.message import read_json, read_message
from alerts.sources.cap.meteoalarm import apply_colours, why_none
from alerts.sources.documents import Documents
from alerts.sources.hosts import show

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Messages of one feed that are asked for at the same time (feeds.md, "Index of CAP")."""

PER_LOOK = 250
"""Messages read in one look; a longer index is caught up with in the next ones."""

GIVE_UP_AFTER = 8
"""Failures in one look after which the rest is left for the next: a dead server must not hold back what was heard."""


class Look:
    """Hears entries, with what the looks before left behind in `state` (as `state_after` gave it).

    `heard` holds what was read, or is broken for good, by key; `failures` what is to be tried again, and why.
    """

    def __init__(
        self, documents: Documents, *, zone: tzinfo, language: str, state: Mapping[str, Any], now: datetime
    ) -> None:
        self._documents = documents
        self._zone = zone
        self._language = language
        self._now = now
        self._failed_before: list[str] = list(state.get("failed", ()))
        self._not_before = _still_to_come(state, now)
        self._trouble: Reason | None = read_reason(state.get("trouble")) if self._not_before else None
        self.heard: dict[str, Heard] = {}
        self.failures: dict[str, SourceFailed] = {}

    async def hear(self, entries: Sequence[IndexEntry]) -> bool:
        """Hear `entries`, at most PER_LOOK of them and AT_ONCE at a time; whether nothing is left of them."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def hear(entry: IndexEntry) -> None:
            async with gate:
                await self._hear(entry)

        async with asyncio.TaskGroup() as tasks:
            for entry in self._in_turn(entries)[:PER_LOOK]:
                tasks.create_task(hear(entry))
        left = [entry for entry in entries if entry.key not in self.heard]
        if self.failures:
            self._trouble = _tell(self.failures)
        elif not any(entry.url for entry in left):
            self._trouble = None
        return not left

    def _in_turn(self, entries: Sequence[IndexEntry]) -> list[IndexEntry]:
        """What wasn't tried yet, then what failed, longest ago first, then what is over: none keeps the rest back."""
        turns = {key: turn for turn, key in enumerate(self._failed_before)}
        return sorted(entries, key=lambda entry: (self._is_over(entry), turns.get(entry.key, -1)))

    def _is_over(self, entry: IndexEntry) -> bool:
        return entry.expires is not None and entry.expires <= self._now

    @property
    def trouble(self) -> Reason | None:
        """Why messages couldn't be read, now or before the pause that their server asked for; None: nothing failed."""
        return self._trouble

    def state_after(self, entries: Sequence[IndexEntry]) -> dict[str, Any]:
        """What the next look needs to know, as JSON has it; for `entries`, those that `hear` was given."""
        keys = {entry.key for entry in entries}
        waiting = [key for key in self._failed_before if key in keys - self.heard.keys() - self.failures.keys()]
        not_before = self._not_before.isoformat() if self._not_before else None
        failed = [*waiting, *self.failures]
        return {
            "failed": failed,
            "not_before": not_before,
            "at": self._now.isoformat(),
            "trouble": kept_reason(self._trouble),
        }

    async def _hear(self, entry: IndexEntry) -> None:
        if entry.url and (self._not_before or len(self.failures) >= GIVE_UP_AFTER):
            return
        try:
            self.heard[entry.key] = await self._read(entry)
        except FailedForGood as error:
            self.heard[entry.key] = _broken(entry, error.reason)
        except SourceFailed as error:
            self.failures[entry.key] = error
            self._not_before = max(filter(None, (self._not_before, error.retry_at)), default=None)
        except Exception as error:
            log.exception("source.stumbled", entry=_where(entry))
            self.failures[entry.key] = SourceFailed(_at(entry, because("reader_stumbled", error=type(error).__name__)))

    async def _read(self, entry: IndexEntry) -> Heard:
        if entry.problem:
            return _broken(entry, entry.problem)
        if entry.url and self._is_over(entry):
            return Heard(
                entry.key, leave_out=because("over_not_fetched", at=entry.expires or "", address=show(entry.url))
            )
        message = entry.document if entry.message is None else entry.message
        if message is None:
            message = await self._documents.message(entry.url or "")
        return await asyncio.to_thread(self._understand, entry, message)

    def _understand(self, entry: IndexEntry, message: bytes | Mapping[str, Any]) -> Heard:
        try:
            return self._make_out(entry.key, message)
        except Unreadable as error:
            return _broken(entry, _at(entry, error.reason))
        except Exception as error:
            log.exception("message.stumbled", entry=_where(entry))
            return _broken(entry, _at(entry, because("reader_stumbled", error=type(error).__name__)))

    def _make_out(self, key: str, message: bytes | Mapping[str, Any]) -> Heard:
        if isinstance(message, bytes):
            alert, notes = read_message(message, zone=self._zone, language=self._language)
        else:
            alert, notes = read_json(message, zone=self._zone, language=self._language)
        coloured = apply_colours(alert)
        if coloured is not alert:
            notes = (*notes, because("colour_counts"))
        return Heard(key, alert=coloured, leave_out=why_none(coloured), notes=notes)


def _broken(entry: IndexEntry, problem: Reason) -> Heard:
    return Heard(entry.key, problem=problem)


def _at(entry: IndexEntry, problem: Reason) -> Reason:
    """The same, told with where the message is."""
    return because("at_address", address=show(entry.url), why=problem) if entry.url else problem


def _where(entry: IndexEntry) -> str:
    return f"{show(entry.url)}: " if entry.url else ""


def _tell(failures: Mapping[str, SourceFailed]) -> Reason:
    first = next(iter(failures.values()))
    return because("index_without_messages", count=len(failures), why=first.reason)


def _still_to_come(state: Mapping[str, Any], now: datetime) -> datetime | None:
    """The time that a server named at an earlier look, unless it is past, or that look is yet to come.

    A look in the future was one before the clock was set back: the server didn't ask for that hour.
    """
    not_before, at = state.get("not_before"), state.get("at")
    if not isinstance(not_before, str) or (isinstance(at, str) and datetime.fromisoformat(at) > now):
        return None
    time = datetime.fromisoformat(not_before)
    return time if time > now else None
