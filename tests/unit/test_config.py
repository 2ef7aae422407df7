"""channels.toml: whatever its writer got wrong is told at once, one line each, and no secret in any of them."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.channels.settings import ChannelSettings, FacebookSettings, TelegramSettings
from alerts.config import MANUAL, channel_kind, load_config, source_kind
from alerts.config.sections import DeskSettings, NotifySettings, StationSettings, StoreSettings, WebSettings
from alerts.model.alert import NamedValue, Severity
from alerts.model.errors import ConfigurationError, Unreadable
from alerts.model.hazard import Hazard
from alerts.model.post import Means
from alerts.model.town import ChannelConfig, DeskSection, NotifySection, SourceRules, StoreSection, Town, WebSection
from alerts.sources import KINDS
from alerts.sources.settings import CapSettings, IcalSettings, ManualSettings, SourceSettings
from tests.walls import in_one_test

STATION = '[station]\nname = "Saint-Martin"\nsender = "a@b.example"\n'
TELEGRAM = '[channels.telegram]\nkind = "telegram"\nchat = "@saintmartin"\ntoken = { env = "TOKEN" }\n'
TEN_LINES = """[station]
name = "Saint-Martin"
sender = "alertes@saint-martin.example"
[sources.meteo]
kind = "cap"
url = "https://feeds.example/atom"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""
SOURCE_KINDS = ", ".join(map(repr, KINDS))
SECRET = "123456789:AAE-this-would-be-a-real-token"


@pytest.fixture
def load(tmp_path):
    def load(text: str):
        file = tmp_path / "channels.toml"
        file.write_text(text, encoding="utf-8")
        return load_config(file)

    return load


@pytest.fixture
def problems(load):
    """What is wrong with a text, without the file's name that stands before each line."""

    def problems(text: str) -> list[str]:
        with pytest.raises(ConfigurationError) as told:
            load(text)
        lines = [str(problem) for problem in told.value.problems]
        assert str(told.value) == "\n".join(lines)
        assert all("\n" not in line and line.startswith("channels.toml: ") for line in lines)
        return [line.removeprefix("channels.toml: ") for line in lines]

    return problems


def test_one_feed_and_one_channel_are_ten_lines(load, tmp_path):
    assert len(TEN_LINES.splitlines()) == 10
    config = load(TEN_LINES)

    assert (config.language, config.timezone, config.web.listen) == (
        "fr-FR",
        "Europe/Paris",
        "127.0.0.1:8080",
    )
    assert config.database == tmp_path / "var" / "tocsin.db"
    assert config.template_folder == tmp_path / "templates"
    assert (config.web.host, config.web.port) == ("127.0.0.1", 8080)
    meteo = config.sources["meteo"]
    assert isinstance(meteo.settings, CapSettings)
    assert (meteo.publish, meteo.severity, meteo.every) == ("auto", Severity.MINOR, timedelta(seconds=60))
    assert isinstance(config.sources[MANUAL].settings, ManualSettings), "it is always there"
    telegram = config.channels["telegram"]
    assert isinstance(telegram.settings, TelegramSettings)
    assert (telegram.on_update, telegram.on_end, telegram.kept_back) == (Means.REPLY, Means.REPLY, 4)


def test_a_container_says_where_to_answer_unless_the_file_does(load, problems, monkeypatch):
    monkeypatch.setenv("TOCSIN_LISTEN", "0.0.0.0:8080")
    assert load(TEN_LINES).web.listen == "0.0.0.0:8080"
    assert load(f'{TEN_LINES}[web]\nlisten = "127.0.0.1:9000"\n').web.listen == "127.0.0.1:9000"
    monkeypatch.setenv("TOCSIN_LISTEN", "8080")
    assert problems(TEN_LINES)[0].startswith("web.listen: '8080' is no place to listen")


