"""The town's first page: its banner, title and icon, who is concerned, the easy page, the poster, its own look."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from lxml import html as pages
from PIL import Image

from alerts.model.alert import Area, NamedValue, Severity
from alerts.model.hazard import Hazard
from alerts.model.town import SourceRules
from alerts.rendering.pictograms import SIDE, pictogram
from alerts.sources.gtfs_rt import GtfsSettings
from alerts.sources.settings import CapSettings
from alerts.web.public.snapshot import Freshness, Setting
from tests.browser.editions import whole_setting
from tests.unit.desk.conftest import NOW, TownDesk, a_town, an_alert, renderer_of
from tests.unit.web.public.conftest import Paper
from tests.walls import in_one_test


def tree(paper, path):
    return pages.document_fromstring(paper.text(path))


def words(paper, path):
    return " ".join(tree(paper, path).text_content().replace("\u00a0", " ").replace("\u202f", " ").split())


def looks(paper, path="/"):
    """The banner's class, the tab's title and the icon's name."""
    page = tree(paper, path)
    [banner], [icon] = (
        page.xpath("//section[starts-with(@class, 'now')]/@class"),
        page.xpath("//link[@rel='icon']/@href"),
    )
    return banner, page.findtext(".//title"), icon.split("/")[-1].split(".")[0]


def test_the_licence_of_what_is_read_is_named_where_its_publisher_asks_for_that(paper):
    network = GtfsSettings(kind="gtfs_rt", url="https://reseau.example/alerts", licence="ODbL")
    rules = {
        "crues": SourceRules(kind="vigicrues", title="Vigicrues"),
        "site": SourceRules(kind="rss"),
        "bus": SourceRules(kind="gtfs_rt", settings=network),
    }
    [rivers, site, buses] = Setting(a_town(sources=rules), renderer_of(a_town())).sources
    assert (rivers.licence, site.licence, buses.licence) == ("Licence Ouverte 2.0", None, "ODbL")

    feed = CapSettings(kind="cap", url="https://opendata.dwd.de/weather/alerts/x.zip")
    ours = feed.model_copy(update={"url": "https://feeds.example/atom"})
    caps = {name: SourceRules(kind="cap", settings=each) for name, each in (("dwd", feed), ("ours", ours))}
    read = Setting(a_town(sources=caps), renderer_of(a_town())).sources
    assert [each.licence for each in read] == ["Deutscher Wetterdienst", None]

    paper.freshness = Freshness("Vigicrues", NOW - timedelta(minutes=2), stale=False, licence=rivers.licence)
    paper.print()
    assert "Vigicrues (Licence Ouverte 2.0)" in words(paper, "/")


def test_calm_is_said_where_everything_was_read_in_time(town, paper):
    paper.print()
    assert looks(paper) == ("now calm", "Aucune alerte en cours – Ville de Saint-Martin", "icon_calm")
    assert looks(paper, "/en/")[1] == "No current alerts – Ville de Saint-Martin"

    paper.freshness = Freshness("Météo", NOW - timedelta(hours=3), stale=True)
    paper.print()
    assert looks(paper) == ("now doubt", "Pas à jour – Ville de Saint-Martin", "icon_doubt")
    assert "en cours, vérifié" not in words(paper, "/")
    [large] = tree(paper, "/").xpath("//section[@class='fresh doubtful']")
    assert "sans nouvelles depuis 3" in large.text_content()


@in_one_test
@pytest.mark.parametrize("severity", [each for each in Severity if each is not Severity.UNKNOWN])
def test_the_banner_is_the_worst_with_what_to_do_first(town, paper, severity):
    others = [town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}", severity=Severity.MINOR)) for n in range(2)]
    grave = town.hear(an_alert(event="Orages", headline="Orages violents", severity=severity))
    paper.print(*others, grave)
    [first] = tree(paper, "/").xpath("//section[starts-with(@class, 'now')]//div[@class='first']")

    if severity is not Severity.MINOR:
        look = severity.value.lower()
        said = (f"now {look}", "(3) Orages violents – Ville de Saint-Martin", f"icon_{look}")
        assert looks(paper) == said
        assert "Orages violents" in first.text_content()
    assert "À faire d’abord" in first.text_content()
    assert "et 2 autres plus bas" in words(paper, "/")
    assert first.xpath(".//*[name()='svg'][@aria-hidden='true']"), "a pictogram, and words"


@pytest.mark.parametrize("path", ["/", "/easy"])
def test_what_is_handed_on_is_the_worst_with_what_to_do(town, paper, path):
    others = [town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}", severity=Severity.MINOR)) for n in range(2)]
    grave = town.hear(
        an_alert(event="Orages", headline="Orages violents", severity=Severity.SEVERE, instruction="Restez chez vous.")
    )
    paper.print(*others, grave)
    [handed] = tree(paper, path).xpath("//div[@data-hand-on]")
    [own] = tree(paper, f"/alerts/{grave.stored.incident_id}").xpath("//div[@data-hand-on]")

    assert handed.get("data-title") == own.get("data-title")
    assert "(3)" not in handed.get("data-title")
    assert "Orages violents" in handed.get("data-title")
    assert "Restez chez vous." in handed.get("data-text")
    assert handed.get("data-text") == f"{own.get('data-text')}\net 2 autres alertes"
    assert handed.get("data-address").endswith(path)


