"""A year and 31 days after the last report: nothing that is anybody's is left anywhere, and the counts are right."""

from __future__ import annotations

import asyncio
import io
import struct
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from alerts.daemon.reports import ReportDuties
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.desk.handing_in import drafted, hand_in
from alerts.desk.officer import Officer
from alerts.model.events import ReportsChanged
from alerts.model.lease import DUTIES
from alerts.model.listening import AnswerTo
from alerts.model.person import Act, Actor, KeptReply, Origin, Role
from alerts.model.reason import because
from alerts.model.reports import Closing, ContentNotice, Forwarding, ForwardState, Via
from alerts.model.town import StoreSection
from alerts.reports.report_acts import (
    AcceptReport,
    AssignReport,
    CloseReport,
    DuplicateReport,
    EraseReport,
    SetReportAside,
)
from alerts.reports.steps import decide_notice
from alerts.store.schema import metadata
from tests.unit.acting import by
from tests.unit.reports.conftest import house_of, north, reporting_town

PAUL = Actor("Paul", Role.APPROVER, Origin.COMMAND)
DAY = timedelta(days=1)
SAID = (
    "Dupont", "06 12 34 56 78", "chez Luc", "12 bis rue Pasteur", "Merci madame Leroy", "Vu avec M. Garcia",
    "Mme Petit se plaint", "petit@courriel.example", "subscriber Bernard", "Lucienne", "demande-77", "jeton-88",
    "Fermé par M. Roux", "192.0.2.0", "198.51.100.0", "Nomme M. Dupont", "Réponse à Mme Petit", "connard de voisin",
)  # fmt: skip
"""Whatever somebody wrote in this town, or what leads to them."""
NEVER = {"192.0.2.0", "198.51.100.0", "subscriber Bernard"}
"""Who it was is never written down, nor is what a private link proves itself with."""
WAITS = "Adieu M. Fabre"
"""An answer that nobody had validated yet when its report was erased."""
CHAT = 7_123_456_789
EXACT = (45.1912345678, 5.7098765432)


def a_photo() -> bytes:
    Image.effect_noise((320, 240), 90).convert("RGB").save(held := io.BytesIO(), "JPEG")
    return held.getvalue()


def handed_in(officer: Officer, number: str) -> None:
    report = officer.unit.reports.by_number(number)
    hand_in(officer, replace(drafted(officer, report.id, WAITS), to=AnswerTo.REPORT), waits=True, act=Act.TEND)


