"""Whatever reads strangers' bytes reads them apart: found by a walk of the program, and tried with hostile ones."""

from __future__ import annotations

import ast
import asyncio
import itertools
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import alerts
from alerts.apart.parser import PARSERS
from alerts.apart.wire import Limits
from alerts.model.bounds import read_json
from bench.hostile import CORPUS, LEAST
from tests.walls import in_one_test

ROOT = Path(alerts.__file__).parent
FILES = {f"alerts.{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}": path for path in ROOT.rglob("*.py")}
LIBRARIES = {"feedparser", "icalendar", "recurring_ical_events", "lxml", "PIL", "google"}
"""What parses in C, or by patterns of its own."""
READS_APART = {
    "alerts.reports.photos",
    "alerts.store.bare",
    "alerts.sources.feed",
    "alerts.sources.gtfs_rt",
    "alerts.sources.ical.agenda",
    "alerts.sources.ical.event",
    "alerts.sources.ical.recurrence",
    "alerts.sources.mail",
    "alerts.sources.roads",
}
READ = {"Feed", "WorksAgenda", "ColourMap", "Bulletin", "FloodEdition", "AirEpisodes", "TransitDataset", "RoadAgenda"}
READ |= {"Thread", "MailWords", "Outlines", "Photo", "bytes", "str", "tuple"}
READS_HERE = {
    # In time as the length of what comes, which is bounded: `tests/unit/sources/test_cap_samples.py` and the bench.
    "alerts.sources.safe_xml",
    "alerts.sources.cap.fields",
    "alerts.sources.cap.index",
}
WRITES = {
    "alerts.web.public.machine",
    "alerts.web.api.open311_requests",
    "alerts.rendering.card",
    "alerts.rendering.pictograms",
}


MODULES = {("json", "loads"), ("json", "load"), ("jsonlib", "loads"), ("tomllib", "loads"), ("tomllib", "load")} | {
    ("csv", "reader"), ("csv", "DictReader"), ("pickle", "loads"), ("ast", "literal_eval"),
}  # fmt: skip
METHODS = {"json", "model_validate_json", "validate_json", "raw_decode"}
"""Calls that make values of a text."""
READ_JSON_APART = {
    "alerts.channels.answer",
    "alerts.channels.bluesky",
    "alerts.channels.facebook.hearing",
    "alerts.channels.mastodon",
    "alerts.sources.atmo",
    "alerts.sources.cap.index",
    "alerts.sources.cap.nina",
    "alerts.sources.vigicrues",
    "alerts.sources.vigilance.bulletin",
}
"""Where a parser, which is called apart, or at once for short bytes, reads JSON of any length."""
OUR_OWN = {
    **dict.fromkeys(
        [
            "alerts.store." + each
            for each in (
                "alerts",
                "archive",
                "bulk",
                "bulk_results",
                "leases",
                "mapper",
                "memory",
                "polls",
                "restoring",
                "statement",
                "subscribers",
                "views",
            )
        ],
        "what the store keeps",
    ),
    "alerts.channels.instagram": "what the channel keeps",
    "alerts.channels.push.bulk": "what the channel keeps, and words of ours",
    "alerts.health.observer": "what the store keeps",
    "alerts.model.alert": "what the store keeps",
    "alerts.model.reason": "what the store keeps, and a reason that a reading process told",
    "alerts.model.spending": "what the store keeps",
    "alerts.fleet.hosts": "what the fleet keeps",
    "alerts.web.api.commands": "what the store keeps",
    "alerts.web.console.looks": "words of ours",
    "alerts.web.api.document": "the document itself",
    "alerts.web.public.signup": "what we sealed",
    "alerts.web.public.export": "the map that we wrote",
    "alerts.rendering.planned": "the calendar's own parameters, which no feed may say",
    "alerts.apart.wire": "what a reading process says, within its bounds, in a thread",
    "alerts.daemon.control": "a command of this machine, and channels.toml",
    "alerts.config.reading": "channels.toml",
    "alerts.setup.lines": "channels.toml",
    "alerts.cli.screen": "channels.toml",
    "alerts.cli.subscribers": "an operator's file, in a command of theirs",
    "alerts.demo.show": "the sandbox's, in a command",
    "alerts.listening.lexicon": "a file of the program",
    "alerts.desk.outlines": "a file of the town, as the daemon begins",
    "alerts.desk.streets": "a file of the town, as the daemon begins",
    "alerts.reports.addresses": "a file of the town, as the daemon begins",
    "alerts.web.api.app": "a body of few values (`is_light`)",
    "alerts.web.public.push": "a body of 64 kB at the most",
}
"""Who else reads JSON, TOML or CSV, and whose it is. The list only shrinks."""


