"""People at their browsers: they sign in, compose, validate, as anybody would with mouse, keyboard or finger.

Nothing here sleeps: Playwright waits for what it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, StorageState
from pyotp import TOTP

from tests.browser.town import DeskTown
from tests.process.person import Person as Citizen
from tests.process.visiting import Browser as Visitor

SIZES: Mapping[str, Mapping[str, Any]] = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
        "device_scale_factor": 2,
    },
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "zoomed": {"viewport": {"width": 640, "height": 450}},
}
PASSWORD = "seize chevaux traversent le pont"
PATIENCE = 180_000
"""Milliseconds that anything may take to appear."""
STEP = timedelta(seconds=30)
"""How long the app shows a code."""
_OFFLINE = re.compile(r"net::ERR_|Failed to load resource|Failed to fetch|EventSource")


@dataclass
class Account:
    """What a person knows and has: their password, and the seed in their authenticator app."""

    name: str
    role: str
    password: str
    seed: str = ""
    state: StorageState | None = None

    def code(self, ahead: int = 0) -> str:
        """The code that the app shows, `ahead` steps from now: each is taken once."""
        return TOTP(self.seed).at(datetime.now(UTC) + ahead * STEP)


@dataclass
class Person:
    """Somebody in front of a browser of their own."""

    account: Account
    context: BrowserContext
    page: Page
    desk: str
    touches: bool = False
    actions: int = 0
    faults: list[str] = field(default_factory=list)

    def press(self, what: Locator) -> None:
        """One action: a click, or a tap of the finger."""
        self.actions += 1
        if self.touches:
            what.tap()
        else:
            what.click()

    def write(self, where: Locator, words: str) -> None:
        """One action: words into a field, letter by letter as they are typed."""
        self.actions += 1
        where.press_sequentially(words)

    def go(self, address: str = "/") -> Page:
        """Open a page of the desk."""
        self.page.goto(self.desk + address)
        return self.page

    def watch(self, page: Page) -> None:
        """Write down what a script or the content security policy complains of."""
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self._heard(page, said.type, said.text))

    def _heard(self, page: Page, kind: str, text: str) -> None:
        if kind == "error" and not _OFFLINE.search(text):
            self.faults.append(f"{page.url}: {text}")

    def give_name_and_password(self, password: str | None = None) -> None:
        """The first step."""
        self.go("/")
        self.fill_in_name_and_password(password)

    def fill_in_name_and_password(self, password: str | None = None) -> None:
        """The same on the page that asks for it just now."""
        self.page.get_by_label("Name", exact=True).fill(self.account.name)
        self.page.get_by_label("Password", exact=True).fill(password or self.account.password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def sign_out_everywhere(self) -> None:
        """In another window: the one that is open doesn't know of it."""
        elsewhere = self.context.new_page()
        elsewhere.goto(f"{self.desk}/account")
        elsewhere.get_by_role("button", name="Sign out everywhere").click()
        elsewhere.wait_for_url(re.compile("sign-in"))

    def prove(self) -> None:
        """Give one's own password again, and go on."""
        self.page.locator("input[name=own_password]").fill(self.account.password)
        self.press(self.page.locator("form button.primary"))

    def choose_password(self, password: str) -> None:
        """A password of one's own instead of the first one."""
        self.page.get_by_label("New password", exact=True).fill(password)
        self.page.get_by_label("New password, again").fill(password)
        self.page.get_by_role("button", name="Continue", exact=True).click()
        self.account.password = password

    def set_up_codes(self) -> str:
        """Type the seed into the app, and the app's code into the page; returns that code, which is used up by it."""
        self.page.get_by_text("No camera? Type the key").click()
        self.account.seed = self.page.locator(".code").inner_text().replace(" ", "")
        code = self.account.code()
        self.page.get_by_label("Code that your app shows now").fill(code)
        self.page.get_by_role("button", name="Set it up").click()
        return code

    def come_to_what_is_grave(self) -> None:
        """Send something grave: it is shown once more before it goes out."""
        self.go("/compose?hazard=shelter")
        self.press(self.page.locator("#f-area").get_by_text("Le Plateau"))
        self.press(self.page.locator("#publish"))
        self.page.locator("#confirm").wait_for()

    def give_code(self, ahead: int = 0, code: str | None = None) -> None:
        """The code of the app, or that one."""
        self.page.get_by_label("Code that your app shows now").fill(code or self.account.code(ahead))
        self.page.get_by_role("button", name="Continue", exact=True).click()


