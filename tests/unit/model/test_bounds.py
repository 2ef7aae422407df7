from __future__ import annotations

import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alerts
from alerts.model.bounds import network_of, same, seal_of, unpack
from alerts.model.errors import FailedForGood, SourceFailed


@given(st.binary(max_size=2000))
def test_what_was_packed_comes_back(body: bytes) -> None:
    assert unpack(gzip.compress(body), 10_000) == body
    assert unpack(zlib.compress(body), 10_000) == body


def test_a_file_of_several_members_is_read_to_its_end() -> None:
    assert unpack(gzip.compress(b"a" * 100) + gzip.compress(b"b" * 100) + b"\0\0", 1000) == b"a" * 100 + b"b" * 100


@pytest.mark.parametrize("size", [999, 1000])
def test_the_limit_holds_after_unpacking(size: int) -> None:
    assert len(unpack(gzip.compress(b" " * size), 1000)) == size
    with pytest.raises(FailedForGood, match="larger than"):
        unpack(gzip.compress(b" " * 1001), 1000)


def test_the_limit_holds_before_unpacking() -> None:
    with pytest.raises(FailedForGood, match="larger than"):
        unpack(gzip.compress(b"") + b"\0" * 1000, 1000)


def test_a_bomb_is_never_held_unpacked() -> None:
    bomb = gzip.compress(b" " * 60_000_000)
    tracemalloc.start()
    with pytest.raises(FailedForGood):
        unpack(bomb, 500_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


def test_many_members_are_one_body_with_one_limit() -> None:
    with pytest.raises(FailedForGood, match="larger than"):
        unpack(gzip.compress(b" " * 600) * 2, 1000)


@pytest.mark.parametrize("packed", [gzip.compress(b"a" * 5000)[:-9], gzip.compress(b"x")[:5]], ids=["body", "head"])
def test_what_is_cut_short_is_told(packed: bytes) -> None:
    with pytest.raises(SourceFailed, match="the answer was cut short"):
        unpack(packed, 10_000)


def test_what_is_no_gzip_is_told() -> None:
    with pytest.raises(SourceFailed, match="says that it is gzip and isn't"):
        unpack(b"<alert/>", 1000)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("", "?"),
        ("unix:", "?"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("said", ["secret\udcff", "\ud800", "sécret", "", "secret ", "SECRET"])
def test_what_no_secret_can_be_is_none_and_no_error(said: str) -> None:
    assert not same(said, "secret")
    assert same(said, said)
    assert len({seal_of("k", each) for each in (said, f"{said}\udcff", f"{said}?")}) == 3


def test_secrets_are_compared_in_one_place() -> None:
    files = Path(alerts.__file__).parent.rglob("*.py")
    assert [file.name for file in files if "compare_digest" in file.read_text()] == ["bounds.py"]
