"""A stand-in for pypi.org's advisories, on the loopback address: pip-audit takes it for a proxy that leads there."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.certificates import make_certificate

HOST = "pypi.org"


@contextmanager
def advisory_service(folder: Path, known: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[dict[str, str]]:
    """The environment in which pip-audit asks it. known: package -> its vulnerabilities; it answers 404 for others."""
    certificate, key = make_certificate(folder, HOST, host=HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Answers(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:  # http.server's name, here and below
            """From here on this is pypi.org."""
            self.send_response(200)
            self.end_headers()
            self.rfile.close()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def do_GET(self) -> None:
            package = self.path.split("/")[2]  # /pypi/<package>/<version>/json
            body = json.dumps({"vulnerabilities": known.get(package, [])}).encode()
            self.send_response(200 if package in known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def log_message(self, format: str, *args: Any) -> None:  # http.server's name
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = False  # closing waits for them
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {
                "HTTPS_PROXY": f"http://127.0.0.1:{server.server_port}",
                "REQUESTS_CA_BUNDLE": str(certificate),
                "PIP_CACHE_DIR": str(folder / "cache"),
                "NO_PROXY": "",
            }
        finally:
            server.shutdown()
            thread.join()
