"""Every operation of the API, and the OpenAPI 3.1 document that is made from these declarations.

An operation is added by a row of `EVERY_OPERATION` alone: it is served (`app.py`), documented (`document`) and tested
from it. What the document says of a request or an answer comes from the models that they are read and written with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from alerts import __version__
from alerts.desk.out import AlertOut, Rehearsal
from alerts.desk.status_out import Overview
from alerts.model.person import MAY, Act
from alerts.web.api import commands, heard, polls, queries, reports
from alerts.web.api.acts import operations_of
from alerts.web.api.models import (
    AlertPage,
    AuditFilters,
    AuditPage,
    Channels,
    Document,
    Filters,
    History,
    Me,
    PostWish,
    ProblemAccount,
    Sources,
    UpdateWish,
)
from alerts.web.api.operation import BASE, CAP, JSON, PROBLEM, Api, ApiCall, ApiResponse, Operation, json_reply
from alerts.web.api.problems import ProblemType

_REF = "#/components/schemas/{model}"
_SCHEMAS = "#/components/schemas/"
# Programs that were generated from the document have these classes under the names that they always had.
_OUT = re.compile(r"\b(?!Lets)(\w+)Out\b")
_ID = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^/\x00-\x1f\x7f]+$"}
# What may be done with a new alert (OpenAPI's links), and the operations that make one.
_FOLLOWERS = ("getAlert", "updateAlert", "cancelAlert", "correctAlert", "approveAlert", "rejectAlert", "explainAlert")
_LEADS_ON = ("postAlert", "updateAlert")
_FILED = {200: (AlertOut, Rehearsal), 201: (AlertOut,)}
_ONE = {200: (AlertOut,)}


async def _answer_document(api: Api, __: ApiCall) -> ApiResponse:
    answer = document()
    return json_reply(200, {**answer, "servers": [{"url": f"{api.station.mount}{BASE}"}]})


EVERY_OPERATION: tuple[Operation, ...] = (
    Operation(
        "listAlerts",
        "GET",
        "/alerts",
        "All alerts, newest first",
        queries.list_alerts,
        Act.VIEW,
        {200: (AlertPage,)},
        query=Filters,
        details="With those that are over, and those that were left out, with the reason.",
    ),
    Operation(
        "postAlert",
        "POST",
        "/alerts",
        "Post an alert",
        commands.post_alert,
        Act.POST,
        _FILED,
        wish=PostWish,
        takes_cap=True,
        details="201: it is stored, and goes out as routing and `publish` say. 200: the same words went out within the "
        "last 10 minutes, and this is that alert (`again` posts them once more); or it was only a `dry_run`.",
    ),
    Operation(
        "getAlert",
        "GET",
        "/alerts/{id}",
        "One alert with its posts, or the CAP message",
        queries.get_alert,
        Act.VIEW,
        _ONE,
        gives_cap=True,
        details="By its id, or by CAP's identifier or its incident's id: the newest alert of it.",
    ),
    Operation(
        "updateAlert",
        "POST",
        "/alerts/{id}/update",
        "The next version of an alert",
        commands.update_alert,
        Act.UPDATE,
        _FILED,
        wish=UpdateWish,
        compares=True,
        details="What isn't said stays as it is in the incident's newest words that were let out, whichever of its "
        "alerts is named; one that waits is gone on with only where it is named itself. The answer is the new alert, "
        "and `follows` the one it goes on from, which `If-Match` is compared with.",
    ),
    *operations_of("alerts"),
    Operation(
        "explainAlert",
        "GET",
        "/alerts/{id}/history",
        "Why it did or didn't go out",
        queries.explain_alert,
        Act.VIEW,
        {200: (History,)},
        details="Every decision with its reason, every attempt, of its whole incident, in the order of time.",
    ),
    *operations_of("posts"),
    Operation(
        "getStatus",
        "GET",
        "/status",
        "What is on, waiting, failed or in doubt; sources; channels",
        queries.get_status,
        Act.VIEW,
        {200: (Overview,)},
    ),
    Operation(
        "getSources", "GET", "/sources", "How each source is doing", queries.get_sources, Act.VIEW, {200: (Sources,)}
    ),
    Operation(
        "getChannels",
        "GET",
        "/channels",
        "How each channel is doing",
        queries.get_channels,
        Act.VIEW,
        {200: (Channels,)},
    ),
    Operation(
        "getAudit",
        "GET",
        "/audit",
        "Who did what, when and from where",
        queries.get_audit,
        Act.ADMINISTER,
        {200: (AuditPage,)},
        query=AuditFilters,
    ),
    *operations_of("channels"),
    *heard.OPERATIONS,
    *polls.OPERATIONS,
    *reports.OPERATIONS,
    Operation("getMe", "GET", "/me", "Whose token this is", queries.get_me, Act.VIEW, {200: (Me,)}),
    Operation(
        "getDocument",
        "GET",
        "/openapi.json",
        "This document",
        _answer_document,
        None,
        {200: (Document,)},
        details="No token is needed.",
    ),
)
"""Every operation, in the order of the document."""


@cache
def document() -> dict[str, Any]:
    """The whole of it: the same for the same program, in the same order."""
    paths: dict[str, Any] = {}
    for operation in EVERY_OPERATION:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": __version__,
            "description": "A town's alerts: posted, validated, watched. Errors are RFC 9457 problems.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "headers": _headers(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made by `tocsin token add`."}
            },
        },
    }


def _models() -> list[type[Any]]:
    found: set[type[Any]] = {ProblemAccount}
    for operation in EVERY_OPERATION:
        found |= {model for models in operation.answers.values() for model in models}
        found |= {operation.query, *([operation.wish] if operation.wish else [])}
    return sorted(found, key=lambda each: each.__name__)


def _schemas() -> dict[str, Any]:
    adapters: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (each.__name__, "validation", TypeAdapter(each)) for each in _models()
    ]
    _, found = TypeAdapter.json_schemas(adapters, ref_template=_REF)
    # A query's model is told as parameters, one by one, and is no schema of its own.
    asked = {operation.query.__name__ for operation in EVERY_OPERATION}
    schemas = {name: schema for name, schema in sorted(found["$defs"].items()) if name not in asked}
    shown: dict[str, Any] = json.loads(_OUT.sub(r"\1Account", json.dumps(schemas)))
    return dict(sorted(shown.items()))


def _headers() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "ETag": {"schema": text, "description": "What it is now: for If-Match and If-None-Match."},
        "Link": {"schema": text, "description": 'The part of the list that follows: rel="next".'},
        "Location": {"schema": text, "description": "Where the new alert is."},
        "RateLimit": {
            "schema": text,
            "description": "How many requests are left, and seconds until there is one more.",
        },
        "RateLimit-Policy": {"schema": text, "description": "How many requests, in how many seconds."},
        "Retry-After": {"schema": text, "description": "Seconds to wait."},
        "WWW-Authenticate": {"schema": text, "description": "That a bearer token is needed."},
        "Idempotent-Replayed": {"schema": text, "description": "`true`: it was done before, and this is that answer."},
    }


def _described(operation: Operation) -> dict[str, Any]:
    role = f"For {MAY[operation.act]} or more." if operation.act is not None else ""
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.details} {role}".strip(),
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation),
    }
    if operation.act is None:
        described["security"] = []
    if operation.wish is not None:
        described["requestBody"] = _body(operation, operation.wish)
    return described


def _body(operation: Operation, wish: type[BaseModel]) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": {"$ref": _SCHEMAS + wish.__name__}}}
    if operation.takes_cap:
        content[CAP] = {"schema": {"type": "string", "description": "A CAP 1.2 message, in UTF-8."}}
    # Where all may be left out, so may the body: a validation needs no word.
    needed = any(field.is_required() for field in wish.model_fields.values())
    return {"required": needed, "content": content}


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    if operation.is_about_one:
        yield {"name": "id", "in": "path", "required": True, "schema": _ID}
    for name, schema in operation.query.model_json_schema(ref_template=_REF).get("properties", {}).items():
        yield _query_parameter(name, schema)
    if operation.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]+$"}
        yield _header("Idempotency-Key", key, "The same key again: the same answer, and nothing is done twice (24 h).")
    if operation.compares:
        yield _header("If-Match", {"type": "string"}, "The ETag, or the fingerprint in quotes, of what was looked at.")
    if operation.name == "getAlert":
        yield _header("If-None-Match", {"type": "string"}, "The ETag of what is there already.")


def _query_parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter is there or not: that it may be null is pydantic's way to say that it may be missing."""
    # Programs that are made from the document would offer to send `null` in an address.
    options = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "default", "title", "description")}
    given = {**kept, **(options[0] if options else {})}
    if schema.get("default") is not None:
        given["default"] = schema["default"]
    parameter = {"name": name, "in": "query", "required": False, "schema": given}
    return {**parameter, "description": schema["description"]} if "description" in schema else parameter


