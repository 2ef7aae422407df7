"""X's rules, one by one."""

import base64

import pytest

from tests.walls import in_one_test

ME = "1500000000000000001"
PARENT_GONE = "You attempted to reply to a Tweet that is deleted or not visible to you."


async def test_a_signed_post_is_taken_and_answered_with_201(world):
    said = await world.signed("POST", "tweets", json={"text": "Crue de l’Isère"})
    assert said.status == 201
    assert said.data["text"] == "Crue de l’Isère"
    assert said.data["id"].isdecimal()
    (post,) = await world.posts("twitter")
    assert (post["id"], post["text"], post["channel"]) == (said.data["id"], "Crue de l’Isère", "tocsin_sandbox")
    assert post["created_at"] == world.clock.now


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"key": "another-key"}, 401),
        ({"secret": "another-secret"}, 401),
        ({"at": 1_795_600_000 - 299}, 201),
        ({"at": 1_795_600_000 - 301}, 401),
        ({"at": 1_795_600_000 + 301}, 401),
    ],
)
async def test_a_signature_must_be_ours_and_timely(world, how, status):
    said = await world.signed("POST", "tweets", json={"text": "Crue"}, **how)
    assert said.status == status
    assert len(await world.posts("twitter")) == (status == 201)


async def test_a_signature_covers_the_query(world):
    path = f"users/{ME}/tweets?max_results=5&start_time=2026-01-01T00%3A00%3A00Z"
    assert (await world.signed("GET", path)).status == 200
    other = await world.signed("GET", path, sent_path=path.replace("=5", "=6"))
    assert other.status == 401


@in_one_test
@pytest.mark.parametrize("header", ["OAuth nonsense", "Bearer another", "Basic eDp5", ""])
async def test_whom_x_does_not_know_is_401_in_its_shape(world, header):
    refused = await world.ask("GET", "/2/users/me", headers={"Authorization": header})
    assert refused.status == 401
    assert refused.json == {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


async def test_who_am_i_shows_the_access_level(world):
    said = await world.x("GET", "users/me")
    assert said.data["username"] == "tocsin_sandbox"
    assert said.headers["x-access-level"] == "read-write"


async def test_rate_headers_count_down_on_every_answer(world):
    first = await world.tweet("Un")
    assert first.headers["x-rate-limit-limit"] == "100"
    assert first.headers["x-rate-limit-remaining"] == "99"
    assert int(first.headers["x-rate-limit-reset"]) == world.clock.now + 900
    assert first.headers["x-user-limit-24hour-remaining"] == "2399"
    refused = await world.tweet("Un")
    assert (refused.status, refused.headers["x-rate-limit-remaining"]) == (403, "98")


async def test_the_101st_post_of_a_quarter_is_429_until_the_reset(world):
    for number in range(100):
        assert (await world.tweet(f"Post {number}")).status == 201
    limited = await world.tweet("Un de trop")
    assert (limited.status, limited.json["title"]) == (429, "Too Many Requests")
    assert limited.headers["x-rate-limit-remaining"] == "0"
    world.clock.advance(int(limited.headers["x-rate-limit-reset"]) - world.clock.now)
    assert (await world.tweet("Un de trop")).status == 201


async def test_the_day_window_outlives_the_quarter(open_world):
    world = await open_world(twitter_user_day=2)
    await world.tweet("Un")
    await world.tweet("Deux")
    world.clock.advance(1000)
    limited = await world.tweet("Trois")
    assert limited.status == 429
    assert limited.headers["x-rate-limit-remaining"] != "0"
    assert limited.headers["x-user-limit-24hour-remaining"] == "0"
    world.clock.advance(86_400)
    assert (await world.tweet("Trois")).status == 201


async def test_without_limits_nobody_meets_a_windows_end(open_world):
    world = await open_world(limits=False)
    for number in range(110):
        said = await world.tweet(f"Post {number}")
    assert said.status == 201
    assert int(said.headers["x-rate-limit-remaining"]) > 1000


@in_one_test
@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("é" * 280, 201),
        ("é" * 281, 403),
        ("€" * 140, 201),
        ("€" * 141, 403),
        ("x" * 256 + " https://alertes.example.fr/" + "a" * 500, 201),
        ("x" * 257 + " https://alertes.example.fr/" + "a" * 500, 403),
        ("x" * 257 + " mairie.paris", 403),
        ("x" * 267 + " mairie.exemple", 403),
        ("👨‍👩‍👧‍👦" * 140, 201),
        ("👨‍👩‍👧‍👦" * 141, 403),
        ("Crue\ufeff", 403),
    ],
)
async def test_280_are_counted_as_x_weighs_them(world, text, status):
    said = await world.tweet(text)
    assert said.status == status
    if status == 403:
        assert said.json["detail"] == "You are not permitted to perform this action."


