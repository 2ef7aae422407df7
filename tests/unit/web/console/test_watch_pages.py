"""What the pages of watching show: of now, of an incident, of channels and sources, of the day and the days to come."""

from __future__ import annotations

import html
import itertools
import json
import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.officer import Officer
from alerts.health.monitor import HealthNotice, Phase, Trouble, What
from alerts.health.notices import build_notices
from alerts.model.alert import Alert, Area, Circle, Info, NamedValue, Severity, Status, Urgency
from alerts.model.bounds import MOST_SHOWN, UNSEEN
from alerts.model.cap import write
from alerts.model.delivery import Bulk, BulkState
from alerts.model.hazard import Hazard
from alerts.model.incident import AlertState
from alerts.model.person import Actor, Origin, Role
from alerts.model.post import HELD, PostKind, PostState
from alerts.model.reason import because
from alerts.model.subscriber import Notice, Topic
from alerts.model.town import Town
from alerts.store.statement import stamp
from alerts.web.console.at_once import at_once
from alerts.web.console.maps import outline_of
from alerts.web.console.watch import Remedy, remedy_of
from tests.unit.store.conftest import a_post, a_record
from tests.unit.web.console.watching import TOWN, a_desk
from tests.walls import in_one_test

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path) as desk:
        yield desk


def an_alert(desk, identifier="urn-1", *, status=Status.ACTUAL, **changes) -> Alert:
    now = desk.clock.now()
    values = {"severity": Severity.MODERATE, "headline": "Strong wind", "expires": now + timedelta(hours=6)}
    info = Info(changes.pop("event", "Wind"), **{**values, "areas": (Area("Isère"),), **changes})
    return Alert(identifier, "meteo@example", now, status=status, infos=(info,))


def is_sent(desk, number=7) -> dict:
    at = stamp(desk.clock.now() - timedelta(minutes=3))
    return {"remote_id": str(number), "url": f"https://t.example/{number}", "sent_at": at, "tries": 1}


async def test_what_cant_wait_is_a_tap_nearer_for_who_may_post(desk):
    def offered(page):
        return re.findall(r'href="/desk/compose\?hazard=([a-z-]+)"', page)

    assert offered(await desk.text("/")) == ["flood", "evacuation", "shelter", "gas"]
    desk.role = Role.VIEWER
    assert offered(await desk.text("/")) == []


def test_the_hazards_that_a_town_names_come_before_ours():
    town = Town("Saint-Martin", hazards=("dam", "road", "gas", "smoke", "flood", "general"))
    assert list(at_once(town)) == [Hazard.DAM, Hazard.ROAD, Hazard.GAS, Hazard.SMOKE]


async def test_nothing_on_is_shown_with_how_old_that_knowledge_is(desk):
    page = await desk.text("/")
    assert "No current alerts." in page
    assert "meteo: never read" in " ".join(page.split())

    await desk.database.write(
        lambda db: (
            db.execute(
                "INSERT INTO source (name, memory, last_ok, failures) VALUES ('meteo', '{}', ?, 0)",
                (stamp(desk.clock.now() - timedelta(minutes=2)),),
            ).rowcount
        )
    )
    assert re.search(r"meteo: read\s+<time[^>]*>2 minutes ago", await desk.text("/fragments/now"))


async def test_each_alert_is_shown_channel_by_channel_with_state_and_address(desk):
    stored = await desk.post("Water cut", channels=("x", "second"))
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))

    page = await desk.text("/")
    assert page.count('href="https://t.example/7"') == 2
    assert page.count("sent</span>") == 2
    assert f'href="/desk/alerts/{stored.id}"' in page


async def test_what_needs_somebody_comes_first_with_what_to_do(desk):
    calm = await desk.post("Calm", channels=("x",))
    await desk.settle(calm.id, PostState.SENT, **is_sent(desk))
    bad = await desk.post("Bad", channels=("second",))
    await desk.settle(bad.id, PostState.FAILED, reason="too long for it", tries=3)

    page = await desk.text("/")
    assert page.index("To deal with") < page.index(">Bad<") < page.index("Happening now") < page.index(">Calm<")
    assert "too long for it" in page
    assert "3 attempts" in page
    assert "Change the words with an update" in page


