"""What is carried through a sign-in is what was typed, goes nowhere else, and holds no secret."""

from __future__ import annotations

import json

import pytest
from multidict import MultiDict, MultiDictProxy

from alerts.web.console.error_pages import MOST_BYTES, MOST_FIELDS, Carried, carry, safe_next, unpacked
from tests.walls import in_one_test

FORM = MultiDictProxy(
    MultiDict([("headline", "Crue « rapide »\r\n"), ("channels", "x"), ("channels", "page"), ("a", "")])
)


@pytest.mark.parametrize("wanted", ["/desk/", "/desk/alerts/id01?done=post", "/desk/compose?draft=1&x=%C3%A9"])
def test_pages_of_the_desk_are_gone_back_to(wanted):
    assert safe_next(wanted) == wanted


@in_one_test
@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "/",
        "/desk",
        "/deskx/",
        "//evil.example/desk/",
        "https://evil.example/desk/",
        "https:/desk/",
        "javascript:alert(1)//desk/",
        "\\\\evil.example/desk/",
        "/\\evil.example/desk/",
        "/desk/\\evil",
        "/desk/%5c%5cevil",
        "/desk//evil.example",
        "/desk/../api/v1/alerts",
        "/desk/%2e%2e/api",
        "/desk/%2E%2e%2fapi",
        "/desk/x\r\nSet-Cookie: a=b",
        "/desk/%0d%0aSet-Cookie:a=b",
        "/desk/\tx",
        " /desk/",
        "/desk/é",
        "/desk/sign-in",
        "/desk/sign-in/code",
        "/desk/sign-out",
        "/desk/events",
        "/desk/fragments/now",
        "/api/v1/alerts",
    ],
)
def test_nobody_is_led_elsewhere(wanted):
    assert safe_next(wanted) == "/desk/"


def test_a_form_comes_back_as_typed():
    kept = carry("/desk/compose", FORM)
    assert unpacked(kept.packed()) == kept
    assert kept.typed() == {"headline": "Crue « rapide »\r\n", "channels": ("x", "page"), "a": ""}


@in_one_test
@pytest.mark.parametrize("name", ["password", "old_password", "new_password_again", "csrf", "code", "carried"])
def test_secrets_are_left_behind(name):
    kept = carry("/desk/compose", MultiDictProxy(MultiDict([(name, "swordfish"), ("headline", "Crue")])))
    assert "swordfish" not in kept.packed()
    planted = json.dumps({"to": "/desk/compose", "fields": [[name, "swordfish"], ["headline", "Crue"]]})
    assert unpacked(planted) == Carried("/desk/compose", (("headline", "Crue"),))


@in_one_test
@pytest.mark.parametrize(
    "fields", [[("a", "x" * (MOST_BYTES + 1))], [("a", "x")] * (MOST_FIELDS + 1), [("password", "x")], []]
)
def test_more_than_anybody_types_is_not_kept(fields):
    assert carry("/desk/compose", MultiDictProxy(MultiDict(fields))) is None


@in_one_test
@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        '{"to": "/desk/compose"}',
        '{"to": "https://evil.example/", "fields": [["a", "b"]]}',
        '{"to": "/desk/sign-out", "fields": [["a", "b"]]}',
        '{"to": "/desk/compose", "fields": [["a"]]}',
        '{"to": "/desk/compose", "fields": 7}',
    ],
)
def test_what_the_browser_made_up_is_not_taken(text):
    assert unpacked(text) is None
