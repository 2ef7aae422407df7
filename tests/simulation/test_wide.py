"""A town with a broker, a list, a Vigilance and a site's feed under virtual time: what holds."""

from __future__ import annotations

import pytest

from simulation.__main__ import SHORT, Wish, told
from simulation.run import simulate

BATCH = 6


@pytest.mark.parametrize("batch", range(2))
def test_no_seed_of_a_wide_town_breaks_a_promise(batch):
    wish = Wish.read(["--wide"])
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        assert list(told(simulate(seed, SHORT, wide=True), wish)) == []


def test_a_seed_of_a_wide_town_goes_the_same_way_each_time():
    assert simulate(3, SHORT, wide=True).digest == simulate(3, SHORT, wide=True).digest
