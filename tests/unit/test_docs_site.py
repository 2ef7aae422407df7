"""The site of the documents: each page stands in it once, by its kind, in both languages (`make docs` checks links)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from alerts.model.reason import WORDS, sentences
from docs.hooks import DOCS, in_both_languages, listed, navigation, on_page_markdown

KINDS = {
    "Tutorial": "Tutoriel",
    "How-to guides": "Guides pratiques",
    "Reference": "Référence",
    "Explanation": "Explications",
}


def paths(part: Any) -> Iterator[str]:
    """The pages of a part of the navigation."""
    if isinstance(part, str):
        yield part
    else:
        for each in part.values() if isinstance(part, dict) else part:
            yield from paths(each)


def kinds(parts: list[Any]) -> dict[str, list[str]]:
    return {name: list(paths(pages)) for part in parts for name, pages in part.items()}


def test_every_page_stands_in_the_site_once():
    there = sorted(each.relative_to(DOCS).as_posix() for each in DOCS.rglob("*.md"))
    told = list(paths(navigation()))

    assert sorted(set(told)) == there, "list the page in docs/README.md, a French one in docs/fr/README.md"
    assert len(told) == len(set(told))


def test_every_page_is_sorted_by_its_kind():
    assert list(kinds(navigation())) == ["Home", *KINDS, "Français"]


def test_a_french_page_is_of_the_kind_of_the_english_one():
    english, french = (
        kinds(listed(DOCS.joinpath(folder, "README.md").read_text(encoding="utf-8"))) for folder in ("", "fr")
    )
    for kind, pages in french.items():
        alike = [theirs for theirs, ours in KINDS.items() if ours == kind]
        assert alike, kind
        assert set(pages) <= set(english[alike[0]]), kind


def test_groups_of_a_list_are_parts_of_the_navigation():
    readme = (
        "* [Before](b.md)\n## One\n\nFor some:\n\n* [A](a.md): what\n\nPour d’autres\u00a0:\n\n* [C](d/c.md)\n## Two\n"
    )
    assert listed(readme, "fr/") == [
        {"One": [{"For some": [{"A": "fr/a.md"}]}, {"Pour d’autres": [{"C": "fr/d/c.md"}]}]}
    ]


def test_a_page_leads_to_itself_in_the_other_language():
    assert in_both_languages("use.md") == in_both_languages("fr/use.md") == {"en": "use.html", "fr": "fr/use.html"}
    assert in_both_languages("fr/README.md") == {"en": "index.html", "fr": "fr/index.html"}
    assert in_both_languages("adr/0002-store.md") == {"en": "adr/0002-store.html", "fr": "fr/index.html"}


def test_the_page_of_reasons_has_every_code_in_both_languages():
    page = on_page_markdown((DOCS / "reasons.md").read_text(encoding="utf-8"))
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \| .+ \|$", page, re.MULTILINE))

    assert told == {code: " ".join(said.split("\n")) for code, said in sentences().items() if code != WORDS}
    assert "elle attend une validation" in page


def test_the_site_asks_no_other_host_and_searches_in_both_languages():
    site = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"))

    assert site["theme"]["font"] is False
    assert site["plugins"] == [{"search": {"lang": ["en", "fr"]}}]
    assert {"analytics", "social", "repo_url"}.isdisjoint({*site, *site["extra"]})


def test_the_hooks_are_found_by_mkdocs():
    site = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"))
    assert [DOCS.parent / Path(each) for each in site["hooks"]] == [DOCS / "hooks.py"]
