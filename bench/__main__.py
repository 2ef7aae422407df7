"""`python -m bench [--strict] [SUBJECT …]`: measure, print one table."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sqlite3
import sys

from alerts.daemon.telemetry import set_up_log
from bench.fleet import TOWNS
from bench.measure import Row, together
from bench.process import keep_bytecode
from bench.table import HEAD, cells, line, summary

SUBJECTS = (
    "latency",
    "commits",
    "pace",
    "calls",
    "cap",
    "works",
    "feeds",
    "texts",
    "command",
    "daemon",
    "page",
    "bulk",
    "push",
    "mail",
    "storm",
    "years",
    "server",
)
"""The modules that have a `measure()`, in the order of the table."""
LONG = ("under-attack", "fleet", "crowd")
"""Those that take minutes, and are measured where they are asked for."""


def main() -> int:
    """Measure the subjects asked for; 0 unless `--strict` and a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ours against a floor, in the same run.")
    parser.add_argument(
        "subjects",
        nargs="*",
        metavar="SUBJECT",
        help=f"of: {', '.join((*SUBJECTS, *LONG))}; none: all but {', '.join(LONG)}",
    )
    parser.add_argument("--towns", type=int, default=TOWNS, metavar="N", help="of `fleet`")
    parser.add_argument(
        "--runs",
        type=int,
        default=1,
        metavar="N",
        help="measure so often; the samples of all decide",
    )
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    asked = parser.parse_args()
    if unknown := [name for name in asked.subjects if name not in (*SUBJECTS, *LONG)]:
        parser.error(f"unknown: {', '.join(unknown)}; allowed: {', '.join((*SUBJECTS, *LONG))}")
    print(f"{os.cpu_count()} CPUs, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}", end="; ")
    print("ratios: ours by floor, of the best and of the medians; both have to reach the goal\n")
    set_up_log("error")
    keep_bytecode()
    runs = [measured(asked.subjects or SUBJECTS, asked.towns) for _ in range(asked.runs)]
    rows = together(runs)
    if len(runs) > 1:
        print("\n" + "\n".join([f"{len(runs)} runs together", line(HEAD), *(line(cells(row)) for row in rows)]))
    print(f"\n{summary(rows)}")
    return 1 if asked.strict and not all(row.met for row in rows) else 0


def measured(subjects: list[str] | tuple[str, ...], towns: int = TOWNS) -> list[Row]:
    """Every subject's rows, each printed as soon as it is known."""
    print(line(HEAD))
    rows: list[Row] = []
    for name in subjects:
        module = importlib.import_module(f"bench.{name.replace('-', '_')}")
        for row in module.measure(towns) if name == "fleet" else module.measure():
            print(line(cells(row)), flush=True)
            rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
