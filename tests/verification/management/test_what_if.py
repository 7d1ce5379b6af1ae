from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from enrollment.models import FaceTemplate, Person
from enrollment.runtime.engine import get_engine, reset_engine
from recognizer.images import decode_image
from tests.verification.conftest import ADA, BOB, STRANGER
from tests.verification.rows import make_attempt
from verification.models import VerificationAttempt


def what_if(*options: str) -> dict:
    out = StringIO()
    call_command("what_if", *options, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.django_db
class TestAnotherThreshold:
    def test_lists_what_would_have_been_decided_otherwise(self, engine):
        lost = make_attempt(comparison_score=0.6, contract_id=engine.contract_id)
        make_attempt(comparison_score=0.9, contract_id=engine.contract_id)
        found = what_if("--threshold", "0.65")
        assert (found["replayed"], found["match_threshold"], found["left_out"]) == (2, 0.65, False)
        [change] = found["changes"]
        assert (change["attempt"], change["verdict"], change["other_verdict"]) == (str(lost.uuid), "match", "uncertain")

    def test_says_what_was_left_out(self, engine):
        for _ in range(3):
            make_attempt(comparison_score=0.6, contract_id=engine.contract_id)
        out = StringIO()
        call_command("what_if", "--fmr", "0.00001", "--most", "2", stdout=out)
        assert "0 of 2 attempts would have been decided otherwise" in out.getvalue()
        assert "Older attempts were left out" in out.getvalue()

    @pytest.mark.parametrize("options", [[], ["--threshold", "2"], ["--fmr", "0.001", "--days", "0"]])
    def test_refuses_what_makes_no_sense(self, engine, options):
        with pytest.raises(CommandError):
            what_if(*options)


@pytest.fixture
def on_mobile(two_packs, settings):
    """The pack in use is `mobile`, whatever else is installed."""
    settings.FACESITE_MODEL_PACK = "mobile"
    yield get_engine()
    reset_engine()


@pytest.mark.django_db
class TestAnotherPack:
    @pytest.fixture
    def site(self, on_mobile, picture):
        """Ada and Bob are enrolled; a picture of each, one of a stranger, and one that is erased were decided."""
        from enrollment.samples.drafts import draft_from_face
        from enrollment.services import enroll_person
        from tests.support.consent import ON_PAPER
        from verification.sealed import save_with_picture

        def face(name: str, number: int):
            return on_mobile.analyze(decode_image(picture(name, number))).faces[0]

        for name in (ADA, BOB):
            drafts = [
                draft_from_face(face(name, n), contract_id=on_mobile.contract_id, source="upload") for n in (1, 2, 3)
            ]
            enroll_person(actor=None, name=name, consent=ON_PAPER, samples=drafts, despite_duplicate=True)

        def decided(name: str, number: int, **values) -> VerificationAttempt:
            from recognizer.images import encode_thumbnail

            attempt = make_attempt(contract_id=on_mobile.contract_id, thumbnail=b"", **values)
            attempt.delete()
            attempt.pk = None
            save_with_picture(attempt, encode_thumbnail(face(name, number).aligned))
            return attempt

        decided(ADA, 4)
        decided(BOB, 4)
        decided(STRANGER, 1, verdict="non_match", comparison_score=0.1, reasons=["below_threshold"])
        make_attempt(contract_id=on_mobile.contract_id, thumbnail=b"")
        make_attempt(contract_id=on_mobile.contract_id, thumbnail=b"", verdict="attack", reasons=["liveness_attack"])

    def test_agrees_about_clear_pictures_and_says_what_it_could_not_look_at(self, site):
        found = what_if("--pack", "edgeface-xs")
        assert (found["pack"], found["replayed"], found["repeated_by_pack_in_use"]) == ("edgeface-xs", 3, 3)
        assert (found["without_picture"], found["untouched"], found["changes"]) == (1, 1, [])

    def test_lists_where_the_packs_differ(self, site):
        found = what_if("--pack", "edgeface-xs", "--threshold", "0.95")
        assert {(one["verdict"], one["other_verdict"]) for one in found["changes"]} == {("match", "uncertain")} or {
            one["verdict"] for one in found["changes"]
        } == {"match"}
        assert len(found["changes"]) == 2

    def test_stores_nothing(self, site):
        before = FaceTemplate.objects.count(), VerificationAttempt.objects.count(), Person.objects.count()
        what_if("--pack", "edgeface-xs")
        assert (FaceTemplate.objects.count(), VerificationAttempt.objects.count(), Person.objects.count()) == before

    def test_names_the_command_for_a_pack_that_is_not_installed(self, site):
        with pytest.raises(CommandError, match="packs install"):
            what_if("--pack", "sface")
