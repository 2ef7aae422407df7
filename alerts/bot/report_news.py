"""Progress of a report, sent step by step to the chat that it came from.

Each step of a report with a chat is wanted until it was sent (`Reports.untold`). The steps are jobs
(`alerts.delivery.jobs`) under the lease of the bot, at the pace of bulk messages (`Precedence.ROUTINE`). A chat gets
one after the other, each in its language and with the alert as it is then. A daemon that is killed amid repeats one
step, and never omits one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from alerts.bot.chat import On, Say, TownNow, language_for
from alerts.bot.officers import forget, headline
from alerts.bot.reception import Bot, say_once
from alerts.bot.report_words import news
from alerts.bot.reporting import on_now
from alerts.delivery.jobs import JobKind
from alerts.desk.unit import DeskUnit
from alerts.model.errors import ReaderGone
from alerts.model.events import IncidentChanged, ReportsChanged
from alerts.model.job import Job, WantedJob
from alerts.model.post import PostState
from alerts.model.reports import ReportStep
from alerts.model.town import Town
from alerts.reports.drafting import is_on, is_published
from alerts.reports.taking import section_of

NEWS = "news"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class UntoldStep:
    """A step that a chat must still get."""

    step: ReportStep
    chat: int = field(repr=False)


class NewsJobs(JobKind[DeskUnit, UntoldStep, None]):
    """Notices to the reporters in the private chats of one bot."""

    kinds = (NEWS,)
    in_order = True
    # Of an incident too: an alert that comes of reports is told to those who reported.
    wakes = (ReportsChanged, IncidentChanged)

    def __init__(self, bot: Bot, town: Town, lease: str) -> None:
        self.channel, self.lease = bot.channel, lease
        self.name = f"jobs {NEWS} {bot.channel}"
        self._bot = bot
        self._town = town

    def wanted(self, unit: DeskUnit) -> Iterator[WantedJob[UntoldStep]]:
        """Return the steps that no chat got yet, in order."""
        for step, chat in unit.reports.untold(self.channel):
            yield WantedJob(NEWS, str(step.seq), UntoldStep(step, chat), chat)

    def still(self, unit: DeskUnit, wanted: WantedJob[UntoldStep]) -> bool:
        """False if the step's chat was forgotten."""
        return unit.reports.is_of_chat(wanted.what.step, self.channel, wanted.chat)

    async def do(self, what: UntoldStep) -> None:
        """Say it. A chat that nobody reads any more is forgotten."""
        town = await self._bot.town()
        say = await self._bot.service.ask(lambda unit: self._worded(unit, what, town))
        try:
            if say is not None:
                await say_once(self._bot, what.chat, say)
        except ReaderGone:
            await self._bot.service.act(lambda unit: forget(unit, self.channel, what.chat))
            log.info("bot.reader_left", channel=self.channel)

    def keep(self, unit: DeskUnit, what: UntoldStep, job: Job, _: None) -> None:
        """Said or refused for good, it is never said again."""
        if job.state in (PostState.SENT, PostState.FAILED):
            unit.reports.mark_notified(what.step, unit.now)

    def _worded(self, unit: DeskUnit, what: UntoldStep, town: TownNow) -> Say | None:
        """Return the message in the language of the chat. Returns None where nothing is left of the report."""
        step = what.step
        report, known = unit.reports.by_id(step.report), unit.subscribers.get(self.channel, what.chat)
        if report is None:
            return None
        language = language_for(known.language if known is not None else report.language, self._town.language)
        kind = section_of(self._town).kind(report.kind)
        name = kind.name(language) if kind is not None else report.kind
        # The town's page may be made anew only a moment later, and has the alert in the reader's language.
        on = on_now(town, step.incident, language) or self._on(unit, step.incident)
        return news(step, report, name, on, language)

    def _on(self, unit: DeskUnit, incident: str | None) -> On | None:
        """The newest of that incident, while it is on and somebody could read it."""
        stored = next(iter(unit.alerts.by_id(incident)), None) if incident is not None else None
        if incident is None or stored is None or not is_on(stored, unit.now) or not is_published(unit, incident):
            return None
        url = f"{self._town.public_url.rstrip('/')}/alerts/{incident}" if self._town.public_url else None
        return On(headline(stored), "", url, incident)
