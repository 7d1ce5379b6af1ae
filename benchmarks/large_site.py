"""A large site of made-up people, written straight into an empty database: work of `benchmark site`.

`python -m benchmarks.large_site TASK` in a process of its own; TASK is the JSON that benchmarks/pages.py makes, the
answer one line of JSON. No service is asked: a million rows shall take a minute, and nobody is told about them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from datetime import time as clock
from itertools import chain, islice
from typing import Any, TypeVar

T = TypeVar("T")

ROWS = 4_000
"""Rows of one INSERT."""
GROUPS = 20
CACHE_KB = 2_000_000
"""Of SQLite, at most, while it is filled."""
DAYS = 60
"""How far back the history goes."""
PICTURES = 2_000
"""The newest attempts have pictures; each costs what a real one costs on a page."""
GIVEN = (
    *("Ada", "Bao", "Chloé", "Dmitri", "Elif", "Femi", "Gita", "Hugo", "Inês", "Jamal"),
    *("Kaito", "Léa", "Mira", "Nils", "Omar", "Priya", "Quinn", "Rosa", "Søren", "Tariq"),
)
FIRST = ("Ab", "Be", "Cor", "Dal", "Es", "Fer", "Gar", "Hol", "Im", "Jor")
SECOND = ("a", "e", "i", "o", "u")
THIRD = ("berg", "da", "lin", "mann", "ro", "sen", "ton", "vic")
SAME_PERSON = 0.8
"""Weight of what a person's templates have in common: their cosine is about 0.64."""
WORKED = 14
"""Days of attendance before today."""
LATE_EVERY, AWAY_EVERY, FORGOTTEN_EVERY = 20, 20, 200
"""One in so many is late, is away, forgets to check out."""
IN_EVERY = 200
"""One in so many is in when the site is made."""
TWICE_EVERY = 500
"""One in so many people is enrolled a second time, for the page of duplicates."""


