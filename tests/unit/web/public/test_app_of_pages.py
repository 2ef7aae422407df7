"""The pages as an app: the manifest, the service worker, and the block where people subscribe to push."""

from __future__ import annotations

import json
import re

from alerts.channels.settings import PUSH_TEXT, TELEGRAM_TEXT
from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.model.subscriber import Topic
from alerts.model.town import PUSH, ChannelConfig
from alerts.rendering.pictograms import pictogram
from alerts.web.public.answers import static_answers
from alerts.web.public.site import MANIFEST
from alerts.web.public.worker import WORKER
from tests.unit.web.public.house import a_house

WITH_PUSH = {
    "telegram": ChannelConfig("telegram", "telegram", TELEGRAM_TEXT),
    PUSH: ChannelConfig(PUSH, PUSH, PUSH_TEXT, subscriptions=True),
}


async def test_the_manifest_makes_an_app_of_the_pages(tmp_path):
    async with a_house(tmp_path) as house:
        status, text = await house.get(MANIFEST)
        told = json.loads(text)
        assert status == 200
        assert (told["display"], told["start_url"], told["scope"], told["lang"]) == ("standalone", "/", "/", "fr-FR")
        assert {icon["sizes"] for icon in told["icons"]} == {"192x192", "512x512"}
        assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}
        for icon in told["icons"]:
            assert static_answers()[icon["src"]].body.startswith(b"\x89PNG")
        _, page = await house.get("/")
        assert f'<link rel="manifest" href="{MANIFEST}">' in page


async def test_in_a_fleet_the_app_is_the_town_s_own(tmp_path):
    async with a_house(tmp_path, mount="/t/sm") as house:
        told = json.loads((await house.get(MANIFEST))[1])
        assert (told["id"], told["scope"], told["start_url"]) == ("/t/sm/",) * 3
        assert all(icon["src"].startswith("/t/sm/static/") for icon in told["icons"])


async def test_without_push_the_pages_are_kept_for_later_and_nothing_is_shown(tmp_path):
    async with a_house(tmp_path) as house:
        script, page = (await house.get(WORKER))[1], (await house.get("/"))[1]
        assert "respondWith" in script
        assert "showNotification" not in script
        assert "SIGNS" not in script
        assert "data-push" not in page
        assert "push." not in " ".join(re.findall("<script.*?>", page))


async def test_with_push_the_page_has_every_choice_and_the_worker_shows_what_comes(tmp_path):
    async with a_house(tmp_path, channels=WITH_PUSH) as house:
        script, page = (await house.get(WORKER))[1], (await house.get("/"))[1]
        assert "showNotification" in script
        signs = json.loads(script.partition("const SIGNS = ")[2].partition(";\n")[0])
        assert signs["drawn"].keys() == set(Hazard)
        assert signs["grounds"].keys() == set(Severity)
        for hazard, paths in signs["drawn"].items():
            assert all(path in pictogram(Hazard(hazard)).svg for path in paths), "the pages' own lines"
        async with house.client.get(WORKER) as answer:
            assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"], "what it draws may be shown"
        assert re.findall('name="topic" value="([a-z]+)"', page) == list(Topic)
        assert "Les alertes sur ce téléphone" in page
        assert "Alerts on this telephone" in (await house.get("/en/"))[1]
        assert "Les alertes sur ce téléphone" not in (await house.get("/404.html"))[1]
