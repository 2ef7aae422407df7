"""Alerts as they are asked for: one, a list of them, one's history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from alerts.desk.account import account_of, event_of
from alerts.desk.approve import fingerprint
from alerts.desk.service import DeskUnit
from alerts.desk.station import Station
from alerts.desk.twins import told_already
from alerts.model.alert import Alert, Info, Resource
from alerts.model.cap import write
from alerts.model.incident import AlertState, StoredAlert, Wanted
from alerts.model.post import Post, PostState
from alerts.model.reason import because
from alerts.web.api.negotiation import CAP, has_it, seen_in, tag_of
from alerts.web.api.operation import BASE, Answer, Api, Call, json_answer
from alerts.web.api.problems import Fault, Kind, Problem, invalid
from alerts.web.api.wishes import Name, Paging

Told = tuple[StoredAlert, Sequence[Post]]


class Filters(Paging):
    """Which alerts a list shows."""

    before: Annotated[str, StringConstraints(min_length=1, max_length=26)] | None = Field(
        None, description="The id of an alert: those from before it."
    )
    state: AlertState | None = None
    post_state: PostState | None = Field(None, description="Those that have a post in this state.")
    source: Name | None = Field(None, description="The name of a source; `manual` is what officers wrote.")
    q: Name | None = Field(None, description="Words of the headline, or a part of the id or identifier.")


async def list_alerts(api: Api, call: Call) -> Answer:
    """The newest first."""
    wanted = call.asking(Filters)
    found = await api.service.ask(lambda unit: _page(unit, wanted))
    shown, more = found[: wanted.limit], found[wanted.limit :]
    following = shown[-1][0].id if more else None
    body = {"alerts": await accounts_of(api.station, shown), "next": following}
    return json_answer(200, body, next_link("/alerts", wanted, following))


def _page(unit: DeskUnit, wanted: Filters) -> list[Told]:
    if wanted.before is not None and not any(one.id == wanted.before for one in unit.alerts.by_id(wanted.before)):
        raise invalid([Fault("before", "names no alert", "the `next` of the part before")])
    asked = Wanted(wanted.state, wanted.post_state, wanted.source, wanted.q)
    return with_posts(unit, unit.views.page(asked, before=wanted.before, most=wanted.limit + 1))


def with_posts(unit: DeskUnit, records: Sequence[StoredAlert]) -> list[Told]:
    """Each alert with its posts."""
    posts = unit.views.posts_by_alert([record.id for record in records])
    return [(record, posts[record.id]) for record in records]


async def accounts_of(station: Station, told: Sequence[Told]) -> list[dict[str, Any]]:
    """Each alert's account. In a thread: a fingerprint reads the picture."""
    return await asyncio.to_thread(lambda: [account(station, *each) for each in told])


def account(
    station: Station, record: StoredAlert, posts: Sequence[Post], twins: Sequence[StoredAlert] = ()
) -> dict[str, Any]:
    """One alert's account."""
    return account_of(record, posts, station.timezone, station.language, twins)


def next_link(path: str, wanted: Paging, following: object) -> dict[str, str]:
    """The `Link` header (RFC 8288) to the part that follows, if there is one."""
    if following is None:
        return {}
    asked = {**wanted.model_dump(mode="json", exclude_none=True), "before": following}
    return {"Link": f'<{BASE}{path}?{urlencode(asked)}>; rel="next"'}


async def get_alert(api: Api, call: Call) -> Answer:
    """One alert, in the form that is asked for; nothing where who asks has it already."""
    record, posts, twins = await api.service.ask(lambda unit: _one(unit, call.name))
    bound = await asyncio.to_thread(fingerprint, record, posts)
    if call.conditions.form == CAP:
        body = _cap(record)
        answer = Answer(200, body, CAP, {"ETag": tag_of(bound, body)})
    else:
        answer = json_answer(200, await asyncio.to_thread(account, api.station, record, posts, twins))
    if has_it(call.conditions.if_none_match, answer.headers["ETag"]):
        return Answer(304, b"", headers={"ETag": answer.headers["ETag"]})
    return answer


def _one(unit: DeskUnit, name: str) -> tuple[StoredAlert, Sequence[Post], Sequence[StoredAlert]]:
    record = named(unit, name)
    twins = told_already(unit.alerts, record, unit.now) if record.state is AlertState.WAITING else []
    return record, unit.alerts.posts_of(record.id), twins


async def explain_alert(api: Api, call: Call) -> Answer:
    """Every decision and attempt of its incident."""

    def question(unit: DeskUnit) -> dict[str, Any]:
        record = named(unit, call.name)
        events = [
            event_of(event, api.station.timezone, api.station.language)
            for event in unit.views.history(record.incident_id)
        ]
        return {"incident": record.incident_id, "events": events}

    return json_answer(200, await api.service.ask(question))


def named(unit: DeskUnit, name: str, *, only_id: bool = False) -> StoredAlert:
    """The alert of that id, CAP identifier or incident (the newest of it), in full. Raises Problem.

    `only_id`: nothing but the alert's own id, which names its exact texts.
    """
    found = unit.alerts.by_id(name)
    alike = [record for record in found if name == record.id or (not only_id and name in _other_names(record))]
    if len(alike) != 1:
        which = "its own id, in full" if only_id else "an alert's id, identifier or incident, in full"
        raise Problem(Kind.UNKNOWN, because("request_no_alert", name=repr(name[:60]), which=which))
    return alike[0]


def _other_names(record: StoredAlert) -> tuple[str | None, ...]:
    return record.incident_id, record.alert.identifier if record.alert else None


def must_be_as_seen(unit: DeskUnit, record: StoredAlert, if_match: str | None) -> None:
    """Raise Problem where `If-Match` names other words than these."""
    seen = seen_in(if_match) if if_match is not None else None
    if seen is not None and fingerprint(record, unit.alerts.posts_of(record.id)) not in seen:
        raise Problem(Kind.CHANGED, because("request_not_seen", alert=record.id))


def _cap(record: StoredAlert) -> bytes:
    if record.alert is None:
        raise Problem(Kind.NOT_ACCEPTABLE, because("request_no_message", alert=record.id))
    return write(without_files(record.alert))


def without_files(alert: Alert) -> Alert:
    """The message without addresses of this machine's files, which concern nobody."""
    return replace(alert, infos=tuple(map(_info_without_files, alert.infos)))


def _info_without_files(info: Info) -> Info:
    return replace(info, resources=tuple(map(_without_file, info.resources)))


def _without_file(resource: Resource) -> Resource:
    names_file = resource.uri is not None and resource.uri.strip().lower().startswith("file:")
    return replace(resource, uri=None) if names_file else resource
