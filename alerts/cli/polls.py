"""Consulting the town: `tocsin poll open`, `close` and `results`; `tocsin approve` lets a poll out as it does an alert.

Nothing that these commands show before a poll is closed has a number in it, but for how many have answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts.cli import options, screen
from alerts.cli.acts import SHOWN, ActGroup
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.person import Act
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.unit import DeskUnit
    from alerts.listening.out import PolledChannel, PollOut
    from alerts.model.poll import Poll, Tally

poll = typer.Typer(help="Ask the town, and count by channel.", no_args_is_help=True, cls=ActGroup)
Name = Annotated[str, typer.Argument(metavar="ID", help="A poll's id, or the start of one.")]


@poll.command("open")
def open_(
    context: typer.Context,
    question: Annotated[str, typer.Option("--question", metavar="TEXT", help="What is asked, in one line.")],
    option: Annotated[
        list[str], typer.Option("--option", metavar="TEXT", help="An answer, 25 characters at the most; two to four.")
    ],
    until: Annotated[
        str, typer.Option("--until", metavar="TIME", help="When it closes: a time, or a span such as 3d.")
    ],
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="When it opens: a time, or a span (now).")
    ] = None,
    channel: options.Channels = None,
    exercise: Annotated[bool, typer.Option("--exercise", help="An exercise: for exercise channels alone.")] = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Ask a question: it opens at once or at its hour, or waits for `tocsin approve ID`."""
    from alerts.daemon.desk import now
    from alerts.desk.draft import read_time
    from alerts.listening.out import PollOut, PollRehearsal
    from alerts.listening.polls import PollDraft, drawn_up, open_poll

    control: Control = context.obj.control()
    town = control.town
    draft = PollDraft(
        question,
        tuple(option),
        read_time("--until", until, now(), town.zone),
        read_time("--from", start, now(), town.zone) if start else None,
        tuple(channel or ()),
        exercise,
    )
    # Drawn up here alone: no daemon is asked for it, and nothing is stored.
    if dry_run:
        drawn = drawn_up(draft, town, who or options.login(), "", control.now())
        for shown in PollRehearsal.of(town, drawn).channels:
            screen.show_json(shown) if as_json else _show_preview(shown)
        return 0

    def act(unit: DeskUnit) -> tuple[Poll, PollOut]:
        opened = open_poll(officer(unit, who, Act.CONSULT), draft)
        return opened, PollOut.of(unit, opened)

    (opened, account), daemons = control.act(act)
    screen.show_json(account) if as_json else _show_poll(account.as_json())
    if opened.approved_at is None:
        screen.say(
            tell("it waits for a validation by somebody else: `tocsin approve %(alert)s`, or the desk", alert=opened.id)
        )
    elif not daemons:
        screen.say(tell("%(alert)s is stored; it goes out when the daemon runs (`tocsin run`)", alert=opened.id))
    return 0


@poll.command("results")
def results(
    context: typer.Context,
    name: Name,
    publish: Annotated[
        bool, typer.Option("--publish", help="Put the result out on every channel of the poll.")
    ] = False,
    outcome: Annotated[
        str | None, typer.Option("--outcome", metavar="TEXT", help="What the town did with it, for the poll's page.")
    ] = None,
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Tell a poll's result, channel by channel; before its end how many have answered, and no more."""
    from alerts.listening.out import PollResult
    from alerts.listening.poll_acts import TellPollOutcome
    from alerts.listening.polls import find_poll, fingerprint_of, publish_result

    control: Control = context.obj.control()

    def question(unit: DeskUnit) -> Tally:
        return unit.polls.tally(find_poll(unit, name))

    found = control.ask(question)
    if outcome is not None:
        said = TellPollOutcome(found.poll.id, outcome)
        control.act(lambda unit: said.done_by(officer(unit, who, said.permission)))
    if publish:
        # Drawn before the transaction, in which every lane would wait for it.
        pictures, seen = _pictures(control, found), fingerprint_of(found)
        control.act(lambda unit: publish_result(officer(unit, who, Act.CONSULT), found.poll.id, pictures, seen=seen))
    account = control.ask(lambda unit: PollResult.of(unit, find_poll(unit, name))).as_json()
    screen.show_json(account) if as_json else _show_result(account)
    return 0


def _pictures(control: Control, tally: Tally) -> dict[str, str]:
    from alerts.listening.polls import pictures_of
    from alerts.model.errors import Conflict
    from alerts.model.poll import PollState
    from alerts.store.pictures import keep_drawing, picture_folder

    if tally.poll.state is not PollState.CLOSED:
        raise Conflict(because("poll_is", poll=tally.poll.id, state=tally.poll.state))
    # A drawing bears the digest of its content: drawn twice, it is kept once.
    folder = picture_folder(control.town.beside)
    drawn = pictures_of(tally, control.town)
    return {
        language: str(folder.resolve() / keep_drawing(folder, data, "image/png")) for language, data in drawn.items()
    }


def _show_poll(account: Mapping[str, Any]) -> None:
    screen.show(f"{account['poll']}  {screen.term(account['state'])}  {screen.plain(account['question'])}")
    screen.show(f"  {tell('until')} {account['until'][:16].replace('T', ' ')}  {', '.join(account['channels'])}")
    for option in account["options"]:
        screen.show(f"  • {screen.plain(option)}")


def _show_preview(shown: PolledChannel) -> None:
    screen.show(f"{shown.channel}  {shown.count}/{shown.limit}")
    for line in shown.text.splitlines():
        screen.show(f"  {screen.plain(line)}")
    for option in shown.options:
        screen.show(f"  • {screen.plain(option.option)}  {option.count}/25")


def _show_result(account: Mapping[str, Any]) -> None:
    one, many = "%(n)s answer on the page and by the bot", "%(n)s answers on the page and by the bot"
    answers = screen.counted(one, many, account["turnout"])
    if "channels" not in account:
        screen.show(f"{account['poll']}  {screen.term(account['state'])}  {answers}")
        screen.say(tell("the numbers are told once it is closed"))
        return
    screen.show(f"{account['poll']}  {screen.term(account['state'])}  {screen.plain(account['question'])}")
    for place, votes in account["channels"].items():
        counts = ", ".join(f"{screen.plain(option)} {number}" for option, number in votes.items())
        screen.show(f"  {place:<14} {counts}")
    for place in account["not_counted"]:
        screen.show(f"  {place:<14} {tell('not counted yet')}")
    for note in account["notes"]:
        screen.show(f"  {note['channel']:<14} {screen.plain(note['reason'] or '')}")
    for spike in account["spikes"]:
        minute = spike["at"][:16].replace("T", " ")
        many = tell("%(votes)s answers within one minute (%(at)s)", votes=spike["votes"], at=minute)
        screen.show(f"  {spike['channel']:<14} {many}")
    if account["waits"] is not None:
        name = account["waits"]["answer"]
        screen.say(tell("%(answer)s waits for a second person: `tocsin approve %(answer)s`", answer=name))


SHOWN["PollOut"] = lambda out, _: _show_poll(out.as_json())
SHOWN["PollResult"] = lambda out, _: _show_result(out.as_json())