async def test_an_empty_or_broken_post_is_an_invalid_request(world):
    assert (await world.tweet("  ")).status == 400
    headers = {"Authorization": "Bearer sandbox-bearer", "Content-Type": "application/json"}
    broken = await world.ask("POST", "/2/tweets", data=b"{", headers=headers)
    assert broken.status == 400
    assert broken.json["type"].endswith("/2/problems/invalid-request")


async def test_the_timeline_escapes_and_shortens_links(world):
    await world.tweet("Crue & vent <fort> https://alertes.example.fr/a?b=1&c=2 puis mairie.paris")
    (post,) = await world.timeline()
    assert post["text"].startswith("Crue &amp; vent &lt;fort&gt; https://t.co/")
    urls = post["entities"]["urls"]
    assert [url["expanded_url"] for url in urls] == ["https://alertes.example.fr/a?b=1&c=2", "http://mairie.paris"]
    for url in urls:
        assert post["text"][url["start"] : url["end"]] == url["url"]
        assert len(url["url"]) == 23
    assert post["created_at"] == "2026-11-25T09:46:40.000Z"


async def test_the_timeline_is_newest_first_by_pages_and_from_a_time(world):
    for number in range(7):
        await world.tweet(f"Post {number}")
        world.clock.advance(10)
    first = (await world.x("GET", f"users/{ME}/tweets?max_results=5")).json
    assert [post["text"] for post in first["data"]] == [f"Post {number}" for number in (6, 5, 4, 3, 2)]
    token = first["meta"]["next_token"]
    rest = (await world.x("GET", f"users/{ME}/tweets?max_results=5&pagination_token={token}")).json
    assert [post["text"] for post in rest["data"]] == ["Post 1", "Post 0"]
    assert "next_token" not in rest["meta"]
    recent = await world.timeline(start_time="2026-11-25T09:47:30Z")
    assert [post["text"] for post in recent] == ["Post 6", "Post 5"]


@pytest.mark.parametrize("query", ["max_results=4", "max_results=101", "start_time=hier"])
async def test_the_timeline_refuses_what_x_refuses(world, query):
    assert (await world.x("GET", f"users/{ME}/tweets?{query}")).status == 400


async def test_the_same_words_again_are_a_duplicate(world):
    first = await world.tweet("Essai mensuel de la sirène")
    again = await world.tweet("Essai  mensuel de la sirène ")
    assert again.status == 403
    assert again.json["detail"] == "You are not allowed to create a Tweet with duplicate content."
    await world.x("DELETE", f"tweets/{first.data['id']}")
    assert (await world.tweet("Essai mensuel de la sirène")).status == 201


async def test_a_duplicate_is_forgotten_after_50_posts_or_a_day(world):
    await world.tweet("Sirène")
    for number in range(50):
        await world.tweet(f"Post {number}")
    assert (await world.tweet("Sirène")).status == 201
    world.clock.advance(86_401)
    assert (await world.tweet("Sirène")).status == 201


async def test_a_reply_goes_under_ones_own_post_only(world, open_world):
    parent = (await world.tweet("Crue")).data["id"]
    assert (await world.tweet("Suite", reply={"in_reply_to_tweet_id": parent})).status == 201
    assert (await world.posts("twitter"))[1]["reply_to"] == parent
    lost = await world.tweet("Perdu", reply={"in_reply_to_tweet_id": "1"})
    assert (lost.status, lost.json["detail"]) == (403, PARENT_GONE)
    await world.x("DELETE", f"tweets/{parent}")
    assert (await world.tweet("Trop tard", reply={"in_reply_to_tweet_id": parent})).json["detail"] == PARENT_GONE


async def test_replies_to_own_posts_can_be_switched_off(open_world):
    world = await open_world(twitter_own_replies=False)
    parent = (await world.tweet("Crue")).data["id"]
    said = await world.tweet("Suite", reply={"in_reply_to_tweet_id": parent})
    assert said.status == 403
    assert "you have not been mentioned" in said.json["detail"]


async def test_an_edit_within_the_hour_is_a_new_id(world):
    first = (await world.tweet("Crue à 18 h")).data["id"]
    edited = await world.tweet("Crue à 19 h", edit_options={"previous_post_id": first})
    assert edited.status == 201
    assert edited.data["id"] != first
    assert edited.data["edit_history_tweet_ids"] == [first, edited.data["id"]]
    (post,) = await world.posts("twitter")
    assert (post["text"], post["edits"], post["earlier_ids"]) == ("Crue à 19 h", ["Crue à 18 h"], [first])
    world.clock.advance(3600)
    late = await world.tweet("Crue à 20 h", edit_options={"previous_post_id": edited.data["id"]})
    assert late.status == 403


