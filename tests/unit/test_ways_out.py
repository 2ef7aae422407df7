"""Everything that leaves the house is journalled first, but for what docs/architecture.md names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import alerts

HOUSE = Path(alerts.__file__).parent
PAGE = HOUSE.parent / "docs/architecture.md"
SENDS = frozenset(
    {"publish", "edit", "delete", "hide", "block", "close_poll"}
    | {"rehearse", "tell", "say", "show", "hand_over", "write"}
)
"""The methods of channels, of bulk senders, of a bot's client, of another server and of the sign-up by e-mail."""
TAKERS = frozenset(["channel", "_channel", "client", "tells", "_tells", "remote", "_remote", "_signup"])
"""The names under which these are kept."""


def sends(tree: ast.AST) -> Iterator[str]:
    """The functions of a module in which something leaves."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            taker = call.func.value
            name = taker.attr if isinstance(taker, ast.Attribute) else taker.id if isinstance(taker, ast.Name) else ""
            heartbeat = call.func.attr == "get" and name == "session" and function.name == "_beat"
            if (call.func.attr in SENDS and name in TAKERS) or heartbeat:
                yield function.name


def test_each_way_out_is_listed_and_none_else():
    found = {
        f"{path.relative_to(HOUSE)}: {function}"
        for path in HOUSE.rglob("*.py")
        if path.relative_to(HOUSE).parts[0] != "channels"
        for function in sends(ast.parse(path.read_text(encoding="utf-8")))
    }
    listed = PAGE.read_text(encoding="utf-8").partition("## Ways out")[2].partition("\n## ")[0]
    named = {
        f"{file}: {function}"
        for file, functions in re.findall(r"`([a-z0-9_/]+\.py)` \(((?:`\w+`(?:, )?)+)\)", listed)
        for function in re.findall(r"\w+", functions)
    }
    assert found == named
