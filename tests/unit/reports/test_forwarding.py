"""Handing reports on: written down before it is sent, never twice by itself, looked for where the answer is lost."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.channels.open311 import Open311
from alerts.delivery.jobs import REST, JobLane
from alerts.delivery.lease import LeaseKeeper, Leases
from alerts.delivery.share import LeaseGroup
from alerts.desk.officer import Officer
from alerts.model.events import PostsStored, ReportsChanged
from alerts.model.person import Actor, Origin, Role
from alerts.model.reports import ForwardState, ReportForward
from alerts.reports.forgetting import erased
from alerts.reports.forwarding import ForwardStatuses, HandoverJobs, forward_again, forward_lease
from alerts.reports.report_acts import AcceptReport
from tests.fakes import begun
from tests.unit.acting import by

ANNE = Actor("Anne", Role.AUTHOR, Origin.CONSOLE)


class Agglo:
    """A server of the standard: `says` is what it answers to the next POST, `made` what it has."""

    def __init__(self):
        self.made, self.says, self.loses = [], (200, None), False

    async def post(self, request):
        form = await request.post()
        status, body = self.says
        if status == 200 or self.loses:
            self.made.append({**form, "service_request_id": str(len(self.made) + 1), "status": "open"})
        if body is None and status == 200:
            body = json.dumps([{"service_request_id": self.made[-1]["service_request_id"]}])
        return web.Response(status=status, text=body or "a gateway's page")

    async def get(self, request):
        ids = request.query.get("service_request_id")
        return web.json_response(
            [one for one in self.made if ids is None or one["service_request_id"] in ids.split(",")]
        )


@pytest.fixture
async def agglo(reports):
    server = Agglo()
    app = web.Application()
    app.router.add_post("/v2/requests.json", server.post)
    app.router.add_get("/v2/requests.json", server.get)
    async with TestServer(app) as running, aiohttp.ClientSession() as session:
        forward = ReportForward("agglo", str(running.make_url("/v2")), {"flooding": "FLOOD"})
        town = reports.town
        object.__setattr__(town, "reports", replace(town.reports, forward={"agglo": forward}))

        async def anywhere(_):
            return None

        remote = Open311(forward, None, session=session, clock=reports.clock, folder=town.folder, addresses=anywhere)
        keeper = LeaseKeeper(
            Leases(reports.database), reports.clock, "us", [LeaseGroup("forward", (forward_lease("agglo"),))]
        )
        kind = HandoverJobs(forward, remote, town, reports.service)
        server.jobs = JobLane(kind, reports.service, keeper, reports.clock, reports.events)
        server.statuses = ForwardStatuses(forward, remote, reports.service, keeper)
        server.keeper, server.remote = keeper, remote
        yield server


class Resting:
    """The town's clock, and whether somebody rests by it."""

    def __init__(self, clock):
        self._clock, self.rests = clock, asyncio.Event()
        self.now, self.monotonic = clock.now, clock.monotonic

    async def sleep(self, seconds):
        self.rests.set()
        await self._clock.sleep(seconds)

    async def rest(self):
        """Until whoever goes by it has nothing more to do."""
        await asyncio.wait_for(self.rests.wait(), 60)
        self.rests.clear()


async def go_round(agglo):
    await agglo.keeper._renew()
    lease = agglo.keeper.lease_of(forward_lease("agglo"))
    await agglo.jobs.go_round(lease)
    await agglo.statuses.ask_after(lease)


@pytest.fixture
async def running(reports, agglo):
    """The forwarder at work for ever, as in a daemon."""
    agglo.resting = Resting(reports.clock)
    await agglo.keeper._renew()
    task = begun(agglo.resting, agglo.jobs.work)
    await agglo.resting.rest()
    yield agglo
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def accepted(reports):
    taken = await reports.report(text="De l’eau")
    await reports.service.act(by(ANNE, AcceptReport, taken.report.number))
    return taken.report


async def standing(reports, report):
    [found] = await reports.ask(lambda unit: unit.reports.forwardings(report.id))
    return found


async def test_what_is_accepted_is_handed_on_once_and_asked_after(reports, agglo):
    await reports.report()
    report = await accepted(reports)
    await go_round(agglo)
    await go_round(agglo)
    [made] = agglo.made
    assert (made["service_code"], made["lat"], made["long"]) == ("FLOOD", "45.190000", "5.710000")
    assert made["description"].startswith("De l’eau")
    assert report.number in made["description"]
    assert set(made) <= {"service_code", "lat", "long", "description", "service_request_id", "status"}
    assert (await standing(reports, report)).remote_id == "1"
    made |= {"status": "closed", "status_notes": "Réparé"}
    await reports.clock.advance(360)
    await go_round(agglo)
    told = await standing(reports, report)
    assert (told.state, told.remote_state, told.said, told.next_try) == ("sent", "closed", "Réparé", None)


