"""The French pages say what the English ones do: which section changed since is named, and it is set as French is."""

from __future__ import annotations

import re

import pytest

from tests.french_pages import DOCS, behind, sections, stamped
from tests.walls import in_one_test

PAGES = sorted(each.stem for each in (DOCS / "fr").glob("*.md") if each.stem != "README")
ELSEWHERE = "(en anglais)"
"""Where the rest of a section is told: what measures how it works is for those who build it."""
FENCED = re.compile(r"```.*?```|<!--.*?-->|`[^`]*`|\]\([^)]*\)|^    [^\n]*$", re.DOTALL | re.MULTILINE)
ENGLISH = "# A page\n\n## One\n\nfirst\n\n## Two\n\n```\n# no heading\n```\n"


@in_one_test
@pytest.mark.parametrize("name", PAGES)
def test_the_french_page_is_in_step(name):
    english, french = (folder.joinpath(f"{name}.md").read_text(encoding="utf-8") for folder in (DOCS, DOCS / "fr"))
    todo = behind(english, french)
    assert not todo, f"docs/fr/{name}.md: {'; '.join(todo)}; then python -m tests.french_pages {name}"


@in_one_test
@pytest.mark.parametrize("name", PAGES)
def test_it_has_as_many_sections_commands_and_rows(name):
    english, french = (folder.joinpath(f"{name}.md").read_text(encoding="utf-8") for folder in (DOCS, DOCS / "fr"))
    for said, told in zip(
        re.split(r"^## ", french, flags=re.MULTILINE), re.split(r"^## ", english, flags=re.MULTILINE), strict=True
    ):
        if ELSEWHERE in said:
            continue
        assert [line.partition(" ")[0] for line in said.splitlines() if line.startswith("#")] == [
            line.partition(" ")[0] for line in told.splitlines() if line.startswith("#")
        ], said[:60]
        assert len(re.findall(r"^\|", said, re.MULTILINE)) == len(re.findall(r"^\|", told, re.MULTILINE)), said[:60]
        assert said.count("```") == told.count("```")


@in_one_test
@pytest.mark.parametrize("name", PAGES)
def test_french_is_set_as_french_is(name):
    said = FENCED.sub("x", (DOCS / "fr" / f"{name}.md").read_text(encoding="utf-8"))
    assert not re.findall(r".{12}[^\u202f\u00a0/][:;!?»](?=\s|$)", said)
    assert "'" not in said


def test_the_list_names_every_page():
    listed = re.findall(r"\(([\w-]+)\.md\)", (DOCS / "fr" / "README.md").read_text(encoding="utf-8"))
    assert set(PAGES) <= set(listed)


def test_a_section_that_changed_came_or_went_is_named():
    french = stamped(ENGLISH, "# Une page\n")
    assert behind(ENGLISH, french) == []
    assert stamped(ENGLISH, french) == french
    assert behind(ENGLISH.replace("first", "second"), french) == ["changed: One"]
    assert behind(ENGLISH.replace("\n\nfirst", "\n\n\nfirst"), french) == []
    assert behind(ENGLISH.replace("## Two", "## Three"), french) == ["not translated: Three", "gone: Two"]
    assert list(sections(ENGLISH)) == ["A page", "One", "Two"]
    assert behind(ENGLISH, "# Une page\n") == [f"not translated: {each}" for each in ("A page", "One", "Two")]
