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

SETTINGS = Path(__file__).with_name("channels.toml")
WIDE = SETTINGS.with_name("wide.toml")
_OWN_WAYS = ("mqtt", "mail")
"""Kinds whose updates and ends have one way each."""


@cache
def shared_settings(*, wide: bool = False) -> Town:
    """The town's settings, which every run has; a `wide` town has more of everything."""
    if not wide:
        return load_config(SETTINGS)
    with TemporaryDirectory() as folder:
        whole = Path(folder) / SETTINGS.name
        whole.write_text(SETTINGS.read_text(encoding="utf-8") + WIDE.read_text(encoding="utf-8"), encoding="utf-8")
        return load_config(whole)


def channels_of(dice: Random, *, brief: bool, wide: bool = False) -> dict[str, ChannelConfig]:
    """The town's channels, each with its own way to tell updates and ends; in a `brief` run with brief windows."""
    windows = {"x": ("6/1m", "24/10m"), "page": ("16/5m",)} if brief else {}
    return {
        name: replace(
            channel,
            on_update=dice.choice((Means.REPLY, Means.EDIT, Means.NEW)),
            on_end=dice.choice((Means.REPLY, Means.EDIT, Means.DELETE, Means.NONE)),
            limits=tuple(map(parse_window, windows[name])) if name in windows else channel.limits,
            reserve=6 if name == "x" and brief else channel.reserve,
        )
        if channel.kind not in _OWN_WAYS
        else channel
        for name, channel in shared_settings(wide=wide).channels.items()
    }


@cache
def shared_renderer(*, wide: bool = False) -> Renderer:
    """What writes the texts; its templates are compiled once."""
    return build_renderer(shared_settings(wide=wide))


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
