"""The document is what is served: every operation, under attack by its own schemas, answers as it says."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from contextlib import contextmanager

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, not_a_server_error
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from alerts.web.api.document import EVERY_OPERATION, document
from alerts.web.api.guard import TokenPace
from alerts.web.api.problems import ProblemType
from tests.unit.web.api.bureau import ROLES, open_bureau
from tests.walls import in_one_test

DOCUMENT = json.loads(json.dumps(document()))
SCHEMA = schemathesis.openapi.from_dict({**DOCUMENT, "security": []})
"""Without the token, which the tests bring themselves: what is made of it isn't to be mistaken for what they send."""
URGENT = {"severity": "Severe", "urgency": "Immediate"}
WIDE = TokenPace("token", burst=10**9, each_second=1)
EXAMPLES = int(os.environ.get("TOCSIN_EXAMPLES", "3"))
CALM = settings(
    max_examples=EXAMPLES,
    derandomize="TOCSIN_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
HOLDS = [
    not_a_server_error,
    *CHECKS.get_by_names(
        [
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        ]
    ),
]
REFUSES = [*HOLDS, *CHECKS.get_by_names(["negative_data_rejection"])]


@contextmanager
def served(folder):
    """A bureau in a thread of its own, since Schemathesis waits for each answer."""
    loop, opened, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found = {}

    async def serve():
        async with open_bureau(folder, pace=WIDE) as bureau:
            found["url"] = str(bureau.client.make_url("/api/v1"))
            found["alerts"] = [await stock(bureau, number) for number in range(4)]
            found["tokens"] = bureau.tokens
            opened.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert opened.wait(30)
        yield found
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


async def stock(bureau, number):
    """An alert that is out, one that failed, and two that wait."""
    urgent = URGENT if number < 2 else {}
    told = await bureau.posted("administrator" if number == 3 else "author", headline=f"Alerte {number}", **urgent)
    state = ("sent", "failed", "waiting", "waiting")[number]
    await bureau.write("UPDATE post SET state = ? WHERE alert_id = ?", state, told["alert"])
    return told


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with served(tmp_path_factory.mktemp("bureau")) as found:
        yield found


def operation_of(operation):
    return SCHEMA[operation.path][operation.method]


def bearer(desk, role):
    return {"Authorization": f"Bearer {desk['tokens'][role]}"}


def test_the_document_is_openapi_3_1():
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(DOCUMENT)] == []
    names = [each.name for each in EVERY_OPERATION]
    assert len(names) == len(set(names))


def test_it_is_the_same_each_time():
    assert json.dumps(document.__wrapped__()) == json.dumps(document())


async def test_it_is_told_to_anybody(bureau):
    assert await bureau.told("GET", "/openapi.json", None) == DOCUMENT


def test_every_kind_of_trouble_is_declared_somewhere():
    declared = {status for operation in EVERY_OPERATION for status in operation.statuses}

    assert {kind.status for kind in ProblemType} == declared
    assert "304" in DOCUMENT["paths"]["/alerts/{id}"]["get"]["responses"]


@in_one_test
@pytest.mark.parametrize("operation", EVERY_OPERATION)
def test_what_may_be_asked_is_answered_as_the_document_says(desk, operation):
    named = [name for told in desk["alerts"] for name in (told["alert"], told["incident"], told["posts"][0]["id"])]

    @CALM
    @given(
        case=operation_of(operation).as_strategy(),
        name=st.none() | st.sampled_from(named),
        role=st.sampled_from(ROLES[::-1]),
    )
    def attack(case, name, role):
        if operation.is_about_one and name is not None:
            case.path_parameters["id"] = name
        answer = case.call(base_url=desk["url"], headers=bearer(desk, role))
        case.validate_response(answer, checks=HOLDS)

    attack()


@in_one_test
@pytest.mark.parametrize("operation", EVERY_OPERATION)
def test_what_may_not_be_asked_is_refused(desk, operation):
    declared = operation_of(operation)

    @CALM
    @given(case=declared.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def attack(case):
        answer = case.call(base_url=desk["url"], headers=bearer(desk, "administrator"))
        case.validate_response(answer, checks=REFUSES)

    if operation.query.model_fields or operation.is_about_one or operation.wish:
        attack()


@CALM
@given(data=st.data())
def test_what_was_posted_leads_on(desk, data):
    """An alert that was just made, and whatever may be done to it, in any order and again."""
    words = {"headline": "Crue", "again": True, **data.draw(st.sampled_from([{}, URGENT]))}
    post = SCHEMA["/alerts"]["POST"].Case(body=words, media_type="application/json")
    answer = post.call(base_url=desk["url"], headers=bearer(desk, "author"))
    links = DOCUMENT["paths"]["/alerts"]["post"]["responses"]["201"]["links"]

    for name in data.draw(st.lists(st.sampled_from(sorted(links)), min_size=1, max_size=6)):
        case = data.draw(operation_of(next(one for one in EVERY_OPERATION if one.name == name)).as_strategy())
        case.path_parameters["id"] = answer.json()["alert"]
        followed = case.call(base_url=desk["url"], headers=bearer(desk, "administrator"))
        case.validate_response(followed, checks=HOLDS)
        assert followed.status_code != 404
