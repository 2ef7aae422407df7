"""What X tells of replies and mentions: how late, at what price, whom one may answer, and what is gone."""

from __future__ import annotations

import pytest

from tests.walls import in_one_test

ME = "1500000000000000001"
FIELDS = "author_id,conversation_id,created_at,lang,public_metrics,referenced_tweets,in_reply_to_user_id,entities"


@pytest.fixture
async def post(world):
    return (await world.tweet("Crue")).data["id"]


async def mentions(world, **query):
    asked = {"max_results": "100", "tweet.fields": FIELDS, **query}
    return (await world.x("GET", f"users/{ME}/mentions", params=asked)).json


async def search(world, query, **more):
    asked = {"query": query, "max_results": "100", "tweet.fields": FIELDS, **more}
    return (await world.x("GET", "tweets/search/recent", params=asked)).json


async def texts(world, query, **more):
    return [each["text"] for each in (await search(world, query, **more)).get("data", [])]


async def spent(world):
    return (await world.people.standing())["twitter"]


async def test_a_reply_names_us_and_says_what_it_answers(world, post):
    said = await world.people.say("x", "Où ? & pourquoi", under=post, name="Nadia Benali", language="en")
    [shown] = (await mentions(world))["data"]
    assert shown["text"] == "@tocsin_sandbox Où ? &amp; pourquoi"
    [named] = shown["entities"]["mentions"]
    assert (named["start"], named["end"], named["username"], named["id"]) == (0, 15, "tocsin_sandbox", ME)
    assert shown["referenced_tweets"] == [{"type": "replied_to", "id": post}]
    told = (shown["conversation_id"], shown["in_reply_to_user_id"], shown["author_id"], shown["lang"])
    assert told == (post, ME, said["authors"][0], "en")
    assert shown["created_at"].endswith("Z")

    [deeper] = (await world.people.say("x", "Idem", under=said["ids"][0], name="Luc"))["ids"]
    shown = (await mentions(world, since_id=said["ids"][0]))["data"]
    assert [(each["id"], each["text"], each["conversation_id"]) for each in shown] == [
        (deeper, "@nadia_benali @tocsin_sandbox Idem", post)
    ]


async def test_who_takes_our_name_out_is_found_by_the_conversation_alone(world, post):
    await world.people.say("x", "Entre nous", under=post, named=False)
    await world.people.say("x", "Hé @tocsin_sandbox, le pont ?")
    await world.people.say("x", "Rien à voir avec @tocsin_sandboxes")
    assert [each["text"] for each in (await mentions(world))["data"]] == ["Hé @tocsin_sandbox, le pont ?"]
    assert await texts(world, f"conversation_id:{post}") == ["Entre nous", "Crue"]


async def test_mentions_come_in_pages_newest_first(world, clock, post):
    for number in range(12):
        await world.people.say("x", f"Question {number}", under=post)
        clock.advance(1)
    found, token = [], {}
    while True:
        said = await mentions(world, max_results="5", **token)
        found += [each["id"] for each in said["data"]]
        if "next_token" not in said["meta"]:
            break
        token = {"pagination_token": said["meta"]["next_token"]}
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 12
    assert said["meta"]["oldest_id"] == found[-1]
    first = await search(world, f"conversation_id:{post} -from:tocsin_sandbox", max_results="10")
    rest = await search(world, f"conversation_id:{post}", max_results="10", next_token=first["meta"]["next_token"])
    assert [each["id"] for each in first["data"] + rest["data"]] == [*found, post]
    none = await mentions(world, since_id=found[0])
    assert none == {"meta": {"result_count": 0}}


async def test_x_knows_of_a_reply_only_after_a_while(world, clock, post):
    await world.people.rules(twitter_lag=30)
    await world.people.say("x", "Où ?", under=post)

    async def known():
        [shown] = await world.timeline(**{"tweet.fields": "public_metrics"})
        found = (await mentions(world))["meta"]["result_count"], len(await texts(world, f"conversation_id:{post}"))
        return shown["public_metrics"]["reply_count"], *found

    assert await known() == (0, 0, 1)
    clock.advance(30)
    assert await known() == (1, 1, 2)


