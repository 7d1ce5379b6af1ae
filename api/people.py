"""People and their samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router
from ninja.params.functions import Query
from ninja.responses import NinjaJSONEncoder
from pydantic import BaseModel

from api.answers import Answer, answer_once, once_of
from api.authorising import Bearer, actor_of, key_of
from api.bodies import read_pictures
from api.cursors import read_page
from api.describing import pictures, problems
from api.limits import picture_gate
from api.problems import Problem
from api.recognition import engine_at_work, in_engine
from api.schemas import (
    ConsentIn,
    ConsentOut,
    PeopleOut,
    PersonIn,
    PersonOut,
    PersonPatch,
    SampleOut,
    SampleQuality,
    SamplesAdded,
    SamplesOut,
)
from enrollment import services
from enrollment.consent.policy import current_consent_policy, last_day
from enrollment.consent.records import Consent, How, consent_at_enrolment
from enrollment.consent.texts import current_text
from enrollment.errors import ConsentInvalid, SampleUnknown
from enrollment.groups.actions import set_groups_of
from enrollment.models import ConsentRecord, FaceSample, Person
from enrollment.pictures.photos import PhotoOutcome, look_at_photo
from enrollment.reasons import EnrollmentReason
from enrollment.runtime.database import run_in_database_thread, run_in_patient_thread
from enrollment.samples.drafts import SampleDraft
from enrollment.selectors import groups_by_name, person_by_uuid, sample_by_uuid, search_people
from security.keys.scopes import Scope
from security.models import KeyActor

router = Router(tags=["people"])
READ, WRITE = Bearer(Scope.PEOPLE_READ, Scope.PEOPLE_WRITE), Bearer(Scope.PEOPLE_WRITE)
MOST_PEOPLE = 200
IDEMPOTENCY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same key and body within 24 hours gives the first answer again.",
}


@router.get("/people", auth=READ, response=PeopleOut, openapi_extra={"responses": problems()})
async def list_people(
    request: HttpRequest,
    q: str = Query("", max_length=300, description="Words of the name or the external ID."),
    cursor: str | None = Query(None, max_length=200),
    limit: int = Query(50, ge=1, le=MOST_PEOPLE),
) -> PeopleOut:
    """People in the order of their enrolment."""

    def read() -> PeopleOut:
        found = _with_consent(search_people(q))
        rows, more = read_page(found, name="people", cursor=cursor, limit=limit, newest_first=False)
        return PeopleOut(people=[person_out(person) for person in rows], next_cursor=more)

    return await run_in_database_thread(read)


@router.post(
    "/people",
    auth=WRITE,
    response={201: PersonOut},
    openapi_extra={"responses": problems(409, 413, 415), "parameters": [IDEMPOTENCY]},
)
async def create_person(request: HttpRequest, body: PersonIn) -> HttpResponse:
    """A new person without samples: no search finds them before some are added.

    Do not enrol children under 13 for identification: these models take them for one another.
    """
    actor = actor_of(request)
    once = once_of(key_of(request).pk, _token_of(request), b"people", request.body)

    def work() -> Answer:
        with transaction.atomic():
            person = services.register_person(
                actor=actor,
                name=body.name,
                external_id=body.external_id,
                consent=consent_of(body.consent),
                valid_from=body.valid_from,
                valid_until=body.valid_until,
            )
            _set_groups(actor, person, body.groups)
        return Answer(201, _json_of(person_out(_person_with_counts(person.uuid))), person.uuid)

    return _as_json(await run_in_database_thread(answer_once, once, work))


@router.get("/people/{uuid:person}", auth=READ, response=PersonOut, openapi_extra={"responses": problems()})
async def get_person(request: HttpRequest, person: UUID) -> PersonOut:
    """One person."""
    return person_out(await run_in_database_thread(_person_with_counts, person))


@router.patch(
    "/people/{uuid:person}",
    auth=WRITE,
    response=PersonOut,
    openapi_extra={"responses": problems(409, 413, 415)},
)
async def change_person(request: HttpRequest, person: UUID, body: PersonPatch) -> PersonOut:
    """Change name, external ID, groups, or whether and on which days searches find the person."""
    actor, given = actor_of(request), body.model_dump(exclude_unset=True)

    def work() -> PersonOut:
        stored = person_by_uuid(person)
        with transaction.atomic():
            services.update_person(
                actor=actor,
                person=stored,
                name=given["name"] if given.get("name") is not None else stored.name,
                external_id=given.get("external_id", stored.external_id),
                is_active=given.get("is_active"),
            )
            _set_days(actor, stored, given)
            _set_groups(actor, stored, given.get("groups"))
        return person_out(_person_with_counts(person))

    return await run_in_database_thread(work)


@router.delete("/people/{uuid:person}", auth=WRITE, response={204: None}, openapi_extra={"responses": problems()})
async def erase_person(request: HttpRequest, person: UUID) -> HttpResponse:
    """Erase the person for good. The answer comes when no search finds them any more."""
    actor = actor_of(request)

    def work() -> None:
        services.erase_person(actor=actor, person=person_by_uuid(person))

    await run_in_patient_thread(work)
    return HttpResponse(status=204)


@router.get("/people/{uuid:person}/samples", auth=READ, response=SamplesOut, openapi_extra={"responses": problems()})
async def list_samples(request: HttpRequest, person: UUID) -> SamplesOut:
    """The person's samples, oldest first: their measures, not the pictures."""

    def read() -> SamplesOut:
        rows = person_by_uuid(person).samples.defer("crop").order_by("pk")
        return SamplesOut(samples=[sample_out(sample) for sample in rows])

    return await run_in_database_thread(read)


