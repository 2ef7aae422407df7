"""What the pages of this part have in common: who may do what, and what a post needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web
from babel.dates import format_datetime
from markupsafe import Markup

from alerts.web.console.frame import Console, visitor_of
from alerts.web.console.watch.cases import remedy_of


def page(console: Console, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page of this part, or a fragment of one."""
    actor, words = visitor_of(request).actor, console.frame.words(request)
    language = words.language

    def exact(at: datetime) -> Markup:
        here = at.astimezone(console.frame.station.timezone)
        spelled = format_datetime(here, "d MMM HH:mm:ss", locale=language)
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), spelled)

    common = {
        "may": actor.may,
        "remedy_of": remedy_of,
        "exact": exact,
        "moment": console.service.now(),
    }
    return console.frame.page(request, name, status=status, **common, **values)
