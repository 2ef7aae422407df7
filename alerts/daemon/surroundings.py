"""What every source is given."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from alerts.config import Config
from alerts.daemon.outside import Session
from alerts.desk.territory import DISTRICT
from alerts.model.alert import Named
from alerts.model.ports import Clock, Surroundings


def surroundings(config: Config, session: Session, clock: Clock) -> Surroundings:
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
