"""A credential goes unencrypted to this machine alone, or where the section says so: of every kind, by its type."""

from __future__ import annotations

import json
from typing import Literal, get_args

import pytest

from alerts.channels import ChannelKind
from alerts.channels.settings import ChannelSettings, SecretSource
from alerts.config import kinds, load_config
from alerts.config.kinds import channel_kind, channel_kinds, source_kind, source_kinds
from alerts.config.sections import NotifySettings, ReportForwardSettings
from alerts.health.checkup import check_at_rest
from alerts.model.errors import ConfigurationError
from alerts.model.post import TextFormat
from alerts.sources import SourceKind
from alerts.sources.settings import AskedSettings, FeedSettings
from tests.walls import in_one_test

STATION = (
    '[station]\nname = "Saint-Martin"\nsender = "alertes@saint-martin.example"\npublic_url = "https://a.example"\n'
)
CHANNEL = '[channels.ours]\nkind = "telegram"\nchat = "@saintmartin"\ntoken = { env = "T" }\n'


class PagerSettings(ChannelSettings):
    """A channel of an installed package, which knows nothing of the rule."""

    kind: Literal["pager"]
    api_url: str = "https://pager.example"
    pin: SecretSource


class GaugeSettings(AskedSettings):
    """A source of an installed package, whose address has a name of its own."""

    kind: Literal["gauge"]
    gauge: str = "https://gauge.example"
    account: dict[str, SecretSource]


PAGER = ChannelKind(PagerSettings, TextFormat(limit=100), "nowhere:Pager")
GAUGE = SourceKind(GaugeSettings, "nowhere:Gauge")
SECTIONS = {
    **{f"channels.{kind}": (kind, channel_kind(kind).settings) for kind in channel_kinds()},
    **{f"sources.{kind}": (kind, source_kind(kind).settings) for kind in source_kinds()},
    "channels.pager": ("pager", PagerSettings),
    "sources.gauge": ("gauge", GaugeSettings),
    "listening.feeds.paper": ("rss", FeedSettings),
    "reports.forward.county": (None, ReportForwardSettings),
    "notify": (None, NotifySettings),
}
GIVEN = {
    "user": "town",
    "account": {"own": {"env": "T"}},
    "kinds": {"lighting": "L"},
    "provider": "smsmode",
    "numbers": {"env": "T"},
}
"""Values of keys that need others than a secret or an example."""


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setitem(kinds.CHANNEL_KINDS, "pager", PAGER)
    monkeypatch.setitem(kinds.SOURCE_KINDS, "gauge", GAUGE)


def is_secret(field):
    return SecretSource in (field.annotation, *get_args(field.annotation))


def told(kind, model):
    """What such a section has to say, with a credential where it has a key for one."""
    values = {"kind": kind} if kind else {}
    for name, field in model.model_fields.items():
        if name not in GIVEN and is_secret(field) and (field.is_required() or name in ("password", "key", "token")):
            values[name] = {"env": "T"}
        elif name in GIVEN and name not in values:
            values[name] = GIVEN[name]
        elif field.is_required() and name not in values:
            values[name] = field.examples[0]
    if "subscriptions" in model.model_fields and "to" in model.model_fields:
        values["to"] = "a@lists.example"
    return values


def ways_out(model):
    """The keys by which such a section names a server."""
    found = []
    for name, field in model.model_fields.items():
        samples = [field.default, *(field.examples or ())]
        is_address = any(isinstance(each, str) and each.startswith("http") for each in samples)
        if is_address or name in ("api_url", "heartbeat"):
            found.append(name)
    return ["tls"] if "tls" in model.model_fields else found


def leading(model, key, values, host):
    """The same section, unencrypted to that host."""
    if key == "tls":
        return values | {"tls": "none", "host": host}
    # A kind without a key for a credential may have it in its address.
    has_secret = "env" in json.dumps(values)
    return values | {key: f"http://{host}/a" if has_secret else f"http://town:pw@{host}/a"}


def written(section, values):
    def spelled(value):
        if isinstance(value, dict):
            return "{ " + ", ".join(f'"{name}" = {spelled(each)}' for name, each in value.items()) + " }"
        return json.dumps(value, ensure_ascii=False)

    own = [f"{name} = {spelled(value)}" for name, value in values.items()]
    more = "[reports]\n" if section.startswith("reports.") else ""
    return "\n".join([STATION, CHANNEL, more, f"[{section}]", *own, ""])


@in_one_test
@pytest.mark.parametrize("section", SECTIONS)
def test_a_credential_goes_unencrypted_to_this_machine_alone_or_where_the_town_says_so(section, tmp_path, monkeypatch):
    monkeypatch.setenv("T", "secret")
    kind, model = SECTIONS[section]
    file, values = tmp_path / "channels.toml", told(kind, model)
    keys = ways_out(model)
    assert keys
    for key in keys:
        for host in ("elsewhere.example", "10.0.0.5", "127.0.0.1.example"):
            file.write_text(written(section, leading(model, key, values, host)))
            with pytest.raises(ConfigurationError) as caught:
                load_config(file)
            [problem] = caught.value.problems
            assert (problem["file"], problem["key"]) == ("channels.toml", f"{section}.{key}")
            assert f"{host} isn’t this machine" in str(caught.value)
            assert f"insecure = true in [{section}]" in str(caught.value)

            file.write_text(written(section, leading(model, key, values, host) | {"insecure": True}))
            notes = [each for each in check_at_rest(load_config(file)) if each.what == f"{section}.{key}"]
            assert [(each.good, each.note) for each in notes] == [(True, True)]
            assert host in str(notes[0])
        for host in ("127.0.0.1", "localhost"):
            file.write_text(written(section, leading(model, key, values, host)))
            load_config(file)


@pytest.mark.parametrize("query", ["token=a", "access_token=a", "apikey=a", "api_key=a&x=1", "sig=a", "sid=a"])
def test_a_key_in_an_address_is_a_credential(query, tmp_path):
    file = tmp_path / "channels.toml"
    feed = f'[sources.site]\nkind = "rss"\nurl = "http://site.example/feed?{query}"\n'
    file.write_text(STATION + CHANNEL + feed)
    with pytest.raises(ConfigurationError, match=r"sources\.site\.url"):
        load_config(file)
    file.write_text(STATION + CHANNEL + feed.replace(query, "id=3&type=rss"))
    load_config(file)


def test_what_has_no_credential_may_be_unencrypted(tmp_path):
    file = tmp_path / "channels.toml"
    file.write_text(
        STATION.replace("https", "http") + CHANNEL + '[sources.site]\nkind = "cap"\nurl = "http://site.example/index"\n'
    )
    load_config(file)
