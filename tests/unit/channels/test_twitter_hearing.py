"""What is asked of X, what is new in its answers, and what all of it may cost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.channels.answer import Answer
from alerts.channels.twitter.hearing import AccountEar, lookup_due, remark_of
from alerts.model.errors import BadCredential, Rejected, Retry
from alerts.model.listening import EarReading, HeardPost
from tests.walls import in_one_test

ME = "42"
POST = "1000"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SEARCH, LOOKUP, MENTIONS = "/2/tweets/search/recent", "/2/tweets", f"/2/users/{ME}/mentions"


@dataclass
class X:
    """X as far as an ear asks it; it charges for what it returns, once a UTC day, as its price list says."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    failing: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    unsearched: set[str] = field(default_factory=set)
    unmentioned: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    budget: float = 5.0
    most: int = 100
    charged: dict[tuple[str, str], None] = field(default_factory=dict)
    now: datetime = NOON

    def __post_init__(self) -> None:
        self.posts[POST] = {"id": POST, "author_id": ME, "conversation_id": POST, "text": "Alerte", "replies": 0}

    @property
    def dollars(self) -> float:
        return 0.005 * len(self.charged)

    def say(self, id_: str, text: str = "Et l'eau ?", to: str | None = POST, **more: Any) -> None:
        told = {"id": id_, "author_id": "7", "text": text, "created_at": f"{self.now:%Y-%m-%dT%H:%M:%S.000Z}"}
        if to is not None:
            told |= {"referenced_tweets": [{"type": "replied_to", "id": to}], "conversation_id": POST}
            self.posts[to]["replies"] = self.posts[to].get("replies", 0) + 1
        self.posts[id_] = told | {"conversation_id": told.get("conversation_id", id_), "lang": "fr"} | more

    def _serve(self, posts: list[dict[str, Any]], **more: Any) -> Answer:
        self.charged |= dict.fromkeys((f"{self.now:%Y-%m-%d}", each["id"]) for each in posts)
        shown = [{**each, "public_metrics": {"reply_count": each.get("replies", 0)}} for each in posts]
        return Answer(200, self.headers, json.dumps(({"data": shown} if shown else {}) | more).encode())

    async def ask(self, route: str, fields: Any) -> Answer:
        self.asked.append((route, dict(fields)))
        if route in self.failing:
            status, body = self.failing[route]
            return Answer(status, self.headers, json.dumps(body).encode())
        if route == LOOKUP:
            ids = fields["ids"].split(",")
            errors = [
                {"resource_id": id_, "type": "https://api.x.com/2/problems/resource-not-found"}
                for id_ in ids
                if id_ not in self.posts
            ]
            found = [self.posts[id_] for id_ in ids if id_ in self.posts]
            return self._serve(found, **({"errors": errors} if errors else {}))
        least = int(fields.get("since_id", "0"))
        hidden = self.unsearched if route == SEARCH else self.unmentioned
        found = [each for each in self.posts.values() if int(each["id"]) > least and each["id"] not in hidden]
        if route == SEARCH:
            conversation = fields["query"].partition(":")[2].partition(" ")[0]
            found = [each for each in found if each["conversation_id"] == conversation]
        else:
            found = [each for each in found if each["author_id"] != ME]
        found.sort(key=lambda each: -int(each["id"]))
        size = min(int(fields["max_results"]), self.most)
        start = int(fields.get("next_token", fields.get("pagination_token", "0")))
        more = {"next_token": str(start + size)} if start + size < len(found) else {}
        return self._serve(found[start : start + size], meta=more)

    async def hear(self, now: datetime, *posts: HeardPost) -> EarReading:
        self.now = now
        ear = AccountEar(ME, self.ask, MINUTE, self.budget)
        heard = await ear.hear(posts or (HeardPost(POST, NOON, "incident"),), self.memory, now)
        self.memory = json.loads(json.dumps(heard.memory))
        return heard

    def routes(self) -> list[str]:
        return [route for route, _ in self.asked]


@pytest.fixture
def x():
    return X()


def told(heard):
    return sorted((each.remote_id, each.text, each.gone) for each in heard.remarks)


async def test_a_reply_is_heard_once_with_where_it_stands(x):
    x.say(
        "1001",
        "L&#39;eau ? https://t.co/x",
        entities={"urls": [{"url": "https://t.co/x", "expanded_url": "https://a.example"}]},
    )
    [remark] = (await x.hear(NOON)).remarks
    assert (remark.remote_id, remark.text, remark.root, remark.parent) == (
        "1001",
        "L'eau ? https://a.example",
        POST,
        None,
    )
    assert (remark.author, remark.name, remark.language) == ("7", None, "fr")
    assert remark.url == "https://x.com/i/web/status/1001"
    assert not (await x.hear(NOON + MINUTE)).remarks


