"""Who reported in a chat is told what became of it: each step once, in order, and nobody keeps another waiting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.bot.chat import On
from alerts.bot.officers import forget
from alerts.bot.reception import Bot
from alerts.bot.report_news import NewsJobs
from alerts.delivery.bot_pace import BotPace, PaceAs, Precedence
from alerts.delivery.jobs import REST, JobLane
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.worker import Work
from alerts.model.errors import BadCredential, InDoubt, ReaderGone, Rejected, Retry
from alerts.model.events import ReportsChanged
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import Closing, ReportStep
from alerts.model.subscriber import Subscriber
from alerts.reports.report_acts import AcceptReport, AssignReport, CloseReport, DuplicateReport, SetReportAside
from tests.fakes import FakeClock, FakeLine, begun
from tests.unit.acting import by
from tests.unit.bot.talking import TOWN
from tests.unit.desk.conftest import an_alert
from tests.unit.reports.conftest import ReportsTown

ANNE = Actor("Anne", Role.APPROVER, Origin.CONSOLE)


class News:
    """A town's bot that tells, and officers who do something about reports."""

    def __init__(self, house: ReportsTown, keeper: LeaseKeeper) -> None:
        self.house, self.keeper, self.line, self.on = house, keeper, FakeLine(), ()
        self.start()

    def start(self) -> None:
        bot = Bot("telegram", self.line, self.house.service, self._town, self.house.clock, self._remember)
        kind = NewsJobs(bot, self.house.town, "bot telegram")
        self.jobs = JobLane(kind, self.house.service, self.keeper, self.house.clock, self.house.events)

    async def reported(self, chat: int, **more):
        draft = {"source": f"chat telegram:{chat}", "chat": ("telegram", chat), **more}
        return (await self.house.report("flooding", **draft)).report

    async def does(self, act, *told, **more) -> None:
        await self.house.service.act(by(ANNE, act, *told, **more))

    async def round(self, later: float = 0) -> list[tuple[int, str]]:
        """What was told by one round, after so many seconds."""
        await self.house.clock.advance(later)
        before = len(self.line.said)
        await self.jobs.go_round(self.keeper.lease_of("bot telegram"))
        return self.line.said[before:]

    async def journal(self) -> list[tuple[str, int]]:
        return [
            tuple(row)
            for row in await self.house.ask(lambda unit: unit.execute("SELECT state, tries FROM job").fetchall())
        ]

    async def _town(self):
        return replace(TOWN, on={"fr": self.on})

    async def _remember(self, key: str, value: str) -> None:
        return


@pytest.fixture
async def news(reports):
    keeper = LeaseKeeper(Leases(reports.database), reports.clock, "us", ["bot telegram"], timedelta(hours=1))
    reports.database.lease_lost = keeper.lost
    keeping = begun(reports.clock, keeper.work)
    await reports.clock.settle()
    found = News(reports, keeper)
    await reports.clock.settle()
    yield found
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_each_act_of_an_officer_is_told_once_in_order(news):
    report = await news.reported(1)
    assert await news.round() == [], "its number was told at once"
    await news.does(AcceptReport, report.number, "On passe <demain>")
    await news.does(AssignReport, report.number, "Voirie")
    await news.does(CloseReport, report.number, "Réparé.", Closing.DONE)
    told = [text for _, text in await news.round()]
    assert [f"<b>{report.number}</b> – Inondation" in each for each in told] == [True] * 3
    assert "pris en charge" in told[0]
    assert "On passe &lt;demain&gt;" in told[0]
    assert "s’en occupe" in told[1]
    assert "Voirie" not in told[1]
    assert "C’est fait" in told[2]
    assert await news.round() == []


@pytest.mark.parametrize(
    ("act", "told", "words"),
    [
        (CloseReport, (None, Closing.NOT_OURS), "ne relève pas"),
        (CloseReport, (None, Closing.NOT_FOUND), "rien n’a été trouvé"),
        (SetReportAside, ("Une plaisanterie",), "Une plaisanterie"),
    ],
)
async def test_every_end_has_its_words(news, act, told, words):
    report = await news.reported(1)
    await news.does(act, report.number, *told)
    [(_, text)] = await news.round()
    assert words in text


