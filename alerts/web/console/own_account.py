"""One's own account: language, password, second factors, sign-ins, and its history.

    GET  /account               all of it
    POST /account/...           an address for each act; a change of credentials asks for the password again
    POST /language              the switch on every page, for every reader, signed in or not

A refusal of the gate is shown on the page, next to the request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from alerts.access.audit import AuditEvent
from alerts.access.factors import enrolment
from alerts.access.sessions import Enrolment, Entered, Refusal, SignInRefused, offer_code
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.model.person import Act, Stage, fold_name
from alerts.model.subscriber import Linked, PushEndpoint, Subscriber
from alerts.model.town import PUSH, Secret
from alerts.web.console.arrival import ARRIVAL, Arrival
from alerts.web.console.entering import (
    SIGN_IN,
    fields_of,
    options,
    prove,
    read_answer,
    see_other,
    shown,
    status_of,
    tell_when,
)
from alerts.web.console.error_pages import HOME, safe_next
from alerts.web.console.frame import BASE, VISITOR, Console, visitor_of
from alerts.web.console.words import languages

ACCOUNT = f"{BASE}/account"
COOKIE = "language"
_YEAR = 365 * 86400
_LINES = 15


def routes(console: Console) -> list[web.RouteDef]:
    """The page, and an address for each thing one does there."""
    own = OwnAccount(console)
    return [
        web.post("/language", own.switch_language),
        web.get("/account", own.show),
        web.post("/account/language", own.choose_language),
        web.post("/account/password", own.change_password),
        web.get("/account/code", own.begin_code),
        web.post("/account/code", own.confirm_code),
        web.post("/account/code/remove", own.drop_code),
        web.post("/account/passkey/options", own.ask_passkey),
        web.post("/account/passkey", own.keep_passkey),
        web.post("/account/passkey/remove", own.drop_passkey),
        web.post("/account/changes/read", own.acknowledge),
        web.post("/account/telegram", own.offer_chat),
        web.post("/account/telegram/remove", own.drop_chats),
        web.post("/account/push", own.link_device),
        web.post("/account/sessions/end", own.end_session),
        web.post("/account/sessions/end-all", own.end_all),
    ]


class OwnAccount:
    """The page, and each deed, which ends on it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._gate = console.gate

    async def show(self, request: web.Request) -> web.Response:
        """All of it."""
        return await self._page(request)

    async def switch_language(self, request: web.Request) -> web.StreamResponse:
        """The language of this browser alone."""
        form = await fields_of(request)
        response = see_other(_back(form.get("next", HOME)))
        _choose_language(request[ARRIVAL], response, form.get("language"))
        return response

    async def choose_language(self, request: web.Request) -> web.StreamResponse:
        """The language of this account, in every browser."""
        wanted, visitor = (await fields_of(request)).get("language", ""), visitor_of(request)
        chosen = wanted if wanted in languages() else None

        def keep(unit: DeskUnit) -> None:
            account = unit.accounts.account(visitor.account.name)
            # A second press changes nothing, and so writes no second line into the audit log.
            if account is not None and account.language != chosen:
                unit.accounts.put_account(replace(account, language=chosen))
                Officer(unit, visitor.actor).write(AuditEvent.LANGUAGE_CHANGED, account.name, chosen or "the browser's")

        await self._console.service.act(keep)
        response = see_other(f"{ACCOUNT}?done=language")
        _choose_language(request[ARRIVAL], response, chosen)
        return response

    async def change_password(self, request: web.Request) -> web.StreamResponse:
        """A new one; everywhere else one is signed out."""
        form, arrival = await fields_of(request), request[ARRIVAL]
        new = form.get("new_password", "")
        if new != form.get("new_password_again", ""):
            return await self._page(request, status=HTTPStatus.BAD_REQUEST, differ=True)
        cookie, visit = arrival.cookie_of(request), arrival.visit(request)
        answer = await self._gate.change_password(cookie, form.get("old_password", ""), new, visit)
        return await self._answered(request, answer, "password")

    async def begin_code(self, request: web.Request) -> web.Response:
        """Asks for the password first: what an app needs is shown to nobody who only found a browser open."""
        asked = await prove(self._console, request, {})
        assert isinstance(asked, web.Response)  # noqa: S101 there was no password
        return asked

    async def confirm_code(self, request: web.Request) -> web.StreamResponse:
        """With the password, the picture to scan; with what that page sends, codes are set up, or are another app's."""
        form, cookie = await fields_of(request), request[ARRIVAL].cookie_of(request)
        if "seed" not in form:
            if isinstance(asked := await prove(self._console, request, form), web.Response):
                return asked
            begun = await self._gate.begin_code(cookie, asked)
            return see_other(SIGN_IN) if isinstance(begun, SignInRefused) else self._code_page(request, begun)
        answer = await self._gate.confirm_code(cookie, form.get("code", ""), form["seed"])
        # A slip while typing the code costs no new seed: the app has this one by now.
        if isinstance(answer, SignInRefused) and answer.reason is Refusal.CODE:
            issuer, name = self._console.frame.station.name, visitor_of(request).account.name
            return self._code_page(request, enrolment(Secret(form["seed"]), name, issuer), answer)
        return await self._answered(request, answer, "code")

    async def drop_code(self, request: web.Request) -> web.StreamResponse:
        """Without codes from now on."""
        if isinstance(asked := await prove(self._console, request, await fields_of(request)), web.Response):
            return asked
        return await self._answered(request, await self._gate.drop_code(self._cookie(request), asked), "removed")

    async def ask_passkey(self, request: web.Request) -> web.Response:
        """Return the script's request to a new passkey."""
        # This changes nothing yet, so it asks for no password: to keep the passkey does.
        site = request[ARRIVAL].site(request)
        return options(await self._gate.begin_enrol_passkey(self._cookie(request), site, Stage.FULL))

    async def keep_passkey(self, request: web.Request) -> web.StreamResponse:
        """One more passkey."""
        form, site = await fields_of(request), request[ARRIVAL].site(request)
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked
        label, cookie = form.get("label", ""), self._cookie(request)
        answer = await self._gate.finish_enrol_passkey(cookie, read_answer(form), label, site, asked)
        return await self._answered(request, answer, "passkey")

    async def drop_passkey(self, request: web.Request) -> web.StreamResponse:
        """Without this passkey from now on."""
        form = await fields_of(request)
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked
        answer = await self._gate.drop_passkey(self._cookie(request), form.get("passkey", ""), asked)
        return await self._answered(request, answer, "removed")

    async def acknowledge(self, request: web.Request) -> web.StreamResponse:
        """Acknowledge changes made elsewhere; only for this browser if it may be the one that made them."""
        visit = request[ARRIVAL].visit(request)
        answer, is_known = await self._gate.acknowledge(self._cookie(request), visit)
        return await self._answered(request, answer, "" if is_known else "still-told")

    async def offer_chat(self, request: web.Request) -> web.Response:
        """A code that links a private chat with the bot; it is shown here, once. Who links a chat may decide in it."""
        if isinstance(asked := await prove(self._console, request, await fields_of(request)), web.Response):
            return asked
        name = visitor_of(request).account.name
        code = await self._console.service.act(lambda unit: offer_code(unit, name))
        return await self._page(request, link_code=code)

    async def link_device(self, request: web.Request) -> web.StreamResponse:
        """Send this browser notices of waiting alerts, after the password; its script fills in its endpoint."""
        form, push, visitor = await fields_of(request), self._console.push, visitor_of(request)
        endpoint = PushEndpoint(form.get("endpoint", ""), form.get("p256dh", ""), form.get("auth", ""))
        is_one = push is not None and push.is_known(endpoint.url) and push.is_readable(endpoint.p256dh, endpoint.auth)
        if not is_one or not visitor.actor.may(Act.APPROVE):
            return see_other(f"{ACCOUNT}?done=no-device")
        if isinstance(asked := await prove(self._console, request, form), web.Response):
            return asked

        def link(unit: DeskUnit) -> None:
            known = unit.subscribers.get(PUSH, endpoint.number)
            unit.officer_chats.link(Linked(PUSH, endpoint.number, visitor.account.name))
            if known is None or not known.on:
                # It gets the notices to officers, and no alerts unless it subscribes.
                language = visitor.account.language or self._console.frame.station.language[:2]
                unit.subscribers.put(PUSH, Subscriber(endpoint.number, language, on=False, endpoint=endpoint))
            Officer(unit, visitor.actor).write(AuditEvent.CHAT_LINKED, visitor.account.name)

        await self._console.service.act(link)
        return await self._answered(request, await self._gate.renew(self._cookie(request)), "device")

    async def drop_chats(self, request: web.Request) -> web.StreamResponse:
        """Unlink all chats of this account, after the password; its owner is notified there of the change."""
        if isinstance(asked := await prove(self._console, request, await fields_of(request)), web.Response):
            return asked
        visitor = visitor_of(request)

        def drop(unit: DeskUnit) -> None:
            for each in unit.officer_chats.of(visitor.account.name):
                unit.officer_chats.unlink(each.channel, each.chat)
                Officer(unit, visitor.actor).write(AuditEvent.CHAT_UNLINKED, visitor.account.name)

        await self._console.service.act(drop)
        return await self._answered(request, await self._gate.renew(self._cookie(request)), "removed")

    async def end_session(self, request: web.Request) -> web.StreamResponse:
        """Sign out another browser of one's own."""
        digest, visitor = (await fields_of(request)).get("session", ""), visitor_of(request)

        def end(unit: DeskUnit) -> None:
            session = unit.accounts.session(digest)
            # The digest comes from the form: without this look anybody could be signed out with it.
            if session is not None and fold_name(session.account) == fold_name(visitor.account.name):
                unit.accounts.drop_session(digest)
                Officer(unit, visitor.actor).write(AuditEvent.SIGNED_OUT, visitor.account.name, session.agent)

        await self._console.service.act(end)
        return see_other(f"{ACCOUNT}?done=session")

    async def end_all(self, request: web.Request) -> web.StreamResponse:
        """Sign out everywhere, here too."""
        arrival = request[ARRIVAL]
        await self._gate.sign_out_everywhere(arrival.cookie_of(request))
        response = see_other(SIGN_IN)
        arrival.forget(response)
        return response

    async def _answered(self, request: web.Request, answer: Entered | SignInRefused, done: str) -> web.Response:
        if isinstance(answer, SignInRefused):
            return await self._page(request, answer)
        response = see_other(f"{ACCOUNT}?done={done}" if done else ACCOUNT)
        request[VISITOR] = answer.visitor
        request[ARRIVAL].remember(response, answer)
        return response

    def _code_page(self, request: web.Request, begun: Enrolment, refusal: SignInRefused | None = None) -> web.Response:
        values = {"enrolment": shown(begun), "seed": begun.seed.reveal(), "held": refusal}
        return self._console.frame.page(request, "own_code.html", status=status_of(refusal), **values)

    @staticmethod
    def _cookie(request: web.Request) -> str:
        return request[ARRIVAL].cookie_of(request)

    async def _page(
        self,
        request: web.Request,
        refusal: SignInRefused | None = None,
        *,
        status: int | None = None,
        differ: bool = False,
        link_code: str = "",
    ) -> web.Response:
        visitor = visitor_of(request)
        bots = list(self._console.frame.station.bots) if visitor.actor.may(Act.APPROVE) else []
        found = await self._console.service.ask(lambda unit: _found(unit, visitor.account.name, bots))
        values = {
            "link_code": link_code,
            "held": refusal,
            "differ": differ,
            "next": "",
            "carried": "",
            "done": request.query.get("done", ""),
            "pushes": self._console.push is not None and visitor.actor.may(Act.APPROVE),
            **found,
        }
        page = self._console.frame.page(request, "own_account.html", status=status or status_of(refusal), **values)
        return tell_when(page, refusal, self._console.service.now())


