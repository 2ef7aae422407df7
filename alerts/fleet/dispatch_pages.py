"""The pages of one alert to several towns: written once, the towns chosen, previewed, sent, and the results.

    GET  /desk/compose              the form of an alert, as at a town's desk; its button continues
    GET  /desk/towns/{draft}        choosing the towns; POST makes a dispatch of it, which is previewed
    GET  /desk/dispatches/{id}      the expected result in each town; once it was sent, the real one
    POST /desk/dispatches/{id}/send sends it: pressed twice, it is sent once
    POST /desk/dispatches/{id}/end  ends it in its towns as over, cancelled or wrong; a dispatch of its own
    POST /desk/dispatches/{id}/retry tries those towns again that refused it

A dispatch never changes but for its results: going back to the form and changing a word makes another one. Of one
draft, one dispatch is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from alerts.desk.draft import draft_alert, lacking
from alerts.desk.officer import Officer
from alerts.desk.unit import DeskUnit
from alerts.fleet.dispatching import Dispatcher
from alerts.fleet.fleet import Fleet
from alerts.fleet.health import FleetHealth
from alerts.model.dispatch import Dispatch, DispatchAct, Outcome, TownOutcome
from alerts.model.errors import Misuse
from alerts.model.incident import new_id
from alerts.model.person import Act, Actor
from alerts.model.reason import because
from alerts.web.console.compose import Composer
from alerts.web.console.compose_view import Page, lacks_of, voice_of
from alerts.web.console.drafts import draft_of, gravity_of, other_order
from alerts.web.console.entering import see_other
from alerts.web.console.form import FormContext, read_form, several
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.rehearsal import WishRehearsal, place_of
from alerts.web.posted import must_exist, read_posted

SENT_SHOWN = 50
LONGEST_REASON = 2000
MOST_NAMED = 50
"""Towns that the audit log names; for more it gives their number, and the dispatch has them all."""
# Each preview stores a dispatch; unsent ones are deleted after a day.
UNSENT_KEPT = timedelta(days=1)


class FleetComposer(Composer):
    """The form of an alert, whose button leads to the choice of the towns."""

    async def _rehearse(self, _: Actor, page: Page, /) -> WishRehearsal:
        """Return the alert's omissions: its result is each town's to decide."""
        draft, station = page.reading.draft if page.reading else None, self._station
        if draft is None:
            return WishRehearsal()

        def action(unit: DeskUnit) -> WishRehearsal:
            prepared = unit.desk.renderer.prepared(draft.hazard, station.language) if draft.hazard else None
            order = other_order(page.fields, prepared, unit.now, station.zone)
            try:
                alert = draft_alert(draft, station, unit.now, unit.new_id())
            except Misuse as error:
                return WishRehearsal(refusal=error.reason, other_order=order)
            lacks = lacking(alert, station.name, unit.desk.says_what_to_do)
            return WishRehearsal(alert, lacks=tuple(lacks), other_order=order)

        return await self._service.preview(action)

    async def _publish(self, request: web.Request, page: Page, *, again: bool) -> web.StreamResponse:  # noqa: ARG002
        await self._read(request, page)
        voice = voice_of(self._console, request)
        page.problems |= lacks_of(page, voice)
        # By the kept draft the towns are chosen: one that couldn't be kept leads nowhere.
        if page.problems or page.rehearsal.refusal or page.kept_at is None:
            return await self._answer(request, page)
        return see_other(f"{BASE}/towns/{page.identity}")


class DispatchPages:
    """The pages behind the form. Whatever is posted here is checked against the operator's role as it is now."""

    def __init__(self, console: Console, fleet: Fleet, health: FleetHealth, dispatcher: Dispatcher) -> None:
        self.composer = FleetComposer(console)
        self._console = console
        self._service = console.service
        self._fleet = fleet
        self._health = health
        self._dispatcher = dispatcher

    def routes(self) -> list[web.RouteDef]:
        """Their addresses."""
        return [
            web.get("/towns/{draft}", self.choose),
            web.post("/towns/{draft}", self.look),
            web.get("/dispatches", self.all_sent),
            web.get("/dispatches/{id}", self.show),
            web.get("/fragments/dispatches/{id}", self.fragment),
            web.post("/dispatches/{id}/send", self.send),
            web.post("/dispatches/{id}/end", self.end),
            web.post("/dispatches/{id}/retry", self.retry),
            # What was sent stands where a town's desk has the alert: there the form leads at a second press.
            web.get("/alerts/{id}", self.in_its_place),
        ]

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """The towns, all that run or are known."""
        return await self._choosing(request, chosen=())

    async def look(self, request: web.Request) -> web.StreamResponse:
        """A dispatch of the draft to the towns that were ticked; nothing is sent yet."""
        form, actor, known = await read_posted(request), visitor_of(request).actor, self._fleet.members
        asked = list(known) if form.get("all") else [str(each) for each in form.getall("town", ())]
        # Of what a browser sends only towns that are there: one may be gone since the page was opened.
        chosen = [name for name in dict.fromkeys(asked) if name in known]
        if not chosen:
            return await self._choosing(request, chosen=(), nothing=True)

        def action(unit: DeskUnit) -> Dispatch:
            Officer(unit, actor).must(Act.POST)
            draft = draft_of(unit, actor, request.match_info["draft"])
            if draft is None:
                raise Misuse(because("draft_thrown_away"))
            # Pressed twice, or gone back to: it was sent already, and leads to what came of it.
            if (sent := unit.dispatches.of_draft(draft.id)) is not None:
                return sent
            # With each new one: what was looked at and never sent is of no use after a day.
            unit.dispatches.sweep(unit.now - UNSENT_KEPT)
            made = Dispatch(new_id(), actor.name, DispatchAct.POST, draft.fields, unit.now, draft=draft.id)
            unit.dispatches.put(made)
            unit.dispatches.put_towns(made.id, [TownOutcome(name) for name in chosen])
            return made

        return see_other(f"{BASE}/dispatches/{(await self._service.act(action)).id}")

    async def all_sent(self, request: web.Request) -> web.StreamResponse:
        """Show the sent dispatches, newest first."""
        sent = await self._service.ask(lambda unit: list(unit.dispatches.sent(SENT_SHOWN)))
        return self._console.frame.page(request, "dispatches.html", dispatches=sent)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the expected or the real results."""
        return await self._shown(request, "dispatch.html")

    async def fragment(self, request: web.Request) -> web.StreamResponse:
        """The part of it that changes."""
        return await self._shown(request, "dispatch_board.html")

    async def in_its_place(self, request: web.Request) -> web.StreamResponse:
        """Lead on."""
        return see_other(f"{BASE}/dispatches/{request.match_info['id']}")

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Send it, once."""
        actor = visitor_of(request).actor

        def action(unit: DeskUnit) -> str:
            officer = Officer(unit, actor)
            officer.must(Act.POST)
            found = _found(unit, request)
            # Of a draft that was looked at twice, the second press finds what the first one sent.
            sent = found if found.sent_at else unit.dispatches.of_draft(found.draft) if found.draft else None
            if sent is None:
                sent = _send(officer, found)
            return sent.id

        return await self._sent(action)

    async def end(self, request: web.Request) -> web.StreamResponse:
        """A dispatch that ends this one where it went out or waits. A second press finds the first's."""
        form, actor = await read_posted(request), visitor_of(request).actor
        how, reason = str(form.get("how", "")), " ".join(str(form.get("reason", ""))[:LONGEST_REASON].split())
        if how not in (DispatchAct.OVER, DispatchAct.CANCEL, DispatchAct.CORRECT):
            raise web.HTTPBadRequest

        def action(unit: DeskUnit) -> str:
            officer = Officer(unit, actor)
            officer.must(Act.CANCEL)
            about = _found(unit, request)
            # In a draft's place, so that a second press finds the first one's dispatch.
            key = f"{about.id}-{how}"
            if (sent := unit.dispatches.of_draft(key)) is not None:
                return sent.id
            # Where it was refused there is nothing to end.
            towns = [each.town for each in unit.dispatches.towns(about.id) if each.alert]
            fields = {"headline": about.headline, "reason": reason}
            made = Dispatch(new_id(), actor.name, DispatchAct(how), fields, unit.now, about=about.id, draft=key)
            unit.dispatches.put(made)
            unit.dispatches.put_towns(made.id, [TownOutcome(name) for name in towns])
            return _send(officer, made).id

        return await self._sent(action)

    async def retry(self, request: web.Request) -> web.StreamResponse:
        """Try the towns again that refused it."""
        actor = visitor_of(request).actor

        def action(unit: DeskUnit) -> str:
            Officer(unit, actor).must(Act.POST)
            found = _found(unit, request)
            if found.sent_at is not None:
                refused = [each for each in unit.dispatches.towns(found.id) if each.outcome is Outcome.REFUSED]
                # As if it had never been tried: what is pending is the dispatcher's to do.
                again = [TownOutcome(each.town) for each in refused]
                unit.dispatches.put_towns(found.id, again)
            return found.id

        return await self._sent(action)

    async def _sent(self, action: Callable[[DeskUnit], str]) -> web.Response:
        """Carry it out, have the dispatcher go on, and lead to the dispatch of the id that it returns."""
        identity = await self._service.act(action)
        self._dispatcher.ring()
        return see_other(f"{BASE}/dispatches/{identity}")

    async def _choosing(
        self, request: web.Request, *, chosen: tuple[str, ...], nothing: bool = False
    ) -> web.StreamResponse:
        actor, identity = visitor_of(request).actor, request.match_info["draft"]
        draft = must_exist(await self._service.ask(lambda unit: draft_of(unit, actor, identity)))
        if draft.alert_id is not None:
            return see_other(f"{BASE}/dispatches/{draft.alert_id}")
        towns = sorted(self._health.towns(), key=lambda each: each.station.casefold())
        values = {"draft": draft, "towns": towns, "chosen": chosen, "nothing": nothing}
        return self._console.frame.page(request, "dispatch_towns.html", status=422 if nothing else 200, **values)

    async def _shown(self, request: web.Request, page: str) -> web.Response:
        def question(unit: DeskUnit) -> tuple[Dispatch, list[TownOutcome]]:
            found = _found(unit, request)
            return found, list(unit.dispatches.towns(found.id))

        dispatch, towns = await self._service.ask(question)
        if dispatch.sent_at is None:
            foreseen = await self._dispatcher.foreseen(dispatch, towns)
            towns = [foreseen.get(each.town, each) for each in towns]
        return self._console.frame.page(request, page, **self._values(request, dispatch, towns))

    def _values(self, request: web.Request, dispatch: Dispatch, towns: list[TownOutcome]) -> dict[str, Any]:
        counts = Counter(each.outcome for each in towns)
        order = [Outcome.REFUSED, Outcome.PENDING, Outcome.WAITING, Outcome.OUT]
        named = {each.name: each for each in self._health.towns()}
        return {
            "dispatch": dispatch,
            "towns": sorted(towns, key=lambda each: (order.index(each.outcome), each.town)),
            "counts": {str(each): counts[each] for each in Outcome},
            "named": named,
            "gets": counts[Outcome.OUT] + counts[Outcome.WAITING],
            "severity": gravity_of(dispatch.fields),
            "exercise": bool(dispatch.fields.get("exercise")),
            "said": self._said(request, dispatch),
        }

    def _said(self, request: web.Request, dispatch: Dispatch) -> dict[str, str]:
        """Where (empty: everywhere) and until when, in words, as the form says it now."""
        voice, town = voice_of(self._console, request), self._console.frame.station
        if dispatch.act is not DispatchAct.POST:
            return {}
        at = dispatch.sent_at or self._service.now()
        ground = FormContext(town, at, self._service.picture)
        draft = read_form(dispatch.fields, ground, voice.words.gettext, voice.why).draft
        if draft is None:
            return {}
        alert = draft_alert(draft, town, at, "0")
        whole = not any((draft.place, draft.polygons, draft.circles)) or "all" in several(dispatch.fields, "area")
        place = "" if whole else place_of(alert, voice)
        return {"place": place, "until": voice.time(alert.ends), "instruction": alert.infos[0].instruction or ""}


def _found(unit: DeskUnit, request: web.Request) -> Dispatch:
    return must_exist(unit.dispatches.dispatch(request.match_info["id"]))


def _send(officer: Officer, dispatch: Dispatch) -> Dispatch:
    """Mark it as to be sent: the audit log records it, and its draft is used up."""
    unit = officer.unit
    sent = replace(dispatch, author=officer.actor.name, sent_at=unit.now)
    unit.dispatches.put(sent)
    if dispatch.draft and (draft := unit.drafts.draft(dispatch.draft)) is not None:
        unit.drafts.put_draft(replace(draft, alert_id=sent.id, updated_at=unit.now))
    names = [each.town for each in unit.dispatches.towns(sent.id)]
    towns_named = ", ".join(names) if len(names) <= MOST_NAMED else f"{len(names)} towns"
    act = {DispatchAct.POST: Act.POST, DispatchAct.CORRECT: Act.CORRECT}.get(sent.act, Act.CANCEL)
    officer.write(act, sent.id, f"{sent.headline} [{towns_named}]")
    return sent