def summary(page: str) -> str:
    return re.search(r'data-summary="([^"]*)"', page)[1]


async def test_works_and_a_series_between_its_dates_are_announced_for_later_and_not_current(desk):
    now = desk.clock.now()
    series = {"rule": "FREQ=DAILY", "opens": "23:00", "length": 3600, "last": "", "off": [], "extra": [], "moved": []}
    nightly = (NamedValue("tocsin:hazard", "road"), NamedValue("tocsin:step", "during"))
    nightly += (NamedValue("tocsin:series", json.dumps(series)),)
    begun = {"onset": now - timedelta(days=2), "parameters": nightly}
    works = {"onset": now + timedelta(hours=2), "parameters": (NamedValue("tocsin:hazard", "works"),)}
    for headline, changes in (("Strong wind", {}), ("Bridge closed", begun), ("Pipes renewed", works)):
        told = an_alert(desk, headline, headline=headline, event=headline, expires=now + timedelta(days=9), **changes)
        await desk.settle((await desk.hear(told)).id, PostState.SENT, **is_sent(desk))

    page = await desk.text("/")
    later = page.index("Announced for later")
    assert page.index("Happening now") < page.index(">Strong wind<") < later
    assert later < min(page.index(">Bridge closed<"), page.index(">Pipes renewed<"))
    assert summary(page).endswith(", one current alert.")

    desk.clock.set(now.astimezone(desk.config.zone).replace(hour=23, minute=10))
    page = await desk.text("/")
    assert "Announced for later" not in page
    assert summary(page).endswith(", 3 current alerts.")


async def test_an_alert_that_waits_leads_to_its_validation(tmp_path):
    async with a_desk(tmp_path, publish="approve") as desk:
        stored = await desk.post("Waits", channels=("x",))

        assert f'href="/desk/waiting/{stored.id}"' in await desk.text("/")
        assert f'href="/desk/waiting/{stored.id}"' in await desk.text(f"/alerts/{stored.id}")


async def test_an_exercise_is_told_in_every_list_and_by_its_page(desk):
    alert = an_alert(desk, status=Status.EXERCISE, headline="Dam breaks")
    stored = await desk.hear(alert)
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))

    for address in ("/", "/alerts", "/timeline", f"/alerts/{stored.id}"):
        assert "badge drill" in await desk.text(address), address
    page = await desk.text(f"/alerts/{stored.id}")
    assert 'class="exercise"' in page
    assert "an exercise: " in page.lower()
    assert "visible to the public" not in page.lower()
    real = await desk.post("Real", channels=("x",))
    assert 'class="exercise"' not in await desk.text(f"/alerts/{real.id}")


async def test_an_incident_is_its_thread_with_history_and_cap(desk):
    stored = await desk.post("Water cut", channels=("x",), instruction="Boil it.")
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))

    page = await desk.text(f"/alerts/{stored.id}")
    assert "Boil it." in page
    assert "https://t.example/7" in page
    assert ">accepted<" in page
    async with desk.client.get(f"/desk/alerts/{stored.id}.xml") as answer:
        assert await answer.read() == write(stored.alert)
        assert answer.content_type == "application/cap+xml"
        assert "attachment" in answer.headers["Content-Disposition"]


async def test_an_id_is_exact_or_it_is_none(desk):
    stored = await desk.post()

    await desk.text(f"/alerts/{stored.id[:-1]}", status=404)
    await desk.text("/alerts/nothing", status=404)
    await desk.text("/alerts/nothing.xml", status=404)
    assert stored.id in await desk.text(f"/alerts/{stored.incident_id}")


async def test_what_is_new_since_one_looked_is_marked_once(desk):
    stored = await desk.post("Water cut", channels=("x",))
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
    assert "Changed since you looked" not in await desk.text(f"/alerts/{stored.id}")

    desk.name = "Bea"
    await desk.press(f"/alerts/{stored.id}/end", how="cancel", reason="Repaired")
    assert "Changed since you looked" not in await desk.text(f"/alerts/{stored.id}"), "they did it themselves"
    desk.name = "Anne"
    page = await desk.text(f"/alerts/{stored.id}")
    assert "Changed since you looked" in page
    assert page.count("new since you looked") == 1
    assert "Changed since you looked" not in await desk.text(f"/alerts/{stored.id}")