def parsers():
    for each in pkgutil.walk_packages([str(ROOT)], "alerts."):
        if "@parser(" in FILES.get(each.name, ROOT / "__init__.py").read_text(encoding="utf-8"):
            import_module(each.name)
    return {name: each for name, each in PARSERS.items() if name.startswith("alerts.")}


@cache
def imports_and_calls() -> list[tuple[str, ast.AST]]:
    """Each of the program, with the name of its module."""
    read = ((name, ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for name, path in FILES.items())
    wanted = ast.Import | ast.ImportFrom | ast.Call
    return [(name, node) for name, nodes in read for node in nodes if isinstance(node, wanted)]


def test_who_imports_a_parsing_library_is_known():
    found = set()
    for name, node in imports_and_calls():
        modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if LIBRARIES & {each.partition(".")[0] for each in modules}:
            found.add(name)

    assert found == READS_APART | READS_HERE | WRITES


def test_each_parser_has_hostile_inputs():
    assert {each.what for each in parsers().values()} == set(CORPUS)


def test_no_parser_is_called_in_the_daemon():
    names = {name.partition(":")[2] for name in parsers()}
    called = [
        (name, node.func.id)
        for name, node in imports_and_calls()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]

    assert called == []


def test_json_is_read_in_one_place_or_it_is_our_own():
    assert set(json_readers()) == {"alerts.model.bounds", *OUR_OWN, *READ_JSON_APART}
    parsed = {name for name, reader in json_readers().items() if "read_long_json" in reader}
    assert parsed == READ_JSON_APART | {"alerts.model.bounds"}


def json_readers() -> dict[str, set[str]]:
    """By module: how it makes values of a JSON, TOML or CSV text, a response or a mail, but for `read_json`."""
    found: dict[str, set[str]] = {}
    for name, node in imports_and_calls():
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute):
            of = called.value.id if isinstance(called.value, ast.Name) else ""
            if (of, called.attr) in MODULES or called.attr in METHODS:
                found.setdefault(name, set()).add(called.attr)
        if isinstance(called, ast.Name) and called.id == "read_long_json":
            found.setdefault(name, set()).add(called.id)
    return found


@in_one_test
@pytest.mark.parametrize(
    "unit", [b"{},", b"[],", b"1,", b'{"a":[1]},', b"1" * 4000 + b",", b"[" * 90 + b"]" * 90 + b","]
)
def test_a_list_of_8_mb_is_not_read_in_the_daemon(unit):
    body = b'{"data": [' + unit * (8 * 1024 * 1024 // len(unit)) + b"1]}"
    for text in (body, body.decode()):
        assert read_json(text) is None
    assert read_json(b'{"picture": "' + b"a" * len(body) + b'"}') is not None


@in_one_test
@pytest.mark.parametrize("what", CORPUS)
async def test_hostile_inputs_are_read_or_refused_and_leave_the_loop_its_turns(what, monkeypatch):
    parser, inputs = CORPUS[what]
    monkeypatch.setattr(parser, "limits", Limits(1, 512))
    sample = list(itertools.islice(inputs(LEAST), 0, None, 4))
    turns = 0

    async def read() -> list[str]:
        told = await asyncio.gather(*(parser.read("somebody", *each) for each in sample), return_exceptions=True)
        return [type(each).__name__ for each in told]

    reading = asyncio.create_task(read())
    while not reading.done():
        turns += 1
        await asyncio.sleep(0.001)

    told = set(await reading)
    assert len(sample) >= 8
    assert turns >= len(sample) / 4
    assert told <= {parser.refuses.__name__, *READ}
