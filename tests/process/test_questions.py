"""A bare `tocsin post` on a terminal asks; the terminal is a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.process


def converse(town, answers: list[str], patience: float = 120.0) -> tuple[str, int]:
    """Type each answer once its question stands there; the screen, and the exit status."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "alerts.cli", "post"], cwd=town.folder, env=town.environment,
        stdin=slave, stdout=slave, stderr=slave, close_fds=True,
    )  # fmt: skip
    os.close(slave)
    screen, waiting, deadline = "", list(answers), time.monotonic() + patience
    answered = 0
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.5)
        if ready:
            try:
                screen += os.read(master, 4096).decode()
            except OSError:
                break
        if waiting and screen[answered:].rstrip("\r\n").endswith(": "):
            answered = len(screen)
            os.write(master, (waiting.pop(0) + "\n").encode())
    os.close(master)
    return screen, process.wait(patience)


def test_a_wrong_answer_is_told_and_asked_again_and_nothing_is_lost(town):
    town.configure()
    screen, status = converse(
        town, ["Rue barrée", "Passez par le pont", "gravissime", "sev", "imm", "toute la commune", "hier", "6h", "oui"]
    )

    assert status == 0, screen
    assert "attendu\u00a0: Extreme, Severe, Moderate, Minor" in screen
    assert "'hier' n’est pas une heure" in screen
    (alert,) = [each for each in town.objects("status") if "alert" in each]
    assert (alert["headline"], alert["severity"]) == ("Rue barrée", "Severe")
    assert "Passez par le pont" in alert["posts"][0]["text"]
    assert "toute la commune" in alert["posts"][0]["text"]


@pytest.mark.release
def test_a_no_at_the_end_stores_nothing(town):
    town.configure()
    screen, status = converse(town, ["Rue barrée", "", "", "", "", "", "non"])

    assert status == 1
    assert "rien n’a été enregistré" in screen
    assert not [each for each in town.objects("status", "--all") if "alert" in each]