def test_what_is_told_is_kept(load, tmp_path):
    config = load(
        STATION
        + 'areas = ["INSEE:38185", "NUTS3:FR714"]\npublic_url = "https://a.example/x/"\n[store]\nurl = "sqlite:////srv/t.db"\n'
        + '[web]\nlisten = "[::1]:0"\n[sources.manual]\npublish = "approve"\n'
        + '[channels.page]\nkind = "facebook"\npage_id = "1"\ntoken = { file = "t" }\n'
        + 'limits = ["100/15m", "60/24h"]\nreserve = 10\n'
    )

    assert config.geocodes == (NamedValue("INSEE", "38185"), NamedValue("NUTS3", "FR714"))
    assert config.public_url == "https://a.example/x"
    assert config.database == Path("/srv/t.db")
    assert (config.web.host, config.web.port) == ("::1", 0)
    assert config.sources[MANUAL].publish == "approve"
    page = config.channels["page"]
    assert isinstance(page.settings, FacebookSettings)
    assert ([str(window) for window in page.limits], page.kept_back) == (["100/15m", "60/24h"], 10)


def test_a_town_orders_and_hides_the_hazards_of_its_desk(load, problems):
    assert load(TEN_LINES).offered == tuple(Hazard)
    chosen = load(TEN_LINES.replace("[sources", 'hazards = ["general", "industrial", "flood"]\n[sources', 1))
    assert chosen.offered == (Hazard.INDUSTRIAL, Hazard.FLOOD, Hazard.GENERAL)
    assert problems(TEN_LINES.replace("[sources", 'hazards = ["floods"]\n[sources', 1)) == [
        "station.hazards: 'floods' is no hazard; did you mean 'flood'?"
    ]


def test_all_errors_of_a_file_are_told_at_once(problems):
    found = problems(
        '[station]\nname = 5\nsender = "a b"\nlangage = "fr"\n[web]\nlisten = "8080"\n[store]\nurl = "mysql://x"\n'
        '[sources.meteo]\nkind = "cap"\nevery = "often"\n[channels.x]\nkind = "minitel"\n[chanels.y]\n'
    )

    assert sorted(line.split(":")[0] for line in found) == [
        "chanels", "channels.x.kind", "sources.meteo.every", "sources.meteo.url", "station.langage", "station.name",
        "station.sender", "store.url", "web.listen",
    ]  # fmt: skip


