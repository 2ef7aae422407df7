"""Comments under a Page's posts: what is new, what is gone, what is let be; and what a webhook's delivery tells."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.channels import hearing
from alerts.channels.answer import Answer
from alerts.channels.facebook import hearing as facebook_hearing
from alerts.channels.facebook.hearing import PageEar, brought, is_signed
from alerts.model.errors import BadCredential, Retry, Unreadable
from alerts.model.listening import EarReading, HeardPost
from tests.walls import in_one_test

PAGE = "1234567890"
POST = f"{PAGE}_1"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
EPOCH = int(NOON.timestamp())
MINUTE = timedelta(minutes=1)


@dataclass
class Page:
    """A Page's comments as the Graph API would list them, and what an ear remembers of them from look to look."""

    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    failing: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    every: timedelta = MINUTE
    page_size: int = 100

    def say(self, id_: str, text: str = "Et l'école ?", at: datetime = NOON, post: str = POST, **more: Any) -> None:
        told = {"id": id_, "message": text, "created_time": f"{at:%Y-%m-%dT%H:%M:%S+0000}", "post": post}
        self.comments[id_] = told | more

    async def ask(self, route: str, fields: Any) -> Answer:
        self.asked.append((route, dict(fields)))
        id_, _, edge = route.partition("/")
        if error := self.failing.get(id_):
            return Answer(400, self.headers, json.dumps({"error": error}).encode())
        if edge != "comments":
            there = id_ in self.comments
            told = {"id": id_} if there else {"error": {"code": 100, "error_subcode": 33, "message": "gone"}}
            return Answer(200 if there else 400, self.headers, json.dumps(told).encode())
        listed = [each for each in self.comments.values() if each["post"] == id_ and each["id"] not in self.unlisted]
        if "since" in fields:
            since = datetime.fromtimestamp(int(fields["since"]), UTC)
            listed = [each for each in listed if datetime.fromisoformat(each["created_time"]) >= since]
        start = int(fields.get("after", "0"))
        data = listed[start : start + self.page_size]
        paging = {"cursors": {"after": str(start + self.page_size)}}
        if start + self.page_size < len(listed):
            paging["next"] = "https://graph.facebook.com/?access_token=secret"
        return Answer(200, self.headers, json.dumps({"data": data, "paging": paging}).encode())

    async def hear(self, now: datetime, *posts: HeardPost) -> EarReading:
        wanted = posts or (HeardPost(POST, NOON, "incident"),)
        heard = await PageEar(PAGE, self.ask, self.every, now).hear(wanted, self.memory)
        self.memory = json.loads(json.dumps(heard.memory))
        return heard


@pytest.fixture
def page():
    return Page()


def told(heard):
    return [(each.remote_id, each.text, each.gone) for each in heard.remarks]


async def test_a_comment_is_told_once_with_where_it_stands(page):
    page.say("1_7", "L'eau est-elle potable ?", **{"from": {"id": "99", "name": "Léa"}, "parent": {"id": "1_6"}})
    [remark] = (await page.hear(NOON)).remarks
    assert (remark.remote_id, remark.root, remark.parent) == ("1_7", POST, "1_6")
    assert (remark.author, remark.name, remark.at) == ("99", "Léa", NOON)
    assert not (await page.hear(NOON + MINUTE)).remarks
    assert page.asked[0][1]["filter"] == "stream"


async def test_a_nameless_comment_is_as_good_and_the_pages_own_is_none(page):
    page.say("1_7")
    page.say("1_8", **{"from": {"id": PAGE, "name": "Mairie"}})
    [remark] = (await page.hear(NOON)).remarks
    assert (remark.remote_id, remark.author, remark.name) == ("1_7", None, None)


async def test_an_edit_and_a_hiding_are_told_as_of_now(page):
    page.say("1_7", "Avant")
    await page.hear(NOON)
    page.say("1_7", "Après")
    [edited] = (await page.hear(NOON + MINUTE)).remarks
    assert (edited.text, edited.edited_at) == ("Après", NOON + MINUTE)
    page.say("1_7", "Après", is_hidden=True)
    [hidden] = (await page.hear(NOON + 2 * MINUTE)).remarks
    assert (hidden.hidden, hidden.edited_at) == (True, NOON + 2 * MINUTE)


async def test_what_is_gone_is_told_once_nobody_knows_it_by_its_id(page):
    page.say("1_7")
    page.say("1_8")
    await page.hear(NOON)
    del page.comments["1_7"]
    assert told(await page.hear(NOON + MINUTE)) == [("1_7", None, True)]
    assert told(await page.hear(NOON + 2 * MINUTE)) == []


async def test_what_a_lagging_list_leaves_out_is_not_gone(page):
    page.say("1_7")
    await page.hear(NOON)
    page.unlisted.add("1_7")
    assert told(await page.hear(NOON + MINUTE)) == []
    page.unlisted.clear()
    assert told(await page.hear(NOON + 2 * MINUTE)) == []


