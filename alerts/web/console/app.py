"""The desk's application, below `/desk`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from alerts.web.console import (
    compose,
    days,
    incident,
    own_account,
    people,
    record,
    report,
    setup,
    sign_in,
    stream,
    tongue,
    validate,
    watch,
)
from alerts.web.console.frame import Console, static_file
from alerts.web.console.guard import guarded

PARTS: Sequence[Callable[[Console], Sequence[web.RouteDef]]] = (
    compose.routes,
    sign_in.routes,
    tongue.routes,
    own_account.routes,
    people.routes,
    record.routes,
    report.routes,
    setup.routes,
    validate.routes,
    watch.routes,
    incident.routes,
    days.routes,
    stream.routes,
)
"""The parts of the desk; each gives its routes, with addresses below `/desk`."""


def console_app(console: Console) -> web.Application:
    """Every page of the desk."""
    app = guarded(console)
    app.add_routes([web.get("/static/{name:.+}", _static)])
    for part in PARTS:
        app.add_routes(part(console))
    return app


async def _static(request: web.Request) -> web.FileResponse:
    file = static_file(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    kept = "public, max-age=31536000, immutable" if request.query_string else "no-cache"
    return web.FileResponse(file, headers={"Cache-Control": kept})
