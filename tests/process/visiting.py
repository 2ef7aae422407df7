"""Somebody before the pages of a running daemon: an HTTP client with cookies, forms filled in by their names."""

from __future__ import annotations

import html
import http.client
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

FIRST, OWN = "first-password-of-the-desk-7", "my-very-own-words-for-nights-9"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    location: str
    html: str

    @property
    def text(self) -> str:
        """What a reader sees of it."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.html)
        return html.unescape(found[1]) if found else ""

    def json(self) -> Any:
        return json.loads(self.html)


class Browser:
    """One browser: it keeps cookies, follows nothing, and sends the token of the page that it saw last."""

    def __init__(self, url: str) -> None:
        self._where = urlsplit(url).netloc
        self.cookies: dict[str, str] = {}
        self._csrf = ""

    @property
    def cookie(self) -> str:
        """What it would send as `Cookie`."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    @property
    def csrf(self) -> str:
        """The token of the page that it saw last."""
        return self._csrf

    def move(self, url: str) -> None:
        """Go on at another daemon, as by a proxy that sends one elsewhere."""
        self._where = urlsplit(url).netloc

    def look(self, path: str) -> Answered:
        return self._ask("GET", path, None)

    def press(self, path: str, **fields: str) -> Answered:
        return self._ask("POST", path, urlencode({"csrf": self._csrf, **fields}))

    def send(self, path: str, form: str) -> Answered:
        """Send a form as it is encoded, with its token in it."""
        return self._ask("POST", path, form)

    def sign_in(self, name: str) -> Browser:
        """With the first password, then one of one's own."""
        self.press("/desk/sign-in", name=name, password=FIRST)
        self.look("/desk/sign-in/password")
        done = self.press("/desk/sign-in/password", new_password=OWN, new_password_again=OWN)
        assert done.status in (200, 303), done.text
        page = self.look("/desk/waiting")
        assert page.status == 200, (page.status, page.location, done.location, done.text[:300])
        return self

    def _ask(self, method: str, path: str, body: str | None) -> Answered:
        connection = http.client.HTTPConnection(self._where, timeout=60)
        headers = {"Cookie": self.cookie, "Accept": "text/html"}
        headers |= {"Accept-Language": "en"}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        page = Answered(answer.status, answer.headers.get("Location", ""), text)
        self._csrf = page.hidden("csrf") or self._csrf
        return page


class Program:
    """A program with a bearer token."""

    def __init__(self, url: str, token: str) -> None:
        self._where = urlsplit(url).netloc
        self._token = token

    def ask(self, method: str, path: str, body: object = None) -> Answered:
        connection = http.client.HTTPConnection(self._where, timeout=60)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return Answered(answer.status, "", text)
