"""`tocsin post` as a whole process, against Python with Typer alone; and what it must not have loaded."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, in_turn
from bench.process import output, run_time
from tests.process.town import ALL_THREE, Town

ROUNDS = 5
HEAVY = ("telegram", "tweepy", "aiohttp", "shapely", "sqlalchemy.ext.asyncio", "alembic", "lxml", "icalendar", "emoji")
"""What an officer's command has no use for."""
LOADED = """
import json, sys, io, contextlib
from alerts.cli import run
with contextlib.redirect_stdout(io.StringIO()):
    status = run(["post", "--headline", "Vent violent", "--again"])
assert status == 0, status
print(json.dumps([name for name in {heavy!r} if name in sys.modules]))
"""


def measure() -> Iterator[Row]:
    """Two rows; the second one's words are the modules, where there are any."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        town = Town(folder)
        town.configure(ALL_THREE.replace("{sandbox}", "http://127.0.0.1:9"))
        post = ["-m", "alerts.cli", "post", "--headline", "Vent violent", "--again"]
        root = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        taken = in_turn(lambda: run_time(["-c", "import typer"], folder), lambda: run_time(post, folder, root), ROUNDS)
        yield Row("`tocsin post`, Python + Typer", *taken, "s", goal=2.5)
        loaded = json.loads(output(LOADED.format(heavy=HEAVY), folder))
    words = f"heavy modules it loads: {', '.join(loaded) or 'none'}"
    yield Row(words, [1.0], [float(len(loaded))], "", goal=0)