def _found(unit: DeskUnit, name: str, bots: Sequence[str]) -> Mapping[str, object]:
    live = [session for session in unit.accounts.sessions(name) if session.expires_at > unit.now]
    return {
        "account": unit.accounts.account(name),
        "passkeys": unit.accounts.passkeys(name),
        "sessions": live,
        "bots": [unit.views.fact(bot, "bot") or bot for bot in bots],
        "chats": len(unit.officer_chats.of(name)),
        "lines": unit.audit.newest(subject=name, most=_LINES),
    }


def _choose_language(arrival: Arrival, response: web.StreamResponse, language: str | None) -> None:
    """Keep it in the browser; None: what the browser asks for."""
    if language in languages():
        arrival.set_cookie(response, COOKIE, language or "", _YEAR)
    elif language is None:
        arrival.set_cookie(response, COOKIE, "", 0)


def _back(wanted: str) -> str:
    """To the page one was on; also to one of the way in, that nobody is led to from elsewhere."""
    path, _, query = wanted.partition("?")
    if path in (SIGN_IN, f"{SIGN_IN}/code", f"{SIGN_IN}/password", f"{SIGN_IN}/second-factor"):
        onward = query.removeprefix("next=") if query.startswith("next=") else ""
        clean = all(c.isalnum() or c in "%._~-/" for c in onward)
        return f"{path}?next={onward}" if onward and clean else path
    return safe_next(wanted)
