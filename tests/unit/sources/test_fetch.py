from __future__ import annotations

from datetime import UTC, datetime

import pytest
from yarl import URL

from alerts.model.errors import FailedForGood
from alerts.sources.fetch import addresses_of, is_private, read_url, show
from tests.walls import in_one_test

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


# --- addresses ------------------------------------------------------------------------------------------------------


@in_one_test
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1.1.1.1", "64:ff9b:1::a00:1",
        "2002:7f00:1::1", "2002:a00:1::", "2002:c0a8:101::5", "2001:0:c000:204::1", "fec0::1", "fec0:0:0:ffff::1",
        "2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:10.0.0.1", "2001:db8::1", "3fff::1", "5f00::1", "192.88.99.1",
        "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1",
        "::ffff:192.0.0.8", "64:ff9b::c000:8",
    ],
)  # fmt: skip
def test_what_is_no_public_host(address: str) -> None:
    assert is_private(address)


_CARRIED = ["64:ff9b::1.1.1.1", "2002:101:101::1", "2a00:1450::5efe:1.1.1.1"]


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "193.0.6.139", "2001:67c:2e8::1", "2a00::1", "::ffff:1.1.1.1", *_CARRIED]
)
def test_what_is_a_public_host(address: str) -> None:
    assert not is_private(address)


@in_one_test
@pytest.mark.parametrize("text", ["ftp://a/", "file:///etc/passwd", "/x", "", "http://", "https:///x", "javascript:1"])
def test_only_http_and_https_are_asked(text: str) -> None:
    with pytest.raises(FailedForGood, match="is not http or https"):
        read_url(text)


@pytest.mark.parametrize("text", ["http://[x/", "http://a:99999/", "http://a:b/"])
def test_an_address_that_is_none_is_told_without_showing_it(text: str) -> None:
    with pytest.raises(FailedForGood, match=r"^an address can't be read; expected as https://host/path$"):
        read_url(text)


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert show("https://user:word@feeds.example/word/b.ics?key=word#word") == "https://feeds.example/…/b.ics"
    assert show("https://feeds.example/ical/town/private-word/basic.ics") == "https://feeds.example/…/basic.ics"
    assert show("https://feeds.example/word/") == "https://feeds.example/…/"
    assert show(URL("https://feeds.example:8443/a")) == "https://feeds.example:8443/a"
    assert show("https://feeds.example") == "https://feeds.example/"
    assert show("file:///srv/feeds/index.atom") == "file:///srv/feeds/index.atom"
    assert show("http://[word") == "the address"


@pytest.mark.parametrize(
    ("target", "configured"),
    [
        ("http://127.0.0.1:8080/b", "http://127.0.0.1:8080/a"),
        ("https://10.0.0.1/b", "http://10.0.0.1/a"),
    ],
)
async def test_the_configured_host_is_asked_wherever_it_is(target: str, configured: str) -> None:
    assert await addresses_of(URL(target), URL(configured)) is None


@pytest.mark.parametrize("configured", ["http://127.0.0.1:8080/a", "https://193.0.6.139/a", None])
async def test_a_public_host_is_asked_at_the_address_that_was_looked_at(configured: str | None) -> None:
    assert await addresses_of(URL("https://1.1.1.1/b"), URL(configured) if configured else None) == ["1.1.1.1"]


@in_one_test
@pytest.mark.parametrize(
    ("target", "configured"),
    [
        ("http://127.0.0.1:6379/", "http://127.0.0.1:8080/a"),
        ("http://10.0.0.1/", "https://10.0.0.1/a"),
        ("http://169.254.169.254/latest", "https://193.0.6.139/a"),
        ("http://2130706433/", "https://193.0.6.139/a"),
        ("http://[::1]/", "https://193.0.6.139/a"),
        ("http://localhost/", "http://127.0.0.1:8080/a"),
        ("http://127.0.0.1/", None),
        ("http://[64:ff9b::7f00:1]:6379/", "https://193.0.6.139/a"),
        ("http://[64:ff9b:1::a00:1]/", "https://193.0.6.139/a"),
        ("http://[2002:7f00:1::1]/", "https://193.0.6.139/a"),
        ("http://[::7f00:1]/", "https://193.0.6.139/a"),
        ("http://[fec0::1]/", "https://193.0.6.139/a"),
    ],
)
async def test_another_private_host_is_refused(target: str, configured: str | None) -> None:
    with pytest.raises(FailedForGood, match=r"leads to the private host .* allow_private = true$"):
        await addresses_of(URL(target), URL(configured) if configured else None)
