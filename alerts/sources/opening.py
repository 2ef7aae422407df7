"""Opens the sources that ship, from their settings."""

from __future__ import annotations

from alerts import __version__
from alerts.model.ports import Surroundings
from alerts.sources.cap.source import CapSource
from alerts.sources.fetch import Fetcher
from alerts.sources.ical.moments import parse_moment
from alerts.sources.ical.source import IcalSource, place_of
from alerts.sources.ical.works_alert import Issuer
from alerts.sources.settings import CapSettings, IcalSettings


def _user_agent(around: Surroundings) -> str:
    """Names the town and a contact, as feeds ask for (api.weather.gov refuses requests that don't)."""
    station = around.station.encode("ascii", "replace").decode().replace("?", "-")
    return f"Tocsin/{__version__} ({station}; {around.sender})"


def open_cap(_: str, settings: CapSettings, around: Surroundings) -> CapSource:
    """A source of `kind = "cap"`."""
    return CapSource(
        settings,
        session=around.session,
        clock=around.clock,
        zone=around.zone,
        user_agent=_user_agent(around),
        folder=around.folder,
    )


def open_ical(name: str, settings: IcalSettings, around: Surroundings) -> IcalSource:
    """A source of `kind = "ical"`."""
    fetcher = Fetcher(
        around.session,
        clock=around.clock,
        user_agent=_user_agent(around),
        timeout=settings.timeout.total_seconds(),
        allow_private=settings.allow_private,
    )
    return IcalSource(
        name,
        place_of(settings.url, around.folder, fetcher),
        moments=[parse_moment(text) for text in settings.announce],
        zone=around.zone,
        issuer=Issuer(around.sender, around.station, around.language, settings.severity, around.geocodes),
        monotonic=around.clock.monotonic,
    )
