"""Accounts, tokens and the audit log: `tocsin user`, `tocsin token`, `tocsin audit`."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.errors import Misuse
from alerts.model.person import Act, Role
from alerts.model.reason import because

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from alerts.daemon.desk import Control
    from alerts.desk.officer import Officer
    from alerts.desk.unit import DeskUnit
    from alerts.model.person import Account, Chained, Token

T = TypeVar("T")

user = typer.Typer(help="Accounts of those who work at the desk.", no_args_is_help=True)
token = typer.Typer(help="Bearer tokens of programs that use the API.", no_args_is_help=True)
audit = typer.Typer(help="The audit log: who did what, when and from where.", no_args_is_help=True)


@user.callback()
@token.callback()
@audit.callback()
def of_whom(context: typer.Context, stations: options.Stations = None) -> None:
    """Take the operators' desk of a fleet in the place of a town's."""
    if stations is not None:
        screen.address(stations / screen.FLEET_FILE)
        context.obj = context.obj.of_fleet(stations)


def _role(text: str) -> Role:
    try:
        return Role(text.strip().casefold())
    except ValueError:
        raise Misuse(because("no_such_role", text=repr(text), known=list(Role))) from None


Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name, however spelled.")]
RoleOf = Annotated[Role, typer.Option("--role", parser=_role, metavar="ROLE", help=f"One of {', '.join(Role)}.")]
NewRole = Annotated[Role, typer.Argument(parser=_role, metavar="ROLE", help=f"One of {', '.join(Role)}.")]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the first password from standard input, rather than make one.")
]


@user.command("add")
def add_user(
    context: typer.Context,
    name: Name,
    role: RoleOf,
    password_stdin: FromInput = False,
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Add an account; prints its first password, once, which is changed at the first sign-in."""
    from alerts.access.accounts import add_account

    # Hashed before the transaction: Argon2 takes longer than anybody may hold the database (docs/adr/0004).
    password, kept = _first_password(context, name, given=password_stdin)
    account = _administer(context, who, lambda by: add_account(by, name, role, kept))
    _show_password(account, password, as_json=as_json)
    return 0