async def test_who_reported_the_same_is_told_how_the_first_one_ended(news):
    first, same = await news.reported(1), await news.reported(2)
    await news.does(DuplicateReport, same.number, first.number)
    await news.does(CloseReport, first.number, "Réparé.", Closing.DONE)
    told = await news.round()
    assert [(chat, "même qu’un autre" in text, "C’est fait" in text) for chat, text in told] == [
        (2, True, False),
        (1, False, True),
        (2, False, True),
    ]


async def test_once_an_alert_is_out_who_reported_is_told_with_its_title(news):
    report = await news.reported(1)
    step = ReportStep(report.id, news.house.clock.now(), report.state, incident="abc")
    await news.house.service.keep(lambda unit: unit.reports.step(step, "telegram", 1))
    news.on = (On("Inondation <forte>", "", "https://example.org/abc", "abc"),)
    [(_, text)] = await news.round()
    assert 'alerte en cours\u00a0: <a href="https://example.org/abc">Inondation &lt;forte&gt;</a>' in text


async def test_an_alert_that_the_town_s_page_has_not_yet_is_told_by_the_store_s_words(news):
    alert = an_alert(headline="Inondation <forte>", expires=news.house.clock.now() + timedelta(hours=3))
    stored = await news.house.service.act(lambda unit: unit.desk.file(unit.alerts, alert, "manual").stored)
    await news.house.service.act(lambda unit: unit.db.execute("UPDATE post SET state = 'sent'") and None)
    report = await news.reported(1)
    step = ReportStep(report.id, news.house.clock.now(), report.state, incident=stored.incident_id)
    await news.house.service.keep(lambda unit: unit.reports.step(step, "telegram", 1))
    [(_, text)] = await news.round()
    assert f"alerts/{stored.incident_id}" in text
    assert "Inondation &lt;forte&gt;" in text


async def test_in_the_language_of_the_chat(news):
    spoken = {1: await news.reported(1, language="en"), 2: await news.reported(2, language="en")}
    await news.house.service.keep(lambda unit: unit.subscribers.put("telegram", Subscriber(2, "fr")))
    for each in spoken.values():
        await news.does(AcceptReport, each.number)
    assert ["taken it on" in text for _, text in await news.round()] == [True, False]


async def test_who_blocked_the_bot_is_dropped_and_the_report_stays(news):
    report = await news.reported(1)
    await news.does(AcceptReport, report.number)
    news.line.troubles.append(ReaderGone("blocked"))
    assert await news.round() == []
    kept = await news.house.ask(lambda unit: unit.reports.by_id(report.id))
    assert (kept.chat, kept.lat is None) == (None, False)
    assert await news.round() == []


async def test_one_chat_s_trouble_is_no_other_s_and_rests(news):
    for chat in (1, 2):
        await news.does(AcceptReport, (await news.reported(chat)).number)
    news.line.troubles.extend([InDoubt("no answer")])
    assert [chat for chat, _ in await news.round()] == [2]
    assert await news.round() == []
    assert [chat for chat, _ in await news.round(later=5)] == [1]
    assert await news.round() == []


@pytest.mark.parametrize(("trouble", "tries"), [(Rejected("no"), 1), (InDoubt("no answer"), 2)])
async def test_what_is_refused_or_stays_in_doubt_is_not_said_for_ever(news, trouble, tries):
    await news.does(AcceptReport, (await news.reported(1)).number)
    news.line.troubles.extend([trouble] * 9)
    for _ in range(5):
        await news.round(later=60)
    assert len(news.line.troubles) == 9 - tries


async def test_with_a_token_that_is_refused_nobody_is_tried_in_vain(news):
    for chat in range(1, 6):
        await news.does(AcceptReport, (await news.reported(chat, source=f"key {chat}")).number)
    news.line.troubles.extend([BadCredential("token")] * 9)
    await news.round()
    assert len(news.line.troubles) == 8


