"""The way in: name and password, second factor, a password of one's own, a second factor to be set up; and out.

Or a passkey alone, which takes the place of the first two.

Every step answers with the page that is due then. What was typed before (`carried`) goes along in the page, and where
the sign-in ends is given back: as a draft, or as a page that asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from alerts.access.sessions import Entered, Refusal, SignInRefused, Visitor
from alerts.model.person import Stage
from alerts.web.console.arrival import ARRIVAL
from alerts.web.console.entering import (
    DUE,
    SIGN_IN,
    fields_of,
    next_of,
    options,
    read_answer,
    see_other,
    shown,
    status_of,
    tell_when,
    with_next,
)
from alerts.web.console.error_pages import Carried, another_author, back_at, keep_for, please_confirm, unpacked
from alerts.web.console.frame import CHANGED, VISITOR, Console

Fields = Mapping[str, str]
_PAGES = {
    Stage.PASSWORD: "sign_in_code.html",
    Stage.NEW_PASSWORD: "sign_in_password.html",
    Stage.ENROL: "sign_in_enrol.html",
}


def routes(console: Console) -> list[web.RouteDef]:
    """The steps, each an address; what isn't due leads to what is."""
    steps = SignIn(console)
    enrol, at = "/sign-in/second-factor", steps.at
    return [
        web.get("/sign-in", steps.begin),
        web.post("/sign-in", steps.by_password),
        web.post("/sign-in/alone/passkey/options", steps.ask_any_passkey),
        web.post("/sign-in/alone/passkey", steps.by_passkey_alone),
        web.get("/sign-in/code", steps.show),
        web.post("/sign-in/code", at(Stage.PASSWORD, steps.by_code)),
        web.post("/sign-in/passkey/options", at(Stage.PASSWORD, steps.ask_passkey)),
        web.post("/sign-in/passkey", at(Stage.PASSWORD, steps.by_passkey)),
        web.get("/sign-in/password", steps.show),
        web.post("/sign-in/password", at(Stage.NEW_PASSWORD, steps.choose_password)),
        web.get(enrol, steps.show),
        web.post(enrol, at(Stage.ENROL, steps.confirm_code)),
        web.post(f"{enrol}/passkey/options", at(Stage.ENROL, steps.ask_new_passkey)),
        web.post(f"{enrol}/passkey", at(Stage.ENROL, steps.keep_passkey)),
        web.post("/sign-out", steps.leave),
    ]


