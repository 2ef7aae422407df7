"""Public reports: a list with a map, map data, a page for each report, and its photo.

    /reports[?page=2]      the list, newest first, and the map; complete without a script
    /reports.geojson       the same for programs and for the map of the town's page
    /reports/NUMBER        one of them, until fourteen days after its end
    /reports/NUMBER.jpg    its photo, once an officer released it

All public data is a `Pin` (`alerts.reports.public`): no place nearer than 100 m, no hour, nobody. It is read once in
some seconds, however many visit, and is as cheap to serve as a file. A report that an officer withholds is gone from
here within those seconds, and from caches within a minute: each of them has to revalidate.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiohttp import web
from babel import Locale
from babel.dates import format_date

from alerts.desk.publicity import CurrentIncidents
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.remembered import Lately
from alerts.model.reports import Closing, ReportKind, ReportState
from alerts.model.town import Town
from alerts.rendering.i18n import Words
from alerts.rendering.moments import with_ordinal
from alerts.reports.intake import ReportIntake
from alerts.reports.photos import size_of
from alerts.reports.public import Pin, leads_to, one_pin, photo_shown, pins
from alerts.reports.spam_checks import is_flood
from alerts.reports.taking import section_of
from alerts.web.public.answers import ANYWHERE, GEOJSON, HTML, JPEG, Cache, CachedResponse, answer, respond
from alerts.web.public.page import Pages, safety, words_of
from alerts.web.public.publisher import Publisher, nothing_there
from alerts.web.public.snapshot import Setting, Snapshot

READ_FOR = timedelta(seconds=4)
"""How long data that was read is served again."""
A_PAGE = 50
"""Reports on a page of the list."""
REPORTS = "reports"
NUMBER = r"{number:[A-Za-z0-9-]{1,40}}"
# Asked for again each time a minute has passed, also where the daemon doesn't answer: what is withheld is to be gone.
_SOON_GONE: Mapping[str, str] = {"Cache-Control": "public, max-age=60, must-revalidate"}
# A withheld report must be gone from caches soon.
_SOON_NEW: Mapping[str, str] = {"Cache-Control": f"public, max-age={READ_FOR.seconds}, must-revalidate"}
_UNSEEN: Mapping[str, str] = {"X-Robots-Tag": "noindex"}


@dataclass(frozen=True, slots=True)
class PinBoard:
    """The reports at one moment: pins, newest first."""

    at: datetime
    pins: tuple[Pin, ...]

    @property
    def count(self) -> int:
        """How many pages list them."""
        return max(1, -(-len(self.pins) // A_PAGE))


class PinPages:
    """The addresses of public reports, for a town that takes reports. `reads` answers queries."""

    def __init__(self, publisher: Publisher, reads: DeskService, intake: ReportIntake) -> None:
        self.publisher = publisher
        self.setting = setting = publisher.setting
        self.pages = {language: Pages(setting, language) for language in setting.languages}
        self._reads = reads
        self._intake = intake
        self._made = Cache()
        self._before: PinBoard | None = None
        self._board = Lately(self._look, reads.now, READ_FOR)
        self._one = Lately(self._find, reads.now, READ_FOR)
        self._photo = Lately(self._find_photo, reads.now, READ_FOR, most=20)

    def routes(self) -> list[web.RouteDef]:
        """All of them, in each language."""
        paths = [self.setting.path(language, REPORTS) for language in self.setting.languages]
        return [
            web.get(f"/{REPORTS}.geojson", self.as_geojson),
            web.get(f"/{REPORTS}/{NUMBER}.jpg", self.photo),
            *(web.get(path, self.list) for path in paths),
            *(web.get(f"{path}/{NUMBER}", self.one) for path in paths),
        ]

    # --- what is answered

    async def as_geojson(self, request: web.Request) -> web.Response:
        """The map."""
        board = await self._board.get("")
        return await self._given("map", board.pins, partial(self._map, board.pins), request)

    async def list(self, request: web.Request) -> web.Response:
        """A page of the list."""
        board, language = await self._board.get(""), self.setting.language_of(request.path)
        page = request.query.get("page", "1")
        if page not in map(str, range(1, board.count + 1)):
            return await nothing_there(self.publisher, request)
        make = partial(self._list, language, int(page), board)
        return await self._given(f"{language} {page}", (board.at, board.pins), make, request)

    async def one(self, request: web.Request) -> web.Response:
        """The page of a report."""
        found = await self.find(request)
        if found is None:
            return await nothing_there(self.publisher, request)
        language, rest = self.setting.language_of(request.path), f"{REPORTS}/{found.number}"
        first = await self._reads.ask(lambda unit: leads_to(unit, self.setting.town, found, unit.now))
        photo = await self._photo.get(found.number) if found.has_photo else None
        size = size_of(photo) if photo is not None else None
        page = partial(self._page, language, "report_shown.html", rest, pin=found, first=first, size=size)
        return await respond(await asyncio.to_thread(page), request)

    async def photo(self, request: web.Request) -> web.Response:
        """The photo of a report."""
        jpeg = await self._photo.get(request.match_info["number"].upper())
        if jpeg is None:
            return await nothing_there(self.publisher, request)
        return await respond(answer(jpeg, JPEG, extra={**_SOON_GONE, **_UNSEEN}), request)

    async def find(self, request: web.Request) -> Pin | None:
        """The report that is asked about, where everybody may see it."""
        return await self._one.get(request.match_info["number"].upper())

    async def _given(
        self, name: str, made_of: object, make: Callable[[], CachedResponse], request: web.Request
    ) -> web.Response:
        found = await self._made.made(name, made_of, make)
        return await respond(found, request) if found is not None else await nothing_there(self.publisher, request)

    # --- what is read

    async def _look(self, _: str) -> PinBoard:
        places, town = await self._intake.places(), self.setting.town

        def ask(unit: DeskUnit) -> tuple[Pin, ...]:
            flooded = is_flood(unit, section_of(town), unit.now)
            return tuple(pins(unit, town, places, unit.now, flooded=flooded))

        self._before = board = self._board_of(await self._reads.ask(ask), self._before)
        return board

    async def _find(self, number: str) -> Pin | None:
        places, town = await self._intake.places(), self.setting.town
        return await self._reads.ask(lambda unit: one_pin(unit, town, places, number, unit.now))

    async def _find_photo(self, number: str) -> bytes | None:
        return await self._reads.ask(lambda unit: photo_shown(unit, self.setting.town, number, unit.now))

    # --- what is made of it

    def _board_of(self, shown: tuple[Pin, ...], before: PinBoard | None) -> PinBoard:
        """A board of these; what would be made of the same is the one before."""
        at = self._reads.now().replace(second=0, microsecond=0)
        if before is not None and before.pins == shown:
            return before if before.at == at else replace(before, at=at)
        return PinBoard(at, shown)

    def _map(self, shown: Sequence[Pin]) -> CachedResponse:
        features = [feature(pin, self.setting) for pin in shown]
        text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
        return answer(text, GEOJSON, extra={**ANYWHERE, **_SOON_NEW})

    def _list(self, language: str, page: int, board: PinBoard) -> CachedResponse:
        here, total = board.pins[(page - 1) * A_PAGE : page * A_PAGE], len(board.pins)
        return self._page(language, "reports_shown.html", REPORTS, pins=here, total=total, page=page, count=board.count)

    def _page(self, language: str, name: str, rest: str, **values: Any) -> CachedResponse:
        text = reported_page(self.pages[language], name, rest, self._reads.now(), **values)
        return answer(text, HTML, extra={**safety(self.setting), **_SOON_NEW, **_UNSEEN})


def reported_page(pages: Pages, name: str, rest: str, now: datetime, **values: Any) -> str:
    """Return a page about public reports, with the words for pins."""
    setting, say = pages.setting, words_of(pages.language)
    return pages.reported(
        name,
        Snapshot(CurrentIncidents(now, (), (), ())),
        rest,
        kind=lambda pin: kind_name(setting.town, pin, pages.language),
        sign=lambda pin: sign_of(setting.town, pin),
        where=lambda pin: where(pin, say),
        state=lambda pin: state_words(pin, say),
        **values,
    )


# --- pins in words


def kind_of(town: Town, pin: Pin) -> ReportKind:
    """The kind of a pin, which is one that the town takes."""
    kind = section_of(town).kind(pin.kind)
    return kind if kind is not None else ReportKind(pin.kind, {})


def kind_name(town: Town, pin: Pin, language: str) -> str:
    """Return its kind's name, in that language."""
    return kind_of(town, pin).name(language)


