"""Leaflet's own files, from the package that carries them: nothing is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import files
from pathlib import Path

_MARKER = "leaflet/data/"


@cache
def leaflet_files() -> Mapping[str, Path]:
    """Script, style and pictures, by their name below `leaflet/`."""
    return {
        f"leaflet/{path.as_posix().split(_MARKER, 1)[1]}": Path(str(path.locate()))
        for path in files("xstatic-leaflet") or ()
        if _MARKER in path.as_posix() and path.suffix in (".js", ".css", ".png") and "-src" not in path.name
    }