FAULTY = [
    ("", "station.name: is missing; allowed: such as 'Ville de Saint-Martin'"),
    ("", "station.sender: is missing; allowed: such as 'alertes@saint-martin.example'"),
    ("", "channels: none is configured; add one, such as [channels.telegram]"),
    ("[channels]", "channels: none is configured; add one, such as [channels.telegram]"),
    ("[statoin]", "statoin: unknown section; did you mean 'station'?"),
    (
        "[zzz]",
        "zzz: unknown section; known: station, store, web, notify, desk, listening, reports, push, sources, channels",
    ),
    ("[[sorces]]", "sorces: unknown section; did you mean 'sources'?"),
    ("stations = 1", "stations: unknown key; did you mean 'station'?"),
    ("station = 1", "station: is a section; allowed: [station]"),
    ("[[station]]", "station: is a section; allowed: [station]"),
    ("channels = 1", "channels: is a section of tables; allowed: [channels.NAME]"),
    ("[sources]\nmeteo = 1", "sources.meteo: is a table; allowed: [sources.NAME]"),
    (
        "[sources.Météo]\nkind = 1".replace("Météo", '"Météo"'),
        "sources.Météo: a name is of a-z, 0-9, - and _, and starts with a letter",
    ),
    ("[station]\nname = 5", "station.name: is something else; allowed: text in quotes"),
    ('[station]\nname = ""', "station.name: is empty; allowed: such as 'Ville de Saint-Martin'"),
    ('[station]\nnom = "x"', "station.nom: unknown key; did you mean 'name'?"),
    (
        '[station]\nsender = "a b"',
        ("station.sender: a CAP sender holds no blank, comma, < or &; allowed: such as alertes@saint-martin.example"),
    ),
    ('[station]\nlanguage = "fr_FR"', "station.language: 'fr_FR' is no language tag; allowed: such as fr-FR or en"),
    (
        '[station]\ntimezone = "Paris"',
        ("station.timezone: 'Paris' is no time zone; allowed: an IANA name such as Europe/Paris"),
    ),
    (
        '[station]\ntimezone = "../../etc/passwd"',
        ("station.timezone: '../../etc/passwd' is no time zone; allowed: an IANA name such as Europe/Paris"),
    ),
    (
        '[station]\npublic_url = "x"',
        ("station.public_url: 'x' is no address; allowed: such as https://alertes.saint-martin.example"),
    ),
    ('[station]\nareas = "38185"', "station.areas: is something else; allowed: a list of text in quotes"),
    (
        '[station]\nareas = ["38185"]',
        ("station.areas: '38185' is no geocode; allowed: scheme:value, such as INSEE:38185 or NUTS3:FR714"),
    ),
    ('[station]\nlogo = "blason.gif"', "station.logo: the logo is an SVG or PNG file"),
    ('[station]\naccent = "red"', "station.accent: 'red' is no colour; allowed: #rrggbb, such as #0b4f9c"),
    (
        '[station]\naccent = "#ffd700"',
        ("station.accent: white words are hard to read on #ffd700: contrast 1.4, needed 4.5; take a darker one"),
    ),
    (
        '[station]\naccent = "#777777"',
        ("station.accent: white words are hard to read on #777777: contrast 4.4, needed 4.5; take a darker one"),
    ),
    (
        '[station]\nnumbers = ["Mairie"]',
        (
            "station.numbers: 'Mairie' is no number to call; "
            "allowed: name, colon, number, such as Mairie: 04 76 00 00 00"
        ),
    ),
    ("[station]\nareas = [38185]", "station.areas[0]: is something else; allowed: text in quotes"),
    (
        '[store]\nkeep = "7d"',
        "store.keep: what is finished is kept for 30d at the least; allowed: 30d, 1y, 3y …",
    ),
    (
        '[store]\nurl = "tocsin.db"',
        (
            "store.url: 'tocsin.db' is no store; allowed: sqlite:/// and a path, such as sqlite:///var/tocsin.db, or "
            "the address of a PostgreSQL database, such as postgresql://tocsin@db.example.org/tocsin"
        ),
    ),
    (
        '[store]\nurl = "postgresql://db.example.org/tocsin?schema=Town-1"',
        ("store.url: 'Town-1' is no name of a schema; allowed: small letters, digits and _, 63 at the most"),
    ),
    (
        '[store]\nurl = "postgresql://tocsin:hunter2@/a/b"',
        (
            "store.url: 'postgresql://***@/a/b' is no store; allowed: sqlite:/// and a path, such as "
            "sqlite:///var/tocsin.db, or the address of a PostgreSQL database, such as "
            "postgresql://tocsin@db.example.org/tocsin"
        ),
    ),
    (
        '[store]\nurl = { env = "PGX" }',
        ("store: the environment variable PGX is not set; set it, or name a file instead"),
    ),
    (
        '[web]\nlisten = "127.0.0.1:99999"',
        ("web.listen: '127.0.0.1:99999' is no place to listen; allowed: host:port, such as 127.0.0.1:8080"),
    ),
    (
        '[notify]\nchannels = ["equipe"]\n[channels.equip]',
        ("notify.channels: 'equipe' is no channel; did you mean 'equip'?"),
    ),
    (
        '[notify]\nheartbeat = "x"',
        "notify.heartbeat: is no address; allowed: such as https://watch.example/ping/1234",
    ),
    ("[sources.a]", f"sources.a.kind: is missing; allowed: {SOURCE_KINDS}"),
    ("[sources.a]\nkind = 5", f"sources.a.kind: is something else; allowed: {SOURCE_KINDS}"),
    ('[sources.a]\nkind = "icall"', "sources.a.kind: 'icall' is no kind; did you mean 'ical'?"),
    ('[sources.a]\nkind = "zzz"', f"sources.a.kind: 'zzz' is no kind; allowed: {SOURCE_KINDS}"),
    ('[sources.manual]\nkind = "cap"', "sources.manual.kind: is something else; allowed: 'manual'"),
    (
        '[sources.a]\nkind = "cap"',
        ("sources.a.url: is missing; allowed: such as 'https://feeds.example/atom' or 'file.xml'"),
    ),
    (
        '[sources.manual]\npublish = "later"',
        ("sources.manual.publish: is something else; allowed: 'auto', 'veto', 'approve'"),
    ),
    (
        '[sources.manual]\nseverity = "moderate"',
        ("sources.manual.severity: is something else; allowed: 'Extreme', 'Severe', 'Moderate', 'Minor', 'Unknown'"),
    ),
    (
        '[sources.manual]\nveto = "ten"',
        (
            "sources.manual.veto: 'ten' is no span of time; allowed: a number and a unit, "
            "such as 250ms, 2s, 10m, 6h, 1d, 3y"
        ),
    ),
    (
        '[sources.manual]\nveto = "0s"',
        ("sources.manual.veto: is no time to wait; allowed: more than 0 and up to 366d, such as 10m"),
    ),
    ("[sources.manual]\nveto = true", ('sources.manual.veto: allowed: a span of time in quotes, such as "10m"')),
    ("[sources.manual]\nveto = 10", 'sources.manual.veto: allowed: a span of time in quotes, such as "10m"'),
    (
        '[sources.a]\nkind = "cap"\nurl = "x"\nevery = "10ms"',
        ("sources.a.every: a source is read once a second at the most; allowed: 1s and longer"),
    ),
    (
        '[sources.a]\nkind = "cap"\nurl = "x"\nallow_private = "maybe"',
        ("sources.a.allow_private: is something else; allowed: true or false"),
    ),
    (
        '[sources.a]\nkind = "ical"\nurl = "x"\nannounce = ["1d"]',
        (
            'sources.a.announce[0]: "1d" is no moment of an event; allowed: "start", "end", or a time before '
            'the start such as "-30m", "-2h", "-1d" (from 1m to 30d)'
        ),
    ),
    (
        '[sources.a]\nkind = "ical"\nurl = "x"\nannounce = []',
        "sources.a.announce: is empty; allowed: such as ['-1d', 'start', 'end']",
    ),
    ('[channels.a]\nkind = "telegramm"', "channels.a.kind: 'telegramm' is no kind; did you mean 'telegram'?"),
    (
        '[channels.a]\nkind = "telegram"',
        ("channels.a.chat: is missing; allowed: such as '@saintmartin_alertes' or '-1001234567890'"),
    ),
    (
        '[channels.a]\nkind = "telegram"',
        'channels.a.token: is missing; allowed: { env = "NAME" } or { file = "name" }',
    ),
    (
        '[channels.a]\nkind = "telegram"\nchat = "saintmartin"',
        (
            "channels.a.chat: is not what it has to look like; "
            "allowed: such as '@saintmartin_alertes' or '-1001234567890'"
        ),
    ),
    ('[channels.a]\nkind = "telegram"\ntokn = 1', "channels.a.tokn: unknown key; did you mean 'token'?"),
    (
        '[channels.a]\nkind = "telegram"\nlimits = ["often"]',
        ("channels.a.limits[0]: 'often' is no limit; allowed: posts/span, such as 100/15m or 60/24h"),
    ),
    (
        '[channels.a]\nkind = "telegram"\nlimits = [5]',
        ('channels.a.limits[0]: is something else; allowed: posts/span, such as "100/15m"'),
    ),
    (
        '[channels.a]\nkind = "telegram"\nlimits = ["60/24h", "9/15m"]\nreserve = 60',
        "channels.a.reserve: a reserve of 60 leaves nothing of 60/24h; allowed: 0 to 59",
    ),
    (
        '[channels.a]\nkind = "telegram"\nreserve = 20',
        ("channels.a.reserve: a reserve of 20 leaves nothing of 20/1m; allowed: 0 to 19"),
    ),
    ('[channels.a]\nkind = "telegram"\nreserve = -1', "channels.a.reserve: is too small; allowed: 0 and more"),
    (
        '[channels.a]\nkind = "telegram"\nreserve = "few"',
        ("channels.a.reserve: is something else; allowed: a whole number"),
    ),
    (
        '[channels.a]\nkind = "telegram"\nconcurrency = 101',
        ("channels.a.concurrency: is too large; allowed: 100 and less"),
    ),
    (
        '[channels.a]\nkind = "telegram"\nlink = "maybe"',
        ("channels.a.link: is something else; allowed: 'always', 'first', 'never'"),
    ),
    (
        '[channels.a]\nkind = "facebook"\npage_id = "1"\ntoken = { env = "T" }\ncard = true\non_update = "new"',
        (
            "channels.a: card = true: a picture can't be edited and would go on showing what held; "
            'allowed with on_end = "reply" or "new"'
        ),
    ),
    (
        '[channels.a]\nkind = "telegram"\non_update = "none"',
        'channels.a.on_update: allowed: "reply", "edit", "new"',
    ),
    (
        '[channels.a]\nkind = "telegram"\napi_url = "x"',
        ("channels.a.api_url: an address starts with https:// (or http:// for the sandbox)"),
    ),
    (
        '[channels.a]\nkind = "telegram"\nlanguage = "fr_FR"',
        ("channels.a.language: is not what it has to look like; allowed: such as 'fr-FR' or 'en'"),
    ),
    (
        '[channels.a]\nkind = "telegram"\ntimeout = "0s"',
        ("channels.a.timeout: is no time to wait; allowed: more than 0 and up to 366d, such as 10s"),
    ),
    (
        '[channels.a]\nkind = "facebook"\npage_id = "my page"',
        ("channels.a.page_id: is not what it has to look like; allowed: such as '1234567890'"),
    ),
]
"""Lines, and one thing that is wrong with them: what is told of the file's every fault, in French too."""