@user.command("reset")
def reset_user(
    context: typer.Context,
    name: Name,
    password_stdin: FromInput = False,
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Begin anew with an account: a new first password; its second factors and sessions are gone."""
    from alerts.access.accounts import reset

    password, kept = _first_password(context, name, given=password_stdin)
    account = _administer(context, who, lambda by: reset(by, name, kept))
    _show_password(account, password, as_json=as_json)
    return 0


@user.command("list")
def list_users(context: typer.Context, as_json: options.Json = False) -> int:
    """List the accounts: role, second factors, last sign-in, and who is disabled."""

    def question(unit: DeskUnit) -> list[dict[str, Any]]:
        return [_of_account(unit, account) for account in unit.accounts.accounts()]

    for each in context.obj.control().ask(question):
        screen.show_json(each) if as_json else screen.show(_account_line(each))
    return 0


@user.command("role")
def change_role(context: typer.Context, name: Name, role: NewRole, who: options.As = None) -> int:
    """Change what an account may do."""
    from alerts.access.accounts import set_role

    account = _administer(context, who, lambda by: set_role(by, name, role))
    screen.say(tell("%(name)s is %(role)s", name=account.name, role=tell(account.role)))
    return 0


@user.command("disable")
def disable_user(context: typer.Context, name: Name, who: options.As = None) -> int:
    """Shut an account out: its sessions end and its tokens are refused."""
    from alerts.access.accounts import disable

    account = _administer(context, who, lambda by: disable(by, name))
    screen.say(tell("%(name)s is disabled", name=account.name))
    return 0


@user.command("enable")
def enable_user(context: typer.Context, name: Name, who: options.As = None) -> int:
    """Let a disabled account in again."""
    from alerts.access.accounts import enable

    account = _administer(context, who, lambda by: enable(by, name))
    screen.say(tell("%(name)s is enabled", name=account.name))
    return 0


@token.command("add")
def add_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is: a program, or an account.")],
    role: RoleOf,
    as_json: options.Json = False,
    who: options.As = None,
) -> int:
    """Add a token; prints it, once. Under an account's name it is that person's, with no more than their role."""
    from alerts.access.accounts import TOKEN_BYTES
    from alerts.access.accounts import add_token as add

    made, bearer = _administer(context, who, lambda by: add(by, name, role, secrets.token_bytes(TOKEN_BYTES)))
    if as_json:
        screen.show_json({"token": bearer.reveal(), "id": made.id, "name": made.name, "role": made.role})
        return 0
    # Alone on standard output, so that a script can put it where it belongs; the sentence goes to standard error.
    screen.show(bearer.reveal())
    screen.say(_of("token %(id)s of %(name)s (%(role)s): it is shown only once", made))
    return 0


@token.command("list")
def list_tokens(context: typer.Context, as_json: options.Json = False) -> int:
    """List the tokens: whose, role, last use, and which are revoked. None is shown."""

    def question(unit: DeskUnit) -> list[dict[str, Any]]:
        return [_of_token(token, unit.desk.station.zone) for token in unit.accounts.tokens()]

    for each in context.obj.control().ask(question):
        screen.show_json(each) if as_json else screen.show(_token_line(each))
    return 0


@token.command("revoke")
def revoke_token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="A token's id, or a name: all tokens of that name.")],
    who: options.As = None,
) -> int:
    """Refuse a token from now on."""
    from alerts.access.accounts import revoke

    for each in _administer(context, who, lambda by: revoke(by, name)):
        screen.say(_of("token %(id)s of %(name)s is revoked", each))
    return 0


@audit.command("verify")
def verify_log(
    context: typer.Context,
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="SEQ:DIGEST", help="A head that was kept elsewhere.")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Check that no line of the audit log was changed, removed or moved; print its head, to be kept elsewhere."""
    from alerts.access.audit import Broken, Verified, head_of, verify

    expected = head_of(expect) if expect is not None else None

    def question(unit: DeskUnit) -> Verified | Broken:
        height = unit.audit.height()
        return verify(unit.audit.all(), height, expected, begun=bool(unit.accounts.accounts()))

    result = context.obj.control().ask(question)
    if isinstance(result, Broken):
        if as_json:
            screen.show_json({"whole": False, "seq": result.seq, "why": screen.why(result.why)})
        screen.say("tocsin: " + tell("line %(seq)s %(why)s", seq=result.seq, why=screen.why(result.why)))
        return 1
    if as_json:
        screen.show_json({"whole": True, "lines": result.lines, "head": str(result.head)})
    else:
        screen.show(str(result.head))
        screen.say(screen.counted("%(n)s line, unchanged", "%(n)s lines, none of them changed", result.lines))
    return 0


@audit.command("list")
def list_log(
    context: typer.Context,
    subject: Annotated[str | None, typer.Option(metavar="ID|NAME", help="Only about this alert or name.")] = None,
    most: Annotated[int, typer.Option("--last", metavar="N", min=1, help="How many lines, the newest.")] = 50,
    as_json: options.Json = False,
) -> int:
    """List the newest lines of the audit log, the newest last."""
    control = context.obj.control()
    lines = control.ask(lambda unit: unit.audit.newest(subject=subject, most=most))
    for line in reversed(lines):
        screen.show_json(_of_line(line)) if as_json else screen.show(_record_line(line, control.town.zone))
    return 0


def _administer(context: typer.Context, who: str | None, action: Callable[[Officer], T]) -> T:
    control: Control = context.obj.control()
    done, _ = control.act(lambda unit: action(officer(unit, who, Act.ADMINISTER)))
    return done


def _first_password(context: typer.Context, name: str, *, given: bool) -> tuple[str | None, str]:
    """The password to be shown (None: who gave it knows it), and what is kept of it."""
    from alerts.access.accounts import FIRST_PASSWORD_BYTES, first_password
    from alerts.access.passwords import Passwords, fault_of

    if not given:
        made = first_password(secrets.token_bytes(FIRST_PASSWORD_BYTES)).reveal()
        return made, Passwords().hash_now(made)
    # Not an argument of the command: the list of processes shows those to every user of the machine.
    typed = sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
    if fault := fault_of(typed, name, context.obj.load().name):
        raise Misuse(because("password_stdin", why=fault))
    return None, Passwords().hash_now(typed)


def _show_password(account: Account, password: str | None, *, as_json: bool) -> None:
    if as_json:
        shown = {"user": account.name, "role": account.role, "password": password}
        screen.show_json({key: value for key, value in shown.items() if value is not None})
        return
    if password is not None:
        screen.show(password)
    made = "%(name)s (%(role)s): the first password is shown only once; it must be changed at the first sign-in"
    given = "%(name)s (%(role)s): the first password that you gave must be changed at the first sign-in"
    screen.say(_of(made if password is not None else given, account))


def _of(sentence: str, whose: Account | Token) -> str:
    """The sentence with the name, the role and a token's id filled in."""
    return tell(sentence, name=whose.name, role=tell(whose.role), id=getattr(whose, "id", ""))


def _of_account(unit: DeskUnit, account: Account) -> dict[str, Any]:
    return {
        "user": account.name,
        "role": account.role,
        "state": "disabled" if account.disabled_at else "first password" if account.must_change else "ok",
        "codes": account.totp is not None,
        "passkeys": len(unit.accounts.passkeys(account.name)),
        "signed_in_at": _spelled(account.signed_in_at, unit.desk.station.zone),
    }


def _account_line(each: dict[str, Any]) -> str:
    factors = [tell("codes")] if each["codes"] else []
    if each["passkeys"]:
        factors.append(screen.counted("%(n)s passkey", "%(n)s passkeys", each["passkeys"]))
    at = each["signed_in_at"]
    last = tell("signed in %(time)s", time=_minutes(at)) if at else tell("never signed in")
    proof = ", ".join(factors) or tell("no second factor")
    return "  ".join([each["user"], tell(each["role"]), tell(each["state"]), proof, last])


def _of_token(token: Token, zone: tzinfo) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "state": "revoked" if token.revoked_at else "ok",
        "created_at": _spelled(token.created_at, zone),
        "created_by": token.created_by,
        "used_at": _spelled(token.used_at, zone),
    }