def test_where_nothing_is_on_that_is_handed_on(town, paper):
    def handed(path):
        [place] = tree(paper, path).xpath("//div[@data-hand-on]")
        return place.get("data-title"), place.get("data-text").replace("\u00a0", " ")

    paper.print()
    calm = "Aucune alerte en cours – Ville de Saint-Martin", "Aucune alerte en cours le mercredi 25 novembre à 13 h 00."
    assert handed("/") == handed("/easy") == calm
    paper.freshness = Freshness("Météo", NOW - timedelta(hours=3), stale=True)
    paper.print()
    known = "Pas à jour – Ville de Saint-Martin", "Aucune alerte connue le mercredi 25 novembre à 13 h 00."
    assert handed("/") == handed("/easy") == known


def test_what_is_not_up_to_date_is_the_headline_where_nothing_is_known(town, paper):
    paper.freshness = Freshness("Météo", NOW - timedelta(hours=3), stale=True)
    paper.print()
    [headline] = tree(paper, "/").xpath("//h1[@id='now']")

    assert headline.text_content() == "Pas à jour"
    assert "Aucune alerte connue" in words(paper, "/")


def test_the_ways_to_be_told_stand_above_and_on_the_poster(tmp_path):
    setting = whole_setting(tmp_path)
    town = TownDesk(tmp_path / "other.db", setting.town)
    paper = Paper(town, setting)
    paper.print(filed := town.hear(an_alert()))

    for path in ("/", f"/alerts/{filed.stored.incident_id}"):
        assert tree(paper, path).xpath("//p[@class='report-link']/a[@href='/#push-title']"), path
    assert "les alertes arrivent sur votre téléphone ou par courriel" in words(paper, "/poster")
    town.db.close()


def test_a_district_reads_whether_it_is_concerned(town, make_paper):
    paper = make_paper()
    district = paper.site.setting.town.districts[0]
    here = town.hear(
        an_alert(headline="Rue fermée", areas=(Area(district.name, geocodes=(NamedValue("district", district.code),)),))
    )
    words_alone = town.hear(an_alert(event="Gel", headline="Verglas", areas=(Area("près du pont"),)))
    paper.print(here, words_alone)
    rows = tree(paper, "/").xpath("//section[@class='concerned']//dt")
    told = {row.text_content(): " ".join(row.getnext().text_content().split()) for row in rows}

    assert told[district.name].startswith("Oui")
    assert "Rue fermée" in told[district.name]
    assert all("Rue fermée" not in said for name, said in told.items() if name != district.name)


def test_streets_are_told_by_district_with_the_same_answer_and_no_field_could_send_one(town, make_paper):
    paper = make_paper(districts_of={"Rue Basse": ("D1",), "Rue Haute": ("D1", "D2"), "Allée <b>": ("D2",)})
    here = town.hear(
        an_alert(headline="Rue fermée", areas=(Area("Centre-Bourg", geocodes=(NamedValue("district", "D1"),)),))
    )
    paper.print(here)
    parts = tree(paper, "/streets").xpath("//section[@class='district-streets']")
    told = {part.findtext("h3"): [each.text_content() for each in part.xpath("ul/li")] for part in parts}

    assert told == {"Centre-Bourg": ["Rue Basse", "Rue Haute"], "Le Moulin d’Élise": ["Allée <b>", "Rue Haute"]}
    assert "Oui" in parts[0].findtext("p/strong") + parts[0].find("p").text_content()
    [link] = parts[0].xpath("p/a/@href")
    assert link == f"/alerts/{here.stored.incident_id}"
    assert "Non" in parts[1].find("p").text_content()
    assert tree(paper, "/en/streets").xpath(f"//a[@href='/en/alerts/{here.stored.incident_id}']")

    answer = paper.edition.entry("/streets.json").get()
    assert json.loads(answer.body) == {
        "streets": [["Rue Basse", ["D1"]], ["Rue Haute", ["D1", "D2"]], ["Allée <b>", ["D2"]]]
    }
    assert "max-age=3600" in answer.headers["Cache-Control"]
    [form] = tree(paper, "/").xpath("//form[@data-street]")
    assert not form.xpath(".//*[@name]"), "what has no name no form sends"
    assert not form.get("action")
    rows = {row.get("data-district"): row.get("data-sure") for row in tree(paper, "/").xpath("//dt[@data-district]")}
    assert (rows["D1"], rows["D2"]) == (here.stored.incident_id, "")


def test_while_a_source_is_late_no_district_is_said_to_be_safe(town, make_paper):
    paper = make_paper(districts_of={"Rue Haute": ("D1",)})
    paper.freshness = Freshness("Météo", NOW - timedelta(hours=3), stale=True)
    paper.print()

    [told] = tree(paper, "/streets").xpath("//section[@class='district-streets']/p")
    assert "Aucune connue" in told.text_content()
    assert "Non" not in told.text_content()


