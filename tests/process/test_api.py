"""The API of the running daemon: what its page tells to type is typed, and nothing is done twice across a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from alerts.store.connection import opened
from tests.process.town import ALL_THREE

pytestmark = pytest.mark.process
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
APPROVE = '[sources.manual]\npublish = "approve"\n'


def token_of(town, name, role):
    [told] = town.objects("token", "add", name, "--role", role)
    return told["token"]


def ask(url, method, path, token, body=None, **headers):
    """Status and JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/api/v1{path}", data=data, method=method)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", **headers}
    for name, value in headers.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def shell(town):
    """Runs a script as a user would, `tocsin` being this program."""
    program = town.folder / "bin" / "tocsin"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m alerts.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"

    def run(script):
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=town.folder,
            env={**town.environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return run


@pytest.mark.release
def test_every_example_of_the_page_works(town, shell):
    town.configure(ALL_THREE, sources=APPROVE)
    daemon = town.start_daemon()
    marked = "\n".join(f"echo '=={number}' >&2\n{block}" for number, block in enumerate(EXAMPLES))

    done = shell(marked.replace("http://127.0.0.1:8080", daemon.url))

    assert done.returncode == 0, (done.stderr[-1500:], done.stdout[-1500:])
    assert len(EXAMPLES) >= 9
    assert "telegram " in done.stdout
    assert "crue-2" in done.stdout
    assert town.until(lambda: town.timelines()["telegram"])[0]["text"].count("Crue de la Morge") == 1


def test_each_kind_of_trouble_and_each_operation_is_on_the_page():
    from alerts.web.api.document import EVERY_OPERATION
    from alerts.web.api.problems import TYPE, ProblemType

    rows = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert {(int(status), name) for status, name in rows} == {
        (kind.status, kind.type.removeprefix(TYPE)) for kind in ProblemType
    }
    told = re.findall(r"`(\w+ /[^`]*|…/[\w-]+)`", PAGE)
    for at, path in enumerate(told):
        if path.startswith("…"):  # it has its place beside the one before
            told[at] = told[at - 1].rpartition("/")[0] + path.removeprefix("…")
    assert [one.name for one in EVERY_OPERATION if f"{one.method} {one.path}" not in told] == []


def test_a_request_that_is_sent_again_after_a_kill_acts_once(town):
    town.configure(ALL_THREE)
    daemon = town.start_daemon()
    token, key = token_of(town, "capteur", "author"), {"Idempotency-Key": "crue-1"}
    body = {"headline": "Crue de la Morge", "again": True}
    first = ask(daemon.url, "POST", "/alerts", token, body, **key)
    daemon.stop(signal.SIGKILL)

    second = ask(town.start_daemon().url, "POST", "/alerts", token, body, **key)

    assert first == second
    assert first[0] == 201
    with opened(town.place) as db:
        assert len(db.execute("SELECT id FROM alert").fetchall()) == 1


def test_a_person_is_one_author_under_all_their_tokens(town):
    town.configure(ALL_THREE, sources=APPROVE)
    daemon = town.start_daemon()
    first, second = token_of(town, "anne", "author"), token_of(town, "Anne", "approver")
    other = token_of(town, "boris", "approver")
    _, told = ask(daemon.url, "POST", "/alerts", first, {"headline": "Crue de la Morge"})
    path = f"/alerts/{told['alert']}/approve"

    assert ask(daemon.url, "POST", path, first)[0] == 403
    assert ask(daemon.url, "POST", path, second)[0] == 403
    assert ask(daemon.url, "POST", path, other)[0] == 200
    assert ask(daemon.url, "POST", path, other)[0] == 409


def test_a_token_that_was_revoked_is_none(town):
    town.configure(ALL_THREE)
    daemon = town.start_daemon()
    [made] = town.objects("token", "add", "capteur", "--role", "viewer")
    assert ask(daemon.url, "GET", "/me", made["token"])[0] == 200

    assert town.tocsin("token", "revoke", made["id"]).returncode == 0

    assert ask(daemon.url, "GET", "/me", made["token"])[0] == 401
    assert ask(daemon.url, "GET", "/me", "made-up")[0] == 401
