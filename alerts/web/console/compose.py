"""Composing an alert: one page, with a preview of each channel's post as it is typed, and no typed word ever lost.

    GET  /compose               the page: ?draft=ID, ?hazard=wind, ?like=ALERT, ?update=ALERT, ?exercise=1
    POST /compose               a button of the form: save, preview, another hazard, publish
    POST /compose/confirm       a grave alert, once it was read
    POST /compose/discard       deletes a draft
    POST /compose/preview       as it is typed: the part next to the form
    GET, POST /compose/draft    as it is typed: the saved draft, and saving it
    POST /compose/picture       a picture, stored at once

Each request makes a `Page`: from the saved draft, from an alert to be updated, or empty. Whatever the button, its form
is saved as a draft first (`drafts`). Then it is read (`form`) and rehearsed (`rehearsal`), once for each page. To
publish files it and marks the draft as posted in one transaction, so that a second press finds the alert of the first.
A Severe or Extreme alert is read once more on a page of its own, and is published only as it was read there.

`Composer` is one class because its addresses are short and share the long parts: how a page begins (`_reopen`,
`_keep_form`, `_begin_update`), how it is read, and how it is answered. The operators' desk has the same, but for the
rehearsal and the publishing (`alerts.fleet.dispatch_pages`). Parts without a request are separate: `drafts`, `form`,
`rehearsal`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import hdrs, web

from alerts.desk.approve import find_alert
from alerts.desk.draft import LARGEST_PICTURE, picture_kind
from alerts.desk.officer import current_version
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Forbidden, Misuse, TocsinError
from alerts.model.hazard import Hazard
from alerts.model.incident import SavedDraft, StoredAlert, Typed, new_id
from alerts.model.person import MAY, Act, Actor
from alerts.model.reason import because
from alerts.web.console.blanks import blanks_in, with_usual
from alerts.web.console.compose_view import (
    Offered,
    Page,
    Tapped,
    beside_fragment,
    blanks_fragments,
    confirmation_page,
    form_page,
    is_grave,
    lacks_of,
    voice_of,
)
from alerts.web.console.drafts import (
    OlderDraft,
    PostedForm,
    Usual,
    adapted,
    another_hazard,
    as_last_time,
    draft_of,
    fields_of_alert,
    fitting,
    is_identity,
    keep,
    last_fillings,
    prepared_fields,
    usual_of,
)
from alerts.web.console.entering import json_of, uploaded
from alerts.web.console.form import (
    LONGEST,
    OTHER,
    Fields,
    FormContext,
    digest,
    read_form,
    text,
    too_long,
    typed,
    typed_in_json,
)
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.previews import PreviewQueue, reaches_of
from alerts.web.console.rehearsal import WishRehearsal, file_wish, reached, rehearse
from alerts.web.posted import must_exist, read_posted, received

T = TypeVar("T")
_AT = f"{BASE}/compose"
# A date and time, rather than a span such as `6h`.
_ABSOLUTE = re.compile(r"\d{4}-")
_PICTURES = {"jpg": "image/jpeg", "png": "image/png"}


def routes(console: Console) -> list[web.RouteDef]:
    """The addresses of the page."""
    return routes_of(Composer(console))


def routes_of(page: Composer) -> list[web.RouteDef]:
    """The same of a page that is made already."""
    return [
        web.get("/compose", page.show),
        web.post("/compose", page.press),
        web.post("/compose/confirm", page.confirm),
        web.post("/compose/discard", page.discard),
        web.post("/compose/preview", page.preview),
        web.get("/compose/draft", page.kept),
        web.post("/compose/draft", page.keep),
        web.post("/compose/picture", page.upload),
        web.get("/compose/pictures/{name}", page.picture),
        web.get("/districts.geojson", page.districts),
    ]


class Composer:
    """One for all visitors; what belongs to one of them is in their `Page`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._service = console.service
        self._station = console.frame.station
        self._turns = PreviewQueue()

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The page that an address asks for."""
        page, query = await self._reopen(request, request.query.get("draft") or new_id()), request.query
        hazard = query.get("hazard", "")
        # A draft that is kept comes before what the address asks for: a reload must not lay a prepared text over typed
        # words.
        if page.kept_at is None:
            if name := query.get("update"):
                await self._begin_update(page, await self._service.ask(lambda unit: find_alert(unit.alerts, name)))
            if query.get("exercise"):
                page.fields["exercise"] = "1"
            if model := query.get("like"):
                await self._begin_like(page, await self._service.ask(lambda unit: find_alert(unit.alerts, model)))
            if hazard in set(Hazard):
                prepared = (await self._console.prepared(self._station.language))[Hazard(hazard)]
                page.fields |= with_usual(prepared_fields(prepared), self._station)
        page.chosen = page.chosen or page.about is not None or hazard in set(Hazard)
        return _sent_on(page.alert_id) if page.alert_id else await self._answer(request, page)

    async def press(self, request: web.Request) -> web.StreamResponse:
        """A button of the form. Whatever it is, what was typed is kept first."""
        form = await read_posted(request)
        posted, problems = await self._posted(request, form)
        actor = self._must_write(request)
        do = str(form.get("do", "preview"))
        page = await self._keep_form(actor, await self._changed_by(posted, do))
        page.problems.update(problems)
        # A second press, or the browser's way back: the draft is posted already, so its alert is shown.
        if page.alert_id:
            return _sent_on(page.alert_id)
        if do == "publish" and not page.problems:
            return await self._publish(request, page, again=bool(form.get("again")))
        page.saved = do == "save" and not page.problems and page.kept_at is not None
        return await self._answer(request, page)

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """The button of the second page: what goes out is what was read there, or it is shown anew."""
        form = await read_posted(request)
        page = await self._reopen(request, str(form.get("draft", "")))
        if page.alert_id:
            return _sent_on(page.alert_id)
        times = {name: str(form.get(name, "")) for name in ("onset", "expires")}
        await self._read(request, page)
        if str(form.get("seen", "")) != _seen(page, times):
            page.notice = "changed"
            return await self._publish(request, page, again=False)
        # The times that were read are the ones that count, not the same spans from now.
        page.fields = {**page.fields, "span": OTHER, **{name: value for name, value in times.items() if value}}
        # The first reading took the spans, so it is read once more with these times.
        page.reading = None
        return await self._file(request, page, again=bool(form.get("again")))

    async def discard(self, request: web.Request) -> web.StreamResponse:
        """Throw one's own draft away; one that was posted stays, for the sake of a second press."""
        actor, identity = self._must_write(request), str((await read_posted(request)).get("draft", ""))

        def action(unit: DeskUnit) -> None:
            kept = draft_of(unit, actor, identity)
            if kept is not None and kept.alert_id is None:
                unit.drafts.drop_draft(identity)

        await self._service.act(action)
        raise web.HTTPSeeOther(_AT)

    async def preview(self, request: web.Request) -> web.StreamResponse:
        """Return the preview and the faults of a form that a script sends while it is typed."""
        said, session = await json_of(request), visitor_of(request).session.digest
        posted = PostedForm(str(said.get("draft", "")), 0, typed_in_json(said.get("fields")), _named(said, "about"))
        seen = await self._turns.take(
            session, posted.identity, lambda: self._preview(request, posted, said.get("blanks"))
        )
        return web.json_response(seen) if seen is not None else web.json_response({"error": "overtaken"}, status=409)

    async def kept(self, request: web.Request) -> web.StreamResponse:
        """Return the saved draft, for a script that comes back."""
        actor, identity = self._must_write(request), request.query.get("draft", "")
        kept = await self._service.ask(lambda unit: draft_of(unit, actor, identity))
        return web.json_response(_state(kept) if kept else {"revision": 0, "alert": None, "address": None})

    async def keep(self, request: web.Request) -> web.StreamResponse:
        """Keep what a script sent; 409 has what is kept where that is newer."""
        said, voice = await json_of(request), voice_of(self._console, request)
        revision, identity = said.get("revision"), str(said.get("draft", ""))
        if not is_identity(identity) or not isinstance(revision, int) or not 0 < revision < 2**31:
            return web.json_response({"error": voice.why(because("draft_unnamed"))}, status=400)
        posted = PostedForm(identity, revision, typed_in_json(said.get("fields")), _named(said, "about"))
        actor = self._must_write(request)
        if too_long(posted.fields):
            message = voice.words.gettext("Not saved: a field holds more than %(most)s characters.", most=LONGEST)
            return web.json_response({"error": message}, status=422)
        try:
            about = await self._about(actor, posted)
            named = replace(posted, about=about.id if about else None)
            kept = await self._service.act(lambda unit: keep(unit, actor, named, by_script=True))
        except OlderDraft as older:
            return web.json_response({"revision": older.kept.revision, "fields": dict(older.kept.fields)}, status=409)
        except Misuse as misuse:
            return web.json_response({"error": voice.why(misuse.reason)}, status=422)
        return web.json_response({**_state(kept), "at": voice.time(kept.updated_at)})

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """A picture as the body, from a script."""
        self._must_write(request)
        try:
            data = await received(request, LARGEST_PICTURE)
            name = await self._service.keep_picture(data, picture_kind(data))
        except (Misuse, web.HTTPRequestEntityTooLarge):
            return web.json_response({"error": self._picture_words(request)}, status=422)
        return web.json_response({"name": name, "address": f"{_AT}/pictures/{name}"})

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """A picture that was kept."""
        name = request.match_info["name"]
        await self._service.bring_picture(name)
        file = must_exist(self._service.picture(name))
        kind = _PICTURES[name.rpartition(".")[2]]
        return web.FileResponse(file, headers={hdrs.CONTENT_TYPE: kind, "Cache-Control": "private, max-age=86400"})

    async def districts(self, _: web.Request) -> web.StreamResponse:
        """The outlines of the districts, as GeoJSON."""
        features = [
            {"type": "Feature", "properties": {"code": each.code, "name": each.name}, "geometry": dict(each.outline)}
            for each in self._station.districts
        ]
        whole = {"type": "FeatureCollection", "features": features}
        return web.json_response(whole, content_type="application/geo+json")

    @staticmethod
    def _must_write(request: web.Request) -> Actor:
        """Return the visitor's actor. Raises Forbidden for those who may not post."""
        actor = visitor_of(request).actor
        if not actor.may(Act.POST):
            raise Forbidden(
                because("role_too_low", name=actor.name, role=actor.role, act=Act.POST, needed=MAY[Act.POST])
            )
        return actor

    async def _reopen(self, request: web.Request, identity: str) -> Page:
        """One's own draft of that id, or an empty page that would be kept under it. Raises Forbidden."""
        actor = self._must_write(request)
        page = Page(identity if is_identity(identity) else new_id())

        def question(unit: DeskUnit) -> tuple[SavedDraft | None, StoredAlert | None]:
            kept = draft_of(unit, actor, page.identity)
            about = _about_of(kept)
            return kept, find_alert(unit.alerts, about) if about else None

        kept, about = await self._service.ask(question)
        if kept is not None:
            await self._service.bring_picture(str(kept.fields.get("picture", "")))
            page.take(kept)
            page.fields = adapted(kept.fields, self._station)
            page.chosen = True
        if about is not None:
            await self._begin_update(page, about, typed=True)
        return page

    async def _posted(self, request: web.Request, form: Any) -> tuple[PostedForm, dict[str, str]]:
        """Return the form's content, with its picture stored, and the faults of the picture."""
        fields, problems = typed(form.items()), {}
        # The address says it too: a form whose field was lost would be a real alert.
        if request.query.get("exercise"):
            fields["exercise"] = "1"
        if data := uploaded(form):
            self._must_write(request)
            try:
                fields["picture"] = await self._service.keep_picture(data, picture_kind(data))
            except Misuse:
                problems["file"] = self._picture_words(request)
        await self._service.bring_picture(str(fields.get("picture", "")))
        revision = str(form.get("revision", "")).strip()
        # `isdigit` alone takes "²", which `int` refuses.
        number = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0
        return PostedForm(str(form.get("draft", "")), number, fields, str(form.get("about", "")) or None), problems

    async def _changed_by(self, posted: PostedForm, do: str) -> PostedForm:
        """Return the form after a button: another hazard, no picture; and with the order of its severity.

        An alert that isn't grave is published at the button, unread: there the form stays unchanged, and the checks
        report it.
        """
        name, _, value = do.partition(":")
        if name != "hazard" and (do != "publish" or is_grave(posted.fields)):
            posted = replace(posted, fields=await self._with_its_order(posted.fields))
        if do == "no-picture":
            return replace(posted, fields={**posted.fields, "picture": "", "alt": ""})
        if name != "hazard" or value not in set(Hazard):
            return posted
        prepared, before = await self._console.prepared(self._station.language), text(posted.fields, "hazard")
        old = prepared[Hazard(before)] if before in set(Hazard) else None
        fields = another_hazard(posted.fields, old, prepared[Hazard(value)])
        return replace(posted, fields=with_usual(fields, self._station))

    async def _with_its_order(self, fields: Fields) -> dict[str, Typed]:
        prepared, hazard = await self._console.prepared(self._station.language), text(fields, "hazard")
        ready = prepared[Hazard(hazard)] if hazard in set(Hazard) else None
        return with_usual(fitting(fields, ready, self._service.now(), self._station.zone), self._station)

    async def _keep_form(self, actor: Actor, posted: PostedForm) -> Page:
        """Save a submitted form; if a newer version is saved already, as a separate copy.

        A field that is too long is displayed as it was typed, and nothing is saved: the draft stays as it was before.
        """
        if not is_identity(posted.identity):
            posted = replace(posted, identity=new_id())
        about = await self._about(actor, posted)
        page = Page(posted.identity, posted.revision, dict(posted.fields), chosen=True)
        if not too_long(posted.fields):
            try:
                kept = await self._service.act(lambda unit: keep(unit, actor, posted))
            except OlderDraft:
                # The same draft is open on two pages: neither is to lose its words, so this one goes on as a copy.
                copy = replace(posted, identity=new_id(), revision=1)
                kept = await self._service.act(lambda unit: keep(unit, actor, copy))
                page.notice = "copy"
            page.take(kept)
        if about is not None:
            await self._begin_update(page, about, typed=True)
        return page

    async def _about(self, actor: Actor, posted: PostedForm) -> StoredAlert | None:
        """The alert that a posted form changes: what its draft says, else what the page says."""

        def question(unit: DeskUnit) -> StoredAlert | None:
            name = _about_of(draft_of(unit, actor, posted.identity)) or posted.about
            return find_alert(unit.alerts, name) if name else None

        return await self._service.ask(question)

    async def _begin_update(self, page: Page, about: StoredAlert, *, typed: bool = False) -> None:
        """Fill the form with the current version.

        A form typed from older words keeps them, and shows the newer ones.
        """

        def question(unit: DeskUnit) -> tuple[StoredAlert, bool]:
            stands = current_version(unit.alerts, about, ends=False)
            order = [stored.id for stored in unit.alerts.incident(about.incident_id)]
            return stands, order.index(stands.id) > order.index(about.id)

        stands, is_newer = await self._service.ask(question)
        if typed and is_newer:
            page.newer = stands
        else:
            about = stands
        page.about = about
        page.before = fields_of_alert(about, self._station, self._service.picture)
        if not typed:
            page.fields = dict(page.before)
        # The update of an exercise is an exercise, whatever the form says.
        if page.before.get("exercise"):
            page.fields["exercise"] = "1"

    async def _begin_like(self, page: Page, model: StoredAlert) -> None:
        """Lay what was said the last time into the form, as an alert of its own."""
        # Its picture may be on another machine by now.
        fields = as_last_time(model, self._station, self._service.picture, exercise=page.exercise)
        page.fields, page.chosen, page.notice = fields, True, "like"

    async def _read(self, request: web.Request, page: Page) -> None:
        """Read the form and rehearse it, once for each page."""
        if page.reading is not None:
            return
        actor, voice = self._must_write(request), voice_of(self._console, request)
        ground = FormContext(self._station, self._service.now(), self._service.picture)
        page.reading = read_form(page.fields, ground, voice.words.gettext, voice.why)
        page.problems |= page.reading.problems
        page.rehearsal = await self._rehearse(actor, page)
        page.statuses = await self._service.channels()
        page.followers = reached(page.rehearsal.channels, page.statuses)
        page.reaches = await reaches_of(
            self._console, [made.bulk for made in page.rehearsal.drafts if made.bulk], page.rehearsal.goes_at
        )

    async def _rehearse(self, actor: Actor, page: Page, /) -> WishRehearsal:
        return await rehearse(self._service, self._station, actor, page.wish)

    async def _answer(self, request: web.Request, page: Page) -> web.Response:
        """The page."""
        problems = dict(page.problems)
        await self._read(request, page)
        if request.method == "GET" and page.kept_at is None:
            page.problems = problems  # nobody is told of errors in a form that they didn't touch yet
        name = visitor_of(request).actor.name
        texts = await self._console.prepared(self._station.language)
        drafts, usual, page.last = await self._service.ask(
            lambda unit: (
                list(unit.drafts.drafts(name)),
                Usual() if page.chosen else usual_of(unit, exercise=page.exercise),
                last_fillings(unit, texts, page.fields, self._station, exercise=page.exercise),
            )
        )
        prepared = await self._console.prepared(self._console.frame.words(request).language)
        return form_page(self._console, request, page, Offered(drafts, prepared, usual))

    async def _preview(self, request: web.Request, posted: PostedForm, shown: Any) -> Mapping[str, Any]:
        actor = self._must_write(request)
        page = Page(posted.identity, fields=await self._with_its_order(posted.fields))
        fitted = {name: value for name, value in page.fields.items() if value != posted.fields.get(name)}
        about = await self._about(actor, posted)
        if about is not None:
            await self._begin_update(page, about, typed=True)
        await self._read(request, page)
        seen = {**beside_fragment(self._console, request, page), "fields": fitted}
        # With other blanks than the page has, their fields are made anew, and whoever types in one loses nothing else.
        if list(blanks_in(page.fields)) == list(blanks_in(posted.fields)) == shown:
            return seen
        texts = await self._console.prepared(self._station.language)
        page.last = await self._service.ask(
            lambda unit: last_fillings(unit, texts, page.fields, self._station, exercise=page.exercise)
        )
        return {**seen, "blanks": blanks_fragments(self._console, request, page)}

    async def _publish(self, request: web.Request, page: Page, *, again: bool) -> web.StreamResponse:
        """Ask once more where it is grave, else file it."""
        await self._read(request, page)
        if page.problems:
            return await self._answer(request, page)
        if page.is_grave:
            # The page to read before a grave alert goes out; one that nobody would get is shown as it is.
            if page.rehearsal.refusal or page.rehearsal.lacks:
                voice = voice_of(self._console, request)
                page.problems |= lacks_of(page, voice)
                return await self._answer(request, page)
            infos = page.rehearsal.alert.infos if page.rehearsal.alert else ()
            onset, expires = (infos[0].onset, infos[0].expires) if infos else (None, None)
            ends = text(page.fields, "expires")
            # Spans ("6h") become the times that the page shows: it may be confirmed a quarter of an hour later.
            times = {
                "expires": ends if _ABSOLUTE.match(ends) or expires is None else expires.isoformat(),
                "onset": onset.isoformat() if onset and not _ABSOLUTE.match(text(page.fields, "onset")) else "",
            }
            hidden = {**times, "seen": _seen(page, times), "again": "1" if again else ""}
            return confirmation_page(self._console, request, page, hidden)
        return await self._file(request, page, again=again)

    async def _file(self, request: web.Request, page: Page, *, again: bool) -> web.StreamResponse:
        """File it and mark the draft as posted, at once; what came of it before, where it was filed already."""
        await self._read(request, page)
        actor, wish = self._must_write(request), page.wish

        def action(unit: DeskUnit) -> str:
            kept = draft_of(unit, actor, page.identity)
            # By the draft a second press is known: without it, the same form could be filed twice.
            if kept is None:
                raise Misuse(because("draft_thrown_away"))
            if kept.alert_id is not None:
                return kept.alert_id
            filed = file_wish(unit, actor, wish, again=again)
            if not filed.fresh:
                raise Tapped(filed.stored.id)
            unit.drafts.put_draft(replace(kept, alert_id=filed.stored.id, updated_at=unit.now))
            return filed.stored.id

        try:
            return _sent_on(await self._service.act(action))
        # No fault of the form, so it isn't shown beside it: the guard answers with a page of its own.
        except Forbidden:
            raise
        except TocsinError as error:
            page.refuse(error)
            return await self._answer(request, page)

    def _picture_words(self, request: web.Request) -> str:
        """Return the sentence on a refused picture."""
        return self._console.frame.words(request).gettext("Allowed: a JPEG or PNG picture of up to 5 MB.")


def _seen(page: Page, times: Mapping[str, str]) -> str:
    """Return the digest of the second page: the words, the times and the channels."""
    return digest(page.fields, times["onset"], times["expires"], str(page.rehearsal.channels))


def _about_of(kept: SavedDraft | None) -> str | None:
    """The alert that a draft is about. One that was kept from a form as it came has it among its fields."""
    return (kept.about or text(kept.fields, "about") or None) if kept is not None else None


def _state(kept: SavedDraft) -> Mapping[str, Any]:
    address = f"{BASE}/alerts/{kept.alert_id}" if kept.alert_id else None
    return {"revision": kept.revision, "alert": kept.alert_id, "address": address}


def _sent_on(alert: str) -> web.Response:
    # 303, so that loading the alert's page again posts nothing a second time.
    return web.Response(status=303, headers={hdrs.LOCATION: f"{BASE}/alerts/{alert}"})


def _named(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) and value else None
