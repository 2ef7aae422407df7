"""The addresses of the compose page.

GET  /compose               the page: ?draft=ID, ?hazard=wind, ?update=ALERT, ?exercise=1
POST /compose               a button of the form: keep, look, another hazard, publish
POST /compose/confirm       what is grave, once it was read
POST /compose/preview       as it is typed: what stands beside the form
GET, POST /compose/draft    as it is typed: what is kept of a draft, and keeping it
"""

from __future__ import annotations

from typing import Any

from aiohttp import hdrs, web

from alerts.desk.draft import LARGEST_PICTURE, picture_kind
from alerts.model.errors import Forbidden, Misuse, TocsinError
from alerts.model.reason import because
from alerts.web.console.compose.composer import Composer
from alerts.web.console.compose.fields import text, typed, typed_in_json
from alerts.web.console.compose.keeping import Older, Sheet, is_identity
from alerts.web.console.compose.page import Page
from alerts.web.console.frame import BASE, Console

_AT = f"{BASE}/compose"
_PICTURES = {"jpg": "image/jpeg", "png": "image/png"}


def routes(console: Console) -> list[web.RouteDef]:
    """The routes of this part."""
    handlers = _Handlers(Composer(console))
    return [
        web.get("/compose", handlers.show),
        web.post("/compose", handlers.press),
        web.post("/compose/confirm", handlers.confirm),
        web.post("/compose/discard", handlers.discard),
        web.post("/compose/preview", handlers.preview),
        web.get("/compose/draft", handlers.kept),
        web.post("/compose/draft", handlers.keep),
        web.post("/compose/picture", handlers.upload),
        web.get("/compose/pictures/{name}", handlers.picture),
        web.get("/districts.geojson", handlers.districts),
    ]


class _Handlers:
    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    async def show(self, request: web.Request) -> web.StreamResponse:
        page = await self._composer.open(request)
        return _sent_on(page.alert_id) if page.alert_id else await self._composer.answer(request, page)

    async def press(self, request: web.Request) -> web.StreamResponse:
        """A button of the form. Whatever it is, what was typed is kept first."""
        form = await request.post()
        sheet, problems = await self._sheet(request, form)
        do = str(form.get("do", "preview"))
        page = await self._composer.keep_form(request, await self._composer.changed_by(request, sheet, do))
        page.problems.update(problems)
        if page.alert_id:
            return _sent_on(page.alert_id)
        if do == "publish" and not page.problems:
            return await self._publish(request, page, again=bool(form.get("again")))
        page.saved = do == "save" and not page.problems and page.kept_at is not None
        return await self._composer.answer(request, page)

    async def confirm(self, request: web.Request) -> web.StreamResponse:
        """The button of the second page: what goes out is what was read there, or it is shown anew."""
        form = await request.post()
        page = await self._composer.reopen(request, str(form.get("draft", "")))
        if page.alert_id:
            return _sent_on(page.alert_id)
        frozen = {name: str(form.get(name, "")) for name in ("onset", "expires")}
        if not await self._composer.is_what_was_read(request, page, frozen, str(form.get("seen", ""))):
            page.notice = "changed"
            return await self._publish(request, page, again=False)
        self._composer.frozen(page, frozen)
        return await self._file(request, page, again=bool(form.get("again")))

    async def discard(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        await self._composer.discard(request, str(form.get("draft", "")))
        raise web.HTTPSeeOther(_AT)

    async def preview(self, request: web.Request) -> web.StreamResponse:
        """What stands beside the form, for a script that typed it in."""
        said = await _json(request)
        sheet = Sheet(str(said.get("draft", "")), 0, typed_in_json(said.get("fields")), _named(said, "about"))
        seen = await self._composer.preview(request, sheet)
        return web.json_response(seen) if seen is not None else web.json_response({"error": "overtaken"}, status=409)

    async def kept(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(await self._composer.state(request, request.query.get("draft", "")))

    async def keep(self, request: web.Request) -> web.StreamResponse:
        said = await _json(request)
        revision, identity = said.get("revision"), str(said.get("draft", ""))
        if not is_identity(identity) or not isinstance(revision, int) or not 0 < revision < 2**31:
            return web.json_response({"error": self._composer.why(request, because("draft_unnamed"))}, status=400)
        sheet = Sheet(identity, revision, typed_in_json(said.get("fields")), _named(said, "about"))
        try:
            return web.json_response(await self._composer.keep_script(request, sheet))
        except Older as older:
            return web.json_response({"revision": older.kept.revision, "fields": dict(older.kept.fields)}, status=409)
        except Misuse as misuse:
            return web.json_response({"error": self._composer.why(request, misuse.reason)}, status=422)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """A picture as the body, from a script."""
        self._composer.must_write(request)
        data = await request.content.read(LARGEST_PICTURE + 1) if request.content_length else b""
        while not request.content.at_eof() and len(data) <= LARGEST_PICTURE:
            data += await request.content.read(LARGEST_PICTURE + 1 - len(data))
        try:
            name = await self._composer.service.keep_picture(data, picture_kind(data))
        except Misuse:
            return web.json_response({"error": self._composer.picture_words(request)}, status=422)
        return web.json_response({"name": name, "address": f"{_AT}/pictures/{name}"})

    async def picture(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        file = self._composer.service.picture(name)
        if file is None:
            raise web.HTTPNotFound
        kind = _PICTURES[name.rpartition(".")[2]]
        return web.FileResponse(file, headers={hdrs.CONTENT_TYPE: kind, "Cache-Control": "private, max-age=86400"})

    async def districts(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self._composer.districts(), content_type="application/geo+json")

    async def _publish(self, request: web.Request, page: Page, *, again: bool) -> web.StreamResponse:
        """Ask once more where it is grave, else file it."""
        await self._composer.read(request, page)
        if page.problems:
            return await self._composer.answer(request, page)
        if page.is_grave:
            return await self._composer.ask_once_more(request, page, again=again)
        return await self._file(request, page, again=again)

    async def _file(self, request: web.Request, page: Page, *, again: bool) -> web.StreamResponse:
        try:
            return _sent_on(await self._composer.file(request, page, again=again))
        except Forbidden:
            raise
        except TocsinError as error:
            page.refuse(error)
            return await self._composer.answer(request, page)

    async def _sheet(self, request: web.Request, form: Any) -> tuple[Sheet, dict[str, str]]:
        """What the form sent, its picture kept; what is wrong with the picture."""
        fields, problems = typed(form.items()), {}
        if request.query.get("exercise"):
            fields["exercise"] = "1"
        if data := _uploaded(form):
            self._composer.must_write(request)
            try:
                fields["picture"] = await self._composer.service.keep_picture(data, picture_kind(data))
            except Misuse:
                problems["file"] = self._composer.picture_words(request)
        revision = text({"revision": str(form.get("revision", ""))}, "revision")
        number = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0
        return Sheet(str(form.get("draft", "")), number, fields, str(form.get("about", "")) or None), problems


def _uploaded(form: Any) -> bytes:
    """The file that a form brought, as far as it is no larger than allowed; every temporary file is closed."""
    data = b""
    for name, value in form.items():
        if isinstance(value, web.FileField):
            with value.file:
                data = value.file.read(LARGEST_PICTURE + 1) if name == "file" else data
    return data


def _sent_on(alert: str) -> web.Response:
    return web.Response(status=303, headers={hdrs.LOCATION: f"{BASE}/alerts/{alert}"})


def _named(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) and value else None


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        said = await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest from None
    if not isinstance(said, dict):
        raise web.HTTPBadRequest
    return said