def name_of(number: int) -> str:
    """Names as sites have them: some are rare, and twenty given names are borne by everybody."""
    middle, rest = divmod(number // len(GIVEN), len(FIRST) * len(SECOND) * len(THIRD))
    first, rest = divmod(rest, len(SECOND) * len(THIRD))
    second, third = divmod(rest, len(THIRD))
    family = FIRST[first] + SECOND[second] + THIRD[third]
    return f"{GIVEN[number % len(GIVEN)]} {f'{FIRST[middle % 10]}. ' if middle else ''}{family}"


def some_at_a_time(rows: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(rows)
    while some := list(islice(remaining, ROWS)):
        yield some


def insert(model: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows of field names -> values, as many per statement as the database takes; all rows have the same fields.

    A field that no row names gets its default, as an instance would, once for all rows."""
    from django.db import connection

    from security.statements import AS_THEY_ARE

    for some in some_at_a_time(rows):
        named = [model._meta.get_field(name) for name in some[0]]
        unnamed = [
            field
            for field in model._meta.concrete_fields
            if field not in named and not (field.primary_key or field.generated)
        ]
        defaults = [field.get_db_prep_save(field.get_default(), connection) for field in unnamed]
        columns = ", ".join(connection.ops.quote_name(field.column) for field in named + unnamed)
        table, places = connection.ops.quote_name(model._meta.db_table), ", ".join(["%s"] * len(named + unnamed))
        # Django is asked only where the database takes something else: five million rows have a hundred million values.
        ways = [None if type(field) in AS_THEY_ARE else field.get_db_prep_save for field in named]
        values = [
            [way(value, connection) if way else value for way, value in zip(ways, row.values(), strict=True)] + defaults
            for row in some
        ]
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)  # noqa: S608


def fill(people: int, templates: int, attempts: int) -> dict[str, float]:
    """Seconds that each table took. Raises ValueError for a database with somebody in it."""
    from django.core.management import call_command
    from django.db import connection

    from enrollment.models import Person

    call_command("migrate", interactive=False, verbosity=0)
    if Person.objects.exists():
        raise ValueError("That database has people in it: name an empty one.")
    steps: dict[str, Callable[[], None]] = {
        "people": lambda: _fill_people(people),
        "groups": lambda: _fill_groups(people),
        "templates": lambda: _fill_templates(people, templates),
        "attempts": lambda: _fill_attempts(people, attempts),
        "punches": lambda: _fill_punches(people),
    }
    if connection.vendor == "sqlite":  # else each row of an index that has no order is a page written anew
        connection.cursor().execute(f"PRAGMA cache_size = -{CACHE_KB}")
    seconds = {name: _timed(step) for name, step in steps.items()}
    connection.close()  # what is measured has a site's own cache
    return seconds


def _timed(step: Callable[[], None]) -> float:
    """Seconds, in one transaction."""
    from django.db import transaction

    began = time.perf_counter()
    with transaction.atomic():
        step()
    return round(time.perf_counter() - began, 1)


def _fill_people(people: int) -> None:
    from uuid import uuid4

    from django.utils import timezone

    from enrollment.models import Person, PersonKey, folded_name
    from security.encryption.data_keys import DataKey, wrap
    from security.encryption.site_keys import current_site_key

    now, site = timezone.now(), current_site_key()

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(people):
            at = now - timedelta(days=DAYS, seconds=people - number)
            about = {"name": name_of(number), "external_id": f"E{number:07}"}
            yield {
                "id": number + 1,
                "uuid": uuid4(),
                **about,
                "is_active": True,
                "created_at": at,
                "updated_at": at,
                "folded": folded_name(**about),
            }

    # A folded column writes itself from an instance; here it is a value like any other.
    insert(Person, rows())
    keys = ((number + 1, DataKey()) for number in range(people))
    insert(
        PersonKey,
        (
            {
                "id": key.id,
                "wrapped": wrap(PersonKey, key, site),
                "site_key": site.fingerprint,
                "person": owner,
                "created_at": now,
            }
            for owner, key in keys
        ),
    )


def _fill_templates(people: int, templates: int) -> None:
    """Each person has the same number, the first ones one more. Vectors are drawn as they are written."""
    import cv2
    import numpy as np
    from django.utils import timezone

    from enrollment.models import FaceSample, FaceTemplate
    from enrollment.runtime.engine import get_engine
    from enrollment.sealed import seal_crop, seal_embedding

    engine, now = get_engine(), timezone.now()
    contract, dimension = engine.contract_id, engine.dimension
    small = np.random.default_rng(3).integers(60, 200, (14, 14, 3), np.uint8)
    crop = cv2.imencode(".png", cv2.resize(small, (112, 112), interpolation=cv2.INTER_NEAREST))[1].tobytes()
    from uuid import UUID, uuid4

    def samples() -> Iterator[dict[str, Any]]:
        for numbers in _by_owner(people, templates):
            keys = _keys_of({owner for _, owner in numbers})
            for number, owner in numbers:
                uuid: UUID = uuid4()
                yield {
                    "id": number,
                    "uuid": uuid,
                    "person": owner,
                    "source": "folder",
                    "pose": "front",
                    "quality_score": 0.9,
                    "quality": {},
                    "digest": uuid.hex * 2,
                    "set_aside": False,
                    "set_aside_reason": "",
                    "taken_back": False,
                    "created_at": now,
                    "crop": seal_crop(crop, uuid, keys[owner]),
                }

    def embeddings() -> Iterator[dict[str, Any]]:
        noise = np.random.default_rng(4)
        for numbers in _by_owner(people, templates):
            keys = _keys_of({owner for _, owner in numbers})
            vectors = _vectors_of([owner for _, owner in numbers], people, dimension, noise)
            for (number, owner), vector in zip(numbers, vectors, strict=True):
                yield {
                    "id": number,
                    "sample": number,
                    "contract_id": contract,
                    "dimension": dimension,
                    "created_at": now,
                    "embedding": seal_embedding(vector, number, contract, keys[owner]),
                }

    insert(FaceSample, samples())
    insert(FaceTemplate, embeddings())


def _fill_groups(people: int) -> None:
    """Everybody is in one of GROUPS."""
    from uuid import uuid4

    from django.utils import timezone

    from enrollment.models import PersonGroup

    names = (f"Department {number:02}" for number in range(1, GROUPS + 1))
    insert(PersonGroup, ({"uuid": uuid4(), "name": name, "created_at": timezone.now()} for name in names))
    groups = list(PersonGroup.objects.values_list("pk", flat=True))
    members = ({"person": pk, "persongroup": groups[pk % GROUPS]} for pk in range(1, people + 1))
    insert(PersonGroup.people.through, members)


def _by_owner(people: int, templates: int) -> Iterator[list[tuple[int, int]]]:
    """(number of the template, primary key of its person), some at a time; a person's stand side by side."""
    each, more = divmod(templates, people)
    owners = chain.from_iterable([pk] * (each + (pk <= more)) for pk in range(1, people + 1))
    return some_at_a_time(enumerate(owners, start=1))


def _keys_of(owners: set[int]) -> dict[int, Any]:
    from enrollment.models import PersonKey
    from security.encryption.data_keys import unwrap_all

    rows = dict(PersonKey.objects.filter(person__in=owners).values_list("pk", "person_id"))
    keys = unwrap_all(PersonKey, PersonKey.objects.filter(pk__in=rows).values_list("pk", "wrapped", "site_key"))
    return {rows[pk]: key for pk, key in keys.items()}


def _vectors_of(owners: list[int], people: int, dimension: int, noise: Any) -> Any:
    """(n, d) float32 unit vectors: what each owner's templates share, and something of each one's own."""
    import numpy as np

    shared = {}
    for owner in dict.fromkeys(owners):
        face = owner - 1 if owner % TWICE_EVERY == 0 else owner
        shared[owner] = np.random.default_rng(face).standard_normal(dimension)
    base = np.array([shared[owner] for owner in owners])
    own = noise.standard_normal(base.shape)
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    mixed = SAME_PERSON * base + (1 - SAME_PERSON**2) ** 0.5 * own
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)


def _fill_attempts(people: int, attempts: int) -> None:
    """Seven in ten are matches; the newest have a small picture each."""
    import random
    from uuid import uuid4

    from django.utils import timezone

    from enrollment.runtime.engine import get_engine
    from security.encryption.data_keys import DataKey, wrap
    from security.encryption.site_keys import current_site_key
    from security.tables import in_chunks
    from verification.models import PictureKey, VerificationAttempt
    from verification.sealed import THUMBNAILS
    from verification.sightings import look_up_again

    contract, site, draw, now = get_engine().contract_id, current_site_key(), random.Random(5), timezone.now()  # noqa: S311
    step = timedelta(days=DAYS) / max(1, attempts)
    pictures: list[tuple[int, DataKey]] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(attempts):
            verdict = draw.choices(("match", "non_match", "attack", "uncertain"), (70, 25, 3, 2))[0]
            uuid, thumbnail = uuid4(), b""
            if number >= attempts - PICTURES:
                pictures.append((number + 1, DataKey()))
                thumbnail = THUMBNAILS.seal(b"\xff\xd8" + os.urandom(3_000), pictures[-1][1], row=uuid)
            yield {
                "id": number + 1,
                "uuid": uuid,
                "created_at": now - step * (attempts - number),
                "mode": "identify",
                "source": "live",
                "matched_person": draw.randint(1, people) if verdict == "match" else None,
                "verdict": verdict,
                "comparison_score": draw.uniform(0.45, 0.8) if verdict == "match" else draw.uniform(-0.1, 0.3),
                "runner_up": draw.uniform(-0.1, 0.2),
                "match_threshold": 0.35,
                "fmr": 1e-4,
                "liveness_verdict": "attack" if verdict == "attack" else "bona_fide",
                "liveness_score": 0.95,
                "quality_score": draw.uniform(0.6, 0.9),
                "frames_agreed": 4,
                "frames_seen": 5,
                "reasons": [],
                "thumbnail": thumbnail,
                "contract_id": contract,
            }

    insert(VerificationAttempt, rows())
    for some in in_chunks(range(1, people + 1), 500):
        look_up_again(some)
    insert(
        PictureKey,
        (
            {
                "id": key.id,
                "wrapped": wrap(PictureKey, key, site),
                "site_key": site.fingerprint,
                "attempt": pk,
                "created_at": now,
            }
            for pk, key in pictures
        ),
    )


def _fill_punches(people: int) -> None:
    """Everybody comes and goes on each working day of WORKED; one in LATE_EVERY is late, one in AWAY_EVERY away."""
    import random
    from uuid import uuid4

    from django.utils import timezone

    from attendance.models import Punch, Schedule
    from security.days import day_begins

    Schedule.objects.create(
        name="Office hours", weekdays="12345", starts_at=clock(9), ends_at=clock(17), valid_from=date(2020, 1, 1)
    )
    draw, today = random.Random(6), timezone.localdate()  # noqa: S311
    past = (today - timedelta(days=back) for back in range(WORKED, 0, -1))
    days = [day_begins(day) for day in past if day.isoweekday() < 6]  # Monday to Friday

    def punches() -> Iterator[tuple[int, str, datetime, bool]]:
        for begins in days:
            for person in range(1, people + 1):
                if draw.randrange(AWAY_EVERY) == 0:
                    continue
                late = 30 if draw.randrange(LATE_EVERY) == 0 else 0
                goes = draw.randrange(FORGOTTEN_EVERY) > 0
                yield person, "in", begins + timedelta(hours=8, minutes=40 + late + draw.randrange(20)), goes
                if goes:
                    yield person, "out", begins + timedelta(hours=17, minutes=draw.randrange(60)), True
        for person in range(IN_EVERY, people + 1, IN_EVERY):
            yield person, "in", timezone.now() - timedelta(minutes=draw.randrange(60)), False

    rows = (
        {
            "uuid": uuid4(),
            "person": person,
            "direction": direction,
            "way": "face",
            "at": at,
            "reason": "",
            "created_at": at,
            "void_reason": "",
            "paired": paired,
        }
        for person, direction, at, paired in punches()
    )
    insert(Punch, rows)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    import json

    import django

    django.setup()
    from benchmarks.page_times import measure

    task = json.loads(sys.argv[1])
    written = fill(task["people"], task["templates"], task["attempts"]) if task["fill"] else {}
    print(json.dumps({"fill_s": written, **measure(task["rounds"])}))  # noqa: T201
