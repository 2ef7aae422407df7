"""`setup`: the first start, in a browser."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from alerts.cli import screen


def setup(
    context: typer.Context,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the page answers.")] = "127.0.0.1:8080",
) -> int:
    """Set the station up in a browser: it tries channels and sources, and shows the lines for channels.toml."""
    import asyncio

    from pydantic import ValidationError

    from alerts.config import WebSettings
    from alerts.daemon.log_lines import set_up_log
    from alerts.daemon.setup import run_setup
    from alerts.model.errors import Misuse
    from alerts.model.reason import because

    try:
        place = WebSettings(listen=listen)
    except ValidationError:
        raise Misuse(because("no_place_to_listen", text=f"--listen {listen!r}", example="127.0.0.1:8080")) from None
    set_up_log(os.environ.get("TOCSIN_LOG", "error"))
    return asyncio.run(run_setup(context.obj.file.resolve(), place, screen.show))
