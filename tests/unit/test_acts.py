"""What holds for every act, whichever way it comes in: API, command, form or button; an act without an example fails.

An example says how a town comes to have what the act is done to, and what it is given.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from alerts.bot.acts import act_named, data_of, pressed
from alerts.cli import app as cli
from alerts.cli import screen
from alerts.desk.act import OfficerAct, every_act, fields_of, fingerprint_of
from alerts.desk.alert_acts import (
    ApproveAlert,
    CancelAlert,
    CorrectAlert,
    DropAlert,
    DropPost,
    RejectAlert,
    RetryAlert,
    RetryPost,
)
from alerts.desk.channel_acts import LiftCeiling
from alerts.desk.officer import Officer
from alerts.listening.hearing import take
from alerts.listening.poll_acts import ApprovePoll, ClosePoll, PollAct, RejectPoll, TellPollOutcome
from alerts.listening.polls import PollDraft, open_poll
from alerts.listening.question_acts import (
    AnswerQuestion,
    AttributeQuestion,
    BecomeSentence,
    DismissQuestion,
    DropAnswer,
    JudgeRumour,
    MergeQuestion,
    RetryAnswer,
    RewordQuestion,
    SplitQuestion,
    WithdrawAnswer,
)
from alerts.listening.remark_acts import (
    AgreeBlock,
    AttributeRemark,
    BlockAuthor,
    CallOffHelp,
    DeleteRemark,
    HideRemark,
    PassOnRemark,
    RefuseBlock,
    SeeToRemark,
    SetRemarkKind,
)
from alerts.model.errors import Forbidden
from alerts.model.listening import Remark
from alerts.model.person import MAY, Actor, Origin, Role
from alerts.model.reports import Forwarding, ForwardState, Via
from alerts.reports.report_acts import (
    AcceptReport,
    AssignReport,
    AttachReport,
    CloseReport,
    DuplicateReport,
    EraseReport,
    ForwardReportAgain,
    SetReportAside,
    ShowReportAgain,
    TellReporter,
    WithholdReport,
)
from alerts.reports.taking import ReportDraft
from alerts.reports.words_acts import ApproveAnswer, RejectAnswer
from alerts.web.api.document import EVERY_OPERATION
from alerts.web.console.review import sealed
from tests.golden.promised import COMMANDS, _Screen
from tests.unit.web.api.bureau import give_token
from tests.unit.web.test_public_words import body_of, meant_by
from tests.unit.web.walking import ASKS, HERE, LUC, PAUL, LivelyTown, a_lively_town
from tests.walls import in_one_test

ROOT = Path(__file__).parents[2]
ACTS = every_act()
MADE_OF_ACTS = {act.name() for act in ACTS}
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Example:
    """`subject` makes what the act is done to and returns its id; `given` is what it takes, by key.

    `more` makes what it takes of the subject.
    """

    subject: Callable[[LivelyTown], Awaitable[str]]
    given: dict[str, object] = field(default_factory=dict)
    more: Callable[[LivelyTown, str], Awaitable[dict[str, object]]] | None = None

    async def made(self, town: LivelyTown) -> tuple[str, dict[str, object]]:
        """The subject and what is given."""
        subject = await self.subject(town)
        return subject, self.given | (await self.more(town, subject) if self.more else {})


async def waiting_poll(town: LivelyTown) -> str:
    draft = PollDraft("Fermer la place ?", ("Oui", "Non"), town.clock.now() + timedelta(days=1))
    return (await town.act(LUC, open_poll, draft)).id


async def open_one(town: LivelyTown) -> str:
    poll = await waiting_poll(town)
    await town.act(PAUL, ApprovePoll, poll)
    return poll


async def closed_poll(town: LivelyTown) -> str:
    poll = await open_one(town)
    await town.act(PAUL, ClosePoll, poll)
    return poll


async def new_report(town: LivelyTown) -> str:
    place = HERE[0], HERE[1] + next(_NUMBERS) / 100
    draft = ReportDraft("flooding", Via.PAGE, f"net 10.1.{next(_NUMBERS)}.0/24", *place, text="De l’eau")
    return (await town.reports.take(draft)).report.number


async def withheld_report(town: LivelyTown) -> str:
    number = await new_report(town)
    await town.act(PAUL, WithholdReport, number, "Un nom y est.")
    return number


async def stuck_report(town: LivelyTown) -> str:
    number = await new_report(town)
    report = await town.service.ask(lambda unit: unit.reports.by_number(number))
    stuck = Forwarding(report.id, "metropole", ForwardState.FAILED)
    await town.service.keep(lambda unit: unit.reports.put_forwarding(stuck))
    return number


async def about(town: LivelyTown) -> str:
    """An alert that is out."""
    [(first,), *_] = await town.rows("SELECT id FROM alert WHERE state = 'accepted' AND source = 'manual' ORDER BY seq")
    return first


async def said(town: LivelyTown, question: str | None = None) -> str:
    """Something that somebody asked on a page, of whom something is known."""
    number = next(_NUMBERS)
    remark = Remark(f"r{number}", f"Peut-on boire l’eau numéro {number} ?", town.clock.now(), author=f"b{number}")
    taken = await town.service.act(lambda unit: take(unit, "page", [(remark, ASKS)]))
    utterance = taken.utterances[0]
    await town.database.write(
        lambda unit: unit.execute("UPDATE utterance SET sealed = 'x' WHERE id = ?", (utterance.id,)).rowcount
    )
    if question is not None:
        to = (question, utterance.id)
        await town.database.write(
            lambda unit: unit.execute("UPDATE utterance SET question = ? WHERE id = ?", to).rowcount
        )
    return utterance.id


async def question(town: LivelyTown) -> str:
    utterance = await said(town)
    asked = (await town.service.ask(lambda unit: unit.listening.utterance(utterance))).question
    await town.act(LUC, AttributeQuestion, asked, await about(town))
    return asked


async def waiting_answer(town: LivelyTown) -> str:
    asked = await question(town)
    return (await town.act(LUC, AnswerQuestion, asked, "Oui, bouillie.")).answer.id


async def answered(town: LivelyTown) -> str:
    asked = await question(town)
    words = (await town.act(LUC, AnswerQuestion, asked, "Oui, bouillie.")).answer
    await town.act(PAUL, ApproveAnswer, words.id)
    await town.database.write(
        lambda unit: unit.execute("UPDATE post SET state = 'failed' WHERE kind = 'answer'").rowcount
    )
    return asked


async def block(town: LivelyTown) -> str:
    utterance = await said(town)
    await town.act(LUC, BlockAuthor, utterance, "insult")
    [wanted] = await town.service.ask(lambda unit: unit.listening.moderations_of(utterance))
    return wanted.id


async def other_question(town: LivelyTown, _: str) -> dict[str, object]:
    return {"into": await question(town)}


async def an_alert(town: LivelyTown, _: str) -> dict[str, object]:
    [*_, (last,)] = await town.rows("SELECT id FROM alert WHERE state = 'accepted' AND source = 'manual' ORDER BY seq")
    return {"about": last}


async def an_asker(town: LivelyTown, asked: str) -> dict[str, object]:
    return {"said": [await said(town, asked)]}


async def a_sentence(_: LivelyTown, __: str) -> dict[str, object]:
    """Another one each time: the same words would be no update."""
    return {"sentence": f"L’eau du puits numéro {next(_NUMBERS)} est potable."}


async def answer_post(town: LivelyTown, asked: str) -> dict[str, object]:
    return {"post": (await town.service.ask(lambda unit: unit.listening.answer_posts(asked)))[0].id}


async def paid_channel(_: LivelyTown) -> str:
    return "sms"


async def waiting_alert(town: LivelyTown) -> str:
    return (await town.desk.post(f"Chute d’arbre numéro {next(_NUMBERS)}", by="Luc")).id


async def alert_that_is_out(town: LivelyTown) -> str:
    alert = await waiting_alert(town)
    await town.act(PAUL, ApproveAlert, alert)
    await town.database.write(
        lambda unit: (
            unit.execute("UPDATE post SET state = 'sent', remote_id = id WHERE alert_id = ?", (alert,)).rowcount
        )
    )
    return alert


async def stuck_alert(town: LivelyTown) -> str:
    alert = await waiting_alert(town)
    await town.act(PAUL, ApproveAlert, alert)
    await town.database.write(
        lambda unit: unit.execute("UPDATE post SET state = 'failed' WHERE alert_id = ?", (alert,)).rowcount
    )
    return alert


async def stuck_post(town: LivelyTown) -> str:
    alert = await stuck_alert(town)
    return (await town.service.ask(lambda unit: unit.alerts.posts_of(alert)))[0].id


EXAMPLES: dict[type[OfficerAct], Example] = {
    CancelAlert: Example(alert_that_is_out, {"reason": "C’est fini.", "over": True}),
    CorrectAlert: Example(alert_that_is_out, {"reason": "L’arbre tient."}),
    ApproveAlert: Example(waiting_alert),
    RejectAlert: Example(waiting_alert, {"reason": "trop tôt"}),
    RetryAlert: Example(stuck_alert),
    DropAlert: Example(stuck_alert),
    RetryPost: Example(stuck_post),
    DropPost: Example(stuck_post),
    LiftCeiling: Example(paid_channel, {"reason": "La digue cède."}),
    ApprovePoll: Example(waiting_poll),
    RejectPoll: Example(waiting_poll, {"reason": "trop tôt"}),
    ClosePoll: Example(open_one),
    TellPollOutcome: Example(closed_poll, {"outcome": "La place ferme."}),
    AcceptReport: Example(new_report, {"text": "Merci."}),
    TellReporter: Example(new_report, {"text": "Nous y allons."}),
    AssignReport: Example(new_report, {"to": "Voirie"}),
    CloseReport: Example(new_report, {"text": "Pompé.", "closing": "not ours"}),
    DuplicateReport: Example(new_report, {"of": "SM-26-0001"}),
    AttachReport: Example(new_report, {"incident": "id00002"}),
    SetReportAside: Example(new_report, {"reason": "Ce n’est pas sérieux."}),
    WithholdReport: Example(new_report, {"reason": "Un nom y est."}),
    ShowReportAgain: Example(withheld_report),
    EraseReport: Example(new_report),
    ForwardReportAgain: Example(stuck_report, {"server": "metropole"}),
    AnswerQuestion: Example(question, {"text": "Oui, bouillie.", "next": True}),
    WithdrawAnswer: Example(answered, {"reason": "faux"}),
    RewordQuestion: Example(question, {"words": "L’eau est-elle potable ?"}),
    MergeQuestion: Example(question, more=other_question),
    SplitQuestion: Example(question, more=an_asker),
    DismissQuestion: Example(question, {"reason": "nul ne sait"}),
    AttributeQuestion: Example(question, more=an_alert),
    BecomeSentence: Example(question, more=a_sentence),
    JudgeRumour: Example(question, {"verdict": "false"}, a_sentence),
    RetryAnswer: Example(answered, more=answer_post),
    DropAnswer: Example(answered, more=answer_post),
    SeeToRemark: Example(said),
    PassOnRemark: Example(said),
    CallOffHelp: Example(said),
    SetRemarkKind: Example(said, {"kind": "thanks"}),
    AttributeRemark: Example(said, more=an_alert),
    HideRemark: Example(said, {"clause": "insult"}),
    DeleteRemark: Example(said, {"clause": "insult"}),
    BlockAuthor: Example(said, {"clause": "insult"}),
    AgreeBlock: Example(block),
    RefuseBlock: Example(block),
    ApproveAnswer: Example(waiting_answer),
    RejectAnswer: Example(waiting_answer, {"reason": "faux"}),
}


@pytest.fixture
async def town(tmp_path):
    async with a_lively_town(tmp_path) as town:
        await give_token(town.service, "Zoé", "administrator", "zoe-token")
        town.desk.name, town.desk.role = "Zoé", Role.ADMINISTRATOR
        await town.desk.sign_in()
        # When a token was used last is kept too.
        await town.client.get("/api/v1/me", headers={"Authorization": "Bearer zoe-token"})
        yield town


async def alerts_of(town) -> list[str]:
    return [each for (each,) in await town.rows("SELECT id FROM alert WHERE state = 'accepted' ORDER BY seq")]


def ways_of(act) -> list[str]:
    """The ways in that are made from its declaration."""
    made = {"api": True, "form": act.place, "command": act.group, "button": act_named(act.name())}
    return [way for way, is_made in made.items() if is_made]


async def before(town, act, subject):
    return await town.service.ask(act(subject).before)


async def by_api(town, act, subject, given, key=None, **conditions):
    headers = {"Authorization": "Bearer zoe-token", **({"Idempotency-Key": key} if key else {}), **conditions}
    path = f"/api/v1/{act.of}/{subject}/{act.verb}"
    async with town.client.post(path, json=given, headers=headers) as answer:
        return answer.status, json.loads(await answer.text())


async def by_form(town, act, subject, given):
    names = {each.key: each.name for each in fields_of(act)}
    fields = {names.get(key, key): "1" if value is True else value for key, value in given.items()}
    return (await town.desk.press(f"{act.place}/{subject}/{act.verb}", **fields))[0]


async def by_command(town, act, subject, given):
    import asyncio

    options = []
    for key, value in given.items():
        option = f"--{key.replace('_', '-')}"
        values = value if isinstance(value, list) else [value]
        options += [option] if value is True else [word for each in values for word in (option, str(each))]
    group = [] if act.group == "tocsin" else [act.group]
    caller = _Screen(town)

    def run():
        screen.CALLER.set(caller)
        line = [*group, act.verb, subject, *options, "--as", "Zoé", "--json"]
        with contextlib.redirect_stderr(None):
            return cli.carry_out(["--config", str(town.config.folder / "channels.toml"), *line])

    status = await asyncio.to_thread(run)
    return status, [json.loads(each) for each in caller.lines if each.startswith("{")]


async def by_button(town, act, subject):
    seen = any(each.name == "seen" for each in fields_of(act))
    shown = fingerprint_of(await before(town, act, subject)) if seen else ""
    return await town.service.act(
        lambda unit: pressed(
            Officer(unit, Actor("Zoé", Role.ADMINISTRATOR, Origin.BOT)), data_of(act(subject), shown), "fr"
        )
    )


async def audited(town, since):
    """The lines of the audit log from there on, without what differs each time."""
    lines = await town.rows(f"SELECT act, subject, detail, actor, role FROM audit ORDER BY seq LIMIT -1 OFFSET {since}")
    made = re.compile(r"[0-9a-f]{64}|id\d{5}|\b[0-9a-z]{12}\b|numéro \d+|SM-26-\d+")
    return [tuple(made.sub("MADE", each) for each in line) for line in lines]


def test_each_act_has_an_example():
    assert set(EXAMPLES) == set(ACTS)


@in_one_test
@pytest.mark.parametrize("text", ["", "a\x00b", "a\x1b[2J", "a\x9bb", "x" * 10_001])
@pytest.mark.parametrize("act", ACTS)
def test_no_text_of_an_act_is_empty_endless_or_obeyed_by_a_terminal(act, text):
    for each in fields_of(act):
        given = [text] if each.kind is tuple else text
        with pytest.raises(ValidationError):
            TypeAdapter(each.hint).validate_python(given, strict=each.kind is bool)


@in_one_test
@pytest.mark.parametrize("act", ACTS)
async def test_a_lower_role_is_refused_and_nothing_is_stored(town, act):
    subject, given = await EXAMPLES[act].made(town)
    kept = await town.state()
    lower = [role for role in (Role.VIEWER, Role.AUTHOR, Role.APPROVER) if not role.at_least(MAY[act.permission])]
    made = act.made(subject, given)
    for role in lower:
        with pytest.raises(Forbidden):
            await town.act(Actor("Rémi", role, Origin.CONSOLE), made.done_by)
    assert lower
    assert await town.state() == kept


@in_one_test
@pytest.mark.parametrize("act", ACTS)
async def test_each_way_comes_to_the_same_and_writes_the_same_down(town, act):
    ways = []
    seen = any(each.key == "seen" for each in fields_of(act))
    for way in ("api", "form", "command", "button"):
        if way not in ways_of(act):
            continue
        subject, taken = await EXAMPLES[act].made(town)
        shown = fingerprint_of(await before(town, act, subject)) if seen else ""
        since = await town.lines()
        given = taken | ({"seen": shown} if seen else {})
        if way == "api":
            status, told = await by_api(town, act, subject, given)
            assert status == (201 if act.files else 200), told
        elif way == "form":
            form = given | ({"seen": sealed(shown, "csrf-of-the-test")} if seen else {})
            assert await by_form(town, act, subject, form) == 303
        elif way == "command":
            status, shown_lines = await by_command(town, act, subject, taken)
            assert status == 0
            assert shown_lines[-1]
        else:
            assert await by_button(town, act, subject)
        ways.append((way, await audited(town, since)))
    [(_, reference), *others] = ways
    assert reference
    for way, lines in others:
        # A button says no words, so there is no line of them.
        same = {line[:2] for line in lines} <= {line[:2] for line in reference} if way == "button" else None
        assert lines, way
        assert same or lines == reference, way


async def test_the_audit_log_names_what_was_attributed_in_full(town):
    for act, subject in ((AttributeRemark, await said(town)), (AttributeQuestion, await question(town))):
        await town.act(PAUL, act, subject[:-1], await about(town))
        assert await town.rows("SELECT subject FROM audit ORDER BY seq DESC LIMIT 1") == [(subject,)]


@in_one_test
@pytest.mark.parametrize("act", ACTS)
async def test_an_unknown_key_and_a_missing_one_are_refused_with_their_place(town, act):
    subject, right = await EXAMPLES[act].made(town)
    kept = await town.state()
    needed = [each.key for each in fields_of(act) if each.is_required]
    without = [(name, {key: value for key, value in right.items() if key != name}) for name in needed]
    wrong = [("extra", right | {"extra": "x"}), *without]
    for place, given in wrong:
        status, told = await by_api(town, act, subject, given)
        assert (status, told["errors"][0]["where"]) == (422, place)
        if "form" in ways_of(act):
            assert await by_form(town, act, subject, given) == 400
        if "command" in ways_of(act):
            assert (await by_command(town, act, subject, given))[0] == 2
    assert await town.state() == kept


@in_one_test
@pytest.mark.parametrize("act", ACTS)
async def test_twice_under_a_key_is_once(town, act):
    subject, given = await EXAMPLES[act].made(town)
    first = await by_api(town, act, subject, given, key=act.name())
    kept = await town.state()
    assert await by_api(town, act, subject, given, key=act.name()) == first
    assert first[0] in (200, 201)
    assert await town.state() == kept


@in_one_test
@pytest.mark.parametrize("act", ACTS)
async def test_what_is_not_there_is_unknown(town, act):
    _, given = await EXAMPLES[act].made(town)
    assert (await by_api(town, act, "nothing", given))[0] == 404
    if "form" in ways_of(act):
        assert await by_form(town, act, "nothing", given) == 404
    if "command" in ways_of(act):
        assert (await by_command(town, act, "nothing", given))[0] == 2


def test_an_act_that_leaves_out_what_all_have_to_say_is_refused_where_it_is_declared():
    with pytest.raises(TypeError, match="Unfinished lacks carry_out"):

        class Unfinished(PollAct):
            verb = "unfinish"


@in_one_test
@pytest.mark.parametrize("act", ACTS)
async def test_an_act_is_bound_to_what_if_match_names(town, act):
    subject, given = await EXAMPLES[act].made(town)
    shown = fingerprint_of(await town.service.ask(act.made(subject, given).before))
    kept = await town.state()
    assert (await by_api(town, act, subject, given, **{"If-Match": f'"{"0" * 64}"'}))[0] == 412
    assert await town.state() == kept
    assert (await by_api(town, act, subject, given, **{"If-Match": f'"{shown}"'}))[0] in (200, 201)


@in_one_test
@pytest.mark.parametrize("operation", [each for each in EVERY_OPERATION if each.name not in MADE_OF_ACTS])
async def test_no_request_with_an_if_match_that_names_nothing_is_carried_out(town, operation):
    names = (
        [await new_report(town), await closed_poll(town), *await alerts_of(town)] if operation.is_about_one else [""]
    )
    meant, kept, told = await meant_by(town), await town.state(), []
    for name in names if operation.is_about_one else [""]:
        path = f"/api/v1{operation.path.replace('{id}', name)}"
        headers = {"Authorization": "Bearer zoe-token", "If-Match": f'"{"0" * 64}"'}
        body = {"json": body_of(operation.wish, meant)} if operation.method == "POST" else {}
        async with town.client.request(operation.method, path, headers=headers, **body) as answer:
            told.append(answer.status)
    assert set(told) <= {404, 409, 412}
    assert 412 in told
    assert await town.state() == kept


async def test_who_merges_twice_finds_the_question_gone_up_in_the_other_one(town):
    subject, given = await EXAMPLES[MergeQuestion].made(town)
    for _ in range(2):
        assert (await by_api(town, MergeQuestion, subject, given))[0] == 200


@in_one_test
@pytest.mark.parametrize("act", ACTS)
def test_it_is_documented(act):
    if act.group:
        group = COMMANDS.commands if act.group == "tocsin" else COMMANDS.commands[act.group].commands
        assert group[act.verb].help
    assert act.__doc__
    assert act.names


# --- who acts otherwise


FRONT_ENDS = ("web/api", "web/console", "cli", "bot")
STAYS = {
    "bot/officers.py": "conversations: linking a chat, a reason that is typed, who may not decide is told before",
    "cli/filing.py": "`post`, `update`, ends: they end in filing an alert",
    "cli/officer.py": "what is gone from a calendar, until its act is declared",
    "cli/polls.py": "a poll's draft; its result, whose pictures are drawn before",
    "cli/listening.py": "what was heard elsewhere is understood first",
    "cli/reports.py": "what is reported at the counter is placed first",
    "cli/options.py": "who acts by a command",
    "cli/forgetting.py": "forgetting people, until its act is declared",
    "cli/subscribers.py": "forgetting people, until its act is declared",
    "cli/people.py": "accounts: the API must not make any",
    "web/api/commands.py": "`post`, `update`: they end in filing an alert",
    "web/api/heard.py": "what was heard elsewhere is understood first",
    "web/api/polls.py": "a poll's draft; its result, whose pictures are drawn before",
    "web/console/polls.py": "a poll's draft; its result, whose pictures are drawn before",
    "web/console/heard.py": "what was heard elsewhere is understood first",
    "web/console/versions.py": "asks whose words they are",
    "web/console/incident.py": "ends, which are foreseen before: they end in filing an alert",
    "web/console/validate.py": "what is sent back becomes a draft of the composing page",
    "web/console/watch.py": "what is gone from a calendar, until its act is declared",
    "web/console/rehearsal.py": "composing",
    "web/console/own_account.py": "one's own account",
    "web/console/people.py": "accounts: a password is asked for",
    "web/console/reports.py": "prepared words; notices, until their acts are declared",
    "web/console/reports_map.py": "writes down who exports",
    "web/console/reports_photo.py": "photos, which are blurred before",
}
"""Files of front ends in which somebody acts though no act is declared, and why. The list only shrinks."""


def acting_files() -> set[str]:
    """The files of front ends that make an officer of somebody, beside the one place of each."""
    found = set()
    for folder in FRONT_ENDS:
        for file in (ROOT / "alerts" / folder).glob("*.py"):
            names = {
                each.func.id
                for each in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
            }
            if file.name != "acts.py" and names & {"Officer", "officer", "officer_of"}:
                found.add(f"{folder}/{file.name}")
    return found


def test_nobody_acts_beside_the_acts_but_where_it_is_told_why():
    assert acting_files() == set(STAYS)


NAME_ACTS = {
    "cli/polls.py results": "`--outcome` beside `--publish`: what came of a poll with its pictures",
    "web/console/prepared_answers.py as_prepared": "a prepared sentence is the program's own, no field of a form",
}
"""The functions of front ends that name an act outside the one place of each, and why."""


def test_an_act_is_named_in_one_place_of_each_front_end():
    names, found = {act.__name__ for act in ACTS}, set()
    for folder in FRONT_ENDS:
        for file in (ROOT / "alerts" / folder).glob("*.py"):
            for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and file.name != "acts.py":
                    named = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
                    found |= {f"{folder}/{file.name} {function.name}"} if named & names else set()
    assert found == set(NAME_ACTS)
