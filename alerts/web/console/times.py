"""Times as a page says them: in the station's zone, in the reader's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from babel.dates import format_datetime, format_skeleton, format_time, format_timedelta
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Times:
    """One reader's times: their language, the station's zone, and the time it is."""

    language: str
    zone: tzinfo
    now: datetime

    def words(self) -> Mapping[str, Callable[..., Any]]:
        """The functions that every page may call."""
        return {name: getattr(self, name) for name in ("when", "clock", "second", "day", "ago", "span")}

    def when(self, at: datetime) -> Markup:
        """Day and time, the year where it isn't this one, as `<time>` that machines read too."""
        local = at.astimezone(self.zone)
        skeleton = "MMMEd" if local.year == self.now.astimezone(self.zone).year else "yMMMEd"
        day = format_skeleton(skeleton, local, locale=self._locale)
        return self._element(at, f"{day}, {self._hour(local)}")

    def clock(self, at: datetime) -> Markup:
        """The hour and minute."""
        return self._element(at, self._hour(at.astimezone(self.zone)))

    def second(self, at: datetime) -> Markup:
        """The time to the second."""
        return self._element(at, format_time(at.astimezone(self.zone), "HH:mm:ss", locale=self._locale))

    def day(self, at: datetime) -> Markup:
        """The day alone."""
        return self._element(at, format_skeleton("yMMMEd", at.astimezone(self.zone), locale=self._locale))

    def ago(self, at: datetime) -> Markup:
        """How long ago, or in how long; the exact time as its title."""
        away = at - self.now or -timedelta.resolution
        words = format_timedelta(away, add_direction=True, locale=self._locale)
        exact = format_datetime(at.astimezone(self.zone), "medium", locale=self._locale)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exact, words)

    def span(self, length: timedelta) -> str:
        """A length of time."""
        return format_timedelta(length, threshold=2, locale=self._locale)

    @property
    def _locale(self) -> str:
        return "en_GB" if self.language == "en" else self.language

    def _hour(self, local: datetime) -> str:
        return format_time(local, "HH:mm", locale=self._locale)

    @staticmethod
    def _element(at: datetime, words: str) -> Markup:
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), words)
