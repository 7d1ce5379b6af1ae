"""The addresses below api/v1/recognition/, as CompreFace's documentation has them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.params.functions import Query
from ninja.security.base import AuthBase

from api.authorising import API_KEY_HEADER, actor_of, authorise
from api.bodies import read_picture
from api.compreface import subjects
from api.people import drafts_of
from api.problems import ApiReason, Problem, problem_of
from api.recognition import look_and_keep
from enrollment.models import Person
from enrollment.pictures.photos import PHOTO_LIMITS
from enrollment.runtime.database import run_in_database_thread, run_in_patient_thread
from enrollment.selectors import sample_by_uuid
from recognizer.types import Verdict
from security.keys.scopes import Scope
from verification.photos import IdentifiedFace

NO_FACE_CODE, UNKNOWN_SUBJECT_CODE = 28, 43
"""CompreFace's own numbers."""
NO_FACE = "No face is found in the given image"
MOST_EXAMPLES = 1000


class ApiKeyHeader(AuthBase):
    openapi_type = "apiKey"

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = scopes
        super().__init__()
        self.is_async = True

    async def __call__(self, request: HttpRequest) -> Any:
        await authorise(request, request.headers.get(API_KEY_HEADER, ""), self.scopes)
        return True


READ, WRITE = ApiKeyHeader(Scope.PEOPLE_READ, Scope.PEOPLE_WRITE), ApiKeyHeader(Scope.PEOPLE_WRITE)
compreface = NinjaAPI(title="CompreFace", docs_url=None, openapi_url=None, urls_namespace="compreface")


@compreface.exception_handler(Exception)
def answer_as_compreface(request: HttpRequest, error: Exception) -> HttpResponse:
    """{"message", "code"}: what its clients show. `reason` is our own code."""
    problem = problem_of(error)
    if problem is None:
        raise error
    status = 400 if problem.status == 422 else problem.status
    code = {"no_face": NO_FACE_CODE, "person_unknown": UNKNOWN_SUBJECT_CODE}.get(problem.code, status)
    message = NO_FACE if problem.code == "no_face" else problem.detail
    answer = {"message": message, "code": code, "reason": problem.code}
    return JsonResponse(answer, status=status, headers=problem.headers)


@compreface.exception_handler(ValidationError)
@compreface.exception_handler(HttpError)
def answer_bad_request(request: HttpRequest, error: Exception) -> HttpResponse:
    return answer_as_compreface(request, Problem(422, ApiReason.REQUEST_INVALID))


@compreface.post("/recognize", auth=ApiKeyHeader(Scope.IDENTIFY))
async def recognize(
    request: HttpRequest, limit: int = Query(0, ge=0), det_prob_threshold: float = 0.0, face_plugins: str = ""
) -> dict[str, Any]:
    """Who is on the picture. `subjects` names the person of a match, and nobody else."""
    data = await _file_of(request)
    found, attempts = await look_and_keep(actor_of(request), data)
    result = []
    for face, attempt in zip(found.faces, attempts, strict=True):
        person = attempt.matched_person
        score = face.decision.comparison.comparison_score
        named = [{"subject": person.name, "similarity": score}] if person else []
        result.append(_face(face, face_plugins) | {"subjects": named})
    return {"result": _chosen(result, limit, det_prob_threshold)}


@compreface.get("/faces", auth=READ)
async def list_examples(
    request: HttpRequest,
    subject: str = "",
    page: int = Query(0, ge=0, le=1_000_000),
    size: int = Query(20, ge=1, le=MOST_EXAMPLES),
) -> dict[str, Any]:
    return await run_in_database_thread(subjects.list_examples, subject, page, size)


@compreface.post("/faces", auth=WRITE, response={201: dict[str, Any]})
async def add_example(request: HttpRequest, subject: str, det_prob_threshold: float = 0.0) -> HttpResponse:
    (draft,) = await drafts_of([await _file_of(request)])
    added = await run_in_database_thread(subjects.add_example, actor_of(request), subject, draft)
    return JsonResponse(added, status=201)


@compreface.delete("/faces", auth=WRITE)
async def remove_examples_of(request: HttpRequest, subject: str) -> dict[str, Any]:
    def work() -> int:
        person = subjects.subject_called(subject)
        return len(subjects.remove_examples(actor_of(request), person.samples.select_related("person")))

    return {"deleted": await run_in_database_thread(work)}


@compreface.post("/faces/delete", auth=WRITE)
async def remove_examples(request: HttpRequest) -> Any:
    ids = _json_of(request, list)

    def work() -> list[dict[str, Any]]:
        return subjects.remove_examples(actor_of(request), [sample_by_uuid(str(each)) for each in ids])

    return await run_in_database_thread(work)


