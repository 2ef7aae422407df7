#!/usr/bin/env bash
# The .deb for this machine's own Debian or Ubuntu: built from the wheel, and installed over a copy of the machine's root
# that is made of nothing but differences and goes with the process. In there the demo delivers all.
#
#     shipping/installed.sh PYTHON WHEEL FOLDER
#
# Needs root, that system's own Python, and overlays; where they aren't there it says so and is no failure.
set -euo pipefail
skip() {
    echo "skipped: the .deb installed over this machine's root, $1"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "which needs root"
release=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
case $release in bookworm) python=3.11 ;; noble) python=3.12 ;; trixie) python=3.13 ;; *) skip "for which none is made" ;; esac
machine=$(dpkg --print-architecture)
case $machine in amd64) strip=x86_64-linux-gnu-strip ;; arm64) strip=aarch64-linux-gnu-strip ;; *) skip "for which none is made" ;; esac
for each in "/usr/bin/python$python" "$strip" dpkg-deb unshare ip; do
    command -v "$each" >/dev/null || skip "which needs $each"
done
dpkg-query -W python3 systemd debconf ca-certificates >/dev/null 2>&1 || skip "which lacks what the package depends on"
over=$(mktemp -d)
trap 'rmdir "$over"' EXIT
differences() {
    mount -t tmpfs tmpfs "$over" && mkdir "$over/upper" "$over/work" "$over/root" &&
        mount -t overlay overlay -o "lowerdir=/,upperdir=$over/upper,workdir=$over/work" "$over/root"
}
export over
unshare -mn bash -c "$(declare -f differences); differences" 2>/dev/null || skip "which this kernel can't lay over another"

rm -rf "$3"
PATH=/usr/bin:$PATH SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$1" -m shipping.deb "$release" "$machine" "$2" "$3" >/dev/null 2>"$over.log" || {
    cat "$over.log"
    exit 1
}
rm -f "$over.log"
install() {
    differences
    for each in dev proc; do mount --rbind "/$each" "$over/root/$each"; done
    mount -t tmpfs tmpfs "$over/root/run" && ip link set lo up && cp "$1" "$over/root/tocsin.deb"
    chroot "$over/root" sh -ec 'cd / && export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
        dpkg -i tocsin.deb >/run/log 2>&1 || { cat /run/log; exit 1; }
        dpkg --verify tocsin && tocsin --version && tocsin init /etc/tocsin && test -e /etc/tocsin/channels.toml
        tocsin demo --once >/run/log 2>&1 || { cat /run/log; exit 1; }
        dpkg -r tocsin >/run/log 2>&1 && test ! -e /usr/lib/tocsin && echo "the .deb: installed, demo delivered, removed"'
}
unshare -mn bash -euc "$(declare -f differences install); install $3/*.deb"
