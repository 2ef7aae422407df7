"""Somebody reports something to the bot: three taps, kept over a kill, sent once, and told what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from alerts.bot.chat import TownNow
from alerts.bot.reception import Bot, Reception
from alerts.bot.report_words import AGREE, KIND, SEND, STOP
from alerts.bot.reporting import ChatReports
from alerts.model.errors import DatabaseRefused, Rejected, Retry
from alerts.model.reports import CitizenReport, ReportState, Via, shipped_kinds
from alerts.reports.photos import LARGEST_FILE
from tests.fakes import FakeLine
from tests.pictures import a_png
from tests.unit.bot.talking import TOWN
from tests.unit.reports.conftest import HERE, ReportsTown, house_of, reporting_town

CHAT, OTHER = 4711, 4712
LAT, LON = HERE


@dataclass
class Chats:
    """A town's bot, and people who talk with it."""

    house: ReportsTown
    town: TownNow
    line: FakeLine = field(default_factory=FakeLine)
    updates: int = 0
    reception: Reception = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin with nothing in memory, as after a kill."""
        reports = ChatReports("telegram", self.house.service, self.house.intake, self.line)
        self.reception = Reception(
            Bot(
                "telegram", self.line, self.house.service, self._town, self.house.clock, self._remember, reports=reports
            )
        )

    async def handle(self, update: dict) -> None:
        self.updates += 1
        await self.house.clock.advance(4)  # nobody types faster than the bot answers one chat
        await self.reception.handle([{"update_id": self.updates, **update}])

    async def says(self, chat: int = CHAT, *, language: str = "fr", **content) -> str:
        """Send something, and read what the bot says to it."""
        before = len(self.line.said)
        await self.handle({"message": {"message_id": 50 + self.updates, **self._who(chat, language), **content}})
        return self._read(before)

    async def presses(self, data: str, chat: int = CHAT, *, language: str = "fr") -> str:
        before = len(self.line.said)
        message = {"message_id": 9, **self._who(chat, language)}
        await self.handle({"callback_query": {"id": "1", "data": data, "message": message, "from": message["from"]}})
        return self._read(before)

    async def command(self, text: str, chat: int = CHAT, **more) -> str:
        return await self.says(chat, text=text, **more)

    async def is_at(self, lat: float = LAT, lon: float = LON, chat: int = CHAT) -> str:
        return await self.says(chat, location={"latitude": lat, "longitude": lon})

    async def placed(self, kind: str = "flooding", chat: int = CHAT, **place) -> str:
        await self.command("/signaler", chat)
        await self.presses(f"{KIND}{kind}", chat)
        return await self.is_at(chat=chat, **place)

    async def reports(self, chat: int = CHAT) -> list[CitizenReport]:
        return list(await self.house.ask(lambda unit: unit.reports.of_chat("telegram", chat, 10)))

    def buttons(self) -> list[str]:
        rows = (self.line.keyboards[-1] or {}).get("inline_keyboard", [])
        return [each["callback_data"] for row in rows for each in row]

    def _read(self, before: int) -> str:
        return "\n".join(text for _, text in self.line.said[before:])

    @staticmethod
    def _who(chat: int, language: str) -> dict:
        kind = "private" if chat > 0 else "supergroup"
        return {"chat": {"id": chat, "type": kind}, "from": {"id": abs(chat), "language_code": language}}

    async def _town(self) -> TownNow:
        return self.town

    async def _remember(self, key: str, value: str) -> None:
        return


@pytest.fixture
async def chats(tmp_path):
    path = tmp_path / "tocsin.db"
    house = await house_of(path, reporting_town(path, public_url="https://alertes.saint-martin.example"))
    yield Chats(house, replace(TOWN, reports=True))
    await house.database.close()


async def test_three_taps_without_a_word(chats):
    first = await chats.command("/signaler")
    assert first.index("112") < first.index("Que voulez-vous signaler")
    assert "114" in first
    assert chats.buttons() == [f"{KIND}{kind.code}" for kind in shipped_kinds("fr")]
    where = await chats.presses(f"{KIND}flooding")
    assert "Où est-ce" in where
    [[button]] = chats.line.keyboards[-1]["keyboard"]
    assert button["request_location"] is True
    await chats.is_at()
    assert chats.buttons() == [SEND, STOP]
    told = await chats.presses(SEND)

    [report] = await chats.reports()
    assert (report.kind, report.lat, report.lon, report.via) == ("flooding", LAT, LON, Via.BOT)
    assert (report.text, report.channel, report.language) == (None, "telegram", "fr")
    assert report.number in told
    assert f"https://alertes.saint-martin.example/report/{report.number}/" in told
    assert await chats.house.ask(lambda unit: unit.report_chats.begun("telegram", CHAT)) is None


@pytest.mark.parametrize(("language", "end"), [("fr", "/fin"), ("en", "/done")])
async def test_words_send_it_and_so_does_the_command(chats, language, end):
    for text in (end, "De l’eau <partout>"):
        await chats.command("/report", language=language)
        await chats.presses(f"{KIND}tree", language=language)
        await chats.is_at()
        assert await chats.command(text, language=language)
    assert [each.text for each in await chats.reports()] == ["De l’eau <partout>", None]


async def test_a_kind_that_is_for_the_telephone_ends_with_the_number_to_call(chats):
    await chats.command("/signaler")
    said = await chats.presses(f"{KIND}gas")
    assert "18" in said
    assert chats.buttons() == []
    await chats.is_at()
    assert "Aucun signalement" in await chats.command("/fin")
    assert await chats.reports() == []


async def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(chats):
    await chats.command("/signaler")
    chats.start()
    await chats.presses(f"{KIND}flooding")
    chats.start()
    await chats.is_at()
    chats.start()
    await chats.presses(SEND)
    [report] = await chats.reports()
    # What was handled is handled once more, as where the daemon was killed before it kept that.
    chats.start()
    assert report.number in await chats.presses(SEND)
    assert [each.number for each in await chats.reports()] == [report.number]


async def test_where_it_was_taken_and_nothing_more_was_kept_it_is_known_again(chats, monkeypatch):
    await chats.placed()
    keep, failures = chats.house.service.keep, []

    async def failing(action):
        if "_give_up" in getattr(action, "__qualname__", ""):
            failures.append(1)
            raise DatabaseRefused("database is locked")
        return await keep(action)

    with monkeypatch.context() as broken:
        broken.setattr(chats.house.service, "keep", failing)
        with pytest.raises(DatabaseRefused):
            await chats.presses(SEND)
    assert failures
    [report] = await chats.reports()
    assert report.number in await chats.presses(SEND)
    assert len(await chats.reports()) == 1


async def test_a_photo_is_taken_drawn_anew_with_the_words_under_it(chats):
    await chats.placed()
    chats.line.files["large"] = a_png(64, 48)
    sizes = [{"file_id": "small", "file_size": 5}, {"file_id": "large", "file_size": 500}]
    assert "numéro" in await chats.says(photo=sizes, caption="Un arbre")
    [report] = await chats.reports()
    assert (report.text, report.has_photo) == ("Un arbre", True)
    photo = await chats.house.ask(lambda unit: unit.reports.photo(report.id))
    assert photo.jpeg != chats.line.files["large"]
    assert "déjà envoyé" in await chats.says(photo=sizes)
    assert await chats.says(photo=sizes, media_group_id="7") == "", "the rest of an album"


@pytest.mark.parametrize(
    ("content", "size", "why"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 40, "JPEG, PNG ou WebP"),
        (b"\xff\xd8\xff\xe0 cut", 9, "abîmé"),
        (b"", LARGEST_FILE + 1, "Mo"),
        (Rejected("gone"), 9, "renvoyez-la"),
        (Retry("no connection"), 9, "renvoyez-la"),
    ],
)
async def test_a_refused_photo_is_told_why_and_the_report_goes_on_without(chats, content, size, why):
    await chats.placed()
    chats.line.files["f"] = content
    said = await chats.says(photo=[{"file_id": "f", "file_size": size}], caption="Un arbre")
    assert why in said.replace("\u202f", " ").replace("\u00a0", " ")
    assert chats.buttons() == [SEND, STOP]
    assert await chats.reports() == []
    await chats.presses(SEND)
    [report] = await chats.reports()
    assert (report.text, report.has_photo) == ("Un arbre", False)


async def test_words_that_are_too_many_are_refused_with_how_many_may_be(chats):
    await chats.placed()
    assert "500" in await chats.command("a" * 501)
    await chats.command("/fin")
    assert [each.text for each in await chats.reports()] == [None]


async def test_what_others_reported_there_is_offered_and_counts_once(chats):
    taken = await chats.house.report("flooding")
    await chats.placed()
    assert chats.buttons() == [f"{AGREE}{taken.report.id}", SEND, STOP]
    assert "compte" not in await chats.presses(f"{AGREE}{taken.report.id}")
    assert await chats.reports() == []
    tellers = await chats.house.ask(lambda unit: unit.reports.tellers([taken.report.id]))
    assert len(tellers) == 2
    await chats.placed()
    assert "déjà dit" in await chats.presses(f"{AGREE}{taken.report.id}")
    assert len(await chats.house.ask(lambda unit: unit.reports.tellers([taken.report.id]))) == 2


async def test_one_s_own_report_is_not_offered(chats):
    await chats.placed()
    await chats.presses(SEND)
    await chats.placed()
    assert chats.buttons() == [SEND, STOP]


async def test_a_place_that_is_sent_once_more_takes_the_place_of_the_first(chats):
    await chats.placed()
    await chats.is_at(LAT + 0.001, LON)
    await chats.presses(SEND)
    [report] = await chats.reports()
    assert report.lat == LAT + 0.001


async def test_places_that_are_none_and_words_where_a_place_is_asked_for_ask_again(chats):
    await chats.command("/signaler")
    await chats.presses(f"{KIND}tree")
    for answer in (await chats.is_at(91.0, 0.0), await chats.command("rue Pasteur"), await chats.says(sticker={})):
        assert "Où est-ce" in answer
    assert "Où est-ce" in await chats.command("/fin")
    assert await chats.reports() == []


async def test_an_address_is_looked_for_where_the_town_has_its_addresses(tmp_path):
    path = tmp_path / "tocsin.db"
    (tmp_path / "adresses.csv").write_text(
        f"numero;rep;nom_voie;code_insee;nom_commune;lon;lat\n12;;Rue Pasteur;38185;Saint-Martin;{LON};{LAT}\n"
    )
    town = reporting_town(path, addresses="adresses.csv")
    house = await house_of(path, town)
    chats = Chats(house, replace(TOWN, reports=True))
    await chats.command("/signaler")
    assert "numéro et rue" in await chats.presses(f"{KIND}tree")
    assert "Rue Pasteur" in await chats.command("rue Pateur")
    assert "12 Rue Pasteur" in await chats.command("12 rue Pasteur")
    await chats.presses(SEND)
    [report] = await chats.reports()
    assert (report.lat, report.lon, report.place) == (LAT, LON, "12 Rue Pasteur")
    await house.database.close()


async def test_in_a_group_nobody_reports(chats):
    chats.line.admins.add(55)
    said = await chats.command("/signaler@tocsin_bot", -55)
    assert "conversation privée" in said
    assert chats.buttons() == []


async def test_cancelled_is_over_and_who_subscribes_then_sends_a_place_for_that(chats):
    await chats.placed()
    assert "Rien n’a été signalé" in await chats.presses(STOP)
    assert "Aucun signalement" in await chats.presses(SEND)
    await chats.placed()
    await chats.command("/start")
    assert "Votre quartier" in await chats.is_at(0.5, 0.5)
    assert await chats.reports() == []


async def test_what_was_begun_is_forgotten_after_an_hour(chats):
    await chats.placed()
    await chats.house.clock.advance(timedelta(hours=1, seconds=1).total_seconds())
    assert "Aucun signalement" in await chats.command("/fin")


async def test_one_person_is_one_source_with_every_bot(chats):
    await chats.placed()
    await chats.presses(SEND)
    other = ChatReports("autre", chats.house.service, chats.house.intake, chats.line)
    chats.reception = Reception(replace(chats.reception._bot, channel="autre", reports=other))
    await chats.placed()
    await chats.presses(SEND)
    sources = await chats.house.rows("SELECT DISTINCT source FROM report_source")
    assert len(sources) == 1


async def test_mydata_shows_what_was_reported_and_what_is_being_reported(chats):
    await chats.placed()
    begun = json.loads((await chats.command("/mydata")).partition("<pre>")[2].removesuffix("</pre>"))
    assert begun["report_begun"]["place"] == {"lat": LAT, "lon": LON, "words": None}
    await chats.command("De l’eau")
    told = json.loads((await chats.command("/mydata")).partition("<pre>")[2].removesuffix("</pre>"))
    [report] = told["reports"]
    assert (report["kind"], report["text"], report["state"]) == ("flooding", "De l’eau", "received")
    assert "report_begun" not in told


async def test_forget_erases_what_was_reported_and_who_blocks_the_bot_is_only_dropped(chats):
    for chat in (CHAT, OTHER):
        await chats.placed(chat=chat)
        await chats.command("De l’eau", chat)
        await chats.placed(chat=chat)
    [mine], [theirs] = await chats.reports(CHAT), await chats.reports(OTHER)
    assert "aussi effacé" in await chats.command("/forget")
    await chats.presses("f:yes")
    who = {"chat": {"id": OTHER, "type": "private"}, "from": {"id": OTHER}}
    await chats.handle({"my_chat_member": {**who, "new_chat_member": {"status": "kicked"}}})

    def look(unit):
        return [unit.reports.by_id(each.id) for each in (mine, theirs)]

    erased, parted = await chats.house.ask(look)
    assert (erased.text, erased.lat, erased.chat, erased.state) == (None, None, None, ReportState.CLOSED)
    assert (parted.text, parted.chat, parted.state) == ("De l’eau", None, ReportState.RECEIVED)
    assert chats.house.told[-1] == theirs.number
    for table in ("report", "report_step", "report_begun"):
        assert await chats.house.rows(f"SELECT * FROM {table} WHERE chat IS NOT NULL") == []


async def test_help_names_it_only_where_the_town_takes_reports(chats):
    assert "/signaler" in await chats.command("/help")
    assert "/report" in await chats.command("/help", language="en")
    chats.town = TOWN
    assert "/signaler" not in await chats.command("/help")
