"""Tocsin: a real-time local alert broadcaster for towns, counties and their like."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

__version__ = "1.0.0"
"""The release that this is, or becomes: semantic. A release is a commit with the tag `v` and this."""


def leave_out_colours() -> None:
    """Let no library find Rich and Pygments: a tenth of a start, and never used here.

    structlog and httpx import them where they are installed (Typer brings them). None in `sys.modules` makes a module
    look as if it weren't installed (Language Reference, 5.3.1).
    """
    modules: dict[str, Any] = sys.modules
    modules["rich"] = modules["pygments"] = None


@cache
def version() -> str:
    """The release, or how many commits stand between it and this: `1.0.0`, `1.0.0.dev12+g1a2b3c4`.

    `dev` is before the release, `post` after it. A checkout is asked once a process; a package knows what it was
    built of.
    """
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return of_checkout() or installed("tocsin")
    except PackageNotFoundError:
        return __version__


def of_checkout() -> str | None:
    """The same of the checkout that this file lies in; None where it lies in none that git can read."""
    import subprocess

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    folder, tag = Path(__file__).resolve().parent.parent, f"v{__version__}"
    if not (folder / ".git").exists():
        return None
    try:
        is_out = tag in git("tag", "--list", tag, "--merged").split()
        since = int(git("rev-list", "--count", f"{tag}..HEAD" if is_out else "HEAD"))
        commit = git("rev-parse", "--short=8", "HEAD")
    except (OSError, subprocess.SubprocessError):
        return None
    return __version__ if is_out and not since else f"{__version__}.{'post' if is_out else 'dev'}{since}+g{commit}"
