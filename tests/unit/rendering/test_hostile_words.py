"""Words are worked on in the daemon: in time as their length, whatever they are."""

from __future__ import annotations

import pytest

from alerts.rendering.text import LONGEST, clean, french
from tests.unit.apart.readings import words
from tests.walls import in_one_test


@in_one_test
@pytest.mark.parametrize(
    "run",
    ["\u00a0", "\u202f ", "a", "!", "«\u00a0", "\n\u00a0", "<", "<a", "@", "a@", "&", "https://", "\u0301", '"', "a'"],
)
@pytest.mark.parametrize("end", ["", "\n»x"])
def test_a_run_of_anything_is_worked_on_in_time(run, end):
    said = f"Une crue : {run * (LONGEST // len(run))}"[: LONGEST - len(end)] + end
    # Of computing, whatever else the machine does; what goes over the words for each of them computes for seconds.
    assert words.in_subprocess(said.encode()) < 1_000


def test_blanks_of_every_kind_are_one():
    assert clean(f"a{chr(0xA0) * 19_900}b\u2003 \u202fc") == "a b c"


def test_addresses_stay_as_they_were_typed():
    typed = "Ecrire a: x.y@mairie.example!, (https://mairie.example/a:b?c!), @moi: c'est @a@b: x@"

    assert (
        french(typed)
        == "Ecrire a\u00a0: x.y@mairie.example!, (https://mairie.example/a:b?c!), @moi\u00a0: c’est @a@b: x@"
    )
    assert french("dit «  oui\u202f \u00a0» puis»") == "dit «\u00a0oui\u00a0» puis\u00a0»"
