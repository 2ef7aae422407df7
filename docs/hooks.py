"""How mkdocs builds the site from the pages as they stand (`make docs`).

The navigation is what the two READMEs list; the tables of reasons are what the program says; a French page has a French
frame. mkdocs calls the functions that begin with `on_`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
_HEADING = re.compile(r"## (.+)")
_GROUP = re.compile(r"(\w.*?)\s?:")
_ITEM = re.compile(r"\* \[(.+?)\]\(((?:[\w-]+/)?[\w-]+\.md)\)")
_SENTENCES = "<!-- the sentences of every code -->\n"


def listed(readme: str, folder: str = "") -> list[Any]:
    """A README's list as mkdocs's `nav`: a part for each heading, within it one for each line that ends in a colon."""
    parts: dict[str, list[Any]] = {}
    here: list[Any] = []
    for line in readme.splitlines():
        if heading := _HEADING.fullmatch(line):
            part = here = parts.setdefault(heading[1], [])
        elif parts and (group := _GROUP.fullmatch(line)):
            here = []
            part.append({group[1]: here})
        elif item := _ITEM.match(line):
            here.append({item[1]: f"{folder}{item[2]}"})
    return [{heading: pages} for heading, pages in parts.items() if pages]


def navigation() -> list[Any]:
    """English by kind, then French by kind; each decision below the page that explains them."""
    english, french = (DOCS.joinpath(folder, "README.md").read_text(encoding="utf-8") for folder in ("", "fr"))
    decisions = {"Decisions": [f"adr/{name}" for name in _decisions()]}
    kinds = [_with(decisions, each) for each in listed(english)]
    return [{"Home": "README.md"}, *kinds, {"Français": ["fr/README.md", *listed(french, "fr/")]}]


def _decisions() -> list[str]:
    return sorted((each.name for each in (DOCS / "adr").glob("*.md")), key=lambda name: (name != "README.md", name))


def _with(parts: Mapping[str, list[str]], kind: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
    """The kind, with a page opened to the pages below it."""
    return {
        heading: [{name: parts.get(name, page) for name, page in each.items()} for each in pages]
        for heading, pages in kind.items()
    }


def reasons() -> str:
    """Every code with its sentence in both languages, as a table."""
    from alerts.model.catalogue import LOCALE  # noqa: PLC0415 the navigation needs no program
    from alerts.model.reason import WORDS, sentences  # noqa: PLC0415
    from alerts.rendering.i18n import read_words  # noqa: PLC0415

    french = read_words(LOCALE, "fr")
    rows = (
        f"| `{code}` | {said} | {french.gettext(said)} |".replace("\n", " ")
        for code, said in sentences().items()
        if code != WORDS
    )
    return "\n".join(["| code | in English | in French |", "|---|---|---|", *rows, ""])


def in_both_languages(page: str) -> dict[str, str]:
    """Where the same page stands in each language, by the language; a README in place of what isn't translated."""
    name = page.removeprefix("fr/")
    french = f"fr/{name}" if (DOCS / "fr" / name).is_file() else "fr/README.md"
    found = {"en": name if (DOCS / name).is_file() else "README.md", "fr": french}
    return {
        language: path.replace("README.md", "index.md").removesuffix(".md") + ".html"
        for language, path in found.items()
    }


def on_config(config: Any) -> Any:
    """The navigation, and anchors as forges make them, which the pages' links are written for."""
    from pymdownx.slugs import slugify  # noqa: PLC0415 of the site's own environment

    config["nav"] = navigation()
    config["mdx_configs"].setdefault("toc", {})["slugify"] = slugify(case="lower")
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The tables that a page leaves to the site."""
    return markdown.replace(_SENTENCES, reasons()) if _SENTENCES in markdown else markdown


def on_page_context(context: dict[str, Any], *, page: Any, config: Any, **_: Any) -> dict[str, Any]:
    """The theme speaks the page's language, and leads to the same page in the other one."""
    here = page.file.src_uri
    config["theme"]["language"] = "fr" if here.startswith("fr/") else "en"
    for each in config["extra"]["alternate"]:
        each["link"] = in_both_languages(here)[each["lang"]]
    return context
