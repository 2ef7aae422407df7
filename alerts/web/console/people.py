"""For administrators: who may come in, with what role; the tokens of programs; and the audit log.

GET  /accounts              everybody, and every token
POST /accounts/..., /tokens/...    what an administrator does; what lets somebody in asks for one's own password again
GET  /record                who did what, newest first, and whether the chain of entries is whole

A password or a token is shown once, in the answer to the form that made it, and kept as a hash alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from secrets import token_bytes
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from alerts.access import accounts
from alerts.access.audit import Broken, Verified, verify
from alerts.access.passwords import Passwords
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Forbidden, Misuse, Refused, TocsinError
from alerts.model.person import Act, Role, fold_name
from alerts.model.reason import because
from alerts.web.console.entering import fields_of, prove, see_other
from alerts.web.console.error_pages import status_of
from alerts.web.console.frame import BASE, Console, visitor_of

ACCOUNTS = f"{BASE}/accounts"
RECORD = f"{BASE}/record"
LINES = 50
VERIFIED_UNASKED = 5000
"""Maximum lines whose chain is verified on each visit; beyond, on request: it takes the database's one thread."""


def routes(console: Console) -> list[web.RouteDef]:
    """The list, and an address for each thing an administrator does."""
    people = People(console, console.gate.passwords)
    return [
        web.get("/accounts", people.show),
        web.post("/accounts/add", people.add),
        web.post("/accounts/reset", people.reset),
        web.post("/accounts/role", people.set_role),
        web.post("/accounts/disable", people.disable),
        web.post("/accounts/enable", people.enable),
        web.post("/tokens/add", people.add_token),
        web.post("/tokens/revoke", people.revoke),
        web.get("/record", people.audit_log),
    ]


def must_administer(request: web.Request, console: Console) -> None:
    """Raise Forbidden for who isn't an administrator, in their language."""
    actor = visitor_of(request).actor
    if not actor.may(Act.ADMINISTER):
        words = console.frame.words(request)
        raise Forbidden(words.gettext("This page is for administrators; your role doesn’t open it. Ask one of them."))


