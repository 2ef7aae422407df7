"""A feed of CAP messages: its index polled with conditional requests, each message read once.

An index lists messages, each under a key that is constant as long as the message is; a message with a known key isn't
fetched again. The new entries are read a few at a time (`EntryReader`): one that is broken for good is reported to the
officer with the reason, one that failed this time is left for the next poll. Until all of an index was read its digest
is forgotten, so that the next poll gets the index again, and with it the remaining messages.

The content of an index and of a message is the same for every town: it is read once and shared (`FetchedDocument`). The
known keys, earlier failures and new entries are each town's own.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

import structlog

from alerts.delivery.worker import Guarded
from alerts.model.errors import FailedForGood, SourceFailed, Unreadable
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because, kept_reason, read_reason
from alerts.sources.cap import nina
from alerts.sources.cap.index import IndexEntry, is_archive, read_index
from alerts.sources.cap.message import apply_colours, read_json, read_message, why_none
from alerts.sources.cap.snapshot import ArchiveSnapshot
from alerts.sources.departments import departments_in, named_event
from alerts.sources.document import FetchedDocument
from alerts.sources.fetch import show
from alerts.sources.place import Place, place_of
from alerts.sources.settings import CapSettings

log = structlog.get_logger(__name__)

_ENTRY_BYTES, _CORNER_BYTES = 1000, 130
"""The approximate memory of an entry, and of an outline's corner."""

AT_ONCE = 4
"""Messages of one feed that are asked for at the same time (feeds.md, "Index of CAP")."""

PER_LOOK = 250
"""Messages read in one poll; the next polls catch up with a longer index."""

GIVE_UP_AFTER = 8
"""Failures in one poll after which the rest is left for the next.

A dead server must not delay the messages already read.
"""


LONG = 0.5
"""CPU seconds from which on reading an index takes long: one of ten thousand entries takes less."""


class CapSource:
    """One `[sources.NAME]` with `kind = "cap"` (a `Source`).

    Its `url` is an http(s) address, or a file's path, absolute or relative to the folder of channels.toml.
    """

    def __init__(self, _: str, settings: CapSettings, around: Surroundings) -> None:
        # CAP 1.2 section 3.2.2: where no language is told it is en-US
        self._assumed = Assumed(around.town.zone, settings.language or "en-US")
        self._place = place_of(settings, around)
        self._departments = departments_in(around.town.codes)
        self._keys, self._outlined = nina.keys_in(around.town.codes), bool(around.town.districts)
        # The last index of which nothing was left to hear, by its bytes and by its keys.
        self._whole = ("", "")
        self._takes_long = False

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when the index says something new."""
        self._place.on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Read the index, and each message of it that is unknown and not over.

        A message that can't be read for good is an entry with its problem; one that can't be read this time is left for
        the next poll, for which the memory then forgets the index's digest. Raises SourceFailed if the index can't be
        read or is none.
        """
        document = await self._place.look(memory.digest)
        snapshot = ArchiveSnapshot(memory.state)
        if document is None:
            if over := snapshot.ends(now):
                return SourceReading(over, replace(memory, state=snapshot.state()))
            return SourceReading((), memory, unchanged=True)
        index = await self._index(document)
        if (memory.digest, index.digest) == self._whole:
            # The same in other bytes: many an index is made anew each minute, with the time in it.
            return self._heard_whole(document, index, [], snapshot, now)
        stored = await known(index.keys)
        fresh = [entry for entry in index.entries if entry.key not in stored]
        state, keyed = memory.state, bool(self._keys)
        reader = EntryReader(self._place, document, self._assumed, state=state, now=now, keyed=keyed)
        complete = await reader.hear(fresh)
        heard = [self._named(reader.heard[entry.key]) for entry in fresh if entry.key in reader.heard]
        if index.is_snapshot:
            snapshot.add(heard)
        if complete:
            return self._heard_whole(document, index, heard, snapshot, now)
        left = reader.state_after(fresh) | snapshot.state()
        return SourceReading(heard, Memory(state=left), trouble=reader.trouble)

    def _named(self, heard: Heard) -> Heard:
        """Return the entry as it concerns this town: with its key where one of NINA's covers it, and its event's name.

        The name identifies it when another source reports it too.
        """
        if heard.alert is None:
            return heard
        named = nina.with_keys(heard.alert, self._keys, outlined=self._outlined)
        if self._departments:
            named = named_event(named, self._departments)
        return heard if named is heard.alert else replace(heard, alert=named)

    def _heard_whole(
        self, document: FetchedDocument, index: Index, heard: Sequence[Heard], snapshot: ArchiveSnapshot, now: datetime
    ) -> SourceReading:
        # It counts at the next look, if that is given this memory: only then was what is heard here stored.
        self._whole = (document.digest, index.digest)
        over: Sequence[Heard] = ()
        if index.is_snapshot:
            snapshot.missing(frozenset(index.keys), now)
            over = snapshot.ends(now)
        return SourceReading([*heard, *over], Memory(digest=document.digest, state=snapshot.state()))

    async def _index(self, document: FetchedDocument) -> Index:
        key = ("index", self._assumed.zone)

        def read() -> Index:
            began = time.thread_time()
            entries = read_index(document.body, document.content_type, document.url, zone=self._assumed.zone)
            takes_long = time.thread_time() - began > LONG
            return Index.of(entries, takes_long=takes_long, is_snapshot=is_archive(document.body))

        try:
            index = await document.once(key, read, Index.size, slow=self._takes_long)
        except Unreadable as error:
            raise SourceFailed(because("at_address", address=show(document.url), why=error.reason)) from None
        self._takes_long = index.takes_long
        return index


