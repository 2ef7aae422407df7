"""People's remarks and the answers to them: `heard`, `heard add`, and the groups of acts about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.acts import SHOWN, ActGroup
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.out import VersionOut
    from alerts.desk.unit import DeskUnit
    from alerts.listening.grouping import Group
    from alerts.listening.out import QuestionOut, UtteranceOut
    from alerts.model.listening import Understood

heard = typer.Typer(
    help="What people say under the town's posts, and what they ask.", invoke_without_command=True, cls=ActGroup
)
question = typer.Typer(help="What may be done about a question.", no_args_is_help=True, cls=ActGroup)
words = typer.Typer(help="Officers' own words that wait for a second person.", no_args_is_help=True, cls=ActGroup)
block = typer.Typer(help="Who is to be blocked on a channel.", no_args_is_help=True, cls=ActGroup)

_Said = Annotated[str, typer.Option("--text", metavar="TEXT", help="What was said.")]
_Incident = Annotated[str | None, typer.Option("--incident", metavar="ID", help="The alert that it is about.")]
_Where = Annotated[str | None, typer.Option("--where", metavar="PLACE", help="Where it was said: at the counter, …")]


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
    from alerts.listening.out import UtteranceOut
    from alerts.listening.questions import add

    control = listening_control(context)
    understood, group = _understood(text)
    said, _ = control.act(
        lambda unit: add(officer(unit, who, Act.TEND), text, understood, incident=incident, place=where, group=group)
    )
    shown = UtteranceOut.of(control.town, said)
    screen.show_json(shown) if as_json else _show_utterance(shown)
    return 0


def _understood(text: str) -> tuple[Understood, Group]:
    """Return the interpretation of a text, and the finder of its question, by the same means as a daemon's."""
    import asyncio

    from alerts.listening.grouping import group_of
    from alerts.listening.understanding import Understanding

    async def read() -> tuple[Understood, Group]:
        async with Understanding() as understanding:
            [understood] = await understanding.read([text])
            return understood, group_of(understanding)

    return asyncio.run(read())


def _show_version(row: VersionOut) -> None:
    screen.show(screen.plain(row.asked or f"{screen.term(row.to)} {row.subject}"))
    screen.show(screen.plain(row.text))
    # What else is validated with the words.
    if row.incident is not None:
        screen.show(f"  {tell('on the page of %(incident)s', incident=row.incident)}")
    if row.next:
        screen.show(f"  {tell('whoever asks the same later is answered automatically')}")
    if row.everywhere:
        screen.show(f"  {tell('also on the channels where nobody asked')}")


def _show_utterance(row: UtteranceOut) -> None:
    mark = tell("MAYBE A CALL FOR HELP") if row.raised else screen.term(row.kind)
    words = [row.at[:16].replace("T", " "), row.utterance, row.channel, mark, screen.term(row.state)]
    screen.show("  ".join([*words, screen.plain(row.text or tell("(forgotten)"))]))


def _show_question(row: QuestionOut) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in row.channels.items())
    screen.show(f"{row.question}  {screen.term(row.state)}  {row.count} ({counts})  {screen.plain(row.words)}")
    if row.answer is not None:
        screen.show(f"    {screen.plain(row.answer)}")


SHOWN["UtteranceOut"] = lambda out, _: _show_utterance(out)
SHOWN["QuestionOut"] = lambda out, _: _show_question(out)
SHOWN["VersionOut"] = lambda out, _: _show_version(out)
