"""From settings to the town's own page."""

from __future__ import annotations

from datetime import timedelta

from alerts.config import MANUAL, Config
from alerts.daemon.bots import bot_settings
from alerts.daemon.desk import build_renderer
from alerts.desk.service import DeskService
from alerts.desk.territory import Territory
from alerts.model.ports import Clock
from alerts.sources.settings import PolledSettings, SourceSettings
from alerts.web.public.publisher import Publisher
from alerts.web.public.setting import Feed, Setting

SPOKEN = ("fr", "en")
"""What the pages can be read in."""


def build_publisher(config: Config, service: DeskService, clock: Clock) -> Publisher:
    """What keeps the public pages true."""
    export = config.folder / config.web.export if config.web.export else None
    return Publisher(service, build_setting(config), clock, export)


def build_setting(config: Config) -> Setting:
    """The station as its pages show it."""
    station, pages = config.station, config.web
    return Setting(
        station=station.name,
        sender=station.sender,
        languages=_languages(config),
        zone=config.zone,
        renderer=build_renderer(config),
        public_url=station.public_url or "",
        tiles=pages.tiles,
        tiles_by=pages.tiles_by,
        districts=config.districts,
        territory=Territory(station.geocodes, config.districts),
        sources=tuple(_feed(name, each) for name, each in config.sources.items() if name != MANUAL),
        bots=tuple(name for name, each in bot_settings(config).items() if each.public and not each.exercise),
        embed=pages.embed,
    )


def _feed(name: str, settings: SourceSettings) -> Feed:
    """Three of its rounds may fail before its age is held against it, and ten minutes in any case."""
    every = settings.every if isinstance(settings, PolledSettings) else timedelta()
    return Feed(name, settings.title or f"{name[:1].upper()}{name[1:]}", max(3 * every, timedelta(minutes=10)))


def _languages(config: Config) -> tuple[str, ...]:
    """The station's own first, then those that its channels speak and that were asked for."""
    channels = (settings.language for settings in config.channels.values() if settings.public and settings.language)
    tags = [config.station.language, *channels, *config.web.languages]
    spoken = [primary for tag in tags if (primary := tag.split("-", maxsplit=1)[0].lower()) in SPOKEN]
    return tuple(dict.fromkeys(spoken)) or ("en",)
