"""X's rate windows: 15 minutes for each route, 24 hours for an account's and an app's posts, told on every answer."""

from __future__ import annotations

from tocsin_sandbox.settings import SandboxSettings
from tocsin_sandbox.state import State
from tocsin_sandbox.windows import FixedWindow

QUARTER = 900.0
DAY = 86_400.0
PER_QUARTER = {
    "post": 100,
    "delete": 50,
    "timeline": 900,
    "lookup": 900,
    "me": 75,
    "upload": 500,
    "metadata": 500,
}
"""Requests of one account in 15 minutes (X's rate limit page)."""

UNLIMITED = 1_000_000


class TwitterQuota:
    """What is left of each window. A restarted sandbox counts the posts that it finds."""

    def __init__(self, settings: SandboxSettings, state: State) -> None:
        self._quarters = {
            route: FixedWindow(limit if settings.limits else UNLIMITED, QUARTER) for route, limit in PER_QUARTER.items()
        }
        self._days = {
            "x-user-limit-24hour": FixedWindow(settings.twitter_user_day if settings.limits else UNLIMITED, DAY),
            "x-app-limit-24hour": FixedWindow(settings.twitter_app_day if settings.limits else UNLIMITED, DAY),
        }
        for post in state.posts("twitter").values():
            self._count("post", post.created_at)

    def take(self, route: str, now: float) -> bool:
        """Count a request, if every window that it falls into has room."""
        windows = [self._quarters[route], *(self._days.values() if route == "post" else ())]
        if any(window.read(now).remaining == 0 for window in windows):
            return False
        self._count(route, now)
        return True

    def headers(self, route: str, now: float) -> dict[str, str]:
        """The headers of an answer on this route."""
        named = {"x-rate-limit": self._quarters[route], **(self._days if route == "post" else {})}
        headers: dict[str, str] = {}
        for name, window in named.items():
            reading = window.read(now)
            headers[f"{name}-limit"] = str(reading.limit)
            headers[f"{name}-remaining"] = str(reading.remaining)
            headers[f"{name}-reset"] = str(reading.reset)
        return headers

    def _count(self, route: str, now: float) -> None:
        self._quarters[route].count(now)
        if route == "post":
            for window in self._days.values():
                window.count(now)
