"""A site's feed as a source: entries wait for an officer, are told once, and are changed by what the site changes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.config import read_config
from alerts.model.alert import Circle, MsgType, Severity, Urgency
from alerts.model.errors import ConfigurationError, SourceFailed
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.incident import AlertState
from alerts.model.ports import Heard, Memory, Surroundings
from alerts.model.town import SourceRules, Town
from alerts.rendering.text import clean_info
from alerts.sources import rss
from alerts.sources.rss import MOST_KNOWN, RssSource
from alerts.sources.settings import RssSettings
from tests.fakes import FakeClock
from tests.unit.desk.conftest import TownDesk, a_town

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EMPTY = Memory(state={"entries": {}})
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "breadth" / "rss" / "mairie-wordpress.SYNTHETIC.rss"


def item(title: str = "Eau coupée", guid: str | None = "g1", **more: str) -> str:
    told = {"link": "https://ville.example/eau", "pubDate": "Wed, 25 Nov 2026 09:00:00 +0100", "category": "Travaux"}
    told |= {"title": title, "description": "Rue Haute."} | ({"guid": guid} if guid else {})
    told |= more
    return "<item>" + "".join(f"<{name}>{said}</{name}>" for name, said in told.items() if said) + "</item>"


class Site:
    """A feed in a file, a source that reads it, and what it remembers of it, which is stored as the daemon does."""

    def __init__(self, folder: Path, *, memory: Memory = EMPTY, town: Town | None = None, **settings: object) -> None:
        self.file, self.clock, self.memory = folder / "feed.xml", FakeClock(NOW), memory
        told = RssSettings.model_validate({"kind": "rss", "url": str(self.file), **settings})
        self.source = RssSource("site", told, Surroundings(None, self.clock, town or a_town()))
        self.stored: set[str] = set()

    async def says(self, *items: str, after: timedelta = timedelta(minutes=1)) -> list[Heard]:
        namespaces = " ".join(
            f'xmlns:{prefix}="{url}"'
            for prefix, url in {
                "content": "http://purl.org/rss/1.0/modules/content/",
                "georss": "http://www.georss.org/georss",
            }.items()
        )
        feed = f'<rss version="2.0" {namespaces}><channel><title>Mairie</title>{"".join(items)}</channel></rss>'
        self.file.write_text(feed, encoding="utf-8")
        return await self.look(after)

    async def look(self, after: timedelta = timedelta(minutes=1)) -> list[Heard]:
        await self.clock.advance(after.total_seconds())
        reading = await self.source.read(self.memory, self.known, self.clock.now())
        self.memory = reading.memory
        self.stored |= {each.key for each in reading.heard}
        return list(reading.heard)

    async def known(self, keys):
        return self.stored & set(keys)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_an_entry_is_an_alert_in_the_town_s_words(site):
    [heard] = await site.says(item())
    info = heard.alert.infos[0]

    assert (info.headline, info.description, info.web) == ("Eau coupée", "Rue Haute.", "https://ville.example/eau")
    assert (info.event, info.language, info.sender_name) == ("Travaux", "fr-FR", "Mairie")
    assert (info.severity, info.urgency, info.expires) == (Severity.MINOR, Urgency.UNKNOWN, None)
    assert hazard_of(info) is Hazard.WORKS
    assert heard.alert.areas[0].geocodes == a_town().codes


async def test_what_a_feed_holds_when_it_is_read_first_is_known(tmp_path):
    site = Site(tmp_path, memory=Memory())

    assert await site.says(item()) == []
    [heard] = await site.says(item(), item("Gaz coupé", "g2"))
    assert heard.alert.infos[0].headline == "Gaz coupé"


async def test_a_changed_entry_is_an_update_of_what_was_told(site):
    [first] = await site.says(item())
    [second] = await site.says(item(description="Rue Basse."))
    [third] = await site.says(item())

    assert [each.alert.msg_type for each in (first, second, third)] == [MsgType.ALERT, MsgType.UPDATE, MsgType.UPDATE]
    assert [each.identifier for each in second.alert.references] == [first.alert.identifier]
    assert [each.identifier for each in third.alert.references] == [second.alert.identifier]
    assert third.alert.identifier != first.alert.identifier, "what says again what it once did is a version of its own"


@pytest.mark.parametrize(
    "again",
    [
        item(pubDate="Wed, 25 Nov 2026 11:30:00 +0100"),
        item(guid="https://new.example/?p=1"),
        item(link="https://ville.example/eau?utm_source=rss"),
    ],
    ids=["another date", "another name", "another way here"],
)
async def test_the_same_words_are_told_once(site, again):
    await site.says(item())

    assert await site.says(again) == []
    assert await site.says() == [], "and one that is gone is not over"
    assert await site.says(item()) == []


async def test_entries_without_a_date_or_a_name_are_told(site):
    heard = await site.says(item("A", None, link="", pubDate=""), item("B", None, link="", pubDate=""))

    assert [each.alert.infos[0].headline for each in heard] == ["A", "B"]
    assert await site.says(item("B", None, link="", pubDate="")) == []


async def test_several_entries_of_one_address_are_told_apart(site):
    water, road = (item(each, None, link="https://ville.example/travaux") for each in ("Eau coupée", "Rue barrée"))
    first = await site.says(water)
    second = await site.says(road, water)

    assert [each.alert.infos[0].headline for each in (*first, *second)] == ["Eau coupée", "Rue barrée"]
    assert second[0].alert.msg_type is MsgType.ALERT
    assert await site.says(road) == [], "which has the address alone by now"
    later = item("Rue rouverte", None, link="https://ville.example/travaux")
    [third] = await site.says(later)
    assert [each.identifier for each in third.alert.references] == [second[0].alert.identifier]


async def test_of_the_versions_of_an_atom_entry_the_newest_counts(site):
    def version(words: str, day: int) -> str:
        return f"<entry><id>urn:1</id><title>{words}</title><updated>2026-11-{day}T09:00:00Z</updated></entry>"

    both = version("Route barrée", 24) + version("Route rouverte", 25)
    site.file.write_text(f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Mairie</title>{both}</feed>')
    [heard] = await site.look()
    assert heard.alert.infos[0].headline == "Route rouverte"


async def test_old_entries_are_not_told_and_old_ones_that_were_are_updated(site):
    old = {"pubDate": "Tue, 17 Nov 2026 09:00:00 +0100"}
    assert await site.says(item(**old)) == []

    await site.says(item("Gaz", "g2", link="https://ville.example/gaz"))
    later = item("Gaz rétabli", "g2", link="https://ville.example/gaz")
    assert len(await site.says(later, after=timedelta(days=20))) == 1


async def test_the_categories_that_count(tmp_path):
    site = Site(tmp_path, only=["travaux", "ÉCOLE"])
    menu, other = item("Menu", "g2", category="École"), item("Fête", "g3", category="Loisirs")

    assert [each.alert.infos[0].headline for each in await site.says(item(), menu, other)] == ["Eau coupée", "Menu"]
    [late] = await site.says(item(), menu, item("Fête", "g3", category="Travaux"))
    assert late.alert.infos[0].headline == "Fête"
    assert await site.says(item("Fête", "g4", link="", category="")) == []


async def test_wordpress_markup_and_tracking_are_taken_away(site):
    story = "<![CDATA[<p>Fermée de 8&nbsp;h à 17&nbsp;h.</p><script>alert(1)</script><p>&#8211; Gabarit &lt; 3 m</p>]]>"
    tail = "<![CDATA[<p>Fermée […]</p><p>L’article <a href='/'>Rue</a> est apparu en premier sur Ville.</p>]]>"
    link = "https://ville.example/a?utm_source=rss&amp;p=4&amp;fbclid=x"
    [heard] = await site.says(item("Rue &amp;#8211; barrée", description=tail, link=link, **{"content:encoded": story}))
    [short] = await site.says(item("Rue", "g2", description=tail, link=""))

    info = clean_info(heard.alert.infos[0])
    assert info.headline == "Rue – barrée"
    assert info.description.replace("\u00a0", " ") == "Fermée de 8 h à 17 h.\n\n– Gabarit < 3 m"
    assert info.web == "https://ville.example/a?p=4"
    assert (short.alert.infos[0].description, short.alert.infos[0].web) == ("Fermée […]", None)


async def test_what_a_text_has_in_brackets_stays(tmp_path):
    site = Site(tmp_path)
    site.file.write_text(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>V</title><entry><id>1</id>'
        '<title type="text">Vent &lt; 90 km/h</title><summary>Appelez le &lt;18&gt;</summary></entry></feed>'
    )
    [heard] = await site.look()

    info = clean_info(heard.alert.infos[0])
    assert (info.headline, info.description, info.event) == ("Vent < 90 km/h", "Appelez le <18>", "Information")


async def test_a_point_is_where_it_is(site):
    [here] = await site.says(item(**{"georss:point": "45.19 5.71"}))
    [nowhere] = await site.says(item("Gaz", "g2", link="", **{"georss:point": "98 5.71"}))

    assert here.alert.areas[0].circles == (Circle((45.19, 5.71), 0.2),)
    assert nowhere.alert.areas[0].geocodes


async def test_what_a_kill_kept_from_being_remembered_is_not_told_twice(site):
    before = site.memory
    await site.says(item())
    site.memory = before

    assert await site.says(item()) == []
    [update] = await site.says(item("Eau rétablie"))
    assert update.alert.references[0].identifier in site.stored


async def test_what_it_remembers_is_bounded(site):
    for first in range(0, MOST_KNOWN + 200, 200):
        await site.says(*(item(f"T{n}", f"g{n}", link=f"https://v.example/{n}") for n in range(first, first + 200)))

    assert len(site.memory.state["entries"]) == MOST_KNOWN


async def test_what_is_no_feed_fails(site):
    site.file.write_text("<html><body>Maintenance</body></html>")

    with pytest.raises(SourceFailed, match="HTML page"):
        await site.look()


async def test_an_entry_waits_for_an_officer_and_its_change_takes_its_place(site, tmp_path):
    rules = SourceRules(publish="approve", kind="rss")
    town = TownDesk(tmp_path / "town.db", a_town(sources={"site": rules}))
    [heard] = await site.says(item())
    first = town.hear(heard.alert, "site")
    [heard] = await site.says(item("Eau rétablie à 18 h"))
    second = town.hear(heard.alert, "site")

    assert (first.stored.state, second.stored.state) == (AlertState.WAITING, AlertState.WAITING)
    assert second.stored.incident_id == first.stored.incident_id
    assert {post.alert_id for post in second.withdrawn} == {first.stored.id}


@pytest.mark.parametrize(("key", "value"), [("publish", "auto"), ("publish", "veto"), ("urgent", "auto")])
def test_nothing_of_a_feed_goes_out_by_itself(tmp_path, key, value):
    lines = (
        '[station]\nname = "V"\nsender = "a@v.example"\n[channels.t]\nkind = "telegram"\nchat = "@ville_v"\n'
        'token = { env = "T" }\n[sources.site]\nkind = "rss"\nurl = "https://v.example/feed"\n'
    )
    assert read_config(tmp_path / "channels.toml", lines).rules_for("site").publish == "approve"

    with pytest.raises(ConfigurationError, match=rf"sources.site.{key} ?: .*RSS feed "):
        read_config(tmp_path / "channels.toml", f'{lines}{key} = "{value}"\n')


@pytest.mark.skipif(not SHARED.exists(), reason="the shared samples are not on this machine")
async def test_the_sample_of_a_town_s_site(tmp_path):
    site = Site(tmp_path, only=["Travaux"])
    site.file.write_bytes(SHARED.read_bytes())
    [heard] = await site.look()

    info = clean_info(heard.alert.infos[0])
    assert info.headline == "Route barrée : rue des Tanneurs – du 30/11 au 4/12"
    assert info.description.replace("\u00a0", " ").startswith(
        "La rue des Tanneurs sera fermée à la circulation de 8 h à"
    )
    assert info.web == "https://www.saint-martin.example/actualites/route-barree-rue-des-tanneurs/"


async def test_fresh_entries_are_looked_up_among_those_that_are_known_and_not_searched_for(site):
    """200 of them beside 1,000 held up the loop: counted in steps, since a machine's time is its own."""
    for start in range(0, MOST_KNOWN + 200, 200):
        entries = [item(f"N° {number}", f"g{number}") for number in range(start, start + 200)]
        steps = 0

        def step(frame, *_):
            nonlocal steps
            steps += 1
            return step if frame.f_code.co_filename == rss.__file__ else None

        sys.settrace(step)
        try:
            assert len(await site.says(*entries)) == 200
        finally:
            sys.settrace(None)

    assert steps < 50_000, steps
