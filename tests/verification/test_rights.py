from __future__ import annotations

import io
import json
import zipfile

import pytest

from enrollment.receipts import receipt_of
from enrollment.rights.export import export_person
from enrollment.runtime.gallery import current_gallery
from enrollment.services import erase_people
from recognizer.decisions import Question
from recognizer.images import decode_image
from recognizer.tracking.fuser import decide_still
from tests.support.consent import ON_PAPER
from tests.verification.conftest import ADA
from tests.verification.rows import JPEG, make_attempt, make_person
from verification.models import FalseMatch, UnknownPolicy
from verification.policy import Grounds, current_policy
from verification.review import unknowns
from verification.rights import periods
from verification.services import record_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def unknown_person(engine, picture, staff):
    """(somebody who was enrolled from the inbox of unknown faces, how many faces they were)."""
    unknowns.save_unknown_policy(actor=staff, keep=True, days=7)
    for number in (1, 2, 3):
        question = Question(current_gallery(engine), current_policy(engine))
        (decision,) = decide_still(engine, engine.decode(picture(ADA, number)), question).decisions
        record_attempt(
            operator=None,
            mode="identify",
            source="live",
            decision=decision,
            claimed=None,
            grounds=Grounds(engine.contract_id, question.gallery.revision, None),
        )
    faces = [face.uuid for face in unknowns.pending_faces()]
    action = unknowns.enrol_unknown(actor=staff, faces=faces, name="Ada", external_id=None, consent=ON_PAPER)
    return action.person, len(faces)


def copy_of(person) -> zipfile.ZipFile:
    file = io.BytesIO()
    export_person(actor=None, person=person, file=file)
    return zipfile.ZipFile(file)


def exported(person) -> tuple[dict, list[str]]:
    """data.json, and the names of the pictures of the history."""
    with copy_of(person) as archive:
        names = [name for name in archive.namelist() if name.startswith("history/")]
        return json.loads(archive.read("data.json")), names


class TestHeldAbout:
    def test_has_each_decision_with_its_scores_and_the_picture_of_a_match(self):
        ada = make_person()
        attempt = make_attempt(matched_person=ada, reasons=["x"])
        data, pictures = exported(ada)
        (row,) = data["attempts"]
        assert (row["attempt"], row["verdict"], row["named_you"]) == (str(attempt.uuid), "match", True)
        assert (row["comparison_score"], row["match_threshold"], row["reasons"]) == (0.62, 0.31, ["x"])
        assert pictures == [f"history/{attempt.uuid}.jpg"]
        with copy_of(ada) as archive:
            assert archive.read(pictures[0]) == JPEG

    def test_has_no_picture_that_may_show_somebody_else(self):
        ada = make_person()
        make_attempt(claimed_person=ada, verdict="non_match")
        make_attempt(nearest_person=ada, verdict="uncertain")
        wrong = make_attempt(matched_person=ada)
        FalseMatch.objects.create(attempt=wrong, person=ada)
        data, pictures = exported(ada)
        assert (len(data["attempts"]), pictures) == (3, [])
        assert [row["was_your_face"] for row in data["false_matches"]] == [False]

    def test_has_the_picture_that_was_found_to_be_theirs(self):
        ada, grace = make_person(), make_person("Grace")
        wrong = make_attempt(matched_person=ada)
        FalseMatch.objects.create(attempt=wrong, person=ada, other_person=grace)
        data, pictures = exported(grace)
        assert pictures == [f"history/{wrong.uuid}.jpg"]
        assert [row["was_your_face"] for row in data["false_matches"]] == [True]

    def test_has_nothing_of_anybody_else(self):
        ada, grace = make_person(), make_person("Grace")
        make_attempt(matched_person=grace)
        data, pictures = exported(ada)
        assert (data["attempts"], pictures) == ([], [])

    def test_has_the_faces_that_were_enrolled_from_the_inbox(self, unknown_person):
        person, faces = unknown_person
        with copy_of(person) as archive:
            data = json.loads(archive.read("data.json"))
            assert len(data["unknown_faces"]) == faces
            first = data["unknown_faces"][0]
            assert decode_image(archive.read(first["picture"])).shape == (112, 112, 3)
            assert len(first["embedding"]) > 100


class TestTheReceiptsCounts:
    def test_are_of_what_the_history_lost(self):
        ada = make_person()
        for values in ({"matched_person": ada}, {"claimed_person": ada, "verdict": "non_match"}):
            make_attempt(**values)
        make_attempt(matched_person=ada, thumbnail=b"")
        FalseMatch.objects.create(attempt=make_attempt(), person=ada)
        erase_people(actor=None, people=[ada])
        receipt = receipt_of(ada.uuid)
        assert receipt is not None
        counts = receipt.statement["counts"]
        assert (counts["attempts"], counts["attempt_pictures"], counts["false_matches"]) == (3, 2, 1)

    def test_are_of_the_faces_in_the_inbox(self, unknown_person):
        person, faces = unknown_person
        erase_people(actor=None, people=[person])
        receipt = receipt_of(person.uuid)
        assert receipt is not None
        assert receipt.statement["counts"]["unknown_faces"] == faces


class TestPeriods:
    def test_say_what_the_policy_on_unknown_faces_says(self):
        assert list(periods()) == ["Faces that match nobody who is enrolled: not kept for recognition."]
        UnknownPolicy.objects.create(keep=True, days=1)
        assert list(periods()) == [
            "Faces that match nobody who is enrolled: 1 day, unless they are found to be somebody who is."
        ]
