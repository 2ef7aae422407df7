"""The control requests under `/sandbox` for what people do, and for what platforms do to those who listen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from tocsin_sandbox.control import json_answer, read_body, refuse
from tocsin_sandbox.courier import UNREACHED, Courier
from tocsin_sandbox.crowd import ReportingCrowd
from tocsin_sandbox.facebook.webhooks import CHALLENGE, Delivery, Subscription
from tocsin_sandbox.open311 import RemoteClosing
from tocsin_sandbox.people import Delete, Edit, Impossible, React, Say, Vote
from tocsin_sandbox.sandbox import Sandbox
from tocsin_sandbox.telegram.calls import Refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PLATFORM = "{platform:x|twitter|facebook|telegram|mastodon|bluesky}"


class Link(BaseModel):
    """The body of `POST /sandbox/telegram/link`: a channel is talked about in a group, or no more."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    chat: str
    group: int | None = None
    linked: bool = True


class AnyRules(BaseModel):
    """The body of `POST /sandbox/rules`; `rules.Rules` says which there are."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True)
class Verified:
    """How an address answered when it was asked for the challenge (0: not at all), and whether it gave it back."""

    status: int
    verified: bool


class Hand:
    """Lends a hand to people: what one asks for here happens on the platform, and is told to who listens there."""

    def __init__(self, sandbox: Sandbox, courier: Courier) -> None:
        self._sandbox = sandbox
        self._courier = courier

    def add_routes(self, app: web.Application) -> None:
        """Put them under `/sandbox`."""
        routes: tuple[tuple[str, str, Handler], ...] = (
            ("POST", f"/sandbox/{PLATFORM}/say", self._say),
            ("POST", f"/sandbox/{PLATFORM}/edit", self._edit),
            ("POST", f"/sandbox/{PLATFORM}/delete", self._delete),
            ("POST", f"/sandbox/{PLATFORM}/react", self._react),
            ("POST", f"/sandbox/{PLATFORM}/vote", self._vote),
            ("POST", "/sandbox/telegram/link", self._link),
            ("POST", "/sandbox/facebook/webhook", self._subscribe),
            ("POST", "/sandbox/facebook/deliver", self._deliver),
            ("POST", "/sandbox/reports", self._report),
            ("POST", "/sandbox/open311/close", self._close),
            ("GET", "/sandbox/open311.json", self._show_reports),
            ("GET", "/sandbox/rules", self._show_rules),
            ("POST", "/sandbox/rules", self._set_rules),
            ("GET", "/sandbox/listening.json", self._show_state),
        )
        for method, path, handler in routes:
            app.router.add_route(method, path, handler)

    async def _say(self, request: web.Request) -> web.Response:
        say = await read_body(request, Say)
        return await self._act(request, lambda crowd, now: crowd.say(say, now), 201)

    async def _edit(self, request: web.Request) -> web.Response:
        edit = await read_body(request, Edit)
        return await self._act(request, lambda crowd, now: crowd.edit(edit, now))

    async def _delete(self, request: web.Request) -> web.Response:
        delete = await read_body(request, Delete)
        return await self._act(request, lambda crowd, now: crowd.delete(delete, now))

    async def _react(self, request: web.Request) -> web.Response:
        react = await read_body(request, React)
        return await self._act(request, lambda crowd, now: crowd.react(react, now))

    async def _vote(self, request: web.Request) -> web.Response:
        vote = await read_body(request, Vote)
        return await self._act(request, lambda crowd, now: crowd.vote(vote, now))

    async def _act(
        self, request: web.Request, act: Callable[[Any, float], dict[str, Any]], status: int = 200
    ) -> web.Response:
        """Have it happen, and bring it to who is told at once."""
        platform = platform_named(request.match_info["platform"])
        try:
            happened = act(self._sandbox.platforms.crowds[platform], self._sandbox.clock())
        except Impossible as error:
            return refuse(str(error), error.status)
        return json_answer({**happened, "told": await self._courier.bring(platform)}, status)

    async def _link(self, request: web.Request) -> web.Response:
        link = await read_body(request, Link)
        try:
            group = self._sandbox.platforms.telegram.groups.link(link.chat, link.group, linked=link.linked)
        except (Impossible, Refusal) as error:
            return refuse(str(error), 400)
        return json_answer({"group": group})

    async def _subscribe(self, request: web.Request) -> web.Response:
        """An address is told only once it has given the challenge back, as Facebook asks."""
        subscription = await read_body(request, Subscription)
        answered = await _verify(subscription) if subscription.url else Verified(status=UNREACHED, verified=True)
        if answered.verified:
            self._sandbox.platforms.facebook.webhooks.subscribe(subscription)
        return json_answer(asdict(answered))

    async def _deliver(self, request: web.Request) -> web.Response:
        delivery = await read_body(request, Delivery)
        webhooks = self._sandbox.platforms.facebook.webhooks
        before = webhooks.state()["waiting"]
        statuses = await self._courier.deliver(delivery)
        changes = min(before, delivery.most or before)
        return json_answer({"told": statuses, "changes": changes, "waiting": webhooks.state()["waiting"]})

    async def _report(self, request: web.Request) -> web.Response:
        """Many people report to the town."""
        crowd = await read_body(request, ReportingCrowd)
        try:
            outcome = await self._sandbox.town_hall.report(crowd)
        except Impossible as error:
            return refuse(str(error), error.status)
        return json_answer(outcome.as_json(), 201 if outcome.refused is None else 502)

    async def _close(self, request: web.Request) -> web.Response:
        """The server of reports has done with one."""
        closing = await read_body(request, RemoteClosing)
        try:
            closed = self._sandbox.platforms.open311.close(closing, self._sandbox.clock())
        except Impossible as error:
            return refuse(str(error), error.status)
        return json_answer({"request": closed.id, "notes": closed.notes})

    async def _show_reports(self, _: web.Request) -> web.Response:
        return json_answer(self._sandbox.platforms.open311.requests())

    async def _show_rules(self, _: web.Request) -> web.Response:
        return json_answer(self._sandbox.rules.model_dump())

    async def _set_rules(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, AnyRules)
        try:
            self._sandbox.rules.change(wanted.model_dump())
        except ValidationError as error:
            return refuse(
                "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()), 400
            )
        return json_answer(self._sandbox.rules.model_dump())

    async def _show_state(self, _: web.Request) -> web.Response:
        state = self._sandbox.platforms.state(self._sandbox.clock())
        return json_answer({"rules": self._sandbox.rules.model_dump(), **state})


def platform_named(name: str) -> str:
    """The platform by the name that an address bears."""
    return "twitter" if name == "x" else name


async def _verify(subscription: Subscription) -> Verified:
    query = {"hub.mode": "subscribe", "hub.challenge": CHALLENGE, "hub.verify_token": subscription.verify_token}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.get(subscription.url, params=query, allow_redirects=False) as answer,
        ):
            words = await answer.text(errors="replace")
            return Verified(status=answer.status, verified=answer.status == 200 and words.strip() == CHALLENGE)
    except (aiohttp.ClientError, TimeoutError):
        return Verified(status=UNREACHED, verified=False)
