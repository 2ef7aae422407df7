"""Watching: what is on, what needs somebody, each incident to its end; live."""

from __future__ import annotations

from aiohttp import web

from alerts.web.console.frame import Console
from alerts.web.console.watch.acting import routes as acting_routes
from alerts.web.console.watch.channels import routes as channels_routes
from alerts.web.console.watch.incident import routes as incident_routes
from alerts.web.console.watch.listing import routes as listing_routes
from alerts.web.console.watch.now import routes as now_routes
from alerts.web.console.watch.planned import routes as planned_routes
from alerts.web.console.watch.stream import routes as stream_routes
from alerts.web.console.watch.timeline import routes as timeline_routes


def routes(console: Console) -> list[web.RouteDef]:
    """The pages of this part, their fragments for the live page, and the actions on an incident."""
    parts = (
        now_routes,
        listing_routes,
        incident_routes,
        acting_routes,
        channels_routes,
        timeline_routes,
        planned_routes,
        stream_routes,
    )
    return [route for part in parts for route in part(console)]
