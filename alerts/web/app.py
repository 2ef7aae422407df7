"""The daemon's web application."""

from __future__ import annotations

from aiohttp import web

from alerts.web.api.app import api_app
from alerts.web.api.operation import BASE as API
from alerts.web.api.operation import Api
from alerts.web.console.app import console_app
from alerts.web.console.frame import BASE, Console
from alerts.web.ops import Gauges, ops_routes
from alerts.web.public.publisher import Publisher
from alerts.web.public.routes import public_routes


def create_app(gauges: Gauges, console: Console, publisher: Publisher, api: Api) -> web.Application:
    """Everything the daemon answers over HTTP: each room is an application of its own, with its own guard."""
    app = web.Application()
    app.add_routes(ops_routes(gauges, console.warnings))
    app.add_subapp(BASE, console_app(console))
    app.add_subapp(API, api_app(api))
    app.add_routes(public_routes(publisher))
    return app
