"""What changed from one version to the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.desk.changes import Mark, Run, VersionChange, changes_between, word_runs
from alerts.model.alert import Area, MsgType, Resource, Severity
from alerts.model.incident import AlertState, StoredAlert
from tests.unit.desk.conftest import CENTRE, LATER, MILL, NOW, an_alert, an_info, cancelling, following


def stored(alert) -> StoredAlert:
    return StoredAlert("a", "i", "meteo", alert, AlertState.WAITING, NOW)


def between(one, other) -> tuple[VersionChange, ...]:
    return changes_between(stored(one), stored(other))


def test_the_same_words_under_another_identifier_are_no_change():
    alert = an_alert()
    assert between(alert, following(alert)) == ()


def test_a_text_is_told_word_by_word():
    (change,) = between(
        an_alert(description="Les quais sont fermés."), an_alert(description="Les quais restent fermés.")
    )

    assert change.field == "description"
    assert change.runs == (
        Run(Mark.SAME, "Les quais "),
        Run(Mark.GONE, "sont"),
        Run(Mark.NEW, "restent"),
        Run(Mark.SAME, " fermés."),
    )


def test_where_less_than_half_of_the_words_stay_whole_sentences_are_told():
    before = "Réparation en cours, fin vers minuit. Faites des réserves."
    after = "Une canalisation a cédé à l’angle. Faites des réserves."

    assert word_runs(before, after) == (
        Run(Mark.GONE, "Réparation en cours, fin vers minuit. "),
        Run(Mark.NEW, "Une canalisation a cédé à l’angle. "),
        Run(Mark.SAME, "Faites des réserves."),
    )


def test_a_picture_is_told_by_its_words_and_one_with_the_same_words_as_another():
    def shown(file, words="La navette devant l’église"):
        resource = Resource(words, "image/jpeg", uri=f"file:///pictures/{file * 64}.jpg")
        return an_alert(resources=(resource,))

    assert between(shown("6"), shown("6")) == ()
    assert [(c.before, c.after) for c in between(an_alert(), shown("6"))] == [(None, "La navette devant l’église")]
    assert [(c.before, c.after) for c in between(shown("6"), shown("7"))] == [("La navette devant l’église",) * 2]


@pytest.mark.parametrize(("before", "after"), [("", "Fuyez vite"), ("un deux\n trois", "un  deux trois"), ("a b", "")])
def test_the_runs_hold_both_texts_whole(before, after):
    runs = word_runs(before, after)

    assert "".join(run.text for run in runs if run.mark is not Mark.NEW) == before
    assert "".join(run.text for run in runs if run.mark is not Mark.GONE) == after


def test_times_severity_and_a_text_that_went_are_told_as_before_and_after():
    later = LATER + timedelta(hours=1)
    changes = between(an_alert(), an_alert(expires=later, severity=Severity.SEVERE, instruction=None))

    assert [(change.field, change.before, change.after) for change in changes] == [
        ("instruction", "Rentrez le mobilier de jardin.", None),
        ("severity", "Moderate", "Severe"),
        ("expires", LATER, later),
    ]


def test_areas_come_go_and_move():
    one, two = CENTRE.as_area(), MILL.as_area()
    assert [(c.field, c.before, c.after) for c in between(an_alert(areas=(one,)), an_alert(areas=(two,)))] == [
        ("area", "Centre-Bourg", None),
        ("area", None, "Le Moulin d’Élise"),
    ]
    moved = replace(one, polygons=two.polygons)
    assert [c.field for c in between(an_alert(areas=(one,)), an_alert(areas=(moved,)))] == ["outline"]


def test_a_language_that_came_or_went_is_told_and_each_text_says_its_own():
    french, german = an_info(), an_info(language="de", headline="Sturm")
    one, two = replace(an_alert(), infos=(french,)), replace(an_alert(), infos=(french, german))

    assert ("headline", None, "Sturm", "de") in [(c.field, c.before, c.after, c.language) for c in between(one, two)]
    assert [(c.field, c.before) for c in between(two, one)] == [("language", "de")]


def test_an_end_is_told_and_its_missing_areas_are_none():
    alert = an_alert(areas=(Area("Partout"),))
    changes = between(alert, cancelling(alert))

    assert ("msg_type", MsgType.ALERT, MsgType.CANCEL) in [(c.field, c.before, c.after) for c in changes]
    assert "area" not in [change.field for change in changes]


def test_what_could_not_be_read_is_compared_with_nothing():
    assert changes_between(stored(None), stored(an_alert())) == ()
