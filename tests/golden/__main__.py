"""Renew the golden files: `python -m tests.golden`. Read the difference before you commit it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.golden.promised import FILES, FOLDER


def main() -> None:
    for name, make in FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            (FOLDER / name).write_text(asyncio.run(make(Path(folder))), encoding="utf-8")


main()
