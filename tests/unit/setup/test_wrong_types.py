"""A key of the wrong type in channels.toml: set-up tells it as `tocsin check` does, and nothing of the file is lost.

Walked: each key of each section of the example file, and each that the models of those sections know besides.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import tomlkit

from alerts.channels.settings import PushSettings
from alerts.config.sections import (
    DeskSettings,
    ListeningSettings,
    NotifySettings,
    ReportsSettings,
    StationSettings,
    StoreSettings,
    WebSettings,
)
from alerts.setup.pages import STEPS
from tests.unit.setup.visiting import ROOT, STATION

EXAMPLE = tomllib.loads((ROOT / "channels.toml").read_text(encoding="utf-8"))
SECTIONS = {
    "station": StationSettings,
    "store": StoreSettings,
    "web": WebSettings,
    "notify": NotifySettings,
    "desk": DeskSettings,
    "listening": ListeningSettings,
    "reports": ReportsSettings,
    "push": PushSettings,
}
DEEP = "so many brackets that whoever follows them by calling themselves gives up"
WRONG = {
    "list": [1, ["two"]],
    "list of text": ["one", "two"],
    "table": {"one": [1]},
    "int": 5,
    "bool": True,
    "float": 0.5,
    "date": dt.date(2026, 1, 1),
    "deep": DEEP,
}
SAVES = (
    ("station", "save", STATION),
    ("people", "save:duty", {"push": "true", "subject": "mailto:a@saint-martin.example"}),
    ("duty", "save:lines", {"manual": "approve", "told.equipe": "true"}),
    ("duty", "save:team", {}),
    ("channels", "edit:telegram", {}),
    ("channels", "remove:page", {}),
    (
        "channels",
        "save:",
        {
            "kind": "telegram",
            "preset": "team",
            "name": "garde",
            "key.chat": "-100123456",
            "key.token": "TELEGRAM_TOKEN",
            "key.token.place": "env",
        },
    ),
    ("sources", "edit:travaux", {}),
)


def spelled(table: dict[str, Any]) -> str:
    return tomlkit.dumps(table).replace(f'"{DEEP}"', "[" * 150 + "]" * 150)


def places() -> Iterator[tuple[str, ...]]:
    """Each section, each table of a section, and each key of them."""
    for section, model in SECTIONS.items():
        yield (section,)
        yield from ((section, key) for key in names(model))
    for section in ("sources", "channels"):
        yield (section,)
        for name, table in EXAMPLE[section].items():
            yield section, name
            yield from ((section, name, key) for key in table)


def names(model: Any) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def with_wrong(place: tuple[str, ...], wrong: Any) -> str:
    whole = tomllib.loads((ROOT / "channels.toml").read_text(encoding="utf-8"))
    inner = whole
    for part in place[:-1]:
        inner = inner.setdefault(part, {})
    inner[place[-1]] = wrong
    # What follows a key in the file may not become part of a table that was put before it.
    return spelled(dict(sorted(whole.items(), key=lambda each: isinstance(each[1], dict))))


@pytest.mark.parametrize("wrong", WRONG)
async def test_no_step_fails_and_no_byte_changes(visitor, tmp_path, wrong):
    """Each place is seen at one step and saved at one; the steps take turns, so that each meets each kind of place."""
    file, failed = tmp_path / "channels.toml", []
    for place, step, (saved, do, typed) in zip(places(), cycle(STEPS), cycle(SAVES), strict=False):
        lines = with_wrong(place, WRONG[wrong])
        file.write_text(lines, encoding="utf-8")
        await visitor.get(f"/desk/setup/{step}")
        if visitor.status >= 500:
            failed.append((".".join(place), step))
        visitor.lines = lines
        await visitor.send(saved, do, **typed)
        if visitor.status >= 500:
            failed.append((".".join(place), f"{saved} {do}"))
        assert file.read_text(encoding="utf-8") == lines
    assert not failed, f"{len(failed)}: {failed[:20]}"


async def test_what_no_form_can_hold_is_told_as_by_check_and_saving_loses_nothing(visitor, tmp_path):
    lines = with_wrong(("notify", "channels"), 5)
    (tmp_path / "channels.toml").write_text(lines, encoding="utf-8")
    for step in STEPS:
        if step == "accounts":
            continue  # it reads nothing of the lines
        await visitor.get(f"/desk/setup/{step}")
        assert "channels.toml: notify.channels: is something else; allowed: a list of text in quotes" in visitor.text, (
            step
        )

    await visitor.send("duty", "save:lines", heartbeat="https://watch.example/ping")
    assert visitor.lines == lines
    assert "notify.channels" in visitor.text


async def test_a_file_that_cannot_be_read_is_told_and_never_written_over(visitor, tmp_path):
    file, content = tmp_path / "channels.toml", "[station]\nname = 'Orléans'\n".encode("latin-1")
    file.write_bytes(content)
    for step in STEPS:
        await visitor.get(f"/desk/setup/{step}")
        assert "channels.toml can’t be read" in visitor.text
        assert visitor.status == 200
    visitor.lines = (ROOT / "channels.toml").read_text(encoding="utf-8")
    await visitor.send("lines", "write")
    assert file.read_bytes() == content
