"""Every row of the bench under attack has somebody who attacks."""

from __future__ import annotations

import pytest

from bench.attackers import ATTACKS as KNOWN
from bench.attackers import HOSTILE
from bench.under_attack import ATTACKS


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.what)
def test_each_row_is_attacked(attack):
    assert attack.name in (*KNOWN, "export") or attack.mode in (*HOSTILE, "calendar", "gzip", "webhook")


def test_hostile_messages_are_as_hostile_as_the_page_says():
    assert len(HOSTILE["marks"]()) > 400_000
    assert HOSTILE["polygon"]().count(b",") == 300_001
