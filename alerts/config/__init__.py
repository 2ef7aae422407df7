"""channels.toml parsed once into a `Town` (model/town.py), with every error of the file reported at once.

An error names the file, the key, the fault and the allowed values; for an unknown key, the nearest known one. No secret
is read here: the senders read theirs.
"""

from alerts.config.kinds import channel_class, channel_kind, channel_kinds, source_kind, source_kinds
from alerts.config.reading import fleet_desk, load_config, load_fleet, read_channel, read_config, text_of
from alerts.config.sections import DeskSettings, NotifySettings, StationSettings, StoreSettings, WebSettings, store_at
from alerts.model.incident import MANUAL

__all__ = [
    "MANUAL",
    "DeskSettings",
    "NotifySettings",
    "StationSettings",
    "StoreSettings",
    "WebSettings",
    "channel_class",
    "channel_kind",
    "channel_kinds",
    "fleet_desk",
    "load_config",
    "load_fleet",
    "read_channel",
    "read_config",
    "source_kind",
    "source_kinds",
    "store_at",
    "text_of",
]
