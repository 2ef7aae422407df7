"""Walls of values: one test tries all of its cases and tells each that fails.

As tests of their own, cases that compute next to nothing cost more to collect, to hand to a worker and to report than
to try.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from typing import Any


def in_one_test(test: Callable[..., Any]) -> Callable[..., Any]:
    """Have this test try what it is parametrised with, all in one, with one set of fixtures.

    Stands above `@pytest.mark.parametrize`. Raises ExceptionGroup with what each failed case raised, and its values.
    """
    cases = _cases(vars(test).pop("pytestmark"))
    fixtures = inspect.signature(test)
    fixtures = fixtures.replace(parameters=[each for each in fixtures.parameters.values() if each.name not in cases[0]])

    def tell(failed: list[Exception]) -> None:
        if failed:
            raise ExceptionGroup(f"{len(failed)} of {len(cases)} cases", failed)

    def wall(*own: Any, **given: Any) -> None:
        failed = []
        for case in cases:
            try:
                test(*own, **given, **case)
            except Exception as error:  # noqa: BLE001 told together with the others
                error.add_note(f"with {case!r}")
                failed.append(error)
        tell(failed)

    async def waiting_wall(*own: Any, **given: Any) -> None:
        failed = []
        for case in cases:
            try:
                await test(*own, **given, **case)
            except Exception as error:  # noqa: BLE001 told together with the others
                error.add_note(f"with {case!r}")
                failed.append(error)
        tell(failed)

    one = waiting_wall if inspect.iscoroutinefunction(test) else wall
    one.__name__, one.__qualname__, one.__module__ = test.__name__, test.__qualname__, test.__module__
    vars(one)["__signature__"] = fixtures
    return one


def _cases(marks: list[Any]) -> list[dict[str, Any]]:
    """The values of each case by name; a case with a mark of its own has to be a test."""
    walls = []
    for mark in marks:
        if mark.name != "parametrize":
            raise TypeError(f"only parametrize stands below in_one_test, not {mark.name}")
        names, values = mark.args
        names = [each.strip() for each in names.split(",")] if isinstance(names, str) else names
        rows = [_values(each, len(names)) for each in values]
        walls.append([dict(zip(names, row, strict=True)) for row in rows])
    return [{name: value for part in parts for name, value in part.items()} for parts in itertools.product(*walls)]


def _values(case: Any, wanted: int) -> Any:
    if hasattr(case, "marks"):  # made by pytest.param
        if case.marks:
            raise TypeError("a case with a mark of its own has to be a test of its own")
        return case.values
    return case if wanted > 1 else (case,)
