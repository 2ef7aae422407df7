"""The parts of push outside its channel: the pages' requests, and notices to officers about waiting alerts.

An officer's browser is linked to their account at the desk, like a chat; it shows the messages that a bot would send
there, and links to the desk. It is in the table of subscribers without being one (`on` is false).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from alerts.bot.chat import Say
from alerts.channels.push.encryption import TownKey, is_readable
from alerts.channels.push.services import service_of
from alerts.channels.settings import PushSettings
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.health.approvals import NoticeJobs
from alerts.model.alert import Severity
from alerts.model.bounds import visible
from alerts.model.delivery import Bulk, BulkState, SendOutcome, Target
from alerts.model.errors import ReaderGone, Rejected, Retry
from alerts.model.ports import Clock, Tells
from alerts.model.post import PostKind
from alerts.model.reason import because
from alerts.model.subscriber import Notice, Subscriber, Topic
from alerts.model.town import PUSH, Town
from alerts.web.public.push import PushEnrolment

READ_EVERY = 60.0
"""Seconds between two reads of the key's file."""
HOLDS = timedelta(hours=1)
"""How long a push service keeps a notice for an officer: a reminder follows by then."""
LONGEST = 500
"""Characters of the text after the first line."""


def push_settings(town: Town) -> PushSettings | None:
    """Return the settings of `[push]`. Returns None without it."""
    channel = town.channels.get(PUSH)
    settings = channel.settings if channel is not None else None
    return settings if isinstance(settings, PushSettings) else None


def push_enrolment(town: Town) -> PushEnrolment | None:
    """Return the enrolment of browsers. Returns None if the town has no push."""
    settings, known = push_settings(town), list[tuple[float, str]]()
    if settings is None:
        return None

    def key() -> str:
        # Read again now and then, so that a replaced key is used without a restart.
        if not known or time.monotonic() - known[0][0] > READ_EVERY:
            public = TownKey.read(settings.key.read(town.folder).reveal()).public
            known[:] = [(time.monotonic(), public)]
        return known[0][1]

    return PushEnrolment(key, lambda url: service_of(url, settings.services) is not None, is_readable)


@dataclass(frozen=True, slots=True)
class PushOfficers:
    """Notices of waiting alerts on officers' devices. `channel` is push's."""

    town: Town
    service: DeskService
    clock: Clock
    tells: Tells
    channel: str = PUSH

    def jobs(self) -> NoticeJobs:
        """Return the jobs that send them, under the lease of push."""
        return NoticeJobs(self.channel, self.town, f"bulk {PUSH}", self.service, self.say)

    async def say(self, chat: int, alert: str, say: Say) -> None:
        """Send one message. Raises ReaderGone if the browser has unsubscribed, Retry if the service refuses it now."""
        subscriber = await self.service.ask(partial(_device, chat=chat))
        if subscriber is None or subscriber.endpoint is None:
            raise ReaderGone(because("push_token_unknown"))
        target = Target(chat, subscriber.language, (self._bulk_of(alert, say),), endpoint=subscriber.endpoint)
        result = await self.tells.tell(target)
        match result.outcome:
            case SendOutcome.LEFT:
                raise ReaderGone(because("push_token_unknown"))
            case SendOutcome.FAILED | SendOutcome.NOBODY:
                raise Rejected(because("push_service_unknown"))
            case SendOutcome.LATER | SendOutcome.DOUBT:
                raise Retry(because("asked_to_wait", platform="the push service", seconds=60), result.until)
            case SendOutcome.SENT:
                pass

    def _bulk_of(self, alert: str, say: Say) -> Bulk:
        """Return the notice as a bulk message: its first line is the title. It replaces the alert's earlier notice."""
        title, _, rest = visible(say.text).strip().partition("\n")
        text = f"{title}\n{rest.strip()[:LONGEST]}"
        desk, now = self.town.desk_url or "/desk", self.clock.now()
        # A notice about something else, such as an account that changed, links to the desk itself.
        link = f"{desk}/waiting/{alert}" if alert.isalnum() else desk
        return Bulk(
            id=alert,
            channel=PUSH,
            incident=f"desk {alert}",
            alert_id=alert,
            kind=PostKind.PUBLISH,
            state=BulkState.SENDING,
            notice=Notice(Topic.SAFETY, Severity.SEVERE),
            texts={"": text},
            links=dict.fromkeys(("fr", "en"), link),
            stored_at=now,
            expires=now + HOLDS,
        )


def _device(unit: DeskUnit, chat: int) -> Subscriber | None:
    return unit.subscribers.get(PUSH, chat)
