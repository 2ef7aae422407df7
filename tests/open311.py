"""What the specification of Open311 GeoReport v2 asks of answers, in XML and in JSON, written from its text.

Each function raises AssertionError for what the text doesn't allow. An answer in XML is read into the same values as
its JSON has, by the convention that both follow, so that one set of rules holds for both and the two can be compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

CONTENT_TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DATATYPES = {"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
# The lists of the standard, and what an entry of each is called.
LISTS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
BOOLEANS, NUMBERS = {"metadata", "variable", "required"}, {"lat", "long", "order", "code"}
# Of a request: what every answer has, and what else the standard knows.
ALWAYS = {"service_request_id", "status", "service_name", "service_code", "requested_datetime", "updated_datetime"}
KNOWN = ALWAYS | {
    "status_notes", "description", "agency_responsible", "service_notice", "expected_datetime",
    "address", "address_id", "zipcode", "lat", "long", "media_url",
}  # fmt: skip


def read(body: bytes, content_type: str, form: str, root: str) -> Any:
    """The value of an answer whose root is called so."""
    assert content_type.lower().replace(" ", "") == CONTENT_TYPES[form].replace(" ", ""), content_type
    text = body.decode("utf-8")
    if form == "json":
        return json.loads(text, parse_constant=_no_constant)
    assert re.match(r"""<\?xml version=['"]1\.0['"] encoding=['"]utf-8['"]\s*\?>""", text, re.IGNORECASE), text[:60]
    assert "<!DOCTYPE" not in text
    assert "xmlns" not in text, "there is no namespace"
    found = ET.fromstring(body)
    assert found.tag == root, found.tag
    return _value(found, error=root == "errors")


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def _value(element: ET.Element, *, error: bool = False) -> Any:
    assert not element.attrib, "there are no attributes"
    if element.tag in LISTS:
        assert all(each.tag == LISTS[element.tag] for each in element), [each.tag for each in element]
        return [_value(each, error=error) for each in element]
    if len(element):
        tags = [each.tag for each in element]
        assert len(set(tags)) == len(tags), tags
        assert not (element.text or "").strip()
        return {each.tag: _value(each, error=error) for each in element}
    text = element.text
    if not text:
        return None
    if element.tag in BOOLEANS:
        assert text in ("true", "false"), text
        return text == "true"
    if element.tag in NUMBERS and (element.tag != "code" or error):
        return float(text) if element.tag in ("lat", "long") else int(text)
    return text


def services(told: Any) -> list[dict[str, Any]]:
    """GET services."""
    assert isinstance(told, list)
    for each in told:
        assert {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"} == set(each)
        _word(each, "service_code", "service_name")
        _perhaps(each, "description", "keywords", "group")
        assert isinstance(each["metadata"], bool)
        assert each["type"] in ("realtime", "batch", "blackbox")
    codes = [each["service_code"] for each in told]
    assert len(set(codes)) == len(codes)
    return told


def definition(told: Any, code: str) -> dict[str, Any]:
    """GET a service's definition; `code` is what was asked for."""
    assert set(told) == {"service_code", "attributes"}
    assert told["service_code"] == code
    attributes = told["attributes"] or []
    assert sorted(each["order"] for each in attributes) == sorted({each["order"] for each in attributes})
    for each in attributes:
        assert set(each) == {
            "variable", "code", "datatype", "required", "datatype_description", "order", "description", "values",
        }  # fmt: skip
        assert isinstance(each["variable"], bool)
        assert isinstance(each["required"], bool)
        assert each["datatype"] in DATATYPES
        assert isinstance(each["order"], int)
        assert each["order"] > 0
        _word(each, "code", "description")
        _perhaps(each, "datatype_description")
        values = each["values"] or []
        assert bool(values) is each["datatype"].endswith("list")
        assert all(set(value) == {"key", "name"} for value in values)
    return told


def made(told: Any) -> dict[str, Any]:
    """POST requests: one request, with its id or a token and never both."""
    [one] = told
    assert set(one) <= {"service_request_id", "token", "service_notice", "account_id"}
    assert ("service_request_id" in one) is not ("token" in one)
    _word(one, "service_request_id" if "service_request_id" in one else "token")
    _perhaps(one, *({"service_notice", "account_id"} & set(one)))
    return one


def token(told: Any, asked: str) -> dict[str, Any]:
    """GET the id of a token."""
    [one] = told
    assert set(one) == {"service_request_id", "token"}
    assert one["token"] == asked
    return one


def requests(told: Any) -> list[dict[str, Any]]:
    """GET requests, and GET a request."""
    assert isinstance(told, list)
    assert len(told) <= 1000
    for each in told:
        request(each)
    names = [each["service_request_id"] for each in told]
    assert len(set(names)) == len(names)
    return told


def request(told: dict[str, Any]) -> dict[str, Any]:
    """One request of an answer."""
    assert set(told) <= KNOWN, set(told) - KNOWN
    assert set(told) >= ALWAYS, ALWAYS - set(told)
    _word(told, "service_request_id", "service_name", "service_code")
    assert told["status"] in ("open", "closed")
    for name in ("requested_datetime", "updated_datetime"):
        assert W3C.fullmatch(told[name]), told[name]
    if told.get("expected_datetime") is not None:
        assert W3C.fullmatch(told["expected_datetime"])
    words = {"status_notes", "description", "agency_responsible", "service_notice", "address", "address_id", "zipcode"}
    _perhaps(told, *(words & set(told)))
    if told.get("description"):
        assert len(told["description"]) <= 4000
    for name, most in (("lat", 90), ("long", 180)):
        value = told.get(name)
        assert value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= most)
    assert (told.get("lat") is None) is (told.get("long") is None)
    if told.get("media_url") is not None:
        assert urlsplit(told["media_url"]).scheme in ("http", "https")
    return told


def errors(told: Any, status: int) -> list[dict[str, Any]]:
    """What is told of errors: at least one, of this status for the first."""
    assert isinstance(told, list)
    assert told
    for each in told:
        assert set(each) == {"code", "description"}
        _word(each, "description")
    assert told[0]["code"] == status
    return told


def discovery(told: Any) -> dict[str, Any]:
    """The service discovery."""
    assert set(told) == {"changeset", "contact", "key_service", "endpoints"}
    _word(told, "changeset", "contact", "key_service")
    for each in told["endpoints"]:
        assert set(each) == {"specification", "url", "changeset", "type", "formats"}
        assert each["type"] in ("production", "test")
        assert "text/xml" in each["formats"]
        assert urlsplit(each["url"]).scheme in ("http", "https")
    assert SPECIFICATION in [each["specification"] for each in told["endpoints"]]
    return told


def _word(told: dict[str, Any], *names: str) -> None:
    for name in names:
        assert isinstance(told[name], str), (name, told[name])
        assert told[name].strip(), name


def _perhaps(told: dict[str, Any], *names: str) -> None:
    for name in names:
        assert told[name] is None or isinstance(told[name], str), (name, told[name])


ROOTS: dict[Callable[..., Any], str] = {
    services: "services",
    definition: "service_definition",
    made: "service_requests",
    token: "service_requests",
    requests: "service_requests",
    errors: "errors",
    discovery: "discovery",
}
"""What the root of each answer is called."""
