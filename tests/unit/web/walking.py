"""A town that wrote `approve` everywhere, on a lively day, with all its front ends in one process, for an author alone.

`LivelyTown` has one of everything: an alert that is out and one that waits, questions with and without an answer, polls
in their states, reports, what failed. `read` is all that everybody may read of it, by address, as an edition of the
town's pages names them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from lxml import html

from alerts.access.gate import Gate
from alerts.config import load_config
from alerts.daemon.serving import build_api, build_publisher
from alerts.desk.versions import digest_of
from alerts.listening.ears import Intake
from alerts.listening.hearing import take, understand_nothing
from alerts.listening.poll_acts import ApprovePoll, ClosePoll, TellPollOutcome
from alerts.listening.polls import PollDraft, open_poll
from alerts.listening.question_acts import AnswerQuestion, AttributeQuestion
from alerts.model.listening import Kind, Remark, Understood
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import Via
from alerts.reports.intake import ReportIntake
from alerts.reports.report_acts import AcceptReport
from alerts.reports.taking import ReportDraft
from alerts.reports.words_acts import ApproveAnswer
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.api.app import api_app
from alerts.web.api.guard import Guard
from alerts.web.console.app import PARTS
from alerts.web.public.pin_notices import NoticePages
from alerts.web.public.pins import PinPages
from alerts.web.public.polls import PollPages
from alerts.web.public.publisher import public_routes
from alerts.web.public.site import answers_of
from tests.fakes import FakeClock
from tests.unit.acting import by
from tests.unit.web.api.bureau import give_token
from tests.unit.web.console.watching import REPORTING, Desk

MARK = "EVACUEZPARLAN7"
"""A word of the author's that nobody else has seen."""
SMS = """
[channels.sms]
kind = "sms"
exercise = true
provider = "octopush"
sender = "STMARTIN"
login = "mairie@saint-martin.example"
contacts = "Alertes"
key = { env = "SMS_KEY" }
price = 0.07
daily_budget = 200
monthly_budget = 600
"""
TOWN = (
    REPORTING.format(publish="approve").replace(
        "[sources.manual]", 'public_url = "https://alertes.example"\n\n[sources.manual]', 1
    )
    + SMS
)
LUC, PAUL = Actor("Luc", Role.AUTHOR, Origin.CONSOLE), Actor("Paul", Role.APPROVER, Origin.CONSOLE)
ASKS = Understood(Kind.QUESTION, asks=True)
_TABLES = ("alert", "post", "question", "utterance", "answer", "poll", "report", "moderation", "content_notice")
_COUNTED = (*_TABLES, "report_photo", "subscriber", "account", "token", "passkey", "officer_chat", "approval")
_TYPED = ("text", "search", "url")
HERE = (45.19, 5.71)


