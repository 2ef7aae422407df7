"""No file is in a circle of imports with more than two others, those for types alone included.

The order of the rooms is a contract of import-linter (pyproject.toml); this holds within them.
"""

from __future__ import annotations

import grimp

LARGEST = 3
"""The files of a circle that a reader still keeps apart, as a lease and the workers that hold it."""


def test_no_circle_of_imports_is_larger_than_a_reader_keeps_apart():
    graph = grimp.build_graph("alerts", cache_dir=None)
    reached = {module: graph.find_upstream_modules(module) for module in graph.modules}

    circles = {
        frozenset({module} | {other for other in others if module in reached[other]})
        for module, others in reached.items()
    }

    assert [sorted(circle) for circle in circles if len(circle) > LARGEST] == []