def test_a_town_without_a_list_of_streets_has_its_page_as_before(town, paper):
    paper.print(town.hear(an_alert()))

    assert not tree(paper, "/").xpath("//form[@data-street] | //a[contains(@href, 'streets')]")
    assert "streets.js" not in paper.text("/")
    assert not {"/streets", "/streets.json"} & set(paper.edition.paths)


def test_the_easy_page_is_short_sentences_one_a_line(town, paper):
    filed = town.hear(an_alert(severity=Severity.EXTREME, instruction="Rentrez chez vous. Fermez les volets."))
    paper.print(filed)
    lines = [each.text_content() for each in tree(paper, "/easy").xpath("//div[@class='easy']//li")]

    assert "Le danger est très grand. Agissez maintenant." in words(paper, "/easy")
    assert {"Rentrez chez vous.", "Fermez les volets."} <= set(lines)
    assert "What must I do?" in words(paper, "/en/easy")


def test_the_poster_leads_to_the_towns_page(town, make_paper):
    paper = make_paper(public_url="https://alertes.saint-martin.example", numbers=("Mairie: 04 76 00 00 00",))
    paper.print()

    assert tree(paper, "/poster").xpath("//*[name()='svg'][@class='qr']")
    assert "alertes.saint-martin.example" in words(paper, "/poster")
    assert tree(paper, "/poster").xpath("//a[@href='tel:0476000000']")
    assert "n’a pas encore d’adresse publique" in words_of_a_town_without_address(town, make_paper)


def words_of_a_town_without_address(town, make_paper):
    paper = make_paper(public_url=None)
    paper.print()
    return words(paper, "/poster")


def test_the_town_shows_its_own_picture_and_colour(town, make_paper, tmp_path):
    (tmp_path / "blason.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    paper = make_paper(logo="blason.svg", accent="#7a1f1f", file=tmp_path / "channels.toml")
    paper.print()

    logo = paper.edition.entry("/logo.svg").get()
    assert "sandbox" in logo.headers["Content-Security-Policy"], "an SVG is a document that may hold a script"
    assert paper.text("/accent.css") == ":root { --accent: #7a1f1f; }\n"
    assert tree(paper, "/").xpath("//img[@src='/logo.svg']")
    assert tree(paper, "/").xpath("//link[@href='/accent.css']")


def test_a_link_to_the_towns_page_has_a_picture(town, paper):
    def picture(edition):
        return Image.open(io.BytesIO(edition.entry("/card.png").get().body))

    calm, storm = paper.print(), paper.print(town.hear(an_alert(severity=Severity.EXTREME)))
    assert picture(calm).size == picture(storm).size == (1200, 630)
    assert picture(calm).convert("RGB").getpixel((5, 5)) != picture(storm).convert("RGB").getpixel((5, 5))
    [address] = tree(paper, "/").xpath("//meta[@property='og:image']/@content")
    assert address.endswith("/card.png")


def test_the_picture_of_the_towns_page_says_of_when_it_is_for_platforms_keep_it(town, paper):
    early = paper.print().entry("/card.png").get().body
    town.clock.set(NOW + timedelta(minutes=1))
    assert paper.print().entry("/card.png").get().body == early, "it isn't drawn anew each minute"
    town.clock.set(NOW + timedelta(hours=1))
    assert paper.print().entry("/card.png").get().body != early


def test_the_first_view_is_small(town, make_paper):
    """The page, its style and its scripts, as they come over the line, without the map: 60 kB at most."""
    paper = make_paper(districts_of={f"Rue {number}": ("D1",) for number in range(20_000)})
    paper.print(*(town.hear(an_alert(event=f"Vent {n}", headline=f"Vent {n}")) for n in range(5)))
    page = tree(paper, "/")
    parts = [
        "/",
        *page.xpath("//link[@rel='stylesheet']/@href"),
        *page.xpath("//script/@src"),
        *page.xpath("//link[@rel='icon']/@href"),
    ]
    sizes = {
        path: len(answer.form("br").body)
        for path in parts
        if "leaflet" not in path
        for answer in [paper.edition.entry(path).get()]
    }

    assert sum(sizes.values()) < 60_000, sizes


def test_every_file_beside_a_page_is_kept_for_ever_and_leaflets_are_in_one_folder(town, paper):
    paper.print(town.hear(an_alert()))
    beside = tree(paper, "/").xpath("//link[@rel='stylesheet']/@href | //script/@src")

    for path in beside:
        assert "max-age=31536000" in paper.edition.entry(path).get().headers["Cache-Control"], path
    assert len({path.rpartition("/")[0] for path in beside if "leaflet" in path}) == 1


@in_one_test
@pytest.mark.parametrize("hazard", Hazard)
def test_each_hazard_has_a_pictogram_that_stays_in_its_square(hazard):
    drawn = pictogram(hazard)
    points = [point for line in (*drawn.strokes, *drawn.filled) for point in line]

    assert all(0 <= x <= SIDE and 0 <= y <= SIDE for x, y in points)
    assert hazard is Hazard.GENERAL or drawn is not pictogram(Hazard.GENERAL)
