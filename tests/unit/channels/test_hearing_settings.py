"""Who may hear: X by its written approval, other keys and a budget; Facebook's webhook by two secrets."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from pydantic import ValidationError

from alerts.channels.settings import FacebookSettings, TwitterSettings
from alerts.config.faults import faults_of
from tests.walls import in_one_test

KEYS = {
    name: {"env": name.upper()} for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
}
OTHERS = {name: {"env": f"LISTEN_{name.upper()}"} for name in KEYS}
WHOLE = {"hears": True, "approved": date(2026, 11, 1), "listen": OTHERS, "budget": 5.0}


def told(**more):
    """What is wrong with an account on X."""
    try:
        TwitterSettings.model_validate({"kind": "twitter", **KEYS, **more})
    except ValidationError as error:
        return [str(what) for _, what in faults_of("channels.x", error, TwitterSettings)]
    return []


def test_an_account_that_hears_has_xs_approval_other_keys_and_a_budget():
    assert told(**WHOLE) == []


@pytest.mark.parametrize("missing", ["approved", "listen", "budget"])
def test_what_is_missing_is_named_with_the_reason(missing):
    [line] = told(**{name: value for name, value in WHOLE.items() if name != missing})
    assert "X approved it in writing; missing for hears = true: " in line
    names = [name for name in ("approved", "listen", "budget") if f"{name} (" in line]
    assert names == [missing]


def test_all_that_is_missing_is_named_at_once():
    [line] = told(hears=True)
    assert all(f"{name} (" in line for name in ("approved", "listen", "budget"))


def test_who_does_not_hear_needs_none_of_it():
    assert told() == []


def test_an_approval_of_tomorrow_is_none():
    tomorrow = datetime.now().astimezone().date() + timedelta(days=1)
    assert "is yet to come" in told(**WHOLE | {"approved": tomorrow})[0]
    assert told(**WHOLE | {"approved": tomorrow - timedelta(days=1)}) == []


@pytest.mark.parametrize("key", ["consumer_key", "access_token"])
def test_the_account_that_posts_is_never_the_one_that_reads(key):
    [line] = told(**WHOLE | {"listen": OTHERS | {key: KEYS[key]}})
    assert f"listen has the {key} of the account that posts" in line


def test_a_key_that_is_missing_among_the_others_is_named():
    lines = told(**WHOLE | {"listen": {"consumer_key": OTHERS["consumer_key"]}})
    assert len(lines) == 3


@in_one_test
@pytest.mark.parametrize("budget", [0, -1, "much", float("nan"), float("inf")])
def test_a_budget_is_a_sum_of_money(budget):
    assert told(**WHOLE | {"budget": budget})


@in_one_test
@pytest.mark.parametrize(
    ("more", "is_brought"),
    [
        ({"hears": True, "app_secret": {"env": "A"}, "verify_token": {"env": "B"}}, True),
        ({"hears": False, "app_secret": {"env": "A"}, "verify_token": {"env": "B"}}, False),
        ({"hears": True, "app_secret": {"env": "A"}}, False),
        ({"hears": True, "verify_token": {"env": "B"}}, False),
    ],
)
def test_facebook_brings_something_only_where_it_is_heard_and_both_secrets_are_named(more, is_brought):
    page = {"kind": "facebook", "page_id": "1", "token": {"env": "T"}}
    assert FacebookSettings.model_validate(page | more).is_brought is is_brought
