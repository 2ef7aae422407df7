"""Codes and passwords by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unicodedata import normalize

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from pyotp import TOTP

from alerts.access.factors import SEED_BYTES, STEP, seed_of, step_of
from alerts.access.passwords import LONGEST, Passwords, fault_of
from alerts.access.sessions import Refusal
from alerts.model.person import fold_name
from tests.walls import in_one_test

SEED = seed_of(bytes(range(SEED_BYTES)))
APP = TOTP(SEED.reveal())
NOW = datetime(2026, 11, 25, 12, 0, 10, tzinfo=UTC)
PRESENT = int(NOW.timestamp()) // STEP
TRIED = """123456789012 0123456789012 210987654321 111111111111 121212121212 abababababab 123412341234 abcdefghijkl
    azertyuiop12 azertyuiopqs qsdfghjklmwx azerty123456 qwertyuiopas 1q2w3e4r5t6y 1qaz2wsx3edc qazwsxedcrfv poiuytrewq09
    motdepasse12 Motdepasse2026! MotDePasse123! password1234 passwordpassword P@ssw0rd2026 tocsintocsin administrateur
    bienvenue123 changeme1234 jetaime12345 letmein12345 marseille123 soleil-2026-soleil Mairie2026!! alerte-tocsin-1
    aaaaaaaaaaaaaaaaaaaaaaab"""
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_a_code_is_good_for_its_step_and_its_neighbours_and_only_forward(drift, after):
    step = step_of(SEED, APP.generate_otp(PRESENT + drift), NOW, PRESENT + after)
    assert step == (PRESENT + drift if abs(drift) <= 1 and drift > after else None)


@given(st.integers(0, 10**9))
def test_a_code_is_never_taken_twice(seconds):
    now = NOW + timedelta(seconds=seconds)
    code = APP.at(now)
    step = step_of(SEED, code, now, 0)
    assert step is not None
    assert all(step_of(SEED, code, now + timedelta(seconds=later), step) is None for later in (0, 1, 29, 30))


@given(st.text())
def test_whatever_is_typed_is_a_code_or_isn_t(typed):
    assert step_of(SEED, typed, NOW, 0) in (None, PRESENT - 1, PRESENT, PRESENT + 1)


def test_digits_of_another_script_are_no_code():
    arabic = APP.at(NOW).translate({ord(str(digit)): 0x0660 + digit for digit in range(10)})
    assert step_of(SEED, arabic, NOW, 0) is None


@in_one_test
@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "été à la mer 2026",
        "🌊" * 3 + "marée haute",
        "seize chevaux traversent le pont",
        "le chat de Martin dort",
        "kq7-vbn2-x9d",
        "582047183664",
    ],
)
def test_length_is_what_counts(password):
    assert fault_of(password, "Anne Martin", "Ville de Saint-Martin") is None


@in_one_test
@pytest.mark.parametrize(
    "password",
    TRIED.split(),
)
def test_what_is_tried_first_is_refused(password):
    assert fault_of(password, "Zoé") is Refusal.USUAL


@in_one_test
@pytest.mark.parametrize(
    "password", ["Martin-Anne-2026", "annemartin12!", "Saint-Martin-2026", "saintmartin1234", "4nnem4rtin2026"]
)
def test_names_that_everybody_here_knows_are_refused(password):
    assert fault_of(password, "Anne Martin", "Ville de Saint-Martin") is Refusal.NAMED


def test_what_blanks_take_apart_is_the_same():
    assert fault_of("PASSWORD 1234", "Zoé") is Refusal.USUAL
    assert fault_of("1 2 3 4 5 6 7 8", "Zoé") is Refusal.USUAL


@given(st.text(max_size=300), st.text(min_size=1, max_size=30))
def test_every_password_that_may_be_chosen_opens_and_no_other(password, other):
    passwords = Passwords(CHEAP)
    if fault_of(password, "Anne") is not None:
        return
    try:
        kept = passwords.hash_now(password)
    except UnicodeEncodeError:
        return
    assert passwords._verify(kept, password).right
    if normalize("NFKC", password + other) != normalize("NFKC", password):
        assert not passwords._verify(kept, password + other).right
    assert not passwords._verify(None, password).right


def test_an_accent_opens_however_the_keyboard_spells_it():
    kept = Passwords(CHEAP).hash_now("été à la mer")
    assert Passwords(CHEAP)._verify(kept, normalize("NFD", "été à la mer")).right


@pytest.mark.parametrize("typed", ["nobody's password", "", "x" * (LONGEST + 1), "x" * 10**6, "\udcff"])
async def test_nothing_opens_what_isn_t_there(typed):
    assert not (await Passwords(CHEAP).verify(None, typed)).right
    assert not (await Passwords(CHEAP).verify("not a hash", typed)).right
    assert not (await Passwords(CHEAP).verify(CHEAP.hash("another one"), typed)).right


@given(st.text())
def test_a_folded_name_stays_as_it_is(name):
    """Accounts are found by a name as typed and by one as kept."""
    assert fold_name(fold_name(name)) == fold_name(name)
