"""What the desk offers to copy for places where no program posts: only what the public has, in its words."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from alerts.model.alert import Severity
from alerts.model.post import PostState
from alerts.store.statement import stamp
from tests.unit.web.console.watching import TOWN, a_desk

EXTRA = 'public_url = "https://alertes.example"\n\n[web]\nlanguages = ["fr"]\n\n'
PAGES = TOWN.replace("[sources.manual]", EXTRA + "[sources.manual]", 1)


@pytest.fixture
async def desk(tmp_path):
    async with a_desk(tmp_path, town=PAGES) as desk:
        yield desk


def copies(page: str) -> dict[str, str]:
    found = re.findall(r'<textarea id="copy-([a-z-]+)" readonly[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


async def out(desk, **more):
    stored = await desk.post("The Vive floods", severity=Severity.SEVERE, instruction="Go to the upper floors.", **more)
    at = stamp(desk.clock.now())
    await desk.settle(stored.id, PostState.SENT, remote_id="7", url="https://t.example/7", sent_at=at, tries=1)
    return stored


async def test_an_alert_that_is_out_has_its_words_for_each_place_in_each_language(desk):
    stored = await out(desk)
    found = copies(await desk.text(f"/alerts/{stored.id}"))

    assert list(found) == ["whatsapp-en", "whatsapp-fr", "newsletter-en", "newsletter-fr", "prefecture-en"]
    title, *lines = found["whatsapp-en"].splitlines()
    assert (title[0], title[-1]) == ("*", "*")
    assert "The Vive floods" in title
    assert "The Vive floods" not in lines[0], "once is enough"
    assert lines[-1] == f"https://alertes.example/alerts/{stored.incident_id}"
    assert "Go to the upper floors." in found["whatsapp-en"]
    assert found["whatsapp-fr"].endswith(f"https://alertes.example/fr/alerts/{stored.incident_id}")
    assert "\n\nGo to the upper floors.\n\n" in found["newsletter-en"]
    assert "Informations à jour" in found["newsletter-fr"]


async def test_the_prefecture_gets_area_words_and_link(desk):
    stored = await out(desk)
    request = copies(await desk.text(f"/alerts/{stored.id}"))["prefecture-en"]

    assert request.startswith("Request to broadcast by FR-Alert: ")
    assert "\nRequested by: Saint-Martin\n" in request
    assert "\nArea: " in request
    assert f"\nOutline of the area (GeoJSON): https://alertes.example/alerts/{stored.incident_id}.geojson\n" in request
    assert "Go to the upper floors." in request
    assert f"\nLink: https://alertes.example/alerts/{stored.incident_id}" in request


async def test_without_a_script_the_text_is_there_and_no_button(desk):
    page = await desk.text(f"/alerts/{(await out(desk)).id}")
    buttons = re.findall(r"<button[^>]*data-copy[^>]*>", page)

    assert len(buttons) == 5
    assert all(" hidden>" in each for each in buttons)
    assert "static/copy.js" in page


async def test_what_waits_an_exercise_and_what_is_long_over_is_not_offered(tmp_path):
    async with a_desk(tmp_path, publish="approve", town=PAGES) as desk:
        waiting = await desk.post("The Vive floods")
        assert copies(await desk.text(f"/alerts/{waiting.id}")) == {}
    (tmp_path / "auto").mkdir()
    async with a_desk(tmp_path / "auto", town=PAGES) as desk:
        drill = await desk.post("The Vive floods", exercise=True)
        assert copies(await desk.text(f"/alerts/{drill.id}")) == {}
        stored = await out(desk)
        await desk.clock.advance(timedelta(hours=7).total_seconds())
        assert "prefecture-en" not in copies(await desk.text(f"/alerts/{stored.id}"))
        await desk.clock.advance(timedelta(hours=7).total_seconds())
        assert copies(await desk.text(f"/alerts/{stored.id}")) == {}


async def test_an_end_is_copied_too(desk):
    stored = await out(desk)
    await desk.press(f"/alerts/{stored.id}/end", how="all_clear", reason="")
    found = copies(await desk.text(f"/alerts/{stored.id}"))

    assert "prefecture-en" not in found
    assert "Go to the upper floors." not in found["whatsapp-en"]
    assert found["whatsapp-en"].splitlines()[0].strip("*") == found["newsletter-en"].splitlines()[0]
