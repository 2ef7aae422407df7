"""`make release`: all files of a release, from the commit that is checked out, into one folder.

    python -m shipping dist [--key KEY]

Wheel and source archive, a .deb for each Debian whose Python this machine has, the lock, licences, bill of materials,
the container's and the monitoring files, notes, and their sums; with a key, the sums' signature. Needs the package
index, and nothing else of the network.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from alerts import version
from shipping.deb import LOCK, MACHINES, RELEASES, ROOT, build, do
from shipping.papers import bill, licences


def notes() -> str:
    """CHANGELOG.md's section of the newest version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.split(r"^## \[(?!Unreleased)", text, flags=re.MULTILINE)[1].partition("\n")[2].strip() + "\n"


def debs(wheel: Path, folder: Path, architectures: list[str]) -> None:
    """Each package that this machine can build; one that it can't is named."""
    for release, (python, _) in RELEASES.items():
        if not (found := shutil.which(f"python{python}")) or subprocess.run([found, "-c", ""], check=False).returncode:
            print(f"no .deb for {release}: python{python} isn't here")
            continue
        for architecture in architectures:
            print(build(release, architecture, wheel, folder))


def release(folder: Path, key: Path | None, architectures: list[str]) -> None:
    """Make all of it in `folder`, which must be empty or new."""
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder}: not empty; name a new folder")
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True).stdout:
        sys.exit("the checkout has changes: a release is what a commit has")
    stamp = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, check=True, text=True)
    os.environ["SOURCE_DATE_EPOCH"] = stamp.stdout.strip()
    do(sys.executable, "-m", "hatchling", "build", "-d", folder.absolute())
    [wheel] = folder.glob("*.whl")
    debs(wheel, folder, architectures)
    packages = Path(sysconfig.get_path("purelib"))
    name = f"tocsin-{version()}"
    (folder / f"{name}.cdx.json").write_text(bill(LOCK, packages, version(), int(stamp.stdout)), encoding="utf-8")
    (folder / f"{name}-licences.txt").write_text(licences(LOCK, packages), encoding="utf-8")
    (folder / f"{name}-notes.md").write_text(notes(), encoding="utf-8")
    shutil.copy(ROOT / "requirements.lock", folder)
    here = ROOT / "shipping"
    for each in (here / "Containerfile", here / "compose.yaml", *sorted((here / "monitoring").iterdir())):
        shutil.copy(each, folder)
    sums = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    if key is None:
        print("not signed: make release KEY=~/.ssh/release")
    else:
        do("ssh-keygen", "-Y", "sign", "-n", "file", "-f", key, folder / "SHA256SUMS")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--key", type=Path)
    options.add_argument("--architectures", nargs="*", default=list(MACHINES), choices=MACHINES)
    release(**vars(options.parse_args()))
