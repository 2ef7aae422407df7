"""A department's Vigilance as a source: the map is requested, and the bulletin's words once the map changed.

An edition counts unless it is older than the last one (`editions`). A map whose time is over makes the source fail,
whatever its content: an old interface once served the same day for weeks. Missing words delay no warning: without them,
the colours and their hours are published alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerts.model.alert import Alert
from alerts.model.errors import SourceFailed
from alerts.model.ports import Heard, Known, Memory, SourceReading, Surroundings
from alerts.model.reason import Reason, because
from alerts.sources.address import Where
from alerts.sources.editions import must_be_newer, older_edition, stated, threshold
from alerts.sources.run import unheard
from alerts.sources.settings import VigilanceSettings, revealed
from alerts.sources.shared import SharedReader, SourceShare
from alerts.sources.vigilance.bulletin import Bulletin, ColourMap, read_bulletin, read_map
from alerts.sources.vigilance.warning import (
    Addressee,
    ColourChange,
    PublishedPhenomenon,
    alert_of,
    changes,
    published_after,
)

_MAP, _TEXTS = "cartevigilance/encours", "textesvigilance/encours"
# An older bulletin belongs to another edition.
_OF_ITS_TIME = timedelta(hours=12)
_OLDER = "vigilance_older"


class VigilanceSource:
    """One `[sources.NAME]` with `kind = "vigilance"` (a `Source`)."""

    def __init__(self, _: str, settings: VigilanceSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._department = settings.department
        self._reader = SharedReader.around(around)
        self._shares: tuple[SourceShare, SourceShare] | None = None
        self._key = ""
        self._wake: Callable[[], None] | None = None

    def on_news(self, wake: Callable[[], None] | None) -> None:
        """Have `wake` called when the map says something new."""
        self._wake = wake
        for share in self._shares or ():
            share.on_news(None)
        if self._shares is not None and wake is not None:
            self._shares[0].on_news(wake)

    async def read(self, memory: Memory, known: Known, now: datetime) -> SourceReading:
        """Poll the map once. Raises SourceFailed if it can't be read, is over, or lacks the department."""
        shares = self._shares_now()
        # Set to another department, it begins anew: what was told of the other one is none of this one's.
        state = memory.state if memory.state.get("department") == self._department else {}
        document = await shares[0].look(memory.digest if state else None)
        if document is None:
            _must_hold(datetime.fromisoformat(state["until"]), now)
            must_be_newer(state, now, _OLDER)
            return SourceReading((), memory, unchanged=True)
        edition = await document.parsed(read_map, self._department, size=ColourMap.size)
        _must_hold(edition.until, now)
        updated = stated(edition.updated, now)
        older = older_edition(updated, Memory(digest=document.digest, state=state), now, _OLDER)
        if older is not None:
            return older
        edition = replace(edition, updated=updated or now.replace(microsecond=0))
        published = {name: PublishedPhenomenon.of(each) for name, each in state.get("told", {}).items()}
        changed = changes(edition, published, self._settings.except_, now)
        made, notes = await self._made(changed, edition, shares[1], now)
        heard = [Heard(alert.identifier, alert=alert, notes=notes) for _, alert in made]
        after = threshold(updated, state) | self._state(edition, published_after(published, made, now))
        return SourceReading(await unheard(heard, known), Memory(None, None, document.digest, after))

    def _shares_now(self) -> tuple[SourceShare, SourceShare]:
        """The shares of both addresses; the key is read each time, so that one that was put there is taken."""
        key = revealed(self._settings.key, self._around.town.folder)
        if self._shares is None or key != self._key:
            # The addresses with the old key are nobody's any more, and wake nobody.
            for share in self._shares or ():
                share.on_news(None)
            self._key, self._shares = key, (self._share(_MAP, key), self._share(_TEXTS, key))
            self.on_news(self._wake)
        return self._shares

    def _share(self, path: str, key: str) -> SourceShare:
        settings = self._settings
        where = Where(
            f"{settings.api_url}/{path}",
            settings.timeout.total_seconds(),
            settings.allow_private,
            headers=(("apikey", key),),
        )
        return self._reader.share_of(where, settings.every, self._around)

    async def _made(
        self, changed: Sequence[ColourChange], edition: ColourMap, share: SourceShare, now: datetime
    ) -> tuple[list[tuple[ColourChange, Alert]], tuple[Reason, ...]]:
        """The changes as alerts, with the forecasters' words where there are any, and why there are none."""
        bulletin: Bulletin | None = None
        notes: tuple[Reason, ...] = ()
        # Only for what is told: on a stormy day the words change far more often than the colours.
        if any(each.windows for each in changed):
            try:
                bulletin = await self._bulletin(share, edition)
            except SourceFailed as error:
                notes = (because("vigilance_wordless", why=error.reason),)
        to = Addressee(self._department, self._around.town, now)
        return [(each, alert_of(each, edition, bulletin, to)) for each in changed], notes

    async def _bulletin(self, share: SourceShare, edition: ColourMap) -> Bulletin | None:
        """Return the bulletin of this edition. Returns None for texts of another day."""
        document = await share.look(None)
        if document is None:
            return None
        bulletin = await document.parsed(read_bulletin, self._department, size=Bulletin.size)
        return bulletin if edition.updated - bulletin.updated < _OF_ITS_TIME else None

    def _state(self, edition: ColourMap, published: dict[str, PublishedPhenomenon]) -> dict[str, Any]:
        return {
            "department": self._department,
            "until": edition.until.isoformat(),
            "told": {name: run.as_json() for name, run in published.items()},
        }


def _must_hold(until: datetime, now: datetime) -> None:
    if until <= now:
        raise SourceFailed(because("vigilance_over", at=until))
