"""`tocsin reports` and `tocsin report add | accept | close`, beside the report of an incident."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerts.cli import run
from alerts.model.job import Job
from alerts.model.post import PostState
from alerts.store.connection import migrate
from alerts.store.unit import acting
from tests.unit.cli.test_polls import CHANNELS
from tests.walls import in_one_test


@pytest.fixture
def tocsin(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)
    (tmp_path / "channels.toml").write_text(CHANNELS.replace("PUBLISH", "auto") + '[reports]\nprefix = "SM"\n')

    def typed(*words, status=0):
        assert run(list(words)) == status
        told = capsys.readouterr()
        return told.out if status == 0 else told.err

    return typed


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_report_is_added_accepted_and_closed(tocsin):
    [added] = rows(tocsin("report", "add", "--kind", "flooding", "--at", "45.19,5.71", "--text", "Water", "--json"))
    assert added == {
        "report": added["report"],
        "kind": "flooding",
        "state": "received",
        "place": {"lat": 45.19, "lon": 5.71, "words": added["place"]["words"]},
        "at": added["at"],
        "text": "Water",
        "incident": None,
        "draft": None,
        "received_at": added["received_at"],
        "via": "officer",
        "closing": None,
        "answer": None,
        "reason": None,
        "reason_code": None,
        "forwarded": [],
        "waits": None,
        "fingerprint": added["fingerprint"],
    }
    number = added["report"]
    assert number.startswith("SM-")
    assert rows(tocsin("reports", "--json")) == [added]
    assert "  taken up  Flooding  " in tocsin("report", "accept", number)
    assert rows(tocsin("reports", "--json", "--state", "accepted", "--kind", "flooding"))[0]["report"] == number
    [closed] = rows(tocsin("report", "close", number, "--text", "Pumped", "--closing", "done", "--json"))
    assert closed["state"] == "closed"
    assert tocsin("reports", "--state", "received") == ""
    assert number in tocsin("reports")
    file = Path("channels.toml")
    file.write_text(file.read_text().replace('language = "en"', 'language = "fr-FR"'))
    assert "  clos  Inondation  " in tocsin("reports")


def test_a_report_is_forgotten_at_once_by_its_number(tocsin, tmp_path):
    [added] = rows(tocsin("report", "add", "--kind", "flooding", "--at", "45.19,5.71", "--text", "Chez Luc", "--json"))
    number = added["report"]
    tocsin("forget", "--report", number, "--dry-run")
    assert rows(tocsin("reports", "--json"))[0]["text"] == "Chez Luc"
    tocsin("forget", "--report", number)
    [gone] = rows(tocsin("reports", "--json"))
    assert (gone["text"], gone["place"]["lat"], gone["state"]) == (None, None, "closed")
    tocsin("forget", "--report", number)
    held = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"Chez Luc" not in held
    assert "no report has this number" in tocsin("forget", "--report", "SM-26-9999", status=2)
    assert "--report NUMBER" in tocsin("forget", "--report", number, "--due", status=2)


@in_one_test
@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["report", "add", "--kind", "dragons", "--at", "45.19,5.71"], "no kind of report"),
        (["report", "add", "--kind", "flooding", "--at", "here"], "is no position"),
        (["report", "add", "--kind", "flooding"], "where is it"),
        (["report", "close", "SM-26-0009"], "no report has this number"),
        (["report", "close", "SM-26-0009", "--closing", "erased"], "not found"),
        (["reports", "--state", "gone"], "set aside"),
    ],
)
def test_a_mistake_is_told(tocsin, line, says):
    assert says in tocsin(*line, status=2)


def test_the_report_of_an_incident_is_there_as_ever(tocsin):
    [alert] = rows(tocsin("post", "--headline", "Flood", "--severity", "Severe", "--json"))
    [told] = rows(tocsin("report", alert["incident"], "--json"))
    assert told["incident"] == alert["incident"]
    [again] = rows(tocsin("report", "--json", alert["incident"]))
    assert again | {"made_at": ""} == told | {"made_at": ""}
    assert "ID is missing" in tocsin("report", status=2)


def test_a_town_without_reports_says_so(tocsin, tmp_path):
    (tmp_path / "channels.toml").write_text(CHANNELS.replace("PUBLISH", "auto"))
    assert "takes no reports" in tocsin("reports", status=2)


def test_status_counts_the_jobs_that_fail_and_says_where_to_look(tocsin):
    """Messages to reporters, reports handed on and moderation have no post that could tell of them."""
    store = Path("tocsin.db").absolute()
    migrate(store)
    with acting(store) as unit:
        for number in range(2):
            unit.jobs.put(Job("telegram", "news", str(number), 7, tries=3))
        unit.jobs.put(Job("page", "hide", "r1", state=PostState.SENDING, tries=1, owner="us"))

    told = rows(tocsin("status", "--json"))
    assert [each for each in told if "jobs" in each] == [
        {"jobs": "news", "channel": "telegram", "state": "queued", "count": 2}
    ], "one that is being sent hasn't failed"
    [line] = [each for each in tocsin("status").splitlines() if each.startswith("jobs ")]
    assert line.endswith("2 messages to people who reported: see /reports at the desk")