async def test_an_update_shows_what_changed_and_an_end_does_not(desk):
    stored = await desk.post("Water cut", channels=("x",), instruction="Boil the water.")
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
    actor = desk.visitor().actor

    def update(unit):
        return Officer(unit, actor).update(stored.id, {"instruction": "Drink the water."}).stored

    later = await desk.service.act(update)
    page = await desk.text(f"/alerts/{stored.id}")
    assert re.search(r"<del>.*Boil.*</del>", page)
    assert re.search(r"<ins>.*Drink.*</ins>", page)
    await desk.press(f"/alerts/{later.id}/end", how="all_clear")
    again = await desk.text(f"/alerts/{stored.id}")
    assert again.count("What changed") == page.count("What changed") == 1
    assert "all clear</span>" in again


async def test_looking_again_writes_nothing_and_a_fragment_never_does(desk):
    stored = await desk.post()
    await desk.text(f"/fragments/alerts/{stored.id}")
    before = desk.database.commits
    await desk.text(f"/alerts/{stored.id}")
    await desk.text(f"/alerts/{stored.id}")
    await desk.text(f"/fragments/alerts/{stored.id}")

    assert desk.database.commits == before + 1


async def test_what_was_left_out_is_listed_with_its_reason(desk):
    stored = await desk.hear(an_alert(desk, expires=desk.clock.now() - timedelta(hours=1), headline="Long over"))
    assert stored.state is AlertState.LEFT_OUT

    page = await desk.text("/left-out")
    assert "Long over" in page
    assert str(stored.reason) in page


async def test_the_list_is_filtered_and_turned_page_by_page(desk):
    for number in range(32):
        await desk.hear(an_alert(desk, f"urn-{number}", headline=f"Wind number {number:02}"))
    await desk.post("By hand", channels=("x",))

    first = await desk.text("/alerts?source=meteo")
    assert "By hand" not in first
    assert "Wind number 31" in first
    assert "Wind number 01" not in first
    older = re.search(r'href="(/desk/alerts\?[^"]+)" rel="next"', first)[1].replace("&amp;", "&")
    second = await desk.text(older.removeprefix("/desk"))
    assert "Wind number 01" in second
    assert "By hand" not in second
    assert "By hand" in await desk.text("/alerts?words=BY+hand&state=accepted&posts=queued&source=manual")
    assert "No matching alert." in await desk.text("/alerts?words=By+hand&source=meteo")
    await desk.text("/alerts?state=nonsense&posts=nonsense&before=nonsense&source=none&words=" + "x" * 900)


async def test_what_is_told_to_subscribers_is_shown_with_how_far_it_is_and_when_it_will_be_through(desk):
    assert "To subscribers" not in await desk.text("/channels")
    stored = await desk.post("Water cut", channels=("x",))
    now = desk.clock.now()
    bulk = Bulk(
        id="b1",
        channel="x",
        incident=stored.incident_id,
        alert_id=stored.id,
        kind=PostKind.PUBLISH,
        state=BulkState.QUEUED,
        notice=Notice(Topic.WATER, Severity.MODERATE),
        texts={"en": "Water cut"},
        stored_at=now - timedelta(minutes=10),
    )
    await desk.service.act(lambda unit: unit.alerts.add_bulk(bulk))
    assert "Begins next" in await desk.text("/fragments/channels")
    under_way = "UPDATE bulk SET state = 'sending', total = 400, sent = 90, skipped = 10, started_at = ?"
    await desk.database.write(lambda db: db.execute(under_way, (stamp(now - timedelta(minutes=10)),)))

    page = " ".join(re.sub(r"<[^>]+>", " ", await desk.text("/fragments/channels")).split())
    assert "To subscribers, in the last day Water cut Is being sent" in page
    assert "Sent to 90" in page
    assert "100 of 400 subscribers" in page
    assert "Through at about 13:30" in page, "30 more minutes, in the station's zone"

    def hold(db):
        db.execute("UPDATE bulk SET state = 'done', ended_at = ?", (stamp(now),))
        db.execute("INSERT INTO held_back VALUES ('x', 1, 'b1', ?)", (stamp(now + timedelta(hours=9)),))

    await desk.database.write(hold)
    page = " ".join(re.sub(r"<[^>]+>", " ", await desk.text("/fragments/channels")).split())
    assert "Some will be told later" in page
    assert "Sending is finished" not in page
    assert re.search(r"Held for the morning, or for what comes with it 1 \( ?until \S.*?22:00", page)