async def test_an_account_that_may_not_edit_is_told_so(open_world):
    world = await open_world(twitter_edits=False)
    first = (await world.tweet("Crue")).data["id"]
    assert (await world.tweet("Fin", edit_options={"previous_post_id": first})).status == 403


async def test_deleting_takes_it_off_the_timeline(world):
    id_ = (await world.tweet("Crue")).data["id"]
    assert (await world.x("GET", f"tweets/{id_}")).data["text"] == "Crue"
    assert (await world.x("DELETE", f"tweets/{id_}")).json == {"data": {"deleted": True}}
    assert await world.timeline() == []
    assert (await world.posts("twitter"))[0]["deleted"] is True
    assert (await world.x("DELETE", f"tweets/{id_}")).status == 404
    assert "data" not in (await world.x("GET", f"tweets/{id_}")).json
    looked = (await world.x("GET", f"tweets?ids={id_},1")).json
    assert [error["value"] for error in looked["errors"]] == [id_, "1"]


async def test_a_picture_is_uploaded_described_and_attached(world, form, png):
    uploaded = await world.x("POST", "media/upload", data=form(media=png(), media_category="tweet_image"))
    id_ = uploaded.data["id"]
    assert uploaded.data["expires_after_secs"] == 86_400
    described = await world.x("POST", "media/metadata", json={"id": id_, "metadata": {"alt_text": {"text": "Carte"}}})
    assert described.status == 200
    assert (await world.tweet("Avec carte", media={"media_ids": [id_]})).status == 201
    assert (await world.posts("twitter"))[0]["media"] == [id_]
    picture = await world.ask("GET", f"/sandbox/media/{id_}")
    assert (picture.body, picture.headers["Content-Type"]) == (png(), "image/png")


async def test_a_picture_by_base64_is_the_same(world, png):
    encoded = base64.b64encode(png()).decode()
    assert (
        await world.x("POST", "media/upload", json={"media": encoded, "media_category": "tweet_image"})
    ).status == 200
    assert (await world.x("POST", "media/upload", json={"media": "!", "media_category": "tweet_image"})).status == 400


async def test_what_is_no_picture_too_large_or_ill_described_is_refused(world, form, png):
    assert (await world.x("POST", "media/upload", data=form(media=b"%PDF-1.7"))).status == 400
    assert (await world.x("POST", "media/upload", data=form(media=png() + b"\0" * 5 * 1024 * 1024))).status == 400
    id_ = (await world.x("POST", "media/upload", data=form(media=png()))).data["id"]
    for body in ({"id": id_, "metadata": {"alt_text": {"text": "x" * 1001}}}, {"id": "1"}, {"id": id_, "metadata": 3}):
        assert (await world.x("POST", "media/metadata", json=body)).status == 400


async def test_an_unknown_or_expired_picture_is_refused(world, form, png):
    assert (await world.tweet("Sans carte", media={"media_ids": ["42"]})).status == 400
    id_ = (await world.x("POST", "media/upload", data=form(media=png()))).data["id"]
    world.clock.advance(86_400)
    refused = await world.tweet("Carte périmée", media={"media_ids": [id_]})
    assert (refused.status, refused.json["title"]) == (400, "Invalid Request")


async def test_credits_run_out_sooner_with_links(open_world):
    world = await open_world(twitter_credits=0.23)
    assert (await world.tweet("Crue https://alertes.example.fr/1")).status == 201
    assert (await world.tweet("Crue https://alertes.example.fr/2")).status == 402
    assert (await world.tweet("Crue sans lien")).status == 201
    spent = await world.tweet("Crue sans lien, suite 2")
    assert (await world.tweet("Encore")).json["title"] == "CreditsDepleted"
    assert spent.status == 201


async def test_a_refresh_token_works_once(world):
    form = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh-token"}
    tokens = (await world.ask("POST", "/2/oauth2/token", data=form)).json
    assert (await world.ask("POST", "/2/oauth2/token", data=form)).status == 400
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await world.ask("GET", "/2/users/me", headers=header)).status == 200
    world.clock.advance(tokens["expires_in"])
    assert (await world.ask("GET", "/2/users/me", headers=header)).status == 401
    again = {**form, "refresh_token": tokens["refresh_token"]}
    assert (await world.ask("POST", "/2/oauth2/token", data=again)).status == 200


async def test_an_unknown_path_is_404_in_xs_shape(world):
    said = await world.x("GET", "nothing/here")
    assert (said.status, said.json["title"]) == (404, "Not Found")
