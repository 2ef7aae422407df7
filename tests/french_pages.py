"""The pages of docs/fr, and how it is told that the English page changed since: `python -m tests.french_pages NAME…`.

Each French page begins with a comment of one line for each section of the English page as it was when it was
translated: the digest of its words, and its heading. Whoever brings a French page up to date writes that anew with the
command above.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
_BEGINS, _ENDS = "<!-- The English page as it was translated:\n", "-->\n"
_FENCE = re.compile(r"^\s*```")


def sections(text: str) -> dict[str, str]:
    """The digest of each section, by its heading. Where lines are broken says nothing."""
    found: dict[str, list[str]] = {}
    heading, fenced = "", False
    for line in text.splitlines():
        fenced ^= bool(_FENCE.match(line))
        if not fenced and line.startswith("#"):
            heading = line.lstrip("# ").strip()
        found.setdefault(heading, []).append(line)
    return {
        heading: hashlib.sha256(" ".join("\n".join(lines).split()).encode()).hexdigest()[:12]
        for heading, lines in found.items()
        if heading
    }


def translated(text: str) -> dict[str, str]:
    """What the French page says that it was translated from."""
    if not text.startswith(_BEGINS):
        return {}
    told = text.removeprefix(_BEGINS).partition(_ENDS)[0]
    return {heading: digest for digest, _, heading in (line.partition(" ") for line in told.splitlines())}


def behind(english: str, french: str) -> Sequence[str]:
    """What is to be done about the French page: each section of the English one that changed, came or went."""
    now, then = sections(english), translated(french)
    changed = [f"changed: {each}" for each in now if each in then and then[each] != now[each]]
    came = [f"not translated: {each}" for each in now if each not in then]
    return [*changed, *came, *(f"gone: {each}" for each in then if each not in now)]


def stamped(english: str, french: str) -> str:
    """The French page, as brought up to date with the English one."""
    own = french.partition(_ENDS)[2].lstrip("\n") if french.startswith(_BEGINS) else french
    told: Mapping[str, str] = sections(english)
    lines = "".join(f"{digest} {heading}\n" for heading, digest in told.items())
    return f"{_BEGINS}{lines}{_ENDS}\n{own}"


def main(names: Sequence[str]) -> None:
    """Write down that these pages are up to date."""
    for name in names:
        page = DOCS / "fr" / f"{name}.md"
        english = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        page.write_text(stamped(english, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