def _token_line(each: dict[str, Any]) -> str:
    last = tell("used %(time)s", time=_minutes(each["used_at"])) if each["used_at"] else tell("never used")
    made = tell("by %(name)s", name=each["created_by"])
    return "  ".join([each["id"], each["name"], tell(each["role"]), tell(each["state"]), made, last])


def _of_line(line: Chained) -> dict[str, Any]:
    return {"seq": line.seq, **asdict(line.entry), "at": line.entry.at.isoformat(), "digest": line.digest}


def _record_line(line: Chained, zone: tzinfo) -> str:
    """In the station's time, with how far that is from UTC, in which the log and `--json` have it."""
    from alerts.web.console.words import detail_in_words

    entry, detail = line.entry, detail_in_words(line.entry.detail, screen.words())
    as_what = ", ".join(filter(None, (tell(entry.role), tell(entry.origin), entry.address)))
    who = f"{entry.actor} ({as_what})"
    at = entry.at.astimezone(zone).isoformat(" ", "seconds")
    words = [str(line.seq), at, who, tell(entry.act), entry.subject, detail]
    return screen.plain("  ".join(words).rstrip())


def _spelled(time: datetime | None, zone: tzinfo) -> str | None:
    """Return a time in the town's zone, as every command prints it."""
    return time.astimezone(zone).isoformat() if time else None


def _minutes(moment: str) -> str:
    return moment[:16].replace("T", " ")
