"""A proof of work counts once, in its time, for a challenge of ours; whatever else comes is only doubted."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from altcha import Challenge, Payload, create_challenge, solve_challenge
from hypothesis import given
from hypothesis import strategies as st

from alerts.reports import intake
from alerts.reports.intake import LEAST_COST, LIFETIME, MOST_COST, Proofs, cost_of

pytestmark = pytest.mark.cold
# Neither this machine's time nor near it: the proofs go by the clock that they are given.
NOW = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def solved() -> dict:
    """One challenge, computed once for all tests of this file."""
    asked = json.loads(Proofs("the town's").challenge(NOW))
    return {"challenge": asked, "solution": solve_challenge(Challenge.from_dict(asked)).to_dict()}


@pytest.fixture
def proofs() -> Proofs:
    return Proofs("the town's")


def sent(told: object) -> str:
    return base64.b64encode(json.dumps(told).encode()).decode()


def doubt(proofs: Proofs, told: object, now: datetime = NOW) -> str | None:
    found = proofs.doubt(told if isinstance(told, str) else sent(told), now)
    return found.code if found else None


def test_a_solution_counts_once(proofs, solved):
    assert doubt(proofs, solved) is None
    assert doubt(proofs, solved) == "proof_spent"
    # Written otherwise it is the same.
    assert doubt(proofs, sent({**solved, "more": 1}) + "\n") == "proof_spent"


def test_of_many_threads_with_one_solution_one_counts(proofs, solved):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: doubt(proofs, solved), range(16)))

    assert found.count(None) == 1


def test_another_daemon_of_the_town_takes_it_and_another_town_does_not(solved):
    assert doubt(Proofs("the town's"), solved) is None
    assert doubt(Proofs("another town's"), solved) == "proof_wrong"


def test_it_holds_for_its_time(proofs, solved):
    assert doubt(proofs, solved, NOW + LIFETIME) == "proof_late"
    assert doubt(proofs, solved, NOW + LIFETIME - timedelta(seconds=1)) is None


def test_nothing_is_missing_and_not_wrong(proofs):
    assert doubt(proofs, "") == "proof_missing"


def changed(solved: dict, *path: str, to: object) -> dict:
    copy = json.loads(json.dumps(solved))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = to
    return copy


PARAMETERS = ("challenge", "parameters")


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ((*PARAMETERS, "cost"), 1),
        ((*PARAMETERS, "algorithm"), "SHA-256"),
        ((*PARAMETERS, "keyPrefix"), ""),
        ((*PARAMETERS, "keySignature"), "00"),
        ((*PARAMETERS, "data"), {"until": 2**40}),
        ((*PARAMETERS, "data"), {}),
        ((*PARAMETERS, "data"), [1]),
        ((*PARAMETERS, "data", "until"), "soon"),
        (PARAMETERS, []),
        (("challenge", "signature"), None),
        (("challenge", "signature"), "0" * 64),
        (("challenge",), "é"),
        (("solution", "counter"), -1),
        (("solution", "counter"), 2**40),
        (("solution", "derivedKey"), "00" * 32),
        (("solution", "derivedKey"), {}),
        (("solution",), None),
    ],
)
def test_what_was_changed_is_wrong_and_spends_nothing(proofs, solved, path, to):
    assert doubt(proofs, changed(solved, *path, to=to)) == "proof_wrong"
    assert doubt(proofs, solved) is None


def test_a_challenge_without_our_signature_is_wrong(proofs, solved):
    data = {"until": int((NOW + LIFETIME).timestamp())}
    easy = create_challenge("PBKDF2/SHA-256", 1, key_prefix="", data=data, hmac_secret="guessed")
    answer = Payload(easy, solve_challenge(easy))

    assert doubt(proofs, answer.to_base64()) == "proof_wrong"


@given(
    st.one_of(
        st.text(),
        st.binary().map(lambda raw: base64.b64encode(raw).decode()),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["challenge", "solution", "parameters"]), inner)
            ),
        ).map(sent),
    )
)
def test_nothing_that_is_sent_breaks_it(told):
    assert doubt(Proofs("the town's"), told) in ("proof_wrong", "proof_missing")


def test_a_long_one_is_not_even_read(proofs, solved):
    assert doubt(proofs, {**solved, "more": "a" * intake.LONGEST}) == "proof_wrong"
    assert len(sent(solved)) < intake.LONGEST / 2


def test_brackets_without_end_are_wrong(proofs, monkeypatch):
    monkeypatch.setattr(intake, "LONGEST", 10**6)

    assert doubt(proofs, base64.b64encode(b"[" * 200_000).decode()) == "proof_wrong"


def test_what_was_spent_is_forgotten_in_time_and_never_more_than_so_many(solved, monkeypatch):
    monkeypatch.setattr(intake, "MOST_SPENT", 2)
    full = Proofs("the town's")
    full._spent = {"a": int((NOW + LIFETIME).timestamp()), "b": int((NOW + LIFETIME).timestamp())}
    old = Proofs("the town's")
    old._spent = {"a": int(NOW.timestamp()), "b": int((NOW + LIFETIME).timestamp())}

    assert doubt(full, solved) == "proof_spent"
    assert doubt(old, solved) is None
    assert set(old._spent) == {"b", solved["challenge"]["signature"]}


def test_it_costs_more_while_many_report(proofs):
    assert [cost_of(recent) for recent in (0, 20, 40, 60, 10_000)] == [
        LEAST_COST,
        LEAST_COST,
        (LEAST_COST + MOST_COST) // 2,
        MOST_COST,
        MOST_COST,
    ]
    assert json.loads(proofs.challenge(NOW, 60))["parameters"]["cost"] == MOST_COST


def test_two_challenges_are_never_the_same(proofs):
    assert proofs.challenge(NOW) != proofs.challenge(NOW)
