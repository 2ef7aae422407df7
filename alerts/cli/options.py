"""Options that commands share: CAP's names, and `--as`, the acting person.

Anybody who may run commands here can write to the database itself, so nothing is proved: the name is taken as given,
and the login is recorded with it (docs/adr/0004-accounts.md).
"""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Callable
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from alerts.cli import screen
from alerts.model.alert import Category, Certainty, Severity, Urgency
from alerts.model.errors import Misuse
from alerts.model.person import Act, Actor, AuditEntry, Origin, Role
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.access.audit import AuditEvent
    from alerts.desk.officer import Officer
    from alerts.desk.unit import DeskUnit
    from alerts.model.town import Server

E = TypeVar("E", bound=StrEnum)


def _one_of(kind: type[E], option: str) -> Callable[[str], E]:
    """Reads CAP's own words, whatever their case."""

    def read(text: str) -> E:
        for value in kind:
            if value.casefold() == text.strip().casefold():
                return value
        near = get_close_matches(text, list(kind), n=1)
        if near:
            raise Misuse(because("option_near_code", option=option, text=repr(text), near=near[0], allowed=list(kind)))
        raise Misuse(because("option_no_code", option=option, text=repr(text), allowed=list(kind)))

    return read


def _text(name: str, help_: str, metavar: str = "TEXT") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(name, metavar=metavar, help=help_)
    return option


Headline = Annotated[str | None, _text("--headline", "What happens, in one line.")]
Description = Annotated[str | None, _text("--description", "More of it.")]
Instruction = Annotated[str | None, _text("--instruction", "What to do: it is never cut.")]
Event = Annotated[str | None, _text("--event", "The kind of event, in a word or two.")]
Onset = Annotated[str | None, _text("--onset", "When it starts: a time, or a span such as 2h.", "TIME")]
Expires = Annotated[str | None, _text("--expires", "When it is over: a time, or a span such as 6h (12h).", "TIME")]
At = Annotated[str | None, _text("--at", "As it would be then: a time, or a span from now such as 2d.", "TIME")]
Areas = Annotated[
    list[str] | None, _text("--area", "A district's name or code, or `all` for the whole town; repeatable.", "NAME")
]
Channels = Annotated[list[str] | None, _text("--channel", "Only this channel; repeatable.", "NAME")]
Web = Annotated[str | None, _text("--web", "The town's page about it.", "URL")]
Image = Annotated[Path | None, _text("--image", "A picture (.jpg or .png).", "FILE")]
Alt = Annotated[str | None, _text("--alt", "What the picture shows, in words.")]
Language = Annotated[str | None, _text("--lang", "The text's language, if not the station's.", "TAG")]
Graveness = Annotated[Severity | None, typer.Option("--severity", parser=_one_of(Severity, "--severity"))]
Kind = Annotated[Category | None, typer.Option("--category", parser=_one_of(Category, "--category"))]
Haste = Annotated[Urgency | None, typer.Option("--urgency", parser=_one_of(Urgency, "--urgency"))]
Sureness = Annotated[Certainty | None, typer.Option("--certainty", parser=_one_of(Certainty, "--certainty"))]
Again = Annotated[bool, typer.Option("--again", help="Post it though the same words went out just now.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show each channel's text; store nothing.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Show each delivery until all have ended; --wait=30s: at most so long.")
]
WaitFor = Annotated[str, typer.Option("--wait-for", metavar="SPAN", hidden=True, help="What --wait=SPAN means.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Name = Annotated[
    str, typer.Argument(metavar="ID", help="An alert's id, CAP identifier or incident, or the start of one.")
]


Stations = Annotated[
    Path | None, typer.Option("--stations", metavar="DIR", help="Of the operators of this folder of towns.")
]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who does it, if not the login of this machine.")]


def login() -> str:
    """Return the login of the command's user, from the system; no environment variable changes it."""
    caller = screen.CALLER.get()
    uid = os.getuid() if caller is None else caller.uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user may have no name
        return f"uid {uid}"


def must_not_be_roots(place: Path) -> None:
    """Raise Misuse for root at what belongs to a user of this machine: that one couldn't write what root makes there.

    `place` need not be there yet: whose it is to be is whose folder it is to lie in.
    """
    near = next(each for each in (place, *place.absolute().parents) if each.exists())
    owner = near.stat().st_uid
    if os.geteuid() != 0 or owner == 0:
        return
    try:
        user = pwd.getpwuid(owner).pw_name
    except KeyError:  # a folder from outside a container: there is nobody here to run it as
        return
    typed = shlex.join(("sudo", "-u", user, "tocsin", *screen.TYPED.get()))
    raise Misuse(because("run_by_root", path=near, user=user, command=typed))


def write_down(place: Path | Server, event: AuditEvent, subject: str, detail: str = "") -> None:
    """Add a line to the audit log of what a command did to all that is kept, under the login of this machine."""
    from alerts.daemon.desk import now
    from alerts.store.unit import acting

    with acting(place) as unit:
        unit.audit.write(
            AuditEntry(now(), login(), Role.ADMINISTRATOR, Origin.COMMAND, login(), event, subject, detail)
        )


def officer(unit: DeskUnit, who: str | None, act: Act) -> Officer:
    """The one who acts: an account of that name, or, as long as there is none, a name that is only written down.

    Raises Misuse for a name that is no account where there are accounts, and where a validation names nobody.
    """
    from alerts.desk.officer import Officer

    name = who or login()
    account = unit.accounts.account(name)
    if account is not None and account.disabled_at is not None:
        raise Misuse(because("as_disabled", name=repr(name)))
    if account is not None:
        return Officer(unit, Actor(account.name, account.role, Origin.COMMAND, login()))
    # Four eyes are told apart by the name, so whoever validates needs an account where there are any. Anybody else may
    # act by their login: who can run this can write the database anyway (docs/adr/0004).
    is_named = who is not None or act in (Act.APPROVE, Act.REJECT)
    if is_named and (accounts := unit.accounts.accounts()):
        known = [each.name for each in accounts if each.role.at_least(Role.AUTHOR)]
        raise Misuse(because("as_unknown", name=repr(name), known=known or "none that may act"))
    return Officer(unit, Actor(name, Role.ADMINISTRATOR, Origin.COMMAND, login()))