async def test_a_conversation_is_searched_only_where_there_are_more_replies(x):
    await x.hear(NOON)
    assert x.routes() == [LOOKUP, MENTIONS]
    x.asked.clear()
    x.unmentioned.add("1001")
    x.say("1001")
    assert told(await x.hear(NOON + MINUTE)) == [("1001", "Et l'eau ?", False)]
    assert SEARCH in x.routes()


async def test_a_search_that_lags_behind_the_count_is_made_again(x):
    x.unmentioned.add("1001")
    x.unsearched.add("1001")
    x.say("1001")
    assert told(await x.hear(NOON)) == []
    x.unsearched.clear()
    assert told(await x.hear(NOON + MINUTE)) == [("1001", "Et l'eau ?", False)]
    x.asked.clear()
    for minute in (2, 3, 4, 5):
        await x.hear(NOON + minute * MINUTE)
    assert x.routes().count(SEARCH) <= 3


async def test_of_many_conversations_some_are_searched_now_and_the_rest_next(x):
    posts = [HeardPost(str(number), NOON, "incident") for number in range(2000, 2020)]
    for number in range(2000, 2020):
        x.posts[str(number)] = x.posts[POST] | {"id": str(number), "conversation_id": str(number)}
        x.say(str(number + 100), "Où ?", to=str(number), conversation_id=str(number))
        x.unmentioned.add(str(number + 100))
    heard = [len((await x.hear(NOON + minute * MINUTE, *posts)).remarks) for minute in range(2)]
    assert (heard, x.routes().count(SEARCH)) == ([15, 5], 30)


async def test_a_mention_elsewhere_stands_under_no_post_of_ours(x):
    x.say("1001", "@mairie bonjour", to=None)
    [remark] = (await x.hear(NOON)).remarks
    assert (remark.root, remark.parent) == (None, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [("@mairie @lea Et l'eau ?", "Et l'eau ?"), ("@mairie", "@mairie"), ("Merci @mairie", "Merci @mairie")],
)
async def test_the_names_that_a_reply_goes_to_are_none_of_its_words(x, text, words):
    x.say("1001", text)
    assert told(await x.hear(NOON)) == [("1001", words, False)]


async def test_a_reply_to_a_reply_belongs_to_our_post(x):
    x.say("1001")
    x.say("1002", "Moi aussi", to="1001")
    heard = {each.remote_id: each for each in (await x.hear(NOON)).remarks}
    assert (heard["1002"].root, heard["1002"].parent) == (POST, "1001")


async def test_what_is_new_is_asked_for_alone(x):
    x.say("1001")
    await x.hear(NOON)
    x.say("1002")
    await x.hear(NOON + MINUTE)
    searches = [fields.get("since_id") for route, fields in x.asked if route == SEARCH]
    assert searches == [None, "1001"]


async def test_all_pages_are_read_and_a_failing_one_is_read_again(x):
    x.most = 10
    x.unmentioned |= {str(number) for number in range(1001, 1026)}
    for number in range(1001, 1026):
        x.say(str(number), str(number))
    assert len((await x.hear(NOON)).remarks) == 25


async def test_the_same_post_is_paid_for_once_a_day(x):
    x.say("1001")
    heard = await x.hear(NOON)
    assert heard.cost == pytest.approx(x.dollars) == pytest.approx(0.01)
    heard = await x.hear(NOON + MINUTE)
    assert heard.cost == 0
    heard = await x.hear(NOON + DAY)
    assert heard.cost == pytest.approx(0.01)
    assert x.dollars == pytest.approx(0.02)


async def test_the_budget_is_never_passed_and_its_end_is_told(x):
    x.budget = 0.10
    for number in range(1001, 1101):
        x.say(str(number))
    heard = await x.hear(NOON)
    assert x.dollars <= x.budget
    assert heard.trouble.code == "x_budget_reached"
    assert heard.look_again == datetime(2026, 12, 1, tzinfo=UTC)
    assert heard.gap.code == "x_more_than_heard"
    with pytest.raises(Retry) as ended:
        await x.hear(NOON + DAY)
    assert ended.value.after == datetime(2026, 12, 1, tzinfo=UTC)
    assert x.dollars <= x.budget


async def test_a_new_month_has_its_own_budget(x):
    x.budget = 0.10
    for number in range(1001, 1101):
        x.say(str(number))
    await x.hear(NOON)
    spent = x.dollars
    x.now = datetime(2026, 12, 1, tzinfo=UTC)
    x.say("1200")
    assert told(await x.hear(x.now)) == [("1200", "Et l'eau ?", False)]
    assert x.dollars - spent <= x.budget


