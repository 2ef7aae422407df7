"""What programs do with alerts: post, look, change, validate."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from http import HTTPStatus

import pytest

from alerts.model.delivery import ChannelStatus
from alerts.model.events import PostsStored
from alerts.model.reason import in_words
from alerts.store.bare import bare
from alerts.store.channel_statuses import ChannelStatuses
from alerts.store.statement import stamp
from tests.pictures import a_png


async def test_an_alert_is_posted_and_told_as_it_is_kept(bureau):
    answer = await bureau.ask("POST", "/alerts", json={"headline": "Coupure d’eau", "areas": ["Centre-Bourg"]})
    told = await answer.json()

    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1/alerts/{told['alert']}"
    assert (told["state"], told["author"]) == ("waiting", "author")
    assert [post["channel"] for post in told["posts"]] == ["page", "telegram"]
    again = await bureau.ask("GET", f"/alerts/{told['alert']}", "viewer")
    assert await again.json() == told
    assert again.headers["ETag"] == answer.headers["ETag"]


async def test_no_lane_is_woken_by_an_alert_that_an_officer_has_to_validate_first(bureau):
    told = []
    bureau.service.events.subscribe(PostsStored, told.append)

    waits = await bureau.posted()
    await bureau.told("POST", f"/alerts/{waits['alert']}/approve", "approver", json={})
    await bureau.posted(severity="Extreme", urgency="Immediate", headline="Rupture du barrage")
    woken = [[name for name in ("page", "telegram", "exercices") if each.concerns(name)] for each in told]
    assert woken == [[], ["page", "telegram", "exercices"], ["page", "telegram"]]


async def test_the_same_words_again_are_a_double_tap(bureau):
    first = await bureau.posted()

    assert (await bureau.posted(status=200))["alert"] == first["alert"]
    assert (await bureau.posted(again=True))["alert"] != first["alert"]


async def test_a_dry_run_shows_and_stores_nothing(bureau):
    told = await bureau.posted(status=200, dry_run=True)

    assert {post["channel"]: post["limit"] > post["count"] > 10 for post in told["posts"]} == {
        "page": True,
        "telegram": True,
    }
    assert await bureau.rows("SELECT * FROM alert") == []
    assert await bureau.rows("SELECT * FROM audit WHERE act = 'post'") == []


async def test_what_is_out_is_updated_cancelled_and_corrected(bureau):
    first = await bureau.posted(severity="Severe", urgency="Immediate")
    assert first["state"] == "accepted"
    await bureau.write("UPDATE post SET state = 'sent'")

    updated = await bureau.told(
        "POST", f"/alerts/{first['alert']}/update", json={"description": "Jusqu’à demain."}, status=201
    )
    await bureau.write("UPDATE post SET state = 'sent'")
    shown = await bureau.told("POST", f"/alerts/{updated['alert']}/cancel", json={"dry_run": True})
    ended = await bureau.told("POST", f"/alerts/{first['incident']}/correct", json={"reason": "Non."}, status=201)

    assert updated["incident"] == ended["incident"] == first["incident"]
    then = (await bureau.told("GET", f"/alerts/{first['alert']}"))["then"]
    assert [(each["alert"], each["what"]) for each in then[:2]] == [
        (updated["alert"], "update"),
        (ended["alert"], "corrected"),
    ]
    assert [post["kind"] for post in updated["posts"]] == ["update", "update"]
    assert [post["kind"] for post in ended["posts"]] == [post["kind"] for post in shown["posts"]] == ["end", "end"]
    assert "Non." not in str(ended["posts"])
    [follows] = (await bureau.told("GET", "/alerts?state=waiting"))["alerts"]
    assert [(post["kind"], "Rectificatif – Non" in post["text"]) for post in follows["posts"]] == [("update", True)] * 2
    assert len(await bureau.rows("SELECT * FROM alert")) == 4


async def test_a_waiting_alert_is_validated_by_its_own_id_alone(bureau):
    told = await bureau.posted()
    for name in (told["incident"], told["identifier"], told["alert"][:8]):
        problem = await bureau.told("POST", f"/alerts/{name}/approve", "approver", status=404)
        assert problem["type"] == "urn:problem-type:tocsin:unknown"

    approved = await bureau.told("POST", f"/alerts/{told['alert']}/approve", "approver")
    assert [post["state"] for post in approved["posts"]] == ["queued", "queued"]
    late = await bureau.told("POST", f"/alerts/{told['alert']}/reject", "approver", status=409)
    assert "approver" in late["detail"]


async def test_a_validation_is_held_to_what_was_seen(bureau):
    told = await bureau.posted()
    path = f"/alerts/{told['alert']}/approve"
    other = "0" * 64

    assert (await bureau.ask("POST", path, "approver", headers={"If-Match": f'"{other}"'})).status == 412
    assert (
        await bureau.ask("POST", path, "approver", headers={"If-Match": f'W/"{told["fingerprint"]}"'})
    ).status == 412
    assert (await bureau.ask("POST", path, "approver", json={"seen": other})).status == 409
    tag = (await bureau.ask("GET", f"/alerts/{told['alert']}", "approver")).headers["ETag"]
    assert (await bureau.ask("POST", path, "approver", headers={"If-Match": tag})).status == 200


async def test_what_waits_tells_all_that_a_validation_lets_out(bureau):
    told = await bureau.posted(instruction="Faites bouillir l’eau.")
    shown = await bureau.told("GET", f"/alerts/{told['alert']}", "approver")

    [words] = shown["lets_out"]["words"]
    assert {"name": "instruction", "words": "Faites bouillir l’eau."} in words["said"]
    assert shown["lets_out"]["same_event"] == []
    done = await bureau.told("POST", f"/alerts/{told['alert']}/approve", "approver", json={"again": True})
    assert "lets_out" not in done


async def test_a_validation_never_covers_what_came_after_it_was_shown(bureau):
    shown = await bureau.posted()
    newer = await bureau.told("POST", f"/alerts/{shown['alert']}/update", json={"instruction": "Buvez-en."}, status=201)

    late = await bureau.told("POST", f"/alerts/{shown['alert']}/approve", "approver", status=409)
    other = {"If-Match": f'"{shown["fingerprint"]}"'}
    wrong = await bureau.ask("POST", f"/alerts/{newer['alert']}/approve", "approver", headers=other)

    assert late["type"] == "urn:problem-type:tocsin:conflict"
    assert wrong.status == 412
    assert await bureau.rows("SELECT id FROM post WHERE state NOT IN ('waiting', 'superseded')") == []


async def test_a_fingerprint_alone_is_a_tag_too(bureau):
    told = await bureau.posted()
    headers = {"If-Match": f'"{told["fingerprint"]}"'}

    assert (await bureau.ask("POST", f"/alerts/{told['alert']}/approve", "approver", headers=headers)).status == 200


async def test_an_author_may_reject_what_they_wrote_and_nothing_else(bureau):
    own, others = await bureau.posted(), await bureau.posted("approver", headline="Autre chose")

    assert (await bureau.ask("POST", f"/alerts/{own['alert']}/reject", json={"reason": "faux"})).status == 200
    assert (await bureau.ask("POST", f"/alerts/{others['alert']}/reject")).status == 403


async def test_no_token_of_an_author_validates_their_own(bureau):
    await bureau.give("Anne", "author", "first-token")
    await bureau.give("ANNE ", "administrator", "second-token")
    told = await bureau.posted("first-token")

    problem = await bureau.told("POST", f"/alerts/{told['alert']}/approve", "second-token", status=403)

    assert "was written by Anne" in problem["detail"]
    assert [state for (state,) in await bureau.rows("SELECT DISTINCT state FROM post")] == ["waiting"]


@pytest.mark.parametrize("channels", [[], ["page"], ["telegram", "exercices"]])
async def test_an_exercise_reaches_no_live_channel(bureau, channels):
    answer = await bureau.ask("POST", "/alerts", json={"headline": "Essai", "exercise": True, "channels": channels})
    found = await bureau.rows("SELECT channel FROM post")

    assert {name for (name,) in found} <= {"exercices"}
    assert answer.status == (409 if channels else 201), await answer.text()


async def test_a_list_is_turned_page_by_page(bureau):
    ids = [(await bureau.posted(headline=f"Alerte {number}"))["alert"] for number in range(5)]
    seen, path = [], "/alerts?limit=2&q=alerte"
    while path:
        answer = await bureau.ask("GET", path, "viewer")
        page = await answer.json()
        seen += [one["alert"] for one in page["alerts"]]
        path = f"/alerts?limit=2&q=alerte&before={page['next']}" if page["next"] else None
        assert (page["next"] is not None) == ("Link" in answer.headers)

    assert seen == ids[::-1]
    waiting = await bureau.told("GET", "/alerts?state=waiting&source=manual&post_state=waiting")
    assert len(waiting["alerts"]) == 5
    assert (await bureau.told("GET", "/alerts?source=meteo"))["alerts"] == []


async def test_a_link_leads_to_the_part_that_follows(bureau):
    for number in range(2):
        await bureau.posted(headline=f"Alerte à {number}")
    link = (await bureau.ask("GET", "/alerts?limit=1&q=Alerte à")).headers["Link"]
    address = link.partition("<")[2].partition(">")[0].removeprefix("/api/v1")

    page = await bureau.told("GET", address)

    assert [one["headline"] for one in page["alerts"]] == ["Alerte à 0"]
    assert page["next"] is None


async def test_what_failed_is_sent_again_or_given_up(bureau):
    told = await bureau.posted(severity="Severe", urgency="Immediate")
    page, telegram = (post["id"] for post in told["posts"])
    await bureau.write("UPDATE post SET state = 'failed'")

    retried = await bureau.told("POST", f"/posts/{page}/retry")
    dropped = await bureau.told("POST", f"/alerts/{told['alert']}/drop", json={})

    assert [post["state"] for post in retried["posts"]] == ["queued", "failed"]
    assert [post["state"] for post in dropped["posts"]] == ["queued", "dropped"]
    assert (await bureau.ask("POST", f"/posts/{telegram}/retry")).status == 409
    assert (await bureau.ask("POST", f"/posts/{telegram[:6]}/retry")).status == 404


async def test_what_waits_for_the_towns_own_limit_says_so_and_an_approver_sends_it_now(bureau):
    told = await bureau.posted(severity="Severe", urgency="Immediate")
    page = told["posts"][0]["id"]
    await bureau.write("UPDATE post SET state = 'queued'")
    now = stamp(bureau.clock.now())
    columns = "post_id, channel, action, owner, counts, left_at"
    for _ in range(30):
        await bureau.write(f"INSERT INTO attempt ({columns}) VALUES ('{page}', 'page', 'send', 'o', 1, {now})")

    shown = await bureau.told("GET", f"/alerts/{told['alert']}", "viewer")
    refused = await bureau.ask("POST", f"/posts/{page}/retry", "author", json={"over_limit": True})
    await bureau.told("POST", f"/posts/{page}/retry", "approver", json={"over_limit": True})

    assert shown["posts"][0]["reason_code"] == "held_by_limit"
    assert refused.status == HTTPStatus.FORBIDDEN
    after = await bureau.told("GET", f"/alerts/{told['alert']}", "viewer")
    assert after["posts"][0]["reason_code"] is None
    [line, *_] = await bureau.service.ask(lambda unit: unit.audit.newest(subject=told["alert"]))
    assert line.entry.detail == "page, over the town's own limit"

    told = await bureau.posted(severity="Severe", urgency="Immediate", headline="Gaz rue Haute")
    page = told["posts"][0]["id"]
    await bureau.write("UPDATE post SET state = 'queued'")
    quota = json.dumps([{"remaining": 0, "reset": now + 600_000_000, "limit": 10, "name": "1h"}])
    await bureau.write(f"INSERT INTO channel (name, state, quotas) VALUES ('page', 'ok', '{quota}')")
    held = await bureau.ask("POST", f"/posts/{page}/retry", "approver", json={"over_limit": True})
    assert held.status == HTTPStatus.CONFLICT, "the platform's own limit is passed by nobody"


async def test_its_history_tells_each_decision(bureau):
    told = await bureau.posted()
    await bureau.told("POST", f"/alerts/{told['alert']}/approve", "approver")

    history = await bureau.told("GET", f"/alerts/{told['alert']}/history", "viewer")

    assert history["incident"] == told["incident"]
    assert [event["what"] for event in history["events"]] == ["waiting", "approved"]


async def test_who_has_it_already_is_told_so_until_it_changes(bureau):
    told = await bureau.posted()
    path = f"/alerts/{told['alert']}"
    tag = (await bureau.ask("GET", path)).headers["ETag"]
    same = await bureau.ask("GET", path, headers={"If-None-Match": f'"other", {tag}'})
    await bureau.told("POST", f"{path}/approve", "approver")

    assert (same.status, await same.read()) == (304, b"")
    assert (await bureau.ask("HEAD", path)).headers["ETag"] != tag
    assert (await bureau.ask("GET", path, headers={"If-None-Match": tag})).status == 200


PNG, OTHER = a_png(640, 640), a_png(2, 3)


def a_picture(content=PNG, /, **changes):
    told = {"type": "image/png", "data": base64.b64encode(content).decode(), "alt": "Une carte"}
    return {**told, **changes}


def kept(bureau):
    return {picture.read_bytes() for picture in bureau.folder.glob("*.pictures/*")}


async def test_a_picture_is_kept_and_goes_out_with_its_words(bureau):
    first = await bureau.posted(picture=a_picture(), severity="Severe", urgency="Immediate")
    update = {"picture": a_picture(OTHER, alt="Une autre")}
    second = await bureau.told("POST", f"/alerts/{first['alert']}/update", json=update, status=201)

    found = {tuple(row) for row in await bureau.rows("SELECT alert_id, alt FROM post WHERE state = 'queued'")}
    assert found == {(second["alert"], "Une autre")}
    assert kept(bureau) == {bare(PNG), bare(OTHER)}
    for form in ("application/json", "application/cap+xml"):
        answer = await bureau.ask("GET", f"/alerts/{first['alert']}", headers={"Accept": form})
        assert "pictures" not in await answer.text()


@pytest.mark.parametrize(
    ("picture", "where"),
    [
        (a_picture(b"GIF89a"), "picture"),
        (a_picture(b"\xff\xd8\xff", type="image/jpeg"), "picture"),
        (a_picture(PNG, type="image/jpeg"), "picture.type"),
        (a_picture(PNG, data="AAA"), "picture.data"),
        (a_picture(PNG, data="/etc/passwd?"), "picture.data"),
        (a_picture(PNG, type="image/svg+xml"), "picture.type"),
        (a_picture(PNG, alt=""), "picture.alt"),
        (a_picture(PNG, path="/etc/passwd"), "picture.path"),
        ("/etc/passwd", "picture"),
    ],
)
async def test_what_is_no_picture_is_told(bureau, picture, where):
    told = await bureau.posted(picture=picture, status=422)

    assert [one["where"] for one in told["errors"]] == [where]
    assert kept(bureau) == set()


async def test_a_dry_run_keeps_no_picture(bureau):
    await bureau.posted(picture=a_picture(), dry_run=True, status=200)

    assert kept(bureau) == set()


async def test_the_whole_is_told_as_status_does(bureau):
    told = await bureau.posted()

    whole = await bureau.told("GET", "/status", "viewer")

    assert whole["alerts"] == [told]
    assert set(whole["channels"][0]) == {"channel", "state", "left", "reserve", "queued", "followers", "cost"} | {
        "reason",
        "reason_code",
        "subscribers",
        "owner",
        "fingerprint",
    }
    assert [one["channel"] for one in whole["channels"]] == ["page", "telegram", "exercices"]
    assert (await bureau.told("GET", "/channels", "viewer"))["channels"] == whole["channels"]
    assert (await bureau.told("GET", "/sources", "viewer"))["sources"] == whole["sources"]


async def test_a_channel_that_waits_is_told(bureau):
    waits = ChannelStatus("blocked", in_words("the credential"), bureau.clock.now() + timedelta(seconds=60))
    await ChannelStatuses(bureau.database).keep("page", waits, None, bureau.clock.now())

    [page, *_] = (await bureau.told("GET", "/channels", "viewer"))["channels"]

    assert (page["state"], page["reason"]) == ("blocked", "the credential")


async def test_the_record_tells_who_did_it_and_from_where(bureau):
    told = await bureau.posted()
    await bureau.told("POST", f"/alerts/{told['alert']}/approve", "approver")

    page = await bureau.told("GET", f"/audit?limit=1&subject={told['alert']}", "administrator")
    rest = await bureau.told("GET", f"/audit?subject={told['alert']}&before={page['next']}", "administrator")

    [newest], [oldest] = page["entries"], rest["entries"]
    assert [(one["actor"], one["act"], one["origin"]) for one in (oldest, newest)] == [
        ("author", "post", "api"),
        ("approver", "approve", "api"),
    ]
    assert newest["address"] == "127.0.0.1"
    assert newest["previous"] == oldest["digest"]


async def test_a_token_tells_whose_it_is(bureau):
    me = await bureau.told("GET", "/me", "author")

    assert (me["name"], me["role"]) == ("author", "author")
    assert "post" in me["may"]
    assert "approve" not in me["may"]


async def urgent(bureau, path="/alerts", **words):
    """An alert, or its next version, that is out."""
    told = await bureau.told("POST", path, json={"severity": "Severe", "urgency": "Immediate", **words}, status=201)
    await bureau.write("UPDATE post SET state = 'sent' WHERE state = 'queued'")
    return told


async def test_an_update_by_an_older_id_keeps_the_newer_words_and_tells_what_it_follows(bureau):
    first = await urgent(bureau, headline="Crue", instruction="Évitez les berges.")
    second = await urgent(bureau, f"/alerts/{first['alert']}/update", instruction="Montez à l’étage.")

    for dry_run, status in ((True, 200), (False, 201)):
        wish = {"headline": "Crue : quais fermés", "dry_run": dry_run}
        third = await bureau.told("POST", f"/alerts/{first['alert']}/update", json=wish, status=status)
        assert "Montez à l’étage." in third["posts"][0]["text"]
        assert (first["follows"], third["follows"]) == (None, second["identifier"])


@pytest.mark.parametrize("act", ["update", "cancel", "correct"])
async def test_if_match_names_what_is_gone_on_from(bureau, act):
    first = await urgent(bureau, headline="Crue")
    second = await urgent(bureau, f"/alerts/{first['alert']}/update", instruction="Montez à l’étage.")
    path, wish = f"/alerts/{first['alert']}/{act}", {"headline": "Suite"} if act == "update" else {}

    old, new = ({"If-Match": f'"{each["fingerprint"]}"'} for each in (first, second))
    problem = await bureau.told("POST", path, json=wish, headers=old, status=412)
    assert second["alert"] in problem["detail"]
    await bureau.told("POST", path, json=wish, headers=new, status=201)


async def test_the_status_shows_what_is_out_beside_the_update_that_waits(bureau):
    first = await urgent(bureau, headline="Crue")
    wish = {"severity": "Moderate", "instruction": "Montez à l’étage."}
    waiting = await bureau.told("POST", f"/alerts/{first['alert']}/update", json=wish, status=201)

    shown = (await bureau.told("GET", "/status", "viewer"))["alerts"]
    assert [(each["alert"], each["state"]) for each in shown] == [
        (first["alert"], "accepted"),
        (waiting["alert"], "waiting"),
    ]
