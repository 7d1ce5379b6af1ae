"""A stand-in for a CompreFace: what its documentation says it answers, from folders of pictures."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

API_KEY = "00000000-0000-0000-0000-000000000002"
BEGINNING = "/api/v1/recognition/"


@contextmanager
def running_compreface(people: Mapping[str, list[bytes]]) -> Iterator[str]:
    """Its URL. people: subject -> JPEG bytes of its examples."""
    examples = {str(uuid4()): (subject, data) for subject, pictures in people.items() for data in pictures}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if self.headers.get("x-api-key") != API_KEY:
                self._send(401, {"message": "Api key is not valid", "code": 401})
            elif parts.path == f"{BEGINNING}subjects":
                self._send(200, {"subjects": list(people)})
            elif parts.path == f"{BEGINNING}faces":
                query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
                self._send(200, self._page(query.get("page", 0), query.get("size", 20)))
            else:
                image_id = unquote(parts.path.removeprefix(f"{BEGINNING}faces/").removesuffix("/img"))
                self._send(200, examples[image_id][1])

        def _page(self, number: int, size: int) -> dict[str, Any]:
            rows = [{"image_id": key, "subject": subject} for key, (subject, _) in examples.items()]
            return {
                "faces": rows[number * size : (number + 1) * size],
                "page_number": number,
                "page_size": size,
                "total_pages": -(-len(rows) // size),
                "total_elements": len(rows),
            }

        def _send(self, status: int, answer: dict[str, Any] | bytes) -> None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "image/jpeg" if isinstance(answer, bytes) else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