async def test_what_is_gone_on_x_is_gone_here_by_the_next_day(x):
    x.say("1001")
    await x.hear(NOON)
    del x.posts["1001"]
    assert told(await x.hear(NOON + MINUTE)) == []
    assert told(await x.hear(NOON + DAY)) == [("1001", None, True)]
    assert told(await x.hear(NOON + 2 * DAY)) == []


async def test_what_reads_otherwise_the_next_day_is_told_as_edited(x):
    x.say("1001")
    await x.hear(NOON)
    x.posts["1001"]["text"] = "Et le gaz ?"
    [remark] = (await x.hear(NOON + DAY)).remarks
    assert (remark.text, remark.edited_at) == ("Et le gaz ?", NOON + DAY)


async def test_an_edited_post_keeps_the_id_of_its_first_version(x):
    x.say("1001")
    await x.hear(NOON)
    x.say("1005", "Et l'eau chaude ?", edit_history_post_ids=["1001", "1005"])
    [remark] = (await x.hear(NOON + MINUTE)).remarks
    assert (remark.remote_id, remark.text, remark.edited_at) == ("1001", "Et l'eau chaude ?", NOON + MINUTE)


async def test_limits_that_are_used_up_are_waited_for(x):
    reset = NOON + timedelta(minutes=9)
    x.headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(reset.timestamp()))}
    assert (await x.hear(NOON)).look_again == reset
    x.asked.clear()
    assert (await x.hear(NOON + MINUTE)).look_again == reset
    assert not x.asked
    await x.hear(reset)
    assert x.asked


@in_one_test
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, {"title": "Too Many Requests"}, Retry),
        (402, {"title": "CreditsDepleted"}, Retry),
        (401, {"title": "Unauthorized"}, BadCredential),
        (400, {"title": "Invalid Request"}, Rejected),
        (503, {}, Retry),
    ],
)
async def test_a_refusal_is_raised_where_nothing_was_heard(x, status, body, error):
    x.failing[LOOKUP] = (status, body)
    with pytest.raises(error):
        await x.hear(NOON)


async def test_what_was_heard_before_a_refusal_is_kept_and_paid(x):
    x.say("1001")
    x.failing[MENTIONS] = (503, {})
    heard = await x.hear(NOON)
    assert told(heard) == [("1001", "Et l'eau ?", False)]
    assert heard.trouble is not None
    assert heard.cost > 0
    del x.failing[MENTIONS]
    assert told(await x.hear(NOON + MINUTE)) == []


async def test_nothing_but_mentions_is_asked_for_where_no_post_is_on(x):
    ear = AccountEar(ME, x.ask, MINUTE, 5.0)
    heard = await ear.hear((), {}, NOON)
    assert x.routes() == [MENTIONS]
    assert heard.look_again == NOON + timedelta(minutes=15)


async def test_an_outage_longer_than_a_search_reaches_is_told(x):
    await x.hear(NOON)
    heard = await x.hear(NOON + 8 * DAY)
    assert heard.gap.code == "x_heard_a_week_back"


@in_one_test
@pytest.mark.parametrize(
    ("age", "since_looked", "due"),
    [
        (timedelta(hours=1), timedelta(hours=1), False),
        (timedelta(hours=13), timedelta(hours=13), True),
        (3 * DAY, timedelta(hours=1), False),
        (3 * DAY, DAY, True),
        (10 * DAY, 2 * DAY, False),
        (10 * DAY, 7 * DAY, True),
        (31 * DAY, 20 * DAY, False),
    ],
)
def test_what_is_kept_is_looked_up_daily_for_a_week_then_weekly(age, since_looked, due):
    assert lookup_due(NOON - age, NOON - since_looked, NOON) is due


@pytest.mark.parametrize(
    "names", [("referenced_tweets", "edit_history_tweet_ids"), ("referenced_posts", "edit_history_post_ids")]
)
def test_both_spellings_of_its_fields_are_read(names):
    post = {"id": "1002", "created_at": "2026-11-25T12:00:00.000Z", "text": "oui", "conversation_id": POST}
    post |= {names[0]: [{"type": "replied_to", "id": "1001"}], names[1]: ["999", "1002"]}
    remark = remark_of(post, ME, {POST: POST})
    assert (remark.remote_id, remark.root, remark.parent) == ("999", POST, "1001")


@pytest.mark.parametrize(
    "post",
    [
        {"id": "1", "created_at": "2026-11-25T12:00:00Z", "author_id": ME},
        {"id": "1", "created_at": "2026-11-25T12:00:00Z", "referenced_tweets": [{"type": "retweeted", "id": "2"}]},
        {"id": "1"},
        {"created_at": "2026-11-25T12:00:00Z"},
        {"id": [], "created_at": {}, "referenced_tweets": {}},
        {"id": "1", "created_at": 7, "referenced_tweets": [None, 7]},
    ],
)
def test_what_is_no_remark_of_somebodys_is_passed_over(post):
    assert remark_of(post, ME, {}) is None
