"""What the pages are told by channels.toml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rules:
    """How the desk lets people in and where it stands.

    `url` is the desk's own address (None: whatever the browser asked for), `proxies` those whose `X-Forwarded-For` and
    `X-Forwarded-Proto` are believed, `folder` where channels.toml is, and `tiles` the map's tile address, if any.
    `bots` are the channels with a bot that an officer may link a chat with. `hosts` are the names under which the desk
    answers, besides this machine's own and addresses in figures.
    """

    folder: Path
    alone: bool = False
    url: str | None = None
    second_factor: Literal["required", "optional"] = "required"
    session: timedelta = timedelta(hours=12)
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    tiles: str | None = None
    bots: Sequence[str] = ()
    hosts: frozenset[str] = frozenset()