@compreface.delete("/faces/{uuid:image_id}", auth=WRITE)
async def remove_example(request: HttpRequest, image_id: UUID) -> dict[str, Any]:
    def work() -> dict[str, Any]:
        return subjects.remove_examples(actor_of(request), [sample_by_uuid(image_id)])[0]

    return await run_in_database_thread(work)


@compreface.post("/faces/{uuid:image_id}/verify", auth=ApiKeyHeader(Scope.VERIFY))
async def verify(
    request: HttpRequest,
    image_id: UUID,
    limit: int = Query(0, ge=0),
    det_prob_threshold: float = 0.0,
    face_plugins: str = "",
) -> dict[str, Any]:
    """Whether it is the person of that example, whose other samples are compared too. `similarity` is the score."""
    data = await _file_of(request)
    person = (await run_in_database_thread(sample_by_uuid, image_id)).person
    claimed = str(person.uuid)
    found, _ = await look_and_keep(actor_of(request), data, claimed=claimed)
    result = [
        _face(face, face_plugins) | {"subject": person.name, "similarity": face.decision.comparison.comparison_score}
        for face in found.faces
    ]
    return {"result": _chosen(result, limit, det_prob_threshold)}


@compreface.get("/subjects", auth=READ)
async def list_subjects(request: HttpRequest) -> dict[str, Any]:
    return {"subjects": await run_in_database_thread(subjects.subject_names)}


@compreface.post("/subjects", auth=WRITE, response={201: dict[str, Any]})
async def add_subject(request: HttpRequest) -> HttpResponse:
    name = str(_json_of(request, dict).get("subject", ""))
    made = await run_in_database_thread(subjects.make_subject, actor_of(request), name)
    return JsonResponse({"subject": made.name}, status=201)


@compreface.delete("/subjects", auth=WRITE)
async def erase_all(request: HttpRequest) -> dict[str, Any]:
    """More than one person takes a second operator, here too."""

    def work() -> int:
        return subjects.erase_subjects(actor_of(request), Person.objects.all())

    return {"deleted": await run_in_patient_thread(work)}


@compreface.put("/subjects/{path:subject}", auth=WRITE)
async def rename_subject(request: HttpRequest, subject: str) -> dict[str, Any]:
    new_name = str(_json_of(request, dict).get("subject", ""))
    await run_in_database_thread(subjects.rename_subject, actor_of(request), subject, new_name)
    return {"updated": True}


@compreface.delete("/subjects/{path:subject}", auth=WRITE)
async def erase_subject(request: HttpRequest, subject: str) -> dict[str, Any]:
    def work() -> str:
        person = subjects.subject_called(subject)
        subjects.erase_subjects(actor_of(request), [person])
        return person.name

    return {"subject": await run_in_patient_thread(work)}


async def _file_of(request: HttpRequest) -> bytes:
    """Of a form, the body itself, or base64 in JSON. Raises Problem."""
    if request.content_type != "application/json":
        return await read_picture(request)
    try:
        return base64.b64decode(str(_json_of(request, dict).get("file", "")), validate=True)
    except binascii.Error:
        raise Problem(422, ApiReason.REQUEST_INVALID, "`file` is no base64.") from None


def _json_of(request: HttpRequest, kind: type[Any]) -> Any:
    """Raises Problem."""
    try:
        value = json.loads(request.read(2 * PHOTO_LIMITS.max_bytes))
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise Problem(422, ApiReason.REQUEST_INVALID)
    return value


def _face(face: IdentifiedFace, plugins: str) -> dict[str, Any]:
    left, top, right, bottom = (round(float(value)) for value in face.detection.box_xyxy)
    probability = float(face.detection.detection_score)
    found: dict[str, Any] = {
        "box": {"probability": probability, "x_max": right, "y_max": bottom, "x_min": left, "y_min": top},
        "verdict": Verdict(face.decision.verdict).value,
    }
    if "landmarks" in plugins:
        found["landmarks"] = [[round(float(x)), round(float(y))] for x, y in face.detection.landmarks]
    return found


def _chosen(faces: list[dict[str, Any]], limit: int, least_probability: float) -> list[dict[str, Any]]:
    """Largest first. Raises Problem where the picture shows nobody."""
    chosen = [face for face in faces if face["box"]["probability"] >= least_probability]
    if not chosen:
        raise Problem(422, "no_face")
    return chosen[:limit] if limit else chosen


app_name = "compreface"
urlpatterns: list[Any] = [each for each in compreface.urls[0] if getattr(each, "name", "") != "api-root"]
for pattern in urlpatterns:
    if isinstance(pattern, URLPattern):
        pattern.callback.login_required = False  # type: ignore[attr-defined]
