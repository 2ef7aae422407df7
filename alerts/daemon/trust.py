"""What may be tried for somebody who signed in at the desk, but need not be allowed to read this machine's files.

Whoever may name both a secret's place and an address could have any secret sent to themselves; whoever may name any
file could have it read. So both stay within what channels.toml, or the platform itself, says already.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from alerts.channels.settings import ChannelSettings, SecretSource, WebhookSettings
from alerts.model.errors import ConfigurationError, Misuse
from alerts.model.reason import because
from alerts.sources.settings import PolledSettings


def check_channel(settings: ChannelSettings, standing: Mapping[str, ChannelSettings]) -> None:
    """Raise Misuse where a secret would be read from, or sent to, a place that nobody has allowed.

    Allowed are the platform's own address, and one that a channel of this kind has in channels.toml by now. A webhook
    has no platform: its address and its secret are tried together, as they stand there.
    """
    for field in type(settings).model_fields:
        source = getattr(settings, field)
        if isinstance(source, SecretSource) and source.file and not _is_below(source.file):
            raise Misuse(because("secret_file_outside", key=field))
    if isinstance(settings, WebhookSettings):
        _must_stand(settings, standing)
        return
    usual = type(settings).model_fields["api_url"].default
    known = {each.api_url for each in standing.values() if each.kind == settings.kind}
    if settings.api_url not in {usual, *known}:
        raise Misuse(because("api_url_not_tried"))


def _must_stand(settings: WebhookSettings, standing: Mapping[str, ChannelSettings]) -> None:
    known = {(each.address, each.secret) for each in standing.values() if isinstance(each, WebhookSettings)}
    if (settings.address, settings.secret) not in known:
        raise Misuse(because("webhook_not_tried"))


def check_paths(file: Path, lines: str) -> None:
    """Raise ConfigurationError where `[station]` would have files read that aren't below the folder of `file`."""
    try:
        station = tomllib.loads(lines).get("station", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return  # told by who reads it
    for key in ("boundary", "templates"):
        told = station.get(key) if isinstance(station, dict) else None
        if isinstance(told, str) and not _stays_below(file.parent, told):
            why = because("path_outside")
            raise ConfigurationError([because("setting_wrong", file=file.name, key=f"station.{key}", what=why)])


def check_source(settings: PolledSettings, folder: Path) -> None:
    """Raise Misuse where a file is meant that is not below the folder of channels.toml."""
    if settings.url.lower().startswith(("http://", "https://")):
        return
    if not _stays_below(folder, settings.url):
        raise Misuse(because("source_file_outside"))


def hidden_chat(chat: str | None, public: frozenset[str]) -> str:
    """The chat as it was named, if no reader is in it. Raises Misuse."""
    named = (chat or "").strip()
    if not named.lstrip("-").isdecimal():
        raise Misuse(because("test_chat_missing"))
    if named in public:
        raise Misuse(because("test_chat_public"))
    return named


def _stays_below(folder: Path, name: str) -> bool:
    return (folder / name).resolve().is_relative_to(folder.resolve())


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
