"""Each golden file and how it is made, from the program itself: no list in here is written by hand.

| file | holds |
|---|---|
| `openapi.json` | the API's document |
| `help.txt` | the help of every command |
| `routes.txt` | method and path of all that is answered: by a town, at the fleet's door, while setting up |
| `words.txt` | every word for a state or a kind, what may follow a post's state, the reasons' codes and values |
| `kinds.txt` | each kind of channel and source: its keys, with what they are where they aren't written, and its texts |
| `town.txt` | a sample town, as its commands print it with `--json` and as the API answers it |

The sample town has the clock of the tests, and ids that are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import pkgutil
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from aiohttp import web
from pydantic import BaseModel

import alerts.model
from alerts.channels.settings import PushSettings
from alerts.cli import app as cli
from alerts.cli import screen
from alerts.config.kinds import channel_class, channel_kind, channel_kinds, source_kind, source_kinds
from alerts.daemon.desk import Control, build_desk
from alerts.desk.act import every_act
from alerts.fleet.process import fleet_app
from alerts.model import ports
from alerts.model.post import FOLLOWS
from alerts.model.reason import sentences
from alerts.model.town import PUSH
from alerts.web.api.document import document
from tests.unit.daemon.test_workers import TOWN, whole_town
from tests.unit.fleet.operators import an_operators_desk
from tests.unit.setup.visiting import opened
from tests.unit.web.walking import LivelyTown, a_lively_town

FOLDER = Path(__file__).parent
COMMANDS = typer.main.get_command(cli.app)
_ASKED = re.compile(r"\{(\w+)")


async def openapi(_: Path) -> str:
    return _as_text(document())


async def helps(_: Path) -> str:
    parts = []
    for line, command in _commands(COMMANDS, "tocsin"):
        context = typer.Context(command, info_name=line, terminal_width=100, max_content_width=100)
        parts.append(f"$ {line} --help\n{command.get_help(context)}\n")
    return "\n".join(parts)


async def routes(folder: Path) -> str:
    doors: dict[str, web.Application] = {}

    async def serve(app, section, clock, refused):
        doors["a town"] = app
        return _Nobody(), "http://127.0.0.1:1"

    (folder / "other").write_text("2:b")
    public = 'language = "fr-FR"\npublic_url = "https://alertes.example"'
    async with whole_town(folder, TOWN.replace('language = "fr-FR"', public) + MORE, serve=serve):
        pass
    stations = folder / "stations"
    stations.mkdir()
    async with an_operators_desk(stations) as operators:
        doors["the fleet's door"] = await fleet_app(operators.fleet, operators.desk)
        doors["the fleet itself"] = operators.fleet.router._own.runner.app
    doors["setting up"] = opened(folder, set())
    return "\n".join(f"# {door}\n" + "".join(_answered(app)) for door, app in doors.items())


async def words(_: Path) -> str:
    told = [f"{kind.__name__}: {', '.join(str(each.value) for each in kind)}" for kind in _enums()]
    follow = [f"{state.value} -> {' '.join(sorted(each.value for each in after))}" for state, after in FOLLOWS.items()]
    codes = [f"{code}({', '.join(sorted({*_ASKED.findall(said)}))})" for code, said in sentences().items()]
    parts = {"words": sorted({*told}), "a post's states": [each.rstrip() for each in follow], "reasons": sorted(codes)}
    return "\n".join(f"# {name}\n" + "\n".join(lines) + "\n" for name, lines in parts.items())


async def kinds(_: Path) -> str:
    sections = []
    for kind in (*channel_kinds(), PUSH):
        found = channel_kind(kind)
        # What `[push]` makes has keys of a section of its own.
        settings = found.settings if found is not None else PushSettings
        texts = [f"# {_value(found.text)}"] if found is not None else []
        sections.append((f"[channels.{kind}]", [*texts, f"# {_promises(channel_class(kind))}", *_keys(settings)]))
    for kind in source_kinds():
        source = source_kind(kind)
        assert source is not None
        sections.append((f"[sources.{kind}]", _keys(source.settings)))
    return "\n".join("\n".join([head, *lines]) + "\n" for head, lines in sections)


async def town(folder: Path) -> str:
    async with a_lively_town(folder) as lively:
        printed = [f"$ {line}\n{text}" async for line, text in _printed(lively)]
        answered = [f"GET {path}\n{text}" async for path, text in _asked(lively)]
        return "\n".join([*printed, *answered])


FILES: dict[str, Callable[[Path], Awaitable[str]]] = {
    "openapi.json": openapi,
    "help.txt": helps,
    "routes.txt": routes,
    "words.txt": words,
    "kinds.txt": kinds,
    "town.txt": town,
}
MORE = """
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
sender = "Ville de Saint-Martin <alertes@saint-martin.example>"
subscriptions = true

