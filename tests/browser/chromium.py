"""Debian's Chromium, driven by Playwright. Nothing is ever downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright, sync_playwright

# The shell is the same engine without the machinery of windows, which costs half a second of computing a page.
CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium") or "chromium"
)
NOTIFYING = shutil.which("chromium") or "chromium"
"""The shell shows no notifications; this one does, without a window too."""
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def started() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright, launched(playwright, CHROMIUM) as browser:
        yield browser


@contextmanager
def launched(playwright: Playwright, program: str) -> Iterator[Browser]:
    """The same, where there may be more than one: Playwright itself is started once."""
    browser = playwright.chromium.launch(executable_path=program, args=[*_FLAGS])
    try:
        yield browser
    finally:
        browser.close()