@router.post(
    "/people/{uuid:person}/samples",
    auth=WRITE,
    response={201: SamplesAdded},
    openapi_extra={
        "responses": problems(409, 413, 415),
        "requestBody": pictures("image"),
        "parameters": [IDEMPOTENCY],
    },
)
async def add_samples(
    request: HttpRequest,
    person: UUID,
    despite_duplicate: bool = Query(False, description="Insist that it is not the person who looks alike."),
) -> HttpResponse:
    """Add pictures of the person, each with one face: all of them or none."""
    actor = actor_of(request)
    await run_in_database_thread(person_by_uuid, person)
    images = await read_pictures(request)
    asked = (b"samples", str(person).encode(), str(despite_duplicate).encode(), *images)
    once = once_of(key_of(request).pk, _token_of(request), *asked)
    first = await run_in_database_thread(once.first_answer) if once else None
    if first:
        return _as_json(first)
    drafts = await drafts_of(images)

    def work() -> Answer:
        return _store(actor, person, drafts, despite_duplicate)

    return _as_json(await run_in_database_thread(answer_once, once, work))


@router.delete(
    "/people/{uuid:person}/samples/{uuid:sample}",
    auth=WRITE,
    response={204: None},
    openapi_extra={"responses": problems()},
)
async def remove_sample(request: HttpRequest, person: UUID, sample: UUID) -> HttpResponse:
    """Erase one sample. The last one too: the person stays, and no search finds them."""
    actor = actor_of(request)

    def work() -> None:
        stored = sample_by_uuid(sample)
        if stored.person.uuid != person:
            raise SampleUnknown
        services.remove_sample(actor=actor, sample=stored)

    await run_in_database_thread(work)
    return HttpResponse(status=204)


async def drafts_of(images: Sequence[bytes]) -> list[SampleDraft]:
    """A draft of each picture. Raises Problem (422, 429), which names the first picture that cannot be used."""
    drafts = []
    with picture_gate.enter():
        engine = await engine_at_work()
        for number, data in enumerate(images, 1):
            outcome = await in_engine(engine, look_at_photo, engine, data)
            drafts.append(_draft_of(outcome, number, len(images)))
    return drafts


def _draft_of(outcome: PhotoOutcome, number: int, of: int) -> SampleDraft:
    if outcome.draft is not None:
        return outcome.draft
    where: dict[str, Any] = {"image": number} if of > 1 else {}
    if outcome.group is not None:
        sentence = f"{len(outcome.group.faces)} faces can be seen. Use a picture that shows one person."
        raise Problem(422, EnrollmentReason.SEVERAL_FACES, sentence, **where)
    raise Problem(422, outcome.code, outcome.message, **where)