class SignIn:
    """The pages of the way in."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._gate = console.gate

    @staticmethod
    def at(stage: Stage, step: Handler) -> Handler:
        """The step, for a sign-in that is at this stage alone; any other is led to what is due, and nothing is done."""

        async def only(request: web.Request) -> web.StreamResponse:
            visitor = request.get(VISITOR)
            # Who is in already proves themselves by password (docs/adr/0010): else a stolen session could set a code or
            # a passkey here.
            if visitor is None or visitor.session.stage is stage:
                return await step(request)
            # A script asks here: it shows a reason, and can't be led to a page.
            if request.path.endswith("/options"):
                return options(SignInRefused(Refusal.OVER))
            return see_other(with_next(DUE[visitor.session.stage], next_of(await fields_of(request))))

        return only

    async def begin(self, request: web.Request) -> web.Response:
        """Name and password; who is on the way or in already is led on."""
        if (visitor := request.get(VISITOR)) is not None:
            raise web.HTTPSeeOther(with_next(DUE[visitor.session.stage], next_of(request.query)))
        # Before there is any account no password can be right: the page then tells how to make one.
        there = await self._console.service.ask(lambda unit: bool(unit.accounts.accounts()))
        return self._first(request, request.query, nobody=not there)

    async def by_password(self, request: web.Request) -> web.StreamResponse:
        """The first step."""
        form = await fields_of(request)
        arrival = request[ARRIVAL]
        answer = await self._gate.sign_in(form.get("name", ""), form.get("password", ""), arrival.visit(request))
        return await self._answered(request, answer, form)

    async def ask_any_passkey(self, request: web.Request) -> web.Response:
        """Return the script's request to any passkey that its owner picks; the same for everybody, and not stored."""
        return options(await self._gate.ask_any_passkey(request[ARRIVAL].site(request)))

    async def by_passkey_alone(self, request: web.Request) -> web.StreamResponse:
        """All steps at once: a passkey that verified who holds it."""
        form, arrival = await fields_of(request), request[ARRIVAL]
        answer = await self._gate.sign_in_by_passkey(read_answer(form), arrival.site(request), arrival.visit(request))
        return await self._answered(request, answer, form)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The page of a step, where it is the one that is due."""
        visitor = request.get(VISITOR)
        due = DUE[visitor.session.stage] if visitor else SIGN_IN
        if visitor is None or due != request.path:
            raise web.HTTPSeeOther(with_next(due, next_of(request.query)))
        return await self._page(request, visitor, request.query)

    async def by_code(self, request: web.Request) -> web.StreamResponse:
        """The second factor: a code."""
        form, arrival = await fields_of(request), request[ARRIVAL]
        cookie, visit = arrival.cookie_of(request), arrival.visit(request)
        return await self._answered(request, await self._gate.prove_by_code(cookie, form.get("code", ""), visit), form)

    async def ask_passkey(self, request: web.Request) -> web.Response:
        """Return the script's request to the passkey."""
        arrival = request[ARRIVAL]
        return options(await self._gate.begin_passkey(arrival.cookie_of(request), arrival.site(request)))

    async def by_passkey(self, request: web.Request) -> web.StreamResponse:
        """The second factor: a passkey."""
        form, arrival = await fields_of(request), request[ARRIVAL]
        cookie, visit, site = arrival.cookie_of(request), arrival.visit(request), arrival.site(request)
        answer = await self._gate.prove_by_passkey(cookie, read_answer(form), site, visit)
        return await self._answered(request, answer, form)

    async def choose_password(self, request: web.Request) -> web.StreamResponse:
        """A password of one's own in place of the first."""
        form, arrival = await fields_of(request), request[ARRIVAL]
        cookie, new = arrival.cookie_of(request), form.get("new_password", "")
        visitor = request.get(VISITOR)
        if visitor is not None and new != form.get("new_password_again", ""):
            return await self._page(request, visitor, form, differ=True)
        answer = await self._gate.change_password(cookie, None, new, arrival.visit(request))
        return await self._answered(request, answer, form)

    async def confirm_code(self, request: web.Request) -> web.StreamResponse:
        """One-time codes are set up."""
        form, cookie = await fields_of(request), request[ARRIVAL].cookie_of(request)
        return await self._answered(request, await self._gate.confirm_code(cookie, form.get("code", "")), form)

    async def ask_new_passkey(self, request: web.Request) -> web.Response:
        """Return the script's request to a new passkey."""
        arrival = request[ARRIVAL]
        return options(await self._gate.begin_enrol_passkey(arrival.cookie_of(request), arrival.site(request)))

    async def keep_passkey(self, request: web.Request) -> web.StreamResponse:
        """A passkey is set up."""
        form, arrival = await fields_of(request), request[ARRIVAL]
        cookie, label = arrival.cookie_of(request), form.get("label", "")
        answer = await self._gate.finish_enrol_passkey(cookie, read_answer(form), label, arrival.site(request))
        return await self._answered(request, answer, form)

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """Sign out."""
        arrival = request[ARRIVAL]
        await self._gate.sign_out(arrival.cookie_of(request))
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": SIGN_IN})
        arrival.forget(response)
        return response

    async def _answered(self, request: web.Request, answer: Entered | SignInRefused, form: Fields) -> web.Response:
        if isinstance(answer, SignInRefused):
            return await self._again(request, form, answer)
        # The page that answers is made for who has just come in, not for who asked.
        request[VISITOR], request[CHANGED] = answer.visitor, answer.changes
        response = await self._onward(request, answer, form)
        request[ARRIVAL].remember(response, answer)
        return response

    async def _again(self, request: web.Request, form: Fields, refusal: SignInRefused) -> web.Response:
        visitor = request.get(VISITOR)
        if visitor is None or refusal.reason is Refusal.OVER:
            return self._first(request, form, refusal)
        return await self._page(request, visitor, form, refusal)

    async def _onward(self, request: web.Request, entered: Entered, form: Fields) -> web.Response:
        stage, carried = entered.visitor.session.stage, unpacked(form.get("carried", ""))
        if stage is Stage.FULL:
            return await self._arrive(request, entered, next_of(form), carried)
        if carried is None:
            return see_other(with_next(DUE[stage], next_of(form)))
        return await self._page(request, entered.visitor, form)

    async def _arrive(
        self, request: web.Request, entered: Entered, onward: str, carried: Carried | None
    ) -> web.Response:
        """Complete the sign-in. Failed attempts since the last one, and changes of the account, are shown now, once."""
        frame, visitor = self._console.frame, entered.visitor
        if carried is not None:
            # What was typed belongs to who typed it, also where another person signs in on that browser
            # (docs/adr/0004).
            if author := await another_author(self._console, visitor, carried):
                return await keep_for(self._console, request, carried, author, failures=entered.failures)
            back = await back_at(self._console, carried, visitor.account.name)
            if back is None:
                # A form that decides something is never sent by the sign-in itself: a person presses its button again.
                return please_confirm(frame, request, carried, failures=entered.failures)
            onward = back
        if entered.failures is None and not entered.changes:
            return see_other(onward)
        return frame.page(request, "signed_in.html", onward=onward, failures=entered.failures)

    def _first(
        self, request: web.Request, form: Fields, refusal: SignInRefused | None = None, *, nobody: bool = False
    ) -> web.Response:
        name = form.get("name", "")
        return self._made(request, "sign_in.html", form, refusal, name=name, ended=False, nobody=nobody)

    async def _page(
        self,
        request: web.Request,
        visitor: Visitor,
        form: Fields,
        refusal: SignInRefused | None = None,
        **values: object,
    ) -> web.Response:
        """The page of the visitor's stage."""
        name, stage = visitor.account.name, visitor.session.stage
        if stage is Stage.PASSWORD:
            values["passkeys"] = await self._console.service.ask(lambda unit: len(unit.accounts.passkeys(name)))
        if stage is Stage.ENROL:
            enrolment = await self._gate.begin_code(request[ARRIVAL].cookie_of(request))
            values["enrolment"] = None if isinstance(enrolment, SignInRefused) else shown(enrolment)
        return self._made(request, _PAGES[stage], form, refusal, **values)

    def _made(
        self, request: web.Request, page: str, form: Fields, refusal: SignInRefused | None, **values: object
    ) -> web.Response:
        values |= {"held": refusal, "next": next_of(form), "carried": form.get("carried", "")}
        made = self._console.frame.page(request, page, status=status_of(refusal), **values)
        return tell_when(made, refusal, self._console.service.now())
