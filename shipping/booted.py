"""The .deb under a systemd of its own: installed, killed, hung, rebooted, upgraded and removed, each step timed.

    python -m shipping.booted trixie DEB [NEWER]

Needs root, systemd-nspawn and, the first time, mmdebstrap with a Debian mirror; says so where they aren't there.
Without NEWER the same package is built again under a higher version. The platforms are the sandbox, within the machine.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shipping.deb import ROOT, do

INCLUDED = "systemd,systemd-sysv,dbus,python3,ca-certificates,curl,debconf,init-system-helpers,media-types,procps"
CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
[store]
url = "sqlite:////var/lib/tocsin/tocsin.db"
[sources.manual]
publish = "auto"
[channels.telegram]
kind = "telegram"
api_url = "http://127.0.0.1:8081"
chat = "@saintmartin_alertes"
token = { file = "telegram-token" }
"""
PRIORITIES = """
import json, sys
ranks = {"debug": "7", "info": "6", "warning": "4", "error": "3", "critical": "2"}
found = set()
for line in sys.stdin:
    entry = json.loads(line)
    if isinstance(entry["MESSAGE"], str) and entry["MESSAGE"].startswith("{"):
        level = json.loads(entry["MESSAGE"])["level"]
        assert entry["PRIORITY"] == ranks[level], entry
        found.add(level)
assert {"info", "warning"} <= found, found
"""
CROWD = """
import socket, time
held = [socket.create_connection(("127.0.0.1", 8080)) for _ in range(200)]
time.sleep(10)
"""
READY = "curl -fsS -m 2 -o /dev/null http://127.0.0.1:8080/readyz"


