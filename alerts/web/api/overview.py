"""The whole as it stands: what concerns those on duty, sources, channels, the audit log, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Annotated, Any

from pydantic import BaseModel, Field

from alerts.desk.service import concerning
from alerts.desk.station import Station
from alerts.model.person import MAY, Chained
from alerts.rendering.i18n import told
from alerts.web.api.alerts import accounts_of, next_link, with_posts
from alerts.web.api.answers import ChannelAccount, SourceAccount
from alerts.web.api.operation import Answer, Api, Call, json_answer
from alerts.web.api.wishes import Name, Paging

_LAST_LINE = 2**63 - 1


class AuditFilters(Paging):
    """Which lines of the record a list shows."""

    before: Annotated[int, Field(ge=1, le=_LAST_LINE)] | None = Field(
        None, description="The number of a line: those from before it."
    )
    subject: Name | None = Field(None, description="An alert's id, a post's or a name.")


async def get_status(api: Api, _: Call) -> Answer:
    """What `status --json` tells, as one object."""
    told = await api.service.ask(lambda unit: with_posts(unit, concerning(unit)))
    alerts = await accounts_of(api.station, told)
    return json_answer(200, {"alerts": alerts, "sources": await _sources(api), "channels": await _channels(api)})


async def get_sources(api: Api, _: Call) -> Answer:
    """How each source is doing."""
    return json_answer(200, {"sources": await _sources(api)})


async def get_channels(api: Api, _: Call) -> Answer:
    """How each channel is doing."""
    return json_answer(200, {"channels": await _channels(api)})


async def _sources(api: Api) -> list[dict[str, Any]]:
    return [_told(SourceAccount, each, api.station) for each in await api.service.sources()]


async def _channels(api: Api) -> list[dict[str, Any]]:
    return [_told(ChannelAccount, each, api.station) for each in await api.service.channels()]


def _told(model: type[BaseModel], standing: Mapping[str, Any], station: Station) -> dict[str, Any]:
    """What the document declares of it, its reason in words: the service tells the pages more."""
    standing = {**standing, **told(standing["reason"], station.language, station.timezone)}
    return {name: standing[name] for name in model.model_fields}


async def get_audit(api: Api, call: Call) -> Answer:
    """The newest lines first."""
    wanted = call.asking(AuditFilters)
    found = await api.service.ask(
        lambda unit: unit.audit.newest(before=wanted.before, subject=wanted.subject, most=wanted.limit + 1)
    )
    shown = [_line(each, api.station.timezone) for each in found[: wanted.limit]]
    following = shown[-1]["seq"] if len(found) > wanted.limit else None
    return json_answer(200, {"entries": shown, "next": following}, next_link("/audit", wanted, following))


def _line(chained: Chained, zone: tzinfo) -> dict[str, Any]:
    entry = chained.entry
    return {
        "seq": chained.seq,
        "at": entry.at.astimezone(zone).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "role": entry.role,
        "origin": entry.origin,
        "address": entry.address,
        "act": entry.act,
        "subject": entry.subject,
        "detail": entry.detail,
        "previous": chained.previous,
        "digest": chained.digest,
    }


async def get_me(_: Api, call: Call) -> Answer:
    """Who asks."""
    actor = call.actor
    may = [str(act) for act in MAY if actor.may(act)]
    return json_answer(200, {"name": actor.name, "role": actor.role, "origin": actor.origin, "may": may})
