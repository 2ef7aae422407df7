"""The public pages as HTML, in one language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alerts.rendering.library import CompiledTemplates
from alerts.rendering.text import address
from alerts.web.public.linked_data import announcement
from alerts.web.public.setting import Outlook, Setting
from alerts.web.public.static import static_path
from alerts.web.public.told import Told, shapes_of
from alerts.web.public.tongues import marked, tongue
from alerts.web.words import Words, in_sight, read_words

_HERE = Path(__file__).parent
_COMPILED = CompiledTemplates()
LOCALES = _HERE / "locale"
_MOMENT = {"fr": "EEEE d MMMM 'à' H\u00a0'h'\u00a0mm", "en": "EEEE d MMMM, h:mm a"}
_LASTING = {"fr": "EEEE d MMMM y 'à' H\u00a0'h'\u00a0mm", "en": "EEEE d MMMM y, h:mm a"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the index shows, in one language."""

    on: Sequence[Told]
    to_come: Sequence[Told]
    over: Sequence[Told]


class Pages:
    """Makes the pages of one language; a page that was made for the same words is not made again."""

    def __init__(self, setting: Setting, language: str) -> None:
        self.setting = setting
        self.language = language
        self._words = words_of(language)
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            bytecode_cache=_COMPILED,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=in_sight,
        )
        self._environment.globals.update(
            _=self._words.gettext,
            ngettext=self._words.ngettext,
            language=language,
            setting=setting,
            names={tag: _name(tag) for tag in setting.languages},
            marked=marked,
            tongue=tongue,
            moment=self._moment,
            dated=self._dated,
            span=self._span,
            static=static_path,
        )

    def index(self, shown: Shown, outlook: Outlook) -> str:
        """What is on now, to come, and over in the last day."""
        return self._page("index.html", outlook, "", on=shown.on, to_come=shown.to_come, over=shown.over)

    def incident(self, told: Told, outlook: Outlook) -> str:
        """The lasting page of an incident."""
        info = told.incident.alert.info_for(self.language)
        return self._page(
            "incident.html",
            outlook,
            f"alerts/{told.incident.id}",
            told=told,
            shapes=shapes_of(told, self.setting),
            web=address(info.web) if info else None,
            json_ld=_for_script(announcement(told, self.setting)),
        )

    def nothing_here(self, outlook: Outlook) -> str:
        """What stands where there is no such page."""
        return self._page("404.html", outlook, "")

    def embed(self, shown: Shown, outlook: Outlook) -> str:
        """A small page for a frame in the town's own site."""
        return self._page("embed.html", outlook, "embed", on=shown.on)

    def fragment(self, shown: Shown, outlook: Outlook) -> str:
        """The same as a piece of HTML without scripts, to be put into a page by a server."""
        return self._page("fragment.html", outlook, "embed.html", on=shown.on)

    def _page(self, name: str, outlook: Outlook, rest: str, **values: Any) -> str:
        alternates = [(tag, self.setting.path(tag, rest)) for tag in self.setting.languages]
        return self._environment.get_template(name).render(outlook=outlook, alternates=alternates, **values)

    def _moment(self, moment: datetime) -> str:
        local = moment.astimezone(self.setting.zone)
        return format_datetime(local, _MOMENT[self.language], locale=Locale.parse(self.language))

    def _dated(self, moment: datetime) -> str:
        """With the year: who reads it may do so in years."""
        local = moment.astimezone(self.setting.zone)
        return format_datetime(local, _LASTING[self.language], locale=Locale.parse(self.language))

    def _span(self, since: datetime, now: datetime) -> str:
        """How long ago, in the greatest unit that fits: "2 minutes", "3 hours"."""
        return format_timedelta(abs(now - since), granularity="minute", threshold=1, locale=Locale.parse(self.language))


@lru_cache(maxsize=8)
def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(LOCALES, language)


def _name(tag: str) -> str:
    name = Locale.parse(tag).get_language_name(tag) or tag
    return name[:1].upper() + name[1:]


def _for_script(data: Mapping[str, Any]) -> str:
    """JSON that can't end the script element it stands in, nor begin a comment there."""
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