async def test_one_that_was_made_though_the_answer_was_an_error_is_found_and_not_repeated(reports, agglo):
    report = await accepted(reports)
    agglo.says, agglo.loses = (500, None), True
    await go_round(agglo)
    assert (await standing(reports, report)).state is ForwardState.IN_DOUBT
    await reports.clock.advance(11)
    await go_round(agglo)
    assert ((await standing(reports, report)).state, len(agglo.made)) == (ForwardState.SENT, 1)


async def test_what_is_found_nowhere_waits_for_an_officer(reports, agglo):
    report = await accepted(reports)
    agglo.says = (500, None)
    for _ in range(6):
        await go_round(agglo)
        await reports.clock.advance(660)
    told = await standing(reports, report)
    assert (told.state, told.next_try, told.reason.code) == (ForwardState.IN_DOUBT, None, "forward_not_found")
    agglo.says = (200, None)
    await reports.service.act(lambda unit: forward_again(Officer(unit, ANNE), report))
    await go_round(agglo)
    assert (await standing(reports, report)).state is ForwardState.SENT


@pytest.mark.parametrize(
    ("says", "state", "code"),
    [
        ((403, None), ForwardState.WAITING, "forward_key_refused"),
        ((429, None), ForwardState.WAITING, "receiver_asks_to_wait"),
        ((400, '[{"code":400,"description":"no"}]'), ForwardState.FAILED, "receiver_refuses_saying"),
        ((200, "not json"), ForwardState.IN_DOUBT, "may_be_out"),
    ],
)
async def test_what_an_answer_means(reports, agglo, says, state, code):
    report = await accepted(reports)
    agglo.says = says
    await go_round(agglo)
    told = await standing(reports, report)
    assert (told.state, told.reason.code) == (state, code)


@pytest.mark.parametrize("amid", ["hand_over", "statuses"])
async def test_what_is_erased_while_the_server_answers_leaves_no_way_to_it(reports, agglo, monkeypatch, amid):
    report = await accepted(reports)
    asked = getattr(agglo.remote, amid)

    async def meanwhile(told):
        answer = await asked(told)
        await reports.service.act(lambda unit: erased(unit, unit.reports.by_id(report.id)))
        return answer

    monkeypatch.setattr(agglo.remote, amid, meanwhile)
    await go_round(agglo)
    if amid == "statuses":
        await reports.clock.advance(360)
        agglo.made[0] |= {"status": "closed", "status_notes": "Réparé"}
        await go_round(agglo)
    told = await standing(reports, report)
    assert (told.state, told.remote_id, told.said) == (ForwardState.SENT, None, None)


async def test_what_a_dead_daemon_had_begun_is_in_doubt(reports, agglo):
    report = await accepted(reports)
    begun = replace(
        await standing(reports, report),
        state=ForwardState.SENDING,
        at=reports.clock.now(),
        next_try=reports.clock.now(),
    )
    await reports.service.act(lambda unit: unit.reports.put_forwarding(begun))
    await go_round(agglo)
    assert (await standing(reports, report)).reason.code == "forward_cut_off"
    assert agglo.made == []


async def sent(reports, running, report):
    """Until it is handed on."""
    while (await standing(reports, report)).state is not ForwardState.SENT:
        await reports.clock.advance(REST)


async def test_it_goes_on_for_ever_and_hears_of_what_was_accepted(reports, running):
    report = await accepted(reports)
    reports.events.publish(ReportsChanged((report.number,)))
    await sent(reports, running, report)
    other = await accepted(reports)
    reports.events.publish(PostsStored(elsewhere=True))
    await sent(reports, running, other)
    assert len(running.made) == 2


async def test_a_failure_of_its_own_ends_nothing(reports, running):
    async def fail(_):
        running.remote.hand_over = hand_over
        raise RuntimeError("nobody foresaw it")

    hand_over, running.remote.hand_over = running.remote.hand_over, fail
    report = await accepted(reports)
    reports.events.publish(ReportsChanged())
    while running.remote.hand_over is fail:
        await reports.clock.advance(REST)
    other = await accepted(reports)
    await sent(reports, running, other)
    # It had been begun, so it may be there.
    assert (await standing(reports, report)).state is ForwardState.IN_DOUBT
