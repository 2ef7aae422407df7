"""The pages of validation: what is shown, what is decided on it, and who is kept from what."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.model.alert import MsgType, NamedValue, Resource, Severity, Urgency
from alerts.model.post import PostState
from alerts.web.console.review import A_PAGE
from tests.unit.desk.conftest import an_alert, following
from tests.unit.web.console.validating import a_validating_desk

PNG = b"\x89PNG\r\n\x1a\n the quay"


@pytest.fixture
async def desk(tmp_path):
    async for desk in a_validating_desk(tmp_path):
        yield desk


@pytest.fixture
async def alone(tmp_path):
    async for desk in a_validating_desk(tmp_path, alone=True):
        yield desk


class TestTheList:
    """Everything that waits, what goes out by itself first."""

    async def test_nothing_waits(self, desk):
        page = await desk.look("/waiting")
        assert "Nothing is waiting." in page.text

    async def test_what_goes_out_by_itself_comes_first_then_the_gravest_each_with_its_rule(self, desk):
        await desk.post("Roadworks", severity=Severity.MINOR)
        await desk.hear(an_alert(headline="Gale", severity=Severity.MODERATE))
        await desk.hear(an_alert(headline="Flood", event="Crue", severity=Severity.SEVERE, urgency=Urgency.IMMEDIATE))
        page = await desk.look("/waiting")

        assert re.findall(r'<h2 id="w-.*?<a [^>]*>(.*?)</a>', page.html) == ["Gale", "Flood", "Roadworks"]
        assert "written by Anne" in page.text
        assert "from the source meteo" in page.text
        assert "It is severe and immediate. Such alerts from meteo are validated before they go out." in page.text
        assert "Alerts from meteo go out by themselves unless somebody stops them." in page.text
        assert "Alerts from officers are validated before they go out." in page.text

    async def test_of_many_none_is_hidden_and_the_first_to_go_out_leads(self, desk):
        first = await desk.hear(an_alert(headline="The first", severity=Severity.MINOR))
        for number in range(A_PAGE):
            await desk.post(f"Noise {number:02}", severity=Severity.SEVERE, instruction="Stay in.")
        desk.clock.set(desk.clock.now() + timedelta(minutes=1))
        await desk.hear(an_alert(headline="Later", event="Crue"))
        one, two = await desk.look("/waiting"), await desk.look("/waiting?page=2")

        listed = [re.findall(r'<h2 id="w-.*?<a [^>]*>(.*?)</a>', page.html) for page in (one, two)]
        assert listed[0][:3] == ["The first", "Later", "Noise 00"]
        assert [len(each) for each in listed] == [A_PAGE, 2]
        assert listed[1] == ["Noise 48", "Noise 49"]
        assert f"{A_PAGE + 2} alerts: what goes out by itself first" in one.text
        assert "Page 1 of 2" in one.text
        assert 'href="/desk/waiting?page=2" rel="next"' in one.html
        assert 'href="/desk/waiting?page=1" rel="prev"' in two.html
        assert "Page 2 of 2" in (await desk.look("/waiting?page=99")).text
        for nonsense in ("0", "-1", "x", "9" * 400, "%D9%A3"):
            assert f'href="/desk/waiting/{first}"' in (await desk.look(f"/waiting?page={nonsense}")).html

    async def test_a_veto_counts_down_in_sight_and_one_tap_stops_it(self, desk):
        alert = await desk.hear(an_alert(headline="Gale"))
        page = await desk.look("/waiting")

        assert "Goes out by itself at 13:10 ( in 10 minutes )" in page.text
        assert 'data-goes-out="2026-11-25T12:10:00+00:00" data-now="2026-11-25T12:00:00+00:00"' in page.html
        done = await desk.press(f"/waiting/{alert}/reject", stop="1", reason=page.hidden("reason"))
        assert (done.status, done.location) == (303, f"/desk/waiting?done=reject&of={alert}")
        assert await desk.states(alert) == {"rejected"}
        assert "“Gale” will not go out." in (await desk.look(f"/waiting?done=reject&of={alert}")).text
        assert "It will not go out." in (await desk.look("/waiting?done=reject&of=nothing")).text

    async def test_an_author_may_stop_what_a_feed_brought_and_nothing_of_others(self, desk):
        alert, others = await desk.hear(an_alert()), await desk.post("Crue")
        page = await desk.look(f"/waiting/{others}", "Luc")

        assert "Your role can’t validate" in page.text
        assert not page.has_form("reject")
        assert (await desk.press(f"/waiting/{others}/reject", "Luc", reason="non")).status == 403
        assert await desk.states(others) == {"waiting"}
        assert (await desk.look("/waiting", "Luc")).has_form("reject")
        assert (await desk.press(f"/waiting/{alert}/reject", "Luc", stop="1")).status == 303
        assert await desk.states(alert) == {"rejected"}

    async def test_an_exercise_says_so(self, desk):
        alert = await desk.post("Drill", exercise=True)

        assert "Exercise" in (await desk.look("/waiting")).text
        page = await desk.look(f"/waiting/{alert}")
        assert '<body class="exercise"' in page.html
        assert "Validate the exercise" in page.text


class TestOneAlert:
    """Exactly what goes out."""

    async def test_each_channel_s_text_count_area_and_end_are_there_and_the_seal(self, desk):
        alert = await desk.post("Water cut", description="<b>Two</b> hours & more", areas=())
        page = await desk.look(f"/waiting/{alert}")
        posts = await desk.service.ask(lambda unit: unit.alerts.posts_of(alert))

        for post in posts:
            assert " ".join(post.message.plain.split()) in page.text
        assert "of 4096 characters, as the platform counts" in page.text
        assert "of 63206 characters" in page.text
        assert "Wed 25 Nov, 19:00" in page.text
        assert re.fullmatch(r"[0-9a-f]{64}\.[0-9a-f]{64}", page.hidden("seen"))

    async def test_every_word_of_every_language_is_there_as_it_is_let_out(self, desk):
        [info] = an_alert().infos
        english = replace(
            info, language="en-GB", headline="ENGLISH <HEADLINE>", description="ENGLISH DESCRIPTION",
            instruction="ENGLISH INSTRUCTION", contact="ENGLISH CONTACT", sender_name="ENGLISH SENDER",
            web="https://english.example/", audience="ENGLISH AUDIENCE", parameters=(NamedValue("Height", "3 m"),),
            resources=(Resource("ENGLISH PICTURE", "image/png", uri="https://english.example/p.png"),),
        )  # fmt: skip
        alert = await desk.hear(an_alert(infos=(info, english), note="NOTE OF THE SENDER", language="fr-FR"))
        page = await desk.look(f"/waiting/{alert}")

        full = page.text.partition("Also on the town’s page and in the CAP message")[2]
        assert "In the language en-GB" in full
        for words in ("HEADLINE", "DESCRIPTION", "INSTRUCTION", "CONTACT", "SENDER", "AUDIENCE", "PICTURE"):
            assert words in full, words
        assert "https://english.example/" in full
        assert "Further element Height: 3 m" in full
        assert "Note NOTE OF THE SENDER" in full
        assert "<HEADLINE>" not in page.html

    async def test_what_was_cut_from_the_posts_is_there(self, desk):
        alert = await desk.post("Flea market", description="Nothing special on Sunday. " * 400 + "THE END: flee")
        page = await desk.look(f"/waiting/{alert}", "Vera")
        posts = await desk.service.ask(lambda unit: unit.alerts.posts_of(alert))

        assert any("THE END: flee" not in post.message.plain for post in posts)
        assert "THE END: flee" in page.text.partition("Also on the town’s page")[2]

    async def test_what_was_seen_goes_out(self, desk):
        alert = await desk.post()
        seen = (await desk.look(f"/waiting/{alert}")).hidden("seen")

        done = await desk.press(f"/waiting/{alert}/approve", seen=seen)
        assert (done.status, done.location) == (303, f"/desk/alerts/{alert}?done=approve")
        assert await desk.states(alert) == {"queued"}
        assert "Paul validated it at 13:00" in (await desk.look(f"/waiting/{alert}")).text

    @pytest.mark.parametrize("seen", [{}, {"seen": ""}, {"seen": "   "}])
    async def test_a_form_that_does_not_say_what_was_seen_validates_nothing(self, desk, seen):
        alert = await desk.post()

        refused = await desk.press(f"/waiting/{alert}/approve", **seen)
        assert refused.status == 400
        assert "The form did not say what you saw." in refused.text
        assert await desk.states(alert) == {"waiting"}

    async def test_a_page_that_another_person_or_session_was_shown_validates_nothing(self, desk):
        alert = await desk.post(by="Luc")
        seen = (await desk.look(f"/waiting/{alert}", "Anne")).hidden("seen")

        for stale in (seen, seen.partition(".")[0], seen.partition(".")[0] + "."):
            assert (await desk.press(f"/waiting/{alert}/approve", "Paul", seen=stale)).status == 400
        assert await desk.states(alert) == {"waiting"}

    async def test_without_the_token_of_the_page_nothing_is_done(self, desk):
        alert = await desk.post()
        seen = (await desk.look(f"/waiting/{alert}")).hidden("seen")

        assert (await desk.press(f"/waiting/{alert}/approve", csrf="csrf-Anne", seen=seen)).status == 403
        assert (await desk.look(f"/waiting/{alert}/approve?seen={seen}")).status == 405
        assert await desk.states(alert) == {"waiting"}

    async def test_no_such_alert_and_the_beginning_of_one_are_nothing(self, desk):
        alert = await desk.post()

        for name in ("nothing", alert[:-1]):
            assert (await desk.look(f"/waiting/{name}")).status == 404
            assert (await desk.press(f"/waiting/{name}/reject", stop="1")).status == 404
        assert await desk.states(alert) == {"waiting"}

    async def test_the_picture_is_shown_as_it_is_sealed(self, desk, tmp_path):
        file = tmp_path / "quay.png"
        file.write_bytes(PNG)
        alert = await desk.post(image=file, alt="The quay under water")
        page = await desk.look(f"/waiting/{alert}")

        [address] = set(re.findall(r'<img src="/desk(/waiting/[^"]+)" alt="The quay under water"', page.html))
        async with desk.client.get(f"/desk{address}", headers={"Cookie": "tocsin=Paul"}) as answer:
            assert (answer.content_type, await answer.read()) == ("image/png", PNG)
        file.write_bytes(PNG + b" swapped")
        assert (await desk.look(address)).status == 404
        refused = await desk.press(f"/waiting/{alert}/approve", seen=page.hidden("seen"))
        assert refused.status == 409
        assert "changed since you opened this page" in refused.text
        assert refused.hidden("seen") != page.hidden("seen")
        assert (await desk.press(f"/waiting/{alert}/approve", seen=refused.hidden("seen"))).status == 303

    async def test_the_area_is_drawn(self, desk):
        ring = ((45.18, 5.70), (45.20, 5.70), (45.20, 5.72), (45.18, 5.70))
        [area] = an_alert().areas
        alert = await desk.hear(an_alert(areas=(type(area)("Centre & quays", polygons=(ring,)),)))
        page = await desk.look(f"/waiting/{alert}")

        assert 'aria-label="Map: Centre &amp; quays"' in page.html
        assert re.search(r'<path class="area" d="M[\d. L]+Z">', page.html)


class TestFourEyes:
    """No button, and no answer to whoever presses it all the same."""

    async def test_the_author_has_no_button_and_is_told_why(self, desk):
        alert = await desk.post(by="Anne")
        page = await desk.look(f"/waiting/{alert}", "Anne")

        assert not page.has_form("approve")
        assert "You wrote this alert: somebody else has to validate it." in page.text
        refused = await desk.press(f"/waiting/{alert}/approve", "Anne", seen=await desk.sealed(alert, "Anne"))
        assert refused.status == 403
        assert "was written by Anne" in refused.text
        assert await desk.states(alert) == {"waiting"}

    async def test_whoever_may_not_reads_who_may_and_what_to_do_where_nobody_can(self, desk):
        alert = await desk.post(by="Anne")
        for who in ("Anne", "Luc"):
            assert "It can be validated by: Paul." in (await desk.look(f"/waiting/{alert}", who)).text
        assert 'id="validators"' not in (await desk.look(f"/waiting/{alert}", "Paul")).html

        await desk.change_account("Paul", disabled_at=desk.clock.now())
        stuck = await desk.look(f"/waiting/{alert}", "Anne")
        assert "Nobody here can validate it yet: an administrator makes somebody else an approver" in stuck.text

    async def test_whoever_sits_alone_may_and_the_screen_says_so(self, alone):
        alert = await alone.post(by="Anne")
        page = await alone.look(f"/waiting/{alert}", "Anne")

        assert "[desk] alone = true), so you may validate it; the audit log will say so" in page.text
        assert (await alone.press(f"/waiting/{alert}/approve", "Anne", seen=page.hidden("seen"))).status == 303
        lines = await alone.service.ask(lambda unit: unit.audit.newest(subject=alert))
        assert lines[0].entry.detail.endswith(", alone")

    async def test_a_role_that_was_lowered_since_the_page_was_opened_counts(self, desk):
        alert = await desk.post(by="Anne")
        seen = (await desk.look(f"/waiting/{alert}")).hidden("seen")
        await desk.change_account("Paul", role="author")

        assert (await desk.press(f"/waiting/{alert}/approve", seen=seen)).status == 403

    async def test_who_was_shut_out_is_out(self, desk):
        alert = await desk.post(by="Anne")
        seen = (await desk.look(f"/waiting/{alert}")).hidden("seen")
        await desk.change_account("Paul", disabled_at=desk.clock.now())

        assert (await desk.press(f"/waiting/{alert}/approve", seen=seen)).status in (200, 303, 401, 403)
        assert await desk.states(alert) == {"waiting"}

    async def test_a_viewer_decides_nothing(self, desk):
        alert = await desk.post(by="Anne")
        page = await desk.look(f"/waiting/{alert}", "Vera")

        assert not any(page.has_form(end) for end in ("approve", "reject", "send-back"))
        seen = await desk.sealed(alert, "Vera")
        for end, form in {"approve": {"seen": seen}, "reject": {"reason": "no"}, "send-back": {"note": "no"}}.items():
            assert (await desk.press(f"/waiting/{alert}/{end}", "Vera", **form)).status == 403
        assert await desk.states(alert) == {"waiting"}


class TestTwoAtOnce:
    """One wins; the other reads by whom and when."""

    async def test_the_second_is_told(self, desk):
        alert = await desk.post(by="Luc")
        seen = (await desk.look(f"/waiting/{alert}", "Anne")).hidden("seen")
        await desk.act("Paul", lambda officer: officer.approve(alert))

        second = await desk.press(f"/waiting/{alert}/approve", "Anne", seen=seen)
        assert second.status == 409
        assert "Nothing was done: it is no longer what you saw Paul validated it at 13:00 ." in second.text
        assert not second.has_form("approve")
        assert (await desk.press(f"/waiting/{alert}/reject", "Anne", reason="no")).status == 409

    async def test_a_feed_s_update_meanwhile_shows_what_changed_and_asks_anew(self, desk):
        first = an_alert(headline="Gale", description="Gusts of 90 km/h.")
        alert = await desk.hear(first)
        seen = (await desk.look(f"/waiting/{alert}")).hidden("seen")
        newer = await desk.hear(following(first, headline="Gale", description="Gusts of 130 km/h."))

        refused = await desk.press(f"/waiting/{alert}/approve", seen=seen)
        assert refused.status == 409
        assert "A newer version has taken its place. This is what changed:" in refused.text
        assert "Gusts of [taken out: 90 ] [put in: 130 ] km/h." in refused.text
        assert f'href="/desk/waiting/{newer}"' in refused.html
        assert await desk.states(newer) == {"waiting"}


class TestVersions:
    """Who looks again sees what changed."""

    async def test_what_changed_since_the_version_that_was_seen(self, desk):
        alert = await desk.post("Water cut")
        assert "Versions" not in (await desk.look(f"/waiting/{alert}")).text
        graver = {"severity": Severity.SEVERE, "instruction": "Boil it."}
        second = await desk.act("Anne", lambda officer: officer.update(alert, {"headline": "Water is cut"}).stored.id)
        third = await desk.act("Anne", lambda officer: officer.update(second, graver).stored.id)
        page = await desk.look(f"/waiting/{third}")

        assert "What changed since version 1, which you saw" in page.text
        assert "Headline Water [put in: is ] cut" in page.text
        assert "Severity [was: Moderate ] [now: Severe ]" in page.text
        assert "Version 1 Wed 25 Nov, 13:00 , Anne left out you saw this one" in page.text, page.text[-900:]
        again = await desk.look(f"/waiting/{third}")
        assert "What changed since version 2 " in again.text

    async def test_it_is_compared_with_what_readers_have_unless_something_newer_was_seen(self, desk):
        alert = await desk.post("Water cut")
        await desk.act("Berthe", lambda officer: officer.approve(alert))
        change = {"headline": "Repair under way"}
        second = await desk.act("Paul", lambda officer: officer.update(alert, change).stored.id)
        change = {"headline": "Water cut again"}
        third = await desk.act("Anne", lambda officer: officer.update(alert, change).stored.id)

        page = await desk.look(f"/waiting/{third}")
        assert "What changes for readers, who have version 1" in page.text
        assert "Headline Water cut [put in: again ]" in page.text
        assert "Repair" not in page.text.split("What changes")[1].split("Exactly")[0]
        await desk.look(f"/waiting/{second}")
        fourth = await desk.act("Anne", lambda officer: officer.update(third, {"headline": "Water is cut"}).stored.id)
        assert "What changed since version 3, which you saw" in (await desk.look(f"/waiting/{fourth}")).text

    async def test_looking_at_an_older_version_forgets_nothing(self, desk):
        alert = await desk.post("Water cut")
        second = await desk.act("Anne", lambda officer: officer.update(alert, {"headline": "Water is cut"}).stored.id)
        await desk.look(f"/waiting/{second}")
        await desk.look(f"/waiting/{alert}")

        assert re.search(r"Version 2 [^V]*you saw this one", (await desk.look(f"/waiting/{second}")).text)


class TestRejecting:
    """Kept back, with a reason; or sent back to be written better."""

    async def test_a_rejection_needs_its_reason_and_keeps_it(self, desk):
        alert = await desk.post()
        refused = await desk.press(f"/waiting/{alert}/reject", reason=" ")
        assert refused.status == 400
        assert "Say why it will not go out: its author will read this." in refused.text

        await desk.press(f"/waiting/{alert}/reject", reason="the pipe holds")
        [stored] = await desk.service.ask(lambda unit: unit.alerts.by_id(alert))
        assert str(stored.reason) == "rejected by Paul: the pipe holds"

    async def test_an_author_takes_back_their_own(self, desk):
        alert = await desk.post(by="Luc")
        assert "Withdraw it" in (await desk.look(f"/waiting/{alert}", "Luc")).text

        assert (await desk.press(f"/waiting/{alert}/reject", "Luc", reason="my mistake")).status == 303
        assert await desk.states(alert) == {"rejected"}

    async def test_it_goes_back_to_its_author_as_a_draft_with_the_words_that_were_edited(self, desk):
        alert = await desk.post("Water cut", by="Luc", severity=Severity.SEVERE, instruction="Boil it.")
        page = await desk.look(f"/waiting/{alert}")
        assert "Edit and send back to Luc" in page.text

        form = {"headline": "Water is cut", "description": "", "instruction": "Boil it.", "note": "say it is cut"}
        done = await desk.press(f"/waiting/{alert}/send-back", **form)
        assert (done.status, done.location) == (303, f"/desk/waiting?done=send-back&of={alert}")
        [draft] = await desk.service.ask(lambda unit: unit.drafts.drafts("Luc"))
        assert draft.note == "Paul: say it is cut"
        assert {name: draft.fields[name] for name in ("headline", "instruction", "severity", "expires", "channel")} == {
            "headline": "Water is cut",
            "instruction": "Boil it.",
            "severity": "Severe",
            "expires": "2026-11-25T19:00",
            "channel": ("x", "page"),
        }

    async def test_sending_back_needs_a_note_and_keeps_what_was_typed(self, desk):
        alert = await desk.post("Water cut", by="Luc")

        refused = await desk.press(f"/waiting/{alert}/send-back", headline="Water <is> cut", note="")
        assert refused.status == 400
        assert 'value="Water &lt;is&gt; cut"' in refused.html
        assert await desk.states(alert) == {"waiting"}

    async def test_a_feed_s_alert_is_edited_as_an_update(self, desk):
        alert = await desk.hear(an_alert())
        page = await desk.look(f"/waiting/{alert}")

        assert f'href="/desk/compose?update={alert}"' in page.html
        assert f'href="/desk/compose?update={alert}"' not in (await desk.look(f"/waiting/{alert}", "Luc")).html
        assert not page.has_form("send-back")
        assert (await desk.press(f"/waiting/{alert}/send-back", note="no")).status == 422

    async def test_a_veto_that_came_too_late_is_told(self, desk):
        alert = await desk.hear(an_alert())
        state = PostState.QUEUED.value
        await desk.database.write(lambda db: db.execute("UPDATE post SET state = ?", (state,)))
        await desk.database.write(lambda db: db.execute("UPDATE alert SET state = 'accepted'"))

        late = await desk.press(f"/waiting/{alert}/reject", stop="1")
        assert late.status == 409
        assert "It is no longer waiting." in late.text


class TestTheSameEvent:
    """Two feeds tell of one event: the one that waits says what is out, and isn't published by habit."""

    @pytest.fixture
    async def twin(self, desk):
        """A severe warning that waits, and another source's that went out since."""
        grave = {"event": "Crue", "severity": Severity.SEVERE, "urgency": Urgency.IMMEDIATE}
        waits = await desk.hear(an_alert(headline="Flood", **grave))
        await desk.hear(an_alert(headline="The river rises", sender="b@example", **grave), "vigilance")
        return waits

    async def test_is_told_and_takes_a_second_word(self, desk, twin):
        page = await desk.look(f"/waiting/{twin}")
        assert "The same event is already published" in page.text
        assert "The river rises" in page.text
        assert 'name="again"' in page.html

        seen = page.hidden("seen")
        refused = await desk.press(f"/waiting/{twin}/approve", seen=seen)
        assert refused.status == 409
        assert "The same event is already published" in refused.text
        assert (await desk.press(f"/waiting/{twin}/approve", seen=seen, again="1")).status == 303

    async def test_is_told_in_french(self, desk, twin):
        await desk.change_account("Paul", language="fr")
        page = await desk.look(f"/waiting/{twin}")
        assert "Le même événement est déjà publié" in page.text
        assert "Publier une seconde fois" in page.text


async def test_what_a_feed_says_of_another_s_alert_is_one_tap_away_and_says_why(desk):
    grave = {"severity": Severity.SEVERE, "urgency": Urgency.IMMEDIATE}
    first = an_alert(headline="Flood", **grave)
    await desk.hear(first, "vigilance")
    end = await desk.hear(replace(following(first), msg_type=MsgType.CANCEL, infos=()), "other")
    page = await desk.look(f"/waiting/{end}")

    assert "Flood" in re.search(r"<h1.*?</h1>", page.html, re.DOTALL)[0]
    assert "of vigilance: its own source may not do that" in page.text
    assert (await desk.press(f"/waiting/{end}/approve", seen=page.hidden("seen"))).status == 303
