"""`tocsin forget`: erases people's remarks and reports, either named ones or all past their time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import counted, tell
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.desk.unit import DeskUnit
    from alerts.model.town import Town

_NONE = "none is configured"


def forget(
    context: typer.Context,
    post: Annotated[str | None, typer.Option(metavar="URL", help="What was said at that address.")] = None,
    author: Annotated[str | None, typer.Option(metavar="CHANNEL:ID", help="All that this account said there.")] = None,
    report: Annotated[str | None, typer.Option(metavar="NUMBER", help="All of this report.")] = None,
    due: Annotated[bool, typer.Option("--due", help="What is past its time, as the daemon does each day.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how much it would be.")] = False,
    who: options.As = None,
) -> int:
    """Forget what people said or reported: no word of it is left in the database, nor who it was."""
    from alerts.daemon.desk import Control
    from alerts.store.connection import scrub

    town = context.obj.load()
    if [post is not None, author is not None, report is not None, due].count(True) != 1:
        raise Misuse(because("forget_what"))
    act = _of_report(report) if report is not None else _act(town, post, author)
    subject = "reports" if report is not None else "listening"
    control = Control(town)

    def carry_out(unit: DeskUnit) -> tuple[int, int]:
        somebody = officer(unit, who, Act.FORGET)
        somebody.must(Act.FORGET)
        said, reported = act(unit)
        # No address and no id of a person: the log is never erased. A report's number identifies nobody.
        somebody.write(Act.FORGET, report or subject, f"{said + reported}, {'in time' if due else 'as was asked for'}")
        return said, reported

    if dry_run:
        said, reported = control.rehearse(carry_out)
        screen.say(counted("%(n)s utterance would be forgotten", "%(n)s utterances would be forgotten", said))
        screen.say(counted("%(n)s report would be forgotten", "%(n)s reports would be forgotten", reported))
        return 0
    (said, reported), _ = control.act(carry_out)
    screen.say(counted("%(n)s utterance forgotten", "%(n)s utterances forgotten", said))
    screen.say(counted("%(n)s report forgotten", "%(n)s reports forgotten", reported))
    if not scrub(town.database):
        screen.say(tell("the database is being read: its log is emptied with the next change or look"))
    return 0


_Forget = Callable[["DeskUnit"], tuple[int, int]]
"""An act in one transaction; returns the number of utterances and reports."""


def _act(town: Town, post: str | None, author: str | None) -> _Forget:
    """Return the act on a post's or an author's remarks, else on all that are past their time. Raises Misuse."""
    from alerts.listening.forgetting import forget_author, forget_post, remarks_at
    from alerts.reports.forgetting import forget_with_reports

    if post is not None:
        if not list(remarks_at(town, post)):
            raise Misuse(because("forget_no_address", url=repr(post)))
        return partial(forget_with_reports, forget=lambda unit: forget_post(unit, town, post))
    if author is None:
        return _all_past
    channel, _, identity = author.partition(":")
    if channel not in town.hearing or not identity:
        raise Misuse(because("forget_no_author", text=repr(author), known=list(town.hearing) or _NONE))
    return partial(forget_with_reports, forget=lambda unit: forget_author(unit, channel, identity))


def _all_past(unit: DeskUnit) -> tuple[int, int]:
    from alerts.listening import forgetting as of_what_is_said
    from alerts.reports import forgetting as of_reports

    said = sum(iter(lambda: of_what_is_said.forget_what_is_past(unit), 0))
    return said, sum(iter(lambda: of_reports.forget_what_is_past(unit), 0))


def _of_report(number: str) -> _Forget:
    from alerts.reports.forgetting import erased
    from alerts.reports.steps import find_report

    def act(unit: DeskUnit) -> tuple[int, int]:
        report = find_report(unit, number)
        return 0, int(erased(unit, report) != report)

    return act
