"""The kinds of channel and source as a form can show them: their own keys, from the settings that check them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alerts.channels.settings import ChannelSettings, SecretSource
from alerts.config import channel_kind, channel_kinds, source_kind, source_kinds
from alerts.desk.service import Key, KindSheet
from alerts.model.errors import Unreadable
from alerts.sources.settings import PolledSettings

# Keys that all have and that are asked for at once: what goes where nobody expects it, and where the platform is (the
# sandbox, to try it).
_ALWAYS = ("exercise", "public", "allow_private", "api_url")


def channel_sheets() -> Sequence[KindSheet]:
    """Each kind of channel with the keys of its own, and those that say who may read it."""
    sheets = []
    for name in channel_kinds():
        try:
            kind = channel_kind(name)
        except Unreadable:
            continue
        if kind is not None:
            sheets.append(_sheet(name, kind.settings, ChannelSettings))
    return sheets


def source_sheets() -> Sequence[KindSheet]:
    """Each kind of source that is looked at."""
    sheets = []
    for name in source_kinds():
        try:
            kind = source_kind(name)
        except Unreadable:
            continue
        if kind is not None and issubclass(kind.settings, PolledSettings):
            sheets.append(_sheet(name, kind.settings, PolledSettings))
    return sheets


def _sheet(name: str, model: type[BaseModel], beside: type[BaseModel]) -> KindSheet:
    keys = sorted(_keys(model, beside), key=lambda key: (not key.needed, not key.secret, key.choice))
    return KindSheet(name, tuple(keys))


def _keys(model: type[BaseModel], beside: type[BaseModel]) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        own = name not in beside.model_fields or name in _ALWAYS or (field.is_required() and name != "kind")
        if own and (name in _ALWAYS or _is_simple(field)):
            yield Key(
                name,
                needed=field.is_required(),
                secret=_is(field, SecretSource),
                choice=_is(field, bool),
                example=str(field.examples[0]) if field.examples else "",
                default="" if field.is_required() or field.default is None else _spelled(field.default),
            )


def _is_simple(field: FieldInfo) -> bool:
    """Whether one line of a form can hold it."""
    return _is(field, SecretSource) or _is(field, str) or _is(field, bool)


def _is(field: FieldInfo, kind: type) -> bool:
    return field.annotation is kind or kind in get_args(field.annotation)


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