class People:
    """The pages of accounts and tokens. A password or a token is shown once, in the answer to the form that made it."""

    def __init__(self, console: Console, passwords: Passwords) -> None:
        self._console = console
        self._passwords = passwords

    async def show(self, request: web.Request) -> web.Response:
        """Everybody, and every token."""
        must_administer(request, self._console)
        return await self._page(request)

    async def add(self, request: web.Request) -> web.StreamResponse:
        """A new account; its first password is on the page that answers."""
        form = await self._form(request)
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked
        return await self._with_password(
            request,
            form,
            lambda officer, kept: accounts.add_account(officer, form.get("name", ""), _role(form), kept).name,
        )

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Begin anew with an account; its new first password is on the page that answers."""
        form = await self._form(request)
        self._must_be_another(request, form)
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked
        return await self._with_password(
            request, form, lambda officer, kept: accounts.reset(officer, form.get("name", ""), kept).name
        )

    async def set_role(self, request: web.Request) -> web.StreamResponse:
        """Another role."""
        form = await self._form(request)
        self._must_be_another(request, form)
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked
        return await self._do(
            request, form, lambda officer: accounts.set_role(officer, form.get("name", ""), _role(form)), "role"
        )

    async def disable(self, request: web.Request) -> web.StreamResponse:
        """Shut somebody out."""
        form = await self._form(request)
        self._must_be_another(request, form)
        return await self._do(
            request, form, lambda officer: accounts.disable(officer, form.get("name", "")), "disabled"
        )

    async def enable(self, request: web.Request) -> web.StreamResponse:
        """Let somebody in again."""
        form = await self._form(request)
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked
        return await self._do(request, form, lambda officer: accounts.enable(officer, form.get("name", "")), "enabled")

    async def add_token(self, request: web.Request) -> web.StreamResponse:
        """A new token; it is on the page that answers, and nowhere else ever."""
        form = await self._form(request)
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked
        chance = token_bytes(accounts.TOKEN_BYTES)
        try:
            token, bearer = await self._act(
                request,
                lambda officer: accounts.add_token(officer, form.get("token_name", ""), _role(form), chance),
            )
        except Misuse as error:
            return await self._page(request, error, form)
        values = {"name": token.name, "secret": bearer.reveal(), "is_token": True}
        return self._console.frame.page(request, "shown_once.html", **values)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Refuse a token from now on."""
        form = await self._form(request)
        return await self._do(request, form, lambda officer: accounts.revoke(officer, form.get("token", "")), "revoked")

    async def audit_log(self, request: web.Request) -> web.Response:
        """A page of it, of one subject alone where `?subject=` names one."""
        must_administer(request, self._console)
        subject = request.query.get("subject", "").strip() or None
        text, asked = request.query.get("before", ""), "verify" in request.query
        # Nineteen digits may be more than an integer of SQLite holds.
        before = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        found = await self._console.service.ask(lambda unit: _audit_lines(unit, before, subject, asked=asked))
        values = {"subject": subject or "", "is_first": before is None, **found}
        return self._console.frame.page(request, "record.html", **values)

    async def _form(self, request: web.Request) -> dict[str, str]:
        must_administer(request, self._console)
        return await fields_of(request)

    def _must_be_another(self, request: web.Request, form: Mapping[str, str]) -> None:
        """So that the last administrator doesn't shut themselves out by a slip; the command line still may."""
        if fold_name(form.get("name", "")) == fold_name(visitor_of(request).account.name):
            words = self._console.frame.words(request)
            raise Refused(words.gettext("That is your own account: another administrator does this, or `tocsin user`."))

    async def _act(self, request: web.Request, action: Callable[[Officer], Any]) -> Any:
        actor = visitor_of(request).actor
        return await self._console.service.act(lambda unit: action(Officer(unit, actor)))

    async def _do(
        self, request: web.Request, form: Mapping[str, str], action: Callable[[Officer], object], done: str
    ) -> web.Response:
        try:
            await self._act(request, action)
        except (Misuse, Refused) as error:
            return await self._page(request, error, form)
        return see_other(f"{ACCOUNTS}?done={done}")

    async def _with_password(
        self, request: web.Request, form: Mapping[str, str], action: Callable[[Officer, str], str]
    ) -> web.Response:
        password = accounts.first_password(token_bytes(accounts.FIRST_PASSWORD_BYTES))
        # Hashed before the transaction: Argon2id takes longer than anybody may hold the database.
        kept = await self._passwords.hash(password.reveal())
        try:
            name = await self._act(request, lambda officer: action(officer, kept))
        except (Misuse, Refused) as error:
            return await self._page(request, error, form)
        # Answered by the page itself and not by a redirect: the password is kept nowhere, so no second request could
        # show it.
        values = {"name": name, "secret": password.reveal(), "is_token": False}
        return self._console.frame.page(request, "shown_once.html", **values)

    async def _page(
        self, request: web.Request, error: TocsinError | None = None, form: Mapping[str, str] | None = None
    ) -> web.Response:
        found = await self._console.service.ask(_found)
        status = status_of(error) if error else HTTPStatus.OK
        values = {"error": error.reason if error else "", "form": form or {}, "done": request.query.get("done", "")}
        return self._console.frame.page(
            request,
            "accounts.html",
            status=status,
            roles=accounts.roles_of(self._console.frame.station),
            token_roles=accounts.token_roles_of(self._console.frame.station),
            **values,
            **found,
        )


def _found(unit: DeskUnit) -> Mapping[str, Any]:
    accounts = unit.accounts.accounts()
    return {
        "accounts": [(account, len(unit.accounts.passkeys(account.name))) for account in accounts],
        "tokens": unit.accounts.tokens(),
    }


def _role(form: Mapping[str, str]) -> Role:
    try:
        return Role(form.get("role", ""))
    except ValueError:
        raise Misuse(because("no_such_role", text=repr(form.get("role", "")), known=list(Role))) from None


def _audit_lines(unit: DeskUnit, before: int | None, subject: str | None, *, asked: bool) -> Mapping[str, Any]:
    height = unit.audit.height()
    # One more than is shown, to know if there are older ones.
    lines = list(unit.audit.newest(before=before, subject=subject, most=LINES + 1))
    verdict: Verified | Broken | None = None
    # Verifying reads the whole log, which takes a while for a long one.
    if asked or height <= VERIFIED_UNASKED:
        verdict = verify(unit.audit.all(), height, begun=bool(unit.accounts.accounts()))
    further: dict[str, object] = {"before": lines[LINES - 1].seq} if len(lines) > LINES else {}
    if subject:
        further["subject"] = subject
    whole = isinstance(verdict, Verified)
    return {
        "lines": lines[:LINES],
        "verdict": verdict,
        "whole": whole,
        "older": f"{RECORD}?{urlencode(further)}" if "before" in further else None,
        "height": height,
    }