async def test_our_timeline_holds_none_of_it(world, post):
    await world.people.say("x", "Crue, suite", under=post, count=2)
    assert [each["id"] for each in await world.timeline()] == [post]
    assert (await world.tweet("Crue, suite")).status == 201


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("pont -is:retweet", {"Le pont ?", "pont"}),
        ("pont -from:nadia", {"pont"}),
        ('"le pont" lang:fr', {"Le pont ?"}),
        ("(pont OR gare) from:nadia", {"Le pont ?"}),
        ("to:tocsin_sandbox", {"@tocsin_sandbox La gare"}),
        ("@tocsin_sandbox -is:reply", set()),
        ("url:alertes.saint-martin.fr", {"Voir https://t.co/"}),
        ("-(pont OR gare) -url:alertes.saint-martin.fr", {"Crue"}),
    ],
)
async def test_queries(world, post, query, found):
    await world.people.say("x", "Le pont ?", name="Nadia")
    await world.people.say("x", "pont", name="Luc", language="en")
    await world.people.say("x", "La gare", under=post, name="Luc")
    await world.people.say("x", "Voir https://alertes.saint-martin.fr/1", name="Luc")
    assert {text[:18] if "t.co" in text else text for text in await texts(world, query)} == found


@in_one_test
@pytest.mark.parametrize("query", ["", "(pont", "pont)", "min_faves:3", "is:great", "OR", "x" * 513, "from:"])
async def test_what_is_no_query_is_refused(world, query):
    answer = await world.x("GET", "tweets/search/recent", params={"query": query})
    assert (answer.status, answer.json["title"]) == (400, "Invalid Request")


async def test_a_search_goes_back_a_week_and_a_mention_further(world, clock, post):
    await world.people.say("x", "Où ?", under=post)
    clock.advance(7 * 86_400 + 1)
    assert await texts(world, f"conversation_id:{post}") == []
    assert (await mentions(world))["meta"]["result_count"] == 1


async def test_what_its_author_deletes_or_edits_is_gone_or_otherwise(world, post):
    said = await world.people.say("x", ["Où ?", "Ou ?"], under=post)
    gone, old = said["ids"]
    [deeper] = (await world.people.say("x", "Oui ?", under=gone))["ids"]
    await world.people.delete("x", gone)
    new = (await world.people.edit("x", old, "Où ça ?"))["id"]
    looked = (await world.x("GET", "tweets", params={"ids": f"{gone},{old},{deeper}"})).json
    assert [each["id"] for each in looked["data"]] == [new, deeper]
    assert looked["data"][0]["edit_history_tweet_ids"] == [old, new]
    [error] = looked["errors"]
    assert (error["resource_id"], error["type"].endswith("resource-not-found")) == (gone, True)
    assert {each["id"] for each in (await mentions(world))["data"]} == {new, deeper}
    assert len(await texts(world, f"conversation_id:{post}")) == 3, "the conversation outlives a post"
    too_many = await world.x("GET", "tweets", params={"ids": ",".join(map(str, range(101)))})
    assert too_many.status == 400


async def test_we_hide_replies_under_our_posts_and_delete_nobodys(world, post):
    [id_] = (await world.people.say("x", "Insulte", under=post))["ids"]
    [other] = (await world.people.say("x", "Ailleurs"))["ids"]
    assert (await world.x("PUT", f"tweets/{id_}/hidden", json={"hidden": True})).data == {"hidden": True}
    assert [each.get("concealed") for each in await world.posts("twitter")] == [None, True, None]
    assert (await world.x("PUT", f"tweets/{other}/hidden", json={"hidden": True})).status == 403
    assert (await world.x("PUT", f"tweets/{post}/hidden", json={"hidden": True})).status == 403
    assert (await world.x("PUT", f"tweets/{id_}/hidden", json={"hidden": "yes"})).status == 400
    assert (await world.x("PUT", "tweets/7/hidden", json={"hidden": True})).status == 404
    assert (await world.x("DELETE", f"tweets/{id_}")).status == 403


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("off", {"named", "unnamed", "written", "elsewhere"}),
        ("mention", {"named", "written"}),
        ("explicit", {"written"}),
    ],
)
async def test_only_who_summoned_us_is_answered(world, post, rule, allowed):
    await world.people.rules(twitter_summons=rule)
    posts = {
        "named": await world.people.say("x", "Où ?", under=post),
        "unnamed": await world.people.say("x", "Où ?", under=post, named=False),
        "written": await world.people.say("x", "Hé @tocsin_sandbox"),
        "elsewhere": await world.people.say("x", "Où ?"),
    }
    answers = {
        kind: await world.tweet(f"Quai Sud, {kind}", reply={"in_reply_to_tweet_id": said["ids"][0]})
        for kind, said in posts.items()
    }
    assert {kind for kind, answer in answers.items() if answer.status == 201} == allowed
    refused = [answer for answer in answers.values() if answer.status != 201]
    assert all(answer.status == 403 and "mentioned" in answer.json["detail"] for answer in refused)
    assert (await world.tweet("Suite", reply={"in_reply_to_tweet_id": post})).status == 201


