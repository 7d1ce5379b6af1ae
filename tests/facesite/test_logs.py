from __future__ import annotations

import json
import logging
import sys

from facesite.logs import JsonFormatter, log_action


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
