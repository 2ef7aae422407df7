"""`tocsin forget`: what people said is forgotten at once, or what is past its time is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import because

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.desk.service import DeskUnit
    from alerts.model.town import Town

_NONE = "none is configured"


def forget(
    context: typer.Context,
    post: Annotated[str | None, typer.Option(metavar="URL", help="What was said at that address.")] = None,
    author: Annotated[str | None, typer.Option(metavar="CHANNEL:ID", help="All that this account said there.")] = None,
    due: Annotated[bool, typer.Option("--due", help="What is past its time, as the daemon does each day.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how much it would be.")] = False,
    who: options.As = None,
) -> int:
    """Forget what people said: no word of it is left in the database, nor who said it."""
    from alerts.daemon.desk import Control
    from alerts.store.connection import scrub

    town = context.obj.load()
    if [post is not None, author is not None, due].count(True) != 1:
        raise Misuse(because("forget_what"))
    act = _act(town, post, author)
    control = Control(town)

    def carry_out(unit: DeskUnit) -> int:
        somebody = officer(unit, who, Act.FORGET)
        somebody.must(Act.FORGET)
        count = act(unit)
        # Neither an address nor an id: the log is never forgotten.
        somebody.write(Act.FORGET, "listening", f"{count}, {'in time' if due else 'as was asked for'}")
        return count

    if dry_run:
        count = control.rehearse(carry_out)
        screen.say(tell("%(n)s utterances would be forgotten", n=count))
        return 0
    count, _ = control.act(carry_out)
    screen.say(tell("%(n)s utterances forgotten", n=count))
    if not scrub(town.database):
        screen.say(tell("the database is being read: its log is emptied with the next change or look"))
    return 0


def _act(town: Town, post: str | None, author: str | None) -> Callable[[DeskUnit], int]:
    """What is to be done in one transaction; returns how many utterances it was. Raises Misuse."""
    from alerts.listening.forgetting import forget_author, forget_post, forget_what_is_past, remarks_at

    if post is not None:
        if not list(remarks_at(town, post)):
            raise Misuse(because("forget_no_address", url=repr(post)))
        return lambda unit: forget_post(unit, town, post)
    if author is None:
        return lambda unit: sum(iter(lambda: forget_what_is_past(unit), 0))
    channel, _, identity = author.partition(":")
    if channel not in town.hearing or not identity:
        raise Misuse(because("forget_no_author", text=repr(author), known=list(town.hearing) or _NONE))
    return lambda unit: forget_author(unit, channel, identity)