async def test_reading_costs_once_a_day(world, clock, post):
    await world.people.say("x", "Où ?", under=post, count=3)
    await mentions(world)
    assert (await spent(world))["dollars"] == 0.003
    await search(world, f"conversation_id:{post}")
    told = await spent(world)
    assert (told["dollars"], told["posts"], told["free"]) == (0.008, 4, 3), "three were paid for today"
    clock.advance(86_400)
    await mentions(world, expansions="author_id")
    told = await spent(world)
    assert (told["dollars"], told["users"]) == (0.041, 3)
    await world.people.rules(twitter_owned=False)
    clock.advance(86_400)
    await mentions(world)
    assert (await spent(world))["dollars"] == 0.056
    await mentions(world, since_id=str(10**18 * 9))
    assert (await spent(world))["dollars"] == 0.056, "an empty answer is free"


async def test_a_second_account_reads_at_its_own_price_and_writes_nothing(world, post):
    await world.people.say("x", "Où ?", under=post, count=2)
    headers = {"Authorization": "Bearer sandbox-listener-bearer"}

    async def ask(method, path, **how):
        return await world.ask(method, f"/2/{path}", headers=headers, **how)

    assert (await ask("GET", "users/me")).data["username"] == "tocsin_listens"
    heard = await ask("GET", f"users/{ME}/mentions")
    assert (len(heard.data), heard.headers["x-access-level"]) == (2, "read")
    told = await spent(world)
    assert (told["dollars"], told["windows"]["mentions"]["remaining"]) == (0.01, 300), "the windows are each one's own"
    assert told["accounts"]["1500000000000000002"]["mentions"]["remaining"] == 299
    assert (await ask("POST", "tweets", json={"text": "Crue"})).status == 403
    assert (await ask("DELETE", f"tweets/{post}")).status == 403


async def test_reading_ends_with_the_money_and_posting_goes_on(world, post):
    await world.people.say("x", "Où ?", under=post, count=5)
    await world.people.rules(twitter_spending_limit=0.004)
    assert (await mentions(world))["meta"]["result_count"] == 5
    for answer in (
        await world.x("GET", f"users/{ME}/mentions"),
        await world.x("GET", "tweets/search/recent", params={"query": "pont"}),
        await world.x("GET", "tweets", params={"ids": post}),
    ):
        assert (answer.status, answer.json["title"]) == (402, "CreditsDepleted")
    assert (await world.tweet("Suite")).status == 201


async def test_who_wrote_it_is_told_where_it_is_asked(world, post):
    await world.people.say("x", "Où ?", under=post, name="Nadia Benali")
    assert "includes" not in await mentions(world)
    [user] = (await mentions(world, expansions="author_id"))["includes"]["users"]
    assert (user["name"], user["username"]) == ("Nadia Benali", "nadia_benali")


async def test_the_new_names_of_fields(world, post):
    await world.people.say("x", "Où ?", under=post)
    await world.people.rules(twitter_new_names=True)
    asked = {"max_results": "5", "post.fields": "referenced_tweets"}
    [shown] = (await world.x("GET", f"users/{ME}/mentions", params=asked)).data
    assert set(shown) == {"id", "text", "edit_history_post_ids", "referenced_posts"}


async def test_each_route_has_its_window(world):
    answer = await world.x("GET", f"users/{ME}/mentions")
    assert (answer.headers["x-rate-limit-limit"], answer.headers["x-rate-limit-remaining"]) == ("300", "299")
    windows = (await spent(world))["windows"]
    assert (windows["mentions"]["remaining"], windows["search"]["remaining"]) == (299, 300)


async def test_rules_are_refused_whole_and_forgotten_with_the_rest(world):
    for wrong in ({"twitter_lag": -1}, {"twitter_lag": 5, "nonsense": 1}, {"twitter_summons": "always"}):
        answer = await world.ask("POST", "/sandbox/rules", json=wrong)
        assert (answer.status, bool(answer.json["error"])) == (400, True)
    assert (await world.people.rules(twitter_lag=5))["twitter_lag"] == 5
    await world.ask("DELETE", "/sandbox/timelines")
    assert (await world.ask("GET", "/sandbox/rules")).json["twitter_lag"] == 0


async def test_likes_are_counted_and_everything_outlives_a_restart(open_world, tmp_path):
    world = await open_world(state_dir=tmp_path)
    post = (await world.tweet("Crue")).data["id"]
    said = await world.people.say("x", "Où ?", under=post)
    await world.people.react("x", post, count=7)
    await world.people.edit("x", said["ids"][0], "Où ça ?")
    before = await mentions(world)
    await world.sandbox.stop()
    world = await open_world(state_dir=tmp_path)
    assert await mentions(world) == before
    [shown] = await world.timeline(**{"tweet.fields": "public_metrics"})
    assert (shown["public_metrics"]["like_count"], shown["public_metrics"]["reply_count"]) == (7, 1)
    windows = (await spent(world))["windows"]
    assert windows["post"]["remaining"] == 99, "what others post is not counted against us"
