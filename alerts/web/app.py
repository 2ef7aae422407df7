"""The daemon's web application."""

from __future__ import annotations

from aiohttp import web

from alerts.web.ops import Gauges, ops_routes


def create_app(gauges: Gauges) -> web.Application:
    """Everything the daemon answers over HTTP."""
    app = web.Application()
    app.add_routes(ops_routes(gauges))
    return app
