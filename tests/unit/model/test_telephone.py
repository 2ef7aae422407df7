"""Numbers of mobiles as people type them: one form, and nothing that costs more than an SMS."""

from __future__ import annotations

import pytest

from alerts.model.telephone import mobile_number


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("06 12 34 56 78", "+33612345678"),
        ("07.81.23.45.67", "+33781234567"),
        ("+33 (0)6 12 34 56 78", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("+33612345678", "+33612345678"),
        ("0690 12 34 56", "+590690123456"),
        ("0692123456", "+262692123456"),
        ("0639123456", "+262639123456"),
        ("0694123456", "+594694123456"),
        ("0696 12-34-56", "+596696123456"),
        ("+687 75 12 34", "+687751234"),
    ],
)
def test_a_number_is_taken_as_people_type_it(typed, number):
    assert mobile_number(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        "", "3117", "0899 12 34 56", "+33 8 99 12 34 56", "0476 12 34 56", "0700 12 34 56 78", "+41 79 123 45 67",
        "06 12 34 56 7", "06 12 34 56 789", "+33612345678\r\nBcc",
        "+٣٣٦١٢٣٤٥٦٧٨", "++33612345678", "six", "+" + "3" * 40,
    ],
)  # fmt: skip
def test_what_no_mobile_of_these_prefixes_can_have_is_none(typed):
    assert mobile_number(typed) is None


def test_a_town_may_name_other_prefixes():
    assert mobile_number("+41 79 123 45 67", ["+41"]) == "+41791234567"
    assert mobile_number("06 12 34 56 78", ["+41"]) is None
