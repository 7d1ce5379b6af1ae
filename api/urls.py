"""The addresses below api/v1/. The OpenAPI document is made from the same functions that answer."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.parser import Parser

from api import attendance, history, live_sessions, people, recognition
from api.problems import ApiReason, Problem, code_of_status, problem_of, response_of
from api.schemas import ProblemOut
from api.webhooks import endpoints

JSON = "application/json"


class JsonBodies(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != JSON:
            raise Problem(415, ApiReason.MEDIA_TYPE_UNSUPPORTED, f"Send {JSON}.")
        return super().parse_body(request)


class OwnPage(DocsBase):
    """Swagger UI from this site's own files, without a line of script in the page: the site's CSP holds here too."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return render(request, "api/docs.html", {"document": self.get_openapi_url(api, kwargs)})


class Api(NinjaAPI):
    def get_openapi_schema(self, **kwargs: Any) -> Any:
        """With the schema of problems, which no operation returns as its own answer."""
        made = super().get_openapi_schema(**kwargs)
        made["components"]["schemas"]["ProblemOut"] = ProblemOut.model_json_schema()
        return made


api = Api(
    title="facesite",
    version="1",
    description=(
        "Who is on a picture, is it this person, and who is enrolled. Every score comes with its threshold, the rate "
        "of wrong matches that it stands for, and the reasons. docs/api.md has examples."
    ),
    docs=OwnPage(),
    urls_namespace="api",
    parser=JsonBodies(),
)
for router in (
    people.router,
    recognition.router,
    live_sessions.router,
    history.router,
    attendance.router,
    endpoints.router,
):
    api.add_router("", router)


@api.exception_handler(Exception)
def answer_with_problem(request: HttpRequest, error: Exception) -> HttpResponse:
    """Whatever is no fault of ours. What is one goes on to Django, which logs it."""
    problem = problem_of(error)
    if problem is None:
        raise error
    return response_of(problem)


@api.exception_handler(ValidationError)
def answer_with_errors(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"where": [str(part) for part in each["loc"]], "what": str(each["msg"])} for each in error.errors]
    problem = Problem(422, ApiReason.REQUEST_INVALID, _sentence_of(errors), errors=errors)
    return response_of(problem)


@api.exception_handler(HttpError)
def answer_with_status(request: HttpRequest, error: HttpError) -> HttpResponse:
    """ninja's own refusals. A body that is no JSON is 422 like one of a wrong form."""
    if isinstance(error.__cause__, Exception) and (problem := problem_of(error.__cause__)):
        return response_of(problem)
    status = 422 if error.status_code == 400 else error.status_code
    sentence = "The body is no valid JSON." if error.status_code == 400 else ""
    return response_of(Problem(status, code_of_status(status), sentence))


@api.exception_handler(Http404)
@api.exception_handler(PermissionDenied)
def answer_with_refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    problem = problem_of(error) or Problem(404, ApiReason.NOT_FOUND)
    return response_of(problem)


def _sentence_of(errors: list[dict[str, Any]]) -> str:
    first = errors[0] if errors else {"where": [], "what": "This request could not be understood."}
    return f"{'.'.join(first['where'][1:]) or 'body'}: {first['what']}"


def _open_without_login(patterns: list[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """Django's own mark: no middleware looks for a session here. Keys are asked for by each operation."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback.login_required = False  # type: ignore[attr-defined]
    return patterns


app_name = "api"
urlpatterns = _open_without_login(api.urls[0])