@dataclass(frozen=True, slots=True)
class Assumed:
    """The defaults of a message: its zone and language if it has none."""

    zone: tzinfo
    language: str


@dataclass(frozen=True, slots=True)
class Index:
    """The content of an index; `digest` is constant while its entries are, whatever else changes in its bytes.

    `takes_long`: the next version should be read where it delays no other feed's. `is_snapshot`: an archive, which has
    all that is on.
    """

    entries: tuple[IndexEntry, ...]
    keys: tuple[str, ...]
    digest: str
    takes_long: bool = False
    is_snapshot: bool = False

    @classmethod
    def of(cls, entries: Sequence[IndexEntry], *, takes_long: bool, is_snapshot: bool = False) -> Index:
        """The index of these entries."""
        keys = tuple(entry.key for entry in entries)
        digest = hashlib.sha256(repr(keys).encode()).hexdigest()
        return cls(tuple(entries), keys, digest, takes_long, is_snapshot)

    def size(self) -> int:
        """About how many bytes it takes."""
        return sum(_ENTRY_BYTES + len(entry.message or b"") for entry in self.entries)


class EntryReader:
    """Reads the new entries of an index in one poll, with the `state` left by earlier ones (of `state_after`).

    `heard` has the entries that were read, or are broken for good, by key; `failures` those to try again, with reasons.
    `trouble` is the reason for unread messages, now or before the pause that their server asked for; None: nothing
    failed. `keyed`: the town has a regional key by which NINA's messages are found without their outlines.
    """

    def __init__(
        self,
        place: Place,
        index: FetchedDocument,
        assumed: Assumed,
        *,
        state: Mapping[str, Any],
        now: datetime,
        keyed: bool = False,
    ) -> None:
        self._keyed = keyed
        self._place = place
        self._index = index
        self._assumed = assumed
        self._now = now
        self._failed_before: list[str] = list(state.get("failed", ()))
        self._not_before = _still_to_come(state, now)
        self.trouble: Reason | None = read_reason(state.get("trouble")) if self._not_before else None
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
            first = next(iter(self.failures.values()))
            self.trouble = because("index_without_messages", count=len(self.failures), why=first.reason)
        elif not any(entry.url for entry in left):
            self.trouble = None
        return not left

    def _in_turn(self, entries: Sequence[IndexEntry]) -> list[IndexEntry]:
        """Sort the entries: untried, then failed (longest ago first), then expired, so that none blocks the rest."""
        turns = {key: turn for turn, key in enumerate(self._failed_before)}
        return sorted(entries, key=lambda entry: (self._is_over(entry), turns.get(entry.key, -1)))

    def _is_over(self, entry: IndexEntry) -> bool:
        return entry.expires is not None and entry.expires <= self._now

    def state_after(self, entries: Sequence[IndexEntry]) -> dict[str, Any]:
        """Return the state for the next poll, JSON-able; for `entries`, those that `hear` was given."""
        keys = {entry.key for entry in entries}
        waiting = [key for key in self._failed_before if key in keys - self.heard.keys() - self.failures.keys()]
        return {
            "failed": [*waiting, *self.failures],
            "not_before": self._not_before.isoformat() if self._not_before else None,
            "at": self._now.isoformat(),
            "trouble": kept_reason(self.trouble),
        }

    async def _hear(self, entry: IndexEntry) -> None:
        # What the index holds itself costs no request: it is read however many of the others fail.
        if entry.url and (self._not_before or len(self.failures) >= GIVE_UP_AFTER):
            return
        try:
            with Guarded("reader.failed", but=(SourceFailed,), entry=_where(entry)) as part:
                self.heard[entry.key] = await self._read(entry)
        except FailedForGood as error:
            self.heard[entry.key] = Heard(entry.key, problem=error.reason)
        except SourceFailed as error:
            self.failures[entry.key] = error
            self._not_before = max(filter(None, (self._not_before, error.retry_at)), default=None)
        if part.error is not None:
            # Fetching may go otherwise another time, so this is tried again; what `_understand` can't read is not.
            reason = because("reader_stumbled", error=type(part.error).__name__)
            self.failures[entry.key] = SourceFailed(_at(entry, reason))

    async def _read(self, entry: IndexEntry) -> Heard:
        if entry.problem:
            return Heard(entry.key, problem=entry.problem)
        if entry.url and self._is_over(entry):
            over = because("over_not_fetched", at=entry.expires or "", address=show(entry.url))
            return Heard(entry.key, leave_out=over)
        # Shared with all who read this index: each message is fetched, and read, for the first of them.
        holder = self._index
        if entry.message is None and entry.document is None:
            holder = await self._place.linked(entry.url or "", entry.key)
        assumed, outlines = self._assumed, await self._outlines(entry)

        def understand() -> Heard:
            return _understand(entry, holder.body, assumed, outlines)

        return await holder.once((entry.key, assumed, outlines is None), understand, _size)

    async def _outlines(self, entry: IndexEntry) -> nina.Outlines | None:
        """The outlines of the message's areas. None: it has none, or they can't be had and its keys have to do.

        Raises SourceFailed where they may be had the next time, and the town has no key to be found by.
        """
        if entry.outlines is None:
            return None
        try:
            document = await self._place.linked(entry.outlines, entry.key)
            return await document.parsed(nina.read_outlines, size=nina.Outlines.size)
        except FailedForGood:
            return None
        except SourceFailed:
            if self._keyed:
                return None
            raise


