"""Build tocsin's .deb for a Debian or Ubuntu release.

It needs pip, dpkg-deb, binutils for the package's machine and that release's Python, and not root.

    python -m shipping.deb trixie amd64 WHEEL FOLDER

The package has an environment of its own in /usr/lib/tocsin/VERSION: a running daemon loads some modules only when it
needs them, so the next version must not take their place. Two runs with one SOURCE_DATE_EPOCH make the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path

from shipping.papers import licences, used

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "shipping" / "deb"
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
RELEASES = {"bookworm": ("3.11", "deb12"), "noble": ("3.12", "ubuntu24.04"), "trixie": ("3.13", "deb13")}
"""The Python of each release, and what a version ends with there: an upgrade of the system brings the later one."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC = (17, 24, 26, 27, 28, 31, 34)
"""The manylinux tags, by the C library's minor version, that Debian 12's 2.36 and later ones can run."""
UNUSED = (
    *("alembic/testing", "lxml/html", "lxml/isoschematron", "mako/testing", "numpy/f2py", "numpy/random"),
    *("sqlalchemy/testing", "telegram/ext"),
)
"""Packages within packages that nothing of ours imports, which a test finds out by importing all of ours."""
UNREAD = (
    *("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "*.a", "objectify.*.so"),
    *("SourceSansPro-*.otf", "SourceSansPro-*It.ttf", "_avif.*.so", "libavif-*"),
)
"""Files that nothing of ours reads: sources, fonts' other forms, and AVIF, in which no picture is taken."""
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


def do(*command: str | Path, **variables: str) -> None:
    """Run a command of ours; raises CalledProcessError where it fails."""
    subprocess.run([*map(str, command)], check=True, env=os.environ | variables)


def debian_version(wheel: Path, release: str) -> str:
    """`1.0.0+deb13`; a commit before a release sorts before it, one after it behind it."""
    version = wheel.name.split("-")[1]
    sorting = re.sub(r"[.]post(\d+)[+]", r"+post\1.", version).replace(".dev", "~dev")
    return f"{sorting}+{RELEASES[release][1]}"


def install(python: str, machine: str, wheel: Path, target: Path) -> None:
    """Put the locked packages that a daemon uses and the wheel into `target`, for that Python and machine."""
    pip: Sequence[str] = [
        *(sys.executable, "-m", "pip", "--python", shutil.which(f"python{python}") or f"python{python}", "install"),
        *("--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary=:all:"),
        *(f"--platform=manylinux2014_{machine}", f"--python-version={python}", "--implementation=cp"),
        *(f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC),
        f"--target={target}",
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
        lock.writelines(each.text for each in used(LOCK))
        lock.flush()
        do(*pip, "--require-hashes", "-r", lock.name)
    do(*pip, wheel)
    # pip notes where the wheel lay, which says nothing on another machine and differs between builds.
    for each in target.glob("*.dist-info/direct_url.json"):
        each.unlink()
        record = each.with_name("RECORD")
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if "/direct_url.json," not in line), encoding="utf-8")


def thin(packages: Path, strip: str) -> None:
    """Take away what no daemon reads, with debug symbols and other languages' calendars; `strip` is binutils'."""
    useless = ("bin", "share", *UNUSED)
    for each in [*packages.rglob("tests"), *(packages / name for name in useless)]:
        shutil.rmtree(each, ignore_errors=True)
    for pattern in UNREAD:
        for each in packages.rglob(pattern):
            each.unlink()
    for each in packages.rglob("*.so*"):
        do(strip, "--strip-unneeded", "--remove-section=.comment", each)
    for each in (packages / "babel/locale-data").glob("*.dat"):
        if each.stem.partition("_")[0] not in {"root", "en", "fr"}:
            each.unlink()
    for each in sorted(packages.rglob("*"), reverse=True):
        if each.is_dir() and not any(each.iterdir()):
            each.rmdir()


