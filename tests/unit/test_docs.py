"""docs/configuration.md can't lie: every key is in it with its default, and every whole file of the docs loads."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from enum import Enum
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from pydantic import BaseModel
from shapely.geometry import shape

from alerts.channels import KINDS as CHANNELS
from alerts.channels.bluesky import BlueskySettings
from alerts.channels.instagram import InstagramSettings
from alerts.channels.mastodon import MastodonSettings
from alerts.channels.matrix import MatrixSettings
from alerts.channels.ntfy import NtfySettings
from alerts.channels.settings import (
    ChannelSettings,
    FacebookSettings,
    HearingSettings,
    MailSettings,
    MqttSettings,
    PushSettings,
    TelegramSettings,
    TwitterSettings,
    WebhookSettings,
)
from alerts.channels.sms.settings import SmsSettings
from alerts.config import DeskSettings, NotifySettings, StationSettings, StoreSettings, WebSettings, load_config
from alerts.config.kinds import channel_kind, source_kind
from alerts.config.sections import (
    ClusterSettings,
    ListeningSettings,
    ReportForwardSettings,
    ReportKindSettings,
    ReportsSettings,
)
from alerts.desk.territory import Territory
from alerts.model.alert import Alert, Area, Info
from alerts.model.town import RateLimit, spell_span
from alerts.sources import KINDS as SOURCES
from alerts.sources.gtfs_rt import GtfsSettings
from alerts.sources.roads import RoadsSettings
from alerts.sources.settings import (
    AskedSettings,
    AtmoSettings,
    CapSettings,
    FeedSettings,
    IcalSettings,
    MailboxSettings,
    ManualSettings,
    PolledSettings,
    RssSettings,
    SourceSettings,
    VigicruesSettings,
    VigilanceSettings,
)
from tests.walls import in_one_test
from tocsin_sandbox import settings as fake

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
NAMED = ("channels.toml", "areas.geojson", "travaux.ics", "sandbox.env")
MODELS = {
    "## `[station]`": (StationSettings, BaseModel),
    "## `[store]`": (StoreSettings, BaseModel),
    "## `[web]`": (WebSettings, BaseModel),
    "## `[desk]`": (DeskSettings, BaseModel),
    "## `[listening]`": (ListeningSettings, BaseModel),
    "### `[listening.feeds.NAME]`": (FeedSettings, BaseModel),
    "## `[reports]`": (ReportsSettings, BaseModel),
    "### One of `kinds`": (ReportKindSettings, BaseModel),
    "### `cluster` of a kind": (ClusterSettings, BaseModel),
    "### `[reports.forward.NAME]`": (ReportForwardSettings, BaseModel),
    "## `[notify]`": (NotifySettings, BaseModel),
    "## `[sources.NAME]`": (SourceSettings, BaseModel),
    "### `[sources.manual]`": (ManualSettings, SourceSettings),
    "### Polled sources": (AskedSettings, SourceSettings),
    "### Sources with an address": (PolledSettings, AskedSettings),
    '### `kind = "atmo"`': (AtmoSettings, AskedSettings),
    '### `kind = "cap"`': (CapSettings, PolledSettings),
    '### `kind = "ical"`': (IcalSettings, PolledSettings),
    '### `kind = "rss"`': (RssSettings, PolledSettings),
    '### `kind = "mailbox"`': (MailboxSettings, AskedSettings),
    '### `kind = "vigicrues"`': (VigicruesSettings, AskedSettings),
    '### `kind = "gtfs_rt"`': (GtfsSettings, PolledSettings),
    '### `kind = "roads"`': (RoadsSettings, IcalSettings),
    '### `kind = "vigilance"`': (VigilanceSettings, AskedSettings),
    "## `[channels.NAME]`": (ChannelSettings, BaseModel),
    "### Channels with replies": (HearingSettings, ChannelSettings),
    '### `kind = "twitter"`': (TwitterSettings, HearingSettings),
    '### `kind = "facebook"`': (FacebookSettings, HearingSettings),
    '### `kind = "telegram"`': (TelegramSettings, HearingSettings),
    '### `kind = "mastodon"`': (MastodonSettings, HearingSettings),
    '### `kind = "bluesky"`': (BlueskySettings, HearingSettings),
    '### `kind = "instagram"`': (InstagramSettings, ChannelSettings),
    '### `kind = "matrix"`': (MatrixSettings, ChannelSettings),
    '### `kind = "ntfy"`': (NtfySettings, ChannelSettings),
    '### `kind = "sms"`': (SmsSettings, ChannelSettings),
    '### `kind = "webhook"`': (WebhookSettings, ChannelSettings),
    '### `kind = "mail"`': (MailSettings, ChannelSettings),
    '### `kind = "mqtt"`': (MqttSettings, ChannelSettings),
    "## `[push]`": (PushSettings, BaseModel),
}
"""The model behind each part, and the one whose keys an earlier part has told."""


def part(heading: str) -> str:
    """The text under a heading, up to the next one of any depth."""
    assert f"\n{heading}\n" in PAGE
    return re.split(r"\n##+ ", PAGE.partition(f"\n{heading}\n")[2])[0]


def told(heading: str) -> dict[str, str]:
    """Each key that a part's table names, and the default it tells."""
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \| ", part(heading), re.MULTILINE))


def spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return f'"{value.value}"'
    if isinstance(value, timedelta):
        spelled_out = {timedelta(seconds=60): "60s"}.get(value, spell_span(value))
        return f'"{spelled_out}"'
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(spelled(each) for each in value) + "]"
    return f'"{value}"' if isinstance(value, str | RateLimit) else str(value)


def keys_of(model: type[BaseModel], beside: type[BaseModel]) -> dict[str, str]:
    """The keys that a part has to tell: its own, and those whose default is another than where they were told."""
    known = beside.model_fields
    keys = {}
    for name, field in model.model_fields.items():
        earlier = known.get(name)
        if earlier is not None and (name == "kind" or earlier.default == field.default):
            continue
        default = (
            "*needed*" if field.is_required() else "none" if field.default is None else f"`{spelled(field.default)}`"
        )
        keys[field.alias or name] = "the platform's" if (model, name) == (ChannelSettings, "api_url") else default
    return keys


@in_one_test
@pytest.mark.parametrize("heading", MODELS)
def test_every_key_is_told_with_its_default_and_no_other(heading):
    model, beside = MODELS[heading]

    assert told(heading) == keys_of(model, beside)


def test_every_settings_model_has_its_part():
    def below(model: type[BaseModel]) -> set[type[BaseModel]]:
        ours = [each for each in model.__subclasses__() if each.__module__.startswith("alerts.")]
        return {model}.union(*(below(each) for each in ours))

    # The settings of a kind that stand in its own file are a subclass only once that file is imported.
    kinds = {channel_kind(each).settings for each in CHANNELS} | {source_kind(each).settings for each in SOURCES}
    expected = below(SourceSettings) | below(ChannelSettings) | kinds
    assert expected <= {model for model, _ in MODELS.values()}


def whole_files() -> list[tuple[str, str]]:
    pages = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    block = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    blocks = [(page.name, text) for page in pages for text in block.findall(page.read_text(encoding="utf-8"))]
    return [(name, text) for name, text in blocks if text.startswith("# channels.toml\n")]


def beside(folder: Path) -> None:
    for name in NAMED:
        shutil.copy(ROOT / name, folder)


@pytest.mark.parametrize(
    ("page", "text"), whole_files(), ids=[f"{n}-{name}" for n, (name, _) in enumerate(whole_files())]
)
def test_every_whole_file_of_the_docs_loads(tmp_path, page, text):
    beside(tmp_path)
    (tmp_path / "channels.toml").write_text(text, encoding="utf-8")

    assert load_config(tmp_path / "channels.toml").channels


def test_there_are_whole_files_in_the_docs():
    assert len(whole_files()) >= 1


def slug(heading: str) -> str:
    """A heading's anchor, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def links() -> list[tuple[Path, str]]:
    pages = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    found = re.compile(r"\]\(([^)\s]+)\)")
    return [
        (page, link) for page in pages for link in found.findall(page.read_text(encoding="utf-8")) if "://" not in link
    ]


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if target.is_file() else []
    return anchor in map(slug, headings)


def test_every_link_leads_somewhere():
    assert [f"{page.name}: {link}" for page, link in links() if not leads_somewhere(page, link)] == []
    assert len(links()) > 25


@pytest.mark.parametrize("link", ["docs/nowhere.md", "docs/use.md#nowhere", "nowhere"])
def test_a_dead_link_would_be_found(link):
    assert not leads_somewhere(ROOT / "README.md", link)


def test_every_file_that_the_architecture_names_is_there():
    named = re.findall(r"`([a-z_/]+\.py)`", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    there = [path.as_posix() for path in (ROOT / "alerts").rglob("*.py")]

    assert {name for name in named if not any(path.endswith(f"/{name}") for path in there)} == set()
    assert len(named) > 20


class TestDependencies:
    """What pyproject.toml asks for is what the program stands on."""

    PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ASKED = (*PROJECT["dependencies"], *chain.from_iterable(PROJECT["optional-dependencies"].values()))
    NAMES = frozenset(re.split(r"[\[>=]", each)[0] for each in ASKED)
    READ_BY_PYTHON = frozenset({"tzdata"})

    def test_each_is_imported_or_read_as_data(self):
        folders = (ROOT / "alerts", ROOT / "tocsin_sandbox")
        sources = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
        found = packages_distributions().items()
        modules = [(re.sub(r"[-_.]+", "-", owner).lower(), module) for module, owners in found for owner in owners]
        imported = {
            owner
            for owner, module in modules
            if owner in self.NAMES and re.search(rf"^\s*(?:import|from) {module}\b", sources, re.MULTILINE)
        }
        data = {name for name in self.NAMES if f'"{name}"' in sources or f'"{name.replace("-", "_")}"' in sources}

        assert self.NAMES - imported - data - self.READ_BY_PYTHON == set()

    def test_each_is_explained_and_no_other(self):
        page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
        told = ", ".join(re.findall(r"^\| ([^|]+) \| ", page, re.MULTILINE)[1:])

        assert set(told.split(", ")) == self.NAMES


def sections() -> list[tuple[str, str]]:
    """The parts of a channels.toml that the pages on sources show; extend.md's are tested with their own kinds."""
    block = re.compile(r"^```toml\n(\[sources\..*?)^```$", re.MULTILINE | re.DOTALL)
    pages = [page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "extend.md"]
    return [(page.name, text) for page in pages for text in block.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "text"), sections(), ids=[page for page, _ in sections()])
