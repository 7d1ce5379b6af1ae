"""What the OpenAPI document promises, asked with made-up requests by schemathesis, with keys of every scope."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.bodies import IMAGE_TYPES
from api.limits import key_limits
from api.urls import api
from security.keys.scopes import Scope
from tests.support.api import Program
from tests.verification.conftest import ADA

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
SITE = "http://testserver"
EXAMPLES = 6
"""Of each operation, for each key: some 700 requests in all."""


@schemathesis.serializer(*sorted(IMAGE_TYPES))
def as_it_is(ctx: Any, value: Any) -> bytes:
    return bytes(value) if isinstance(value, (bytes, bytearray)) else str(value).encode()


def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    return made


def operations() -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(document())
    schema.config.update(base_url=SITE)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def send(case: Any, secret: str) -> schemathesis.Response:
    """By Django's client, in this process; the answer as schemathesis knows answers."""
    asked = requests.Request(**case.as_transport_kwargs(base_url=SITE)).prepare()
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in ("host", "content-length")}
    headers["Authorization"] = f"Bearer {secret}"
    kind = headers.pop("Content-Type", "")
    body = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
    assert asked.url
    assert asked.method
    path = asked.url.removeprefix(SITE)
    got = Client(raise_request_exception=False).generic(asked.method, path, body, content_type=kind, headers=headers)
    told = {name.lower(): [value] for name, value in got.headers.items()}
    return schemathesis.Response(got.status_code, told, got.content, asked, elapsed=0.0, verify=False)


@pytest.mark.parametrize("scope", [*Scope, None], ids=lambda scope: scope.value if scope else "without a key")
def test_no_answer_is_a_fault_or_undocumented(scope, transactional_db, engine, picture):
    everybody = Program(*Scope)
    ada = everybody.enrol("Ada", picture(ADA, 1))
    secret = Program(scope, requests_per_minute=60_000).secret if scope else ""
    key_limits.reset()
    for operation in operations():

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), real=st.booleans())
        def ask(case: Any, real: bool) -> None:
            if real and "person" in (case.path_parameters or {}):
                case.path_parameters["person"] = ada
            if real and "person" in (case.query or {}):
                case.query["person"] = ada
            if real and case.media_type in IMAGE_TYPES:
                case.body = picture(ADA, 2)
            case.validate_response(send(case, secret), checks=list(CHECKS))

        ask()


def test_the_document_is_openapi_31_and_names_a_problem_for_every_operation():
    made = document()
    assert made["openapi"].startswith("3.1")
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            for status in ("401", "403", "422", "429", "503"):
                assert "application/problem+json" in operation["responses"][status]["content"], (path, method, status)
