"""Pictures that officers put beside their alerts: copies, named by their content, in a folder beside the database.

What was validated is what goes out: nobody changes the file of a picture that is kept.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit
from urllib.request import url2pathname

from alerts.model.alert import Alert, Resource
from alerts.store.bare_picture import bare

_ENDINGS: Mapping[str, str] = MappingProxyType({"image/jpeg": "jpg", "image/png": "png"})
_NAME = re.compile(r"[0-9a-f]{64}\.(?:jpg|png)")


def picture_folder(database: Path) -> Path:
    """Where the pictures of that database are kept."""
    return database.with_name(f"{database.name}.pictures")


def keep_picture(folder: Path, data: bytes, kind: str) -> str:
    """Keep a picture of a MIME type (image/jpeg or image/png), on the disk when this returns; its name from then on.

    The same picture is kept once, and without what the camera wrote into it.
    """
    data = bare(data)
    name = f"{hashlib.sha256(data).hexdigest()}.{_ENDINGS[kind]}"
    if not (folder / name).is_file():
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        _write(folder / name, data)
    return name


def kept_picture(folder: Path, name: str) -> Path | None:
    """The file of that name, if it is one of ours: no other name leads anywhere."""
    file = folder / name
    return file if _NAME.fullmatch(name) and file.is_file() else None


def with_kept_pictures(alert: Alert, folder: Path) -> Alert:
    """The alert with copies of the pictures it names on this machine. One that can't be read stays as it was named."""
    infos = (replace(info, resources=tuple(_kept(each, folder) for each in info.resources)) for info in alert.infos)
    return replace(alert, infos=tuple(infos))


def _kept(resource: Resource, folder: Path) -> Resource:
    address = urlsplit(resource.uri or "")
    if address.scheme != "file" or address.netloc or resource.mime_type not in _ENDINGS:
        return resource
    try:
        data = Path(url2pathname(address.path)).read_bytes()
    except OSError:
        return resource
    name = keep_picture(folder, data, resource.mime_type)
    return replace(resource, uri=(folder.resolve() / name).as_uri())


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all, whenever the power goes."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with part.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    part.replace(file)
    # A new name is on the disk only once its folder is (fsync(2)).
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
