"""What the compose page does with a service: opens a form, keeps it, looks at what it comes to, files it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from alerts.desk.amending import goes_on_from
from alerts.desk.approve import find_alert
from alerts.desk.service import DeskService, DeskUnit
from alerts.model.errors import Forbidden, Misuse
from alerts.model.hazard import Hazard
from alerts.model.incident import SavedDraft, StoredAlert, Typed, new_id
from alerts.model.person import MAY, Act, Actor
from alerts.model.reason import Reason, because
from alerts.rendering.prepared import Prepared
from alerts.web.console.compose.fields import LONGEST, Fields, digest, text, too_long
from alerts.web.console.compose.keeping import Older, Sheet, draft_of, is_identity, keep
from alerts.web.console.compose.page import Page, Tapped
from alerts.web.console.compose.prefill import adapted, another_hazard, another_severity, fields_of, prepared_fields
from alerts.web.console.compose.reading import OTHER, Ground, read_form
from alerts.web.console.compose.rehearsal import file_wish, reached, rehearse
from alerts.web.console.compose.showing import Showing
from alerts.web.console.compose.turns import Turns
from alerts.web.console.compose.view import ends_at, is_grave
from alerts.web.console.frame import BASE, Console, visitor_of

_ABSOLUTE = re.compile(r"\d{4}-")


class Composer:
    """One for all visitors; what belongs to one of them is in their `Page`."""

    def __init__(self, console: Console) -> None:
        self.service: DeskService = console.service
        self._station = console.frame.station
        self._prepared: dict[str, Mapping[Hazard, Prepared]] = {}
        self._showing = Showing(console)
        self._turns = Turns()

    def must_write(self, request: web.Request) -> Actor:
        """Who asks. Raises Forbidden for those who may not post."""
        actor = visitor_of(request).actor
        if not actor.may(Act.POST):
            raise Forbidden(
                because("role_too_low", name=actor.name, role=actor.role, act=Act.POST, needed=MAY[Act.POST])
            )
        return actor

    async def open(self, request: web.Request) -> Page:
        """The page that an address asks for."""
        query = request.query
        page = await self.reopen(request, query.get("draft") or new_id())
        if page.kept_at is None and (name := query.get("update")):
            await self._begin_update(page, await self._found(name))
        if page.kept_at is None and query.get("exercise"):
            page.fields["exercise"] = "1"
        hazard = query.get("hazard", "")
        if page.kept_at is None and hazard in set(Hazard):
            prepared = await self.prepared(self._station.language)
            page.fields |= prepared_fields(prepared[Hazard(hazard)])
        page.chosen = page.kept_at is not None or page.about is not None or hazard in set(Hazard)
        return page

    async def reopen(self, request: web.Request, identity: str) -> Page:
        """One's own draft of that id, or an empty page that would be kept under it. Raises Forbidden."""
        actor = self.must_write(request)
        page = Page(identity if is_identity(identity) else new_id())

        def question(unit: DeskUnit) -> tuple[SavedDraft | None, StoredAlert | None]:
            kept = draft_of(unit, actor, page.identity)
            about = _about_of(kept)
            return kept, find_alert(unit.alerts, about) if about else None

        kept, about = await self.service.ask(question)
        if kept is not None:
            page.take(kept)
            page.fields = adapted(kept.fields, self._station)
            page.chosen = True
        if about is not None:
            await self._begin_update(page, about, typed=True)
        return page

    async def changed_by(self, request: web.Request, sheet: Sheet, do: str) -> Sheet:
        """The form after a button: another hazard, no picture; and with the order that its severity asks for.

        What isn't grave goes out at the button, unread: there what stands in the form stays, and the checks tell it.
        """
        name, _, value = do.partition(":")
        if name != "hazard" and (do != "publish" or is_grave(sheet.fields)):
            sheet = replace(sheet, fields=await self._with_its_order(sheet.fields))
        if do == "no-picture":
            return replace(sheet, fields={**sheet.fields, "picture": "", "alt": ""})
        if name != "hazard" or value not in set(Hazard):
            return sheet
        self.must_write(request)
        prepared, before = await self.prepared(self._station.language), text(sheet.fields, "hazard")
        old = prepared[Hazard(before)] if before in set(Hazard) else None
        return replace(sheet, fields=another_hazard(sheet.fields, old, prepared[Hazard(value)]))

    async def _with_its_order(self, fields: Fields) -> dict[str, Typed]:
        prepared, hazard = await self.prepared(self._station.language), text(fields, "hazard")
        return another_severity(fields, prepared[Hazard(hazard)] if hazard in set(Hazard) else None)

    async def keep_form(self, request: web.Request, sheet: Sheet) -> Page:
        """Keep what a form sent; where a newer version is kept already, as a copy beside it.

        What is too long to be kept is only shown again.
        """
        actor = self.must_write(request)
        if not is_identity(sheet.identity):
            sheet = replace(sheet, identity=new_id())
        about = await self._about(actor, sheet)
        page = Page(sheet.identity, sheet.revision, dict(sheet.fields), chosen=True)
        if not too_long(sheet.fields):
            await self._keep(actor, sheet, page)
        if about is not None:
            await self._begin_update(page, about, typed=True)
        return page

    async def _keep(self, actor: Actor, sheet: Sheet, page: Page) -> None:
        try:
            kept = await self.service.act(lambda unit: keep(unit, actor, sheet))
        except Older:
            copy = replace(sheet, identity=new_id(), revision=1)
            kept = await self.service.act(lambda unit: keep(unit, actor, copy))
            page.notice = "copy"
        page.take(kept)

    async def keep_script(self, request: web.Request, sheet: Sheet) -> Mapping[str, Any]:
        """Keep what a script sent. Raises Older, and Misuse in the reader's words."""
        actor, voice = self.must_write(request), self._showing.voice(request)
        if too_long(sheet.fields):
            raise Misuse(voice.words.gettext("Not saved: a field holds more than %(most)s characters.", most=LONGEST))
        about = await self._about(actor, sheet)
        named = replace(sheet, about=about.id if about else None)
        kept = await self.service.act(lambda unit: keep(unit, actor, named, by_script=True))
        return {**_state(kept), "at": voice.time(kept.updated_at)}

    def why(self, request: web.Request, reason: Reason) -> str:
        """A reason in the reader's language."""
        return self._showing.voice(request).why(reason)

    async def state(self, request: web.Request, identity: str) -> Mapping[str, Any]:
        """What is kept of a draft, for a script that comes back."""
        actor = self.must_write(request)
        kept = await self.service.ask(lambda unit: draft_of(unit, actor, identity))
        return _state(kept) if kept else {"revision": 0, "alert": None, "address": None}

    async def discard(self, request: web.Request, identity: str) -> None:
        """Throw one's own draft away; one that was posted stays, for the sake of a second press."""
        actor = self.must_write(request)

        def action(unit: DeskUnit) -> None:
            kept = draft_of(unit, actor, identity)
            if kept is not None and kept.alert_id is None:
                unit.drafts.drop_draft(identity)

        await self.service.act(action)

    async def read(self, request: web.Request, page: Page) -> None:
        """Read the form and rehearse it, once for each page."""
        if page.reading is not None:
            return
        actor, voice = self.must_write(request), self._showing.voice(request)
        ground = Ground(self._station, self.service.now(), self.service.picture)
        page.reading = read_form(page.fields, ground, voice.words.gettext, voice.why)
        page.problems |= page.reading.problems
        page.rehearsal = await rehearse(self.service, self._station, actor, page.wish)
        page.followers = reached(page.rehearsal.channels, await self.service.channels())

    async def answer(self, request: web.Request, page: Page) -> web.Response:
        """The page."""
        told = dict(page.problems)
        await self.read(request, page)
        if request.method == "GET" and page.kept_at is None:
            page.problems = told  # nobody is told of errors in a form that they didn't touch yet
        drafts = await self._drafts(request)
        prepared = await self.prepared(self._showing.voice(request).words.language)
        return self._showing.page(request, page, drafts, prepared)

    async def preview(self, request: web.Request, sheet: Sheet) -> Mapping[str, Any] | None:
        """What stands beside the form, and what is wrong with it, for a script; None where it asked anew meanwhile."""
        session = visitor_of(request).session.digest
        return await self._turns.take(session, sheet.identity, lambda: self._preview(request, sheet))

    async def _preview(self, request: web.Request, sheet: Sheet) -> Mapping[str, Any]:
        actor = self.must_write(request)
        page = Page(sheet.identity, fields=await self._with_its_order(sheet.fields))
        fitted = {name: value for name, value in page.fields.items() if value != sheet.fields.get(name)}
        about = await self._about(actor, sheet)
        if about is not None:
            await self._begin_update(page, about, typed=True)
        await self.read(request, page)
        return {**self._showing.fragment(request, page), "fields": fitted}

    async def ask_once_more(self, request: web.Request, page: Page, *, again: bool) -> web.Response:
        """The page that is read before something grave goes out; what nobody would get is shown as it stands."""
        if page.rehearsal.refusal or page.rehearsal.lacks:
            voice = self._showing.voice(request)
            page.problems |= {lack.field: voice.why(lack.reason) for lack in page.rehearsal.lacks}
            return await self.answer(request, page)
        typed, ends = text(page.fields, "expires"), ends_at(page.rehearsal)
        infos = page.rehearsal.alert.infos if page.rehearsal.alert else ()
        onset = infos[0].onset if infos else None
        frozen = {
            "expires": typed if _ABSOLUTE.match(typed) or ends is None else ends.isoformat(),
            "onset": onset.isoformat() if onset and not _ABSOLUTE.match(text(page.fields, "onset")) else "",
        }
        seen = digest(page.fields, frozen["onset"], frozen["expires"], str(page.rehearsal.channels))
        return self._showing.confirmation(request, page, {**frozen, "seen": seen, "again": "1" if again else ""})

    async def is_what_was_read(self, request: web.Request, page: Page, frozen: Mapping[str, str], seen: str) -> bool:
        """Whether this is what the second page showed: the same words, times and channels."""
        await self.read(request, page)
        return seen == digest(page.fields, frozen["onset"], frozen["expires"], str(page.rehearsal.channels))

    def frozen(self, page: Page, times: Mapping[str, str]) -> None:
        """Let the times count that were read, not the same spans from now."""
        told = {name: value for name, value in times.items() if value}
        page.fields = {**page.fields, "span": OTHER, **told}
        page.reading = None

    async def file(self, request: web.Request, page: Page, *, again: bool) -> str:
        """File it and mark the draft as posted, at once; the id of the alert that came of it, now or before."""
        await self.read(request, page)
        actor, wish = self.must_write(request), page.wish

        def action(unit: DeskUnit) -> str:
            kept = draft_of(unit, actor, page.identity)
            if kept is None:
                raise Misuse(because("draft_thrown_away"))
            if kept.alert_id is not None:
                return kept.alert_id
            filed = file_wish(unit, actor, wish, again=again)
            if not filed.fresh:
                raise Tapped(filed.record.id)
            unit.drafts.put_draft(replace(kept, alert_id=filed.record.id, updated_at=unit.now))
            return filed.record.id

        return await self.service.act(action)

    def picture_words(self, request: web.Request) -> str:
        """What is wrong with a picture that was refused."""
        return self._showing.voice(request).words.gettext("Allowed: a JPEG or PNG picture of up to 5 MB.")

    def districts(self) -> Mapping[str, Any]:
        """The outlines of the districts, as GeoJSON."""
        features = [
            {"type": "Feature", "properties": {"code": each.code, "name": each.name}, "geometry": dict(each.outline)}
            for each in self._station.territory.districts
        ]
        return {"type": "FeatureCollection", "features": features}

    async def prepared(self, language: str) -> Mapping[Hazard, Prepared]:
        """What is prepared, in that language; the files are read once."""
        if language not in self._prepared:
            found = await self.service.sketch(lambda unit: unit.desk.every_prepared(language))
            self._prepared[language] = found
        return self._prepared[language]

    async def _drafts(self, request: web.Request) -> list[SavedDraft]:
        actor = self.must_write(request)
        return list(await self.service.ask(lambda unit: unit.drafts.drafts(actor.name)))

    async def _about(self, actor: Actor, sheet: Sheet) -> StoredAlert | None:
        """The alert that a sheet changes: what its draft says, else what the page says."""

        def question(unit: DeskUnit) -> StoredAlert | None:
            kept = draft_of(unit, actor, sheet.identity)
            name = _about_of(kept) or sheet.about
            return find_alert(unit.alerts, name) if name else None

        return await self.service.ask(question)

    async def _found(self, name: str) -> StoredAlert:
        return await self.service.ask(lambda unit: find_alert(unit.alerts, name))

    async def _begin_update(self, page: Page, about: StoredAlert, *, typed: bool = False) -> None:
        """Lay what stands into the form. One that was typed from older words keeps them, and is told of the newer."""

        def question(unit: DeskUnit) -> tuple[StoredAlert, bool]:
            stands = goes_on_from(unit.alerts, about, ends=False)
            order = [record.id for record in unit.alerts.incident(about.incident_id)]
            return stands, order.index(stands.id) > order.index(about.id)

        stands, is_newer = await self.service.ask(question)
        if typed and is_newer:
            page.newer = stands
        else:
            about = stands
        page.about = about
        page.before = fields_of(about, self._station, self.service.picture)
        if not typed:
            page.fields = dict(page.before)
        if page.before.get("exercise"):
            page.fields["exercise"] = "1"


def _about_of(kept: SavedDraft | None) -> str | None:
    """The alert that a draft is about. One that was kept from a form as it came has it among its fields."""
    return (kept.about or text(kept.fields, "about") or None) if kept is not None else None


def _state(kept: SavedDraft) -> Mapping[str, Any]:
    return {
        "revision": kept.revision,
        "alert": kept.alert_id,
        "address": f"{BASE}/alerts/{kept.alert_id}" if kept.alert_id else None,
    }
