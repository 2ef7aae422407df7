"""The control requests under `/sandbox`: they read the timelines and the journal, set faults, and talk with the bot."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tocsin_sandbox import firefox
from tocsin_sandbox.courier import Courier
from tocsin_sandbox.faults import Fault, FaultRequest
from tocsin_sandbox.sandbox import Sandbox
from tocsin_sandbox.state import ALWAYS, PLATFORMS, post_as_json
from tocsin_sandbox.telegram import NoButton, Talk
from tocsin_sandbox.telegram.calls import Refusal

Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Move(BaseModel):
    """The body of `POST /sandbox/telegram/migrate`: the chat `from` has become `to`."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    old: str = Field(alias="from", pattern=r"^(?:-?\d+|@\w+)$")
    new: int = Field(alias="to")


class Foreign(BaseModel):
    """The body of `POST /sandbox/telegram/foreign`: somebody else writes `text` into `chat`."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    chat: str
    text: str = "Bonjour"


class Update(BaseModel):
    """The body of `POST /sandbox/telegram/updates`: what somebody does in a chat with the bot, without its number."""

    model_config = ConfigDict(extra="forbid")

    update: dict[str, Any]


class Reader(BaseModel):
    """The body of `POST /sandbox/telegram/readers`: a chat blocks the bot, or not; `admin` may speak for it."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    chat: str
    blocked: bool = False
    admin: str | None = None


class NewBrowsers(BaseModel):
    """The body of `POST /sandbox/push/browsers`: so many, that take messages under that `key` alone, if one is told."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=1, ge=1, le=200_000)
    key: str | None = None


class Written(BaseModel):
    """The body of `POST /sandbox/sms/written`: an SMS that somebody writes to the town's number."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(pattern=r"^\+[1-9]\d{7,14}$")
    text: str = Field(max_length=1224)


