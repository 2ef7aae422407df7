"""Blogs and the press are heard entry by entry, as broken as their feeds come, and never for what could hold us up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.apart.wire import Limits
from alerts.model.errors import SourceFailed
from alerts.model.ports import Surroundings
from alerts.model.town import ListeningFeed
from alerts.sources.feed import feed_in, read_feed
from alerts.sources.rss import FeedEar
from alerts.sources.settings import FeedSettings
from tests.fakes import FakeClock
from tests.unit.desk.conftest import a_town

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Le Dauphin</title>{}</channel></rss>"""
ITEM = """<item><title>{}</title><link>https://presse.example/{}</link><guid>{}</guid>
<pubDate>Wed, 25 Nov 2026 10:00:00 +0100</pubDate>
<description>&lt;p&gt;Des &lt;b&gt;travaux&lt;/b&gt;&lt;/p&gt;</description></item>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><entry>
<id>tag:1</id><title>Crue à Saint-Martin</title>
<link href="https://blog.example/1"/><published>2026-11-25T09:00:00Z</published><updated>2026-11-25T11:00:00Z</updated>
<summary>Le pont est fermé</summary></entry></feed>"""


class Paper:
    """A feed on this machine: what it says, how often it was asked, and an ear for it."""

    def __init__(self) -> None:
        self.says, self.asked = RSS.format(""), 0

    async def answer(self, _):
        self.asked += 1
        return web.Response(body=self.says.encode(), content_type="application/rss+xml")

    def ear(self, **more) -> FeedEar:
        words = {name: tuple(more.pop(name, ())) for name in ("words", "without")}
        settings = FeedSettings(kind="rss", url=self.url, **words)
        around = Surroundings(self.session, FakeClock(NOW), a_town())
        return FeedEar(ListeningFeed("presse", self.url, settings=settings, **words), around)


@pytest.fixture
async def paper():
    paper, app = Paper(), web.Application()
    app.router.add_get("/feed", paper.answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        paper.url, paper.session = str(server.make_url("/feed")), session
        yield paper


async def test_each_entry_is_a_remark_in_plain_words(paper):
    paper.says = RSS.format(ITEM.format("Eau coupée à Saint-Martin", 1, "g1"))
    reading = await paper.ear().hear([], {}, NOW)

    [remark] = reading.remarks
    assert (remark.remote_id, remark.text) == ("g1", "Eau coupée à Saint-Martin\nDes travaux")
    assert (remark.url, remark.at) == ("https://presse.example/1", NOW - timedelta(hours=3))


async def test_an_entry_of_atom_that_was_changed_says_when(paper):
    paper.says = ATOM
    [remark] = (await paper.ear().hear([], {}, NOW)).remarks

    assert (remark.remote_id, remark.edited_at) == ("tag:1", NOW - timedelta(hours=1))


async def test_those_count_that_name_the_town_and_not_its_namesake(paper):
    titles = ["Saint-Martin inondée", "SAINT MARTIN, Guadeloupe", "Saint-Martin (Guadeloupe)", "Grenoble"]
    paper.says = RSS.format("".join(ITEM.format(title, n, n) for n, title in enumerate(titles)))
    reading = await paper.ear(words=["saint-martin"], without=["guadeloupe"]).hear([], {}, NOW)

    assert [each.text.splitlines()[0] for each in reading.remarks] == titles[:1]


async def test_what_says_the_same_as_before_tells_nothing(paper):
    paper.says = RSS.format(ITEM.format("Eau", 1, "g1"))
    ear = paper.ear()
    first = await ear.hear([], {}, NOW)

    assert (await ear.hear([], first.memory, NOW)).remarks == ()


async def test_the_past_of_a_feed_is_not_heard(paper):
    paper.says = RSS.format(ITEM.format("Eau", 1, "g1"))
    reading = await paper.ear().hear([], {}, NOW + timedelta(days=8))

    assert reading.remarks == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("<html><body>404</body></html>", "it is an HTML page"),
        ("<news><item/></news>", "it isn't an RSS or Atom feed"),
        (RSS.format("x" * (2 * 1_048_576)), "larger than 2 MB"),
    ],
    ids=["a page", "other XML", "too long"],
)
async def test_what_is_no_feed_or_too_long_is_refused(paper, said, why):
    paper.says = said
    with pytest.raises(SourceFailed, match=why):
        await paper.ear().hear([], {}, NOW)


async def test_a_broken_feed_tells_what_can_be_read(paper):
    paper.says = RSS.format(ITEM.format("Eau & gaz", 1, "g1")).replace("</channel></rss>", "")
    [remark] = (await paper.ear().hear([], {}, NOW)).remarks

    assert remark.text.splitlines()[0] == "Eau & gaz"


async def test_what_takes_a_feeds_reader_for_ever_fails_as_that_feed_alone(paper, monkeypatch):
    """Blank lines over which feedparser's patterns go from each of them: half an hour, for two megabytes."""
    monkeypatch.setattr(read_feed, "limits", Limits(0.5, 512))
    paper.says = "<?xml version='1.0'?>" + "\n" * 300_000 + "<rss version='2.0'><channel/></rss>"

    with pytest.raises(SourceFailed, match=r"takes more than the 0\.5 s of computing"):
        await paper.ear().hear([], {}, NOW)


ODD = (
    "&#xD800;",
    "&#xdfff;",
    "&#55296;",
    "&#0;",
    "&#x1F;",
    "&#xFFFF;",
    "&#x110000;",
    f"&#{'9' * 30};",
    "\x00",
    "\ufffe",
)


@pytest.mark.parametrize("odd", [*(each.encode() for each in ODD), b"\xed\xa0\x80", b"\xff"])
def test_what_is_no_character_costs_no_other_entry(odd):
    spoilt = ITEM.format("Crue ~", "~", "~").encode().replace(b"~", odd)
    feed = feed_in(RSS.format("@").encode().replace(b"@", spoilt + ITEM.format("Pont", "2", "2").encode()), None)
    titles = [each.title for each in feed.entries]
    assert titles[-1] == "Pont"
    assert all(each.key.encode() and each.url.encode() for each in feed.entries if each.url)
    assert "".join(titles).encode().startswith(b"Crue")
