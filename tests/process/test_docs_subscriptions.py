"""docs/subscriptions.md can be followed: what it tells to type in a terminal talks with the bot."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.process.person import Person
from tests.process.town import TELEGRAM

pytestmark = pytest.mark.process
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "subscriptions.md").read_text(encoding="utf-8")
TALKING = re.findall(r"^curl .*$", PAGE, re.MULTILINE)


def test_a_terminal_talks_with_the_bot(town):
    town.configure(TELEGRAM + "subscriptions = true\n")
    town.start_daemon()
    assert len(TALKING) == 2
    somebody = Person(town, 4711)

    type_in(town, TALKING[0])
    somebody.reads("Ici le service d’alerte")
    type_in(town, TALKING[1].replace("Toute la commune", "Tout"))  # this town has no districts to ask for
    somebody.reads("À partir de quelle gravité")
    assert "no such button" in type_in(town, TALKING[1])


def type_in(town, line: str) -> str:
    here = line.replace("http://127.0.0.1:8081", town.sandbox)
    return subprocess.run(["/bin/sh", "-c", here], capture_output=True, text=True, check=True).stdout
