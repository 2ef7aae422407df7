"""RSS and Atom feeds: the entries of a town's site, a prefecture or the press, in their own words.

They are read in two ways. `FeedEar` listens: of `[listening.feeds.NAME]` those entries count that name the town.
`RssSource` is `[sources.NAME]` with `kind = "rss"`: each new entry becomes an alert that waits for an officer, for a
feed gives neither gravity nor end. A changed entry is an update of it. One that leaves the feed isn't over: feeds hold
the last ten or twenty.

The known entries are in the source's memory, by a digest of each one's name and one of its words. Some sites give
several entries one name, the address of a page of notices: those are distinguished by their words. The entries of the
first reading count as known: a town that names a feed today doesn't post its past.

The address is requested like any source's (`shared.py`), with conditional requests, bounded, and once for all who name
it. `feed.py` reads the answer, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from alerts.model.alert import ENDS_BY, QUIET, Alert, Area, Category, Circle, Info, MsgType, NamedValue, Reference
from alerts.model.hazard import fold
from alerts.model.listening import EarReading, HeardPost, Remark
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.town import ListeningFeed, Town
from alerts.sources.document import FetchedDocument
from alerts.sources.feed import Feed, FeedEntry, read_feed
from alerts.sources.place import place_of
from alerts.sources.run import unheard
from alerts.sources.settings import FeedSettings, RssSettings
from alerts.sources.shared import SharedReader

HEARD_FOR = timedelta(days=7)
"""The age beyond which an entry is ignored: a feed that is named today would otherwise add its whole past."""
MOST_KNOWN = 1000
"""Entries that a source remembers, those it met last: some sites take an entry away and put it back days later."""
SPOT = 0.2
"""The radius in kilometres of the circle around an entry's point."""
# A category is a word or two.
_LONGEST_EVENT = 60


class FeedEar:
    """One `[listening.feeds.NAME]` (a `Hears`)."""

    def __init__(self, feed: ListeningFeed, around: Surroundings) -> None:
        settings = feed.settings
        assert isinstance(settings, FeedSettings)  # noqa: S101 the configuration was checked
        self._share = SharedReader.around(around).share(settings, around)
        self._words = [fold(each) for each in feed.words]
        self._without = [fold(each) for each in feed.without]

    async def open(self) -> None:
        """Nothing to do: the session is the process's."""

    async def close(self) -> None:
        """Ask for the address no more."""
        self._share.on_news(None)

    async def hear(self, _: Sequence[HeardPost], memory: Mapping[str, Any], now: datetime) -> EarReading:
        """Poll the feed once; an unchanged one has no remarks. Raises SourceFailed."""
        document = await self._share.look(memory.get("digest"))
        if document is None:
            return EarReading((), memory)
        remarks = [_remark(entry, now) for entry in (await _feed_in(document)).entries]
        heard = [each for each in remarks if each.at >= now - HEARD_FOR and self._concerns(each.text or "")]
        return EarReading(heard, {"digest": document.digest})

    def _concerns(self, text: str) -> bool:
        folded = fold(text)
        is_named = not self._words or any(word in folded for word in self._words)
        return is_named and not any(word in folded for word in self._without)


def _remark(entry: FeedEntry, now: datetime) -> Remark:
    published, updated = entry.published, entry.updated
    return Remark(
        remote_id=entry.key,
        text="\n".join(each for each in (entry.title, entry.summary) if each),
        at=min(published or updated or now, now),
        url=entry.url,
        edited_at=updated if published and updated and published < updated <= now else None,
    )


