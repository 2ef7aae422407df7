"""Whatever of channels.toml names a secret or a file is found by its type, in every section and kind there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.functional_validators import AfterValidator

from alerts.channels.settings import PushSettings, SecretSource
from alerts.config import sections
from alerts.config.kinds import channel_kind, channel_kinds, source_kind, source_kinds
from alerts.config.within import bound_to, named_in
from alerts.model.local import LocalFile
from alerts.sources.settings import PolledSettings

WORDS = [
    "accent",
    "access",
    "account_id",
    "announce",
    "api_url",
    "areas",
    "blanks",
    "channels",
    "chat",
    "code",
    "contacts",
    "department",
    "embed",
    "except_",
    "feeds",
    "folder",
    "forward",
    "handle",
    "hazards",
    "heartbeat",
    "host",
    "hosts",
    "hours",
    "instruction",
    "jurisdiction",
    "kind",
    "kinds",
    "language",
    "languages",
    "licence",
    "listen",
    "login",
    "name",
    "names",
    "number",
    "numbers",
    "only",
    "page_id",
    "pictogram",
    "prefix",
    "prefixes",
    "proxies",
    "public_url",
    "room",
    "routes",
    "sections",
    "sender",
    "senders",
    "service",
    "services",
    "speaks_for",
    "stop",
    "stops",
    "subject",
    "tiles",
    "tiles_by",
    "timezone",
    "title",
    "to",
    "told",
    "topic",
    "url",
    "user",
    "verified_by",
    "version",
    "without",
    "words",
    "zones",
]
"""Texts that name no file. `url` may be one, which its validators tell: it has tests of its own."""


@dataclass(frozen=True)
class Secrets:
    """A part of the settings that is no model."""

    one: SecretSource
    others: tuple[LocalFile, ...]


def models() -> Iterator[type[BaseModel]]:
    """Everything that a part of channels.toml is checked by."""
    kinds = [*map(channel_kind, channel_kinds()), *map(source_kind, source_kinds())]
    yield from (each.settings for each in kinds if each is not None)
    yield from (each for each in vars(sections).values() if isinstance(each, type) and BaseModel in each.__mro__[1:])
    yield PushSettings


def flat(annotation: Any) -> Iterator[Any]:
    """The types within a type, and what is told of them."""
    yield annotation
    for each in get_args(annotation):
        yield from flat(each)


def is_file(model: type[BaseModel], name: str) -> bool:
    """Whether a field is read as a file's name."""
    field = model.model_fields[name]
    told = [*field.metadata, *flat(field.annotation)]
    return any(isinstance(each, AfterValidator) and each.func is LocalFile for each in told)


def filled(model: type[BaseModel], put: list[object]) -> BaseModel:
    """The model with a secret or a file wherever it may have one, which are `put` there."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        told = list(flat(field.annotation))
        inner = next((each for each in told if isinstance(each, type) and issubclass(each, BaseModel)), None)
        if inner is SecretSource or is_file(model, name):
            values[name] = SecretSource(file="secret") if inner else LocalFile("file")
            put.append(values[name])
        elif inner is not None:
            within = filled(inner, put)
            values[name] = {"one": within} if dict in map(get_origin, told) else (within,)
    return model.model_construct(**values)


def test_no_section_has_a_secret_or_a_file_that_the_walk_does_not_see(tmp_path):
    seen = 0
    for model in dict.fromkeys(models()):
        if model is not SecretSource:
            settings = filled(model, put := [])
            assert [each for _, each in named_in(settings, "")] == put, model
            bound = [each for _, each in named_in(bound_to(tmp_path, settings), "")]
            assert [getattr(each, "within", None) for each in bound] == [tmp_path] * len(put), model
            seen += len(put)

    assert seen > 20


def test_what_a_dataclass_names_is_bound_too(tmp_path):
    inner = Secrets(one=SecretSource(file="secret"), others=(LocalFile("file"),))

    bound = bound_to(tmp_path, {"a": (inner,)})

    assert [getattr(each, "within", None) for _, each in named_in(bound, "")] == [tmp_path] * 2


def test_every_other_text_of_a_section_names_no_file():
    unknown = {
        f"{model.__name__}.{name}"
        for model in models()
        if model is not SecretSource
        for name, field in model.model_fields.items()
        if str in flat(field.annotation) and not is_file(model, name) and name not in WORDS
    }

    assert unknown == set(), "a field that names a file is a FileNamed; one that doesn't stands in WORDS"


def test_a_source_s_address_is_a_file_where_it_leads_to_this_machine():
    assert [
        isinstance(PolledSettings(kind="cap", url=url).url, LocalFile)
        for url in ("feed.xml", "/srv/feed.xml", "file:///srv/feed.xml", "FILE:/srv/x", "https://feeds.example/atom")
    ] == [True, True, True, True, False]
