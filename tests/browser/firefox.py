"""Debian's Firefox without a window, driven by Marionette: JSON over a socket, which every Firefox speaks.

Playwright's own Firefox would have to be downloaded, and its way to a plain one asks for more than Debian's can do.
Nothing leaves this machine: the push service is the sandbox's, and no other is asked for.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from campaign.running import PATIENCE

FIREFOX = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox") or "firefox-esr"
PORT = "MarionetteActivePort"
"""The file of a profile where the browser writes on which port it listens."""
Preferences = Mapping[str, str | int | bool]
QUIET: Preferences = {
    "alerts.useSystemBackend": False,  # there is no desktop that would show them
    "marionette.port": 0,  # the system chooses; it stands in the profile then
    "network.proxy.type": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "permissions.default.desktop-notification": 1,
    "intl.accept_languages": "fr-FR, fr",
    "dom.push.serverURL": "",
    "ui.prefersReducedMotion": 1,
}
SETTINGS = """
    const set = {string: "setStringPref", number: "setIntPref", boolean: "setBoolPref"};
    for (const [name, value] of Object.entries(arguments[0])) Services.prefs[set[typeof value]](name, value);
"""
THERE = """(address) => location.href === address && document.readyState === "complete"
    && [...document.querySelectorAll(".map")].every((map) => !map.checkVisibility() || map.querySelector("path"))"""
LEFT_OPEN = "/events was interrupted while the page was loading"
ERRORS = """
    const [origin] = arguments, {nsIScriptError} = Ci, NO_ERROR = nsIScriptError.warningFlag | nsIScriptError.infoFlag;
    const thrown = Services.console.getMessageArray().filter((each) => each instanceof nsIScriptError)
        .filter((each) => each.sourceName.startsWith(origin))
        .filter((each) => !(each.flags & NO_ERROR) || /CSP/.test(each.category));
    const storage = Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage);
    const said = storage.getEvents().filter((each) => each.filename.startsWith(origin))
        .filter((each) => ["warn", "error", "assert"].includes(each.level));
    return [...thrown.map((each) => each.errorMessage), ...said.map((each) => each.arguments.map(String).join(" "))];
"""


class Refused(AssertionError):
    """What Firefox says it can't do."""


class Firefox:
    """One browser with one window."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._answers = self._socket.makefile("rb")
        self._asked = 0
        self._read()  # who is there
        self.ask("WebDriver:NewSession", {})

    def close(self) -> None:
        """Hang up; who started it ends it."""
        self._answers.close()
        self._socket.close()

    def ask(self, command: str, parameters: Mapping[str, Any]) -> Any:
        """One command and its answer."""
        self._asked += 1
        message = json.dumps([0, self._asked, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, answer = self._read()
        if error is not None:
            raise Refused(f"{command}: {error['message']}")
        return answer["value"] if isinstance(answer, dict) and set(answer) == {"value"} else answer

    def _read(self) -> Any:
        length = b""
        while (digit := self._answers.read(1)) not in (b":", b""):
            length += digit
        return json.loads(self._answers.read(int(length)))

    def goto(self, address: str) -> None:
        """Open a page, and wait until it is there."""
        self.ask("WebDriver:Navigate", {"url": address})

    def evaluate(self, script: str, *arguments: object) -> Any:
        """What an arrow function of the page returns, once its promise is kept."""
        told = {"script": f"return ({script})(...arguments)", "args": arguments}
        return self.ask("WebDriver:ExecuteScript", told)

    def press(self, name: str) -> None:
        """Tap the button or link that is called so, as a finger does."""
        words = f"*[(self::button or self::a or self::summary) and normalize-space() = '{name}']"
        self._on("WebDriver:ElementClick", f"//{words}")

    def tick(self, name: str) -> None:
        """Tap the box of that name."""
        self._on("WebDriver:ElementClick", f"//label[normalize-space() = '{name}']//input")

    def choose(self, name: str, value: str) -> None:
        """Choose that of a list."""
        self._on("WebDriver:ElementClick", f"//select[@name = '{name}']/option[@value = '{value}']")

    def _on(self, command: str, path: str) -> Any:
        """Do it to that element, as soon as it is there and can be seen."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                [element] = self.ask("WebDriver:FindElement", {"using": "xpath", "value": path}).values()
                return self.ask(command, {"id": element})
            except Refused:
                if time.monotonic() > deadline:
                    raise
                threading.Event().wait(0.05)

    def is_wide(self, pixels: int) -> None:
        """Let a page have so many across; no window is as narrow as a phone, so what shows the page is."""
        self.ask("WebDriver:SetWindowRect", {"width": max(pixels, 500), "height": 900})
        self._inside("gBrowser.selectedBrowser.style.maxWidth = `${arguments[0]}px`;", pixels)

    def picture(self, file: Path) -> None:
        """The whole page."""
        file.write_bytes(base64.b64decode(self.ask("WebDriver:TakeScreenshot", {"full": True})))

    def prefers(self, preferences: Preferences) -> None:
        """Change settings, as in `about:config`."""
        self._inside(SETTINGS, dict(preferences))

    def tap_notification(self) -> None:
        """Tap the latest one on the screen."""
        self._inside("Services.wm.getMostRecentWindow('alert:alert').onAlertClick();")

    @contextmanager
    def new_window(self) -> Iterator[None]:
        """Look at the window that opens; it is closed afterwards."""
        first = self.ask("WebDriver:GetWindowHandle", {})
        deadline = time.monotonic() + PATIENCE
        while not (found := [each for each in self.ask("WebDriver:GetWindowHandles", {}) if each != first]):
            if time.monotonic() > deadline:
                raise AssertionError("no window opens")
            threading.Event().wait(0.05)
        self.ask("WebDriver:SwitchToWindow", {"handle": found[0]})
        yield
        self.ask("WebDriver:CloseWindow", {})
        self.ask("WebDriver:SwitchToWindow", {"handle": first})

    def is_at(self, address: str) -> bool:
        """Whether the page of that address is there, with its map."""
        try:
            return bool(self.evaluate(THERE, address))
        except Refused:  # another page makes way for it
            return False

    def errors(self, origin: str) -> list[str]:
        """What the scripts, the styles and the policies of that origin complained of.

        Firefox also tells of each stream that was open when a page was left, which is no fault of the page.
        """
        found: list[str] = self._inside(ERRORS, origin)
        return [each for each in found if not (origin in each and LEFT_OPEN in each)]

    def _inside(self, script: str, *arguments: object) -> Any:
        self.ask("Marionette:SetContext", {"value": "chrome"})
        try:
            return self.ask("WebDriver:ExecuteScript", {"script": script, "args": arguments})
        finally:
            self.ask("Marionette:SetContext", {"value": "content"})


@contextmanager
def firefox(profile: Path, preferences: Preferences) -> Iterator[Firefox]:
    """A browser with a profile of its own, which is new where there was none."""
    profile.mkdir(exist_ok=True)
    (profile / PORT).unlink(missing_ok=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in QUIET.items()]
    (profile / "user.js").write_text("".join(lines))
    options = ("--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", str(profile))
    environment = {**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen([FIREFOX, *options], env=environment, stdout=log, stderr=log)
    try:
        with closing(Firefox(_port_of(profile, process))) as browser:
            browser.prefers(preferences)
            yield browser
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _port_of(profile: Path, process: subprocess.Popen[bytes]) -> int:
    file, deadline = profile / PORT, time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists() and (told := file.read_text()):
            return int(told)
        threading.Event().wait(0.05)
    raise AssertionError(f"Firefox didn't start: {(profile / 'log').read_text()[-2000:]}")
