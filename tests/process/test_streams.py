"""What a command says when what it should say it with is broken."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.release import at_release

pytestmark = pytest.mark.process
COMMAND = [sys.executable, "-m", "alerts.cli"]


def in_shell(town, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    script = line.replace("tocsin", " ".join(COMMAND), 1)
    return subprocess.run(
        ["bash", "-c", script], cwd=town.folder, env={**town.environment, **environment}, capture_output=True,
        timeout=180, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("where", [">/dev/full", *at_release([">&-", "--json >/dev/full"])])
def test_an_alert_that_is_stored_is_told_so_where_the_answer_cannot_be_written(town, where):
    town.configure()
    done = in_shell(town, f"tocsin post --headline 'Rue barrée' {where}")

    assert done.returncode == 1
    assert "est enregistrée\u00a0; seule la réponse ne peut pas être écrite" in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert len([each for each in town.objects("status") if "alert" in each]) == 1


@pytest.mark.release
def test_a_closed_output_is_one_line(town):
    town.configure()
    done = in_shell(town, "tocsin status >&-")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr


def test_an_argument_that_is_no_text_is_wrong_use(town):
    town.configure()
    done = in_shell(town, r"tocsin post --headline $'\xff'")
    assert (done.returncode, done.stderr.decode()) == (2, "tocsin: l’argument 3 n’est pas un texte UTF-8\n")


@pytest.mark.release
def test_a_terminal_of_another_encoding_gets_json_all_the_same(town):
    town.configure()
    town.post("Rue de l'Église barrée")
    done = in_shell(town, "tocsin status --json", PYTHONIOENCODING="latin-1", PYTHONUTF8="0", LC_ALL="POSIX")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["headline"] == "Rue de l'Église barrée"


def test_what_a_stranger_wrote_moves_no_cursor(town):
    town.configure()
    town.post("Gare \u202efermée")  # the officer pasted it from somewhere
    assert "\u202e" not in town.tocsin("status").stdout


def test_a_traceback_on_a_terminal_shows_no_locals():
    script = (
        "from alerts.daemon.telemetry import set_up_log; import structlog; set_up_log()\n"
        "def f():\n    token = 'REVEALED'; raise ValueError('x')\n"
        "try:\n    f()\nexcept ValueError:\n    structlog.get_logger().exception('stumbled')\n"
    )
    master, slave = pty.openpty()
    subprocess.run([sys.executable, "-c", script], stderr=slave, stdout=slave, timeout=180, check=True)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert "stumbled" in shown
    assert "= 'REVEALED'" not in shown.replace("token = 'REVEALED'; raise", "")
