"""A station's first files: a channels.toml to change, and systemd's units for where this program is installed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDER, _PROGRAM = Path("/etc/tocsin"), "/opt/tocsin/bin/tocsin"
"""As the units that ship name them; a station in this folder has its database in /var/lib/tocsin."""


def shipped(name: str) -> Path:
    """Return the path of a shipped file: in `alerts` of a wheel, next to `alerts` in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name


def beginning(folder: Path, language: str, units: Path | None) -> dict[Path, str]:
    """Each file to write, with its text; `folder` is absolute, `language` is `en` or `fr`."""
    text = (_PACKAGE / "setup" / "samples" / f"{language}.toml").read_text(encoding="utf-8")
    if folder != _FOLDER and units is None:
        text = re.sub(r'"sqlite:////.*', '"sqlite:///var/tocsin.db"', text)
    files = {folder / "channels.toml": text}
    if units is not None:
        for unit in sorted(shipped("systemd").iterdir()):
            said = unit.read_text(encoding="utf-8").replace(_PROGRAM, f"{sys.prefix}/bin/tocsin")
            files[units / unit.name] = said.replace(f"{_FOLDER}/channels.toml", f"{folder}/channels.toml")
    return files
