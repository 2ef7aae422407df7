"""Validating: what waits for somebody, exactly as it would go out; let it go, keep it back, or send it back."""

from __future__ import annotations

from aiohttp import web

from alerts.web.console.frame import Console
from alerts.web.console.validate.deciding import routes as deciding
from alerts.web.console.validate.looking import routes as looking


def routes(console: Console) -> list[web.RouteDef]:
    """The list, the page of one alert with its picture, and the three decisions."""
    return [*looking(console), *deciding(console)]
