"""The desk on a home screen: the files of its app, and its page without a connection.

    GET /manifest.webmanifest   its name, icons and shortcuts, in the browser's language
    GET /worker.js              the service worker of the desk's pages alone
    GET /offline                the one page that the worker keeps

All three are for everybody: a browser requests them without a cookie, and they reveal nothing but the town's name. The
worker keeps no page of the desk and answers no form. It shows that the desk can't be reached instead of leaving that to
the browser, since an officer has to know the alternatives.
"""

from __future__ import annotations

import json

from aiohttp import web

from alerts.rendering.i18n import Words
from alerts.web.console.frame import BASE, VISITOR, Console, own_text, static_address

MANIFEST, WORKER, OFFLINE = f"{BASE}/manifest.webmanifest", f"{BASE}/worker.js", f"{BASE}/offline"
OPEN = (MANIFEST, WORKER, OFFLINE)
"""The addresses that need no sign-in."""
_ICONS = (
    ("desk-192.png", "192x192", "any"),
    ("desk-512.png", "512x512", "any"),
    ("desk-maskable-512.png", "512x512", "maskable"),
)
# The accent and the ground of console.css.
_ACCENT, _GROUND = "#0b5f58", "#f4f3ef"


def routes(console: Console) -> list[web.RouteDef]:
    """The manifest, the worker and its page."""
    home = HomeScreen(console)
    return [
        web.get("/manifest.webmanifest", home.manifest),
        web.get("/worker.js", home.worker),
        web.get("/offline", home.offline),
    ]


class HomeScreen:
    """The files with which a browser makes an app of the desk."""

    def __init__(self, console: Console) -> None:
        self._frame = console.frame
        self._town = console.frame.station

    async def manifest(self, request: web.Request) -> web.Response:
        """The W3C Web Application Manifest."""
        manifest = json.dumps(self._manifest(self._frame.words(request)), ensure_ascii=False)
        return web.Response(text=manifest, content_type="application/manifest+json", charset="utf-8")

    async def worker(self, _: web.Request) -> web.Response:
        """The script, with what it keeps: a file whose digest changed makes it another script, which browsers take."""
        keeps = json.dumps([self._below(OFFLINE), self._below(static_address("console.css"))])
        text = f"const KEEPS = {keeps};\n{own_text('worker.js')}"
        return web.Response(text=text, content_type="text/javascript", charset="utf-8")

    async def offline(self, request: web.Request) -> web.Response:
        """The page that is kept: the same for whoever is signed in, so that nobody's name stays in the browser."""
        request.pop(VISITOR, None)
        # Without a way back to here: the switch of the language would only be answered by the desk.
        return self._frame.page(request, "offline.html", here="", path=f"{BASE}/")

    def _manifest(self, words: Words) -> dict[str, object]:
        _, town, start = words.gettext, self._town, self._below(f"{BASE}/")
        name = _("Operators’ desk") if town.is_fleet else _("Tocsin – %(town)s, duty desk", town=town.name)
        ways = [(_("New alert"), "/compose")]
        if not town.is_fleet:
            ways.append((_("To validate"), "/waiting"))
        return {
            "id": start,
            "name": name,
            "short_name": _("Desk"),
            "lang": words.language,
            "dir": "ltr",
            "start_url": start,
            "scope": start,
            "display": "standalone",
            "background_color": _GROUND,
            "theme_color": _ACCENT,
            "icons": [self._icon(*each) for each in _ICONS],
            "shortcuts": [
                {"name": named, "url": self._below(f"{BASE}{way}"), "icons": [self._icon(*_ICONS[0])]}
                for named, way in ways
            ],
        }

    def _icon(self, name: str, sizes: str, purpose: str) -> dict[str, str]:
        return {"src": self._below(static_address(name)), "sizes": sizes, "type": "image/png", "purpose": purpose}

    def _below(self, address: str) -> str:
        return f"{self._town.mount}{address}"
