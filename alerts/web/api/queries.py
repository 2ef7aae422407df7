"""The queries: one alert, lists of them, an alert's history; sources, channels, the audit log, the caller's account.

Each is one reading transaction through the desk's service, in a thread: a fingerprint reads pictures. A list is cut by
the id that it continues from, not by a number of pages, so that what is stored meanwhile moves nothing. `named` is
also how commands (`commands.py`) find their alert, and `must_be_as_seen` how all of them read `If-Match`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import tzinfo
from typing import Any
from urllib.parse import urlencode

from alerts.desk.approve import alert_in_full, fingerprint
from alerts.desk.out import AlertOut, HistoryEvent, with_reports
from alerts.desk.status_out import ChannelOut, Overview, SourceOut
from alerts.desk.unit import DeskUnit
from alerts.listening.out import with_what_was_heard
from alerts.model.alert import Alert, Info, Resource
from alerts.model.cap import write
from alerts.model.errors import Misuse
from alerts.model.incident import StoredAlert, Wanted
from alerts.model.person import MAY, Chained
from alerts.model.reason import because
from alerts.web.api.models import AlertPage, AuditFilters, Channels, Filters, History, Paging, Sources
from alerts.web.api.operation import BASE, CAP, Api, ApiCall, ApiResponse, has_it, json_reply, seen_in, tag_of
from alerts.web.api.problems import Fault, Problem, ProblemType, invalid


async def list_alerts(api: Api, call: ApiCall) -> ApiResponse:
    """The newest first."""
    wanted = call.asking(Filters)

    def question(unit: DeskUnit) -> AlertPage:
        if wanted.before is not None and not any(one.id == wanted.before for one in unit.alerts.by_id(wanted.before)):
            raise invalid([Fault("before", "names no alert", "the `next` of the part before")])
        asked = Wanted(wanted.state, wanted.post_state, wanted.source, wanted.q)
        # One more than is shown: it tells whether there is a part that follows.
        found = unit.views.page(asked, before=wanted.before, most=wanted.limit + 1)
        shown = found[: wanted.limit]
        return AlertPage(AlertOut.each(unit, shown), shown[-1].id if len(found) > wanted.limit else None)

    page = await api.service.ask(question)
    return json_reply(200, page, next_link("/alerts", wanted, page.next))


def next_link(path: str, wanted: Paging, following: object) -> dict[str, str]:
    """The `Link` header (RFC 8288) to the part that follows, if there is one."""
    if following is None:
        return {}
    asked = {**wanted.model_dump(mode="json", exclude_none=True), "before": following}
    return {"Link": f'<{BASE}{path}?{urlencode(asked)}>; rel="next"'}


async def get_alert(api: Api, call: ApiCall) -> ApiResponse:
    """One alert, in the form that is asked for; nothing where who asks has it already."""

    def question(unit: DeskUnit) -> ApiResponse:
        stored = named(unit, call.name)
        if call.conditions.form != CAP:
            shown = AlertOut.alone(unit, stored)
            # Told only where there is some: else it is the answer, with the tag, that whoever posted it got.
            return json_reply(200, replace(shown, then=shown.then or None))
        if stored.alert is None:
            raise Problem(ProblemType.NOT_ACCEPTABLE, because("request_no_message", alert=stored.id))
        body = write(without_files(stored.alert))
        return ApiResponse(200, body, CAP, {"ETag": tag_of(fingerprint(stored, unit.alerts.posts_of(stored.id)), body)})

    answer = await api.service.ask(question)
    if has_it(call.conditions.if_none_match, answer.headers["ETag"]):
        return ApiResponse(304, b"", headers={"ETag": answer.headers["ETag"]})
    return answer


async def explain_alert(api: Api, call: ApiCall) -> ApiResponse:
    """Every decision and attempt of its incident."""

    def question(unit: DeskUnit) -> History:
        incident = named(unit, call.name).incident_id
        known = with_reports(unit, incident, with_what_was_heard(unit, incident, unit.views.history(incident)))
        return History(incident, [HistoryEvent.of(api.station, event) for event in known])

    return json_reply(200, await api.service.ask(question))


def named(unit: DeskUnit, name: str) -> StoredAlert:
    """The alert of that id, CAP identifier or incident (the newest of it), in full. Raises Problem."""
    try:
        return alert_in_full(unit.alerts, name)
    except Misuse as error:
        raise Problem(ProblemType.UNKNOWN, error.reason) from None


def must_be_as_seen(if_match: str | None, now: Callable[[], tuple[str, str | None]]) -> None:
    """Raise Problem where `If-Match` doesn't name what is there now: its name and fingerprint, read only if need be.

    What has no fingerprint is named by no tag (RFC 9110, 13.1.1): no request with one is carried out.
    """
    seen = seen_in(if_match) if if_match is not None else None
    if seen is None:
        return
    name, fingerprint = now()
    if fingerprint not in seen:
        raise Problem(ProblemType.CHANGED, because("request_not_seen", alert=name))


def without_files(alert: Alert) -> Alert:
    """The message without addresses of this machine's files, which concern nobody."""
    return replace(alert, infos=tuple(map(_info_without_files, alert.infos)))


def _info_without_files(info: Info) -> Info:
    def without_file(resource: Resource) -> Resource:
        names_file = resource.uri is not None and resource.uri.strip().lower().startswith("file:")
        return replace(resource, uri=None) if names_file else resource

    return replace(info, resources=tuple(map(without_file, info.resources)))


async def get_status(api: Api, _: ApiCall) -> ApiResponse:
    """Return the content of `status --json`, as one object."""
    return json_reply(200, await api.service.ask(Overview.of))


async def get_sources(api: Api, _: ApiCall) -> ApiResponse:
    """How each source is doing."""
    return json_reply(200, Sources(await api.service.ask(SourceOut.each)))


async def get_channels(api: Api, _: ApiCall) -> ApiResponse:
    """How each channel is doing."""
    return json_reply(200, Channels(await api.service.ask(ChannelOut.each)))


async def get_audit(api: Api, call: ApiCall) -> ApiResponse:
    """The newest lines first."""
    wanted = call.asking(AuditFilters)
    found = await api.service.ask(
        lambda unit: unit.audit.newest(before=wanted.before, subject=wanted.subject, most=wanted.limit + 1)
    )
    shown = [_line(each, api.station.zone) for each in found[: wanted.limit]]
    following = shown[-1]["seq"] if len(found) > wanted.limit else None
    return json_reply(200, {"entries": shown, "next": following}, next_link("/audit", wanted, following))


def _line(chained: Chained, zone: tzinfo) -> dict[str, Any]:
    at = chained.entry.at.astimezone(zone).isoformat(timespec="microseconds")
    line = {"seq": chained.seq, **asdict(chained.entry), "at": at}
    return {**line, "previous": chained.previous, "digest": chained.digest}


async def get_me(_: Api, call: ApiCall) -> ApiResponse:
    """Return the client's account."""
    actor = call.actor
    may = [str(act) for act in MAY if actor.may(act)]
    return json_reply(200, {"name": actor.name, "role": actor.role, "origin": actor.origin, "may": may})
