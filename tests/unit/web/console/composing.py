"""The compose page as a browser meets it: over HTTP, on the real desk and the real database, with a clock to wind."""

from __future__ import annotations

import itertools
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from alerts.access.gate import Gate
from alerts.access.sessions import Visit, Visitor
from alerts.config import load_config
from alerts.daemon.desk import build_desk
from alerts.desk.service import DeskService
from alerts.model.errors import Forbidden, TocsinError
from alerts.model.events import Events
from alerts.model.person import Account, Role, Session, Stage
from alerts.store.database import Database
from alerts.store.files import migrate
from alerts.web.console import compose, polls, previews, validate
from alerts.web.console.app import seal
from alerts.web.console.frame import VISITOR, Console, Frame, static_file
from tests.fakes import FakeClock
from tests.pictures import a_kept_png

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
"""Three in the morning, in Paris."""
AREAS = Path(__file__).resolve().parents[4] / "areas.geojson"
TOWN = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
public_url = "https://alertes.saint-martin.example"
areas = ["INSEE:38185"]
boundary = "areas.geojson"
[store]
url = "sqlite:///tocsin.db"
[sources.manual]
publish = "{publish}"
[channels.x]
kind = "twitter"
consumer_key = {{ env = "A" }}
consumer_secret = {{ env = "B" }}
access_token = {{ env = "C" }}
access_token_secret = {{ env = "D" }}
severity = "Moderate"
[channels.page]
kind = "facebook"
page_id = "1234567890"
token = {{ env = "FACEBOOK_TOKEN" }}
[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
token = {{ env = "TELEGRAM_TOKEN" }}
[channels.exercices]
kind = "telegram"
chat = "-100"
token = {{ env = "TELEGRAM_TOKEN" }}
exercise = true
[channels.equipe]
kind = "telegram"
chat = "-200"
token = {{ env = "TELEGRAM_TOKEN" }}
public = false
"""
PNG = a_kept_png()


class Bench:
    """One desk, and a browser at it, signed in as `name` with `role`."""

    def __init__(self, config, database, clock) -> None:
        count = itertools.count(1)
        self.clock, self.database, self.config = clock, database, config
        desk = build_desk(config, clock.now, lambda: f"id{next(count):06}")
        self.station = desk.station
        self.service = DeskService(
            town=config,
            database=database,
            desk=desk,
            clock=clock,
            new_id=lambda: f"id{next(count):06}",
            events=Events(),
        )
        gate = Gate(self.service, config)
        self.console = Console(self.service, Frame(config, clock.now), gate)
        self.role, self.name, self.language = Role.AUTHOR, "Anne", "en"
        self.client: TestClient

    def visitor(self) -> Visitor:
        now = self.clock.now()
        account = Account(self.name, self.role, "", must_change=False, created_at=now, language=self.language)
        session = Session("digest", self.name, "csrf-token", Stage.FULL, now, now, now + timedelta(hours=12))
        return Visitor(account, session, Visit("127.0.0.1"))

    def app(self) -> web.Application:
        @web.middleware
        async def as_somebody(request, handler):
            request[VISITOR] = self.visitor()
            try:
                return await handler(request.clone(client_max_size=12 * 1024**2))
            except Forbidden as error:
                return web.Response(status=403, text=str(error))
            except TocsinError as error:
                return web.Response(status=422, text=str(error))

        async def static(request):
            return web.FileResponse(static_file(request.match_info["name"]))

        async def leave(_, response):
            seal(response, self.console.frame.station, secure=False)

        desk = web.Application(middlewares=[as_somebody])
        desk.on_response_prepare.append(leave)
        pages = [each for part in (compose, polls, previews, validate) for each in part.routes(self.console)]
        desk.add_routes([web.get("/static/{name:.+}", static), *pages])
        app = web.Application()
        app.add_subapp("/desk", desk)
        return app

    async def get(self, address: str, status: int = 200) -> str:
        async with self.client.get(f"/desk{address}", allow_redirects=False) as answer:
            assert answer.status == status, await answer.text()
            return await answer.text()

    async def post(self, address: str, fields, status: int = 303) -> str:
        """Post a form; the page that came, or where it leads."""
        async with self.client.post(f"/desk{address}", data=fields, allow_redirects=False) as answer:
            assert answer.status == status, await answer.text()
            return answer.headers["Location"] if answer.status == 303 else await answer.text()

    async def json(self, address: str, said, status: int = 200):
        async with self.client.post(f"/desk{address}", json=said) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def stored_alerts(self):
        return await self.service.ask(lambda unit: list(unit.views.everything()))

    async def posts(self, alert: str):
        return await self.service.ask(lambda unit: list(unit.alerts.posts_of(alert)))

    async def drafts(self):
        return await self.service.ask(lambda unit: list(unit.drafts.drafts(self.name)))


@asynccontextmanager
async def open_bench(folder, publish="auto", start=START, more="", station=""):
    (folder / "areas.geojson").write_bytes(AREAS.read_bytes())
    (folder / "channels.toml").write_text(
        TOWN.format(publish=publish).replace("[store]", f"{station}[store]", 1) + more, encoding="utf-8"
    )
    config = load_config(folder / "channels.toml")
    migrate(config.database)
    database = await Database.open(config.database)
    bench = Bench(config, database, FakeClock(start))
    bench.client = TestClient(TestServer(bench.app()))
    await bench.client.start_server()
    try:
        yield bench
    finally:
        await bench.client.close()
        await database.close()


_FIELD = re.compile(
    r"<(input)\b([^>]*)>()()|<(textarea)\b([^>]*)>\n?([^<]*)</textarea>|<(select)\b([^>]*)>(.*?)</select>", re.DOTALL
)
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')


def form_of(page: str, marker: str = 'id="compose"') -> list[tuple[str, str]]:
    """What a browser would send of the form with this marker, as it stands; buttons and files aside."""
    start = page.index("<form", page.rindex("\n", 0, page.index(marker)))
    found = []
    for match in _FIELD.finditer(page[start : page.index("</form>", start)]):
        tag, attributes, content = [group for group in match.groups() if group is not None][:3]
        has = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
        kind = has.get("type")
        if "name" not in has or kind == "file" or (kind in ("radio", "checkbox") and "checked" not in has):
            continue
        if tag == "select":
            chosen = re.search(r'value="([^"]*)" selected', content) or re.search(r'value="([^"]*)"', content)
            found.append((has["name"], unescape(chosen[1])))
        else:
            found.append((has["name"], unescape(content) if tag == "textarea" else has.get("value", "")))
    return found


def with_fields(form, **changes):
    """The form with other values; a list for a field of several."""
    kept = [(name, value) for name, value in form if name not in changes]
    told = [(name, one) for name, value in changes.items() for one in (value if isinstance(value, list) else [value])]
    return kept + told


async def a_form(bench, hazard="water-cut", **changes):
    """What is prepared for a hazard, with its blanks filled in."""
    form = with_fields(form_of(await bench.get(f"/compose?hazard={hazard}")), **changes)
    return [(name, re.sub(r"\{[^{}]*\}", "place Haute", value)) for name, value in form]


async def preview(bench, **fields):
    said = {"draft": "draft0001", "fields": {"headline": "Fuite de gaz", "severity": "Severe", "span": "3h", **fields}}
    return await bench.json("/compose/preview", said)


async def posted(bench, **changes):
    form = await a_form(bench, **changes, do="publish")
    return (await bench.post("/compose", form)).rpartition("/")[2]
