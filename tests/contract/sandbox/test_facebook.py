"""Facebook's rules, one by one."""

import hashlib
import hmac
import json

import pytest

from tests.walls import in_one_test

PAGE = "1234567890"


async def test_a_post_is_taken_and_answered_with_its_id(world):
    said = await world.page_post("Crue de l’Isère", link="https://alertes.example/1")
    assert said.status == 200
    assert said.headers["Content-Type"] == "text/javascript; charset=UTF-8"
    page, _, number = said.json["id"].partition("_")
    assert page == PAGE
    (post,) = await world.posts("facebook")
    assert (post["id"], post["text"], post["link"]) == (said.json["id"], "Crue de l’Isère", "https://alertes.example/1")
    assert (post["channel"], post["created_at"]) == (PAGE, world.clock.now)
    assert post["url"] == f"https://www.facebook.com/{PAGE}/posts/{number}"


@pytest.mark.parametrize("version", ["v19.0", "v25.0", "v26.0"])
async def test_any_version_and_json_bodies_do(world, version):
    headers = {"Authorization": "Bearer sandbox-page-token"}
    said = await world.ask("POST", f"/{version}/{PAGE}/feed", json={"message": "Crue"}, headers=headers)
    assert said.status == 200


async def test_the_token_comes_by_header_query_or_form(world):
    assert (await world.fb("GET", "me?access_token=sandbox-page-token", token=None)).json["id"] == PAGE
    said = await world.fb(
        "POST", f"{PAGE}/feed", token=None, data={"message": "A", "access_token": "sandbox-page-token"}
    )
    assert said.status == 200
    assert (await world.fb("GET", "me", token=None)).error["code"] == 104
    wrong = await world.fb("GET", "me", token="another")
    assert (wrong.status, wrong.error["code"], wrong.error["type"]) == (400, 190, "OAuthException")


async def test_a_proof_is_checked_when_it_is_given(world):
    proof = hmac.new(b"sandbox-app-secret", b"sandbox-page-token", hashlib.sha256).hexdigest()
    assert (await world.fb("GET", f"me?appsecret_proof={proof}")).status == 200
    assert (await world.fb("GET", "me?appsecret_proof=00")).error["code"] == 100


async def test_every_number_is_a_page_of_its_own(world):
    await world.page_post("Crue", page="42")
    await world.page_post("Crue", page="43")
    listed = (await world.fb("GET", "42/published_posts")).data
    assert [post["id"].partition("_")[0] for post in listed] == ["42"]
    assert (await world.fb("GET", "me", token="sandbox-page-token-42")).json["id"] == "42"
    refused = await world.fb("POST", "43/feed", token="sandbox-page-token-42", data={"message": "Chez le voisin"})
    assert (refused.status, refused.error["code"]) == (400, 200)


@in_one_test
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"message": ""}, 100),
        ({"message": "é" * 63_206}, None),
        ({"message": "é" * 63_207}, 100),
        ({"message": "Crue", "link": "pas une adresse"}, 100),
        ({"message": "Crue", "attached_media[0]": '{"media_fbid":"42"}'}, 100),
        ({"message": "Crue", "attached_media[0]": "{"}, 100),
    ],
)
async def test_what_can_not_be_posted_is_code_100(world, fields, code):
    said = await world.fb("POST", f"{PAGE}/feed", data=fields)
    assert said.status == (400 if code else 200)
    if code:
        assert said.error["code"] == code


async def test_only_the_last_post_is_a_duplicate(world):
    await world.page_post("Sirène")
    again = await world.page_post("Sirène")
    assert (again.status, again.error["code"]) == (400, 506)
    await world.page_post("Autre chose")
    last = await world.page_post("Sirène")
    assert last.status == 200
    await world.fb("DELETE", last.json["id"])
    assert (await world.page_post("Sirène")).status == 200


async def test_a_staged_photo_is_unseen_until_a_post_attaches_it(world, form, png):
    fields = form(source=png(), published="false", alt_text_custom="Carte des quais")
    staged = await world.fb("POST", f"{PAGE}/photos", data=fields)
    assert set(staged.json) == {"id"}
    assert await world.posts("facebook") == []
    attached = {"attached_media[0]": json.dumps({"media_fbid": staged.json["id"]})}
    assert (await world.page_post("Crue", **attached)).status == 200
    (post,) = await world.posts("facebook")
    assert (post["kind"], post["media"]) == ("post", [staged.json["id"]])
    both = await world.page_post("Crue", link="https://alertes.example/1", **attached)
    assert both.error["code"] == 100


