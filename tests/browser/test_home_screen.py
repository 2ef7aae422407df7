"""The desk as an app: Chromium would install it, none of it stays in the browser, and it says when it isn't reached."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.browser.axe import SIDEWAYS, violations
from tests.release import at_release

pytestmark = pytest.mark.process
KEPT = """async () => Promise.all((await caches.keys()).map(async (shelf) =>
    [shelf, (await (await caches.open(shelf)).keys()).map((each) => new URL(each.url).pathname)]))"""


def worker_is_there(person) -> None:
    person.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    person.page.wait_for_function("() => navigator.serviceWorker.controller")


@pytest.mark.release
@pytest.mark.skipif(shutil.which("chromium") is None, reason="the shell installs nothing: apt-get install chromium")
def test_chromium_finds_nothing_that_keeps_it_from_being_installed(chromium, town, tmp_path):
    """Asked of the whole browser, with a profile: a private window installs nothing, and the shell never complains."""
    args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    whole = {"executable_path": shutil.which("chromium"), "headless": False, "args": args}
    with chromium.browser_type.launch_persistent_context(tmp_path / "profile", **whole) as context:
        [page] = context.pages
        debugger = context.new_cdp_session(page)

        def faults(address: str) -> list[str]:
            page.goto(address)
            return [each["errorId"] for each in debugger.send("Page.getInstallabilityErrors")["installabilityErrors"]]

        assert faults(f"{town.desk}/static/icon.svg") == ["no-manifest"], "it looks"
        assert faults(f"{town.desk}/sign-in") == []
        found = debugger.send("Page.getAppManifest")
    assert found["errors"] == []
    assert found["manifest"]["scope"].endswith("/desk/")
    assert found["manifest"]["display"] == "kStandalone"
    assert len(found["manifest"]["shortcuts"]) == 2


@pytest.mark.parametrize("size", ["phone", *at_release(["desk"])])
def test_without_a_network_it_says_so_and_nothing_of_the_desk_was_kept(desk, size):
    anne = desk.person("anne", size=size)
    anne.go("/waiting")
    worker_is_there(anne)
    anne.go("/account")
    anne.go("/")
    assert anne.page.evaluate(KEPT) == [["desk", ["/desk/offline", "/desk/static/console.css"]]]

    anne.context.set_offline(True)
    anne.go("/waiting")
    expect(anne.page.get_by_role("heading", name="The desk can’t be reached")).to_be_visible()
    expect(anne.page.get_by_text("In your private chat with the bot")).to_be_visible()
    expect(anne.page.get_by_text("anne")).to_have_count(0)
    assert anne.page.evaluate("() => getComputedStyle(document.body).margin") == "0px", "with its style"
    assert anne.page.evaluate(SIDEWAYS) <= 0
    assert not (found := violations(anne.page)), "\n".join(found)

    anne.context.set_offline(False)
    anne.page.get_by_role("link", name="Try again").click()
    expect(anne.page).to_have_url(re.compile("/desk/waiting$"))
    expect(anne.page.get_by_role("heading", name="Waiting", level=1)).to_be_visible()


@pytest.mark.release
def test_a_form_is_none_of_the_workers_business(desk):
    anne = desk.person("anne")
    anne.go("/account")
    worker_is_there(anne)
    anne.page.get_by_role("button", name="Save", exact=True).click()
    expect(anne.page.get_by_text("The language is saved.")).to_be_visible()
