"""What the house answers over HTTP: the application of its rooms, and where it listens."""

from __future__ import annotations

import resource
from ipaddress import ip_network

import structlog
from aiohttp import web

from alerts.access.answers import GateRules
from alerts.access.gate import Gate
from alerts.config import Config, WebSettings
from alerts.config.station import rules_of
from alerts.daemon.api import build_api
from alerts.desk.service import DeskService
from alerts.desk.station import Station
from alerts.model.errors import TocsinError
from alerts.model.ports import Clock
from alerts.model.reason import because
from alerts.web.app import create_app
from alerts.web.console.frame import Console, Frame
from alerts.web.listener import Limits, Listener, Refused, places
from alerts.web.ops import Gauges
from alerts.web.public.publisher import Publisher

OPEN_FILES = 8192
"""Files, and so connections, that the process may have open at once, where the system lets it."""

log = structlog.get_logger()


def build_app(
    config: Config, service: DeskService, station: Station, gauges: Gauges, publisher: Publisher
) -> web.Application:
    """Everything that is answered, for this station."""
    rules = rules_of(config)
    gate = Gate(service, GateRules(rules.second_factor, rules.session, station.name))
    api = build_api(config, service, station, gate, rules)
    return create_app(gauges, Console(service, Frame(station, rules, service.now), rules, gate), publisher, api)


async def serve(
    app: web.Application, settings: WebSettings, clock: Clock, refused: Refused | None = None
) -> tuple[Listener, str]:
    """Listen; returns what to close at the end, and the address. Raises TocsinError where the port is taken."""
    make_room()
    limits = Limits(places(settings.connections), settings.per_address)
    proxies = [ip_network(network) for network in settings.proxies]
    listener = Listener(app, limits, clock, proxies, refused)
    try:
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