def _understand(entry: IndexEntry, fetched: bytes, assumed: Assumed, outlines: nina.Outlines | None) -> Heard:
    try:
        if entry.outlines is not None:
            message = entry.document if entry.document is not None else nina.message_in(fetched)
            placed = nina.placed(message, outlines)
            alert, notes = read_json(placed, zone=assumed.zone, language=assumed.language)
            notes = notes if outlines else (*notes, because("nina_without_outlines"))
        elif entry.document is not None:
            alert, notes = read_json(entry.document, zone=assumed.zone, language=assumed.language)
        else:
            body = fetched if entry.message is None else entry.message
            alert, notes = read_message(body, zone=assumed.zone, language=assumed.language)
        coloured = apply_colours(alert)
        leave_out = why_none(coloured)
    except Unreadable as error:
        return Heard(entry.key, problem=_at(entry, error.reason))
    except Exception as error:
        # A message that nobody foresaw costs itself alone, not its whole feed.
        log.exception("message.failed", entry=_where(entry))
        return Heard(entry.key, problem=_at(entry, because("reader_stumbled", error=type(error).__name__)))
    if coloured is not alert:
        notes = (*notes, because("colour_counts"))
    return Heard(entry.key, alert=coloured, leave_out=leave_out, notes=notes)


def _size(heard: Heard) -> int:
    """Return the approximate bytes it takes besides its document: most are the corners of its areas."""
    areas = heard.alert.areas if heard.alert else ()
    return _ENTRY_BYTES + _CORNER_BYTES * sum(len(ring) for area in areas for ring in area.polygons)


def _at(entry: IndexEntry, problem: Reason) -> Reason:
    """Return the problem together with the message's address."""
    return because("at_address", address=show(entry.url), why=problem) if entry.url else problem


def _where(entry: IndexEntry) -> str:
    return f"{show(entry.url)}: " if entry.url else ""


def _still_to_come(state: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return the time that a server named at an earlier poll.

    Returns None if it is past, or if that poll is in the future.

    A poll in the future was one before the clock was set back: the server didn't ask for that hour.
    """
    not_before, at = state.get("not_before"), state.get("at")
    if not isinstance(not_before, str) or (isinstance(at, str) and datetime.fromisoformat(at) > now):
        return None
    time = datetime.fromisoformat(not_before)
    return time if time > now else None