class RssSource:
    """One `[sources.NAME]` with `kind = "rss"` (a `Source`). `only` passes over the entries of other categories."""

    def __init__(self, name: str, settings: RssSettings, around: Surroundings) -> None:
        self._name = name
        self._place = place_of(settings, around)
        self._town = around.town
        # By whose address it is told from its words, for a prefecture's feed isn't the town's own word.
        self._sender = urlsplit(settings.url).hostname or around.town.sender
        self._severity = settings.severity
        self._only = frozenset(fold(each) for each in settings.only)

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when the feed says something new."""
        self._place.on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Poll the feed once. Raises SourceFailed if it can't be read, or is none."""
        document = await self._place.look(memory.digest)
        if document is None:
            return SourceReading((), memory, unchanged=True)
        feed = await _feed_in(document)
        is_first = "entries" not in memory.state
        met = {name: Met(**each) for name, each in memory.state.get("entries", {}).items()}
        # Of those that say the same, the one that was met first.
        said = {each.digest: each for each in reversed(met.values())}
        found = (self._tell(entry, feed, met, said, now) for entry in feed.entries if not is_first)
        heard = [each for each in found if each is not None]
        for entry in feed.entries:
            self._meet(entry, met)
        # Those that were met last come first: of too many the oldest are forgotten.
        kept = islice(reversed(met.items()), MOST_KNOWN)
        state = {"entries": {name: each.as_json() for name, each in reversed(list(kept))}}
        return SourceReading(await unheard(heard, known), Memory(digest=document.digest, state=state))

    def _concerns(self, entry: FeedEntry) -> bool:
        return not self._only or any(fold(each) in self._only for each in entry.categories)

    def _tell(
        self, entry: FeedEntry, feed: Feed, met: dict[str, Met], said: dict[str, Met], now: datetime
    ) -> Heard | None:
        """Return the news of an entry, and remember it. Returns None without any, or if it doesn't concern the town.

        `said` has the known entries, by the digest of their words.
        """
        before, digest = met.get(entry.name), entry.digest
        # A site that was moved gives all its entries new names, and one that shared its name has it alone once the
        # others are gone: the same words are the same entry.
        if before is None or before.digest != digest:
            same = said.get(digest)
            if same is not None:
                met[entry.name] = before = same
        if not self._concerns(entry) or (before is not None and before.digest == digest):
            return None
        count = before.told if before is not None else 0
        # A site that puts an old entry back tells nothing new by it.
        if not count and (entry.published or entry.updated or now) < now - HEARD_FOR:
            return None
        previous = before.reference(self._name, self._sender) if before is not None and count else None
        new = Met(digest, count + 1, now.replace(microsecond=0).isoformat(), entry.name)
        met[entry.name] = new
        said.setdefault(digest, new)
        identifier = new.identifier(self._name)
        return Heard(identifier, alert=self._alert(entry, feed, identifier, previous, now))

    def _meet(self, entry: FeedEntry, met: dict[str, Met]) -> None:
        """Remember the entry of the feed; one that doesn't concern the town becomes news once it does."""
        before = met.pop(entry.name, None)
        digest = entry.digest if self._concerns(entry) else ""
        # What was told keeps what it was told as: its next update has to refer to that.
        met[entry.name] = before if before and before.told else Met(digest)

    def _alert(self, entry: FeedEntry, feed: Feed, identifier: str, previous: Reference | None, now: datetime) -> Alert:
        town, is_french = self._town, self._town.language.lower().startswith("fr")
        # Nobody says when it is over: it runs out after a day, and nothing is posted then.
        info = Info(
            event=entry.categories[0][:_LONGEST_EVENT] if entry.categories else "Information",
            language=town.language,
            categories=(Category.OTHER,),
            severity=self._severity,
            sender_name=feed.title or None,
            headline=entry.title or ("Information" if is_french else "News"),
            description=entry.story or None,
            web=entry.url,
            parameters=(NamedValue(ENDS_BY, QUIET),),
            areas=(_area(entry, town),),
        )
        return Alert(
            identifier=identifier,
            sender=self._sender,
            sent=now.replace(microsecond=0),
            msg_type=MsgType.UPDATE if previous else MsgType.ALERT,
            references=(previous,) if previous else (),
            infos=(info,),
        )


def _area(entry: FeedEntry, town: Town) -> Area:
    """Return the area: around the entry's point, else anywhere in the town, whose feed it is taken for."""
    if entry.point:
        return Area(town.name, circles=(Circle(entry.point, SPOT),))
    return Area(town.name, geocodes=town.codes)


@dataclass(frozen=True, slots=True)
class Met:
    """A known entry: the digest of its last words, how often it was published, when, and under which name."""

    digest: str
    told: int = 0
    at: str = ""
    name: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        said: dict[str, Any] = {"digest": self.digest}
        return said | {"told": self.told, "at": self.at, "name": self.name} if self.told else said

    def identifier(self, source: str) -> str:
        """Return the CAP identifier of the last message.

        Each version has its own, even one that repeats an earlier text.
        """
        return f"{source}-{self.name}-{self.told}-{self.digest}"

    def reference(self, source: str, sender: str) -> Reference:
        """Return the reference for an update of it."""
        return Reference(sender, self.identifier(source), datetime.fromisoformat(self.at))


async def _feed_in(document: FetchedDocument) -> Feed:
    """Return the feed, read once for all its pollers. Raises SourceFailed if it is none."""
    return await document.parsed(read_feed, document.content_type, size=Feed.size)
