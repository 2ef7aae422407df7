"""A browser computes for a form while somebody writes in it, under the policy that the town's pages have."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from alerts.model.town import Town
from alerts.reports.intake import Proofs
from alerts.web.public.answers import static_answers, static_path
from alerts.web.public.page import safety
from alerts.web.public.snapshot import Setting
from campaign.feed import Loopback

pytestmark = pytest.mark.process
FORM = f"""<!doctype html><html lang="en"><title>Report</title>
<form method="post" data-proof="/challenge" data-proof-worker="{static_path("proof_worker.js")}">
<label>What is it? <input name="text"></label>
<input type="hidden" name="altcha" value="of before"><button>Send</button></form>
<script src="{static_path("proof.js")}" defer></script>"""
FIELD = "input[name=altcha]"
NOW = datetime(2020, 2, 3, tzinfo=UTC)


@dataclass
class Booth:
    """A page with a form, and what came by it. `is_open`: it gives out challenges."""

    proofs: Proofs = field(default_factory=lambda: Proofs("the town's"))
    sent: list[str] = field(default_factory=list)
    asked: int = 0
    is_open: bool = True
    address: str = ""

    def answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/challenge":
            self.asked += 1
            return (200 if self.is_open else 503), "application/json", self.proofs.challenge(NOW).encode()
        if path in (files := static_answers()):
            return 200, files[path].kind, files[path].body
        return 200, "text/html; charset=utf-8", FORM.encode()


@contextmanager
def opened(booth: Booth) -> Iterator[Booth]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = booth.answer(urlsplit(self.path).path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, said in safety(Setting(Town("Saint-Martin"), None), posts=True).items():
                self.send_header(name, said)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            booth.sent += parse_qs(form, keep_blank_values=True)["altcha"]
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = Loopback(Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    booth.address = f"http://localhost:{server.server_address[1]}/"
    try:
        yield booth
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def booth() -> Iterator[Booth]:
    with opened(Booth()) as booth:
        yield booth


@pytest.fixture
def visit(chromium, booth) -> Iterator:
    """Opens the page; its scripts and the policy may have nothing to complain of."""
    contexts, faults = [], []

    def go(address: str = "", **options: object) -> Page:
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.goto(address or booth.address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert [fault for fault in faults if "503" not in fault and "favicon" not in fault] == []


def solved(page: Page) -> str:
    expect(page.locator(FIELD)).not_to_have_value("")
    return page.locator(FIELD).input_value()


def send(page: Page, booth: Booth) -> str:
    page.get_by_role("button").click()
    page.wait_for_load_state()
    return booth.sent[-1]


def test_it_is_solved_while_somebody_writes_and_counts_once(visit, booth):
    page = visit()
    assert page.locator(FIELD).input_value() == ""
    assert booth.asked == 0

    page.get_by_label("What is it?").type("A tree")
    solved(page)
    page.get_by_label("What is it?").type(" on the road")
    proof = send(page, booth)

    assert booth.asked == 1
    assert booth.proofs.doubt(proof, NOW) is None
    assert booth.proofs.doubt(proof, NOW).code == "proof_spent"


def test_it_is_renewed_before_it_is_too_old_and_when_a_form_is_sent_once_more(visit, booth):
    page = visit()
    page.clock.install()
    box = page.get_by_label("What is it?")
    box.type("A")
    first = solved(page)

    page.clock.fast_forward(26 * 60_000)
    box.type("t")
    expect(page.locator(FIELD)).not_to_have_value(first)
    second = solved(page)
    third = page.evaluate(
        """() => { const form = document.forms[0]; form.dispatchEvent(new Event("proof-wanted")); return form.proof }"""
    )

    assert len({first, second, third}) == 3
    assert page.locator(FIELD).input_value() == third
    assert [booth.proofs.doubt(each, NOW + timedelta(minutes=1)) for each in (first, second, third)] == [None] * 3


def test_a_form_asks_for_it_by_itself(visit, booth):
    page = visit()

    assert booth.proofs.doubt(page.evaluate("() => document.forms[0].proof"), NOW) is None


def test_where_none_can_be_had_the_form_is_sent_without_and_it_is_tried_again_later(visit, booth):
    booth.is_open = False
    page = visit()
    page.clock.install()
    box = page.get_by_label("What is it?")
    box.type("A tree on the road")
    assert page.evaluate("() => document.forms[0].proof") == ""
    assert booth.asked == 1

    booth.is_open = True
    page.clock.fast_forward(11_000)
    box.type("!")
    solved(page)

    assert booth.asked == 2
    assert booth.proofs.doubt(send(page, booth), NOW) is None


def test_without_script_or_https_nothing_comes_with_the_form(visit, booth):
    plain = visit(java_script_enabled=False)
    plain.get_by_label("What is it?").fill("A tree")
    assert send(plain, booth) == "of before"  # no proof that counts, either

    # A name that is not this machine's own, without https.
    insecure = visit(booth.address.replace("localhost", "town.test"), proxy={"server": booth.address})
    insecure.get_by_label("What is it?").type("A tree")
    assert send(insecure, booth) == ""
    expect(insecure.get_by_role("button")).to_be_visible()
    assert booth.asked == 0
