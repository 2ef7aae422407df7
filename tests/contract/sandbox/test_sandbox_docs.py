"""docs/sandbox.md names every rule with its default, and every control address of people and listeners."""

import json
import re
from pathlib import Path

from aiohttp import web

from tocsin_sandbox import SandboxSettings, create_app
from tocsin_sandbox.hand import PLATFORM
from tocsin_sandbox.people import Say
from tocsin_sandbox.rules import Rules

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_rule_is_told_with_its_default_and_no_other():
    rows = dict(re.findall(r"^\| `(\w+)` \| `?(.*?)`? \|", PAGE, re.MULTILINE))
    there = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in Rules().model_dump().items()
    }
    assert rows == {name: re.sub(r"\.0$", "", value) for name, value in there.items()}


def test_every_address_of_people_and_listeners_is_told():
    app = create_app(SandboxSettings())
    assert isinstance(app, web.Application)
    paths = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
    new = {path for path in paths if re.search(r"/\{platform\}/|telegram/link|facebook|rules|listening", path)}
    told = set(re.findall(r"/sandbox/[\w./]+", PAGE.replace("PLATFORM", "{platform}").replace("{platform}", "_P_")))
    assert {path.replace("{platform}", "_P_") for path in new} <= told
    assert PLATFORM.startswith("{platform:")
    assert {"text", "under", "page"} <= {key for key in Say.model_fields if f"`{key}`" in PAGE} == set(Say.model_fields)
