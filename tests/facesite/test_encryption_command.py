"""manage.py encryption status | seal | rotate, and what the running product does by itself."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from enrollment.models import FaceSample, FaceTemplate, PersonKey
from enrollment.sealed import CROPS, EMBEDDINGS, read_crop, read_embeddings
from facesite.upkeep import Upkeep
from security.audit.actions import Action
from security.encryption.older import is_sealed
from security.encryption.site_keys import SiteKeyUnusable, current_site_key
from security.models import AuditEvent
from tests.verification.rows import JPEG, make_attempt, make_person
from verification.models import PictureKey, VerificationAttempt
from verification.sealed import THUMBNAILS, read_picture

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG not really a picture"
VECTOR = bytes(range(32))


def encryption(action: str) -> dict[str, Any]:
    out = StringIO()
    call_command("encryption", action, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@pytest.fixture
def in_a_file(settings, tmp_path):
    settings.FACESITE_DATA_KEY = ""
    settings.FACESITE_DATA_KEY_FILE = tmp_path / "data-key"


@pytest.fixture
def older():
    """What a version before encryption left: three people with a sample, an attempt, one without a picture."""
    for number in range(3):
        sample = FaceSample.objects.create(
            person=make_person(f"Person {number}"), source="webcam", quality_score=0.7, digest=str(number), crop=PNG
        )
        FaceTemplate.objects.create(sample=sample, contract_id="space", dimension=8, embedding=VECTOR)
    make_attempt(thumbnail=b"")
    return make_attempt()


def assert_everything_is_sealed_and_opens():
    for sample in FaceSample.objects.all():
        assert CROPS.is_sealed(sample.crop)
        assert read_crop(sample) == PNG
        template = sample.templates.get()
        assert EMBEDDINGS.is_sealed(template.embedding)
        assert read_embeddings([(sample.pk, template.embedding)], "space") == [VECTOR]
    attempt = VerificationAttempt.objects.exclude(thumbnail=b"").get()
    assert THUMBNAILS.is_sealed(attempt.thumbnail)
    assert read_picture(attempt) == JPEG
    assert (PersonKey.objects.count(), PictureKey.objects.count()) == (3, 1)


class TestSeal:
    def test_encrypts_what_older_versions_wrote_and_then_finds_nothing(self, older):
        assert encryption("status")["in_plain"]["enrollment_facesample.crop"] == 3
        answer = encryption("seal")
        assert (answer["sealed"], answer["encrypted"]) == (7, True)
        assert_everything_is_sealed_and_opens()
        assert encryption("seal")["sealed"] == 0
        assert AuditEvent.objects.filter(action=Action.FACES_ENCRYPTED).count() == 1

    def test_older_rows_can_be_read_before_it(self, older):
        assert read_picture(older) == JPEG
        assert read_crop(FaceSample.objects.earliest("pk")) == PNG

    def test_goes_on_where_it_was_stopped(self, older, monkeypatch):
        from facesite.upkeep import COLUMNS
        from security.encryption import older as sealing

        monkeypatch.setattr(sealing, "BATCH", 2)
        assert next(sealing.seal_older(COLUMNS)) == 2
        assert not is_sealed()
        assert encryption("seal")["sealed"] == 5
        assert_everything_is_sealed_and_opens()


class TestUpkeep:
    def test_encrypts_older_rows_and_looks_only_once(self, older, django_assert_max_num_queries):
        Upkeep().work()
        assert_everything_is_sealed_and_opens()
        with django_assert_max_num_queries(5):
            Upkeep().work()

    def test_goes_on_with_a_rotation(self, older, in_a_file):
        from security.encryption import rotating

        encryption("seal")
        rotating.begin_rotation()
        Upkeep().work()
        assert not rotating.rotation_begun()
        assert_everything_is_sealed_and_opens()

    def test_ends_when_it_is_told_to(self, db, monkeypatch):
        upkeep = Upkeep()
        monkeypatch.setattr(upkeep, "work", lambda: None)
        upkeep.start()
        upkeep.stop()
        assert upkeep._thread is not None
        assert not upkeep._thread.is_alive()


class TestRotate:
    def test_makes_a_new_site_key_and_everything_still_opens(self, older, in_a_file):
        encryption("seal")
        before = current_site_key().fingerprint
        answer = encryption("rotate")
        assert (answer["rotated"], answer["keys_to_rotate"], answer["rotating"]) == (4, 0, False)
        assert answer["site_key"] != before
        assert_everything_is_sealed_and_opens()

    def test_says_what_to_do_when_the_key_is_in_the_environment(self):
        with pytest.raises(SiteKeyUnusable, match="new,old"):
            encryption("rotate")


class TestStatus:
    def test_is_told_in_sentences(self, older):
        out = StringIO()
        call_command("encryption", "status", stdout=out)
        assert "Not encrypted yet: 3 in enrollment_facetemplate.embedding" in out.getvalue()
        call_command("encryption", "seal", stdout=out)
        assert "Every stored face is encrypted (AES-256-GCM)." in out.getvalue()

    def test_shows_no_key(self, settings):
        assert settings.FACESITE_DATA_KEY not in json.dumps(encryption("status"))