async def test_a_grave_alert_that_waits_for_a_limit_says_until_when_and_needs_somebody(tmp_path):
    async with a_desk(tmp_path, language="fr") as desk:
        desk.language = "fr"
        earlier = await desk.post("Marché", channels=("x",))
        await desk.settle(earlier.id, PostState.SENT, **is_sent(desk))
        [post] = await desk.posts(earlier.id)
        left = [stamp(desk.clock.now() - timedelta(hours=23, minutes=minute)) for minute in range(59, -1, -1)]
        columns = "post_id, channel, action, owner, counts, left_at"
        row = f"INSERT INTO attempt ({columns}) VALUES (?, 'x', 'send', 'o', 1, ?)"
        await desk.database.write(lambda db: [db.execute(row, (post.id, at)) for at in left])
        first = await desk.post("Crue à la Gare", channels=("x",), severity=Severity.SEVERE)
        second = await desk.post("Crue au Port", channels=("x",), severity=Severity.SEVERE)
        minor = await desk.post("Bal reporté", channels=("x",), severity=Severity.MINOR)

        home = await desk.text("/")
        needs = home[: home.index('id="on"')]
        for stored, minutes in ((first, 1), (second, 2)):
            leaves = (desk.clock.now() + timedelta(minutes=minutes)).astimezone(desk.config.zone)
            said = html.unescape(await desk.text(f"/alerts/{stored.id}"))
            assert "À traiter" in said
            assert "en cours d’envoi" not in said
            standing = re.sub(r"<[^>]+>", "", said[said.index('id="standing"') :])
            assert re.search(rf"1 attend une limite \(.+?\), part vers {leaves:%H}.{{1,3}}{leaves:%M}", standing), (
                standing
            )
            assert re.search(rf"attend la limite du canal, part vers {leaves:%H}.{{1,3}}{leaves:%M}", said), said
            assert f'id="case-{stored.incident_id}"' in needs
        assert f'id="case-{minor.incident_id}"' not in needs

        [waits] = await desk.posts(second.id)
        assert f'id="over-{waits.id}"' in await desk.text(f"/alerts/{second.id}")
        form = {"post": waits.id, "over_limit": "1"}
        assert (await desk.press(f"/alerts/{second.id}/retry", **form))[0] == 303
        [sent] = await desk.posts(second.id)
        assert sent.is_over_limit

        [lesser] = await desk.posts(minor.id)
        assert f'id="over-{lesser.id}"' not in await desk.text(f"/alerts/{minor.id}")
        form = {"post": lesser.id, "over_limit": "1"}
        told = await desk.press(f"/alerts/{minor.id}/retry", **form)
        assert "seul ce qui est grave ou extrême" in html.unescape(told[2]).replace("\u202f", " ")
        assert not (await desk.posts(minor.id))[0].is_over_limit
        assert "limite" not in html.unescape(await desk.text(f"/alerts/{second.id}")).split('id="standing"')[1][:400]


async def test_a_platform_that_refuses_our_app_is_told_as_that_and_nothing_of_it_is_under_way(desk):
    stored = await desk.post("Crue à la Gare", channels=("second",), severity=Severity.SEVERE)
    why = because("x_forbids_all", said="You are not permitted").kept()
    row = "INSERT INTO channel (name, state, reason, quotas) VALUES ('second', 'blocked', ?, '[]')"
    await desk.database.write(lambda db: db.execute(row, (why,)) and None)

    page = html.unescape(await desk.text(f"/alerts/{stored.id}"))
    channels = html.unescape(await desk.text("/channels"))

    assert "refuses us" in page.split('id="standing"')[1][:300]
    assert "under way" not in page.split('id="standing"')[1][:300]
    for said in (page, channels):
        assert "developer portal" in said
    assert "Nothing is lost" not in channels
    card = channels.split('id="channel-second"')[1].split("</article>")[0]
    assert "its credentials are assumed to be valid" not in card


