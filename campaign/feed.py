"""A feed of CAP messages on loopback: an index that grows, and the messages that it names; other pages beside it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from alerts.model.alert import Alert
from alerts.model.cap import write

_HEAD = '<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:campaign</id><title>Crues</title>'


class Loopback(ThreadingHTTPServer):
    """Answers on loopback, at a free port, with that handler; a client that goes before its answer is no error.

    The standard library would print a traceback from the client's thread. With Python 3.11 that parses source, and
    fails what another thread parses at that moment (SystemError: AST constructor recursion depth mismatch).
    """

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of any other error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Feed:
    """Serves what was told until now. Every entry stays, so that none is missed while nobody looks."""

    def __init__(self) -> None:
        self._messages: dict[str, bytes] = {}
        self._entries: list[str] = []
        self._pages: dict[str, bytes] = {}
        feed = self

        class Handler(BaseHTTPRequestHandler):
            """Answers one request."""

            def do_GET(self) -> None:
                """The index, or one message."""
                body = feed.body_of(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def do_POST(self) -> None:
                """The same, whatever was said."""
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self._server = Loopback(Handler)
        self.place = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.place}/index"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def tell(self, alert: Alert) -> None:
        """Put one message into the index."""
        name = alert.identifier
        self._messages[name] = write(alert)
        self._entries.append(
            f"<entry><id>urn:campaign:{name}</id><updated>{alert.sent.isoformat()}</updated>"
            f'<link type="application/cap+xml" href="/{name}.xml"/></entry>'
        )

    def show(self, path: str, body: bytes) -> None:
        """Answer with this at that path from now on."""
        self._pages[path] = body

    def body_of(self, path: str) -> bytes | None:
        """What stands at a path."""
        if (page := self._pages.get(path.partition("?")[0])) is not None:
            return page
        if path == "/index":
            return f"{_HEAD}{''.join(self._entries)}</feed>".encode()
        return self._messages.get(path.removeprefix("/").removesuffix(".xml"))

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