class Control:
    """The control calls of one sandbox."""

    def __init__(self, sandbox: Sandbox, courier: Courier) -> None:
        self._sandbox = sandbox
        self._courier = courier

    def add_routes(self, app: web.Application) -> None:
        """Put them under `/sandbox`."""
        routes: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/sandbox/timelines.json", self._timelines),
            ("DELETE", "/sandbox/timelines", self._reset),
            ("GET", "/sandbox/requests.json", self._requests),
            ("GET", "/sandbox/faults", self._list_faults),
            ("POST", "/sandbox/faults", self._set_fault),
            ("DELETE", "/sandbox/faults", self._clear_faults),
            ("DELETE", "/sandbox/faults/{id}", self._clear_fault),
            ("POST", "/sandbox/telegram/migrate", self._migrate),
            ("POST", "/sandbox/telegram/foreign", self._put_foreign),
            ("POST", "/sandbox/telegram/updates", self._put_update),
            ("POST", "/sandbox/telegram/talk", self._talk),
            ("POST", "/sandbox/telegram/readers", self._set_reader),
            ("GET", "/sandbox/telegram/toasts.json", self._toasts),
            ("POST", "/sandbox/sms/written", self._write),
            ("POST", "/sandbox/push/browsers", self._subscribe),
            ("DELETE", "/sandbox/push/browsers/{id}", self._unsubscribe),
            ("GET", "/sandbox/push/messages.json", self._brought),
            ("GET", "/sandbox/push/firefoxes.json", self._firefoxes),
        )
        for method, path, handler in routes:
            app.router.add_route(method, path, handler)

    async def _timelines(self, _: web.Request) -> web.Response:
        """Three platforms always, the others once something was posted there."""
        state = self._sandbox.state
        timelines = {name: [post_as_json(post) for post in state.posts(name).values()] for name in PLATFORMS}
        return json_answer({name: posts for name, posts in timelines.items() if posts or name in ALWAYS})

    async def _reset(self, _: web.Request) -> web.Response:
        self._sandbox.reset()
        return web.Response(status=204)

    async def _requests(self, _: web.Request) -> web.Response:
        return json_answer(self._sandbox.journal.as_json())

    async def _list_faults(self, _: web.Request) -> web.Response:
        return json_answer([_show(fault) for fault in self._sandbox.faults.all()])

    async def _set_fault(self, request: web.Request) -> web.Response:
        fault = self._sandbox.faults.add(await read_body(request, FaultRequest), self._sandbox.clock())
        return json_answer(_show(fault), 201)

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._sandbox.faults.clear()
        return web.Response(status=204)

    async def _clear_fault(self, request: web.Request) -> web.Response:
        id_ = request.match_info["id"]
        if not self._sandbox.faults.remove(id_):
            return json_answer({"error": f"no fault {id_} is set; GET /sandbox/faults lists them"}, 404)
        return web.Response(status=204)

    async def _migrate(self, request: web.Request) -> web.Response:
        move = await read_body(request, Move)
        self._sandbox.state.move(move.old, str(move.new))
        return json_answer({"from": move.old, "to": move.new})

    async def _put_foreign(self, request: web.Request) -> web.Response:
        foreign = await read_body(request, Foreign)
        try:
            post = self._sandbox.platforms.telegram.put_foreign(foreign.chat, foreign.text, self._sandbox.clock())
        except Refusal as refusal:
            return json_answer({"error": str(refusal)}, 400)
        return json_answer({"message_id": int(post.id)}, 201)

    async def _put_update(self, request: web.Request) -> web.Response:
        return await self._bring((await read_body(request, Update)).update)

    async def _write(self, request: web.Request) -> web.Response:
        written = await read_body(request, Written)
        return json_answer({"id": self._sandbox.platforms.sms.write(written.number, written.text)}, 201)

    async def _subscribe(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, NewBrowsers)
        made = self._sandbox.platforms.push.subscribe(wanted.count, wanted.key)
        return json_answer([each.subscription(f"{request.scheme}://{request.host}") for each in made], 201)

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        browser = self._sandbox.platforms.push.browsers.get(request.match_info["id"])
        if browser is None:
            return json_answer({"error": "there is no such browser"}, 404)
        browser.gone = True
        return web.Response(status=204)

    async def _brought(self, _: web.Request) -> web.Response:
        return json_answer(self._sandbox.platforms.push.as_json())

    async def _firefoxes(self, _: web.Request) -> web.Response:
        return json_answer(firefox.listed(self._sandbox.platforms.push))

    async def _talk(self, request: web.Request) -> web.Response:
        """Somebody types or taps; the answer comes as the bot's own messages."""
        talk = await read_body(request, Talk)
        try:
            update = self._sandbox.platforms.telegram.talking.update(talk, self._sandbox.clock())
        except NoButton as error:
            return json_answer({"error": str(error)}, 404)
        return await self._bring(update)

    async def _bring(self, content: Mapping[str, Any]) -> web.Response:
        """Kept for the next poll; with a webhook, brought there, and its answer told."""
        number = self._sandbox.platforms.telegram.inbox.put(content, self._sandbox.clock())
        statuses = await self._courier.bring("telegram")
        return json_answer({"update_id": number, **({"status": statuses[-1]} if statuses else {})}, 201)

    async def _set_reader(self, request: web.Request) -> web.Response:
        reader, inbox = await read_body(request, Reader), self._sandbox.platforms.telegram.inbox
        (inbox.left.add if reader.blocked else inbox.left.discard)(reader.chat)
        if reader.admin is not None:
            inbox.admins.add((reader.chat, reader.admin))
        return web.Response(status=204)

    async def _toasts(self, _: web.Request) -> web.Response:
        return json_answer(self._sandbox.platforms.telegram.inbox.toasts)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """The JSON body. Only as `application/json`, so that no page of another site can set faults by a form."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send the body as application/json.")
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors()]
        body = json.dumps({"error": "; ".join(problems)})
        raise web.HTTPBadRequest(text=body, content_type="application/json") from error


def _show(fault: Fault) -> dict[str, Any]:
    return {"id": fault.id, "since": fault.since, "left": fault.left, **fault.asked.model_dump(exclude_none=True)}


def refuse(words: str, status: int) -> web.Response:
    """What can't be done, with its reason."""
    return json_answer({"error": words}, status)


def json_answer(value: Any, status: int = 200) -> web.Response:
    """An answer of compact JSON that nobody keeps."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return web.Response(status=status, body=body, headers=headers)
