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
from alerts.desk.service import DeskService, DeskUnit
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
"""Seconds after which the key's file is read anew."""
HOLDS = timedelta(hours=1)
"""How long a push service keeps for an officer what waits: by then they are reminded."""
LONGEST = 500
"""Characters of the text after the first line."""


def push_settings(town: Town) -> PushSettings | None:
    """Return the settings of `[push]`. Returns None without it."""
    channel = town.channels.get(PUSH)
    settings = channel.settings if channel is not None else None
    return settings if isinstance(settings, PushSettings) else None


def push_enrolment(town: Town) -> PushEnrolment | None:
    """The door to subscriptions; None where the town has no push."""
    settings, known = push_settings(town), list[tuple[float, str]]()
    if settings is None:
        return None

    def key() -> str:
        # Read anew now and then: a key that took another's place is taken without a restart.
        if not known or time.monotonic() - known[0][0] > READ_EVERY:
            public = TownKey.read(settings.key.read(town.folder).reveal()).public
            known[:] = [(time.monotonic(), public)]
        return known[0][1]

    return PushEnrolment(key, lambda url: service_of(url, settings.services) is not None, is_readable)


@dataclass(frozen=True, slots=True)
class PushOfficers:
    """Shows on officers' devices what waits. `channel` is push's."""

    town: Town
    service: DeskService
    clock: Clock
    tells: Tells
    channel: str = PUSH

    def jobs(self) -> NoticeJobs:
        """Return what to send, under the lease of push."""
        return NoticeJobs(self.channel, self.town, f"bulk {PUSH}", self.service, self.say)

    async def say(self, chat: int, alert: str, say: Say) -> None:
        """One message. Raises ReaderGone where the browser is no more, Retry where it can't be carried now."""
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
        """As a bulk has it: the first line is the title, and each alert's words take the place of its earlier ones."""
        title, _, rest = visible(say.text).strip().partition("\n")
        text = f"{title}\n{rest.strip()[:LONGEST]}"
        desk, now = self.town.desk_url or "/desk", self.clock.now()
        # What is no alert, as a change of somebody's account, leads to the desk itself.
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
