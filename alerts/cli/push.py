"""The key that a town signs its push messages with, and a browser that is to be forgotten: `tocsin push`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.person import Act

if TYPE_CHECKING:
    from alerts.desk.service import DeskUnit

push = typer.Typer(help="Alerts to browsers: the town's key, and who is forgotten.", no_args_is_help=True)


@push.command("keys")
def keys() -> int:
    """Print a new private key as PEM, and nothing else. A changed key loses every subscription."""
    from alerts.channels.push.encryption import new_key

    sys.stdout.write(new_key())
    return 0


@push.command("forget")
def forget(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="URL", help="The address that its push service gave the browser.")],
    who: options.As = None,
) -> int:
    """Forget the browser at that endpoint: its choices, its keys, and which alerts it got."""
    from alerts.daemon.desk import Control
    from alerts.model.subscriber import PushEndpoint
    from alerts.model.town import PUSH
    from alerts.store.connection import scrub

    town, number = context.obj.load(), PushEndpoint(endpoint, "", "").number

    def carry_out(unit: DeskUnit) -> int:
        somebody = officer(unit, who, Act.FORGET)
        somebody.must(Act.FORGET)
        known = unit.subscribers.get(PUSH, number)
        unit.subscribers.forget(PUSH, number)
        somebody.write(Act.FORGET, PUSH, "as was asked for")  # no address: the log is never forgotten
        return int(known is not None)

    count, _ = Control(town).act(carry_out)
    screen.say(tell("%(n)s subscriptions forgotten", n=count))
    scrub(town.database)
    return 0
