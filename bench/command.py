"""`tocsin post` and `status` as whole processes, by Python with Typer alone; and what they must not have loaded."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, in_turn
from bench.process import output, run_time
from tests.process.town import ALL_THREE, Town

ROUNDS = 7
HEAVY = (
    *("telegram", "tweepy", "aiohttp", "shapely", "sqlalchemy.ext.asyncio", "alembic", "lxml", "icalendar", "emoji"),
    *("asyncio", "structlog", "PIL"),
)
"""What an officer's command has no use for."""
LARGE = (*HEAVY, "sqlalchemy", "pydantic", "jinja2", "babel", "typer")
"""What it has no use for where a daemon does its work."""
LOADED = """
import json, sys, io, contextlib
from alerts.cli import run
with contextlib.redirect_stdout(io.StringIO()):
    status = run(["post", "--headline", "Vent violent", "--again"])
assert status == 0, status
print(json.dumps([name for name in {names!r} if name in sys.modules]))
"""
POST = ["-m", "alerts.cli", "post", "--headline", "Vent violent", "--again"]
STATUS = ["-m", "alerts.cli", "status"]
FLOOR = ["-c", "import typer"]


def measure() -> Iterator[Row]:
    """With a daemon: the command's own work, and the time until it has answered; then without one."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        root = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}

        def used(arguments: list[str]) -> float:
            return run_time(arguments, folder, root)

        def taken(arguments: list[str]) -> float:
            began = time.perf_counter()
            run_time(arguments, folder, root)
            return time.perf_counter() - began

        town = Town(folder)
        town.configure(ALL_THREE.replace("{sandbox}", "http://127.0.0.1:9"))
        town.start_daemon()
        try:
            yield Row("`tocsin post`, a daemon runs", *in_turn(lambda: used(FLOOR), lambda: used(POST), ROUNDS), "s", 3)
            yield Row("the same, by the clock", *in_turn(lambda: taken(FLOOR), lambda: taken(POST), ROUNDS), "s", 3)
            yield Row(
                "`tocsin status`, a daemon runs", *in_turn(lambda: used(FLOOR), lambda: used(STATUS), ROUNDS), "s", 3
            )
            yield _loaded("large modules it loads", LARGE, folder)
        finally:
            town.end()
        yield Row("`tocsin post`, none runs", *in_turn(lambda: used(FLOOR), lambda: used(POST), ROUNDS), "s", 10)
        yield _loaded("heavy modules it loads", HEAVY, folder)


def _loaded(what: str, names: tuple[str, ...], folder: Path) -> Row:
    loaded = json.loads(output(LOADED.format(names=names), folder))
    return Row(f"{what}: {', '.join(loaded) or 'none'}", [1.0], [float(len(loaded))], "", goal=0)
