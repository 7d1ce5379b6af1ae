"""Two small children who match each other at the threshold: no way in gives one the other's name."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from io import StringIO
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from pytest_django.asserts import assertContains

from enrollment.models import Person
from recognizer.engine import FaceEngine
from recognizer.images import decode_crop
from recognizer.packs.cohorts import is_held_out
from recognizer.types import Face
from tests.support.sockets import communicator, show_all
from tests.support.webcam import jpeg
from verification.models import VerificationAttempt
from verification.reasons import sentence_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("liveness_off")]
SAID = sentence_for("similar_to_many")


class Pair(NamedTuple):
    enrolled: bytes
    stranger: bytes


@pytest.fixture(scope="session")
def look_alikes(engine: FaceEngine, face_of: Callable[[bytes], Face], shared_faces: Path) -> Pair:
    """Pictures (JPEG) of two children between one and two years that no cohort was built from."""
    if engine.cohort is None:
        pytest.fail("The tests' pack has a cohort.")
    with tarfile.open(shared_faces / "train" / "crops_112_webp.tar") as crops:
        names = [f"utk/{number:05d}.webp" for number in range(1250, 1275)]
        files = (crops.extractfile(name) for name in names if is_held_out(name, 0.5))
        pictures = [as_picture(decode_crop(file.read())) for file in files if file]
    threshold = engine.pack.thresholds[1e-4].match
    for pair in permutations(pictures, 2):
        first, second = (face_of(picture).embedding for picture in pair)
        if first is not None and second is not None and float(first @ second) > threshold + 0.1:
            return Pair(*pair)
    raise AssertionError("No two of them match: is this another set of crops?")


def as_picture(crop: np.ndarray) -> bytes:
    """A face of 280 pixels in the middle of a picture."""
    large = cv2.resize(crop, (280, 280), interpolation=cv2.INTER_CUBIC)
    return jpeg(np.asarray(cv2.copyMakeBorder(large, 100, 100, 180, 180, cv2.BORDER_REPLICATE), np.uint8))


@pytest.fixture
def child(enrol: Callable[..., Person], look_alikes: Pair) -> Person:
    return enrol("Mia", look_alikes.enrolled)


def test_the_photo_check_names_nobody_and_says_why_also_in_the_history(operator_client, child, look_alikes):
    upload = SimpleUploadedFile("child.jpg", look_alikes.stranger, content_type="image/jpeg")
    page = operator_client.post("/verification/photo/", {"photo": upload, "keep": "on"})
    assertContains(page, "It cannot be said who this is")
    assertContains(page, SAID)
    attempt = VerificationAttempt.objects.get()
    assert (attempt.verdict, attempt.matched_person, attempt.reasons) == ("uncertain", None, ["similar_to_many"])
    assert attempt.comparison_score is not None and attempt.comparison_score >= attempt.match_threshold
    assertContains(operator_client.get(f"/verification/attempts/{attempt.uuid}/"), SAID)


@pytest.mark.parametrize("mode", ["identify", "verify"])
async def test_the_live_page_names_nobody_whether_it_searches_or_checks_a_claim(operator, child, look_alikes, mode):
    socket = await communicator("/ws/verification/", operator)
    await socket.connect()
    await socket.receive_json_from()
    claim = {"person": str(child.uuid)} if mode == "verify" else {}
    await socket.send_json_to({"type": "configure", "mode": mode} | claim)
    messages = await show_all(socket, [look_alikes.stranger] * 10)
    await socket.disconnect()
    (decision,) = (message for message in messages if message["type"] == "decision")
    assert (decision["verdict"], decision["reasons"]) == ("uncertain", ["similar_to_many"])
    assert decision["comparison_score"] > decision["match_threshold"]
    assert SAID in decision["card"]["reasons"]
    assert all(face["verdict"] != "match" for message in messages for face in message.get("faces", ()))


def test_the_command_names_nobody_and_says_why(child, look_alikes, tmp_path):
    path = tmp_path / "child.jpg"
    path.write_bytes(look_alikes.stranger)
    out = StringIO()
    call_command("identify", str(path), "--json", stdout=out)
    (face,) = json.loads(out.getvalue())["images"][0]["faces"]
    assert (face["verdict"], face["person"], face["reasons"]) == ("uncertain", None, ["similar_to_many"])
    assert face["card"]["reasons"] == [SAID]


def test_the_very_picture_that_was_enrolled_is_still_recognised(operator_client, child, look_alikes):
    upload = SimpleUploadedFile("child.jpg", look_alikes.enrolled, content_type="image/jpeg")
    assertContains(operator_client.post("/verification/photo/", {"photo": upload}), "This is Mia")


def test_no_right_match_of_twenty_people_of_lfw_is_lost(engine, face_of, shared_faces):
    assert engine.cohort is not None
    threshold = engine.pack.thresholds[1e-4].match
    people = [folder for folder in sorted((shared_faces / "eval").iterdir()) if folder.is_dir()][:20]
    matches = lost = 0
    for folder in people:
        pictures = [face_of(path.read_bytes()).embedding for path in sorted(folder.glob("*.jpg"))]
        for first, second in permutations(pictures, 2):
            score = float(first @ second)
            matches += score >= threshold
            lost += score >= threshold and not engine.cohort.stands_out(score, first, second)
    assert matches > 100
    assert lost == 0
