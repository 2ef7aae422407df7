"""Who is forgotten of those that get alerts by e-mail: `tocsin mail`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.person import Act

if TYPE_CHECKING:
    from alerts.desk.service import DeskUnit

mail = typer.Typer(help="Alerts by e-mail: who is forgotten.", no_args_is_help=True)


@mail.callback()
def of_mail() -> None:
    """Alerts by e-mail: who is forgotten."""


@mail.command("forget")
def forget(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address.")],
    who: options.As = None,
) -> int:
    """Forget that address: its choices, and which alerts it got."""
    from alerts.daemon.desk import Control
    from alerts.model.subscriber import Mailbox
    from alerts.model.town import MAIL
    from alerts.store.connection import scrub

    town, number = context.obj.load(), Mailbox(address.strip(), "").number

    def carry_out(unit: DeskUnit) -> int:
        somebody = officer(unit, who, Act.FORGET)
        somebody.must(Act.FORGET)
        known = [name for name in town.reaching if unit.subscribers.get(name, number) is not None]
        for name in known:
            unit.subscribers.forget(name, number)
        somebody.write(Act.FORGET, MAIL, "as was asked for")  # no address: the log is never forgotten
        return len(known)

    count, _ = Control(town).act(carry_out)
    screen.say(tell("%(n)s subscriptions forgotten", n=count))
    scrub(town.database)
    return 0
