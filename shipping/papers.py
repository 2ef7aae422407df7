"""The papers of a release: its packages, each with its licence's text, and a bill of materials (CycloneDX)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

LEFT_OUT = frozenset({"rich", "pygments", "markdown-it-py", "mdurl", "colorama"})
"""Locked packages that no daemon and no command uses: Typer names them for terminals that ours never draws."""
_PACKAGE = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)",
    re.MULTILINE,
)
_LEGAL = re.compile(r"(^|/)(licen[cs]es?|copying|notice|authors)([^/]*)$", re.IGNORECASE)
# What says its licence in a text alone, or nowhere in its files, as its own pages say it.
_KNOWN = {
    "altcha": "MIT",
    "feedparser-sgmllib": "PSF-2.0",
    "font-source-sans-pro": "OFL-1.1",
    "gtfs-realtime-bindings": "Apache-2.0",
    "publicsuffixlist": "MPL-2.0",
    "xstatic-leaflet": "BSD-2-Clause",
}
# Packages that come without their licence's text.
_TEXTS = {"gtfs-realtime-bindings": "apache-licence.txt", "xstatic-leaflet": "leaflet-licence.txt"}


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock: its version, where it is installed, and its files' hashes; `text` is its lines."""

    name: str
    version: str
    where: str
    hashes: tuple[str, ...]
    text: str


def locked(lock: str) -> Iterator[Locked]:
    """The packages of a lock that are installed on Linux."""
    for found in _PACKAGE.finditer(lock):
        name, version, where, hashes = found.groups()
        if "win32" not in (where or ""):
            yield Locked(name, version, where or "", tuple(re.findall(r"sha256:(\w+)", hashes)), found[0])


def used(lock: str) -> Iterator[Locked]:
    """Those of them that a package for servers has."""
    return (each for each in locked(lock) if each.name not in LEFT_OUT)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(folder: Path) -> dict[str, Distribution]:
    """What is installed in a folder of packages, by its name as locks spell it, without Tocsin."""
    found = {_canonical(each.metadata["Name"]): each for each in distributions(path=[str(folder)])}
    return {name: found[name] for name in sorted(found) if name != "tocsin"}


def licence_of(package: Distribution) -> str:
    """The licence's name, in SPDX where the package says so; empty where nothing says it."""
    metadata: Any = package.metadata
    short = [metadata.get("License-Expression"), _KNOWN.get(_canonical(metadata["Name"])), metadata.get("License")]
    kinds = [
        each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier") or () if each.startswith("License ::")
    ]
    return next((each for each in (*short, " or ".join(kinds)) if each and "\n" not in each and len(each) < 100), "")


def texts_of(package: Distribution) -> dict[str, str]:
    """The licence's own texts, as the package has them, by their files' names."""
    if ours := _TEXTS.get(_canonical(package.metadata["Name"])):
        return {"LICENSE": (Path(__file__).parent / ours).read_text(encoding="utf-8").strip()}
    return {
        each.name: Path(str(package.locate_file(each))).read_text(encoding="utf-8", errors="replace").strip()
        for each in package.files or ()
        if _LEGAL.search(str(each)) and not each.name.endswith((".py", ".pyc")) and Path(str(each.locate())).is_file()
    }


def licences(lock: str, folder: Path) -> str:
    """The licence of each locked package that is shipped, as `folder` has it installed; a text is printed once."""
    parts, seen, there = [_LGPL], dict[str, str](), installed(folder)
    for name in (each.name for each in used(lock)):
        package = there[name]
        head = f"{name} {package.version}: {licence_of(package)}"
        parts.append(f"{'=' * 100}\n{head}\n{_page(package)}")
        for file, text in texts_of(package).items():
            first = seen.setdefault(text, name)
            parts.append(text if first == name else f"({file}: as for {first})")
    return "\n\n".join(parts) + "\n"


_LGPL = """\
Tocsin comes with the packages below, without their tests, type files, debug symbols and parts that it
doesn't use, else unchanged. Those under the LGPL
(python-telegram-bot, psycopg, psycopg-binary, recurring-ical-events, x-wr-timezone) are folders of Python files, or one
library, of their own: whoever wants to may replace them by changed ones. The source of each is what its project
publishes under the version that is named here. The LGPL 3 itself stands below, under psycopg; the GPL 3 that it builds
on is at https://www.gnu.org/licenses/gpl-3.0.txt and, on Debian, in /usr/share/common-licenses/GPL-3."""


def _page(package: Distribution) -> str:
    links = [each.partition(", ")[2] for each in package.metadata.get_all("Project-URL") or ()]
    return links[0] if links else ""


def bill(lock: str, folder: Path, version: str, epoch: int) -> str:
    """The bill of materials in CycloneDX 1.6: each package that is shipped, with its hashes and its licence."""
    there = installed(folder)
    components = [
        {
            "type": "library",
            "bom-ref": f"{each.name}@{each.version}",
            "name": each.name,
            "version": each.version,
            "purl": f"pkg:pypi/{each.name}@{each.version}",
            "hashes": [{"alg": "SHA-256", "content": each.hashes[0]}] if len(each.hashes) == 1 else [],
            "properties": [{"name": "tocsin:sha256", "value": sha} for sha in each.hashes],
            "licenses": [{"license": {"name": licence_of(there[each.name])}}] if each.name in there else [],
        }
        for each in used(lock)
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'tocsin {version}')}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat(),
            "component": {"type": "application", "bom-ref": "tocsin", "name": "tocsin", "version": version},
        },
        "components": components,
        "dependencies": [{"ref": "tocsin", "dependsOn": [each["bom-ref"] for each in components]}],
    }
    return json.dumps(document, indent=1) + "\n"
