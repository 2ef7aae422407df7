"""The lines for nginx in the pages, run by a real nginx before all that the daemon and a fleet answer."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import socket
import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from alerts.app import build
from alerts.channels.push.encryption import new_key
from alerts.config import load_config
from alerts.daemon.environment import DaemonEnvironment
from alerts.daemon.serving import serve
from alerts.model.alert import Alert, Area, Info, Severity
from alerts.model.ports import Heard, Memory, SourceReading, SystemClock
from alerts.web.public.publisher import Publisher
from campaign.running import free_port
from tests.fakes import PlainChannel
from tests.mail_relay import certified
from tests.unit.fleet.operators import an_operators_desk
from tests.unit.fleet.towns import write_town

pytestmark = pytest.mark.process
DOCS = Path(__file__).resolve().parents[2] / "docs"
PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
MISSING = "needs nginx, which the tests run themselves; Debian's package nginx-light has it"
HOST = "alertes.saint-martin.example"
INSIDE = {"/healthz", "/readyz", "/metrics"}
PICTURE = b"\xff\xd8" + bytes(5_000_000)
SECRETS = "token = { file = 'secret' }\napi_url = 'http://127.0.0.1:9'\n"
TOWN = f"""
[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
language = "fr-FR"
public_url = "https://{HOST}"
boundary = "areas.geojson"
streets = "streets.csv"

[web]
listen = "127.0.0.1:0"
proxies = ["127.0.0.1"]
languages = ["en"]
export = "site"
embed = ["https://www.saint-martin.example"]

[sources.meteo]
kind = "cap"
url = "http://127.0.0.1:9/feed"
publish = "auto"
area = "any"

[channels.telegram]
kind = "telegram"
chat = "@saintmartin"
subscriptions = true
updates = "webhook"
{SECRETS}
[channels.page]
kind = "facebook"
page_id = "1234567890"
hears = true
app_secret = {{ file = "secret" }}
verify_token = {{ file = "secret" }}
{SECRETS}
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = 9
tls = "none"
sender = "alertes@saint-martin.example"
subscriptions = true

[push]
key = {{ file = "push.pem" }}
subject = "mailto:mairie@saint-martin.example"

[listening]

[reports]
"""


class Feed:
    """Says one alert, once."""

    async def read(self, memory, known, now) -> SourceReading:
        info = Info(event="Crue", headline="Crue de la Vive", severity=Severity.SEVERE, areas=(Area("Saint-Martin"),))
        heard = [] if await known(["1"]) else [Heard("1", Alert("urn-1", "meteo@example", now, infos=(info,)))]
        return SourceReading(heard, Memory(digest="1"))


class Reached:
    """An application that runs, its own address, and what of it was asked for."""

    def __init__(self, app) -> None:
        self.app, self.url = app, ""
        self.asked: set[tuple[str, str]] = set()

    async def note(self, request, _=None) -> None:
        self.asked.add((request.method, request.path))


@asynccontextmanager
async def a_daemon(folder: Path):
    """A whole town: all that a daemon can answer, with an alert that is on and its files written."""
    shutil.copy(DOCS.parent / "areas.geojson", folder / "areas.geojson")
    (folder / "streets.csv").write_text("street,district\nRue Haute,SM-01\n", encoding="utf-8")
    (folder / "push.pem").write_text(new_key())
    (folder / "secret").write_text("123456:secretsecretsecretsecretsecretsecret")
    (folder / "channels.toml").write_text(TOWN, encoding="utf-8")
    reached = []

    async def served(app, settings, clock, refused):
        reached.append(Reached(app))
        app.on_response_prepare.append(reached[0].note)
        return await serve(app, settings, clock, refused)

    clock = SystemClock()
    outside = DaemonEnvironment(
        clock=clock,
        open_channel=lambda *_: PlainChannel(clock),
        open_source=lambda *_: Feed(),
        open_ear=lambda *_: None,
        serve=served,
    )
    written, export = asyncio.Event(), Publisher.export

    async def noted(publisher: Publisher) -> bool:
        is_behind = await export(publisher)
        if is_written(folder):
            written.set()
        return is_behind

    daemon = await build(load_config(folder / "channels.toml"), outside)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Publisher, "export", noted)
        await daemon.start()
        try:
            await written.wait()
            reached[0].url = daemon.url
            yield reached[0]
        finally:
            await daemon.stop()


def is_written(folder: Path) -> bool:
    """Whether the daemon's files have the alert that is on."""
    return any(folder.glob("site/alerts/*/card.png"))


def lines_of(page: str) -> str:
    """What a page of the docs shows for nginx."""
    return (DOCS / page).read_text(encoding="utf-8").partition("```nginx\n")[2].partition("```")[0]


def settings(lines: str, folder: Path, port: int, daemon: str) -> str:
    """A whole file for nginx: those lines, with this machine's ports, folder and certificate."""
    _, certificate = certified(folder)
    own = {
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl;",
        "# ssl_certificate …; ssl_certificate_key …;": f"ssl_certificate {certificate};"
        f" ssl_certificate_key {certificate.with_suffix('.key')};",
        "http://127.0.0.1:8080": daemon,
    }
    for shown, meant in own.items():
        assert shown in lines
        lines = lines.replace(shown, meant)
    lines = lines.replace("/var/lib/tocsin/site", str(folder / "site"))
    keeps = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    kept = "".join(f"{each}_temp_path {folder / each};\n" for each in keeps)
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\npid {folder / 'nginx.pid'};\nworker_processes 1;\nerror_log stderr warn;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\n{kept}{lines}}}\n"
    )


