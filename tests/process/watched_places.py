"""What a watched town meets: a watch elsewhere, a feed that keeps it waiting, a port without TLS, a full disk."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from campaign.feed import Loopback

SIZE = "3m"


class _Server:
    """An HTTP server on a port of the system's choice, in a thread of its own."""

    def __init__(self) -> None:
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = Loopback(Handler)
        self._server.daemon_threads = True
        self.number = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.number}/ping/1234"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = b"ok"
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class PlainPort(_Server):
    """Speaks HTTP where TLS is asked for."""


class Heart(_Server):
    """The watch elsewhere: it counts the calls."""

    beats = 0

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.beats += 1
        super().answer(request)


class SlowFeed(_Server):
    """A feed that takes the request and says nothing until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        self._released.wait(60)
        with contextlib.suppress(OSError):
            body = b'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x</id><title>t</title></feed>'
            request.send_response(200)
            request.send_header("Content-Type", "application/atom+xml")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

    def __exit__(self, *_: object) -> None:
        self.release()
        super().__exit__()


class Disk:
    """A small disk mounted at `folder`, where this machine lets us; else only what a process may write is limited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = False

    def __enter__(self):
        self.folder.mkdir()
        mount = shutil.which("mount")
        if mount is not None and os.geteuid() == 0:
            command = [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.folder)]
            self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)

    @contextlib.contextmanager
    def full(self, pid: int) -> Iterator[None]:
        """Nothing more can be written: by anybody where the disk is ours, else by this process."""
        if self.mounted:
            filler = self.folder / "filler"
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(512))
            yield
            filler.unlink()
            return
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        yield
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Nobody may write; nothing on it may be open."""
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)
            yield
            subprocess.run(["mount", "-o", "remount,rw", str(self.folder)], check=True)
            return
        if os.geteuid() == 0:
            pytest.skip("root may write everywhere, and nothing can be mounted here")
        self.folder.chmod(0o555)
        for file in self.folder.iterdir():
            file.chmod(0o444)
        yield
        self.folder.chmod(0o755)
        for file in self.folder.iterdir():
            file.chmod(0o644)
