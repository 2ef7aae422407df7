"""Programs' commands that file an alert, to post or to update it; each is done once.

Slow work (a picture's content, the place of an area, the texts) is done before, in a thread that stores nothing: lanes
wait for the transaction that acts. That transaction also makes the answer, and stores it under the program's own
`Idempotency-Key` (`done_once`). So a crash leaves both or neither, and a program without an answer asks again with the
same key. An error isn't stored: nothing was done, and the same key may be tried again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

from alerts.desk.actions import Desk, Filed
from alerts.desk.draft import Draft, draft_alert, picture_kind
from alerts.desk.officer import Officer
from alerts.desk.out import AlertOut, Out, Rehearsal
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Alert
from alerts.model.person import REPLIES_KEPT, Act, KeptReply
from alerts.model.reason import because
from alerts.web.api.models import (
    AlertWords,
    Picture,
    PostWish,
    UpdateWish,
)
from alerts.web.api.operation import Api, ApiCall, ApiResponse, json_reply
from alerts.web.api.problems import Fault, Problem, ProblemType, invalid
from alerts.web.api.queries import must_be_as_seen, named

Filing = Callable[[Officer], Filed]
Before = Callable[[DeskUnit], Out]
# What a wish and a draft call alike.
_SAME = ("headline", "description", "instruction", "event", "category", "severity", "urgency", "certainty")
_SAME_TOO = ("onset", "expires", "web", "exercise")


async def post_alert(api: Api, call: ApiCall) -> ApiResponse:
    """File a new alert, from its words or as a CAP message."""
    if call.alert is not None:
        made = call.alert
        await api.service.prepare(lambda *_: made)
        return await _store(api, call, lambda officer: officer.post(made))
    wish = call.wishing(PostWish)
    draft = Draft(**_changes_of(wish), **await _picture_of(api.service, wish))

    def drafted(desk: Desk, now: datetime) -> Alert:
        return draft_alert(draft, desk.station, now, desk.new_id())

    if wish.dry_run:
        # `again`: what is only shown is no double tap.
        return await rehearsed(
            api,
            call,
            lambda officer: officer.post(drafted(officer.unit.desk, officer.unit.now), wish.channels, again=True),
        )
    alert = await api.service.prepare(drafted)
    return await _store(api, call, lambda officer: officer.post(alert, wish.channels, again=wish.again))


async def update_alert(api: Api, call: ApiCall) -> ApiResponse:
    """File the next version. Raises Problem if `If-Match` names an older one than the one that this builds on."""
    wish = call.wishing(UpdateWish)
    changes = {**_changes_of(wish), **await _picture_of(api.service, wish)}

    def filing(officer: Officer) -> Filed:
        stored = officer.current_version(named(officer.unit, call.name).id, Act.UPDATE)
        return officer.update(stored.id, changes, wish.channels, again=wish.again)

    def before(unit: DeskUnit) -> AlertOut:
        current = Officer(unit, call.actor).current_version(named(unit, call.name).id, Act.UPDATE)
        return AlertOut.of(unit, current)

    return await (rehearsed if wish.dry_run else _store)(api, call, filing, before)


def _changes_of(wish: AlertWords) -> dict[str, Any]:
    """Return the given fields, under the names of Draft's."""
    said = {name: getattr(wish, name, None) for name in (*_SAME, *_SAME_TOO)}
    given = {name: _plain(value) for name, value in said.items() if value is not None}
    more = {"areas": wish.areas, "language": wish.lang}
    return {**given, **{name: value for name, value in more.items() if value}}


