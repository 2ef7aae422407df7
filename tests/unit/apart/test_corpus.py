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
