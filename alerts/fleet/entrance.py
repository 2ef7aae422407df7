"""One door for all towns: a request goes to the town of its host name, or of its `/t/NAME`.

Every town is an application of its own, with its own guards. The listener, its places and its times are shared
(web/listener.py): a crowd at one town's page takes places that all have. Requests of no town are the fleet's own:
`/healthz`, `/readyz`, `/metrics`.

A town below `/t/NAME` is served as if at the root: its part of the path is removed here, and put before the path of a
`Location` in its answer. Links in its pages have it by `Town.mount`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import structlog
from aiohttp import hdrs, web

from alerts.fleet.towns import MOUNTS
from alerts.web.console.arrival import host_of
from alerts.web.listener import unnamed
from alerts.web.public.answers import Prebuilt


@dataclass(frozen=True, slots=True)
class TownPlace:
    """Where a town is asked: its application, ready to answer, and the path that it has before each address."""

    name: str
    runner: web.AppRunner
    mount: str = ""


class TownRouter:
    """The names and their towns, which come and go while it is open."""

    def __init__(self) -> None:
        self._hosts: dict[str, TownPlace] = {}
        self._mounts: dict[str, TownPlace] = {}
        self._own: TownPlace | None = None

    async def put_own(self, app: web.Application) -> None:
        """Set the application that answers requests of no town."""
        self._own = TownPlace("", await _ready(app))

    async def put(self, name: str, app: web.Application, hosts: Collection[str]) -> TownPlace:
        """From now on, that application answers under these names; without any, below `/t/NAME`."""
        place = TownPlace(name, await _ready(app), "" if hosts else f"{MOUNTS}/{name}")
        for host in hosts:
            self._hosts[host] = place
        if not hosts:
            self._mounts[name] = place
        return place

    async def take_away(self, place: TownPlace) -> None:
        """It answers no more; what is being answered may finish."""
        for names in (self._hosts, self._mounts):
            for name in [each for each, there in names.items() if there is place]:
                del names[name]
        await place.runner.cleanup()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Return the answer of the requested town, or of the fleet itself without one. Raises HTTPNotFound."""
        if (place := self._hosts.get(host_of(request))) is not None:
            return await _handed(place, request)
        _, top, name, *rest = [*request.rel_url.raw_path.split("/", 3), "", ""]
        if f"/{top}" != MOUNTS and self._own is not None:
            return await _handed(self._own, request)
        if (place := self._mounts.get(name)) is None:
            raise web.HTTPNotFound(text="Aucune commune n’est ici.\nNo town is here.\n")
        if not request.rel_url.raw_path.startswith(f"{place.mount}/"):
            raise web.HTTPPermanentRedirect(f"{place.mount}/")
        below = request.clone(rel_url=request.rel_url.with_path(f"/{rest[0]}", encoded=True, keep_query=True))
        return await _below(place, below)


async def _ready(app: web.Application) -> web.AppRunner:
    app.on_response_prepare.append(unnamed)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    return runner


async def _handed(place: TownPlace, request: web.Request) -> web.StreamResponse:
    server = place.runner.server
    if server is None:  # it was just taken away
        raise web.HTTPServiceUnavailable
    # Whatever is logged while it answers names the town.
    with structlog.contextvars.bound_contextvars(town=place.name):
        answered: web.StreamResponse = await server.request_handler(request)
        return answered


async def _below(place: TownPlace, request: web.Request) -> web.StreamResponse:
    """Return the town's answer, prepared here, for its own request: the door's has another path and no guards."""
    try:
        response = await _handed(place, request)
    except web.HTTPException as error:
        _lead(place, error)
        await error.prepare(request)
        raise
    if not response.prepared:
        _lead(place, response)
        await response.prepare(request)
        # These are sent by being prepared, and would be sent once more by the door's own request.
        if isinstance(response, web.FileResponse | Prebuilt):
            return _Sent(response)
    return response


class _Sent(web.StreamResponse):
    """An answer that was sent in full already: nothing is left to do for the door's own request."""

    def __init__(self, answered: web.StreamResponse) -> None:
        super().__init__(status=answered.status)
        self._answered = answered

    @property
    def keep_alive(self) -> bool | None:
        """As the answer said."""
        return self._answered.keep_alive

    async def prepare(self, _: web.BaseRequest) -> None:
        """Do nothing."""

    async def write_eof(self, _: bytes = b"") -> None:
        """Do nothing."""


def _lead(place: TownPlace, response: web.StreamResponse) -> None:
    """Have a redirect, and the link to a next page, lead below the town's own path."""
    location, link = response.headers.get(hdrs.LOCATION, ""), response.headers.get(hdrs.LINK, "")
    if location.startswith("/") and not location.startswith("//"):
        response.headers[hdrs.LOCATION] = f"{place.mount}{location}"
    if link.startswith("</"):
        response.headers[hdrs.LINK] = f"<{place.mount}{link.removeprefix('<')}"
