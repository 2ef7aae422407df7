"""A wall is one test that tries all of its cases."""

from __future__ import annotations

import pytest

from tests.walls import in_one_test

TRIED = []


@pytest.mark.parametrize("second", ["b", "c"])
@pytest.mark.parametrize("first", [1, 2])
def told_apart(own, first, second):
    TRIED.append((own, first, second))
    assert (first, second) not in ((1, "c"), (2, "b"))


def test_all_cases_are_tried_and_each_that_fails_is_told_with_its_values():
    wall = in_one_test(told_apart)
    with pytest.raises(ExceptionGroup, match="2 of 4 cases") as found:
        wall("fixture")
    assert sorted(TRIED) == [("fixture", 1, "b"), ("fixture", 1, "c"), ("fixture", 2, "b"), ("fixture", 2, "c")]
    notes = {each.__notes__[0] for each in found.value.exceptions}
    assert notes == {"with {'first': 1, 'second': 'c'}", "with {'first': 2, 'second': 'b'}"}


def test_a_case_with_a_mark_of_its_own_is_no_part_of_a_wall():
    @pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.release)])
    def test(case):
        """Never tried."""

    with pytest.raises(TypeError, match="of its own"):
        in_one_test(test)


@in_one_test
@pytest.mark.parametrize("case", [1, 2])
async def test_a_wall_may_wait_and_has_its_fixtures(case, tmp_path):
    assert tmp_path.is_dir()
