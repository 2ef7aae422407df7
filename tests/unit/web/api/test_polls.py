"""Polls by programs: asked once under a key, validated by another, no number before the end whatever the role."""

from __future__ import annotations

import json

import pytest

from alerts.model.poll import Ballot, PollCount
from tests.unit.web.api.bureau import ROLES
from tests.walls import in_one_test

WISH = {"question": "Fermer la place le samedi ?", "options": ["Oui", "Non"], "until": "1h", "channels": ["telegram"]}


async def asked(bureau, **changes):
    return await bureau.told("POST", "/polls", json=WISH | changes, status=201)


async def opened(bureau, **changes):
    poll = await asked(bureau, **changes)
    return await bureau.told("POST", f"/polls/{poll['poll']}/approve", "approver")


async def test_a_poll_is_asked_validated_closed_and_told(bureau):
    waits = await asked(bureau)
    assert (waits["state"], waits["author"], waits["posts"]) == ("waiting", "author", [])
    path = f"/polls/{waits['poll']}"
    await bureau.told("POST", f"{path}/approve", "author", status=403)
    poll = await bureau.told("POST", f"{path}/approve", "approver")
    assert (poll["state"], poll["approved_by"]) == ("open", "approver")
    assert [post["channel"] for post in poll["posts"]] == ["telegram"]
    assert await bureau.told("GET", path, "viewer") == poll
    assert (await bureau.told("GET", "/polls", "viewer"))["polls"] == [poll]
    assert (await bureau.told("POST", f"{path}/close"))["state"] == "closed"
    await bureau.told("POST", f"{path}/close", status=409)
    await bureau.service.act(lambda unit: unit.polls.counted(poll["poll"], "telegram", PollCount((3, 1)), unit.now))
    result = await bureau.told("GET", f"{path}/results", "viewer")
    assert (result["channels"], result["turnout"]) == ({"telegram": {"Oui": 3, "Non": 1}}, 4)
    await bureau.told("POST", f"{path}/publish", json={"seen": "0" * 64}, status=409)
    assert (await bureau.told("POST", f"{path}/publish", json={"seen": result["fingerprint"]}))["published"]
    waits = (await bureau.told("POST", f"{path}/outcome", json={"outcome": "Elle ferme."}))["waits"]
    assert (await bureau.told("GET", f"{path}/results", "viewer"))["outcome"] is None
    approve = f"/answers/{waits['answer']}/approve"
    await bureau.told("POST", approve, "approver", json={"seen": "0" * 64}, status=409)
    await bureau.told("POST", approve, "approver", json={"seen": waits["fingerprint"]})
    assert (await bureau.told("GET", f"{path}/results", "viewer"))["outcome"] == "Elle ferme."


async def test_the_same_key_asks_once(bureau):
    key = {"Idempotency-Key": "samedi"}
    first = await bureau.ask("POST", "/polls", json=WISH, headers=key)
    again = await bureau.ask("POST", "/polls", json=WISH, headers=key)
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert await first.json() == await again.json()
    assert first.headers["Location"] == f"/api/v1/polls/{(await first.json())['poll']}"
    assert len((await bureau.told("GET", "/polls"))["polls"]) == 1


async def test_no_answer_has_a_number_before_the_end_whatever_the_role(bureau):
    poll = await opened(bureau)

    def vote(unit):
        found = unit.polls.poll(poll["poll"])
        for number in range(77):
            unit.polls.vote(found, Ballot("web", str(number), 0), unit.now)

    await bureau.service.act(vote)
    # A reporter sees nothing at all.
    for role in ROLES[1:]:
        result = await bureau.told("GET", f"/polls/{poll['poll']}/results", role)
        assert result == {"poll": poll["poll"], "state": "open", "turnout": 77}
        for path in ("/polls", f"/polls/{poll['poll']}", "/status", "/audit", "/channels", "/alerts"):
            answer = await bureau.ask("GET", path, role)
            assert "77" not in json.dumps(await answer.json(content_type=None))
    await bureau.told("POST", f"/polls/{poll['poll']}/publish", json={}, status=409)


async def test_a_dry_run_stores_nothing(bureau):
    told = await bureau.told("POST", "/polls", json=WISH | {"dry_run": True})
    [telegram] = told["channels"]
    assert (telegram["channel"], telegram["way"], telegram["count"]) == ("telegram", "poll", 27)
    assert (await bureau.told("GET", "/polls"))["polls"] == []


@in_one_test
@pytest.mark.parametrize(
    "changes",
    [
        {"options": ["Oui"]},
        {"options": ["Oui", "Non", "Si", "No", "?"]},
        {"options": ["a" * 26, "b"]},
        {"until": "4m"},
        {"until": "whenever"},
        {"channels": ["page"]},
        {"channels": ["nowhere"]},
        {"question": ""},
        {"votes": 3},
    ],
)
async def test_what_is_wrong_is_told(bureau, changes):
    await bureau.told("POST", "/polls", json=WISH | changes, status=422)


async def test_who_only_looks_asks_nothing_and_nothing_has_a_made_up_name(bureau):
    await bureau.told("POST", "/polls", "viewer", json=WISH, status=403)
    await bureau.told("POST", "/polls", "nobody", json=WISH, status=401)
    await bureau.told("GET", "/polls/nothing", status=404)
    poll = await asked(bureau)
    await bureau.told("GET", f"/polls/{poll['poll'][:8]}", status=404)
    assert (await bureau.told("POST", f"/polls/{poll['poll']}/reject", json={"reason": "trop tôt"}))[
        "state"
    ] == "rejected"
