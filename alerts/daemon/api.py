"""The API's parts, put together for this station."""

from __future__ import annotations

from alerts.config import Config
from alerts.desk.service import DeskService
from alerts.desk.station import Station
from alerts.sources.cap.message import read_message
from alerts.web.api.operation import Api, Programs
from alerts.web.api.pace import PROGRAM, STRANGER, Turnstile
from alerts.web.rules import Rules


def build_api(config: Config, service: DeskService, station: Station, programs: Programs, rules: Rules) -> Api:
    """What every operation is given."""

    def seconds() -> float:
        return service.now().timestamp()

    return Api(
        service=service,
        station=station,
        programs=programs,
        read_cap=lambda body: read_message(body, zone=config.zone, language=config.station.language),
        programs_pace=Turnstile(PROGRAM, seconds),
        strangers_pace=Turnstile(STRANGER, seconds),
        proxies=rules.proxies,
    )
