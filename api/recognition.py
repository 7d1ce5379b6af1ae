"""Who is on a picture, is it this person, and are these two the same? Decided by the code of the live page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.params.functions import Query

from api.authorising import Bearer, actor_of
from api.bodies import read_picture, read_pictures
from api.describing import pictures, problems
from api.limits import picture_gate
from api.problems import ApiReason, Problem
from api.schemas import (
    CardFact,
    CardOut,
    ComparedFace,
    ComparedOut,
    FaceOut,
    FacesOut,
    LivenessOut,
    PersonRef,
    SampleQuality,
    Verdict,
)
from enrollment.errors import PersonUnknown
from enrollment.runtime.database import run_in_database_thread, run_in_picture_thread
from enrollment.runtime.engine import engine_if_ready, get_engine
from enrollment.runtime.gallery import REVISION_CHECK_SECONDS, current_gallery, fresh_gallery
from recognizer.engine import FaceEngine
from recognizer.errors import EngineNotReady
from recognizer.search.galleries import Gallery
from recognizer.types import LivenessVerdict
from security.audit.actions import Action
from security.keys.scopes import Scope
from security.models import KeyActor
from security.remembering import Remembered
from verification.cards import card_of
from verification.models import VerificationAttempt
from verification.photos import IdentifiedFace, IdentifiedImage, compare_images, identify_image
from verification.policy import Grounds, PolicyInForce, policy_in_force
from verification.reasons import sentence_for
from verification.selectors import claimable_person_exists
from verification.services import record_attempt

P = ParamSpec("P")
T = TypeVar("T")
router = Router(tags=["recognition"])
Mode = VerificationAttempt.Mode
LIVENESS = "Also check whether the face is live, as far as one picture can tell."


@dataclass(frozen=True, slots=True)
class Bench:
    """What decides now: read at once, before the picture is looked at."""

    engine: FaceEngine
    gallery: Gallery
    in_force: PolicyInForce

    @property
    def grounds(self) -> Grounds:
        return Grounds(self.engine.contract_id, self.gallery.revision, self.in_force.saved_id)


_last_bench: Remembered[Bench] = Remembered(REVISION_CHECK_SECONDS)
"""Most requests need no database before the picture is looked at. A policy that another process saved counts as late as
what it changed in the gallery."""


def fresh_bench() -> Bench | None:
    """What was read just now; None: call read_bench() in a database thread. Never blocks."""
    bench = _last_bench.value
    if bench is None or bench.engine is not engine_if_ready() or fresh_gallery(bench.engine) is not bench.gallery:
        return None
    return bench


@router.post(
    "/identify",
    auth=Bearer(Scope.IDENTIFY),
    response=FacesOut,
    openapi_extra={"responses": problems(413, 415), "requestBody": pictures("image")},
)
async def identify(request: HttpRequest, liveness: bool = Query(False, description=LIVENESS)) -> HttpResponse:
    """Say who is on a picture: every face is searched among all people, and each decision is kept in the history."""
    return as_json(await decide(actor_of(request), await read_picture(request), liveness=liveness))


@router.post(
    "/verify",
    auth=Bearer(Scope.VERIFY),
    response=FacesOut,
    openapi_extra={"responses": problems(413, 415), "requestBody": pictures("image")},
)
async def verify(
    request: HttpRequest,
    person: UUID = Query(..., description="Who it is said to be."),
    liveness: bool = Query(False, description=LIVENESS),
) -> HttpResponse:
    """Say of every face on a picture whether it is this person's; each decision is kept in the history."""
    found = await decide(actor_of(request), await read_picture(request), claimed=str(person), liveness=liveness)
    return as_json(found)


@router.post(
    "/compare",
    auth=Bearer(Scope.VERIFY),
    response=ComparedOut,
    openapi_extra={"responses": problems(413, 415), "requestBody": pictures("image1", "image2")},
)
async def compare(request: HttpRequest) -> ComparedOut:
    """Compare the largest faces of two pictures. Nothing is stored."""
    images = await read_pictures(request, most=2)
    if len(images) != 2:
        raise Problem(422, ApiReason.REQUEST_INVALID, "Send two pictures: a form with image1 and image2.")
    with picture_gate.enter():
        bench = await run_in_database_thread(read_bench)
        found = await in_engine(
            bench.engine, compare_images, images[0], images[1], engine=bench.engine, policy=bench.in_force.policy
        )
    return ComparedOut(
        verdict=cast(Verdict, found.verdict.value),
        comparison_score=found.comparison_score,
        match_threshold=found.policy.match_threshold,
        fmr=found.policy.fmr,
        population=found.policy.population,
        reasons=list(found.reasons),
        liveness=LivenessOut(verdict=LivenessVerdict.NOT_CHECKED.value, score=None),
        faces=[
            ComparedFace(box_xyxy=_box(face.detection.box_xyxy), quality=_quality(face.quality)) for face in found.faces
        ],
    )


