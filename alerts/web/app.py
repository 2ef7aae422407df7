"""The daemon's web application."""

from __future__ import annotations

from aiohttp import web

from alerts.web.console.app import console_app
from alerts.web.console.frame import BASE, Console
from alerts.web.ops import Gauges, ops_routes


def create_app(gauges: Gauges, console: Console) -> web.Application:
    """Everything the daemon answers over HTTP: each room is an application of its own, with its own guard."""
    app = web.Application()
    app.add_routes(ops_routes(gauges))
    app.add_subapp(BASE, console_app(console))
    return app
