"""A database of the version before: `migrate` brings all of it over, and the product goes on with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from benchmarks.sample import random_templates
from enrollment.consent.records import NO_CONSENT
from enrollment.models import Person
from enrollment.runtime.gallery import current_gallery
from enrollment.samples.drafts import SampleDraft
from enrollment.sealed import read_crop
from enrollment.services import enroll_person
from facesite.health import has_pending_migrations
from recognizer.engine import FaceEngine
from recognizer.types import Pose, Quality
from tests.verification.rows import make_attempt
from verification.models import VerificationAttempt

pytestmark = pytest.mark.django_db(transaction=True)

VERSION_BEFORE = [
    ("api", "0003_webhooks"),
    ("attendance", "0001_policy_and_punch"),
    ("enrollment", "0019_fold_names"),
    ("security", "0022_see_attendance"),
    ("verification", "0018_api_source"),
]
"""The newest migrations of 27 November 2026, before there were several processes."""


def migrate(targets: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


def made_up_samples(engine: FaceEngine, count: int = 3) -> list[SampleDraft]:
    """Noise for pictures, and one direction for embeddings: nobody's face."""
    noise = np.random.default_rng(13)
    quality = Quality(1.0, (), Pose(0, 0, 0), 200.0, 80.0, 120.0, 50.0, 100.0)
    (vector,) = random_templates(1, engine.dimension)
    return [
        SampleDraft(
            noise.integers(0, 255, (112, 112, 3), np.uint8), vector, engine.contract_id, quality, "folder", "front"
        )
        for _ in range(count)
    ]


@pytest.fixture
def newest() -> Iterator[list[tuple[str, str]]]:
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield leaves
    MigrationExecutor(connection).migrate(leaves)


class TestUpgrade:
    def test_people_faces_and_history_come_over_and_are_used(self, engine, operator, newest):
        drafts = made_up_samples(engine)
        ada = enroll_person(actor=operator, name="Ada", consent=NO_CONSENT, samples=drafts).person
        attempt = make_attempt(matched_person=ada)
        crops = [read_crop(sample) for sample in ada.samples.order_by("pk")]
        older = migrate(VERSION_BEFORE)
        assert has_pending_migrations()
        older.get_model("enrollment", "Person").objects.create(name="Grace, whom the version before wrote")
        older.get_model("security", "Lease").objects.create(name="of the version before")
        migrate(newest)
        assert not has_pending_migrations()
        assert set(Person.objects.values_list("name", flat=True)) == {"Ada", "Grace, whom the version before wrote"}
        assert VerificationAttempt.objects.get(uuid=attempt.uuid).matched_person == ada
        assert Person.objects.get(name="Ada").last_seen_at == attempt.created_at
        assert [read_crop(sample) for sample in ada.samples.order_by("pk")] == crops
        (best,) = current_gallery(engine).search(drafts[0].embedding)
        assert best.person_id == str(ada.uuid)
        assert best.comparison_score == pytest.approx(1.0)
