"""What the pages ask the channel of push: the town's public key, and which endpoints and keys can be."""

from __future__ import annotations

import time

from alerts.channels.push.encryption import TownKey, is_readable
from alerts.channels.push.services import service_of
from alerts.channels.settings import PushSettings
from alerts.model.town import PUSH, Town
from alerts.web.public.push import PushDoor

READ_EVERY = 60.0
"""Seconds after which the key's file is read anew."""


def push_door(town: Town) -> PushDoor | None:
    """The door to subscriptions; None where the town has no push."""
    channel = town.channels.get(PUSH)
    if channel is None or not isinstance(channel.settings, PushSettings):
        return None
    settings, known = channel.settings, list[tuple[float, str]]()

    def key() -> str:
        if not known or time.monotonic() - known[0][0] > READ_EVERY:
            public = TownKey.read(settings.key.read(town.folder).reveal()).public
            known[:] = [(time.monotonic(), public)]
        return known[0][1]

    return PushDoor(key, lambda url: service_of(url, settings.services) is not None, is_readable)
