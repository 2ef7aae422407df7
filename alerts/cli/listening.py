"""What people say, and what they are answered: `heard`, `heard add`, `answer`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.service import DeskUnit
    from alerts.listening.grouping import Group
    from alerts.listening.out import QuestionOut, UtteranceOut
    from alerts.model.listening import GivenAnswer, Understood
    from alerts.model.post import Post

heard = typer.Typer(help="What people say under the town's posts, and what they ask.", invoke_without_command=True)

_Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="The answer, as everybody shall read it.")]
_Said = Annotated[str, typer.Option("--text", metavar="TEXT", help="What was said.")]
_Incident = Annotated[str | None, typer.Option("--incident", metavar="ID", help="The alert that it is about.")]
_Where = Annotated[str | None, typer.Option("--where", metavar="PLACE", help="Where it was said: at the counter, …")]
_Next = Annotated[bool, typer.Option("--next", help="Answer those too who ask it later, where it is surely the same.")]
_Everywhere = Annotated[bool, typer.Option("--everywhere", help="Say it on the alert's other channels too.")]
_Words = Annotated[str | None, typer.Option("--words", metavar="TEXT", help="What is asked, in your own words.")]


def listening_control(context: typer.Context) -> Control:
    """Where the command meets the desk of a town that listens. Raises Misuse where it doesn't."""
    control: Control = context.obj.control()
    if not control.town.listens:
        raise Misuse(because("not_listening"))
    return control


@heard.callback()
def heard_before(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also what was seen to, and what was forgotten.")] = False,
    as_json: options.Json = False,
) -> int:
    """Show what people say: what may be a call for help first, then what nobody saw to; then what they ask."""
    if context.invoked_subcommand is not None:
        return 0
    from alerts.listening.out import QuestionOut, UtteranceOut, questions, utterances

    control = listening_control(context)

    def question(unit: DeskUnit) -> tuple[list[UtteranceOut], list[QuestionOut]]:
        said = [UtteranceOut.of(control.town, each) for each in utterances(unit, everything=everything)]
        return said, [QuestionOut.of(unit, each) for each in questions(unit, everything=everything)]

    heard, asked = control.ask(question)
    for said in heard:
        screen.show_json(said) if as_json else _show_utterance(said)
    for each in asked:
        screen.show_json(each) if as_json else _show_question(each)
    return 0


@heard.command("add")
def heard_add(
    context: typer.Context,
    text: _Said,
    incident: _Incident = None,
    where: _Where = None,
    who: options.As = None,
    as_json: options.Json = False,
) -> int:
    """Take in what was said where nothing listens: at the counter, by telephone, in a closed group."""
    from alerts.listening.acts import add
    from alerts.listening.out import UtteranceOut

    control = listening_control(context)
    understood, group = _understood(text)
    said, _ = control.act(
        lambda unit: add(officer(unit, who, Act.TEND), text, understood, incident=incident, place=where, group=group)
    )
    shown = UtteranceOut.of(control.town, said)
    screen.show_json(shown) if as_json else _show_utterance(shown)
    return 0


def _understood(text: str) -> tuple[Understood, Group]:
    """What it seems to be, and what finds the question that it is one of, by the same means as a daemon's."""
    import asyncio

    from alerts.listening.grouping import group_of
    from alerts.listening.understanding import Understanding

    async def read() -> tuple[Understood, Group]:
        async with Understanding() as understanding:
            [understood] = await understanding.read([text])
            return understood, group_of(understanding)

    return asyncio.run(read())