[channels.avis]
kind = "telegram"
api_url = "http://127.0.0.1:1"
chat = "@avis"
token = { file = "other" }
updates = "webhook"
hears = true
"""
"""What the whole town of other tests lacks: letters, and a bot to which Telegram brings what it has."""


def _promises(channel: type[Any] | None) -> str:
    """The protocols of `alerts.model.ports` that a class keeps, by all their names."""
    names = {
        name: _methods(each) - _methods(ports.Channel)
        for name, each in inspect.getmembers(ports, inspect.isclass)
        if getattr(each, "_is_runtime_protocol", False)
    }
    return " ".join(name for name, parts in names.items() if parts and all(hasattr(channel, each) for each in parts))


def _methods(protocol: type[Any]) -> set[str]:
    parts = {*vars(protocol), *vars(protocol).get("__annotations__", {})}
    return {name for name in parts if not name.startswith("_")}


def _keys(settings: type[BaseModel]) -> list[str]:
    return sorted(
        f"{name} = {'…' if field.is_required() else _value(field.get_default(call_default_factory=True))}"
        for name, field in settings.model_fields.items()
    )


def _value(value: object) -> str:
    match value:
        case Enum():
            return json.dumps(value.value)
        case tuple() | list():
            return f"[{', '.join(map(_value, value))}]"
        case None:
            return "none"
        case bool() | int() | float() | str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


class _Nobody:
    """An entrance that nobody asks at."""

    connections = 0

    async def close(self) -> None:
        """There is nothing to close."""


def _commands(command: Any, line: str) -> Iterator[tuple[str, Any]]:
    yield line, command
    for name, each in getattr(command, "commands", {}).items():
        yield from _commands(each, f"{line} {name}")


def _answered(app: web.Application) -> list[str]:
    lines = {
        f"{route.method} {route.resource.canonical}\n"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    return sorted(lines, key=lambda line: line.split()[::-1])


def _enums() -> list[type[Enum]]:
    modules = [
        importlib.import_module(each.name) for each in pkgutil.iter_modules(alerts.model.__path__, "alerts.model.")
    ]
    return [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Enum) and kind.__module__ == module.__name__
    ]


class _Screen:
    """Whoever handed a command over: keeps what it shows, and lets it act at the sample town's own time."""

    unicode, colours, uid = True, False, os.getuid()

    def __init__(self, lively: LivelyTown) -> None:
        self.lines: list[str] = []
        desk = build_desk(lively.config, lively.clock.now, lively.service.new_id)
        self._control = Control(lively.config, lively.clock.now, desk)

    def control(self) -> Control:
        return self._control

    def tell(self, kind: str, what: object) -> None:
        if kind == "show":
            self.lines.append(str(what))

    def rest(self, seconds: float) -> None:
        """Nothing is waited for."""

    def must_be_there(self) -> None:
        """It is."""


async def _printed(lively: LivelyTown) -> AsyncIterator[tuple[str, str]]:
    """Each command that only reads, with `--json`; where it wants a name, with the first for which it has something."""
    names = await lively.names()
    for line, command in _commands(COMMANDS, ""):
        options = {option for each in command.params for option in each.opts}
        if "--json" not in options or line.split()[-1] in _ACTS:
            continue
        wants = any(each.param_type_name == "argument" and each.required for each in command.params)
        for name in names if wants else [""]:
            given = [*line.split(), *([name] if name else []), "--json", *(["--all"] if "--all" in options else [])]
            if (shown := await asyncio.to_thread(_carried_out, lively, given)) is not None:
                yield " ".join(["tocsin", *given]), shown
                break


_ACTS = {"post", "update", "cancel", "correct", "answer", "preview", "add", "reset", "open"} | {
    act.verb for act in every_act()
}


def _carried_out(lively: LivelyTown, given: list[str]) -> str | None:
    caller = _Screen(lively)
    screen.CALLER.set(caller)
    with contextlib.redirect_stderr(None):
        status = cli.carry_out(["--config", str(lively.config.folder / "channels.toml"), *given])
    return None if status else "".join(_as_text(json.loads(each)) for each in caller.lines)


async def _asked(lively: LivelyTown) -> AsyncIterator[tuple[str, str]]:
    """Each operation that only reads; where it wants a name, with the first of which it has something."""
    names = await lively.names()
    for path, operations in document()["paths"].items():
        if "get" not in operations or path == "/openapi.json":
            continue
        for name in names if "{" in path else [""]:
            asked = "/api/v1" + re.sub(r"\{\w+\}", name, path)
            async with lively.client.get(asked, headers={"Authorization": "Bearer luc-token"}) as answer:
                text = await answer.text()
                if answer.status == 200:
                    yield asked, _as_text(json.loads(text)) if "json" in answer.content_type else f"{text}\n"
                    break


def _as_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
