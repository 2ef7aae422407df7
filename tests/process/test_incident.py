"""The life of an incident, as its readers see it."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.process


def newest(town, platform: str) -> dict:
    return max(town.timelines()[platform], key=lambda post: post["created_at"])


@pytest.mark.both_stores
def test_an_update_answers_on_x_and_telegram_and_changes_the_page(town):
    town.configure()
    town.start_daemon()
    first = town.post("Rue Basse fermée", "--wait")
    done = town.tocsin("update", first["alert"], "--instruction", "Passez par la rue Haute.", "--wait", "--json")

    assert done.returncode == 0, done.stderr
    second = json.loads(done.stdout)
    assert second["incident"] == first["incident"]
    assert {post["kind"] for post in second["posts"]} == {"update"}
    ids = {post["channel"]: post["remote_id"] for post in first["posts"]}
    assert newest(town, "twitter")["reply_to"] == ids["x"]
    assert str(newest(town, "telegram")["reply_to"]) == ids["telegram"]
    (page,) = town.timelines()["facebook"]
    assert "rue Haute" in page["text"]
    assert len(page["edits"]) == 1


def test_a_cancellation_that_comes_before_the_alert_went_out_takes_it_back(town):
    town.configure()
    stored = town.post("Rue Haute fermée")
    done = town.tocsin("cancel", stored["alert"], "--reason", "Le chantier est annulé.")
    assert done.returncode == 0, done.stderr

    town.start_daemon()
    town.post("Autre chose", "--wait")

    assert all("Rue Haute" not in post["text"] for posts in town.timelines().values() for post in posts)
    states = {post["state"] for each in town.objects("status", "--all") for post in each.get("posts", ())}
    assert states == {"superseded", "sent"}


def test_a_correction_goes_where_the_wrong_alert_is_and_says_what_stays_wrong(town):
    town.configure()
    town.start_daemon()
    wrong = town.post("Évacuation du quartier Nord", "--severity", "Extreme", "--wait")

    done = town.tocsin("correct", wrong["alert"], "--reason", "Erreur de saisie : rien à évacuer.", "--wait", "--json")

    assert done.returncode == 0, done.stderr
    assert {post["kind"] for post in json.loads(done.stdout)["posts"]} == {"end"}
    assert "rien à évacuer" in newest(town, "twitter")["text"]
    (page,) = town.timelines()["facebook"]
    assert "rien à évacuer" in page["text"], "the page's post is changed"
    assert "x\u00a0: la publication erronée reste lisible" in done.stderr
    assert "page\u00a0:" not in done.stderr
    assert "approve" not in done.stderr


@pytest.mark.release
def test_an_alert_that_is_over_is_told_so_once_in_its_own_words(town):
    town.configure()
    town.start_daemon()
    over = town.post("Passage à niveau fermé", "--expires", "20s", "--wait")
    cancelled = town.post("Piscine fermée", "--wait")
    town.tocsin("cancel", cancelled["alert"], "--wait")

    town.hurry = 1.0
    town.until(lambda: len(town.timelines()["telegram"]) == 4)
    thread = [post for post in town.timelines()["telegram"] if post["reply_to"]]
    words = {str(post["reply_to"]): post["text"] for post in thread}
    ids = {alert["alert"]: alert["posts"][2]["remote_id"] for alert in (over, cancelled)}
    assert words[ids[over["alert"]]] != words[ids[cancelled["alert"]]]
    history = [each["what"] for each in town.objects("explain", over["alert"])]
    assert history.count("over") == 1
