"""Whole processes: what one takes, and what it holds in memory."""

from __future__ import annotations

import compileall
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def keep_bytecode() -> None:
    """Let every process of a run find its modules compiled: compiling doubles the time that a command takes.

    Ours are compiled here. What else is imported is compiled in the round that isn't counted, and kept.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    here = Path(__file__).resolve().parents[1]
    for package in ("alerts", "bench", "campaign", "tests/process", "tocsin_sandbox"):
        compileall.compile_dir(here / package, quiet=2)


def run_time(arguments: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> float:
    """CPU seconds that `python ARGUMENTS` takes from start to end; raises where it fails."""
    began = _of_children()
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
    )
    return _of_children() - began


def _of_children() -> float:
    """CPU seconds of all processes that we started and that are over."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def output(code: str, folder: Path) -> str:
    """What `python -c CODE` prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def resident(process: int) -> float:
    """Megabytes of memory that a process holds (VmRSS, proc(5))."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {process} is over")


def cpu_of(process: int) -> float:
    """CPU seconds that a process took so far, in all its threads (utime and stime, proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
