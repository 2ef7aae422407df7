"""`tocsin heard` and `tocsin answer`: one object a line, and a town that listens to nothing says what to set."""

from __future__ import annotations

import json

import pytest

from alerts.cli import run

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
language = "en"
areas = ["INSEE:38185"]
[store]
url = "sqlite:///tocsin.db"
[channels.page]
kind = "facebook"
page_id = "122"
token = { env = "PAGE_TOKEN" }
hears = true
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)
    monkeypatch.setenv("PAGE_TOKEN", "secret")
    (tmp_path / "channels.toml").write_text(CHANNELS)
    return tmp_path


def lines(capsys, *words) -> list[dict]:
    capsys.readouterr()
    assert run([*words, "--json"]) == 0, capsys.readouterr().err
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def added(capsys, *words) -> tuple[str, dict]:
    """An alert that is stored, and what was said of it."""
    [alert] = lines(capsys, "post", "--headline", "Coupure d’eau", "--severity", "Severe", "--instruction", "Bouillez.")
    [said] = lines(capsys, "heard", "add", "--text", "Et l’école ?", "--incident", alert["alert"], *words)
    return alert["incident"], said


def test_what_was_heard_elsewhere_is_listed_and_answered_once(capsys):
    incident, said = added(capsys, "--where", "au guichet")
    keys = ("channel", "incident", "text", "kind", "state")
    assert [said[key] for key in keys] == ["elsewhere", incident, "Et l’école ?", "question", "unread"]

    heard, asked = lines(capsys, "heard")
    assert heard["utterance"] == said["utterance"]
    assert {
        "question": said["question"],
        "words": "Et l’école ?",
        "count": 1,
        "channels": {"elsewhere": 1},
    }.items() <= (asked.items())
    assert (asked["incident"], asked["state"], asked["answer"]) == (incident, "open", None)

    [done] = lines(capsys, "answer", said["question"], "--text", "Elle est ouverte.", "--next")
    assert (done["state"], done["answer"]) == ("answered", "Elle est ouverte.")
    # Who asked has been seen to: only `--all` has them still.
    assert [line.get("utterance") for line in lines(capsys, "heard")] == [None]
    assert [line.get("state") for line in lines(capsys, "heard", "--all")] == ["handled", "answered"]


def test_a_second_person_lets_an_answer_out_by_its_id(capsys, folder):
    (folder / "channels.toml").write_text(CHANNELS + '[listening]\nanswers = "approve"\n')
    _, said = added(capsys)
    [waits] = lines(capsys, "answer", said["question"], "--text", "Oui.", "--as", "Anne")
    assert waits["waiting"]

    assert run(["approve", waits["waiting"], "--as", "Anne"]) == 1
    assert run(["approve", waits["waiting"], "--as", "Paul"]) == 0
    assert [line["state"] for line in lines(capsys, "heard") if "words" in line] == ["answered"]
    assert run(["reject", waits["waiting"], "--as", "Paul"]) == 1


def test_explain_and_status_tell_what_was_heard_and_answered(capsys):
    incident, said = added(capsys)
    assert [line for line in lines(capsys, "status") if "heard" in line] == [
        {"heard": 1, "raised": 0, "questions": 1, "waiting": 0}
    ]
    lines(capsys, "answer", said["question"], "--text", "Elle est ouverte.")

    told = [(each["what"], each["reason"]) for each in lines(capsys, "explain", incident)]
    assert ("heard", f"{said['utterance']} (question): Et l’école ?") in told
    assert ("asked", f"{said['question']}, 1 times: Et l’école ?") in told
    [(_, answer)] = [each for each in told if each[0] == "answer"]
    assert answer.endswith(f"to {said['question']}, accepted: Elle est ouverte.")
    assert ("answered", f"to question {said['question']}") in told


def test_a_question_that_nobody_asked_is_wrong_use(capsys):
    added(capsys)
    assert run(["answer", "nosuchquestion", "--text", "Oui."]) == 2
    assert "nosuchquestion" in capsys.readouterr().err


def test_a_town_that_listens_to_nothing_says_what_to_set(capsys, folder):
    (folder / "channels.toml").write_text(CHANNELS.replace("hears = true\n", ""))
    for words in (["heard"], ["heard", "add", "--text", "x"], ["answer", "abcd", "--text", "x"]):
        assert run(words) == 2
        assert "hears = true" in capsys.readouterr().err