async def test_a_published_photo_is_a_photo_and_no_post(world, form, png):
    said = await world.fb("POST", f"{PAGE}/photos", data=form(source=png(), message="Carte"))
    (post,) = await world.posts("facebook")
    assert (post["kind"], post["id"], post["text"]) == ("photo", said.json["post_id"], "Carte")


async def test_what_is_no_photo_is_refused(world, form, png):
    assert (await world.fb("POST", f"{PAGE}/photos", data=form(source=b"PDF"))).error["code"] == 324
    assert (await world.fb("POST", f"{PAGE}/photos", data={"published": "false"})).error["code"] == 324
    large = await world.fb("POST", f"{PAGE}/photos", data=form(source=png() + b"\0" * 4 * 1024 * 1024))
    assert large.error["error_subcode"] == 1_366_046


async def test_an_edit_replaces_the_words_and_keeps_the_old_ones(world):
    id_ = (await world.page_post("Crue à 18 h")).json["id"]
    world.clock.advance(60)
    assert (await world.fb("POST", id_, data={"message": "Crue à 19 h"})).json == {"success": True}
    (post,) = await world.posts("facebook")
    assert (post["text"], post["edits"], post["edited_at"]) == ("Crue à 19 h", ["Crue à 18 h"], world.clock.now)
    assert (await world.fb("POST", id_, data={"is_pinned": "true"})).json == {"success": True}
    assert (await world.fb("POST", id_, data={"message": ""})).error["code"] == 100
    assert (await world.posts("facebook"))[0]["text"] == "Crue à 19 h"


async def test_a_comment_stands_under_its_post(world):
    id_ = (await world.page_post("Crue")).json["id"]
    said = await world.fb("POST", f"{id_}/comments", data={"message": "Décrue"})
    comment = (await world.posts("facebook"))[1]
    assert (comment["id"], comment["kind"], comment["reply_to"]) == (said.json["id"], "comment", id_)
    assert [post["id"] for post in (await world.fb("GET", f"{PAGE}/published_posts")).data] == [id_]


async def test_an_answer_to_an_answer_stands_beside_it_and_is_told_to_who_asks_for_all(world):
    post = (await world.page_post("Crue")).json["id"]
    ids = [post]
    for words in ("Un", "Deux", "Trois"):
        said = await world.fb("POST", f"{ids[-1]}/comments", data={"message": words})
        ids.append(said.json["id"])
    above = {each["id"]: each["reply_to"] for each in await world.posts("facebook")}
    assert [above[each] for each in ids[1:]] == [post, ids[1], ids[1]]

    async def shown(parent, **asked):
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return {each["id"] for each in (await world.fb("GET", f"{parent}/comments?{query}")).data}

    assert await shown(post) == {ids[1]}
    assert await shown(post, filter="stream") == set(ids[1:])
    assert await shown(ids[2], filter="stream") == set()


async def test_comments_come_ranked_and_by_pages(world):
    post = (await world.page_post("Crue")).json["id"]
    for number in range(12):
        await world.fb("POST", f"{post}/comments", data={"message": str(number)})
    found, after = [], ""
    while True:
        told = (await world.fb("GET", f"{post}/comments?limit=5&after={after}&fields=message")).json
        found += [each["message"] for each in told["data"]]
        if "next" not in told.get("paging", {}):
            break
        after = told["paging"]["cursors"]["after"]
    assert sorted(map(int, found)) == list(range(12))
    assert found not in (list(map(str, range(12))), list(map(str, reversed(range(12)))))


