"""The daemon's HTTP service: the desk's pages, the API and the town's own page; and its listener."""

from __future__ import annotations

import resource
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog
from aiohttp import web

from alerts.access.gate import Gate
from alerts.daemon.desk import build_renderer
from alerts.desk.service import DeskService
from alerts.listening.ears import Intake
from alerts.model.errors import TocsinError
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.model.town import Town, WebSection
from alerts.reports.intake import ReportIntake
from alerts.sources.cap.message import read_message
from alerts.web.api.app import api_app
from alerts.web.api.guard import Guard
from alerts.web.api.open311 import open311_app
from alerts.web.api.open311_server import BASE as OPEN311
from alerts.web.api.operation import BASE as API
from alerts.web.api.operation import Api
from alerts.web.console.app import console_app
from alerts.web.console.frame import BASE as DESK
from alerts.web.console.frame import Console, Frame
from alerts.web.listener import AT_HAND, Listener, ListenerLimits, Refused, places
from alerts.web.ops import Gauges, ops_routes
from alerts.web.public.asking import QuestionField
from alerts.web.public.pin_notices import NoticePages
from alerts.web.public.pins import PinPages
from alerts.web.public.polls import PollPages
from alerts.web.public.post_pictures import post_picture_routes
from alerts.web.public.publisher import Publisher, public_routes
from alerts.web.public.push import PushEnrolment, PushPages
from alerts.web.public.reporting import PrivatePages, ReportPages
from alerts.web.public.signup import SignupPages
from alerts.web.public.snapshot import Setting
from alerts.web.public.street_map import street_map_routes

OPEN_FILES = 8192
"""Files, and so connections, that the process may have open at once, where the system lets it."""

log = structlog.get_logger()


class Entrance(Protocol):
    """Where a town's application is asked: the listener of the process, or the town's own place in a fleet's."""

    @property
    def connections(self) -> int:
        """How many are open."""
        ...

    async def close(self) -> None:
        """Take nobody in any more, and let who is being answered finish for a moment."""
        ...


Serve = Callable[[web.Application, WebSection, Clock, Refused | None], Awaitable[tuple[Entrance, str]]]
"""Opens an application to who asks; returns its entrance, and its address. Raises TocsinError."""


def build_app(
    town: Town,
    service: DeskService,
    for_pages: DeskService,
    gauges: Gauges | None,
    publisher: Publisher,
    *,
    intake: Intake | None = None,
    reports: ReportIntake | None = None,
    push: PushEnrolment | None = None,
    signups: Sequence[SignupPages] = (),
) -> web.Application:
    """Return the application of this town: each room is a sub-application, with its own guard.

    `gauges` are for operators (None: the fleet has them), `intake` stores people's remarks, if the town listens;
    `reports` is the intake of citizens' reports, if the town takes them; `push` knows the channel of push,
    each of `signups` takes subscriptions to a channel.
    """
    gate = Gate(service, town)
    api = replace(build_api(town, service, gate), intake=intake, reports=reports)
    console = Console(service, Frame(town, service.now), gate, reports=reports, push=push)
    if intake is not None:
        console = replace(console, understand=intake.understand, group=intake.group)
    app = web.Application()
    if gauges is not None:
        app.add_routes(ops_routes(gauges, console.warnings))
    app.add_subapp(DESK, console_app(console))
    app.add_subapp(API, api_app(api))
    if reports is not None:
        app.add_subapp(OPEN311, open311_app(api, reports))
    app.add_routes(PollPages(publisher, for_pages, service).routes())
    if push is not None:
        app.add_routes(PushPages(publisher.setting, service, push).routes())
    for signup in signups:
        app.add_routes(signup.routes())
    if intake is not None:
        app.add_routes(QuestionField(publisher, intake).routes())
    if reports is not None:
        pins = PinPages(publisher, for_pages, reports)
        app.add_routes([*pins.routes(), *NoticePages(pins, service).routes()])
        app.add_routes(ReportPages(publisher, for_pages, service, reports).routes())
        app.add_routes(PrivatePages(publisher, for_pages, service).routes())
    app.add_routes(post_picture_routes(town, publisher, for_pages))
    app.add_routes(street_map_routes(town))
    # Last, for the public pages answer every address that nobody else does.
    app.add_routes(public_routes(publisher))
    app[AT_HAND] = publisher.ready
    return app


async def serve(
    app: web.Application, settings: WebSection, clock: Clock, refused: Refused | None = None
) -> tuple[Listener, str]:
    """Listen; returns what to close at the end, and the address. Raises TocsinError where the port is taken."""
    make_room()
    limits = ListenerLimits(places(settings.connections), settings.per_address)
    proxies = settings.trusted
    listener = Listener(app, limits, clock, proxies, refused)
    try:
        # None listens on every address of the machine, of IPv4 and of IPv6.
        port = await listener.listen(settings.host or None, settings.port)
    except OSError as error:
        why = error.strerror or error
        raise TocsinError(because("listen_taken", address=settings.listen, said=why)) from None
    url = f"http://{settings.host or '127.0.0.1'}:{port}"
    log.info("web.listening", url=url)
    return listener, url


def make_room() -> None:
    """Have a town's readers leave files for the lanes.

    A service is given 1,024 unless it asks for more: at a thousand open pages no post leaves, and no desk opens.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def build_publisher(
    town: Town, service: DeskService, clock: Clock, may_export: Callable[[], bool] = lambda: True
) -> Publisher:
    """Return the publisher of the public pages; `may_export` is true if this daemon is to write its files."""
    export = town.folder / town.web.export if town.web.export else None
    return Publisher(service, Setting(town, build_renderer(town)), clock, export, may_export)


def build_api(town: Town, service: DeskService, gate: Gate) -> Api:
    """Return the dependencies of every operation."""
    return Api(
        service=service,
        station=town,
        guard=Guard(gate, service.steady, town.web.trusted),
        read_cap=lambda body: read_message(body, zone=town.zone, language=town.language),
    )