async def test_a_channel_without_subscribers_shows_it_to_nobody_and_is_not_counted(tmp_path):
    letters = """
[channels.letters]
kind = "mail"
host = "smtp.example"
sender = "alertes@saint-martin.example"
subscriptions = true
"""
    town = TOWN.replace("[station]", '[station]\npublic_url = "https://alertes.example"') + letters
    async with a_desk(tmp_path, town=town) as desk:
        stored = await desk.post("Crue à la Gare", channels=("x", "letters"))
        await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
        standing = html.unescape(await desk.text(f"/alerts/{stored.id}")).split('id="standing"')[1][:300]
        assert "visible to the public on its one channel" in standing.lower()
        assert "nobody subscribed to" in standing


async def test_channels_tell_pace_reserve_queue_and_what_to_do(desk):
    stored = await desk.post(channels=("x",))
    left_at = stamp(desk.clock.now() - timedelta(minutes=5))

    def work(db):
        post = db.execute("SELECT id FROM post WHERE alert_id = ?", (stored.id,)).fetchone()[0]
        db.execute(
            "INSERT INTO attempt (post_id, channel, action, owner, counts, left_at) VALUES (?, 'x', 'send', 'o', 1, ?)",
            (post, left_at),
        )
        db.execute(
            "INSERT INTO channel (name, state, reason, quotas) VALUES ('second', 'blocked', 'refused 401', '[]')"
        )

    await desk.database.write(work)
    page = " ".join((await desk.text("/channels")).split())
    assert "<strong>60/24h</strong> – 59 posts left of 60; 12 of them are reserved" in page
    assert 'aria-label="59 of 60 left"' in page
    assert "1 post</dd>" in page
    assert "refused 401" in page
    assert "[channels.second]" in page
    assert 'href="/desk/channels#channel-second"' in await desk.text("/")


async def test_a_day_shows_what_went_out_and_which_ends_come(desk):
    stored = await desk.post("Water cut", channels=("x",))
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))

    page = await desk.text("/timeline")
    assert "Posts of the last 24 hours" in page
    assert f"/desk/alerts/{stored.id}#post-" in page
    assert "in 6 hours" in page
    assert 'style="' not in page


async def test_the_calendar_shows_beginnings_ends_and_what_goes_out_by_itself(desk):
    now = desk.clock.now()
    works = await desk.hear(
        an_alert(desk, headline="Road works", onset=now + timedelta(days=3), expires=now + timedelta(days=20))
    )
    await desk.settle(works.id, PostState.SENT, **is_sent(desk))
    held = await desk.hear(an_alert(desk, "urn-2", headline="Held back", urgency=Urgency.EXPECTED))
    await desk.settle(held.id, PostState.WAITING, not_before=stamp(now + timedelta(minutes=10)))

    week, month = await desk.text("/calendar"), await desk.text("/calendar?span=month")
    assert week.index("Held back") < week.index("Road works")
    assert "goes out by itself" in week
    assert week.count("Road works") == 1
    assert month.count("Road works") == 2


async def test_a_feeds_words_are_never_markup(desk):
    stored = await desk.hear(
        an_alert(
            desk, HOSTILE.replace(" ", "-").replace("<", "").replace("&", ""), headline=HOSTILE, description=HOSTILE,
            instruction=HOSTILE, web="javascript:alert(3)", areas=(Area(HOSTILE, circles=(Circle((45.0, 5.0), 2.0),)),),
        )
    )  # fmt: skip
    await desk.settle(stored.id, PostState.FAILED, reason=HOSTILE, remote_id=HOSTILE, url="javascript:alert(4)")

    for address in ("/", "/alerts", f"/alerts/{stored.id}", "/timeline", "/calendar", f"/fragments/alerts/{stored.id}"):
        page = await desk.text(address)
        assert "<script>alert" not in page, address
        assert "<img src=x" not in page, address
        assert 'href="javascript:' not in page, address
        assert "49" not in re.sub(r"\d{3,}|:49|49:", "", page) or "{{ 7*7 }}" in page, address


