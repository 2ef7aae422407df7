"""A report in a private chat: what, where, and what else there is to say; three taps, and no word has to be written.

What was begun is kept with the chat (`BegunReport`), so a daemon that is killed amidst it loses nothing. It is sent
under a key of its own: an update that is handled twice, as after a kill, makes one report. A photo is fetched when it
is sent, and taken as any photo is; where it can't be, the report goes on without.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from alerts.bot import report_words as said
from alerts.bot.chat import (
    BotReply,
    ChatEvent,
    Command,
    FreeText,
    On,
    Press,
    Say,
    SentLocation,
    SentPhoto,
    TownNow,
    buttons,
    safe,
    words_of,
)
from alerts.bot.officers import language_here
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.errors import DeliveryError, Misuse
from alerts.model.ports import BotClient
from alerts.model.reason import because
from alerts.model.reports import LONGEST_TEXT, BegunReport, CitizenReport, Via
from alerts.rendering.i18n import sentence
from alerts.reports.forgetting import BEGUN_KEPT
from alerts.reports.intake import ReportIntake
from alerts.reports.photos import LARGEST_FILE
from alerts.reports.places import Places
from alerts.reports.public import Pin, nearby
from alerts.reports.taking import ReportDraft, link_of, section_of

JUST_NOW = timedelta(minutes=30)
"""How long a repeated submission is answered as already received."""
MOST_OWN = 100
FETCHED_AT_ONCE = 2
"""Photos that one bot has in memory before they are drawn anew."""


class ChatReports:
    """The reports of one bot's private chats."""

    def __init__(self, channel: str, service: DeskService, intake: ReportIntake, client: BotClient) -> None:
        self._channel = channel
        self._service = service
        self._intake = intake
        self._client = client
        self._fetching = asyncio.Semaphore(FETCHED_AT_ONCE)

    async def answer(self, event: ChatEvent, town: TownNow) -> BotReply | None:
        """Handle an event and return the answer. Returns None if it has nothing to do with a report."""
        match event.what:
            case Command(name="report"):
                return await self._begin(event, town)
            case Command(name="done") if event.private:
                return await self._end(event, town)
            case Press(data=data) if data.startswith(said.PRESSED) and event.private:
                return await self._press(event, event.what, town)
            case Command(name="start") | Press(data="place") if event.private:
                # Who subscribes now sends a place for that.
                await self._give_up(event.chat)
                return None
            case SentLocation() | SentPhoto() | FreeText() if event.private:
                return await self._reported(event, town)
            case _:
                return None

    # --- what it is

    async def _begin(self, event: ChatEvent, town: TownNow) -> BotReply:
        language = await self._language(event, town)
        if not event.private:
            _ = words_of(language).gettext
            return BotReply((Say(_("Report it to me in a private chat: everyone can read this one.")),))
        await self._give_up(event.chat)
        return BotReply((said.ask_kind(section_of(self._intake.town).kinds, language),))

    async def _press(self, event: ChatEvent, press: Press, town: TownNow) -> BotReply:
        language = await self._language(event, town)
        if press.data.startswith(said.KIND):
            return await self._choose(event, press, language)
        begun = await self._begun(event.chat)
        if begun is None:
            words = said.nothing_begun(await self._just_sent(event.chat), language)
            return BotReply((Say(words, buttons(), press.message),))
        if press.data.startswith(said.AGREE):
            return await self._agree(event, press, language)
        if press.data == said.STOP:
            _ = words_of(language).gettext
            await self._give_up(event.chat)
            return BotReply((Say(_("Nothing was reported."), buttons(), press.message),))
        return await self._send(event, begun, town, language, edit=press.message)

    async def _choose(self, event: ChatEvent, press: Press, language: str) -> BotReply:
        kind = section_of(self._intake.town).kind(press.data.removeprefix(said.KIND))
        if kind is None:
            return BotReply((Say(said.nothing_begun(None, language), buttons(), press.message),))
        if kind.stop is not None:
            await self._give_up(event.chat)
            return BotReply((said.ended(kind, press.message),))

        def begin(unit: DeskUnit) -> None:
            unit.report_chats.begin(BegunReport(self._channel, event.chat, unit.new_id(), kind.code, unit.now))

        await self._service.keep(begin)
        places = await self._intake.places()
        return BotReply((said.chosen(kind, language, press.message), _where(places, language)))

    # --- where it is, and what else there is to say

    async def _reported(self, event: ChatEvent, town: TownNow) -> BotReply | None:
        begun = await self._begun(event.chat)
        if begun is None:
            return await self._late(event, town)
        language, what = await self._language(event, town), event.what
        if isinstance(what, SentLocation):
            return await self._place(replace(begun, lat=what.latitude, lon=what.longitude, place=None), town, language)
        if begun.lat is None:
            return await self._address(begun, what.text if isinstance(what, FreeText) else "", town, language)
        if isinstance(what, SentPhoto):
            return await self._send(event, begun, town, language, photo=what)
        if isinstance(what, FreeText) and what.text:
            return await self._send(event, replace(begun, text=what.text), town, language)
        return BotReply((said.ask_more(language),))

    async def _address(self, begun: BegunReport, text: str, town: TownNow, language: str) -> BotReply:
        places = await self._intake.places()
        if not text or not places.addresses:
            return BotReply((_where(places, language),))
        try:
            found = await self._intake.placed(ReportDraft(begun.kind, Via.BOT, "", address=text))
        except Misuse as error:
            return BotReply((Say(_refused(error, town, language)), _where(places, language)))
        return await self._place(replace(begun, lat=found.lat, lon=found.lon, place=found.address), town, language)

    async def _place(self, begun: BegunReport, town: TownNow, language: str) -> BotReply:
        places = await self._intake.places()
        lat, lon = begun.lat or 0.0, begun.lon or 0.0
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return BotReply((_where(places, language),))
        begun = replace(begun, place=begun.place or places.nearest(lat, lon), at=self._service.now())

        def put(unit: DeskUnit) -> None:
            unit.report_chats.begin(begun)

        await self._service.keep(put)
        is_here = await asyncio.to_thread(places.is_here, lat, lon)
        here = said.place_found(begun, language, is_here=is_here)
        before, also = await self._known(begun, places, town, language)
        return BotReply((here, said.ask_more(language, before, also)))

    async def _known(
        self, begun: BegunReport, places: Places, town: TownNow, language: str
    ) -> tuple[str, list[tuple[str, str]]]:
        """Return the facts to read before writing: the current alert, and others' reports there."""
        station = self._intake.town
        lat, lon = begun.lat or 0.0, begun.lon or 0.0

        def look(unit: DeskUnit) -> tuple[str | None, list[Pin]]:
            near = nearby(unit, station, places, begun.kind, lat, lon, unit.now)
            # Nobody has to confirm a report of their own.
            own = {each.id for each in unit.reports.of_chat(begun.channel, begun.chat, MOST_OWN)}
            incident = near.incident.incident_id if near.incident is not None else None
            return incident, [each for each in near.reports if each.id not in own]

        incident, pins = await self._service.ask(look)
        on = on_now(town, incident, language)
        kind = section_of(station).kind(begun.kind)
        name = kind.name(language) if kind is not None else begun.kind
        also = [(f"{each.place or name}, {each.day:%d/%m}", each.id) for each in pins]
        return said.known(on, language) if on is not None else "", also

    # --- its end

    async def _end(self, event: ChatEvent, town: TownNow) -> BotReply:
        language, begun = await self._language(event, town), await self._begun(event.chat)
        if begun is None:
            return BotReply((Say(said.nothing_begun(await self._just_sent(event.chat), language)),))
        return await self._send(event, begun, town, language)

    async def _send(
        self,
        event: ChatEvent,
        begun: BegunReport,
        town: TownNow,
        language: str,
        *,
        photo: SentPhoto | None = None,
        edit: int | None = None,
    ) -> BotReply:
        if begun.lat is None:
            return BotReply((_where(await self._intake.places(), language),))
        text = begun.text if photo is None else photo.text or begun.text
        try:
            content = await self._fetch(photo) if photo is not None else None
            taken = await self._intake.take(_draft(begun, text, content, language))
        except Misuse as error:
            return await self._keep_on(replace(begun, text=text), _refused(error, town, language), language)
        await self._give_up(event.chat)
        station = self._intake.town
        url = link_of(station, taken.report.number, taken.token) if station.public_url else None
        return BotReply((said.sent(taken.report, url, on_now(town, taken.incident, language), language, edit),))

    async def _keep_on(self, begun: BegunReport, why: str, language: str) -> BotReply:
        """It can't be taken so, as with a photo that is none: say why, and let it be sent without."""
        kept = replace(begun, at=self._service.now(), text=begun.text if len(begun.text) <= LONGEST_TEXT else "")

        def put(unit: DeskUnit) -> None:
            unit.report_chats.begin(kept)

        await self._service.keep(put)
        return BotReply((said.ask_more(language, why),))

    async def _agree(self, event: ChatEvent, press: Press, language: str) -> BotReply:
        _ = words_of(language).gettext
        try:
            counts = await self._intake.agree(press.data.removeprefix(said.AGREE), _source(event.chat))
        except Misuse:
            counts = False
        await self._give_up(event.chat)
        thanks = _("Thank you. Your report has been added to the others.")
        words = thanks if counts else _("You had already said so, or the town has closed it.")
        return BotReply((Say(words, buttons(), press.message),))

    async def _late(self, event: ChatEvent, town: TownNow) -> BotReply | None:
        """A photo that follows a report which was just sent, as the second of an album, is no question to the town."""
        if not isinstance(event.what, SentPhoto) or (sent := await self._just_sent(event.chat)) is None:
            return None
        if event.what.album is not None:
            return BotReply()
        return BotReply((Say(said.nothing_begun(sent, await self._language(event, town))),))

    async def _fetch(self, photo: SentPhoto) -> bytes:
        """Its file. Raises Misuse where it can't be had, with what to say about it."""
        if photo.size is not None and photo.size > LARGEST_FILE:
            size = round(photo.size / 1e6, 1)
            raise Misuse(because("photo_too_large", size=size, most=LARGEST_FILE // 1_000_000))
        async with self._fetching:
            try:
                return await self._client.fetch(photo.file, LARGEST_FILE)
            except DeliveryError:
                raise Misuse(because("photo_unfetched")) from None

    # --- what is kept

    async def _begun(self, chat: int) -> BegunReport | None:
        def look(unit: DeskUnit) -> BegunReport | None:
            begun = unit.report_chats.begun(self._channel, chat)
            return begun if begun is not None and unit.now - begun.at < BEGUN_KEPT else None

        return await self._service.ask(look)

    async def _give_up(self, chat: int) -> None:
        """It is sent, or isn't to be."""
        if await self._service.ask(lambda unit: unit.report_chats.begun(self._channel, chat)) is not None:
            await self._service.keep(lambda unit: unit.report_chats.end(self._channel, chat))

    async def _just_sent(self, chat: int) -> CitizenReport | None:
        def look(unit: DeskUnit) -> CitizenReport | None:
            newest = next(iter(unit.reports.of_chat(self._channel, chat, 1)), None)
            return newest if newest is not None and unit.now - newest.received_at < JUST_NOW else None

        return await self._service.ask(look)

    async def _language(self, event: ChatEvent, town: TownNow) -> str:
        return await self._service.ask(lambda unit: language_here(unit, self._channel, event, town))


def on_now(town: TownNow, incident: str | None, language: str) -> On | None:
    """Return the public form of a current alert. Returns None if that incident has none."""
    on = town.on.get(language) or next(iter(town.on.values()), ())
    return next((each for each in on if incident and each.incident == incident), None)


def _source(chat: int) -> str:
    """Return the source's name: a person has one number with every bot, so one person is no two sources."""
    return f"chat telegram:{chat}"


def _draft(begun: BegunReport, text: str, photo: bytes | None, language: str) -> ReportDraft:
    return ReportDraft(
        begun.kind,
        Via.BOT,
        _source(begun.chat),
        lat=begun.lat,
        lon=begun.lon,
        address=begun.place,
        text=text,
        photo=photo,
        language=language,
        key=f"{begun.channel} {begun.chat} {begun.key}",
        chat=(begun.channel, begun.chat),
    )


def _where(places: Places, language: str) -> Say:
    return said.ask_place(language, by_address=bool(places.addresses))


def _refused(error: Misuse, town: TownNow, language: str) -> str:
    return safe(sentence(error.reason, language, town.zone))
