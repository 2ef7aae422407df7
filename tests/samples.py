"""Where the real-world samples are: beside the checkout in CI, perhaps nowhere on a stranger's machine."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(relative: str) -> Path:
    """The sample at `relative`, or skip the test (in CI: fail) where the samples are not installed."""
    path = SHARED / relative
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"the sample {relative} is missing in CI")
        pytest.skip(f"needs the real-world sample {relative} in ../shared/data, which this machine doesn't have")
    return path


@cache
def conformance(name: str) -> dict[str, Any] | None:
    """Cases of twitter-text's own tests, by section; None where the samples are not installed."""
    path = SHARED / "twitter-text" / "conformance" / f"{name}.yml"
    if not path.exists():
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C, where there is libyaml, is ten times as fast
    cases: dict[str, Any] = yaml.load(path.read_text("utf-8"), loader)["tests"]
    return cases
