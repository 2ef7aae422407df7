"""A town that takes reports, with its public pages: people at their telephones, each of a network of their own."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from aiohttp import ClientSession, FormData, web
from altcha import Challenge, solve_challenge
from lxml import html

from alerts.model.reports import ReportsSection, shipped_kinds
from alerts.model.town import WebSection
from alerts.reports.intake import ReportIntake
from alerts.web.listener import Listener, ListenerLimits
from alerts.web.public.publisher import public_routes
from alerts.web.public.reporting import PrivatePages, ReportPages
from alerts.web.room import ROOM
from tests.fakes import FakeClock
from tests.unit.desk.conftest import NOW
from tests.unit.web.public.house import a_house

HERE = {"lat": "45.190000", "lon": "5.710000"}
SECTION = '\n[reports]\n[web]\nproxies = ["127.0.0.1"]\n'


@cache
def solved(challenge: str) -> str:
    """What a browser computes for that challenge."""
    asked = json.loads(challenge)
    solution = solve_challenge(Challenge.from_dict(asked)).to_dict()
    return base64.b64encode(json.dumps({"challenge": asked, "solution": solution}).encode()).decode()


@dataclass
class Sent:
    """What a browser shows once it was led to where the answer is."""

    status: int
    path: str
    text: str

    @property
    def page(self):
        return html.document_fromstring(self.text)

    @property
    def number(self) -> str:
        """The number that the private page tells."""
        return self.path.split("/")[-2]

    def value(self, name: str) -> str:
        found = self.page.xpath(f"//input[@name='{name}']/@value | //textarea[@name='{name}']/text()")
        return found[0].strip() if found else ""

    def wrong(self, field: str) -> str:
        return " ".join(self.page.xpath(f"//*[@id='wrong-{field}']")[0].text_content().split())


class Awake(FakeClock):
    """Stands still too, but nobody rests by it: what comes while others are stored is stored next."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Street:
    """The town, and what its people do."""

    def __init__(self, house, intake, pages, listener, url) -> None:
        self.house, self.intake, self.pages, self.listener, self.url = house, intake, pages, listener, url
        self.clock = house.clock

    @asynccontextmanager
    async def person(self, network: int = 1):
        headers = {"X-Forwarded-For": f"192.0.{network}.7"}
        async with ClientSession(self.url, headers=headers) as client:
            yield client

    async def get(self, path: str, **headers) -> Sent:
        async with self.person() as client, client.get(path, headers=headers) as answer:
            return Sent(answer.status, urlsplit(str(answer.url)).path, await answer.text())

    async def open(self, path: str = "/report") -> Sent:
        """The form, as somebody opens it who takes five seconds to fill it in."""
        found = await self.get(path)
        self.clock.set(self.clock.now() + timedelta(seconds=5))
        return found

    async def post(self, path: str, fields, *, network: int = 1, photo: bytes | None = None, headers=None) -> Sent:
        form = FormData(default_to_multipart=True)
        for name, value in fields.items():
            form.add_field(name, value)
        if photo is not None:
            form.add_field("photo", io.BytesIO(photo), filename="p.jpg", content_type="image/jpeg")
        async with self.person(network) as client, client.post(path, data=form, headers=headers) as answer:
            return Sent(answer.status, urlsplit(str(answer.url)).path, await answer.text())

    async def report(
        self, *, network: int = 1, path: str = "/report", photo=None, proven: bool = True, **changes
    ) -> Sent:
        """Open the form, fill it in, send it."""
        opened = await self.open(path)
        fields = {"kind": "flooding", **HERE, "key": opened.value("key"), "form": opened.value("form"), **changes}
        if proven:
            fields.setdefault("altcha", solved((await self.get("/report/challenge")).text))
        return await self.post(path, fields, network=network, photo=photo)

    async def stored(self):
        """The reports, newest first."""
        return await self.house.service.ask(lambda unit: unit.reports.listed(most=50))


@asynccontextmanager
async def a_street(tmp_path, room=ROOM, **more):
    changes = {
        "reports": ReportsSection(shipped_kinds("fr")),
        "web": WebSection(languages=("en",), proxies=("127.0.0.1",)),
    }
    changes |= more
    async with a_house(tmp_path, channel=SECTION, clock=Awake(NOW), **changes) as house:
        intake = ReportIntake(house.publisher.setting.town, house.service, house.clock)
        pages = ReportPages(house.publisher, house.service, house.service, intake)
        private = PrivatePages(house.publisher, house.service, house.service)
        app = web.Application()
        app.add_routes([*pages.routes(), *private.routes(), *public_routes(house.publisher)])
        # Its own clock stands still: nobody here is too slow for the door.
        listener = Listener(app, ListenerLimits(room=room), FakeClock(NOW), house.publisher.setting.town.web.trusted)
        port = await listener.listen("127.0.0.1", 0)
        yield Street(house, intake, pages, listener, f"http://127.0.0.1:{port}/")
        await listener.close()


def in_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