class Year:
    """A town in which all of it happens, and the daemon's round that forgets."""

    def __init__(self, house, place) -> None:
        self.house, self.place = house, place
        self.rounds = ReportDuties(
            house.town,
            service=house.service,
            clock=house.clock,
            keeper=LeaseKeeper(Leases(house.database), house.clock, "us", [DUTIES]),
            events=house.events,
        )
        self.is_file = isinstance(place, Path)
        self.tokens: set[str] = set()
        self.secrets: set[str] = set()
        self.photos: dict[str, bytes] = {}

    async def act(self, deed, *values, **more):
        return await self.house.service.act(by(PAUL, deed, *values, **more))

    async def keep(self, deed) -> None:
        await self.house.service.act(deed)

    async def report(self, **more) -> str:
        """The number of a report; what leads to who sent it is kept, to be looked for."""
        taken = await self.house.report(**more)
        report = taken.report
        self.tokens.add(taken.token)
        self.secrets |= {report.token, report.source, report.source_before, report.key}
        if photo := await self.house.ask(lambda unit: unit.reports.photo(report.id)):
            self.photos[f"photo of {report.number}"] = photo.jpeg
            self.secrets.add(photo.likeness)
        return report.number

    async def fill(self) -> None:
        """Reports by every way, with all that is ever said about one."""
        page = await self.report(
            place=EXACT, text="De l’eau chez Luc, Dupont, 06 12 34 56 78", address="12 bis rue Pasteur",
            photo=a_photo(), source="net 192.0.2.0/24", key="form 1",
        )  # fmt: skip
        bot = await self.report(
            text="Lucienne crie", via=Via.BOT, chat=("telegram", CHAT), source=f"chat telegram:{CHAT}", photo=a_photo()
        )
        api = await self.report(text="Dupont encore", via=Via.API, source="key t subscriber Bernard", kind="road")
        held = await self.report(text="connard de voisin Dupont", kind="noise", doubt=because("proof_missing"))
        crowd = [await self.report(place=north(30 * n), text="chez Luc") for n in range(4)]
        open_for_ever = await self.report(kind="lighting", text="Lampadaire de Lucienne", place=EXACT)
        await self.agreed(page)
        await self.act(AcceptReport, page, "Merci madame Leroy")
        await self.act(DuplicateReport, crowd[0], page)
        await self.act(CloseReport, page, "Fermé par M. Roux", Closing.DONE)
        await self.act(AcceptReport, bot, "Merci madame Leroy")
        await self.said_against(bot)
        await self.act(CloseReport, bot, "Fermé par M. Roux", Closing.NOT_OURS)
        await self.act(SetReportAside, held, "Nomme M. Dupont")
        await self.handed_on(api)
        await self.act(AcceptReport, api)
        await self.act(AssignReport, open_for_ever, "Vu avec M. Garcia")
        gone = await self.report(text="Écrasé", photo=a_photo(), chat=("telegram", CHAT), address="12 bis rue Pasteur")
        await self.said_against(gone)
        await self.act(handed_in, gone)
        await self.act(EraseReport, gone)

        self.house.events.publish(ReportsChanged((gone,)))

    async def agreed(self, number: str) -> None:
        report = await self.house.ask(lambda unit: unit.reports.by_number(number))
        for n in range(3):
            assert await self.house.intake.agree(report.id, f"net 198.51.100.{n}/24")

    async def said_against(self, number: str) -> None:
        def say(unit):
            report = unit.reports.by_number(number)
            notice = ContentNotice(
                f"n{number}", report.id, "Mme Petit se plaint", unit.now, name="Petit", email="petit@courriel.example"
            )
            unit.reports.put_notice(notice)

        await self.keep(say)
        await self.act(decide_notice, f"n{number}", upheld=True, answer="Réponse à Mme Petit")

    async def handed_on(self, number: str) -> None:
        def hand(unit):
            report = unit.reports.by_number(number)
            unit.reports.put_forwarding(
                Forwarding(
                    report.id,
                    "agglo",
                    ForwardState.SENT,
                    remote_id="demande-77",
                    token="jeton-88",
                    said="Fermé par M. Roux",
                    reason=because("forward_given_up", days=1, why="Dupont"),
                )
            )
            unit.replies.keep(KeptReply("t", number, "r", 201, f'{{"report": "{number}", "text": "Dupont"}}', unit.now))

        await self.keep(hand)

    async def pass_by(self, span: timedelta) -> None:
        """A round a day."""
        for _ in range(span // DAY):
            self.house.clock.set(self.house.clock.now() + DAY)
            await self.forget()

    async def forget(self) -> None:
        """The hourly round."""
        forgetting = asyncio.create_task(self.rounds.forget())
        while not forgetting.done():
            await self.house.clock.advance(0.1)
        forgetting.result()

    # --- what is looked for, and where

    def needles(self) -> dict[str, list[bytes]]:
        """Each as it may stand in a file: a text, a whole number or a fraction of SQLite's, a piece of a photo."""
        found = {each: [each.encode()] for each in (*SAID, WAITS, *self.secrets, *self.tokens, str(CHAT))}
        found["chat"] = [CHAT.to_bytes(6, "big")]
        found |= {str(each): [struct.pack(">d", each), repr(each).encode()] for each in EXACT}
        for name, jpeg in self.photos.items():
            found[name] = [jpeg[at : at + 200] for at in range(1000, len(jpeg) - 400, 900)]
        return found

    async def everywhere(self, log) -> bytes:
        """Every value of every table, every file in the folder, and all that was logged."""
        rows = []
        for table in metadata.sorted_tables:
            rows += await self.house.rows(f'SELECT * FROM "{table.name}"')
        told = str(rows).encode() + str(log).encode()
        blobs = b"".join(bytes(value) for row in rows for value in row if isinstance(value, bytes | memoryview))
        folder = self.house.town.folder
        files = b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
        return told + blobs + files

    async def left(self, log) -> set[str]:
        whole = await self.everywhere(log)
        return {name for name, each in self.needles().items() if any(needle in whole for needle in each)}

    async def counts(self):
        rows = await self.house.rows("SELECT kind, state, closing, tellers FROM report")
        numbers = await self.house.rows("SELECT last FROM report_number")
        return Counter(rows), numbers, {row[0] for row in await self.house.rows("SELECT district FROM report")}


@pytest.fixture(params=["file", "server"])
async def year(request, tmp_path):
    path = tmp_path / "tocsin.db"
    town = reporting_town(path)
    if request.param == "server":
        server = request.getfixturevalue("server")
        town = replace(town, store=StoreSection(server=server))
    house = await house_of(town.database, town)
    yield Year(house, town.database)
    await house.database.close()


async def test_a_year_and_31_days_later_nothing_that_is_anybody_s_is_left(year):
    with capture_logs() as log:
        await year.fill()
        before, filled = await year.counts(), await year.left(log)
        await year.forget()
        after_a_round = await year.left(log)
        await year.pass_by(32 * DAY)
        after_a_month = await year.left(log)
        await year.pass_by(365 * DAY)
        left, after = await year.left(log), await year.counts()

    assert filled >= {*SAID, "chat" if year.is_file else str(CHAT), *map(str, EXACT)} - NEVER
    assert not filled & {*NEVER, *year.tokens}
    assert sum(each in filled for each in year.secrets) > 20
    assert len(year.photos) == 3
    assert sum(each in after_a_round for each in year.photos) == 2, "all but of the one that was erased"
    assert WAITS not in after_a_round
    assert not after_a_month & {"petit@courriel.example", "chat", str(CHAT), *year.photos}
    assert left == set()
    assert after == before
    places = await year.house.rows("SELECT lat, lon FROM report WHERE lat IS NOT NULL")
    assert len(places) == sum(count for _, count in before[0].items()) - 1, "all but of the one that was erased"
    assert EXACT not in places


async def test_an_export_tells_what_people_reported_to_who_asks_for_it_alone(year):
    await year.fill()

    async def exported(**how):
        return await year.house.ask(lambda unit: str(list(unit.views.export(**how))))

    written = {each for each in (*SAID, str(CHAT), *map(str, EXACT)) if each not in NEVER}
    assert {each for each in written if each in await exported()} == set()
    assert {each for each in written if each not in await exported(with_heard=True)} == set()
