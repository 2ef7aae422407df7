"""What is said under a page's posts: served ranked and late, answered, hidden, removed; and told by signed webhooks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

import pytest
from aiohttp import web

PAGE = "1234567890"
SECRET = b"sandbox-app-secret"


@pytest.fixture
async def post(world):
    return (await world.page_post("Crue")).json["id"]


async def comments(world, under, **query):
    query = {"fields": "id,message,from,parent{id},is_hidden,can_hide,like_count,comment_count,created_time", **query}
    return (await world.fb("GET", f"{under}/comments", params=query)).data


async def refused(world, act, **body):
    answer = await world.ask("POST", f"/sandbox/facebook/{act}", json=body)
    assert answer.json["error"]
    return answer.status


async def test_answers_to_answers_are_missing_without_the_stream(world, post):
    [first] = (await world.people.say("facebook", "Où ?", under=post, name="Nadia"))["ids"]
    [second] = (await world.people.say("facebook", "Moi aussi", under=first))["ids"]
    [third] = (await world.people.say("facebook", "Et moi", under=second))["ids"]
    [top] = await comments(world, post)
    assert (top["id"], top["from"]["name"], top["comment_count"], top["can_hide"]) == (first, "Nadia", 2, True)
    assert "parent" not in top
    stream = {each["id"]: each for each in await comments(world, post, filter="stream")}
    assert set(stream) == {first, second, third}
    assert {stream[id_]["parent"]["id"] for id_ in (second, third)} == {first}, "there are two levels"


async def test_order_is_kept_only_where_comments_are_not_ranked(world, clock, post):
    for number in range(8):
        await world.people.say("facebook", f"Question {number}", under=post)
        clock.advance(1)
    asked = {"order": "chronological"}
    ranked = [each["message"] for each in await comments(world, post, **asked)]
    assert ranked != sorted(ranked)
    await world.people.rules(facebook_ranked=False)
    assert [each["message"] for each in await comments(world, post, **asked)] == sorted(ranked)
    newest = await comments(world, post, order="reverse_chronological")
    assert [each["message"] for each in newest] == sorted(ranked, reverse=True)
    since = await comments(world, post, since=str(int(clock.now) - 3))
    assert {each["message"] for each in since} == {"Question 5", "Question 6", "Question 7"}


async def test_pages_of_comments_hold_each_once(world, post):
    await world.people.say("facebook", "Où ?", under=post, count=12)
    found, after = [], ""
    while True:
        said = (await world.fb("GET", f"{post}/comments", params={"limit": "5", "after": after})).json
        found += [each["id"] for each in said["data"]]
        if "next" not in said["paging"]:
            break
        after = said["paging"]["cursors"]["after"]
    assert len(found) == len(set(found)) == 12


async def test_a_stranger_may_have_no_name(world, post):
    await world.people.say("facebook", "Où ?", under=post, name=None)
    await world.people.say("facebook", "Quand ?", under=post, name="Nadia")
    await world.fb("POST", f"{post}/comments", data={"message": "Bonjour"})
    named = {each["message"]: "from" in each for each in await comments(world, post)}
    assert named == {"Où ?": False, "Quand ?": True, "Bonjour": True}
    await world.people.rules(facebook_names=False)
    named = {each["message"]: "from" in each for each in await comments(world, post)}
    assert named == {"Où ?": False, "Quand ?": False, "Bonjour": True}


async def test_a_comment_is_served_when_its_time_has_come(world, clock, post):
    await world.people.rules(facebook_lag=30)
    await world.people.say("facebook", "Où ?", under=post)
    assert await comments(world, post) == []
    clock.advance(30)
    assert len(await comments(world, post)) == 1


async def test_a_reply_may_be_made_though_the_answer_is_an_error(world, post):
    [id_] = (await world.people.say("facebook", "Où ?", under=post))["ids"]
    await world.fault("facebook", "error_after", route="POST .*/comments", times=1)
    said = await world.fb("POST", f"{id_}/comments", data={"message": "Quai Sud"})
    assert (said.status, said.error["code"]) == (500, 2)
    [reply] = await comments(world, id_)
    assert (reply["message"], reply["from"]["id"], reply["can_hide"]) == ("Quai Sud", PAGE, False)


async def test_the_page_hides_deletes_and_blocks(world, post):
    said = await world.people.say("facebook", "Insulte", under=post, name="Zoé")
    [id_] = said["ids"]
    assert (await world.fb("POST", id_, data={"is_hidden": "true"})).json == {"success": True}
    [shown] = await comments(world, post)
    assert shown["is_hidden"] is True
    await world.fb("POST", id_, data={"is_hidden": "false"})
    assert (await comments(world, post))[0]["is_hidden"] is False
    assert (await world.fb("POST", id_, data={"message": "Mieux"})).error["code"] == 200, "nobody edits for others"
    assert (await world.fb("POST", post, data={"is_hidden": "true"})).error["code"] == 100

    assert (await world.fb("POST", f"{PAGE}/blocked", data={"user": said["authors"][0]})).status == 200
    assert await refused(world, "say", text="Encore", under=post, name="Zoé") == 403
    assert (await world.fb("GET", f"{PAGE}/blocked")).data == [{"id": said["authors"][0]}]
    await world.fb("DELETE", f"{PAGE}/blocked", data={"user": said["authors"][0]})
    await world.people.say("facebook", "Pardon", under=post, name="Zoé")

    assert (await world.fb("DELETE", id_)).json == {"success": True}
    assert [each["message"] for each in await comments(world, post)] == ["Pardon"]
    assert (await world.fb("GET", id_)).error["error_subcode"] == 33


async def test_authors_edit_and_delete_their_own(world, post):
    [id_] = (await world.people.say("facebook", "Ou ?", under=post))["ids"]
    await world.people.edit("facebook", id_, "Où ?")
    assert (await world.fb("GET", id_, params={"fields": "message"})).json["message"] == "Où ?"
    assert await refused(world, "edit", post=post, text="?") == 403
    assert await refused(world, "delete", post=[id_, "1_2"]) == 404
    assert (await world.people.delete("facebook", id_))["deleted"] == 1
    assert await comments(world, post) == []


async def test_one_look_at_the_posts_counts_their_comments(world, post):
    [id_] = (await world.people.say("facebook", "Où ?", under=post))["ids"]
    await world.people.say("facebook", "Moi aussi", under=id_)
    await world.people.react("facebook", post, count=4)
    fields = "id,comments.limit(0).summary(true){id,from{name}},message"
    [shown] = (await world.fb("GET", f"{PAGE}/published_posts", params={"fields": fields})).data
    assert set(shown) == {"id", "comments", "message"}
    assert (shown["comments"]["data"], shown["comments"]["summary"]["total_count"]) == ([], 2)


async def test_what_visitors_post_is_no_post_of_the_page(world):
    await world.people.say("facebook", "Qui a perdu un chat ?", name="Nadia")
    assert (await world.fb("GET", f"{PAGE}/published_posts")).data == []
    [shown] = (await world.fb("GET", f"{PAGE}/visitor_posts", params={"fields": "message,from"})).data
    assert (shown["message"], shown["from"]["name"]) == ("Qui a perdu un chat ?", "Nadia")


class Ear:
    """An address that is told: it checks the signature as a town would, and answers what a test wants."""

    def __init__(self):
        self.url = ""
        self.changes = []
        self.sizes = []
        self.status = 200
        self.heard = asyncio.Event()
        self.token = "entre nous"

    async def verify(self, request):
        if request.query["hub.verify_token"] != self.token or request.query["hub.mode"] != "subscribe":
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])

    async def take(self, request):
        body = await request.read()
        expected = f"sha256={hmac.new(SECRET, body, hashlib.sha256).hexdigest()}"
        if request.headers.get("X-Hub-Signature-256") != expected:
            return web.Response(status=403)
        if self.status == 200:
            entries = (await request.json())["entry"]
            told = [{**change["value"], "at": entry["time"]} for entry in entries for change in entry["changes"]]
            self.changes += told
            self.sizes.append(len(told))
            self.heard.set()
        return web.Response(status=self.status)

    @property
    def verbs(self):
        return [(change["item"], change["verb"]) for change in self.changes]


@pytest.fixture
async def ear(world):
    ear, app = Ear(), web.Application()
    app.router.add_get("/heard", ear.verify)
    app.router.add_post("/heard", ear.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}/heard"
    yield ear
    await runner.cleanup()


@pytest.fixture
def listen(world, ear):
    async def start(deliver="at once"):
        told = await world.people.subscribe(ear.url, ear.token, deliver)
        assert told == {"status": 200, "verified": True}
        said = await world.fb("POST", f"{PAGE}/subscribed_apps", data={"subscribed_fields": "feed"})
        assert said.json == {"success": True}

    return start


async def test_an_address_is_told_nothing_before_it_is_verified_and_the_page_subscribed(world, ear, post):
    assert (await world.people.subscribe(ear.url, "falsch"))["verified"] is False
    await world.fb("POST", f"{PAGE}/subscribed_apps", data={"subscribed_fields": "feed"})
    assert (await world.people.say("facebook", "Où ?", under=post))["told"] == []
    await world.people.subscribe(ear.url, ear.token)
    await world.fb("DELETE", f"{PAGE}/subscribed_apps")
    assert (await world.people.say("facebook", "Où ?", under=post))["told"] == []
    await world.fb("POST", f"{PAGE}/subscribed_apps", data={"subscribed_fields": "feed,mention"})
    assert (await world.people.say("facebook", "Où ?", under=post))["told"] == [200]
    [app] = (await world.fb("GET", f"{PAGE}/subscribed_apps")).data
    assert app["subscribed_fields"] == ["feed", "mention"]
    await world.people.subscribe("")
    assert (await world.people.say("facebook", "Où ?", under=post))["told"] == []
    assert len(ear.changes) == 1


async def test_each_act_is_told_in_facebooks_words(world, clock, listen, ear, post):
    await listen()
    said = await world.people.say("facebook", "Ou ?", under=post, name="Nadia")
    [id_] = said["ids"]
    [change] = ear.changes
    assert change == {
        "item": "comment",
        "verb": "add",
        "comment_id": id_,
        "post_id": post,
        "parent_id": post,
        "from": {"name": "Nadia", "id": said["authors"][0]},
        "message": "Ou ?",
        "created_time": int(clock.now),
        "at": int(clock.now),
    }
    [reply] = (await world.people.say("facebook", "Idem", under=id_, name=None))["ids"]
    assert (ear.changes[-1]["parent_id"], ear.changes[-1]["comment_id"]) == (id_, reply)
    assert "from" not in ear.changes[-1]
    await world.people.edit("facebook", id_, "Où ?")
    await world.people.react("facebook", id_, count=2)
    await world.people.delete("facebook", reply)
    await world.people.say("facebook", "Spam", under=post, hidden=True)
    assert ear.verbs[2:] == [
        ("comment", "edited"),
        ("reaction", "add"),
        ("reaction", "add"),
        ("comment", "remove"),
        ("comment", "add"),
        ("comment", "hide"),
    ]


async def test_the_pages_own_acts_are_told_too(world, listen, ear, post):
    await listen("by hand")
    await world.fb("POST", f"{post}/comments", data={"message": "Bonjour"})
    await world.page_post("Vent")
    await world.people.deliver()
    assert [change["from"]["id"] for change in ear.changes] == [PAGE, PAGE]
    assert ear.verbs == [("comment", "add"), ("status", "add")]


async def test_the_pages_own_acts_are_brought_once_they_are_answered(world, listen, ear, post):
    await listen()
    await world.fb("POST", f"{post}/comments", data={"message": "Bonjour"})
    await asyncio.wait_for(ear.heard.wait(), 60)
    assert ear.verbs == [("comment", "add")]


async def test_changes_come_late_doubled_and_out_of_order(world, clock, listen, ear, post):
    await listen("by hand")
    for number in range(3):
        await world.people.say("facebook", f"Question {number}", under=post)
        clock.advance(1)
    assert (await world.people.standing())["facebook"]["webhook"]["waiting"] == 3
    told = await world.people.deliver(order="reversed", times=2, late=1200)
    assert told == {"told": [200] * 6, "changes": 3, "waiting": 0}
    assert [each["message"][-1] for each in ear.changes] == ["2", "2", "1", "1", "0", "0"]
    assert {each["at"] for each in ear.changes} == {int(clock.now) - 1200}
    assert ear.changes[-1]["created_time"] == int(clock.now) - 1203


@pytest.mark.parametrize("forged", [True, "unsigned"])
async def test_a_forged_request_is_told_from_a_real_one(world, listen, ear, post, forged):
    await listen("by hand")
    await world.people.say("facebook", "Où ?", under=post)
    told = await world.people.deliver(forged=forged, keep=True)
    assert (told["told"], told["waiting"], ear.changes) == ([403], 1, [])
    assert (await world.people.deliver())["told"] == [200]
    assert len(ear.changes) == 1


async def test_a_thousand_changes_come_in_one_request(world, listen, ear, post):
    await listen("by hand")
    await world.people.say("facebook", "Où ?", under=post, count=1001)
    assert (await world.people.deliver(together=True))["told"] == [200, 200]
    assert ear.sizes == [1000, 1]


async def test_what_was_not_taken_comes_again_with_the_next(world, listen, ear, post):
    await listen()
    ear.status = 500
    assert (await world.people.say("facebook", "Où ?", under=post))["told"] == [500]
    ear.status = 200
    assert (await world.people.say("facebook", "Quand ?", under=post))["told"] == [200]
    assert [each["message"] for each in ear.changes] == ["Où ?", "Quand ?"]
    assert (await world.people.standing())["facebook"]["webhook"]["brought"] == 2
