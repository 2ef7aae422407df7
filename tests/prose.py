"""The openings of docstrings in alerts/: `make check` fails if one of them opens with a question word.

"What a reader sees." promises nothing; "The text on the page." does, and so does "Return the text, cut to the limit."
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import alerts

OPENING = re.compile(r"(?:What|Who|Whom|Whose|That of|Whether)\b")
_DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def offences(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the first line of each such docstring in a file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, _DOCUMENTED) and OPENING.match(text := ast.get_docstring(node) or ""):
            yield node.body[0].lineno, text.partition("\n")[0]


def main() -> int:
    """List them if they are too many. Returns the exit status."""
    root = Path(alerts.__file__).parent
    found = [
        f"{file.relative_to(root.parent)}:{line}: {text}"
        for file in sorted(root.rglob("*.py"))
        for line, text in offences(file)
    ]
    if found:
        sys.stderr.write("\n".join([*found, f"{len(found)} docstrings open with a question word: reword them", ""]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
