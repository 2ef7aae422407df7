"""What an officer's program writes: a new alert, its update, its end, its correction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts.desk.account import rehearsal_of
from alerts.desk.actions import MANUAL, Filed
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.officer import Officer
from alerts.desk.service import DeskUnit
from alerts.model.alert import Alert
from alerts.model.incident import StoredAlert
from alerts.model.person import Act
from alerts.web.api.alerts import account, must_be_as_seen, named
from alerts.web.api.once import once
from alerts.web.api.operation import Answer, Api, Call, json_answer
from alerts.web.api.pictures import Image, picture_of
from alerts.web.api.wishes import CorrectWish, EndWish, PostWish, UpdateWish, Words

Filing = Callable[[Officer], Filed]
_WORDS = ("headline", "description", "instruction", "event", "category", "severity", "urgency", "certainty")
_REST = ("onset", "expires", "web", "exercise")


async def post_alert(api: Api, call: Call) -> Answer:
    """File a new alert, from its words or as a CAP message."""
    if call.alert is not None:
        made = call.alert
        await api.service.sketch(lambda unit: _warm(unit, made))
        return await _store(api, call, lambda officer: officer.post(made))
    wish = call.wishing(PostWish)
    image = await picture_of(api.service, wish)
    alert = await api.service.sketch(lambda unit: _made(unit, wish, image))
    if wish.dry_run:
        return await _rehearse(api, call, lambda officer: officer.post(alert, wish.channels, again=True))
    return await _store(api, call, lambda officer: officer.post(alert, wish.channels, again=wish.again))


def _made(unit: DeskUnit, wish: PostWish, image: Image) -> Alert:
    """The alert, and all that takes long about it: it is filed in a transaction for which lanes wait."""
    draft = Draft(**changes_of(wish), **image)
    return _warm(unit, draft_alert(draft, unit.desk.station, unit.now, unit.new_id()))


def _warm(unit: DeskUnit, alert: Alert) -> Alert:
    station = unit.desk.station
    station.territory.locate(alert, any_area=station.intake(MANUAL).any_area)
    unit.desk.warm(alert)
    return alert


def changes_of(wish: Words) -> dict[str, Any]:
    """What was said, under the names of Draft's fields."""
    said = {name: getattr(wish, name, None) for name in (*_WORDS, *_REST)}
    given = {name: _plain(value) for name, value in said.items() if value is not None}
    more = {"areas": wish.areas, "language": wish.lang}
    return {**given, **{name: value for name, value in more.items() if value}}


def _plain(value: Any) -> Any:
    """Lines end as they do here."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if type(value) is str else value


async def update_alert(api: Api, call: Call) -> Answer:
    """File the next version."""
    wish = call.wishing(UpdateWish)
    changes = {**changes_of(wish), **await picture_of(api.service, wish)}

    def filing(officer: Officer) -> Filed:
        record = _about(officer, call, Act.UPDATE)
        return officer.update(record.id, changes, wish.channels, again=wish.again)

    return await _file(api, call, filing, dry_run=wish.dry_run)


async def cancel_alert(api: Api, call: Call) -> Answer:
    """End it: it no longer holds, or it is over."""
    wish = call.wishing(EndWish)

    def filing(officer: Officer) -> Filed:
        return officer.cancel(_about(officer, call, Act.CANCEL).id, _plain(wish.reason), over=wish.over)

    return await _file(api, call, filing, dry_run=wish.dry_run)


async def correct_alert(api: Api, call: Call) -> Answer:
    """Say that it was wrong."""
    wish = call.wishing(CorrectWish)

    def filing(officer: Officer) -> Filed:
        return officer.correct(_about(officer, call, Act.CORRECT).id, _plain(wish.reason))

    return await _file(api, call, filing, dry_run=wish.dry_run)


def _about(officer: Officer, call: Call, act: Act) -> StoredAlert:
    """What this is built on. Raises Problem where `If-Match` names something else: who asks knows older words."""
    record = officer.goes_on_from(named(officer.unit, call.name).id, act)
    must_be_as_seen(officer.unit, record, call.conditions.if_match)
    return record


async def _file(api: Api, call: Call, filing: Filing, *, dry_run: bool) -> Answer:
    if not dry_run:
        return await _store(api, call, filing)
    incident = await api.service.ask(lambda unit: named(unit, call.name).incident_id)
    return await _rehearse(api, call, filing, incident)


async def _rehearse(api: Api, call: Call, filing: Filing, incident: str | None = None) -> Answer:
    filed = await api.service.sketch(lambda unit: filing(Officer(unit, call.actor)), incident)
    station = api.station
    return json_answer(200, rehearsal_of(filed.record, filed.drafts, station.timezone, station.language))


async def _store(api: Api, call: Call, filing: Filing) -> Answer:
    """Act, and answer in the same transaction: 201, or 200 for what the same words were a moment ago."""

    def action(unit: DeskUnit) -> Answer:
        filed = filing(Officer(unit, call.actor))
        told = account(api.station, filed.record, unit.alerts.posts_of(filed.record.id))
        return json_answer(201 if filed.fresh else 200, told)

    return await once(api, call, action)
