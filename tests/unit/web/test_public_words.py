"""An author alone, in a town that wrote `approve`, does all that there is to do: no word of theirs reaches the public.

Acts are found by the program's own tables (the routes and forms of the desk, the operations of the API, the commands),
addresses by the edition's. Each act that changes something leaves a line in the audit log.
"""

from __future__ import annotations

import asyncio
import re

import pytest

from alerts.cli import run
from alerts.cli.app import _command
from alerts.listening.remark_acts import BlockAuthor
from alerts.model.listening import Kind
from alerts.model.reports import Forwarding, ForwardState
from alerts.web.api.document import EVERY_OPERATION
from alerts.web.console.app import PARTS
from tests.unit.web.walking import LUC, MARK, a_lively_town, fields_in

TAKES_AWAY = {
    "withdraw": "an answer that is wrong goes at once",
    "cancel": "of what is out: an end waits",
    "correct": "in the template's words alone",
    "end": "of what is out: an end waits",
    "close": "a poll is over, a report is done: numbers and states, in the program's own words",
    "publish": "a poll's numbers, in the program's own words",
    "results": "the same, by a command",
    "about": "which alert a report belongs to: a state",
    "assign": "a state",
    "duplicate": "a state",
    "set-aside": "takes a report away",
    "withhold": "takes its words away",
    "show-again": "gives back what was accepted",
    "dismiss": "takes a question away",
    "retry": "what was validated, once more",
    "drop": "gives up",
    "reject": "keeps back",
    "decide": "takes a report's words away, or leaves them",
}
"""What may change what the public sees though nobody else looked, by the last word of its address; and why."""


@pytest.fixture
async def town(tmp_path):
    async with a_lively_town(tmp_path) as town:
        yield town


class Walk:
    """Does one act after the other, and looks at all that is public after each that wrote anything."""

    def __init__(self, town) -> None:
        self.town = town
        self.acts: set[str] = set()
        self.changed: set[str] = set()
        self.fields: set[str] = set()
        self.found: list[str] = []

    async def begin(self):
        self.public, self.state, self.lines = await self.town.read(), await self.town.state(), await self.town.lines()
        self.written = self.town.written()
        assert not [path for path, text in self.public.items() if MARK in text]
        return self

    @property
    def figures(self) -> str:
        """How far it went."""
        acts, changed = f"{len(self.acts)} acts", f"{len(self.changed)} changed something"
        return f"{acts}, {changed}; {len(self.public)} public texts; {len(self.fields)} fields; {self.found}"

    async def did(self, act: str, verb: str) -> None:
        self.acts.add(act)
        if self.written == (written := self.town.written()):
            return
        self.written = written
        state, lines = await self.town.state(), await self.town.lines()
        if state == self.state:
            return
        self.changed.add(act)
        public = await self.town.read()
        shows = [path for path, text in public.items() if MARK in text]
        if shows:
            self.found.append(f"{act}: a word of the author's on {shows[:3]}")
        other = [
            path for path in public.keys() | self.public.keys() if public.get(path, "") != self.public.get(path, "")
        ]
        if other and verb not in TAKES_AWAY:
            self.found.append(f"{act}: changed {sorted(other)[:4]}")
        if lines == self.lines:
            self.found.append(f"{act}: no line in the audit log")
        self.public, self.state, self.lines = public, state, lines


async def test_at_the_desk(town):
    """Each form that an author finds, then each address with whatever field there is."""
    walk, names = await Walk(town).begin(), await town.names()
    routes = [route for part in PARTS for route in part(town.desk.console)]
    pages = [_path(each.path, name) for each in routes if each.method == "GET" for name in _fitting(each.path, names)]
    forms = []
    for path in pages:
        if "events" in path:
            continue
        async with town.client.get(f"/desk{path}", allow_redirects=False) as answer:
            if answer.status == 200 and "html" in answer.content_type:
                forms += fields_in(await answer.text())
    forms = [(action, fields) for action, fields in forms if "sign-" not in action and action.startswith("/desk")]
    union = {name: value for _, fields in forms for name, value in fields.items()}
    walk.fields |= union.keys()
    posted = [each.path for each in routes if each.method == "POST"]
    later = sorted(forms, key=lambda form: form[0].rpartition("/")[2] in TAKES_AWAY)
    brute = [(f"/desk{_path(path, name)}", union) for path in posted for name in _fitting(path, names)]
    for action, fields in [*later, *brute]:
        if any(each in action for each in ("/account", "/accounts", "/sign-", "/language")):
            continue
        async with town.client.post(action, data=fields, allow_redirects=False) as answer:
            await answer.read()
        await walk.did(_kind(action), action.partition("?")[0].rpartition("/")[2])

    assert walk.found == [], walk.figures
    assert len(walk.acts) > 40
    assert len(walk.changed) > 10


async def test_by_programs(town):
    meant = await meant_by(town)
    walk, names, told = await Walk(town).begin(), await town.names(), {}
    operations = sorted(
        (each for each in EVERY_OPERATION if each.method == "POST"),
        key=lambda each: each.path.rpartition("/")[2] in TAKES_AWAY,
    )
    for operation in operations:
        walk.fields |= set(operation.wish.model_fields) if operation.wish else set()
        for name in _fitting(operation.path, names):
            path = f"/api/v1{_path(operation.path, name)}"
            headers = {"Authorization": "Bearer luc-token"}
            async with town.client.post(path, json=body_of(operation.wish, meant), headers=headers) as answer:
                await answer.read()
                told.setdefault(operation.name, set()).add(answer.status)
            await walk.did(operation.name, operation.path.rpartition("/")[2])

    assert walk.found == [], walk.figures
    assert walk.acts == {each.name for each in operations}
    # Each got as far as the desk at least once: done, or refused by it.
    assert [name for name, statuses in told.items() if not statuses & {200, 201, 403, 409}] == []
    assert not [name for name, statuses in told.items() if 500 in statuses]