@pytest.mark.parametrize("kills", [1, 2])
async def test_a_kill_while_it_is_said_says_it_once_more_and_never_a_third_time(news, kills):
    await news.does(AcceptReport, (await news.reported(1)).number)
    say, said = news.line.say, asyncio.Event()

    async def killed(*told, **more):
        await say(*told, **more)
        said.set()
        await asyncio.Event().wait()

    news.line.say = killed
    for kill in range(1, kills + 1):
        said.clear()
        telling = asyncio.create_task(news.round())
        await said.wait()
        assert await news.journal() == [("sending", kill)]
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        news.start()
    news.line.say = say
    await news.round(later=5)
    await news.round(later=60)
    assert (len(news.line.said), await news.journal()) == (2, [])


async def test_who_is_forgotten_leaves_the_journal_at_once(news):
    await news.does(AcceptReport, (await news.reported(7)).number)
    news.line.troubles.append(Retry("no connection"))
    await news.round()
    assert await news.journal() == [("queued", 1)]
    await news.house.service.act(lambda unit: forget(unit, "telegram", 7))
    assert await news.journal() == []


async def test_who_is_forgotten_while_another_is_told_is_told_nothing(news):
    for chat in (1, 7):
        await news.does(AcceptReport, (await news.reported(chat)).number)
    say = news.line.say

    async def meanwhile(*told, **more):
        await news.house.service.act(lambda unit: forget(unit, "telegram", 7))
        return await say(*told, **more)

    news.line.say = meanwhile
    assert ([chat for chat, _ in await news.round()], await news.journal()) == ([1], [])


@pytest.mark.parametrize("said", [0, 1], ids=["before it is said", "while it is said"])
async def test_under_a_lease_that_only_memory_still_has_nothing_is_said_and_never_twice(news, monkeypatch, said):
    """Another machine took the lease by its own clock; this one doesn't know it yet."""
    await news.does(AcceptReport, (await news.reported(1)).number)

    def taken(unit) -> None:
        unit.execute("UPDATE lease SET owner = 'them', number = number + 1 WHERE lane = 'bot telegram'")

    if said:
        say = news.line.say

        async def slowly(*told, **more):
            await news.house.database.write(taken)
            return await say(*told, **more)

        monkeypatch.setattr(news.line, "say", slowly)
    else:
        await news.house.database.write(taken)
    running = begun(news.house.clock, news.jobs.work)
    for _ in range(20):
        await news.house.clock.advance(1)
    assert len(news.line.said) == said
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_is_told_as_soon_as_it_is_known(news):
    running = begun(news.house.clock, news.jobs.work)
    await news.house.clock.advance(REST)
    await news.does(AcceptReport, (await news.reported(1)).number)
    news.house.events.publish(ReportsChanged())
    await news.house.clock.advance(2 * REST)  # long before it would have looked by itself
    assert len(news.line.said) == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_many_at_once_are_all_told(news):
    first = await news.reported(1)
    steps = [ReportStep(first.id, news.house.clock.now(), first.state) for _ in range(120)]

    def put(unit) -> None:
        for place, each in enumerate(steps):
            unit.reports.step(each, "telegram", place + 1)

    await news.house.service.keep(put)
    assert [chat for chat, _ in await news.round()] == list(range(1, 121))


async def test_it_leaves_behind_what_is_urgent(news):
    clock = FakeClock()
    pace = BotPace(1, clock)
    running = begun(clock, Work("pace", pace.go_on))
    order = []

    async def speak(name, turn) -> None:
        await turn
        order.append(name)

    async def unhurried() -> None:
        async with PaceAs(pace, Precedence.ROUTINE).direct():
            pass

    speaking = [asyncio.create_task(speak("news", unhurried()))]
    speaking += [asyncio.create_task(speak(each, pace.leave(each))) for each in (Precedence.URGENT, Precedence.DIRECT)]
    await clock.advance(10)
    await asyncio.gather(*speaking)
    running.cancel()
    assert order.index("news") == 2
    PaceAs(pace, Precedence.ROUTINE).halt(30)
    assert pace.halted_for == PaceAs(pace, Precedence.ROUTINE).halted_for > 0


async def test_what_was_not_sent_for_sure_is_said_again_and_the_other_chats_wait_too(news):
    for chat in (1, 2):
        await news.does(AcceptReport, (await news.reported(chat)).number)
    news.line.troubles.append(Retry("no connection", sent=False))
    assert await news.round() == []
    assert [chat for chat, _ in await news.round(later=3)] == [1, 2]