def sign_of(town: Town, pin: Pin) -> str:
    """The name of its pictogram."""
    named = kind_of(town, pin).pictogram
    return named if named in signs() else "other"


@cache
def signs() -> frozenset[str]:
    """The pictograms that there are."""
    drawn = Path(__file__).with_name("static") / "pictograms.svg"
    return frozenset(re.findall(r'<symbol id="([a-z-]+)"', drawn.read_text(encoding="utf-8")))


def where(pin: Pin, words: Words) -> str:
    """Its street and district, as far as they are known."""
    known = [each for each in (pin.place, pin.district) if each]
    return ", ".join(known) or words.gettext("place known to within 100 m")


def state_words(pin: Pin, words: Words) -> str:
    """How far it is."""
    say: Callable[[str], str] = words.gettext
    if pin.state is ReportState.CLOSED:
        return {
            Closing.NOT_OURS: say("closed: not for the town to deal with"),
            Closing.DUPLICATE: say("closed: already reported"),
            Closing.NOT_FOUND: say("closed: nothing was found there"),
        }.get(pin.closing or Closing.DONE, say("done"))
    return {
        ReportState.ACCEPTED: say("taken up by the town"),
        ReportState.ASSIGNED: say("being dealt with"),
    }.get(pin.state, say("reported by several people, not yet checked by the town"))


def feature(pin: Pin, setting: Setting) -> Mapping[str, Any]:
    """A pin as a feature of GeoJSON; `title` and `pages` are in each language."""
    path = f"/{REPORTS}/{pin.number}"
    return {
        "type": "Feature",
        "id": pin.number,
        "geometry": {"type": "Point", "coordinates": [pin.lon, pin.lat]},
        "properties": {
            "report": pin.number,
            "kind": pin.kind,
            "pictogram": sign_of(setting.town, pin),
            "place": pin.place,
            "district": pin.district,
            "within_metres": 100,
            "day": pin.day.isoformat(),
            "state": pin.state.value,
            "closing": pin.closing.value if pin.closing is not None else None,
            "answer": pin.answer,
            "text": pin.text,
            "photo": setting.address(f"{path}.jpg") if pin.has_photo else None,
            "url": setting.address(path),
            "pages": {each: setting.address(setting.path(each, path[1:])) for each in setting.languages},
            "title": {language: _title(pin, setting, language) for language in setting.languages},
        },
    }


def _title(pin: Pin, setting: Setting, language: str) -> str:
    words = words_of(language)
    day = with_ordinal(format_date(pin.day, "d MMMM y", locale=Locale.parse(language)), pin.day, language)
    return " – ".join([kind_name(setting.town, pin, language), where(pin, words), day, state_words(pin, words)])
