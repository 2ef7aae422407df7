"""Marks what is looked at before a release: `make test` passes over it, `make release-check` runs it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def at_release(cases: Iterable[object]) -> list[object]:
    """These cases of a parametrised test, marked; a few others of it stand for them in `make test`."""
    given = (each if isinstance(each, tuple) else (each,) for each in cases)
    return [pytest.param(*each, marks=pytest.mark.release) for each in given]