async def test_a_deleted_post_is_gone_for_every_call(world):
    id_ = (await world.page_post("Crue")).json["id"]
    assert (await world.fb("GET", f"{id_}?fields=message")).json == {"id": id_, "message": "Crue"}
    assert (await world.fb("DELETE", id_)).json == {"success": True}
    assert (await world.posts("facebook"))[0]["deleted"] is True
    calls = [
        ("GET", id_, {}),
        ("DELETE", id_, {}),
        ("POST", id_, {"message": "x"}),
        ("POST", f"{id_}/comments", {"message": "x"}),
    ]
    for method, path, data in calls:
        said = await world.fb(method, path, **({"data": data} if data else {}))
        assert (said.status, said.error["code"], said.error["error_subcode"]) == (400, 100, 33)
    assert (await world.fb("GET", f"{PAGE}/published_posts")).data == []


async def test_published_posts_are_newest_first_by_pages(world, session):
    for number in range(5):
        await world.page_post(f"Post {number}")
        world.clock.advance(60)
    path = f"{PAGE}/published_posts?fields=id,message,created_time,permalink_url&limit=2"
    first = (await world.fb("GET", path)).json
    assert [post["message"] for post in first["data"]] == ["Post 4", "Post 3"]
    assert first["data"][0]["created_time"] == "2026-11-25T09:50:40+0000"
    assert "sandbox-page-token" in first["paging"]["next"], "as Facebook does, which is why it is never to be logged"
    async with session.get(first["paging"]["next"]) as answer:
        second = json.loads(await answer.read())
    assert [post["message"] for post in second["data"]] == ["Post 2", "Post 1"]
    since = (await world.fb("GET", f"{PAGE}/published_posts?since={int(world.clock.now) - 120}")).data
    assert [post["message"] for post in since] == ["Post 4", "Post 3"]
    assert (await world.fb("GET", f"{PAGE}/published_posts?limit=0")).error["code"] == 100
    assert (await world.fb("GET", f"{PAGE}/published_posts?since=hier")).error["code"] == 100


async def test_what_is_known_of_a_token_is_told(world):
    app = "sandbox-app|sandbox-app-secret"
    told = (await world.fb("GET", "debug_token?input_token=sandbox-page-token", token=app)).data
    assert told["is_valid"] is True
    assert told["expires_at"] == 0
    assert told["data_access_expires_at"] > world.clock.now
    assert "pages_manage_posts" in told["scopes"]
    assert told["profile_id"] == PAGE
    unknown = (await world.fb("GET", "debug_token?input_token=another", token=app)).data
    assert (unknown["is_valid"], unknown["error"]["code"]) == (False, 190)


async def test_a_user_exchanges_a_token_and_finds_the_pages(world):
    query = {
        "client_id": "sandbox-app",
        "client_secret": "sandbox-app-secret",
        "fb_exchange_token": "sandbox-user-token",
    }
    exchanged = (await world.fb("GET", "oauth/access_token", token=None, params=query)).json
    assert exchanged["expires_in"] > 50 * 86_400
    pages = (await world.fb("GET", "me/accounts", token=exchanged["access_token"])).data
    assert (pages[0]["id"], pages[0]["access_token"]) == (PAGE, "sandbox-page-token")
    wrong = await world.fb("GET", "oauth/access_token", token=None, params={**query, "client_secret": "x"})
    assert wrong.error["code"] == 1
    assert (await world.fb("GET", "me/accounts")).error["code"] == 100


async def test_usage_is_told_from_a_threshold_and_ends_in_code_32(open_world):
    world = await open_world(facebook_calls=4)
    header = "X-Business-Use-Case-Usage"
    quiet = [await world.page_post(f"Post {number}") for number in range(2)]
    assert all(header not in said.headers for said in quiet)
    third = await world.page_post("Trois")
    assert json.loads(third.headers[header])[PAGE][0]["call_count"] == 75
    await world.page_post("Quatre")
    refused = await world.page_post("Cinq")
    assert (refused.status, refused.error["code"], refused.error["is_transient"]) == (400, 32, True)
    assert json.loads(refused.headers[header])[PAGE][0]["estimated_time_to_regain_access"] == 1440
    assert (await world.page_post("Ailleurs", page="42")).status == 200
    world.clock.advance(86_400)
    assert (await world.page_post("Cinq")).status == 200


async def test_an_unknown_path_is_an_error_in_facebooks_shape(world):
    said = await world.fb("GET", "nothing/here")
    assert (said.status, said.error["code"]) == (400, 2500)