def answer(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question's id, or the start of one.")],
    text: _Text,
    next_ones: _Next = False,
    everywhere: _Everywhere = False,
    words: _Words = None,
    who: options.As = None,
    as_json: options.Json = False,
) -> int:
    """Answer a question once, wherever it was asked; an answer that is out is put right where it is."""
    from alerts.listening import acts
    from alerts.listening.out import QuestionOut

    control = listening_control(context)

    def act(unit: DeskUnit) -> tuple[acts.Answered, QuestionOut]:
        one = officer(unit, who, Act.ANSWER)
        done = acts.answer(one, question, text, next_ones=next_ones, everywhere=everywhere, words=words)
        return done, QuestionOut.of(unit, done.question)

    (done, shown), _ = control.act(act)
    if as_json:
        screen.show_json(shown)
    elif shown.waiting is not None:
        screen.say(tell("%(answer)s waits for a second person: `tocsin approve %(answer)s`", answer=done.answer.id))
    else:
        _show_posts(done.posts)
    return 0


def withdraw(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question's id, or the start of one.")],
    reason: Annotated[str | None, typer.Option(help="Why, for the audit log.")] = None,
    who: options.As = None,
) -> int:
    """Take an answer back wherever it is; its question is open again."""
    from alerts.listening.acts import withdraw as take_back

    control = listening_control(context)
    done, _ = control.act(lambda unit: take_back(officer(unit, who, Act.ANSWER), question, reason))
    told = ", ".join(dict.fromkeys(post.channel for post in done.posts))
    screen.say(tell("the answer is taken back on %(channels)s", channels=told or tell("the town’s page alone")))
    return 0


def approve_answer(control: Control, name: str, who: str | None) -> bool:
    """Show what waits of somebody's own words and let it go out; False: the name is that of no such words."""
    from alerts.desk.handing_in import find_answer
    from alerts.desk.versions import digest_of
    from alerts.reports.validating import approve_version, asked_of

    if not _is_answer(control, name):
        return False
    waits, asked = control.ask(lambda unit: ((found := find_answer(unit, name)), asked_of(unit, found)))
    screen.show(screen.plain(asked))
    screen.show(screen.plain(waits.text))
    for shown in _reach_of(waits):
        screen.show(f"  {shown}")
    if sys.stdin.isatty() and sys.stderr.isatty():
        screen.agreed("Validate this? (yes/no)")
    # What was shown before the question is what is validated: another version has another digest.
    seen = digest_of(waits)
    (_, posts), _ = control.act(lambda unit: approve_version(officer(unit, who, Act.APPROVE), waits.id, seen))
    _show_posts(posts)
    return True


def _reach_of(waits: GivenAnswer) -> Iterator[str]:
    """What else is validated with the words."""
    if waits.incident is not None:
        yield tell("on the page of %(incident)s", incident=waits.incident)
    if waits.next_ones:
        yield tell("whoever asks the same later is answered automatically")
    if waits.everywhere:
        yield tell("also on the channels where nobody asked")


def reject_answer(control: Control, name: str, who: str | None, reason: str | None) -> bool:
    """Keep what waits of somebody's own words from going out; False: the name is that of no such words."""
    from alerts.desk.handing_in import refuse

    if not _is_answer(control, name):
        return False
    answer, _ = control.act(lambda unit: refuse(officer(unit, who, Act.REJECT), name, reason))
    screen.say(tell("%(alert)s doesn't go out", alert=answer.id))
    return True


def _is_answer(control: Control, name: str) -> bool:
    return bool(control.ask(lambda unit: unit.listening.named("answer", name)))


def _show_posts(posts: Sequence[Post]) -> None:
    told = ", ".join(dict.fromkeys(post.channel for post in posts))
    screen.say(tell("the answer goes out on %(channels)s", channels=told or tell("the town’s page alone")))


def _show_utterance(row: UtteranceOut) -> None:
    mark = tell("MAYBE A CALL FOR HELP") if row.raised else screen.term(row.kind)
    words = [row.at[:16].replace("T", " "), row.utterance, row.channel, mark, screen.term(row.state)]
    screen.show("  ".join([*words, screen.plain(row.text or tell("(forgotten)"))]))


def _show_question(row: QuestionOut) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in row.channels.items())
    screen.show(f"{row.question}  {screen.term(row.state)}  {row.count} ({counts})  {screen.plain(row.words)}")
    if row.answer is not None:
        screen.show(f"    {screen.plain(row.answer)}")