class People:
    """The accounts of a town."""

    def __init__(self, town: DeskTown) -> None:
        self.town = town
        self._accounts: dict[str, Account] = {}

    def known(self, name: str, role: str = "author") -> Account:
        """The account of that name; made by `tocsin user add` the first time, with its first password."""
        if name not in self._accounts:
            done = self.town.tocsin("user", "add", name, "--role", role)
            assert done.returncode == 0, done.stderr
            self._accounts[name] = Account(name, role, done.stdout.split()[-1])
        return self._accounts[name]


class Desk:
    """The browsers that people have open."""

    def __init__(self, browser: Browser, people: People) -> None:
        self.people = people
        self._browser = browser
        self._open: list[Person] = []

    def account(self, name: str, role: str = "author") -> Account:
        """An account."""
        return self.people.known(name, role)

    def stranger(self, account: Account, size: str = "desk", **more: Any) -> Person:
        """A browser that nobody is signed in at."""
        options = {"locale": "en-GB", "timezone_id": "Europe/Paris", "color_scheme": "light", **SIZES[size], **more}
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        person = Person(
            account, context, context.new_page(), self.people.town.desk, touches=bool(options.get("has_touch"))
        )
        person.watch(person.page)
        context.on("page", person.watch)
        self._open.append(person)
        return person

    def person(self, name: str, role: str = "author", size: str = "desk", **more: Any) -> Person:
        """Somebody who is signed in: they did it all before, and this browser has the cookie."""
        account = self.account(name, role)
        if account.state is None:
            account.state = self._arrive(account)
        return self.stranger(account, size, storage_state=account.state, **more)

    def fresh(self, name: str, role: str = "author", size: str = "desk", **more: Any) -> Person:
        """Somebody who came in just now, in this browser, and whose app can give another code."""
        person = self.stranger(self.account(name, role), size, **more)
        _come_in(person)
        return person

    def link_chat(self, person: Person, chat: int) -> None:
        """Link a chat with the bot to their account, and make a code for another one: all that the page can show."""
        town, page = self.people.town, person.go("/account")
        make, code = page.locator("form[action$='/account/telegram'] button"), page.locator("#link-code")
        person.press(make)
        person.prove()
        Citizen(town, chat).say(code.inner_text())
        linked = page.locator("form[action$='/account/telegram/remove']")
        town.until(lambda: person.go("/account") and linked.count())
        person.press(make)
        person.prove()
        code.wait_for()

    def close(self) -> None:
        """Close every browser; raise AssertionError for what scripts or the policy complained of."""
        faults = [fault for person in self._open for fault in person.faults]
        for person in self._open:
            person.context.close()
        self._open.clear()
        assert not faults, "\n".join(faults)

    def _arrive(self, account: Account) -> StorageState:
        """Do the same as `_come_in` with the same forms, and the tenth of the computing: no page is shown."""
        desk = self.people.town.desk
        browser = Visitor(desk)
        browser.press("/desk/sign-in", name=account.name, password=account.password)
        browser.look("/desk/sign-in/password")
        browser.press("/desk/sign-in/password", new_password=PASSWORD, new_password_again=PASSWORD)
        [key] = re.findall(r'class="code">([^<]+)<', browser.look("/desk/sign-in/second-factor").html)
        account.password, account.seed = PASSWORD, key.replace(" ", "")
        done = browser.press("/desk/sign-in/second-factor", code=account.code())
        assert done.location == "/desk/", done.text
        host = urlsplit(desk).hostname or ""
        kept: list[Any] = [{"name": n, "value": v, "domain": host, "path": "/"} for n, v in browser.cookies.items()]
        return {"cookies": kept, "origins": []}


def _come_in(person: Person) -> None:
    """The first sign-in, with all that it asks."""
    person.give_name_and_password()
    person.choose_password(PASSWORD)
    person.set_up_codes()
    person.page.get_by_role("link", name="Your account").wait_for()