def test_every_section_of_the_docs_fits_into_the_shipped_file(tmp_path, page, text):
    beside(tmp_path)
    shipped = (ROOT / "channels.toml").read_text(encoding="utf-8")
    without = re.sub(r"\n\[sources\.travaux\].*?\n\n", "\n", shipped, flags=re.DOTALL)
    (tmp_path / "channels.toml").write_text(f"{without}\n{text}", encoding="utf-8")

    assert len(load_config(tmp_path / "channels.toml").sources) == 2


def test_the_pages_with_sections_are_those_on_sources():
    assert sorted({page for page, _ in sections()}) == ["calendar.md", "cap.md", "sources.md"]


class TestRootFiles:
    """What a checkout starts with."""

    def test_the_configuration_loads_with_all_that_it_names(self):
        config = load_config(ROOT / "channels.toml")

        assert [district.code for district in config.districts] == [f"SM-0{n}" for n in range(1, 7)]
        assert (config.folder / config.sources["travaux"].settings.url).is_file()
        assert {channel.settings.api_url for channel in config.channels.values()} == {"http://127.0.0.1:8081"}
        assert config.channels["page"].settings.page_id == fake.FACEBOOK_PAGE_ID

    def test_the_fake_credentials_are_all_that_it_asks_for_and_the_sandbox_s(self):
        asked = set(re.findall(r'env = "(\w+)"', (ROOT / "channels.toml").read_text(encoding="utf-8")))
        script = f". {ROOT / 'sandbox.env'}; env"
        env = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, text=True, check=True).stdout
        given = dict(line.split("=", 1) for line in env.splitlines() if line.startswith(("X_", "FACEBOOK", "TELEGRAM")))

        assert given == {
            "X_CONSUMER_KEY": fake.TWITTER_CONSUMER_KEY,
            "X_CONSUMER_SECRET": fake.TWITTER_CONSUMER_SECRET,
            "X_ACCESS_TOKEN": fake.TWITTER_ACCESS_TOKEN,
            "X_ACCESS_TOKEN_SECRET": fake.TWITTER_ACCESS_TOKEN_SECRET,
            "FACEBOOK_TOKEN": fake.FACEBOOK_PAGE_TOKEN,
            "TELEGRAM_TOKEN": fake.TELEGRAM_TOKEN,
        }
        assert asked == set(given)
        assert "open nothing" in (ROOT / "sandbox.env").read_text(encoding="utf-8")

    def test_the_districts_touch_and_do_not_overlap(self):
        outlines = [shape(dict(district.outline)) for district in load_config(ROOT / "channels.toml").districts]
        assert all(outline.is_valid and outline.area > 0 for outline in outlines)
        for place, outline in enumerate(outlines):
            others = [other for other in outlines if other is not outline]
            assert any(outline.touches(other) for other in others)
            assert all(outline.intersection(other).area < 1e-12 for other in outlines[:place])

    def test_a_place_of_the_town_is_in_one_district(self):
        territory = Territory((), load_config(ROOT / "channels.toml").districts)
        spot = ((45.1868, 5.7200), (45.1868, 5.7204), (45.1872, 5.7204), (45.1868, 5.7200))
        info = Info("Eau", areas=(Area("Ici", polygons=(spot,)),))
        alert = Alert("id", "s", datetime(2026, 11, 25, tzinfo=UTC), infos=(info,))

        assert territory.locate(alert) == ("Ici",)


@pytest.mark.parametrize("page", ["install.md", "fr/install.md"])
def test_where_an_administrator_is_sent_for_every_kind_there_is_every_kind(page):
    """The file to begin with has the usual ones alone, and isn't said to have more."""
    said = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert not re.search(r"file that has each kind|fichier qui a chaque sorte", said)
    assert "configuration.md)" in said[said.index("tocsin init /etc/tocsin") - 400 :]
    assert [each for each in (*CHANNELS, *SOURCES) if f'### `kind = "{each}"`' not in PAGE] == []


def test_each_decision_has_a_number_of_its_own():
    numbers = [page.name[:4] for page in (ROOT / "docs/adr").glob("[0-9]*.md")]
    assert sorted(numbers) == sorted(set(numbers))
    for page in (ROOT / "docs/adr").glob("[0-9]*.md"):
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]}: ")