def _set_days(actor: KeyActor, person: Person, given: Mapping[str, Any]) -> None:
    """As a body says them; what it leaves out stays. Raises ValidityInvalid."""
    if given.keys() & {"valid_from", "valid_until"}:
        days = {name: given.get(name, getattr(person, name)) for name in ("valid_from", "valid_until")}
        services.set_validity(actor=actor, person=person, **days)


def _set_groups(actor: KeyActor, person: Person, names: Sequence[str] | None) -> None:
    """None: they stay. Raises GroupUnknown."""
    if names is not None:
        set_groups_of(actor=actor, person=person, groups=groups_by_name(names))


def _store(actor: KeyActor, person: UUID, drafts: Sequence[SampleDraft], despite_duplicate: bool) -> Answer:
    saved = services.add_samples(
        actor=actor, person=person_by_uuid(person), samples=drafts, despite_duplicate=despite_duplicate
    )
    added = SamplesAdded(
        samples=[sample_out(sample) for sample in saved.samples],
        person=person_out(_person_with_counts(person)),
        note=saved.fit.sentence,
    )
    return Answer(201, _json_of(added), person)


def consent_of(given: ConsentIn | None) -> Consent:
    """What is recorded. Raises ConsentInvalid, ConsentRequired."""
    if given is None:
        return consent_at_enrolment(ticked=False)
    policy = current_consent_policy()
    if given.legal_basis not in policy.bases:
        raise ConsentInvalid("The site's consent policy does not allow this legal basis.")
    if given.given_at is not None and (given.given_at.tzinfo is None or given.given_at > timezone.now()):
        raise ConsentInvalid("given_at must have a time zone and cannot be in the future.")
    return Consent(
        how=How(given.how),
        legal_basis=given.legal_basis,
        note=given.note,
        text=current_text() if given.how == "ticked" else None,
        given_at=given.given_at,
        valid_until=given.valid_until or last_day(policy),
    )


def person_out(person: Person) -> PersonOut:
    """person: from search_people(), with `consents` and `groups` prefetched."""
    agreed = person.consent
    return PersonOut(
        id=person.uuid,
        name=person.name,
        external_id=person.external_id,
        is_active=person.is_active,
        valid_from=person.valid_from,
        valid_until=person.valid_until,
        groups=sorted(group.name for group in person.groups.all()),
        samples=person.sample_count,  # type: ignore[attr-defined]
        consent=_consent_out(agreed) if agreed else None,
        created_at=person.created_at,
        updated_at=person.updated_at,
    )


def sample_out(sample: FaceSample) -> SampleOut:
    return SampleOut(
        id=sample.uuid,
        created_at=sample.created_at,
        source=sample.source,
        pose=sample.pose,
        quality=SampleQuality(score=sample.quality_score, reasons=sample.quality.get("reasons", [])),
        set_aside=sample.set_aside,
        set_aside_reason=sample.set_aside_reason,
    )


def _consent_out(agreed: ConsentRecord) -> ConsentOut:
    return ConsentOut(
        how=agreed.how,
        legal_basis=agreed.legal_basis,
        given_at=agreed.given_at,
        valid_until=agreed.valid_until,
        ended=agreed.ended,
    )


def _with_consent(people: QuerySet[Person]) -> QuerySet[Person]:
    return people.prefetch_related(Prefetch("consents"), "groups")


def _person_with_counts(uuid: UUID) -> Person:
    """As search_people() gives them. Raises PersonUnknown."""
    known = person_by_uuid(uuid)
    return _with_consent(search_people()).get(pk=known.pk)


def _token_of(request: HttpRequest) -> str:
    return request.headers.get("Idempotency-Key", "")


def _json_of(out: BaseModel) -> dict[str, Any]:
    """JSON values, as every other answer has them."""
    values: dict[str, Any] = json.loads(json.dumps(out.model_dump(), cls=NinjaJSONEncoder))
    return values


def _as_json(answer: Answer) -> HttpResponse:
    return HttpResponse(json.dumps(answer.body), status=answer.status, content_type="application/json")
