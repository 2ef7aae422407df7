"""What is English in a French text, a code that nobody worded, or a sign without its space: what the tests look for."""

from __future__ import annotations

import re
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.pofile import read_po
from lxml import html

import alerts
from alerts.channels import KINDS as CHANNEL_KINDS
from alerts.config import DeskSettings, NotifySettings, StationSettings, StoreSettings, WebSettings
from alerts.config.kinds import channel_kind, source_kind
from alerts.sources import KINDS as SOURCE_KINDS

ENGLISH = frozenset(
    """the of and is are was were not with for this that these those has have had its it be been by from to in at out up
    waits wait waiting waited failed queued dropped rejected superseded expired accepted somebody nobody anybody nothing
    anything everything until since there here what who which when where how why then than because before after again
    channel channels update updates end ends alerts more left approve reject retry can cannot may must should would does
    did allowed known unknown missing needed needs wrong right such each every any other another only also still
    something else answer answered answers takes took taken give gives given told tell tells say says said read reads
    written write named names name key keys line lines word words address addresses folder folders picture pictures
    district districts whole town length wanted longer shorter larger smaller empty
    stands standing nearest meant choose chosen start starts begins save saved copy download their they them you your
    our we us isn holds entries speaks unreadable he she his her""".split()  # noqa: SIM905 a list to read
)
"""Words that no French text has."""
OURS = ("code", "pre", "script", "style", "svg", "input", "textarea")
"""What is typed or spelled for a program stands there as it is."""


def visible(page: str) -> str:
    """What is read, without what is somebody's own words in another language."""
    tree = html.fromstring(page)
    for each in tree.xpath("//*[@lang='en'] | //*[@class='code'] | " + " | ".join(f"//{tag}" for tag in OURS)):
        each.drop_tree()
    told = [
        *tree.xpath("//body//text()"),
        *tree.xpath("//@aria-label | //@data-summary | //@placeholder | //title/text()"),
    ]
    return "\n".join(text for text in told if text.strip())


def wrong_in(text: str) -> list[str]:
    """The lines that hold English, a code or state that nobody worded, or a sign without its space."""
    lines = text.split("\n")
    return [line for line in lines if _is_ours(line) or english(line) or _bare(line) or _ILL_SPACED.search(line)]


def _is_ours(line: str) -> bool:
    """Whether it is what we say in English, whole: a label of one word has no word of `ENGLISH`."""
    return line.strip() in _in_english()


@cache
def _in_english() -> frozenset[str]:
    found = {}
    for file in Path(alerts.__file__).parent.rglob("locale/fr/*.po"):
        for message in read_po(BytesIO(file.read_bytes()), locale="fr"):
            found[message.id if isinstance(message.id, str) else message.id[0]] = message.string
    ours = {one for one, said in found.items() if said != one and re.search(r"[^\W\d_]{3}", one)}
    return frozenset(ours) - frozenset(map(str, found.values()))


def _bare(line: str) -> bool:
    return bool(_BARE.search(re.sub(_TYPED, "", re.sub("«[^»]*»", "", line))))


def english(text: str) -> list[str]:
    named = re.sub(_TYPED, "", re.sub("«[^»]*»", "", text))
    return sorted({each for each in re.findall(r"[^\W\d_]+", named) if each.lower() in ENGLISH})


_TYPED = re.compile(
    r"""\bIdempotency-Key\b|\b[a-z0-9]{4}(?:-[a-z0-9]{4}){4}\b"""  # a drawn password may hold any word
    r"""|`[^`]*`|\[[^\]]*\]|\{[^}]*\}|“[^”]*”|'[^']*'|"[^"]*"|[A-Z]+:[A-Z]+|\w+ = \S+|--\w+|@\w+"""
    r"""|[\w.]*\.toml\b(?:\s:\s[\w.\[\]]+)?|\btocsin(?: [a-z]+)+|https?://\S+|/[a-z][\w-]*|\b[a-z]+(?:\.[\w\[\]]+)+"""
)
"""What is typed as it stands, in any language: commands, keys with their places, addresses, values in their quotes."""
_KEYS = {
    name
    for model in (
        *(StationSettings, StoreSettings, WebSettings, NotifySettings, DeskSettings),
        *(channel_kind(kind).settings for kind in CHANNEL_KINDS),
        *(source_kind(kind).settings for kind in SOURCE_KINDS),
    )
    for name in model.model_fields
}
_BARE = re.compile(rf"\b(?!(?:{'|'.join(_KEYS)})\b)[a-z]+_[a-z_]+\b")
_ILL_SPACED = re.compile(r"[^\s\u00a0/:][?!;](?=\s|$)|(?:^|[^\s\u00a0\d]):(?=\s|$)|«[^\u00a0]")
