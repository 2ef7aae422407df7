"""A poll from the desk to its result: asked, answered, closed, published; by phone and desk, on three ways."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import SIDEWAYS, violations
from tests.browser.officer import SIZES, Person
from tests.browser.town import DeskTown
from tests.process.person import Person as Citizen
from tests.release import at_release

pytestmark = pytest.mark.process


@dataclass
class Story:
    """One poll of the town, and what axe found on the way."""

    town: DeskTown
    question: str
    poll: str = ""
    found: list[str] = field(default_factory=list)

    def look(self, page: Page) -> None:
        assert page.evaluate(SIDEWAYS) == 0, page.url
        self.found += [f"{page.url}: {wrong}" for wrong in violations(page)]

    def is_asked_in_five_actions(self, anne: Person) -> None:
        page, anne.actions = anne.go("/polls/new"), 0
        anne.write(page.get_by_label("Question", exact=True), self.question)
        anne.write(page.get_by_label("Answer 1"), "Oui")
        anne.write(page.get_by_label("Answer 2"), "Non")
        anne.press(page.get_by_role("button", name="Look at it"))
        expect(page.get_by_text(f"{len(self.question)} of 4096 characters").first).to_be_visible()
        self.look(page)
        anne.press(page.get_by_role("button", name="Ask it"))
        assert anne.actions == 5
        expect(page.get_by_text("waiting for validation").first).to_be_visible()
        self.look(page)
        self.poll = page.url.rpartition("/")[2]

    def is_let_out(self, berthe: Person) -> None:
        page = berthe.go(f"/polls/{self.poll}")
        berthe.press(page.get_by_role("button", name="Publish"))
        expect(page.get_by_text("0 answers on the page")).to_be_visible()

    def is_answered_on_telegram(self, chat: int) -> None:
        there = self.town.until(
            lambda: [post for post in self.town.timelines()["telegram"] if post["text"] == self.question]
        )
        about = {"post": there[0]["id"], "chat": there[0]["channel"]}
        for option, count in (("Oui", 3), ("Non", 1)):
            self.town.ask("/sandbox/telegram/vote", {**about, "option": option, "count": count})
        citizen = Citizen(self.town, chat)
        citizen.say("/poll")
        citizen.press("Non")
        citizen.reads(self.question, "Vous avez répondu")

    def is_answered_on_the_page(self, page: Page) -> None:
        page.goto(f"http://localhost:{self.town.port}/polls/{self.poll}")
        self.look(page)
        page.get_by_role("button", name="Oui", exact=True).click()
        expect(page.get_by_text("Votre réponse est comptée. Merci.")).to_be_visible()
        self.look(page)
        assert "<table" not in page.content()

    def is_closed_in_two_actions(self, anne: Person) -> None:
        page, anne.actions = anne.go(f"/polls/{self.poll}"), 0
        expect(page.get_by_text("2 answers on the page")).to_be_visible()
        assert "<table" not in page.content()
        anne.press(page.get_by_text("Close it now"))
        anne.press(page.get_by_role("button", name="Yes, close it"))
        assert anne.actions == 2
        expect(page.get_by_role("row", name=re.compile("^Oui"))).to_be_visible()
        self.town.until(lambda: "telegram" in self.result()["channels"])

    def is_published_in_two_actions(self, anne: Person) -> None:
        page, anne.actions = anne.go(f"/polls/{self.poll}"), 0
        self.look(page)
        anne.press(page.get_by_role("link", name="Publish the result"))
        expect(page.get_by_role("button", name="Publish it")).to_be_visible()
        self.look(page)
        anne.press(page.get_by_role("button", name="Publish it"))
        assert anne.actions == 2
        expect(page.get_by_text("published").first).to_be_visible()
        for platform in ("telegram", "facebook"):
            self.town.until(lambda platform=platform: self.is_told_on(platform))

    def is_told_on(self, platform: str) -> bool:
        texts = [post["text"].replace("\u00a0", " ") for post in self.town.timelines()[platform]]
        return any(self.question in text and "Oui : 4 (" in text for text in texts)

    def result(self) -> dict:
        return self.town.objects("poll", "results", self.poll)[0]


def shows_the_result(page: Page) -> bool:
    page.reload()
    return page.get_by_role("cell", name="4", exact=True).is_visible()


@pytest.mark.parametrize(
    ("size", "question"),
    [("phone", "Fermer la place le samedi ?"), *at_release([("desk", "Ouvrir la halle le dimanche ?")])],
)
def test_a_poll_is_asked_answered_closed_and_published(desk, town, chromium, size, question):
    anne, berthe = desk.person("anne", "author", size), desk.person("berthe", "approver", size)
    story, context = Story(town, question), chromium.new_context(locale="fr-FR", **SIZES[size])
    public = context.new_page()
    story.is_asked_in_five_actions(anne)
    story.is_let_out(berthe)
    story.is_answered_on_telegram(7000 + len(size))
    story.is_answered_on_the_page(public)
    story.is_closed_in_two_actions(anne)
    story.is_published_in_two_actions(anne)
    assert story.result()["channels"] == {
        "telegram": {"Oui": 3, "Non": 1},
        "web": {"Oui": 1, "Non": 0},
        "bot": {"Oui": 0, "Non": 1},
    }
    # What was read of a poll is told again for two seconds: who looks as quickly as this test sees it open still.
    town.until(lambda: shows_the_result(public))
    story.look(public)
    context.close()
    assert not story.found, "\n".join(story.found)
