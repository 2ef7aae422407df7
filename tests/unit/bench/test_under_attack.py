"""Every row of the bench under attack has somebody who attacks."""

from __future__ import annotations

import pytest

from alerts.channels import KINDS as CHANNELS
from alerts.channels.answer import LARGEST_LIST
from alerts.config import read_config
from alerts.model.bounds import READ_HERE
from alerts.model.errors import Unreadable
from alerts.sources import KINDS as FEEDS
from alerts.sources.feed import MOST_BYTES
from alerts.sources.fetch import MAX_BYTES
from alerts.sources.mail import MAIL_BYTES, read_mail
from bench.attackers import ATTACKS as KNOWN
from bench.attackers import HOSTILE
from bench.strangers import COUNTRY, air, answers, flood, hostile_map, mails, replies, site, transit, works
from bench.under_attack import ATTACKS, PLATFORMS, SOURCES, TOWN, platforms
from tests.contract.channels.conftest import SECRETS
from tests.process.town import STATION
from tests.walls import in_one_test

OTHERS = (
    *HOSTILE, "calendar", "gzip", "webhook", "rss", "vigilance", "editions", "broker", "endless", "zones", "replies",
    "mailbox",
    "transit", "roads", "answers",
)  # fmt: skip


@in_one_test
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.what)
def test_each_row_is_attacked(attack):
    assert attack.name in (*KNOWN, "export") or attack.mode in OTHERS


def test_hostile_messages_are_as_hostile_as_the_page_says():
    assert len(HOSTILE["marks"]()) > 400_000
    assert HOSTILE["polygon"]().count(b",") == 300_001


def test_a_hostile_site_and_map_are_as_hostile_as_the_page_says():
    many, attributes, marks, nested = (site(number) for number in range(4))
    deep, digits, wide, torn, other = (hostile_map(number) for number in range(5))

    assert many.count(b"<item") == 9_000
    assert attributes.count(b"=") > 150_000
    assert marks.count(b"\xcc\x81") == 320_000
    assert nested.count(b"&lt;div&gt;") == 80_000
    assert deep.count(b"[") == digits.count(b"9") == 4_000_000
    assert wide.count(b"domain_id") > 70_000
    assert (torn.count(b"color_id"), other.count(b'"color_id": 2')) == (1990 + 10, 9)
    assert max(map(len, (many, attributes, marks, nested))) < MOST_BYTES
    assert max(map(len, (deep, digits, wide, torn))) < MAX_BYTES


def test_hostile_editions_are_as_hostile_as_the_page_says():
    brackets, digits, wide, marks, _ = (flood(number) for number in range(5))
    assert brackets.count(b"[") == digits.count(b"9") == 4_000_000
    assert wide.count(b"CdEntCru") == 30_001
    assert (marks.count(b"<item"), marks.count("\u0301".encode())) == (800, 320_000)
    assert len(marks) < MOST_BYTES
    assert (flood(4) == flood(9), air(4) == air(9)) == (False, False), "ever other"

    brackets, digits, zones, marks, _ = (air(number) for number in range(5))
    assert brackets.count(b"[") == digits.count(b"9") == 4_000_000
    assert zones.count(b"lib_zone") == 20_000
    assert marks.count(b"\\u0301") > 400_000
    assert max(map(len, (wide, zones, marks))) < MAX_BYTES


def test_hostile_transport_and_roads_are_as_hostile_as_the_page_says():
    spans, entities, marks, many, other = (transit(number) for number in range(5))

    assert spans.count(b"\x0a\x00") == entities.count(b"\x12\x00") == 4_000_000
    assert marks.count("\u0301".encode()) == 1_200_000
    assert (many.count(b" a"), other.count(b"Ligne")) == (50_001, 100)
    assert other != transit(9), "ever other"
    assert max(map(len, (spans, entities, marks, many, other))) < MAX_BYTES
    assert len(works(0)) > 0.99 * COUNTRY


def test_storms_of_replies_are_as_hostile_as_the_page_says():
    chain, long, circle, odd = (replies("/api/v1/statuses/7/context", number) for number in range(4))
    wide, deep, _, other = (replies("/xrpc/app.bsky.feed.getPostThread?uri=x", number) for number in range(4))
    room = replies("/_matrix/client/v3/rooms/x/messages?dir=b", 0)

    assert chain.count(b'"in_reply_to_id": "0-') == 4_089
    assert long.count(b"account") == 250
    assert circle.count(b'"in_reply_to_id": "2-') == 2_000
    assert odd.count(b'"language": {') == 2_000
    assert (wide.count(b"indexedAt"), deep.count(b'"replies": [{'), other.count(b'"replies": {')) == (3_000, 300, 3_000)
    assert room.count(b"event_id") == 100
    assert max(map(len, (chain, long, circle, odd, wide, deep, other, room))) < LARGEST_LIST


def test_a_hostile_mailbox_is_as_hostile_as_the_page_says():
    large, nested, markup, *many = mails(1)

    assert len(many) == 10_000
    assert len(large) > 50 * 1_048_576
    assert (nested.count(b"multipart"), markup.count(b"<table>")) == (9_000, 20_000)
    with pytest.raises(Unreadable):
        read_mail(nested[:MAIL_BYTES])
    assert all(read_mail(each[:MAIL_BYTES]).subject for each in (large, markup))


def test_every_kind_of_channel_and_of_source_is_attacked(tmp_path, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    config = platforms("http://127.0.0.1:1")
    town = read_config(tmp_path / "channels.toml", STATION + config)
    assert {each.kind for each in town.channels.values()} == set(PLATFORMS)
    kinds = {line.partition(" = ")[2].strip('"') for line in (TOWN + SOURCES).splitlines() if line.startswith("kind")}
    assert CHANNELS.keys() <= {*PLATFORMS, *kinds}
    assert FEEDS.keys() <= kinds


def test_hostile_answers_are_as_hostile_as_the_page_says():
    posts, page, bomb, slow, middling, deep, cut, _, error = answers()
    assert 7_000_000 < len(posts.body) < LARGEST_LIST
    assert len(page.body) > 7_000_000
    assert (len(bomb.body) < 5_000_000, len(middling.body) > READ_HERE) == (True, True)
    assert len(slow.body) * slow.pause > 10
    assert (deep.body.count(b"["), cut.more, len(error.headers["Retry-After"])) == (250_000, 9, 5_000)