async def test_what_cannot_be_seen_in_a_feeds_words_is_shown_and_never_obeyed(desk):
    turned = "Route \u202eouverte\u2066\u200f\u200b\u00ad"
    stored = await desk.hear(
        an_alert(
            desk, "urn-\u202e1", headline=turned, description=turned, instruction=turned, contact=turned,
            sender_name=turned,
            areas=(Area(turned, circles=(Circle((45.0, 5.0), 2.0),)),),
        )
    )  # fmt: skip
    await desk.settle(stored.id, PostState.FAILED, reason=turned, remote_id=turned)

    for address in ("/", "/alerts", f"/alerts/{stored.id}", "/timeline", "/calendar", f"/fragments/alerts/{stored.id}"):
        page = await desk.text(address)
        assert not UNSEEN.search(page), address
        assert "\\u202e" not in page, address
    assert "‹U+202E›" in await desk.text(f"/alerts/{stored.id}")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_page_is_there_in_both_languages_without_inline_script_or_style(desk, language):
    desk.language = language
    stored = await desk.hear(an_alert(desk, areas=(Area("Isère", circles=(Circle((45.0, 5.0), 2.0),)),)))
    for address in ("/", "/alerts", "/left-out", f"/alerts/{stored.id}", "/channels", "/timeline", "/calendar"):
        page = await desk.text(address)
        assert f'<html lang="{language}">' in page
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page), address
        assert page.count("<h1") == 1, address