class LivelyTown:
    """The town, and whoever asks it."""

    def __init__(self, config, database) -> None:
        self.clock = FakeClock()
        self.desk = Desk(config, database, self.clock)
        self.desk.role, self.desk.name = Role.AUTHOR, "Luc"
        self.service, self.database, self.config = self.desk.service, database, config
        self.reports = ReportIntake(config, self.service, self.clock)
        self.publisher = build_publisher(config, self.service, self.clock)
        self.client: TestClient

    async def act(self, actor, deed, *values, **named):
        return await self.service.act(by(actor, deed, *values, **named))

    async def rows(self, sql):
        return await self.database.read(lambda unit: [tuple(row) for row in unit.execute(sql)])

    def app(self, intake: Intake) -> web.Application:
        console = replace(self.desk.console, reports=self.reports, understand=intake.understand, group=intake.group)
        app = self.desk.app([route for part in PARTS for route in part(console)])
        api = build_api(self.config, self.service, Gate(self.service, self.config))
        # A program that is never told to wait: each of its requests comes ten seconds after the one before.
        ticks = itertools.count(0, 10)
        guard = Guard(Gate(self.service, self.config), lambda: float(next(ticks)), ())
        app.add_subapp("/api/v1", api_app(replace(api, guard=guard, intake=intake, reports=self.reports)))
        pins = PinPages(self.publisher, self.service, self.reports)
        self.polls = PollPages(self.publisher, self.service, self.service)
        app.add_routes([*self.polls.routes(), *pins.routes(), *NoticePages(pins, self.service).routes()])
        app.add_routes(public_routes(self.publisher))
        return app

    async def live(self) -> None:
        """The day: each of them written by somebody and validated by somebody else."""
        out = await self.desk.post("Inondation", by="Luc", description="L’Isère monte.")
        await self.act(PAUL, lambda officer: officer.approve(out.id))
        await self.database.write(lambda unit: unit.execute("UPDATE post SET state = 'sent', remote_id = id").rowcount)
        other = await self.desk.post("Coupure d’eau", by="Luc")
        await self.act(PAUL, lambda officer: officer.approve(other.id))
        await self.database.write(lambda unit: unit.execute("UPDATE post SET state = 'sent', remote_id = id").rowcount)
        await self.desk.post("Attend", by="Anne")
        for number, answered in enumerate((True, True, False)):
            remark = Remark(f"c{number}", f"Question {number} ?", self.clock.now(), author=f"a{number}")
            taken = await self.service.act(lambda unit, r=remark: take(unit, "page", [(r, ASKS)]))
            question = taken.utterances[0].question
            await self.act(LUC, AttributeQuestion, question, out.id)
            if answered:
                done = await self.act(LUC, AnswerQuestion, question, "Non.", words=f"Peut-on sortir ({number}) ?")
                await self.act(PAUL, ApproveAnswer, done.answer.id, digest_of(done.answer))
        await self.database.write(
            lambda unit: unit.execute("UPDATE post SET state = 'failed' WHERE kind = 'answer'").rowcount
        )
        for closed in (False, True):
            draft = PollDraft("Fermer la place ?", ("Oui", "Non"), self.clock.now() + timedelta(days=1))
            poll = await self.act(LUC, open_poll, draft)
            await self.act(PAUL, ApprovePoll, poll.id)
            if closed:
                await self.act(PAUL, ClosePoll, poll.id)
                await self.act(LUC, TellPollOutcome, poll.id, "La place ferme.")
                [said] = await self.service.ask(lambda unit: unit.listening.waiting_answers())
                await self.act(PAUL, ApproveAnswer, said.id, digest_of(said))
        for number, accepted in enumerate((True, True, False)):
            place = HERE[0] + number / 100, HERE[1]
            draft = ReportDraft("flooding", Via.PAGE, f"net 10.0.{number}.0/24", *place, text="De l’eau")
            report = (await self.reports.take(draft)).report
            for officer in (LUC, PAUL) if accepted else ():
                await self.act(officer, AcceptReport, report.number)
        own = ReportDraft("waste", Via.OFFICER, "key own", HERE[0], HERE[1] + 0.01, text=MARK, by=LUC)
        await self.reports.take(own)

    async def names(self) -> list[str]:
        """What an address may name: the first and the last of each table, and what channels.toml has."""
        of = [("alert", "incident"), ("report", "number"), *((table, "id") for table in _TABLES)]
        found = [[name for (name,) in await self.rows(f"SELECT {column} FROM {table}")] for table, column in of]
        ends = [name for names in found for name in (*names[:1], *names[-1:])]
        return [*dict.fromkeys(ends), "meteo", "page"]

    async def read(self) -> Mapping[str, str]:
        """What everybody may read, by address; posts beside it, as the platforms have them."""
        self.polls._shown._kept.clear()
        edition = await self.publisher.make()
        texts = {path: made.body.decode("utf-8", "replace") for path, made in answers_of(edition).items()}
        polls = [f"/polls/{name}" for (name,) in await self.rows("SELECT id FROM poll")]
        reports = [f"/reports/{name}" for (name,) in await self.rows("SELECT number FROM report")]
        for path in [*polls, *(f"{each}.json" for each in polls), "/reports", "/reports.geojson", *reports]:
            async with self.client.get(path) as answer:
                texts[path] = (await answer.text()) if answer.status == 200 else ""
        out = "('queued', 'sending', 'sent', 'in_doubt')"
        posts = {f"post {row[0]}": str(row) for row in await self.rows(f"SELECT * FROM post WHERE state IN {out}")}
        return {path: _bare(text) for path, text in texts.items()} | posts

    def written(self) -> tuple[int, int]:
        """Where the log of the database stands: it moves with each commit."""
        wal = Path(f"{self.config.database}-wal").stat()
        return wal.st_size, wal.st_mtime_ns

    async def state(self) -> int:
        """What is kept, but for who looked, what is typed so far and what a program was answered."""
        rows = [await self.rows(f"SELECT * FROM {table}") for table in _COUNTED if await self._has(table)]
        return hash(str(rows))

    async def _has(self, table: str) -> bool:
        return bool(await self.rows(f"SELECT 1 FROM sqlite_master WHERE name = '{table}'"))

    async def lines(self) -> int:
        return (await self.rows("SELECT count(*) FROM audit"))[0][0]


def _bare(text: str) -> str:
    """A text without what may differ each time it is made: nonces, and the order of a map of the site."""
    bare = re.sub(r'nonce="[^"]*"', "", text)
    return "\n".join(sorted(bare.splitlines())) if "<urlset" in bare else bare


def fields_in(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each form of a page: where it goes, and its fields as they stand."""
    if not page.strip():
        return
    for form in html.fromstring(page).iter("form"):
        values = {}
        for each in form.iter("input", "textarea", "select", "button"):
            if (name := each.get("name")) is not None:
                is_typed = each.tag == "textarea" or (each.tag == "input" and each.get("type", "text") in _TYPED)
                values[name] = MARK if is_typed else each.get("value", "1")
                if each.tag == "select":
                    values[name] = next((one.get("value", "") for one in each.iter("option")), "")
        yield form.get("action", ""), values


@asynccontextmanager
async def a_lively_town(tmp_path):
    (tmp_path / "channels.toml").write_text(TOWN, encoding="utf-8")
    config = load_config(tmp_path / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    try:
        town = LivelyTown(config, database)
        await town.desk.sign_in()
        intake = Intake(town.service, town.desk.events, town.clock, understand_nothing)
        async with TestClient(TestServer(town.app(intake))) as client:
            town.client = town.desk.client = client
            await town.live()
            await give_token(town.service, "Luc", "author", "luc-token")
            yield town
    finally:
        await database.close()
