"""Where the real-world samples are: beside the checkout in CI, perhaps nowhere on a stranger's machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(relative: str) -> Path:
    """The sample at `relative`, or skip the test (in CI: fail) where the samples are not installed."""
    path = SHARED / relative
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"the sample {relative} is missing in CI")
        pytest.skip(f"needs the real-world sample {relative} in ../shared/data, which this machine doesn't have")
    return path
