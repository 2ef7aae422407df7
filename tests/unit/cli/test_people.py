"""`tocsin user`, `tocsin token`, `tocsin audit`, as an administrator types them."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from alerts.cli import run
from alerts.cli.options import login

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"
[store]
url = "sqlite:///tocsin.db"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""
FIRST = "a first password of hers"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)
    (tmp_path / "channels.toml").write_text(CHANNELS)
    return tmp_path


@pytest.fixture
def tocsin(folder, capsys):
    """Run a command; what it printed, and what it said. It must do what is asked."""

    def command(*arguments, status=0):
        done = run(arguments)
        out, err = capsys.readouterr()
        assert done == status, err
        return out if status == 0 else err

    return command


@pytest.fixture
def typed(monkeypatch):
    """What stands on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def raw(folder, statement):
    db = sqlite3.connect(folder / "tocsin.db", isolation_level=None)
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()


@pytest.mark.cold
def test_an_account_gets_a_first_password_that_is_shown_once(tocsin, folder):
    password = tocsin("user", "add", "Anne", "--role", "author").strip()
    assert re.fullmatch(r"(\w{4}-){4}\w{4}", password)
    again = lines(tocsin("user", "add", "Bruno", "--role", "APPROVER", "--json"))
    assert again == [{"user": "Bruno", "role": "approver", "password": again[0]["password"]}]

    everything = tocsin("user", "list", "--json") + tocsin("audit", "list", "--json") + tocsin("db", "export")
    assert password not in everything
    assert password.encode() not in (folder / "tocsin.db").read_bytes()
    [(kept,)] = raw(folder, "SELECT password FROM account WHERE folded = 'anne'")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert kept not in everything


def test_a_first_password_may_be_given(tocsin, folder, typed):
    typed(FIRST + "\nrest")
    assert tocsin("user", "add", "Anne", "--role", "author", "--password-stdin") == ""
    typed("short\n")
    assert "--password-stdin" in tocsin("user", "add", "Bruno", "--role", "author", "--password-stdin", status=2)
    typed(FIRST + "\n")
    assert lines(tocsin("user", "reset", "anne", "--password-stdin", "--json")) == [{"user": "Anne", "role": "author"}]


def test_accounts_are_listed_and_changed(tocsin):
    tocsin("user", "add", "Anne", "--role", "author")
    [anne] = lines(tocsin("user", "list", "--json"))
    assert anne == {
        "user": "Anne",
        "role": "author",
        "state": "first password",
        "codes": False,
        "passkeys": 0,
        "signed_in_at": None,
    }
    assert tocsin("user", "list") == "Anne  author  first password  no second factor  never signed in\n"

    tocsin("user", "role", "ANNE", "approver")
    tocsin("user", "disable", "anne")
    [anne] = lines(tocsin("user", "list", "--json"))
    assert (anne["role"], anne["state"]) == ("approver", "disabled")
    tocsin("user", "enable", "anne")
    assert tocsin("user", "reset", "anne").strip()
    acts = [(line["act"], line["subject"]) for line in lines(tocsin("audit", "list", "--json"))]
    assert acts == [
        ("account added", "Anne"),
        ("role changed", "Anne"),
        ("account disabled", "Anne"),
        ("account enabled", "Anne"),
        ("account reset", "Anne"),
    ]


def test_times_are_the_station_s(tocsin, folder):
    tocsin("user", "add", "Anne", "--role", "author")
    tocsin("token", "add", "capteurs", "--role", "author")
    noon = int(datetime(2026, 7, 14, 12, tzinfo=UTC).timestamp()) * 1_000_000
    raw(folder, f"UPDATE account SET signed_in_at = {noon}")
    raw(folder, f"UPDATE token SET created_at = {noon}, used_at = {noon}")

    assert "signed in 2026-07-14 14:00" in tocsin("user", "list")
    assert "used 2026-07-14 14:00" in tocsin("token", "list")
    [anne], [program] = lines(tocsin("user", "list", "--json")), lines(tocsin("token", "list", "--json"))
    told = {anne["signed_in_at"], program["created_at"], program["used_at"]}
    assert told == {"2026-07-14T14:00:00+02:00"}


def test_the_record_tells_who_typed_it(tocsin):
    tocsin("user", "add", "Anne", "--role", "administrator")
    tocsin("user", "add", "Bruno", "--role", "author", "--as", "anne")
    first, second = lines(tocsin("audit", "list", "--json"))
    assert (first["actor"], first["origin"], first["address"]) == (login(), "command", login())
    assert (second["actor"], second["role"], second["address"]) == ("Anne", "administrator", login())
    assert [each["subject"] for each in lines(tocsin("audit", "list", "--json", "--subject", "Bruno"))] == ["Bruno"]
    assert len(lines(tocsin("audit", "list", "--json", "--last", "1"))) == 1
    when, who = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]:00", rf"\(administrator, command, {login()}\)"
    assert re.match(rf"1  {when}  {login()} {who}  account added", tocsin("audit", "list"))


def test_a_token_is_shown_once(tocsin, folder):
    [made] = lines(tocsin("token", "add", "meteo", "--role", "author", "--json"))
    assert made["token"].startswith("tocsin_")
    plain = tocsin("token", "add", "meteo", "--role", "viewer").strip()
    assert plain.startswith("tocsin_")

    listed = tocsin("token", "list", "--json")
    assert [(each["name"], each["role"], each["state"]) for each in lines(listed)] == [
        ("meteo", "author", "ok"),
        ("meteo", "viewer", "ok"),
    ]
    everything = listed + tocsin("token", "list") + tocsin("audit", "list") + tocsin("db", "export")
    assert made["token"] not in everything
    assert plain not in everything
    assert plain.encode() not in (folder / "tocsin.db").read_bytes()

    tocsin("token", "revoke", made["id"])
    assert [each["state"] for each in lines(tocsin("token", "list", "--json"))] == ["revoked", "ok"]
    tocsin("token", "revoke", "METEO")
    assert [each["state"] for each in lines(tocsin("token", "list", "--json"))] == ["revoked", "revoked"]


