"""From a request to what is wished: its body in the form that it names, its query, its conditions; all strict."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import Any, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from alerts.model.alert import Alert
from alerts.model.cap import violations
from alerts.model.reason import Reason, because
from alerts.web.api.faults import faults_of
from alerts.web.api.negotiation import CAP, JSON, best_form
from alerts.web.api.operation import Api, Conditions, Operation
from alerts.web.api.problems import Fault, Kind, Problem, invalid

LARGEST_JSON = 256 * 1024
# Keys of one object of a body: more than any has, and each that is unknown is told with its nearest.
_MOST_KEYS = 200
LARGEST_CAP = 1024 * 1024
LARGEST_PICTURED = 8 * 1024 * 1024
"""JSON that may hold a picture."""
LONGEST_KEY = 255
M = TypeVar("M", bound=BaseModel)
_UTF_8 = ("utf-8", "utf8")
_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")


def conditions_of(request: web.Request, operation: Operation) -> Conditions:
    """What the headers ask for. Raises Problem for a form that isn't given and a key that is none."""
    accept = ",".join(request.headers.getall("Accept", []))
    form = best_form(accept, operation.forms)
    if form is None:
        raise Problem(Kind.NOT_ACCEPTABLE, because("request_accept", allowed=operation.forms))
    key = request.headers.get("Idempotency-Key") if operation.method == "POST" else None
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(Kind.MALFORMED, because("request_key", most=LONGEST_KEY))
    return Conditions(form, key, _tags(request, "If-Match"), _tags(request, "If-None-Match"))


def _tags(request: web.Request, name: str) -> str | None:
    tags = ",".join(request.headers.getall(name, [])) or None
    if tags is not None and not tags.isascii():
        raise Problem(Kind.MALFORMED, because("request_tag", name=name))
    return tags


def query_of(request: web.Request, model: type[M]) -> M:
    """The query's parameters, each once. Raises Problem."""
    query = request.query
    twice = sorted({name for name in query if len(query.getall(name)) > 1})
    if twice:
        raise invalid([Fault(name[:60], "is given twice", "once") for name in twice])
    if any("\x00" <= character < " " for text in query.values() for character in text):
        raise invalid([Fault("", "a parameter holds a control character", "plain text")])
    try:
        return model.model_validate(dict(query))
    except ValidationError as error:
        raise invalid(faults_of(error, model)) from None


async def body_of(request: web.Request, operation: Operation) -> tuple[bytes, str]:
    """The body, and the media type that it is said to be. Raises Problem where it is too large or in another form.

    No body has no form: what a client says of it doesn't matter.
    """
    form = request.content_type.lower()
    body = await _read(request, _most(operation, form))
    if not body:
        return body, CAP if form == CAP and operation.takes_cap else JSON
    encoded = request.headers.get("Content-Encoding", "identity").strip().lower() != "identity"
    charset = (request.charset or "utf-8").lower()
    if encoded or "Content-Type" not in request.headers or form not in operation.takes or charset not in _UTF_8:
        why = because("request_form", allowed=operation.takes)
        takes = {"Accept": ", ".join(operation.takes)}
        raise Problem(Kind.MEDIA_TYPE, why, headers=takes)
    return body, form


def _most(operation: Operation, form: str) -> int:
    if form == CAP:
        return LARGEST_CAP
    may_be_pictured = operation.wish is not None and "picture" in operation.wish.model_fields
    return LARGEST_PICTURED if may_be_pictured else LARGEST_JSON


async def _read(request: web.Request, most: int) -> bytes:
    body = bytearray()
    too_large = Problem(Kind.TOO_LARGE, because("request_body_large", most=most), headers={"Connection": "close"})
    if (request.content_length or 0) > most:
        raise too_large
    try:
        async for chunk in request.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > most:
                raise too_large
    except web.RequestPayloadError:
        raise Problem(Kind.MALFORMED, "the body ends before its end; send it again") from None
    return bytes(body)


def wish_of(body: bytes, model: type[M]) -> M:
    """The body as its model; none at all is an empty one. Raises Problem with everything that is wrong."""
    value = _parsed(body) if body.strip() else {}
    try:
        return model.model_validate_json(json.dumps(value, ensure_ascii=False))
    except ValidationError as error:
        raise invalid(faults_of(error, model)) from None


def cap_of(body: bytes, api: Api) -> Alert:
    """The CAP message of the body, without fault. Raises Problem, and Unreadable for what is no CAP message.

    No resource may name a file: whoever has a token could publish any picture of this machine.
    """
    alert, _ = api.read_cap(body)
    faults: list[Fault | Reason] = [*violations(alert)]
    for place, info in enumerate(alert.infos):
        for number, resource in enumerate(info.resources):
            if resource.uri is not None and not re.match(r"https?://", resource.uri, re.IGNORECASE):
                where = f"info[{place}].resource[{number}].uri"
                faults.append(Fault(where, "is no address of the web", "http:// and https://"))
    if faults:
        raise invalid(faults)
    return alert


def digest_of(request: web.Request, form: str, body: bytes) -> str:
    """What makes a request the same one: what is done, to what, with which words, on which condition."""
    parts = [request.method, request.rel_url.raw_path, form, request.headers.get("If-Match", "")]
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + _same(form, body)).hexdigest()


def _same(form: str, body: bytes) -> bytes:
    """JSON in one spelling: a program may write the same object in another order."""
    if form != JSON or not body.strip():
        return body.strip()
    return json.dumps(_parsed(body), sort_keys=True).encode()


def _parsed(body: bytes) -> Any:
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise Problem(Kind.MALFORMED, "the body is no UTF-8 text, or holds half a character; allowed: UTF-8") from None
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, json.JSONDecodeError) else "it is nested too deeply or too long a number"
        raise Problem(Kind.MALFORMED, because("request_no_json", said=said)) from None
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MOST_KEYS:
        raise Problem(Kind.MALFORMED, because("request_many_keys", count=len(pairs), most=_MOST_KEYS))
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise Problem(Kind.MALFORMED, because("request_twice", name=repr(twice[:60])))
    return found


def _no_number(constant: str) -> NoReturn:
    raise Problem(Kind.MALFORMED, because("request_no_number", name=constant))
