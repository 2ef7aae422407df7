"""The API's operations on acts: each is made from the act's declaration (`alerts.desk.act`).

`POST /{of}/{id}/{verb}`, with the act's fields as a strict body. It names what it is about by the whole id, is carried
out once under its `Idempotency-Key`, and answers with the act's account.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, create_model

from alerts.desk.act import ActField, OfficerAct, every_act, fields_of
from alerts.desk.officer import Officer
from alerts.desk.out import Out, Rehearsal
from alerts.desk.unit import DeskUnit
from alerts.web.api import models
from alerts.web.api.commands import done_once, rehearsed
from alerts.web.api.operation import Api, ApiCall, ApiResponse, Handler, Operation, json_reply
from alerts.web.api.problems import Problem, ProblemType


def body_of(act: type[OfficerAct]) -> type[BaseModel]:
    """The model of its request's body; acts with the same body share it."""
    fields = tuple(each for each in fields_of(act) if not each.by_form)
    return _body(*act.body, fields) if fields else models.NoWish


@cache
def _body(name: str, doc: str, fields: tuple[ActField, ...]) -> type[BaseModel]:
    shaped: dict[str, Any] = {each.key: (each.hint, ... if each.is_required else each.default) for each in fields}
    return create_model(name, __base__=models.RequestBody, __doc__=doc, __module__=__name__, **shaped)


def operation_of(act: type[OfficerAct]) -> Operation:
    """The operation of an act."""
    return Operation(
        act.name(),
        "POST",
        f"/{act.of}/{{id}}/{act.verb}",
        act.summary(),
        _handler(act),
        act.permission,
        {200: (*act.answers, Rehearsal), 201: act.answers} if act.files else {200: act.answers},
        wish=body_of(act),
        compares=True,
        details=act.details,
    )


def operations_of(of: str) -> tuple[Operation, ...]:
    """The operations of all acts on that kind of thing."""
    return tuple(operation_of(act) for act in every_act() if act.of == of)


def _handler(act: type[OfficerAct]) -> Handler:
    async def handler(api: Api, call: ApiCall) -> ApiResponse:
        given = {key: getattr(call.wish, key) for key in type(call.wish).model_fields} if call.wish else {}

        def found(unit: DeskUnit) -> OfficerAct:
            made = act.made(call.name, given)
            if (why := made.missing(unit)) is not None:
                raise Problem(ProblemType.UNKNOWN, why)
            return made

        def action(unit: DeskUnit) -> ApiResponse:
            made = found(unit)
            what = made.done_by(Officer(unit, call.actor))
            return json_reply(201 if act.files and what.fresh else 200, made.account(unit, what))

        def before(unit: DeskUnit) -> Out:
            return found(unit).before(unit)

        if act.files and given["dry_run"]:
            return await rehearsed(api, call, lambda officer: found(officer.unit).done_by(officer), before)
        return await done_once(api, call, action, before)

    return handler