def test_a_token_never_exceeds_its_person(tocsin):
    tocsin("user", "add", "Anne", "--role", "author")
    assert "allowed for their token: author" in tocsin("token", "add", "anne", "--role", "approver", status=2)


def test_a_program_may_only_report_and_no_person(tocsin):
    tocsin("user", "add", "Anne", "--role", "author")
    [made] = lines(tocsin("token", "add", "fixmystreet", "--role", "reporter", "--json"))
    assert made["role"] == "reporter"
    assert lines(tocsin("token", "add", "Anne", "--role", "reporter", "--json"))[0]["role"] == "reporter"
    for arguments in (["add", "Zoé", "--role", "reporter"], ["role", "Anne", "reporter"]):
        assert "the role reporter can't be had here; allowed: viewer" in tocsin("user", *arguments, status=2)


MISTAKES = [
    (["user", "add", "Anne"], "--role"),
    (["user", "add", "Anne", "--role", "boss"], "administrator"),
    (["user", "add", "--role", "author"], "NAME"),
    (["user", "add", "Zoé", "--role", "author"], "an account already"),
    (["user", "add", "?", "--role", "author"], "no name"),
    (["user", "role", "Zoé", "boss"], "viewer"),
    (["user", "role", "Anne", "author"], "known: Zoé"),
    (["user", "disable", "Anne"], "known: Zoé"),
    (["user", "reset", "Anne"], "known: Zoé"),
    (["user", "add", "Anne", "--role", "author", "--as", "Bruno"], "Bruno"),
    (["token", "add", "x"], "--role"),
    (["token", "revoke", "x"], "known: none"),
    (["audit", "verify", "--expect", "7"], "SEQ:DIGEST"),
    (["audit", "list", "--last", "0"], "--last"),
]


@pytest.mark.parametrize(
    ("arguments", "told"), MISTAKES, ids=lambda each: " ".join(each) if isinstance(each, list) else ""
)
def test_a_mistake_is_told_and_nothing_stored(tocsin, folder, typed, arguments, told):
    tocsin("user", "add", "Zoé", "--role", "author")
    before = raw(folder, "SELECT count(*) FROM audit")
    said = tocsin(*arguments, status=2)
    assert told in said
    assert raw(folder, "SELECT count(*) FROM audit") == before


@pytest.mark.parametrize("role", ["viewer", "author", "approver"])
def test_who_isn_t_an_administrator_is_refused(tocsin, role):
    tocsin("user", "add", "Eve", "--role", role)
    for arguments in (
        ["user", "add", "Eve2", "--role", "administrator"],
        ["user", "role", "Eve", "administrator"],
        ["token", "add", "Eve", "--role", "viewer"],
    ):
        assert f"Eve is {role}" in tocsin(*arguments, "--as", "Eve", status=1)


def test_the_record_verifies_and_a_head_can_be_kept(tocsin, folder):
    tocsin("user", "add", "Anne", "--role", "author")
    head = tocsin("audit", "verify").strip()
    assert re.fullmatch(r"1:[0-9a-f]{64}", head)
    tocsin("user", "disable", "Anne")
    assert tocsin("audit", "verify", "--expect", head).startswith("2:")
    assert lines(tocsin("audit", "verify", "--json")) == [
        {"whole": True, "lines": 2, "head": tocsin("audit", "verify").strip()}
    ]
    assert "line 3 is missing" in tocsin("audit", "verify", "--expect", f"3:{'0' * 64}", status=1)


def test_a_changed_line_is_named(tocsin, folder):
    for name in ("Anne", "Bruno", "Chloé"):
        tocsin("user", "add", name, "--role", "author")
    raw(folder, "DROP TRIGGER audit_is_not_changed")
    raw(folder, "UPDATE audit SET detail = 'administrator' WHERE seq = 2")
    assert "tocsin: line 2 was changed" in tocsin("audit", "verify", status=1)
    assert run(["audit", "verify", "--json"]) == 1


def test_a_strange_word_in_the_record_moves_no_cursor(tocsin, folder):
    tocsin("user", "add", "Anne", "--role", "author")
    raw(folder, "DROP TRIGGER audit_is_not_changed")
    raw(folder, "UPDATE audit SET detail = char(27) || '[2J'")
    assert "\x1b" not in tocsin("audit", "list")


def test_times_are_told_in_utc(tocsin):
    before = datetime.now(UTC).replace(microsecond=0)
    tocsin("user", "add", "Anne", "--role", "author")
    [line] = lines(tocsin("audit", "list", "--json"))
    assert before <= datetime.fromisoformat(line["at"])
    assert line["at"].endswith("+00:00")


def test_the_other_commands_load_nothing_of_it(folder):
    """`post` starts as fast as before: nothing of signing in is imported for it, and no library that it never uses."""
    needless = ("argon2", "webauthn", "pyotp", "alerts.access", "rich", "pygments", "PIL")
    code = (
        "import atexit, sys; from alerts.cli import main; "
        f"atexit.register(lambda: print([name for name in {needless} if sys.modules.get(name)])); "
        "main(['post', '--headline', 'x', '--dry-run'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