async def decide(actor: KeyActor, data: bytes, *, claimed: str | None = None, liveness: bool = False) -> FacesOut:
    """Decide about every face of a picture and keep it. Raises Problem, PersonUnknown, ImageError, PackError."""
    found, attempts = await look_and_keep(actor, data, claimed=claimed, liveness=liveness)
    faces = [face_out(face, attempt) for face, attempt in zip(found.faces, attempts, strict=True)]
    return FacesOut(faces=faces, image=found.image_size)


async def look_and_keep(
    actor: KeyActor, data: bytes, *, claimed: str | None = None, liveness: bool = False
) -> tuple[IdentifiedImage, list[VerificationAttempt]]:
    """What the engine says about a picture, and the history's row for each face. Raises as decide()."""
    with picture_gate.enter():
        bench = fresh_bench() if claimed is None else None
        if bench is None:
            bench = await run_in_database_thread(read_bench, claimed)
        return await run_in_picture_thread(look_and_keep_here, actor, bench, data, claimed, liveness)


def look_and_keep_here(
    actor: KeyActor, bench: Bench, data: bytes, claimed: str | None, liveness: bool
) -> tuple[IdentifiedImage, list[VerificationAttempt]]:
    """Call it in a picture thread. Raises PersonUnknown, ImageError, PackError."""
    found = bench.engine.in_turn(
        identify_image,
        data,
        engine=bench.engine,
        gallery=bench.gallery,
        policy=bench.in_force.policy,
        claimed=claimed,
        check_liveness=liveness,
    )
    attempts = [
        record_attempt(
            operator=actor,
            mode=Mode.VERIFY if claimed else Mode.IDENTIFY,
            source=VerificationAttempt.Source.API,
            decision=face.decision,
            claimed=claimed,
            grounds=bench.grounds,
        )
        for face in found.faces
    ]
    return found, attempts


def read_bench(claimed: str | None = None) -> Bench:
    """Call it in a database thread. Raises EngineNotReady; PersonUnknown for a claim that cannot be checked."""
    engine = _started_engine()
    if claimed is not None and not claimable_person_exists(claimed):
        raise PersonUnknown("There is no such person, or they are not active.")
    return _last_bench.keep(Bench(engine, current_gallery(engine), policy_in_force(engine)))


def follow_policy(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    """A listener of security/happenings.py: a policy that is saved in this process counts at once."""
    if what == Action.POLICY_SAVED:
        transaction.on_commit(_last_bench.forget)


def as_json(out: FacesOut) -> HttpResponse:
    """Written at once: ninja would check once more what was made a line before."""
    return HttpResponse(out.model_dump_json(), content_type="application/json")


def face_out(face: IdentifiedFace, attempt: VerificationAttempt) -> FaceOut:
    decision, person = face.decision, attempt.matched_person
    card = card_of(attempt, population=decision.policy.population)
    return FaceOut(
        box_xyxy=_box(face.detection.box_xyxy),
        detection_score=float(face.detection.detection_score),
        verdict=cast(Verdict, decision.verdict.value),
        person=PersonRef(id=person.uuid, name=person.name) if person else None,
        comparison_score=decision.comparison.comparison_score,
        runner_up=decision.comparison.runner_up,
        match_threshold=decision.match_threshold,
        fmr=decision.policy.fmr,
        population=decision.policy.population,
        liveness=LivenessOut(verdict=decision.liveness.verdict.value, score=decision.liveness.score),
        quality=_quality(face.quality),
        reasons=list(decision.comparison.reasons),
        card=CardOut(
            headline=card.headline,
            facts=[CardFact(label=label, text=text) for label, text in card.facts],
            reasons=list(card.reasons),
        ),
        attempt=attempt.uuid,
    )


async def engine_at_work() -> FaceEngine:
    """Raises EngineNotReady."""
    return await run_in_database_thread(_started_engine)


async def in_engine(engine: FaceEngine, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it as a job of the engine's pool, like every other inference of this process."""
    return await asyncio.wrap_future(engine.submit(function, *args, **kwargs))


def _started_engine() -> FaceEngine:
    """The engine, following a switch of packs; it is never loaded for a request."""
    if engine_if_ready() is None:
        raise EngineNotReady(sentence_for(EngineNotReady.code))
    return get_engine()


def _box(box: Any) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(value, 1) for value in box.tolist())
    return left, top, right, bottom


def _quality(quality: Any) -> SampleQuality:
    return SampleQuality(score=float(quality.score), reasons=list(quality.reasons))