async def test_nothing_is_gone_where_the_list_broke_off(page, monkeypatch):
    monkeypatch.setattr(facebook_hearing, "MOST_PAGES", 2)
    page.page_size = 2
    for number in range(4):
        page.say(f"1_{number}")
    await page.hear(NOON)
    del page.comments["1_0"]
    for number in range(4, 8):
        page.say(f"1_{number}")
    heard = await page.hear(NOON + MINUTE)
    assert not any(each.gone for each in heard.remarks)


async def test_many_that_are_missing_are_looked_for_a_few_at_a_time(page, monkeypatch):
    monkeypatch.setattr(hearing, "MOST_CHECKED", 2)
    for number in range(5):
        page.say(f"1_{number}")
    await page.hear(NOON)
    page.comments.clear()
    gone = []
    for minute in (1, 2, 3):
        heard = await page.hear(NOON + minute * MINUTE)
        gone += [each.remote_id for each in heard.remarks if each.gone]
    assert gone == [f"1_{number}" for number in range(5)]


async def test_a_list_is_read_to_its_end_by_cursors_of_our_own(page):
    page.page_size = 2
    for number in range(5):
        page.say(f"1_{number}")
    assert len((await page.hear(NOON)).remarks) == 5
    assert [fields.get("after") for _, fields in page.asked] == [None, "2", "4"]


async def test_of_many_comments_only_the_new_ones_are_listed_and_all_of_them_now_and_then(page, monkeypatch):
    monkeypatch.setattr(hearing, "MOST_WHOLE", 3)
    for number in range(5):
        page.say(f"1_{number}")
    await page.hear(NOON)
    await page.hear(NOON + MINUTE)
    assert page.asked[-1][1]["since"] == str(int((NOON - hearing.LAG).timestamp()))
    page.say("1_9", at=NOON + 16 * MINUTE)
    await page.hear(NOON + 16 * MINUTE)
    assert "since" not in page.asked[-1][1]


async def test_each_post_is_looked_at_in_its_own_time(page):
    old = HeardPost(f"{PAGE}_0", NOON - timedelta(hours=3), "incident")
    young = HeardPost(POST, NOON, "incident")
    await page.hear(NOON, young, old)
    heard = await page.hear(NOON + MINUTE, young, old)
    assert [route for route, _ in page.asked] == [f"{PAGE}_0/comments", f"{POST}/comments", f"{POST}/comments"]
    assert heard.look_again == NOON + 2 * MINUTE


async def test_where_somebody_talks_it_is_looked_at_often_again(page):
    old = HeardPost(POST, NOON - timedelta(hours=24), "incident")
    assert (await page.hear(NOON, old)).look_again == NOON + timedelta(hours=2)
    page.say("1_7", at=NOON + timedelta(hours=2))
    assert (await page.hear(NOON + timedelta(hours=2), old)).look_again == NOON + timedelta(hours=2, minutes=1)


async def test_one_look_asks_for_so_much_and_the_rest_follows_a_while_later(page, monkeypatch):
    monkeypatch.setattr(hearing, "MOST_REQUESTS", 2)
    posts = [HeardPost(f"{PAGE}_{number}", NOON, "incident") for number in range(3)]
    heard = await page.hear(NOON, *posts)
    assert (len(page.asked), heard.look_again) == (2, NOON + hearing.PAUSE)
    await page.hear(NOON + hearing.PAUSE, *posts)
    assert len({route for route, _ in page.asked}) == 3


async def test_so_much_is_remembered_and_that_of_the_newest_posts(page, monkeypatch):
    monkeypatch.setattr(hearing, "MOST_IN_ALL", 3)
    posts = [HeardPost(f"{PAGE}_{number}", NOON - number * MINUTE, "incident") for number in range(3)]
    for number in range(6):
        page.say(f"1_{number}", post=f"{PAGE}_{number // 2}")
    assert len((await page.hear(NOON, *posts)).remarks) == 6
    assert [len(each.get("prints", {})) for each in page.memory["posts"].values()] == [2, 0, 0]


async def test_our_comments_are_no_posts_to_look_at(page):
    await page.hear(NOON, HeardPost("1_55", NOON, "incident"))
    assert not page.asked


async def test_posts_that_are_listened_under_no_more_are_forgotten(page):
    page.say("1_7")
    await page.hear(NOON)
    await page.hear(NOON + MINUTE, HeardPost(f"{PAGE}_2", NOON, "incident"))
    assert list(page.memory["posts"]) == [f"{PAGE}_2"]


async def test_of_a_post_that_is_gone_the_comments_are_gone(page):
    page.say("1_7")
    await page.hear(NOON)
    page.comments.clear()
    page.failing[POST] = {"code": 100, "error_subcode": 33, "message": "no such object"}
    assert told(await page.hear(NOON + MINUTE)) == [("1_7", None, True)]


async def test_one_post_that_fails_keeps_no_other_from_being_heard(page):
    other = f"{PAGE}_2"
    page.say("1_7")
    page.failing[other] = {"code": 1, "message": "unknown"}
    heard = await page.hear(NOON, HeardPost(other, NOON - MINUTE, "a"), HeardPost(POST, NOON, "b"))
    assert told(heard) == [("1_7", "Et l'école ?", False)]
    assert heard.trouble is not None


