"""What a town that listens says of it in public: what is read, and the questions that were answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.model.town import ListeningSection
from tests.unit.desk.conftest import PAGE, SENDER, a_town
from tests.unit.french import visible, wrong_in

LISTENS = {
    "channels": {**a_town().channels, "page": replace(PAGE, hears=True)},
    "listening": ListeningSection(keep=timedelta(days=30), hours="08:00-19:00"),
}


def test_a_town_that_listens_says_what_is_read_where_and_how_long(town, make_paper):
    paper = make_paper(**LISTENS)
    paper.print()
    for path, told in (("/privacy", "effacé 30 jours"), ("/en/privacy", "erased 30 days")):
        page = paper.text(path)
        assert told in page
        assert "<strong>Facebook</strong>" in page
        assert "<strong>Telegram</strong>" not in page, "nobody listens there"
        assert "112" in page
        assert "114" in page
        assert "19:00" in page
        assert SENDER in page
    assert 'href="/privacy"' in paper.text("/")
    assert wrong_in(visible(paper.text("/privacy"))) == []


def test_a_town_that_listens_to_nothing_has_no_page_about_it(town, paper):
    paper.print()
    assert "/privacy" not in paper.edition.answers
    assert "privacy" not in paper.text("/")
