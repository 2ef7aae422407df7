"""What is decided about an alert that is there: let it go out, keep it back, send it again, give it up."""

from __future__ import annotations

from collections.abc import Callable

from alerts.desk.approve import find_posts
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.incident import StoredAlert
from alerts.model.reason import because
from alerts.web.api.alerts import account, must_be_as_seen, named
from alerts.web.api.once import once
from alerts.web.api.operation import Answer, Api, Call, json_answer
from alerts.web.api.problems import Kind, Problem
from alerts.web.api.wishes import ApproveWish, RejectWish

Decision = Callable[[Officer, StoredAlert], str]


async def approve_alert(api: Api, call: Call) -> Answer:
    """Let exactly these texts go out: an alert's own id names them, and they never change."""
    wish = call.wishing(ApproveWish)

    def decision(officer: Officer, record: StoredAlert) -> str:
        return officer.approve(record.id, seen=wish.seen, again=wish.again)[0].id

    return await _decide(api, call, decision)


async def reject_alert(api: Api, call: Call) -> Answer:
    """Keep it from going out."""
    wish = call.wishing(RejectWish)
    return await _decide(api, call, lambda officer, record: officer.reject(record.id, wish.reason)[0].id)


async def retry_alert(api: Api, call: Call) -> Answer:
    """Queue again what failed or is in doubt."""
    return await _decide(api, call, lambda officer, record: officer.retry(record.id)[0].alert_id, only_id=False)


async def drop_alert(api: Api, call: Call) -> Answer:
    """Give up what failed or is in doubt."""
    return await _decide(api, call, lambda officer, record: officer.drop(record.id)[0].alert_id, only_id=False)


async def retry_post(api: Api, call: Call) -> Answer:
    """The same of one post."""
    return await _act(api, call, lambda officer: officer.retry(_post(officer.unit, call.name))[0].alert_id)


async def drop_post(api: Api, call: Call) -> Answer:
    """The same of one post."""
    return await _act(api, call, lambda officer: officer.drop(_post(officer.unit, call.name))[0].alert_id)


def _post(unit: DeskUnit, name: str) -> str:
    found = [post for post in unit.alerts.post_by_id(name) if post.id == name]
    if not found or [post.id for post in find_posts(unit.alerts, name)] != [name]:
        raise Problem(Kind.UNKNOWN, because("request_no_post", name=repr(name[:60])))
    return name


async def _decide(api: Api, call: Call, decision: Decision, *, only_id: bool = True) -> Answer:
    def acting(officer: Officer) -> str:
        record = named(officer.unit, call.name, only_id=only_id)
        must_be_as_seen(officer.unit, record, call.conditions.if_match)
        return decision(officer, record)

    return await _act(api, call, acting)


async def _act(api: Api, call: Call, acting: Callable[[Officer], str]) -> Answer:
    """Act, and answer with the alert as it is now, in the same transaction."""

    def action(unit: DeskUnit) -> Answer:
        record = named(unit, acting(Officer(unit, call.actor)), only_id=True)
        return json_answer(200, account(api.station, record, unit.alerts.posts_of(record.id)))

    return await once(api, call, action)
