"""What a page says of itself and of its words: of when it is, in which language, and what was said before."""

from __future__ import annotations

from lxml import html as pages

from alerts.model.alert import Severity
from tests.unit.desk.conftest import an_alert, cancelling, following


def tree(paper, path):
    return pages.document_fromstring(paper.text(path))


def words(paper, path):
    return " ".join(tree(paper, path).text_content().split())


def plain(paper, path):
    return words(paper, path).replace("\u00a0", " ").replace("\u202f", " ")


def test_the_headline_says_of_when_it_is(town, paper):
    """A page of yesterday that nobody renews, read without scripts, is not to pass for one of today."""
    paper.print()
    for path in ("/embed", "/embed.html"):
        assert "Aucune alerte en cours le mercredi 25 novembre à 13 h 00" in plain(paper, path), path
    assert (
        "Aucune alerte en cours, vérifié mercredi 25 novembre à 13 h 00 Vous voyez un danger ? Appelez le 112."
        in plain(paper, "/")
    )
    assert "No current alerts, checked Wednesday 25 November, 1:00pm If you see danger, call 112." in plain(
        paper, "/en/"
    )

    filed = town.hear(an_alert())
    paper.print(filed)
    for path in ("/", "/embed", "/embed.html"):
        assert "1 alerte en cours le mercredi 25 novembre à 13 h 00" in plain(paper, path), path
    [head] = tree(paper, f"/alerts/{filed.stored.incident_id}").xpath("//h1/following-sibling::p[1]")
    assert "mercredi 25 novembre 2026" in head.text_content(), "what it says of today is of a day"


def test_a_page_of_the_moment_brings_words_for_when_nobody_renews_it(town, paper):
    on, gone = town.hear(an_alert()), town.hear(over := an_alert(event="Crue", headline="Crue"))
    town.deliver(gone)
    town.hear(cancelling(over))
    paper.print(on, gone)

    for path in ("/", "/en/", "/embed", f"/alerts/{on.stored.incident_id}"):
        [box] = tree(paper, path).xpath("//*[@class='outdated']")
        assert box.get("hidden") is not None, path
        assert "2026" in box.text_content(), path
        assert "112" in box.text_content(), path
    [box] = tree(paper, "/").xpath("//*[@class='outdated']")
    assert "Elle disait alors : 1 alerte en cours" in " ".join(box.text_content().split())
    assert not tree(paper, f"/alerts/{gone.stored.incident_id}").xpath("//*[@class='outdated']"), "it is over for good"


def test_the_history_has_the_words_that_a_new_instruction_took_the_place_of(town, paper):
    first = town.hear(alert := an_alert(instruction="Fermez les volets."))
    town.deliver(first)
    second = town.hear(then := following(alert, instruction="Évacuez vers le gymnase."))
    town.deliver(second)
    third = town.hear(following(then, instruction="Évacuez vers le gymnase.", severity=Severity.SEVERE))
    town.deliver(third)
    paper.print(first)

    [kept] = tree(paper, f"/alerts/{first.stored.incident_id}").xpath("//ol[@class='steps']//details")
    said = " ".join(kept.text_content().split())
    assert "Avant : Fermez les volets. Après : Évacuez vers le gymnase." in said


def test_words_in_another_language_are_marked_and_told_to_be_original(town, paper):
    first = town.hear(alert := an_alert(severity=Severity.SEVERE, description="Rafales.", instruction="Rentrez."))
    town.deliver(first)
    town.hear(following(alert, severity=Severity.SEVERE, description="Rafales.", instruction="Sortez."))
    paper.print(first)
    path = f"/alerts/{first.stored.incident_id}"

    for place in ("/en/", f"/en{path}"):
        page = tree(paper, place)
        assert not page.xpath("//dd/*[@lang]"), "what to do is said in the page's language"
        assert "Travel only if you must." in page.xpath("//dd//text()[contains(., 'Travel')]")[0]
        assert "Coup de vent" in page.xpath("//*[self::h1 or self::h3]//*[@lang='fr-FR']")[0].text_content()
        assert "Danger" in words(paper, place)
        assert "Serious danger" not in words(paper, place), "one word for one thing"
    page = tree(paper, f"/en{path}")
    assert [step.text_content() for step in page.xpath("//ol//strong/*[@lang='fr-FR']")] == ["Coup de vent"] * 2
    [description] = page.xpath("//*[@class='description']")
    assert description.get("lang") == "fr-FR"
    assert [line.text_content() for line in description.iter("p")] == ["Sortez.", "Rafales."]
    assert words(paper, f"/en{path}").count("Original text in French.") == 1
    assert not tree(paper, path).xpath("//main//*[@lang]"), "it is in the language of its page"
    assert tree(paper, "/en/embed").xpath("//li/a/*[@lang='fr-FR']/text()") == ["Coup de vent"]


def test_who_announced_it_is_told_as_that(town, paper):
    filed = town.post(an_alert(sender=town.station.sender))
    paper.print(filed)

    assert "Annoncé par : Ville de Saint-Martin" in plain(paper, f"/alerts/{filed.stored.incident_id}")


def test_no_works_are_told_of_as_far_as_they_were_announced(town, paper):
    paper.print()

    assert "Annoncé pour plus tard Rien pour l’instant." in words(paper, "/")
    assert "appears here once it is announced" in words(paper, "/en/")


def test_somebody_missing_bears_no_badge_of_danger_and_works_their_own(town, paper):
    missing = town.hear(
        an_alert(event="Disparition", headline="Disparition de Léa, 14 ans", severity=Severity.SEVERE, instruction=None)
    )
    works = town.hear(an_alert(event="Travaux", headline="Travaux rue Haute", severity=Severity.MINOR))
    paper.print(missing, works)

    for filed, badges in ((missing, []), (works, ["Travaux"])):
        page = tree(paper, f"/alerts/{filed.stored.incident_id}")
        assert [each.text_content().strip() for each in page.xpath("//*[@class='badges']")] == badges
    assert "Danger grave" not in words(paper, "/")


def test_the_list_says_of_an_end_what_to_mind(town, paper):
    filed = town.hear(alert := an_alert(event="Vent violent", headline="Vent violent"))
    town.deliver(filed)
    town.hear(cancelling(alert))
    paper.print(filed)

    assert "Levé, terminé ou retiré ces dernières 24 heures" in words(paper, "/")
    assert "Des branches peuvent encore tomber." in words(paper, "/")
