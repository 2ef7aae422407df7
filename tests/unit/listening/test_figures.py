"""What docs/listening.md says of what is recognised is what is measured; and the least that it has to be."""

import pytest

from tests.unit.listening.measure import HEADS, PAGE, Figure, Grouped, Matched, Recognised, all_figures, written

FOUND: list[Figure] = []


@pytest.fixture
async def found():
    """All of it, counted once."""
    if not FOUND:
        FOUND.extend(await all_figures())
    return FOUND


async def test_the_docs_have_the_figures_that_are_measured(found):
    page = PAGE.read_text(encoding="utf-8")
    assert all(head in page for head in HEADS.values())
    assert written(page, found) == page, "python -m tests.unit.listening.measure writes them"


async def test_thirty_unrelated_remarks_get_two_automatic_answers_at_most(found):
    told = [each.found for each in found if isinstance(each.found, Matched)]
    assert len(told) == 12
    for each in told:
        assert each.answered <= (2 if each.unrelated == 30 else 4)
        assert (each.raised, each.wrong) == (0, 0)


async def test_most_calls_are_raised_and_most_of_the_rest_is_not(found):
    told = [each.found for each in found if isinstance(each.found, Recognised)]
    assert len(told) == 10
    for each in told:
        assert each.raised > each.calls * 0.7
        assert each.false < each.others * 0.2


async def test_one_alert_s_utterances_are_few_groups_that_ask_one_thing_each(found):
    told = [each.found for each in found if isinstance(each.found, Grouped)]
    assert len(told) == 12
    for each in told:
        assert each.most <= each.questions + 4
        assert each.astray < 0.05
