"""Progress of a report, sent step by step to the chat that it came from.

Each step of a report with a chat waits in the store until it was sent (`Reports.untold`). They are sent one after the
other, at the pace of bulk messages (`Precedence.ROUTINE`), by the owner of the bot's lease, and recorded right after. A
daemon that is killed in between repeats one step, and never omits one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from alerts.bot.chat import On, Say, language_for
from alerts.bot.officers import forget, headline
from alerts.bot.reception import Bot, say_surely
from alerts.bot.report_words import news
from alerts.bot.reporting import on_now
from alerts.bot.updates import Join
from alerts.delivery.worker import Work
from alerts.desk.service import DeskUnit, under
from alerts.model.errors import BadCredential, DeliveryError, InDoubt, ReaderGone, Rejected
from alerts.model.lease import Lease
from alerts.model.rate_limit import SlidingWindow
from alerts.model.reports import CitizenReport, ReportStep
from alerts.model.town import Town
from alerts.reports.drafting import is_on, is_told
from alerts.reports.taking import section_of

LOOKED_AT_EVERY = 10.0
"""Seconds between two checks without a notification."""
RESTS = 60.0
"""Seconds until a failed message is tried again."""
AT_ONCE = 50
"""Steps that are read at once."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Untold:
    """A step that a chat must still get, with its language.

    `on` is the alert that it is about, in the town's language.
    """

    step: ReportStep
    chat: int = field(repr=False)
    report: CitizenReport | None
    language: str
    on: On | None = None


class ReportNews:
    """Notifies the reporters in the private chats of one bot."""

    def __init__(self, bot: Bot, town: Town, join: Join) -> None:
        self._bot = bot
        self._town = town
        self._woken = asyncio.Event()
        self._hold = join(self._woken.set)
        self._rests: SlidingWindow[int] = SlidingWindow(RESTS)
        self._doubted: set[int] = set()

    def wake(self) -> None:
        """Check for pending steps."""
        self._woken.set()

    @property
    def work(self) -> Work:
        """Tells what is untold."""
        return Work(f"reports told {self._bot.channel}", self.go_round, LOOKED_AT_EVERY, self._hold, self._woken)

    async def go_round(self, lease: Lease | None = None) -> None:
        """Send all pending steps. A chat that fails rests, and delays no other."""
        behind = 0
        while untold := await self._bot.service.ask(partial(self._untold, behind)):
            for each in untold:
                # From here on in this round: a chat that rests isn't looked at in a circle.
                behind = each.step.seq
                if self._hold.is_asked or self._hold.lease is None:
                    return
                rests = self._rests.wait(each.chat, 1, self._bot.clock.monotonic())
                if not rests and not await self._tell(each, lease):
                    return

    async def _tell(self, untold: _Untold, lease: Lease | None) -> bool:
        """Send one step; returns False if nothing can be sent now. Raises LeaseLost before anything is sent."""
        try:
            if (say := await self._worded(untold)) is not None:
                # In memory a lease may outlast the database's: where the clocks differ, or the machine stood still.
                await self._bot.service.keep(under(lease, _nothing))
                await say_surely(self._bot, untold.chat, say)
        except ReaderGone:
            await self._bot.service.act(lambda unit: forget(unit, self._bot.channel, untold.chat))
            log.info("bot.reader_left", channel=self._bot.channel)
            return True
        except DeliveryError as error:
            log.warning("reports.not_told", channel=self._bot.channel, reason=str(error.reason))
            if not self._is_over(untold, error):
                return not isinstance(error, BadCredential)
        self._doubted.discard(untold.step.seq)
        # Under no lease: it was said, whoever has the lease by now, and nobody is to say it again.
        await self._bot.service.keep(partial(_keep, untold.step))
        return True

    def _is_over(self, untold: _Untold, error: DeliveryError) -> bool:
        """True if it is tried no more: refused for good, or in doubt twice. Else it rests."""
        seq = untold.step.seq
        if isinstance(error, Rejected) or (isinstance(error, InDoubt) and seq in self._doubted):
            return True
        if isinstance(error, InDoubt):
            self._doubted.add(seq)
        self._rests.take(untold.chat, self._bot.clock.monotonic())
        return False

    async def _worded(self, untold: _Untold) -> Say | None:
        report, language = untold.report, untold.language
        if report is None:
            return None
        kind = section_of(self._town).kind(report.kind)
        name = kind.name(language) if kind is not None else report.kind
        # The town's page may be made anew only a moment later, and has the alert in the reader's language.
        on = on_now(await self._bot.town(), untold.step.incident, language) or untold.on
        return news(untold.step, report, name, on, language)

    def _untold(self, behind: int, unit: DeskUnit) -> Sequence[_Untold]:
        channel, found = self._bot.channel, []
        for step, chat in unit.reports.untold(channel, AT_ONCE, behind):
            report, known = unit.reports.by_id(step.report), unit.subscribers.get(channel, chat)
            told = known.language if known is not None else report.language if report is not None else None
            language = language_for(told, self._town.language)
            found.append(_Untold(step, chat, report, language, self._on(unit, step.incident)))
        return found

    def _on(self, unit: DeskUnit, incident: str | None) -> On | None:
        """The newest of that incident, while it is on and somebody could read it."""
        stored = next(iter(unit.alerts.by_id(incident)), None) if incident is not None else None
        if incident is None or stored is None or not is_on(stored, unit.now) or not is_told(unit, incident):
            return None
        url = f"{self._town.public_url.rstrip('/')}/alerts/{incident}" if self._town.public_url else None
        return On(headline(stored), "", url, incident)


def _nothing(_: DeskUnit) -> None:
    """Write nothing: the lease alone is checked."""


def _keep(step: ReportStep, unit: DeskUnit) -> None:
    unit.reports.told(step, unit.now)
