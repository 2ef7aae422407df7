"""Who acts at the command line.

Whoever may run commands here holds the database itself, so nothing is proved: the name is taken as given, and the login
is written down beside it (docs/adr/0004-accounts.md).
"""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import screen
from alerts.model.errors import Misuse
from alerts.model.person import Act, Actor, Origin, Role
from alerts.model.reason import because

if TYPE_CHECKING:
    from alerts.desk.officer import Officer
    from alerts.desk.service import DeskUnit

As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who does it, if not the login of this machine.")]


def login() -> str:
    """The login that the command runs under, as the system tells it; no variable of the environment changes it."""
    caller = screen.CALLER.get()
    uid = os.getuid() if caller is None else caller.uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user may have no name
        return f"uid {uid}"


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
    is_named = who is not None or act in (Act.APPROVE, Act.REJECT)
    if is_named and (accounts := unit.accounts.accounts()):
        known = [each.name for each in accounts if each.role.at_least(Role.AUTHOR)]
        raise Misuse(because("as_unknown", name=repr(name), known=known or "none that may act"))
    return Officer(unit, Actor(name, Role.ADMINISTRATOR, Origin.COMMAND, login()))
