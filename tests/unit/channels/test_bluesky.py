"""Bluesky's keys and links, by the official cases of the AT protocol where they are installed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels.bluesky import facets, tid
from tests.samples import shared

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
SYNTAX = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


def found(text):
    return [{**each["index"], "to": each["features"][0]["uri"]} for each in facets(text)]


def test_links_are_where_the_official_detection_finds_them():
    cases = json.loads(shared("breadth/bluesky/facet-detection.json").read_text(encoding="utf-8"))
    # Nobody is named by us: who is named in a text is found by asking the network.
    expected = {each["text"]: [f for f in each["facets"] if not f["to"].startswith("did:")] for each in cases}
    assert {text: found(text) for text in expected} == expected


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Sans lien : M.Martin, rue Haute.", []),
        ("🌊 Voir mairie.fr/a.", [(10, 21, "https://mairie.fr/a")]),
        ("(https://mairie.fr/crue_(2026))", [(1, 30, "https://mairie.fr/crue_(2026)")]),
        ("«\u00a0https://mairie.fr\u00a0»", [(4, 21, "https://mairie.fr")]),
    ],
)
def test_a_link_is_marked_by_its_bytes(text, links):
    assert [(each["byteStart"], each["byteEnd"], each["to"]) for each in found(text)] == links


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_the_syntax_of_a_key_is_the_official_one(kind):
    lines = shared(f"breadth/bluesky/tid-{kind}.txt").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert len(told) >= 3
    assert {line for line in told if SYNTAX.fullmatch(line)} == (set(told) if kind == "valid" else set())


@pytest.mark.parametrize("at", [AT, datetime(1970, 1, 2, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)])
def test_every_key_is_one_and_the_same_each_time(at):
    keys = {tid(at, f"post-{number}") for number in range(500)}
    assert len(keys) == 500
    assert all(SYNTAX.fullmatch(key) for key in keys)
    assert keys == {tid(at + timedelta(milliseconds=900), f"post-{number}") for number in range(500)}


def test_keys_are_in_the_order_of_their_seconds():
    keys = [tid(AT + timedelta(seconds=number), "post") for number in range(100)]
    assert keys == sorted(keys)


def test_a_key_says_when_it_was():
    digits = "234567abcdefghijklmnopqrstuvwxyz"
    number = 0
    for digit in tid(AT, "post"):
        number = number * 32 + digits.index(digit)
    assert datetime.fromtimestamp((number >> 10) // 1_000_000, UTC) == AT
