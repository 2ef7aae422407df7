"""The page, the part beside the form, and the second page, as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from alerts.model.hazard import Hazard
from alerts.model.incident import SavedDraft
from alerts.rendering.prepared import Prepared
from alerts.web.console.compose.fields import LONGEST, lines, several, text
from alerts.web.console.compose.keeping import MOST, UNTOUCHED
from alerts.web.console.compose.page import Page
from alerts.web.console.compose.reading import EVERYWHERE
from alerts.web.console.compose.view import Beside, beside, choices, draft_title, hazard_buttons
from alerts.web.console.compose.wording import Voice, confirm_words
from alerts.web.console.frame import BASE, Console, visitor_of


class Showing:
    """Makes the pages of this part."""

    def __init__(self, console: Console) -> None:
        self._frame = console.frame
        self._service = console.service
        self._tiles = console.rules.tiles

    def voice(self, request: web.Request) -> Voice:
        """Who is spoken to."""
        station = self._frame.station
        return Voice(self._frame.words(request), station.timezone, station.name, self._service.now())

    def page(
        self,
        request: web.Request,
        page: Page,
        drafts: Sequence[SavedDraft],
        prepared: Mapping[Hazard, Prepared],
    ) -> web.Response:
        """The form, with what stands beside it; the hazards alone where nothing was chosen yet."""
        voice, problems = self.voice(request), dict(page.problems)
        if page.refusal is not None:
            problems[""] = voice.why(page.refusal.reason)
        return self._frame.page(
            request,
            "compose.html",
            status=422 if problems and request.method == "POST" and not page.saved else 200,
            sheet=page,
            problems=problems,
            wrong=_Wrong(problems),
            f=_Values(page),
            beside=self._beside(request, page),
            address=_address(page),
            account=visitor_of(request).account.name,
            **self._offered(page, prepared, voice),
            **_listed(page, drafts, prepared, voice),
        )

    def _offered(self, page: Page, prepared: Mapping[Hazard, Prepared], voice: Voice) -> dict[str, Any]:
        """What can be chosen."""
        station = self._frame.station
        return {
            "hazards": hazard_buttons(prepared, station.hazards, voice),
            "choices": choices(voice),
            "districts": station.territory.districts,
            "everywhere": EVERYWHERE,
            "outlets": [each for each in station.outlets if each.public and each.exercise is page.exercise],
            "tiles": self._tiles,
            "longest": LONGEST,
        }

    def fragment(self, request: web.Request, page: Page) -> Mapping[str, Any]:
        """What a script puts beside the form."""
        shown = self._beside(request, page)
        html = self._frame.text(request, "compose_beside.html", sheet=page, beside=shown)
        told = self.voice(request).words.gettext("Until %(until)s", until=shown.until) if shown.until else ""
        return {"html": html, "button": shown.button, "problems": page.problems, "until": told, "grave": shown.grave}

    def confirmation(self, request: web.Request, page: Page, hidden: Mapping[str, str]) -> web.Response:
        """The page that is read before something grave goes out."""
        voice = self.voice(request)
        return self._frame.page(
            request,
            "compose_confirm.html",
            sheet=page,
            beside=self._beside(request, page),
            followers=voice.number(page.followers) if page.followers is not None else None,
            channels=page.rehearsal.channels,
            button=confirm_words(page.rehearsal, voice, exercise=page.exercise),
            alert=page.rehearsal.alert,
            hidden=hidden,
            address=_address(page),
        )

    def _beside(self, request: web.Request, page: Page) -> Beside:
        return beside(page.wish, page.rehearsal, page.followers, self.voice(request), self._frame.station)


def _listed(
    page: Page, drafts: Sequence[SavedDraft], prepared: Mapping[Hazard, Prepared], voice: Voice
) -> dict[str, Any]:
    """The other drafts, and how long they are kept."""
    others = [(each, draft_title(each.fields, prepared, voice)) for each in drafts if each.id != page.identity]
    return {"drafts": others, "most_drafts": MOST, "draft_days": UNTOUCHED.days}


class _Wrong(dict[str, str]):
    """What is wrong with each field, in a template; nothing with the others."""

    def __missing__(self, name: str) -> None:
        return None


class _Values:
    """The fields as a template asks for them."""

    def __init__(self, page: Page) -> None:
        self._fields = page.fields

    def __call__(self, name: str) -> str:
        value = self._fields.get(name, "")
        return value if isinstance(value, str) else ""

    def all(self, name: str) -> tuple[str, ...]:
        """What was ticked."""
        return several(self._fields, name)

    def lines(self, name: str) -> tuple[str, ...]:
        """The lines of a field."""
        return lines(self._fields, name)

    def any(self, *names: str) -> bool:
        """Whether one of these fields holds something."""
        return any(text(self._fields, name) or several(self._fields, name) not in ((), ("",)) for name in names)


def _address(page: Page) -> str:
    """The form's own address; an exercise's differs from the real one's."""
    return f"{BASE}/compose?exercise=1" if page.exercise else f"{BASE}/compose"
