"""What every run has in common: the town's settings, its templates and an empty database; read once."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from alerts.config import load_config
from alerts.daemon.desk import build_renderer
from alerts.model.post import Means
from alerts.model.town import ChannelConfig, Town, parse_window
from alerts.rendering.templates import Renderer
from alerts.store.files import migrate
from campaign.town import SECTIONS

SETTINGS = Path(__file__).with_name("channels.toml")
WIDE = SETTINGS.with_name("wide.toml")
OTHERS = SETTINGS.with_name("others.toml")
_THROUGH_THE_SANDBOX = ("mastodon", "bluesky", "matrix", "ntfy", "webhook", "instagram", "ovh")
"""Of `SECTIONS`, what a town of the other kinds is told through."""
_OWN_WAYS = frozenset({"mqtt", "mail", "ntfy", "webhook", "instagram", "sms"})
"""Kinds whose updates and ends have one way each."""


@cache
def shared_settings(*, wide: bool = False, others: bool = False) -> Town:
    """The town's settings, which every run has; a `wide` town has more of everything.

    One of the `others` has a channel and a source of each kind that neither has; of the three platforms it has what
    takes exercises.
    """
    if not wide and not others:
        return load_config(SETTINGS)
    text = SETTINGS.read_text(encoding="utf-8") + (WIDE.read_text(encoding="utf-8") if wide else "")
    if others:
        text = text.replace("[station]\n", '[station]\npublic_url = "https://alertes.saint-martin.example"\n')
        text += OTHERS.read_text(encoding="utf-8")
        text += "".join(SECTIONS[name] for name in _THROUGH_THE_SANDBOX).format(sandbox="https://sandbox.example")
    with TemporaryDirectory() as folder:
        whole = Path(folder) / SETTINGS.name
        whole.write_text(text, encoding="utf-8")
        town = load_config(whole)
    dropped = ("x", "page", "telegram") if others else ()
    return replace(town, channels={name: each for name, each in town.channels.items() if name not in dropped})


def channels_of(dice: Random, *, brief: bool, wide: bool = False, others: bool = False) -> dict[str, ChannelConfig]:
    """The town's channels, each with its own way to tell updates and ends; in a `brief` run with brief windows."""
    windows = {"x": ("6/1m", "24/10m"), "page": ("16/5m",), "ovh": ("8/1m",), "instagram": ("12/2m",)} if brief else {}
    channels: dict[str, ChannelConfig] = {}
    for name, channel in shared_settings(wide=wide, others=others).channels.items():
        limits = tuple(map(parse_window, windows[name])) if name in windows else channel.limits
        paced = replace(channel, limits=limits, reserve=6 if name == "x" and brief else channel.reserve)
        if channel.kind not in _OWN_WAYS:
            on_update = dice.choice((Means.REPLY, Means.EDIT, Means.NEW))
            on_end = dice.choice((Means.REPLY, Means.EDIT, Means.DELETE, Means.NONE))
            paced = replace(paced, on_update=on_update, on_end=on_end)
        channels[name] = paced
    return channels


@cache
def shared_renderer(*, wide: bool = False, others: bool = False) -> Renderer:
    """What writes the texts; its templates are compiled once."""
    return build_renderer(shared_settings(wide=wide, others=others))


@cache
def blank_database() -> bytes:
    """A database file that is up to date and empty."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "blank.db"
        migrate(path)
        db = sqlite3.connect(path)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        return path.read_bytes()
