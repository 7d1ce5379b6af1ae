from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback

import pytest
from django.conf import settings

from facesite.logs import LIBRARY_LINES, JsonFormatter, NotRoutine, TextFormatter, log_action, logging_config
from facesite.server import Socket


def formatted(message: str, *args: object, exc_info: object = None, **extra: object) -> dict:
    record = logging.LogRecord("facesite", logging.ERROR, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]
    record.__dict__.update(extra)
    return json.loads(JsonFormatter().format(record))


class TestJsonFormatter:
    def test_is_one_json_object_with_time_level_logger_and_message(self):
        entry = formatted("started %d", 3, data={"sockets": 2})
        assert (entry["level"], entry["logger"], entry["message"], entry["sockets"]) == (
            "error",
            "facesite",
            "started 3",
            2,
        )
        assert entry["time"].endswith("+00:00")

    def test_drops_query_strings(self):
        assert formatted("Not found: /people/?q=Anna")["message"] == "Not found: /people/"

    def test_keeps_the_values_of_exceptions_out(self):
        try:
            raise ValueError("Duplicate entry 'Anna Karenina'")
        except ValueError as error:
            entry = formatted("Exception inside application: %s", error, exc_info=sys.exc_info())
        assert "Anna" not in json.dumps(entry)
        assert entry["message"] == "Exception inside application: ValueError"
        assert entry["exception"] == "builtins.ValueError"
        assert "test_keeps_the_values_of_exceptions_out" in entry["stack"][-1]

    def test_keeps_them_out_of_an_exception_that_was_logged_as_text(self):
        try:
            raise ValueError("Duplicate entry 'Anna Karenina'")
        except ValueError:
            entry = formatted(traceback.format_exc())
        assert "Anna" not in json.dumps(entry)
        assert entry["message"] == "An exception."
        assert entry["stack"][-1].endswith("test_keeps_them_out_of_an_exception_that_was_logged_as_text")


class TestOnATerminal:
    def test_a_line_is_text_with_the_facts_of_its_event(self):
        record = logging.LogRecord("facesite", logging.WARNING, __file__, 1, "Not found: /a/?q=Anna", (), None)
        record.__dict__["data"] = {"sockets": 2}
        line = TextFormatter().format(record)
        assert line.endswith(" WARNING facesite: Not found: /a/ sockets=2")

    def test_the_values_of_exceptions_stay_out(self):
        try:
            raise ValueError("Duplicate entry 'Anna Karenina'")
        except ValueError as error:
            record = logging.LogRecord("facesite", logging.ERROR, __file__, 1, "Failed: %s", (error,), sys.exc_info())
        line = TextFormatter().format(record)
        assert "Anna" not in line
        assert "Failed: ValueError exception=builtins.ValueError\n    " in line
        assert line.endswith("test_the_values_of_exceptions_stay_out")

    @pytest.mark.parametrize(("status", "shown"), [(200, False), (404, False), (500, True)])
    def test_requests_that_were_answered_are_no_lines(self, status, shown):
        record = logging.LogRecord("facesite.access", logging.INFO, __file__, 1, "request", (), None)
        record.__dict__["data"] = {"status": status}
        assert NotRoutine().filter(record) is shown

    def test_the_terminal_decides_unless_the_setting_does(self, monkeypatch):
        def form_of(wanted):
            return logging_config(debug=False, form=wanted)["handlers"]["console"]["formatter"]

        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        assert (form_of(None), form_of("json")) == ("text", "json")
        monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
        assert (form_of(None), form_of("text")) == ("json", "text")


LIBRARIES = f"""
import logging, logging.config, os, sys
from facesite.logs import logging_config, native_lines_logged
logging.config.dictConfig(logging_config(debug=False))
with native_lines_logged():
    for number in range({LIBRARY_LINES} + 5):
        os.write(2, b"Corrupt JPEG data: %d\\n" % number)
    print("from Python", file=sys.stderr)
    logging.getLogger("facesite").info("from us")
os.write(2, b"as before\\n")
"""


class TestLibraries:
    def test_what_they_write_past_the_log_becomes_a_few_of_its_lines(self):
        command = [sys.executable, "-c", LIBRARIES]
        done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60, check=True)
        lines = done.stderr.splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        texts = [entry["text"] for entry in entries if entry["message"] == "library_said"]
        assert texts == [f"Corrupt JPEG data: {number}" for number in range(LIBRARY_LINES)]
        assert [entry["message"] for entry in entries if "text" not in entry] == ["from us"]
        assert [line for line in lines if not line.startswith("{")] == ["from Python", "as before"]

    def test_daphne_has_no_address_to_log(self):
        socket = Socket()
        socket.client_addr, socket.path = ["192.0.2.7", 4711], b"/ws/verification/"
        assert repr(socket) == "<Socket b'/ws/verification/'>"


class TestLogAction:
    def test_leaves_out_address_and_query(self, caplog):
        caplog.set_level(logging.INFO, "facesite.access")
        details = {"path": "/people/?q=Anna", "method": "GET", "status": 200, "size": 5, "time_taken": 0.01}
        log_action("http", "complete", details | {"client": "192.0.2.7:4711"})
        [record] = caplog.records
        assert record.data == {
            "protocol": "http",
            "action": "complete",
            "path": "/people/",
            "method": "GET",
            "status": 200,
            "bytes": 5,
            "ms": 10.0,
        }
