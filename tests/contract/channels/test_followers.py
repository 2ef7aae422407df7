"""How many people follow a channel: told by the probe, and never in its way."""

from __future__ import annotations

import pytest

FOLLOWERS = {"twitter": 1850, "facebook": 2140, "telegram": 312, "webhook": None}


@pytest.mark.parametrize(("kind", "followers"), FOLLOWERS.items())
async def test_a_probe_tells_how_many_follow(stage, kind, followers):
    assert (await (await stage.open(kind)).probe()).followers == followers


@pytest.mark.parametrize(
    ("kind", "route"), [("facebook", r"GET /v25.0/1234567890"), ("telegram", r"/getChatMemberCount")]
)
@pytest.mark.parametrize("fault", [{"kind": "error_json", "status": 400, "code": 10}, {"kind": "error_html"}])
async def test_a_number_that_is_not_told_is_in_nobodys_way(stage, kind, route, fault):
    await stage.fault(kind, route=route, **fault)
    probe = await (await stage.open(kind)).probe()

    assert (probe.followers, probe.warnings) == (None, ())
    assert probe.account


@pytest.mark.parametrize(("kind", "most"), [("twitter", 1), ("facebook", 2), ("telegram", 3)])
async def test_a_probe_costs_few_requests(stage, kind, most):
    await (await stage.open(kind)).probe()

    assert len(await stage.requests(kind)) == most
