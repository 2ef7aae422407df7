"""Accounts, sessions, tokens and attempts in a real file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.model.person import Account, Passkey, Role, Session, Stage, Token
from alerts.model.town import Secret
from alerts.store.files import connect
from alerts.store.people import Accounts
from alerts.store.views import Views

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
ANNE = Account(
    "Anne",
    Role.AUTHOR,
    "the-hash",
    True,
    NOW,
    "fr",
    Secret("THESEED"),
    42,
    disabled_at=SOON,
    signed_in_at=NOW,
    handle="chance",
)
SESSION = Session("d1", "anne", "the-csrf", Stage.FULL, NOW, NOW, SOON, "192.0.2.1", "Firefox", "codes:THESEED2")
TOKEN = Token("t1", "Meteo", Role.AUTHOR, "the-digest", NOW, "root", SOON, SOON)
KEY = Passkey("k1", "anne", "public", 3, "phone", NOW, SOON, alone=True, asked_at=NOW)


@pytest.fixture
def db(path):
    connection = connect(path)
    yield connection
    connection.close()


@pytest.fixture
def accounts(db):
    return Accounts(db)


def test_what_is_put_is_found_however_its_name_is_spelled(accounts):
    accounts.put_account(ANNE)
    kept = accounts.account(" ＡＮＮＥ ")
    assert replace(kept, totp=None) == replace(ANNE, totp=None)
    assert kept.totp.reveal() == "THESEED"
    accounts.put_account(replace(ANNE, role=Role.VIEWER, totp=None))
    [kept] = accounts.accounts()
    assert (kept.role, kept.totp) == (Role.VIEWER, None)
    assert accounts.account("Bruno") is None


def test_sessions_end_one_by_one_or_all_but_one(accounts):
    accounts.put_account(ANNE)
    accounts.put_account(replace(ANNE, name="Bruno"))
    for number in range(4):
        at = NOW + timedelta(seconds=number)
        accounts.put_session(
            replace(SESSION, digest=f"d{number}", account="Bruno" if number == 3 else "ANNE", created_at=at)
        )

    assert accounts.session("d0") == replace(SESSION, digest="d0")
    assert [each.digest for each in accounts.sessions("Anne")] == ["d2", "d1", "d0"]
    accounts.drop_session("d0")
    assert accounts.session("d0") is None
    accounts.drop_sessions("anne", but="d1")
    assert [each.digest for each in accounts.sessions("Anne")] == ["d1"]
    accounts.drop_sessions("anne")
    assert accounts.sessions("Anne") == []
    assert [each.digest for each in accounts.sessions("bruno")] == ["d3"]


def test_passkeys_and_tokens_are_kept_and_replaced(accounts):
    accounts.put_account(ANNE)
    accounts.put_passkey(KEY)
    accounts.put_passkey(replace(KEY, sign_count=4))
    assert list(accounts.passkeys("ANNE")) == [replace(KEY, sign_count=4)]
    accounts.drop_passkey("k1")
    assert accounts.passkey("k1") is None

    accounts.put_token(TOKEN)
    assert accounts.token("the-digest") == TOKEN
    assert accounts.tokens() == [TOKEN]
    assert accounts.token("another") is None


def test_failures_count_since_the_last_good_attempt_of_the_name(accounts):
    for seconds, name, address, good in [
        (0, "anne", "home", True),
        (0, "Anne", "home", False),
        (1, "ANNE", "home", True),
        (1, "anne", "foe", False),  # at the same moment, but after it
        (2, "anne", "home", False),
        (3, "bruno", "foe", False),
    ]:
        accounts.attempted(NOW + timedelta(seconds=seconds), name, address, good=good)

    def seconds_of(**asked):
        return [(each - NOW).seconds for each in accounts.failures(NOW, **asked)]

    assert seconds_of(name="Anne") == [1, 2]
    assert seconds_of(name="Anne", address="foe") == [1]
    assert seconds_of(address="foe") == [1, 3]
    assert seconds_of(address="home") == [0, 2]
    assert accounts.failures(NOW + timedelta(seconds=2), name="Anne") == [NOW + timedelta(seconds=2)]
    assert accounts.failing_addresses(NOW, 2) == ["foe", "home"]
    assert accounts.failing_addresses(NOW + timedelta(seconds=3), 1) == ["foe"]


def test_an_attempt_may_be_taken_back(accounts):
    number = accounts.attempted(NOW, "anne", "home", good=False)
    kept = accounts.attempted(NOW, "anne", "home", good=False)
    accounts.forget_attempt(number)
    assert len(accounts.failures(NOW, name="anne")) == 1
    accounts.forget_attempt(kept)
    assert accounts.failures(NOW, name="anne") == []


def test_a_good_attempt_makes_its_address_known_for_the_name(accounts):
    accounts.attempted(NOW, "Anne", "home", good=True)
    accounts.attempted(NOW, "Anne", "foe", good=False)
    assert accounts.came_in(NOW, "home", name="anne")
    assert accounts.came_in(NOW, "home")
    assert not accounts.came_in(NOW, "home", name="bruno")
    assert not accounts.came_in(NOW, "foe", name="anne")
    assert not accounts.came_in(SOON, "home", name="anne")


def test_what_is_over_is_swept_away(accounts, db):
    accounts.put_account(ANNE)
    accounts.put_session(SESSION)
    for good in (True, False):
        for at in (NOW, SOON):
            accounts.attempted(at, "anne", "home", good=good)

    accounts.sweep(SOON - timedelta(microseconds=1), NOW, NOW)
    assert accounts.session("d1")
    accounts.sweep(SOON, SOON, NOW)
    assert accounts.session("d1") is None
    left = db.execute("SELECT good, count(*) FROM sign_in GROUP BY good").fetchall()
    assert [tuple(row) for row in left] == [(0, 1), (1, 2)]


def test_no_secret_is_exported(accounts, db):
    accounts.put_account(ANNE)
    accounts.put_account(replace(ANNE, name="Bruno", totp=None))
    accounts.put_session(SESSION)
    accounts.put_token(TOKEN)
    accounts.put_passkey(KEY)

    rows = list(Views(db).export())
    secrets = ["the-hash", "THESEED", "the-csrf", "d1", "THESEED2", "the-digest"]
    assert not [secret for secret in secrets if secret in str(rows)]
    anne, bruno = [row for row in rows if row["table"] == "account"]
    assert (anne["password"], anne["totp"], anne["role"]) == ("***", "***", "author")
    assert bruno["totp"] is None


def test_nobody_prints_a_secret_by_mistake():
    shown = repr([ANNE, SESSION, TOKEN, KEY])
    assert not [secret for secret in ("the-hash", "THESEED", "the-csrf", "d1", "the-digest") if secret in shown]