class Front:
    """An nginx before an application, and the citizens' side of it."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self._url, self._session = f"https://127.0.0.1:{port}", session

    def ask(self, method: str, path: str, **how):
        """Ask as a browser does that was led here by the town's name."""
        headers = {"Host": HOST, "Accept-Encoding": "identity"}
        return self._session.request(method, self._url + path, headers=headers, allow_redirects=False, **how)


@asynccontextmanager
async def before(daemon: str, page: str, folder: Path):
    """An nginx with the lines of that page, before what answers at `daemon`.

    It inherits a socket that listens already, as from an nginx that it takes the place of: whoever asks too early waits
    there until it answers.
    """
    program = shutil.which("nginx", path=PATHS)
    if program is None:
        pytest.skip(MISSING)
    port = free_port()
    (folder / "nginx.conf").write_text(settings(lines_of(page), folder, port, daemon), encoding="utf-8")
    with socket.create_server(("127.0.0.1", port)) as door, (folder / "nginx.log").open("ab") as said:
        nginx = await asyncio.create_subprocess_exec(
            *(program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")),
            env={**os.environ, "NGINX": f"{door.fileno()};"},
            pass_fds=[door.fileno()],
            stderr=said,
        )
    trusting = ssl.create_default_context(cafile=folder / "127.0.0.1.pem")
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
            yield Front(port, session)
    finally:
        if nginx.returncode is None:
            nginx.terminate()
        await nginx.wait()


def walked(app) -> set[tuple[str, str]]:
    """Every way to ask the application: each route that it has, with a word in the place of what differs."""
    found = set()
    for route in app.router.routes():
        path = re.sub(r"\{\w+\}", "x1", route.resource.canonical)
        found.add(("GET" if route.method == "HEAD" else route.method, path))
    assert len(found) > 20
    return found


async def ask_all(front: Front, ways: set[tuple[str, str]]) -> None:
    for method, path in sorted(ways):
        body = {"data": io.BytesIO(PICTURE)} if method == "POST" and path.endswith(("/compose", "/report")) else {}
        async with front.ask(method, path, **body) as answer:
            if answer.content_type == "text/event-stream":
                assert await answer.content.readline()  # an event comes at once: nobody holds it back
            else:
                await answer.read()


def uncommented(lines: str) -> str:
    return re.sub(r"\s*# .*", "", lines)


@pytest.mark.parametrize("page", ["install.md", "pages.md"])
async def test_the_lines_lead_to_all_that_the_daemon_answers(tmp_path, page):
    assert uncommented(lines_of(page)) == uncommented(lines_of(f"fr/{page}"))
    async with a_daemon(tmp_path) as daemon, before(daemon.url, page, tmp_path) as front:
        ways = walked(daemon.app)
        assert {path.split("/")[1] for _, path in ways} >= {"desk", "api", "hook", "telegram", "open311", "polls"}
        await ask_all(front, ways)
        missed = ways - daemon.asked
        assert {path for _, path in missed} == INSIDE
        for path in INSIDE:
            async with front.ask("GET", path) as answer:
                assert answer.status == 404


async def test_the_lines_lead_to_a_fleet_s_desk_and_its_towns(tmp_path):
    (stations := tmp_path / "towns").mkdir()
    write_town(stations, "meylan")
    async with an_operators_desk(stations) as desk:
        door = desk.fleet.router
        reached, answer = Reached(door._own.runner.app), door.answer

        async def noted(request):
            await reached.note(request)
            return await answer(request)

        door.answer = noted
        async with before(str(desk.server.make_url("")).rstrip("/"), "install.md", tmp_path) as front:
            ways = walked(reached.app)
            assert {path for _, path in ways} >= {"/fleet", "/fleet.json"}
            await ask_all(front, ways)
            assert {path for _, path in ways - reached.asked} == INSIDE
            async with front.ask("GET", "/t/meylan/") as answer:
                assert "Ville de meylan" in await answer.text()


async def test_files_are_served_as_the_daemon_answers_them(tmp_path):
    site = tmp_path / "site"
    async with a_daemon(tmp_path) as daemon, before(daemon.url, "pages.md", tmp_path) as front:
        paths = {f"/{file.relative_to(site.resolve())}" for file in site.resolve().rglob("*") if file.is_file()}
        paths = {re.sub(r"/index\.html$", "", path) or "/" for path in paths}
        daemon.asked.clear()
        for path in sorted(paths):
            async with front.ask("GET", path) as file, aiohttp.ClientSession() as session:
                headers = {"Host": HOST, "Accept-Encoding": "identity", "X-Forwarded-Proto": "https"}
                assert ("GET", path) not in daemon.asked, path
                async with session.get(daemon.url + path, headers=headers) as answer:
                    assert (file.status, file.content_type) == (answer.status, spelt(answer.content_type)), path
                    assert len(await file.read()) > 0
                    for name in ("Content-Security-Policy", "Access-Control-Allow-Origin"):
                        if answer.content_type in ("text/html", "application/geo+json"):
                            assert of_files(file.headers.get(name)) == of_files(answer.headers.get(name)), path
        assert len(paths) > 30


def spelt(kind: str) -> str:
    """A type as nginx names it."""
    return "text/xml" if kind == "application/xml" else kind


def of_files(said: str | None) -> str | None:
    """A header, but for what differs with the page: files have one policy for those with a form and those without."""
    return re.sub(r"form-action '\w+'; ", "", said) if said else said