class Machine:
    """A booted root, and the steps that were timed in it."""

    def __init__(self, leader: int) -> None:
        self._leader = leader

    def run(self, line: str, *, check: bool = True) -> str:
        """A line of shell as root in it; returns what it says. Raises where it fails, with what it said."""
        command = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "sh", "-c", line]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        if check and done.returncode:
            sys.exit(f"failed ({done.returncode}): {line}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def until(self, line: str, within: float) -> None:
        """Wait until that line succeeds."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            if self.run(f"if {line}; then echo; echo well; fi 2>/dev/null", check=False).endswith("well\n"):
                return
            time.sleep(0.05)
        sys.exit(f"not within {within} s: {line}\n{self.run('journalctl -n 40 --no-pager', check=False)}")

    def step(self, name: str, work: Callable[[], object]) -> None:
        """Do it and print how long it took."""
        began = time.monotonic()
        work()
        print(f"{time.monotonic() - began:7.2f} s  {name}", flush=True)


def prepared(release: str) -> Path:
    """A root of that Debian, made once in build/roots."""
    root = Path(os.environ.get("TOCSIN_ROOTS") or ROOT / "build" / "roots") / release
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        do("mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}", release, root)
    return root


def _first_process(nspawn: subprocess.Popen[bytes]) -> int:
    """The machine's systemd: a child of systemd-nspawn, which has had others before."""
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    while nspawn.poll() is None:
        for child in children.read_text(encoding="utf-8").split():
            with suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() == "systemd":
                    return int(child)
        time.sleep(0.05)
    sys.exit(f"systemd-nspawn has ended with {nspawn.returncode}")


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Boot it without a network, and end it."""
    command = [
        "systemd-nspawn",
        "--quiet",
        "-D",
        str(root),
        "-b",
        "--private-network",
        "--register=no",
        "--keep-unit",
        "--console=pipe",
    ]
    unified = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=unified) as nspawn:
        try:
            machine = Machine(_first_process(nspawn))
            machine.until("systemctl is-system-running | grep -qE 'running|degraded'", 60)
            machine.run("ip link set lo up", check=False)
            yield machine
            # As `systemctl reboot` would: what begins after it is the next boot.
            machine.run("systemctl --no-block poweroff")
            nspawn.wait(60)
        finally:
            # Asked twice it doesn't wait for what hangs in there.
            for _ in range(2):
                if nspawn.poll() is None:
                    nspawn.terminate()
                    time.sleep(1)


def renewed(deb: Path, folder: Path) -> Path:
    """The same package under the next higher version."""
    name = folder / "newer"
    do("dpkg-deb", "-R", deb, name)
    control = (name / "DEBIAN/control").read_text(encoding="utf-8")
    found = re.search(r"^Version: (.*)$", control, re.MULTILINE)
    old = found[1] if found else sys.exit("no version")
    new = f"{old}+again"
    (name / "usr/lib/tocsin" / old).rename(name / "usr/lib/tocsin" / new)
    for each in [
        *(name / "DEBIAN").iterdir(),
        name / "usr/bin/tocsin",
        name / "usr/lib/tocsin" / new / "bin/tocsin",
        *(name / "usr/lib/systemd/system").glob("*.service"),
    ]:
        each.write_text(each.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    made = folder / f"tocsin_{new}.deb"
    do("dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "--build", name, made)
    return made


def post(machine: Machine, headline: str, wait: str = "--wait=30s") -> None:
    """An urgent alert, and its delivery with it."""
    grave = "--severity Severe --urgency Immediate --instruction 'Restez chez vous.'"
    machine.run(f"tocsin post --headline '{headline}' {grave} {wait}")


def sent(machine: Machine, count: int) -> None:
    """Wait until so many posts are sent."""
    machine.until(f'test $(tocsin db export | grep -c \'"state": *"sent"\') -ge {count}', 60)


def upgraded(machine: Machine, deb: str) -> None:
    """Install another version while it is asked all the time; prints for how long nobody answered."""
    probe = f"while :; do {READY} 2>/dev/null || date +%s.%N; sleep 0.05; done >/run/gap & echo $! >/run/probe"
    machine.run(f"nohup sh -c '{probe}' >/dev/null 2>&1 &")
    machine.run(f"dpkg -i {deb}")
    machine.until(READY, 60)
    machine.run("kill $(cat /run/probe)")
    silent = [float(each) for each in machine.run("cat /run/gap").split()]
    print(f"{max(silent) - min(silent) if silent else 0:7.2f} s    of the next without an answer", flush=True)


def sandbox(machine: Machine) -> None:
    """Start the platforms' stand-ins there."""
    machine.run("systemd-run --quiet -u sandbox -p User=tocsin $(sed -n 's/^program=//p' /usr/bin/tocsin) sandbox")
    machine.until("curl -fsS -o /dev/null http://127.0.0.1:8081/", 60)


def lives(machine: Machine) -> None:
    """Installed, set up, started, killed and hung: nothing that was posted is lost."""
    run, step = machine.run, machine.step

    def fell(signal: str, seen: str) -> None:
        run(f"systemctl kill -s {signal} --kill-whom=main tocsin")
        machine.until(seen, 90)
        machine.until(READY, 60)

    step("install", lambda: run("dpkg -i /root/old.deb"))
    run("! systemctl is-active tocsin")
    run(f"cat >/etc/tocsin/channels.toml <<'X'\n{CHANNELS}\nX")
    run("printf 1234567:sandbox-telegram-token >/etc/credstore/telegram-token; chmod 600 /etc/credstore/*")
    sandbox(machine)
    step("check --live, not as root", lambda: run("tocsin check --live"))
    step("start", lambda: run("systemctl start tocsin"))
    step("post while it runs", lambda: post(machine, "Coupure d’eau"))
    step("stop", lambda: run("systemctl stop tocsin"))
    post(machine, "Chute d’arbre", wait="")
    step("start", lambda: run("systemctl start tocsin"))
    step("what was posted meanwhile is sent", lambda: sent(machine, 2))
    step("killed: it answers again", lambda: fell("KILL", f"! {READY}"))
    hung = "journalctl -u tocsin --no-pager | grep -q 'Watchdog timeout'"
    step("hung: it answers again", lambda: fell("STOP", hung))
    run(f"systemctl kill -s HUP tocsin && {READY}")
    run("systemctl stop sandbox")
    post(machine, "Panne d’une plateforme", wait="")
    machine.until("journalctl -qu tocsin -p warning | grep -q telegram", 60)
    sandbox(machine)
    step("what a platform missed is sent", lambda: sent(machine, 3))
    run(f"journalctl -u tocsin -o json | python3 -c '{PRIORITIES}'")
    step("nightly copy", lambda: run("systemctl start tocsin-backup && ls /var/lib/tocsin/backups/tocsin-*.db"))
    run("systemctl is-active tocsin-backup.timer")
    print(
        "          "
        + " ".join(
            run("grep -E 'VmRSS|VmHWM' /proc/$(systemctl show tocsin -p MainPID --value)/status", check=False).split()
        )
    )
    step("doctor", lambda: run("tocsin doctor", check=False))


def limited(machine: Machine) -> None:
    """With few files, and with too little memory: an alert goes out, and the daemon comes back by itself."""
    run, step = machine.run, machine.step

    def limit(line: str, *then: str) -> None:
        run("mkdir -p /run/systemd/system/tocsin.service.d")
        run(f"printf '[Service]\\n{line}\\n' >/run/systemd/system/tocsin.service.d/limit.conf; systemctl daemon-reload")
        for each in ("systemctl --no-block restart tocsin", *then):
            run(each)

    def crowded() -> None:
        limit("LimitNOFILE=128", "sleep 1")
        machine.until(READY, 60)
        run(f"nohup python3 -c '{CROWD}' >/dev/null 2>&1 & sleep 1")
        post(machine, "Foule à la porte")

    def starved() -> None:
        limit("LimitDATA=16M")
        machine.until("test $(systemctl show tocsin -p NRestarts --value) -ge 2", 60)
        limit("Nice=0")
        machine.until(READY, 60)

    step("128 files, 200 connections: an alert is sent", crowded)
    step("16 MB of memory, then enough: it answers", starved)
    run("rm -r /run/systemd/system/tocsin.service.d && systemctl daemon-reload && systemctl restart tocsin")
    machine.until(READY, 60)
    sent(machine, 4)


def fleet(machine: Machine) -> None:
    """The unit of many towns: two of them in one process, and one that comes while it runs."""
    run, step = machine.run, machine.step

    def town(name: str) -> str:
        folder = f"/var/lib/tocsin/towns/{name}"
        run(f"install -d -o tocsin -g tocsin /var/lib/tocsin/towns {folder}")
        run(f"sed s,/var/lib/tocsin/,{folder}/, /etc/tocsin/channels.toml >{folder}/channels.toml")
        run(f"cp /etc/credstore/telegram-token {folder} && chown tocsin:tocsin {folder}/*")
        return f"{folder}/channels.toml"

    def joined() -> None:
        file = town("crolles")
        run("systemctl reload tocsin-fleet")
        run(f"tocsin --config {file} post --headline 'Chute de neige' --wait=30s")

    run("systemctl stop tocsin")
    first = town("meylan")
    step("fleet: start", lambda: run("systemctl start tocsin-fleet"))
    step("fleet: post", lambda: run(f"tocsin --config {first} post --headline 'Vent fort' --wait=30s"))
    step("fleet: a town comes, and posts", joined)
    run("systemctl stop tocsin-fleet && rm -r /var/lib/tocsin/towns && systemctl start tocsin")


def goes(machine: Machine) -> None:
    """Upgraded, put back, restored, removed and purged."""
    run, step = machine.run, machine.step
    step("upgrade", lambda: upgraded(machine, "/root/new.deb"))
    copy = run("ls /var/lib/tocsin/backups/before-upgrade-from-*.db").strip()
    post(machine, "Incendie")
    step("downgrade", lambda: upgraded(machine, "/root/old.deb"))
    post(machine, "Verglas")
    sent(machine, 7)
    step("restore", lambda: run(f"systemctl stop tocsin && tocsin db restore {copy} && systemctl start tocsin"))
    sent(machine, 5)
    step("remove", lambda: run("dpkg -r tocsin"))
    run("test -e /var/lib/tocsin/tocsin.db && test -e /etc/tocsin/channels.toml && ! test -e /usr/lib/tocsin")
    run("echo 'tocsin tocsin/purge-data boolean true' | debconf-set-selections")
    step("purge, and the data with it", lambda: run("DEBIAN_FRONTEND=noninteractive dpkg -P tocsin"))
    run("! test -e /var/lib/tocsin && ! test -e /etc/tocsin")


def main(release: str, old: Path, newer: Path | None = None) -> None:
    """The whole story on a fresh copy of the root."""
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn") or not shutil.which("mmdebstrap"):
        print(f"skipped: {release} isn't booted, which needs root, systemd-nspawn and mmdebstrap")
        return
    roots = prepared(release).parent
    with (roots / "lock").open("w") as lock, tempfile.TemporaryDirectory(dir=roots) as name:
        # One machine at a time: two that aren't registered share their control groups, and end each other's services.
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = Path(name) / "root"
        do("cp", "-a", "--reflink=auto", prepared(release), root)
        shutil.copy(old, root / "root/old.deb")
        shutil.copy(newer or renewed(old, Path(name)), root / "root/new.deb")
        with booted(root) as machine:
            lives(machine)
            limited(machine)
            fleet(machine)
            machine.run("systemctl enable tocsin")
            post(machine, "Avant la nuit", wait="")
        began = time.monotonic()
        with booted(root) as machine:
            sandbox(machine)
            machine.until(READY, 60)
            print(f"{time.monotonic() - began:7.2f} s  rebooted: it answers again", flush=True)
            sent(machine, 5)
            goes(machine)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