_LEFT_OUT = ("opens", "at", "photo", "picture", "language", "lang", "seen", "areas", "web", "onset", "incident", "was")
VALUES = {
    **dict.fromkeys((*_LEFT_OUT, "urgency", "certainty", "category"), None),
    "until": "2h", "options": ["Oui", "Non"], "kind": "waste", "lat": 45.3, "lon": 5.8, "source": "somebody",
    "closing": "done", "dry_run": False, "exercise": False, "channels": [], "expires": "6h", "severity": "Moderate",
}  # fmt: skip
"""Values of the fields of a body that are no free words; None leaves one out."""


async def meant_by(town):
    """What fields name: something that is there."""
    [(alert,), *_] = await town.rows("SELECT id FROM alert WHERE state = 'accepted' ORDER BY seq")
    [(question,), *_] = await town.rows("SELECT id FROM question WHERE state = 'open'")
    [(post,), *_] = await town.rows("SELECT id FROM post WHERE kind = 'answer'")
    # Two who ask one question, so that it can be split; and one of them is to be blocked.
    (said,), *_, (other,) = await town.rows("SELECT id FROM utterance")
    for each in (said, other):
        change = ("UPDATE utterance SET sealed = 'x', question = ? WHERE id = ?", (question, each))
        await town.database.write(lambda unit, change=change: unit.execute(*change).rowcount)
    await town.act(LUC, BlockAuthor, other, "insult")
    [(report, key), *_] = await town.rows("SELECT number, id FROM report")
    stuck = Forwarding(key, "metropole", ForwardState.FAILED)
    await town.service.keep(lambda unit: unit.reports.put_forwarding(stuck))
    reports = {"incident": alert, "of": report, "server": "metropole"}
    return {"about": alert, "into": question, "post": post, "said": [said], "verdict": "false", **reports}


def body_of(wish, meant):
    body = {}
    for name, field in (wish.model_fields if wish is not None else {}).items():
        value = meant.get(name, VALUES.get(name, field.annotation is bool or MARK))
        if field.annotation is Kind:
            value = Kind.OTHER
        if value is not None:
            body[name] = value
    return body


def _fitting(path: str, names: list[str]) -> list[str]:
    return names if "{" in path else [""]


def _path(path: str, name: str) -> str:
    return re.sub(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", name, path)


def _kind(action: str) -> str:
    """An address without the name in it."""
    return "/".join("*" if re.search(r"\d", part) else part for part in action.partition("?")[0].split("/"))


_UNSAID = (
    "address", "channel", "post", "author", "report", "area", "image", "alt", "language", "lang", "cap", "web", "onset",
    "severity", "category", "urgency", "certainty", "wait_for", "start", "closing", "incident", "role",
)  # fmt: skip
OPTIONS = {**dict.fromkeys(_UNSAID), "until": "2h", "expires": "6h", "kind": "waste", "at": "45.3,5.8"}
"""Values of options that are no free words; None leaves one out."""
_QUIET = ("as_json", "dry_run", "wait", "exercise", "due", "password_stdin", "no_picture", "whole")
_OTHERS = ("user", "token")
"""Commands about accounts: an author may use none of them, and `tests/unit/access` holds what they write."""


@pytest.mark.release
async def test_by_commands(town, tmp_path, monkeypatch, capsys):
    """Each command that takes `--as`, by an author; then those that take everything out, or make a copy."""
    monkeypatch.chdir(tmp_path)
    walk, names = await Walk(town).begin(), await town.names()
    acting = [(path, command) for path, command in _leaves(_command()) if any(p.name == "who" for p in command.params)]
    for path, command in sorted(acting, key=lambda one: one[0][-1] in TAKES_AWAY):
        if path[0] in _OTHERS:
            continue
        walk.fields |= {each.name for each in command.params}
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        for name in names if arguments else [""]:
            await asyncio.to_thread(run, [*path, *([name] * len(arguments)), *_options(command), "--as", "Luc"])
            await walk.did(" ".join(path), path[-1])
    assert walk.found == [], walk.figures
    assert {"post", "answer", "poll open", "poll results"} <= walk.changed, walk.figures
    for taken in (["subscribers", "export"], ["db", "export"], ["db", "backup", "copy.db"]):
        before = await town.lines()
        assert await asyncio.to_thread(run, taken) == 0, capsys.readouterr().err
        assert await town.lines() == before + 1, taken


def _options(command):
    for each in command.params:
        if each.param_type_name == "argument" or each.name in ("who", *_QUIET):
            continue
        if getattr(each, "is_flag", False):
            yield each.opts[0]
            continue
        value = OPTIONS.get(each.name, MARK)
        if each.name == "option":
            yield from ("--option", "Oui", "--option", "Non")
        elif value is not None:
            yield from (each.opts[0], value)


def _leaves(command, path=()):
    for name, each in getattr(command, "commands", {}).items():
        yield from _leaves(each, (*path, name)) if hasattr(each, "commands") else [((*path, name), each)]