def _header(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": description}


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[int, dict[str, Any]] = {}
    for status, models in operation.answers.items():
        found[status] = _good(operation, status, models)
    if operation.name == "getAlert":
        # Of one alert alone: a list has no entity tag.
        found[304] = {"description": "Who asks has it already", "headers": _named(("ETag",))}
    for status in operation.statuses:
        found[status] = _bad(status)
    return {str(status): found[status] for status in sorted(found)}


def _good(operation: Operation, status: int, models: Sequence[type[Any]]) -> dict[str, Any]:
    refs = [{"$ref": _SCHEMAS + _OUT.sub(r"\1Account", model.__name__)} for model in models]
    content: dict[str, Any] = {JSON: {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}}
    if operation.gives_cap:
        content[CAP] = {"schema": {"type": "string", "description": "The CAP 1.2 message."}}
    headers = ["RateLimit", "RateLimit-Policy"]
    headers += ["ETag"] if AlertOut in models else []
    headers += ["Idempotent-Replayed"] if operation.method == "POST" else []
    headers += ["Location"] if status == 201 else []
    headers += ["Link"] if "before" in operation.query.model_fields else []
    good = {"description": "It is stored" if status == 201 else "Done", "headers": _named(headers), "content": content}
    if status == 201 and operation.name in _LEADS_ON:
        good["links"] = {
            name: {"operationId": name, "parameters": {"id": "$response.body#/alert"}} for name in _FOLLOWERS
        }
    return good


def _bad(status: int) -> dict[str, Any]:
    titles = " / ".join(kind.title for kind in ProblemType if kind.status == status)
    headers = ["RateLimit", "RateLimit-Policy"]
    headers += {401: ["WWW-Authenticate"], 403: ["WWW-Authenticate"], 429: ["Retry-After"]}.get(status, [])
    return {
        "description": titles,
        "headers": _named(headers),
        "content": {PROBLEM: {"schema": {"$ref": _SCHEMAS + ProblemAccount.__name__}}},
    }


def _named(headers: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(headers)}