def environment(python: str, folder: Path, machine: str, wheel: Path, root: Path) -> Path:
    """`python -m venv` in `folder` below `root`, with no need of running that Python there; returns its packages."""
    there = root / folder.relative_to("/")
    packages = there / "lib" / f"python{python}" / "site-packages"
    packages.mkdir(parents=True)
    install(python, machine, wheel, packages)
    thin(packages, f"{machine}-linux-gnu-strip")
    (there / "bin").mkdir()
    (there / "bin/python").symlink_to(f"../../../../bin/python{python}")
    (there / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n", encoding="utf-8")
    start = f"#!{folder}/bin/python\nfrom alerts.cli import main\n\nmain()\n"
    (there / "bin/tocsin").write_text(start, encoding="utf-8")
    # Bytecode that is never compared with its source: a file's time is no part of it.
    unchecked = ("-q", "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/")
    do(f"python{python}", "-m", "compileall", *unchecked, packages, PYTHONHASHSEED="0")
    return packages


def fill(root: Path, folder: Path, values: dict[str, str]) -> None:
    """The hand-written files below `root`, and the checkout's units, with `values` for their @NAMES@."""
    units = root / "usr/lib/systemd/system"
    written = [
        (HERE / "tocsin", root / "usr/bin/tocsin"),
        (HERE / "sysusers.conf", root / "usr/lib/sysusers.d/tocsin.conf"),
        (HERE / "tmpfiles.conf", root / "usr/lib/tmpfiles.d/tocsin.conf"),
        (HERE / "lintian-overrides", root / "usr/share/lintian/overrides/tocsin"),
        (HERE / "condition.conf", units / "tocsin.service.d/set-up.conf"),
        (HERE / "condition.conf", units / "tocsin-backup.service.d/set-up.conf"),
        *((each, units / each.name) for each in (ROOT / "systemd").iterdir()),
        *((HERE / name, root / "DEBIAN" / name) for name in ("control", "templates", *SCRIPTS)),
    ]
    for source, target in written:
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8").replace("/opt/tocsin/bin", f"{folder}/bin")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        target.write_text(text, encoding="utf-8")


def papers(root: Path, packages: Path, version: str, epoch: int) -> None:
    """/usr/share/doc/tocsin: the changelog, and the licence of each package with its text."""
    folder = root / "usr/share/doc/tocsin"
    folder.mkdir(parents=True)
    by = f" -- Tocsin <tocsin@tocsin.example>  {formatdate(epoch)}"
    entry = f"tocsin ({version}) stable; urgency=medium\n\n  * See CHANGELOG.md of the release.\n\n{by}\n"
    with gzip.GzipFile(folder / "changelog.gz", "wb", mtime=0) as file:
        file.write(entry.encode())
    own = "Tocsin is under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0\n\n"
    (folder / "copyright").write_text(own + licences(LOCK, packages), encoding="utf-8")


def size(root: Path) -> int:
    """KiB below `root`, as dpkg-gencontrol counts them, which apt tells beside what the disk has left."""
    return sum(1 if each.is_dir() else -(-each.lstat().st_size // 1024) for each in root.rglob("*"))


def sums(root: Path) -> None:
    """DEBIAN/md5sums, by which `dpkg --verify tocsin` finds a file that was changed since."""
    files = (each for each in sorted(root.rglob("*")) if each.is_file() and not each.is_symlink())
    named = ((each, each.relative_to(root)) for each in files if (root / "DEBIAN") not in each.parents)
    lines = [f"{hashlib.md5(each.read_bytes(), usedforsecurity=False).hexdigest()}  {name}\n" for each, name in named]
    (root / "DEBIAN/md5sums").write_text("".join(lines), encoding="utf-8")


def build(release: str, architecture: str, wheel: Path, folder: Path) -> Path:
    """Build it into `folder`; returns the package."""
    python, epoch = RELEASES[release][0], int(os.environ.get("SOURCE_DATE_EPOCH", "1577836800"))
    version, minor = debian_version(wheel, release), int(python.removeprefix("3."))
    folder.mkdir(parents=True, exist_ok=True)
    made, own = folder / f"tocsin_{version}_{architecture}.deb", Path("/usr/lib/tocsin") / version
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "root"
        packages = environment(python, own, MACHINES[architecture], wheel, root)
        papers(root, packages, version, epoch)
        values = {"VERSION": version, "ARCHITECTURE": architecture, "PYTHON": python, "NEXT_PYTHON": f"3.{minor + 1}~"}
        fill(root, own, values | {"SIZE": str(size(root))})
        sums(root)
        programs = {root / "usr/bin/tocsin", root / own.relative_to("/") / "bin/tocsin"}
        programs |= {root / "DEBIAN" / script for script in SCRIPTS}
        for each in (root, *root.rglob("*")):
            if not each.is_symlink():
                each.chmod(0o755 if each.is_dir() or each in programs else 0o644)
            os.utime(each, (epoch, epoch), follow_symlinks=False)
        do("dpkg-deb", "--root-owner-group", "-Zzstd", "-z9", "--build", root, made, SOURCE_DATE_EPOCH=str(epoch))
    return made


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("release", choices=RELEASES)
    options.add_argument("architecture", choices=MACHINES)
    options.add_argument("wheel", type=Path)
    options.add_argument("folder", type=Path)
    build(**vars(options.parse_args()))