def _plain(value: Any) -> Any:
    """Lines end as they do here. A category or a severity is a string too, and stays what it is."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if type(value) is str else value


async def rehearsed(api: Api, call: ApiCall, filing: Filing, before: Before | None = None) -> ApiResponse:
    """Show what the filing would do, on the condition that `done_once` sets. Raises Problem."""
    about = await api.service.ask(lambda unit: named(unit, call.name).incident_id) if before is not None else None

    def filed_as_seen(unit: DeskUnit) -> Filed:
        _must_be_as_seen(unit, call, before)
        return filing(Officer(unit, call.actor))

    filed = await api.service.preview(filed_as_seen, about)
    return json_reply(200, Rehearsal.of(api.station, filed.stored, filed.drafts))


async def _store(api: Api, call: ApiCall, filing: Filing, before: Before | None = None) -> ApiResponse:
    """Act, and answer in the same transaction: 201, or 200 for what the same words were a moment ago."""

    def action(unit: DeskUnit) -> ApiResponse:
        filed = filing(Officer(unit, call.actor))
        # A correction's own words are another message, with posts of its own.
        unit.lanes = filed.channels if filed.words is None else None
        return json_reply(201 if filed.fresh else 200, AlertOut.of(unit, filed.stored))

    return await done_once(api, call, action, before)


async def done_once(
    api: Api, call: ApiCall, action: Callable[[DeskUnit], ApiResponse], before: Before | None = None
) -> ApiResponse:
    """Carry it out in one transaction, or repeat its earlier answer.

    `before` returns what it changes, as `If-Match` has to name it; an operation that `compares` gives it. Raises
    Problem, and the errors of `action`.
    """
    key = call.conditions.key

    def as_seen(unit: DeskUnit) -> ApiResponse:
        _must_be_as_seen(unit, call, before)
        return action(unit)

    if key is None:
        return await api.service.act(as_seen)
    async with once_at_a_time(api, call):
        return await api.service.act(lambda unit: _known_or_done(unit, call, key, as_seen))


def _must_be_as_seen(unit: DeskUnit, call: ApiCall, before: Before | None) -> None:
    def now() -> tuple[str, str]:
        assert before is not None  # noqa: S101 as below
        current = before(unit).as_json()
        return current.get("alert", call.name), current["fingerprint"]

    if before is not None:
        must_be_as_seen(call.conditions.if_match, now)


@asynccontextmanager
async def once_at_a_time(api: Api, call: ApiCall) -> AsyncIterator[None]:
    """Nothing else is carried out under the request's key within. Raises Problem where something is."""
    key = call.conditions.key
    if key is None:
        yield
        return
    one = (call.token, key)
    # The same key at the same moment: the second is told to come again, rather than to stand in the database's line.
    if one in api.under_way:
        said = "a request with this Idempotency-Key is under way; ask again"
        raise Problem(ProblemType.UNDER_WAY, said, headers={"Retry-After": "1"})
    api.under_way.add(one)
    try:
        yield
    finally:
        api.under_way.discard(one)


async def replayed(api: Api, call: ApiCall) -> ApiResponse | None:
    """Return the earlier answer under the request's key, else None. Raises Problem for another request's key."""
    key = call.conditions.key
    return await api.service.ask(lambda unit: _kept(unit, call, key)) if key is not None else None


def _known_or_done(unit: DeskUnit, call: ApiCall, key: str, action: Callable[[DeskUnit], ApiResponse]) -> ApiResponse:
    unit.replies.sweep(unit.now - REPLIES_KEPT)
    known = _kept(unit, call, key)
    if known is not None:
        return known
    answer = action(unit)
    unit.replies.keep(KeptReply(call.token, key, call.digest, answer.status, answer.body.decode(), unit.now))
    return answer


def _kept(unit: DeskUnit, call: ApiCall, key: str) -> ApiResponse | None:
    kept = unit.replies.reply(call.token, key)
    if kept is None:
        return None
    if kept.request != call.digest:
        raise Problem(
            ProblemType.KEY_REUSED, "Idempotency-Key was used for another request; make a new key for a new request"
        )
    header = {"Idempotent-Replayed": "true"}
    return json_reply(kept.status, json.loads(kept.body), header, written=kept.body)


class Image(TypedDict, total=False):
    """The fields of a draft that name a picture; none of them where there is none."""

    image: Path
    alt: str


async def _picture_of(service: DeskService, wish: AlertWords) -> Image:
    """Keep the picture of the wish, if it has one; a dry run keeps nothing. Raises Problem, and Misuse."""
    if wish.picture is None:
        return {}
    # In a thread: megabytes of base64 would hold up whoever else asks.
    data = await asyncio.to_thread(_checked, wish.picture)
    if wish.dry_run:
        return {}
    path = service.picture(await service.keep_picture(data, wish.picture.type))
    assert path is not None  # noqa: S101 it was just kept
    return {"image": path, "alt": wish.picture.alt}


def _checked(picture: Picture) -> bytes:
    try:
        data = base64.b64decode(picture.data, validate=True)
    except binascii.Error:
        raise invalid([Fault("picture.data", "is no base64", "the file in base64, on one line")]) from None
    # By its content: what it is said to be is a stranger's word, and platforms refuse what is something else.
    if (found := picture_kind(data)) != picture.type:
        raise invalid([Fault("picture.type", because("request_picture_other", found=found), found)])
    return data
