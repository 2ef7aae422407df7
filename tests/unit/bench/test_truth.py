"""For how long a page said what isn't so: worked out of what it said and of what the database said."""

from __future__ import annotations

from pathlib import Path

from bench.truth import Truth, said_by
from tests.browser.town import DeskTown


def test_a_page_is_wrong_for_as_long_on_end_as_the_database_says_otherwise():
    truth = Truth(DeskTown(Path()))
    truth.changes = [(10.0, {"coming": 3}), (11.0, {"live": 3}), (20.0, {"live": 3, "update waits": 3})]
    coming, live = "Not visible to the public yet, 3 under way", "Visible to the public on 3 channels of 3"

    assert truth.wrong_for([(10.2, coming), (11.4, live)], 20.0) < 0.5
    assert truth.wrong_for([(10.2, coming)], 71.0) == 60.0
    assert truth.wrong_for([(12.0, live)], 23.0) == 3.0
    assert truth.wrong_for([(12.0, coming), (13.0, live)], 20.0) == 1.0, "from its first words on"


def test_the_head_of_a_page_is_read_channel_by_channel():
    said = "Visible to the public on 2 channels of 3, until 14:45, 1 under way, its update is waiting (2 channels)"
    assert said_by(said) == {"live": 2, "coming": 1, "update waits": 2}
