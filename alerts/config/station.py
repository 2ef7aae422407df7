"""The station as each room knows it, made from the settings: for the desk, for texts, for sources, for pages.

Commands need it as the daemon does, so nothing here imports a platform's library.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alerts.channels.settings import TelegramSettings
from alerts.config import Config, channel_kind
from alerts.desk.station import Intake, Outlet, Station
from alerts.desk.territory import DISTRICT, Territory
from alerts.model.alert import Named
from alerts.model.ports import Clock, Surroundings
from alerts.rendering.faces import StationFace
from alerts.web.pages import Rules


def station_of(config: Config) -> Station:
    """The town as the desk knows it."""
    station = config.station
    return Station(
        name=station.name,
        sender=station.sender,
        language=station.language,
        timezone=ZoneInfo(station.timezone),
        outlets=tuple(_outlet(config, name) for name in config.channels),
        territory=Territory(station.geocodes, config.districts),
        intakes={
            name: Intake(
                publish=settings.publish,
                urgent=settings.urgent,
                veto=settings.veto,
                severity=settings.severity,
                any_area=settings.area == "any",
                speaks_for=settings.speaks_for,
            )
            for name, settings in config.sources.items()
        },
        alone=config.desk.alone,
        hazards=station.offered,
    )


def _outlet(config: Config, name: str) -> Outlet:
    settings = config.channels[name]
    kind = channel_kind(settings.kind)
    assert kind is not None  # noqa: S101 the configuration was checked
    return Outlet(
        name=name,
        kind=settings.kind,
        text=kind.text,
        severity=settings.severity,
        public=settings.public,
        exercise=settings.exercise,
        link=settings.link,
        on_update=settings.on_update,
        on_end=settings.on_end,
        language=settings.language,
        card=settings.card,
        subscriptions=isinstance(settings, TelegramSettings) and settings.subscriptions,
    )


def station_face(config: Config) -> StationFace:
    """The station as its texts speak of it."""
    station = config.station
    return StationFace(
        name=station.name,
        language=station.language,
        timezone=station.timezone,
        public_url=station.public_url,
        area_names=tuple(district.name for district in config.districts),
        sender=station.sender,
    )


def surroundings_of(config: Config, session: Any, clock: Clock) -> Surroundings:
    """What every source is given."""
    station = config.station
    codes = station.geocodes or tuple(Named(DISTRICT, district.code) for district in config.districts)
    return Surroundings(
        session=session,
        clock=clock,
        folder=config.folder,
        zone=ZoneInfo(station.timezone),
        language=station.language,
        station=station.name,
        sender=station.sender,
        geocodes=codes,
    )


def rules_of(config: Config) -> Rules:
    """What the desk's pages are told."""
    return Rules(
        folder=config.folder,
        alone=config.desk.alone,
        url=config.desk_url,
        second_factor=config.desk.second_factor,
        session=config.desk.session,
        proxies=tuple(ip_network(network) for network in config.web.proxies),
        tiles=config.web.tiles,
        hosts=own_hosts(config),
        bots=tuple(name for name, each in config.channels.items() if getattr(each, "subscriptions", False)),
    )


def own_hosts(config: Config) -> frozenset[str]:
    """The names under which the desk answers: those of `[desk] url`, of `public_url`, and where it listens."""
    urls = (urlsplit(url).hostname for url in (config.desk_url, config.station.public_url) if url)
    return frozenset(host.lower() for host in (*urls, config.web.host) if host)
