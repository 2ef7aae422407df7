"""After a restore: what stands on the channels that this database doesn't know is listed once, and told.

It may be what officers published or ended in the time that is missing. Nobody here can update or end it any more, so
those on call are told where it stands; `tocsin status` tells it for a week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

import structlog

from alerts.delivery.lane import Lane
from alerts.health.monitor import Phase, Trouble, What
from alerts.health.notices import OnCallNotice, OnCallNotices
from alerts.health.words import NoticeWords
from alerts.model.errors import DeliveryError
from alerts.model.events import Events, PostsStored
from alerts.model.ports import Clock
from alerts.model.post import PostState, Receipt
from alerts.rendering.i18n import words_in
from alerts.store.database import Database
from alerts.store.restoring import Gap
from alerts.store.unit import Unit

AFTER = timedelta(minutes=10)
"""How long after the gap: by then the feeds were read, and what they tell again was looked for."""
TRIES = 5
PAUSE = 60.0
_SHOWN = 5
TOLD_FOR = timedelta(hours=1)
"""How long a restore is a trouble at the least: by then every feed was read, and what it tells was looked for."""

log = structlog.get_logger()


class UnknownPosts:
    """Looks once, some minutes after the daemon began to work on a database that was put back."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        lanes: Mapping[str, Lane],
        notices: OnCallNotices,
        events: Events,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lanes = lanes
        self._notices = notices
        self._events = events

    async def run(self) -> None:
        """Wait until it is time, look, keep what was found, and tell it; nothing to do where nothing was put back."""
        gap, known = await self._database.read(lambda unit: (unit.restored.gap(), unit.restored.strays()))
        if gap is None or known is not None:
            return
        await self._clock.sleep(max((gap.until + AFTER - self._clock.now()).total_seconds(), 0.0))
        listed = {name: await self._listed(name, lane, gap) for name, lane in self._lanes.items()}
        woken = await self._database.write(lambda unit: self._keep(unit, listed, gap))
        self._events.publish(PostsStored(woken))

    async def _listed(self, name: str, lane: Lane, gap: Gap) -> Sequence[Receipt] | None:
        after = await self._database.read(lambda unit: unit.restored.newest_known(name, gap.looked_from))
        for _ in range(TRIES):
            try:
                found = await lane.listed(gap.looked_from, after)
            except DeliveryError as error:
                log.info("strays.unknown", channel=name, reason=str(error.reason))
                found = None
            if found is not None:
                return found
            await self._clock.sleep(PAUSE)
        return None

    def _keep(self, unit: Unit, listed: Mapping[str, Sequence[Receipt] | None], gap: Gap) -> list[str]:
        unit.restored.keep_listed(listed)
        found = {channel: posts for channel, posts in (unit.restored.strays() or {}).items() if posts}
        log.info("strays.listed", **{channel: len(posts) for channel, posts in found.items()})
        if not found or not self._notices.outlets:
            return []
        notice = OnCallNotice(
            f"strays {gap.until.isoformat()}", Phase.FIRING, lambda language: word_strays(found, language)
        )
        return self._notices.file_notices(unit.alerts, [notice], self._clock.now())


def word_strays(found: Mapping[str, Sequence[Receipt]], language: str) -> NoticeWords:
    """That posts stand on the channels which nobody here knows, and where."""
    _ = words_in(language).gettext
    where = _("; ").join(
        f"{channel}{_(': ')}{', '.join(post.url or post.remote_id for post in posts[:_SHOWN])}"
        + (" …" if len(posts) > _SHOWN else "")
        for channel, posts in found.items()
    )
    return NoticeWords(
        _("Warning: since the restore, {count} posts that are out are unknown to Tocsin.").format(
            count=sum(len(posts) for posts in found.values())
        ),
        _("Look at them: what is no longer so has to be corrected or taken down by hand."),
        where,
    )


def put_back(unit: Unit, now: datetime, zone: tzinfo) -> list[Trouble]:
    """That the database was put back, while anything may still have to be looked for because of it."""
    gap = unit.restored.gap()
    if gap is None:
        return []
    in_doubt = sum(posts for (_, state), posts in unit.restored.looked_for(gap).items() if state is PostState.IN_DOUBT)
    if not in_doubt and not timedelta() <= now - gap.until < TOLD_FOR:
        return []
    name = f"{gap.until.astimezone(zone):%Y-%m-%d %H:%M}"
    return [Trouble(What.RESTORED, name, None, gap.since or gap.looked_from, in_doubt)]
