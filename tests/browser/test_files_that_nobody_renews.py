"""The public side as files of a plain web server, long after the daemon that wrote them is gone."""

from __future__ import annotations

import email.utils
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler

import pytest
from playwright.sync_api import Page, expect

from alerts.web.public.export import Export
from alerts.web.public.site import answers_of
from campaign.feed import Loopback
from tests.browser.axe import violations
from tests.release import at_release
from tests.unit.desk.conftest import LATER, NOW, TownDesk, a_town, an_alert, cancelling
from tests.unit.web.public.conftest import Paper, a_setting

pytestmark = pytest.mark.process


@pytest.fixture
def site(tmp_path):
    """What is on until `LATER`, and what is over, as files that were written at `NOW`."""
    town = TownDesk(tmp_path / "town.db", a_town())
    on = town.hear(an_alert(headline="Coup de vent"))
    over = town.hear(alert := an_alert(event="Crue", headline="Crue"))
    town.deliver(over)
    town.hear(cancelling(alert))
    paper = Paper(town, a_setting(public_url=""))
    export = Export(tmp_path / "site", ["en"])
    export.write(answers_of(paper.print(on, over)))
    town.db.close()
    return tmp_path / "site", [f"alerts/{each.stored.incident_id}" for each in (on, over)]


@contextmanager
def served(folder, at: datetime) -> Iterator[str]:
    """By a server whose clock tells that time."""

    class Files(SimpleHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return email.utils.format_datetime(at, usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

    server = Loopback(partial(Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def looked_at(page: Page, address: str) -> Page:
    """The page, once its script has asked for it anew."""
    with page.expect_response(
        lambda answer: answer.request.resource_type == "fetch" and answer.url.startswith(address)
    ):
        page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize(
    ("later", "outdated"),
    [
        (timedelta(hours=1), ["", "en/", "embed/", "alerts/on/"]),
        *at_release(
            [(timedelta(minutes=5), []), (LATER - NOW + timedelta(days=1), ["", "en/", "embed/", "alerts/on/"])]
        ),
    ],
    ids=["an hour later", "as it should be", "a day after it ended"],
)
def test_a_page_that_was_not_renewed_says_so_by_the_clock_of_its_server(chromium, site, later, outdated):
    """No reader is to take "no alert is on" of yesterday for that of today."""
    folder, (on, over) = site
    page, found = chromium.new_page(), []
    with served(folder, NOW + later) as address:
        for path in ("", "en/", "embed/", f"{on}/", f"{over}/"):
            if looked_at(page, address + path).locator(".outdated").is_visible():
                found.append(path.replace(on, "alerts/on"))
                assert "Not up to date" in page.inner_text("main") or "Pas à jour" in page.inner_text("main")
                assert path == f"{on}/" or "en cours" not in page.locator("h1").filter(visible=True).inner_text()
                assert violations(page) == []
                assert page.evaluate("() => document.querySelector('[data-ago]')?.textContent") != "il y a 1 minute"
        page.close()

    assert found == outdated


@pytest.mark.release
def test_it_says_of_when_it_is_in_the_language_of_the_page(chromium, site):
    page = chromium.new_page()
    with served(site[0], NOW + timedelta(hours=1)) as address:
        for path, since in (
            ("", "mercredi 25 novembre 2026 à 13 h 00"),
            ("en/", "Wednesday 25 November 2026, 1:00pm"),
        ):
            expect(looked_at(page, address + path).locator(".outdated")).to_contain_text(since, ignore_case=True)
        page.close()