async def test_a_picture_is_served_as_what_it_is_and_nothing_else_is(desk, tmp_path):
    stored = await desk.post(channels=("x",))
    (tmp_path / "map.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    await desk.text(f"/alerts/{stored.id}/picture", status=404)

    await desk.settle(stored.id, PostState.SENT, image=str(tmp_path / "map.png"), alt="A map")
    async with desk.client.get(f"/desk/alerts/{stored.id}/picture") as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
    assert 'alt="A map"' in await desk.text(f"/alerts/{stored.id}")
    await desk.settle(stored.id, PostState.SENT, image=str(desk.config.file))
    await desk.text(f"/alerts/{stored.id}/picture", status=404)


@contextmanager
def counted(desk):
    """The statements that the reader runs, and how far SQLite's machine steps for them, in hundreds."""
    seen = {"statements": 0, "steps": 0}
    db = desk.database._reader._conn

    def statement(_):
        seen["statements"] += 1

    def step():
        seen["steps"] += 1

    db.set_trace_callback(statement)
    db.set_progress_handler(step, 100)
    yield seen
    db.set_trace_callback(None)
    db.set_progress_handler(None, 0)


async def test_the_pages_cost_the_same_with_five_thousand_alerts_as_with_a_few(desk):
    addresses = ("/", "/alerts", "/alerts?source=manual", "/alerts?state=waiting", "/alerts?posts=failed", "/left-out")
    for number in range(45):
        stored = await desk.hear(an_alert(desk, f"urn-{number}", headline=f"Wind {number}"))
    await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
    await desk.post("By hand", channels=("x",))

    async def costs() -> dict[str, dict[str, int]]:
        found = {}
        for address in (*addresses, f"/alerts/{stored.id}"):
            await desk.text(address)
            with counted(desk) as seen:
                await desk.text(address)
            found[address] = seen
        return found

    few = await costs()

    def many(db):
        """Five thousand more, of which all were sent and half are on."""
        for table, marks in (("alert", ("id", "incident")), ("post", ("id", "alert_id", "incident"))):
            names = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] != "seq"]
            picked = ", ".join(f"{name} || '-' || n.i" if name in marks else name for name in names)
            key = "id" if table == "alert" else "alert_id"
            db.execute(
                f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
                INSERT INTO {table} ({", ".join(names)}) SELECT {picked} FROM {table}, n WHERE {key} = ?""",
                (stored.id,),
            )
        db.execute("UPDATE alert SET expires = 1 WHERE seq % 2 AND id LIKE '%-%'")

    await desk.database.write(many)
    assert await desk.database.read(lambda db: db.execute("SELECT count(*) FROM alert").fetchone()[0]) > 5000
    lots = await costs()

    for address, cost in lots.items():
        assert cost["statements"] <= few[address]["statements"], address
        assert cost["steps"] <= few[address]["steps"] * 1.5 + 60, (address, cost, few[address])


async def test_more_than_fits_is_said(desk):
    for number in range(45):
        stored = await desk.hear(an_alert(desk, f"urn-{number}", headline=f"Wind {number}"))
        await desk.settle(stored.id, PostState.FAILED, reason="no")

    page = await desk.text("/")
    assert "There are more than fit here" in page
    assert 'href="/desk/alerts?posts=failed"' in page


async def test_the_first_to_go_out_by_itself_is_among_those_that_fit_and_the_rest_are_counted(tmp_path):
    async with a_desk(tmp_path, publish="approve") as desk:
        first = await desk.hear(an_alert(desk, headline="The first", severity=Severity.MINOR))
        for number in range(45):
            await desk.post(f"Noise {number}", channels=("x",))
        await desk.settle(first.id, PostState.WAITING, not_before=stamp(desk.clock.now() + timedelta(minutes=1)))
        await desk.database.write(
            lambda db: db.execute("UPDATE alert SET state = 'waiting' WHERE id = ?", (first.id,)).rowcount
        )
        page = await desk.text("/")

        assert f'href="/desk/waiting/{first.id}"' in page
        assert page.count('id="judge-') == 40
        assert '<a href="/desk/waiting">6 more alerts (' in page


@in_one_test
@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"state": PostState.WAITING}, Remedy.VALIDATE),
        ({"state": PostState.IN_DOUBT}, Remedy.LOOK),
        ({"state": PostState.IN_DOUBT, "next_try": True}, Remedy.WAIT),
        ({"state": PostState.QUEUED, "outcome": "credential", "tries": 1}, Remedy.CREDENTIAL),
        ({"state": PostState.QUEUED, "outcome": "unexplained", "tries": 1}, Remedy.UNEXPLAINED),
        ({"state": PostState.QUEUED, "tries": 1, "reason": because("x_credits", said="no")}, Remedy.CREDENTIAL),
        ({"state": PostState.QUEUED, "outcome": "retry", "tries": 1}, Remedy.WAIT),
        ({"state": PostState.QUEUED}, None),
        ({"state": PostState.QUEUED, "outcome": HELD}, Remedy.LIMIT),
        ({"state": PostState.FAILED}, Remedy.REWORD),
        ({"state": PostState.EXPIRED}, Remedy.LATE),
        ({"state": PostState.SENT}, None),
    ],
)
def test_each_state_has_its_remedy(changes, remedy):
    if changes.get("next_try"):
        changes = {**changes, "next_try": a_record("a").received_at}
    assert remedy_of(a_post("p", a_record("a"), **changes)) is remedy


def test_an_outline_is_geojson_with_longitudes_first_and_closed():
    ring = ((45.0, 5.0), (46.0, 5.0), (46.0, 6.0), (45.0, 5.0))
    info = Info("E", areas=(Area("A", polygons=(ring,)), Area("B", circles=(Circle((45.0, 5.0), 10.0),))))
    shapes = outline_of(Alert("i", "s", a_record("a").received_at, infos=(info,)))

    polygon, circle = (feature["geometry"]["coordinates"][0] for feature in shapes["features"])
    assert polygon == [[5.0, 45.0], [5.0, 46.0], [6.0, 46.0], [5.0, 45.0]]
    assert circle[0] == circle[-1]
    assert max(latitude for _, latitude in circle) == pytest.approx(45.0898, abs=1e-3)


def test_a_page_carries_no_coast_line_of_a_hundred_thousand_points():
    ring = tuple((45 + index / 1e6, 5.0) for index in range(100_000))
    info = Info("E", areas=(Area("A", polygons=((*ring, ring[0]),)),) * 1)
    shapes = outline_of(Alert("i", "s", a_record("a").received_at, infos=(info,)))

    [points] = shapes["features"][0]["geometry"]["coordinates"]
    assert len(points) <= MOST_SHOWN
    assert points[0] == points[-1]


class TestWhatIsSo:
    """No screen says more than is so."""

    @pytest.mark.parametrize(
        ("language", "said"),
        [
            ("en", "Visible to the public on 1 channel of 2, until"),
            ("fr", "Visible du public sur 1 canal sur 2, jusqu’au"),
        ],
    )
    async def test_one_line_at_the_head_says_it_all(self, desk, language, said):
        desk.language = language
        stored = await desk.post("Water cut", channels=("x", "second"))
        await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
        await desk.database.write(lambda db: db.execute("UPDATE post SET state = 'failed' WHERE channel = 'second'"))

        line = standing(await desk.text(f"/alerts/{stored.id}"))
        assert line.startswith(said)
        assert line.endswith(", 1 failed; written by Anne." if language == "en" else ", 1 en échec ; écrite par Anne.")

    async def test_what_is_under_way_is_not_visible(self, desk):
        stored = await desk.post("Water cut", channels=("x",))

        page = await desk.text(f"/alerts/{stored.id}")
        assert standing(page) == "Not visible to the public yet, 1 under way; written by Anne."
        assert "on its way" in page

    async def test_who_validated_it_is_told(self, tmp_path):
        async with a_desk(tmp_path, publish="approve") as desk:
            stored = await desk.post("Water cut", channels=("x",))
            boss = Actor("Paul", Role.APPROVER, Origin.CONSOLE)
            await desk.service.act(lambda unit: Officer(unit, boss).approve(stored.id))

            assert standing(await desk.text(f"/alerts/{stored.id}")).endswith("; written by Anne, validated by Paul.")

    @pytest.mark.parametrize(
        ("language", "kind", "line"),
        [
            ("en", "A cancellation is waiting to be validated.", "its end is waiting (1 channel)"),
            ("fr", "Une annulation attend une validation.", "sa fin attend (1 canal)"),
        ],
    )
    async def test_an_end_that_waits_leaves_the_alert_among_those_that_are_on(self, tmp_path, language, kind, line):
        async with a_desk(tmp_path, publish="approve") as desk:
            desk.language = language
            stored = await desk.post("Water cut", channels=("x",))
            boss = Actor("Paul", Role.APPROVER, Origin.CONSOLE)
            await desk.service.act(lambda unit: Officer(unit, boss).approve(stored.id))
            await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
            desk.role = Role.AUTHOR
            await desk.press(f"/alerts/{stored.id}/end", how="cancel", reason="Repaired")

            page = await desk.text(f"/alerts/{stored.id}")
            assert kind in page
            assert line in standing(page)
            now = await desk.text("/")
            assert kind in now
            assert f'id="on-{stored.incident_id}"' in now, "it is on until its end is out"

    async def test_our_own_notices_are_no_alerts(self, desk):
        stored = await desk.post("Water cut", channels=("x",))
        await desk.settle(stored.id, PostState.SENT, **is_sent(desk))
        warnings = build_notices(desk.config, map("n{}".format, itertools.count()).__next__)
        news = HealthNotice(Phase.FIRING, Trouble(What.FEED, "meteo"), desk.clock.now())

        def told(unit):
            replace(warnings, channels=tuple(desk.config.channels.values())[:1]).file(
                unit.alerts, [news], desk.clock.now()
            )
            unit.execute("UPDATE post SET state = 'failed' WHERE state = 'queued'")

        await desk.database.write(told)
        for address in ("/", "/alerts", "/timeline", "/left-out"):
            page = await desk.text(address)
            assert "can’t be read" not in page.replace("can't", "can’t"), address
        assert "1" in await desk.text("/notices")
        assert "the source meteo can't be read" in html.unescape(await desk.text("/notices"))
        desk.language = "fr"
        assert "Les avis de Tocsin" in await desk.text("/notices")


def standing(page: str) -> str:
    """The line at the head of an alert, as it reads."""
    line = re.search(r'<p class="standing strong" id="standing">(.*?)</p>', page, re.DOTALL)[1]
    return " ".join(re.sub(r"<[^>]+>", "", html.unescape(line)).replace("\u00a0", " ").split(" ")).strip()
