"""What people say, by programs: taken in once under a key, answered once, validated by another."""

from __future__ import annotations

import pytest

from tests.unit.web.api.bureau import CHANNELS, open_bureau

HEARS = CHANNELS.replace('kind = "telegram"\n', 'kind = "telegram"\nhears = true\n', 1)
LISTENS = HEARS + '\n[listening]\nanswers = "auto"\n'


@pytest.fixture
async def hearing(tmp_path):
    async with open_bureau(tmp_path, LISTENS) as found:
        yield found


async def said(bureau, **more):
    alert = await bureau.posted()
    await bureau.told("POST", f"/alerts/{alert['alert']}/approve", "approver")
    body = {"text": "Et l’école ?", "incident": alert["alert"], **more}
    return await bureau.told("POST", "/heard", json=body)


async def test_it_is_taken_in_listed_and_answered(hearing):
    heard = await said(hearing, where="au guichet")
    assert (heard["channel"], heard["state"], heard["kind"]) == ("elsewhere", "unread", "question")
    assert (await hearing.told("GET", "/heard", "viewer"))["heard"] == [heard]
    [asked] = (await hearing.told("GET", "/questions", "viewer"))["questions"]
    assert (asked["question"], asked["count"], asked["answer"]) == (heard["question"], 1, None)

    path, body = f"/questions/{heard['question']}/answer", {"text": "Elle est ouverte.", "next": True}
    await hearing.told("POST", path, "viewer", json=body, status=403)
    done = await hearing.told("POST", path, json=body)
    assert (done["state"], done["answer"]) == ("answered", "Elle est ouverte.")
    assert (await hearing.told("GET", "/heard"))["heard"] == []
    assert len((await hearing.told("GET", "/heard?show=all"))["heard"]) == 1


async def test_the_same_key_takes_it_in_once(hearing):
    key = {"Idempotency-Key": "guichet-1"}
    for _ in range(2):
        await hearing.told("POST", "/heard", json={"text": "Et l’école ?"}, headers=key)
    assert len((await hearing.told("GET", "/heard"))["heard"]) == 1


async def test_an_answer_is_validated_by_another(tmp_path):
    async with open_bureau(tmp_path, HEARS) as bureau:
        heard = await said(bureau)
        path = f"/questions/{heard['question']}/answer"
        waits = await bureau.told("POST", path, "approver", json={"text": "Oui."})
        assert waits["state"] == "open"
        await bureau.told("POST", f"/answers/{waits['waiting']}/approve", "approver", status=403)
        out = await bureau.told("POST", f"/answers/{waits['waiting']}/approve", "administrator")
        assert (out["state"], out["waiting"]) == ("answered", None)
        await bureau.told("POST", f"/answers/{waits['waiting']}/reject", "administrator", status=409)


async def test_what_is_not_there_is_told(hearing):
    await hearing.told("POST", "/questions/nothing/answer", json={"text": "Oui."}, status=404)
    await hearing.told("POST", "/answers/nothing/approve", "approver", status=404)


async def test_a_town_that_listens_to_nothing_has_nothing_and_takes_nothing(bureau):
    assert await bureau.told("GET", "/heard") == {"heard": []}
    assert await bureau.told("GET", "/questions") == {"questions": []}
    problem = await bureau.told("POST", "/heard", json={"text": "Et l’école ?"}, status=422)
    assert "hears = true" in problem["detail"]