async def test_where_nothing_can_be_read_that_is_raised(page):
    page.failing[POST] = {"code": 190, "message": "expired"}
    with pytest.raises(BadCredential):
        await page.hear(NOON)


async def test_what_is_left_of_the_pages_calls_is_for_alerts(page):
    page.say("1_7")
    usage = {"call_count": 80, "total_time": 1, "total_cputime": 1, "type": "pages"}
    page.headers = {"X-Business-Use-Case-Usage": json.dumps({PAGE: [usage]})}
    with pytest.raises(Retry) as rests:
        await page.hear(NOON)
    assert rests.value.after == NOON + facebook_hearing.RESTS
    page.headers = {}
    assert told(await page.hear(NOON + facebook_hearing.RESTS)) == [("1_7", "Et l'école ?", False)]


async def test_hearing_begins_again_where_nothing_of_a_look_was_kept(page):
    page.say("1_7")
    before = page.memory
    assert len((await page.hear(NOON)).remarks) == 1
    page.memory = before
    assert len((await page.hear(NOON + MINUTE)).remarks) == 1


# --- the webhook


def value(verb="add", **more):
    kept = {"item": "comment", "verb": verb, "comment_id": "1_7", "post_id": POST, "parent_id": POST}
    return kept | {"created_time": int(NOON.timestamp()), "message": "Et l'eau ?"} | more


def delivery(*values, page=PAGE, time=EPOCH):
    changes = [{"field": "feed", "value": each} for each in values]
    return json.dumps({"object": "page", "entry": [{"id": page, "time": time, "changes": changes}]}).encode()


def test_a_delivery_tells_of_a_comment():
    [remark] = brought(delivery(value(**{"from": {"id": "99", "name": "Léa"}})), PAGE)
    assert (remark.remote_id, remark.text, remark.root, remark.parent) == ("1_7", "Et l'eau ?", POST, None)
    assert (remark.author, remark.name, remark.at, remark.edited_at) == ("99", "Léa", NOON, None)


def test_what_answers_a_comment_says_so():
    [remark] = brought(delivery(value(parent_id="1_6")), PAGE)
    assert remark.parent == "1_6"


def test_an_older_delivery_names_its_sender_otherwise():
    [remark] = brought(delivery(value(sender_id=99, sender_name="Léa")), PAGE)
    assert (remark.author, remark.name) == ("99", "Léa")
    assert not brought(delivery(value(sender_id=int(PAGE))), PAGE)


@pytest.mark.parametrize("verb", ["edit", "edited"])
def test_an_edit_is_as_old_as_it_says_or_as_its_delivery(verb):
    [remark] = brought(delivery(value(verb, created_time=EPOCH + 60), time=EPOCH + 1200), PAGE)
    assert (remark.text, remark.edited_at) == ("Et l'eau ?", NOON + MINUTE)
    [untimed] = brought(delivery(value(verb, created_time=None), time=EPOCH + 1200), PAGE)
    assert untimed.edited_at == NOON + 20 * MINUTE


@pytest.mark.parametrize(
    ("verb", "gone", "hidden"), [("remove", True, None), ("hide", False, True), ("unhide", False, False)]
)
def test_a_removal_and_a_hiding_say_nothing_of_the_words(verb, gone, hidden):
    [remark] = brought(delivery(value(verb)), PAGE)
    assert (remark.text, remark.gone, remark.hidden) == (None, gone, hidden)


@pytest.mark.parametrize(
    "told",
    [
        value(item="reaction"),
        value(item="post", comment_id=None),
        value("mute"),
        value(["add"]),
        value(**{"from": {"id": PAGE}}),
        value(comment_id={"id": "1"}),
        value(created_time="soon") | {"created_time": None},
        "words",
        None,
    ],
)
def test_what_is_no_remark_on_the_page_is_passed_over(told):
    body = delivery(told, value(comment_id="1_9"), time=None if isinstance(told, dict) else 1)
    assert [remark.remote_id for remark in brought(body, PAGE)] == ["1_9"]


@in_one_test
@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"object": "user", "entry": []}',
        b'{"object": "page", "entry": 1}',
        b'{"object": "page", "entry": [7, {"id": "1234567890", "changes": {}}]}',
        delivery(value(), page="42"),
    ],
)
def test_what_is_of_another_shape_or_page_tells_nothing(body):
    assert brought(body, PAGE) == ()


@in_one_test
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused(body):
    with pytest.raises(Unreadable):
        brought(body, PAGE)


def test_the_signature_is_the_apps_over_the_very_bytes():
    body = delivery(value())
    signed = "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert is_signed(body, signed, "secret")
    assert not is_signed(body + b" ", signed, "secret")
    assert not is_signed(body, signed, "other")
    assert not is_signed(body, signed.removeprefix("sha256="), "secret")
    assert not is_signed(body, "sha256=é", "secret")
    assert not is_signed(body, "", "secret")