@in_one_test
@pytest.mark.parametrize(("text", "problem"), FAULTY)
def test_each_error_says_what_is_wrong_and_what_is_allowed(problems, text, problem):
    assert problem in problems(text)


def test_a_boundary_file_is_read_with_the_rest(load, problems, tmp_path):
    boundary = STATION + 'boundary = "areas.geojson"\n' + TELEGRAM
    assert problems(boundary) == ["station.boundary: areas.geojson can't be read: No such file or directory"]

    (tmp_path / "areas.geojson").write_text("{}")
    assert problems(boundary) == [
        "station.boundary: areas.geojson holds no features; allowed: a GeoJSON FeatureCollection of districts"
    ]
    ring = [[5, 45], [6, 45], [6, 46], [5, 45]]
    feature = {"properties": {"code": "D1", "name": "Centre"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (tmp_path / "areas.geojson").write_text(json.dumps({"features": [feature]}))
    assert [district.name for district in load(boundary).districts] == ["Centre"]

    streets = boundary.replace('areas.geojson"', 'areas.geojson"\nstreets = "rues.csv"')
    assert problems(streets) == ["station.streets: rues.csv can't be read: No such file or directory"]
    (tmp_path / "rues.csv").write_text("street,district\nRue Haute,Centr\n", encoding="utf-8")
    assert problems(streets) == [
        "station.streets: rues.csv, line 2: 'Centr' is no district; did you mean 'Centre'?",
    ]
    (tmp_path / "rues.csv").write_text("street,district\nRue Haute,Centre\n", encoding="utf-8")
    assert load(streets).districts_of == {"Rue Haute": ("D1",)}
    assert load(boundary).districts_of == {}


def test_our_own_warnings_don_t_go_before_the_public(load, problems):
    notify = '[notify]\nchannels = ["telegram"]\n'

    assert problems(STATION + notify + TELEGRAM) == [
        "notify.channels: 'telegram' is read by the public; allowed: a channel with public = false"
    ]
    assert load(STATION + notify + TELEGRAM + "public = false\n").notify.channels == ("telegram",)


@pytest.mark.parametrize(
    "told",
    [
        f'token = "{SECRET}"',
        f'token = ["{SECRET}"]',
        f'token = {{ env = "{SECRET}" }}',
        f'token = {{ evn = "{SECRET}" }}',
        f'token = {{ env = "A", file = "{SECRET}" }}',
        f'token = {{ value = "{SECRET}" }}',
        f'token = {{ env = ["{SECRET}"] }}',
        f'token.env.x = "{SECRET}"',
    ],
)
def test_a_secret_that_stands_in_the_file_is_never_echoed(load, problems, told):
    text = STATION + '[channels.a]\nkind = "telegram"\nchat = "@saintmartin"\n' + told + "\n"
    [problem] = problems(text)
    with pytest.raises(ConfigurationError) as error:
        load(text)

    assert problem.startswith("channels.a.token")
    assert SECRET not in problem
    assert SECRET not in repr(error.value)
    cause = error.value.__cause__ or error.value.__context__
    assert SECRET not in f"{cause}{cause!r}"


def test_a_plain_secret_is_told_how_it_should_stand(problems):
    text = STATION + f'[channels.a]\nkind = "telegram"\nchat = "@saintmartin"\ntoken = "{SECRET}"\n'

    assert problems(text) == [
        'channels.a.token: a secret never stands here itself; allowed: { env = "NAME" } or { file = "name" }'
    ]


def test_a_misspelled_key_of_a_secret_is_told_with_the_nearest(problems):
    text = STATION + '[channels.a]\nkind = "telegram"\nchat = "@saintmartin"\ntoken = { evn = "A" }\n'

    assert problems(text) == ["channels.a.token.evn: unknown key; did you mean 'env'?"]


@in_one_test
@pytest.mark.parametrize(
    ("section", "record"),
    [
        (StationSettings, Town), (StoreSettings, StoreSection), (WebSettings, WebSection),
        (NotifySettings, NotifySection), (DeskSettings, DeskSection), (SourceSettings, SourceRules),
        (ChannelSettings, ChannelConfig),
    ],
)  # fmt: skip
def test_each_key_that_is_checked_is_in_the_town_under_its_name_with_its_default(section, record):
    known = {each.name: each.default for each in fields(record)}
    # How to reach a platform is its channel's affair, read from its own settings; a password belongs to the server.
    reaching = ("api_url", "timeout", "password", "insecure")
    keys = {name: each for name, each in section.model_fields.items() if name not in reaching}

    assert not keys.keys() - known.keys()
    assert {name: each.default for name, each in keys.items() if not each.is_required()} == {
        name: known[name] for name, each in keys.items() if not each.is_required()
    }


def test_no_secret_is_read_and_none_is_shown(load, monkeypatch):
    monkeypatch.setenv("TOKEN", SECRET)
    config = load(STATION + TELEGRAM)

    assert SECRET not in repr(config)
    assert SECRET not in repr(config.channels["telegram"].settings.token.read(config.folder))


@in_one_test
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[station", "channels.toml: is not TOML: "),
        (b'[station]\nname = "a"\nname = "b"', "channels.toml: is not TOML: Cannot overwrite a value"),
        (b"\xff\xfe[", "is not UTF-8 text; save it as UTF-8"),
        (b"a = " + b"[" * 100_000, "channels.toml: is not TOML: "),
    ],
)
def test_a_file_that_is_no_toml(tmp_path, content, problem):
    (tmp_path / "channels.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as told:
        load_config(tmp_path / "channels.toml")

    [line] = told.value.problems
    assert problem in str(line)


def test_a_file_saved_by_windows_is_no_trouble(tmp_path):
    (tmp_path / "channels.toml").write_bytes(b"\xef\xbb\xbf" + (STATION + TELEGRAM).replace("\n", "\r\n").encode())

    assert load_config(tmp_path / "channels.toml").name == "Saint-Martin"


def test_a_file_that_is_not_there_says_how_to_name_it(tmp_path):
    with pytest.raises(
        ConfigurationError, match="no such file; name it with --config FILE or TOCSIN_CONFIG, or start in"
    ):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match="can't be read: Is a directory"):
        load_config(tmp_path)


def test_a_calendar_speaks_when_it_is_told_to(load):
    config = load(STATION + TELEGRAM + '[sources.travaux]\nkind = "ical"\nurl = "t.ics"\nannounce = ["-2h", "end"]\n')
    travaux = config.sources["travaux"].settings

    assert isinstance(travaux, IcalSettings)
    assert travaux.announce == ("-2h", "end")


class TestEntryPoints:
    """Kinds of other packages."""

    @pytest.fixture
    def install(self, tmp_path, monkeypatch):
        def install(group: str, name: str, target: str) -> None:
            folder = tmp_path / "site" / "other-1.dist-info"
            folder.mkdir(parents=True)
            (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
            (folder / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
            monkeypatch.syspath_prepend(str(tmp_path / "site"))

        return install

    def test_are_found_and_listed(self, install, problems):
        install("tocsin.sources", "other_feed", "alerts.sources:KINDS")

        assert problems('[sources.a]\nkind = "other_fed"')[-2].endswith("did you mean 'other_feed'?")

    @pytest.mark.parametrize(
        ("target", "problem"),
        [
            ("no_such_module:KIND", "can't be loaded: No module named 'no_such_module'; install it anew"),
            ("alerts.sources:NOTHING", "can't be loaded: module 'alerts.sources' has no attribute 'NOTHING'"),
            ("alerts.sources:KINDS", "is no kind; ask the package's maker"),
        ],
    )
    def test_that_are_broken_are_told_like_any_error(self, install, problems, target, problem):
        install("tocsin.channels", "other_place", target)

        assert any(problem in line for line in problems('[channels.a]\nkind = "other_place"'))
        with pytest.raises(Unreadable):
            channel_kind("other_place")


def test_what_ships_needs_no_entry_point():
    assert channel_kind("telegram")
    assert source_kind("ical")
    assert channel_kind("ical") is None
    assert source_kind("telegram") is None


class TestWebhooksOfABot:
    """Telegram calls https, from outside, on four ports; a server of one's own calls what it likes."""

    BOT = TELEGRAM + 'subscriptions = true\nupdates = "webhook"\n'

    def written(self, public_url: str, more: str = "") -> str:
        return f'{STATION}public_url = "{public_url}"\n{self.BOT}{more}'

    @pytest.mark.parametrize(
        ("public_url", "told"),
        [
            ("http://alertes.saint-martin.example", "which isn't https; allowed: a [station] public_url with https://"),
            ("https://127.0.0.1", "can't reach 'https://127.0.0.1' from the internet"),
            ("https://[::1]:8443", "from the internet"),
            ("https://192.168.1.10", "from the internet"),
            ("https://localhost:8443/a", "from the internet"),
            ("https://mairie", "from the internet"),
            ("https://alertes.saint-martin.example:99999", "is no address; allowed: such as https://"),
            ("https://alertes.saint-martin.example:8080", "on port 8080; allowed: 443, 80, 88, 8443"),
        ],
    )
    def test_that_telegram_never_calls_are_refused_with_what_is_allowed(self, problems, public_url, told):
        [line] = problems(self.written(public_url))
        assert line.startswith("channels.telegram.updates: ")
        assert told in line
        assert line.endswith('; allowed anyhow: "poll"')

    @pytest.mark.parametrize("port", ["", ":443", ":80", ":88", ":8443", ":8443/tocsin"])
    def test_that_telegram_calls_are_taken(self, load, port):
        assert load(self.written(f"https://alertes.saint-martin.example{port}"))

    def test_are_a_server_of_one_s_own_s_to_call_wherever_they_are(self, load):
        assert load(self.written("http://127.0.0.1:8080", 'api_url = "http://127.0.0.1:8081"\n'))

    def test_are_a_matter_of_a_bot_that_hears_too(self, problems):
        hearing = self.written("http://alertes.saint-martin.example").replace("subscriptions", "hears")
        [line] = problems(hearing)
        assert line.startswith("channels.telegram.updates: ")

    def test_are_no_matter_to_a_bot_that_asks(self, load):
        assert load(self.written("http://127.0.0.1:8080").replace('"webhook"', '"poll"'))


@pytest.mark.parametrize(
    ("first", "second"), [("hears", "subscriptions"), ("subscriptions", "hears"), ("hears", "hears")]
)
def test_one_bot_listens_for_one_channel(problems, first, second):
    other = TELEGRAM.replace("[channels.telegram]", "[channels.equipe]")
    [line] = problems(f"{STATION}\n{TELEGRAM}{first} = true\n{other}{second} = true\n")
    assert line == f"channels.equipe.{second}: 'telegram' has the same bot; allowed: one channel a bot"


def test_a_logo_is_a_small_file_beside_the_configuration(tmp_path):
    def wrong(size, content=b"<svg xmlns='http://www.w3.org/2000/svg'>", ending="svg"):
        if size is not None:
            (tmp_path / f"blason.{ending}").write_bytes(content.ljust(size))
        (tmp_path / "channels.toml").write_text(
            '[station]\nname = "S"\nsender = "s"\n'
            f'logo = "blason.{ending}"\n[channels.a]\nkind = "webhook"\n'
            'url = "https://example.org"\nsecret = { env = "S" }\n',
            encoding="utf-8",
        )
        try:
            load_config(tmp_path / "channels.toml")
        except ConfigurationError as error:
            return [each["what"] for each in error.problems if each["key"] == "station.logo"]
        return []

    assert [str(each) for each in wrong(None)] == [
        "'blason.svg' can't be read; a logo is an SVG or PNG file beside channels.toml"
    ]
    assert [str(each) for each in wrong(200_001)] == ["'blason.svg' has 201 kB; allowed: up to 200 kB"]
    assert not wrong(1000)
    assert not wrong(1000, b"\x89PNG\r\n\x1a\n", "png")
    for content, ending in ((b"hello", "svg"), (b"<html>", "svg"), (b"<svg>", "png"), (b"\xff\xd8\xff", "png")):
        [told] = wrong(1000, content, ending)
        assert told.code == "logo_no_picture"
