from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recognizer.images import UPLOAD_LIMITS, decode_image
from tests.verification.conftest import ADA, STRANGER
from verification.cards import card_of
from verification.live.protocol import card_message
from verification.models import VerificationAttempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def save(tmp_path):
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("identify", *map(str, arguments), stdout=out)
    return out.getvalue()


class TestIdentify:
    def test_says_who_is_on_each_picture_as_json(self, ada, bob, picture, save):
        paths = save("ada.jpg", picture(ADA, 4)), save("stranger.jpg", picture(STRANGER, 1))
        known, stranger = json.loads(run(*paths, "--json"))["images"]
        assert (known["path"], known["error"]) == (str(paths[0]), None)
        (face,) = known["faces"]
        assert face["verdict"] == "match"
        assert face["person"] == {"id": str(ada.uuid), "name": "Ada"}
        assert face["comparison_score"] >= face["match_threshold"] > face["runner_up"]
        assert face["quality"].keys() == {"score", "reasons"}
        assert len(face["box_xyxy"]) == 4
        assert stranger["faces"][0]["person"] is None

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_turns_a_picture_that_lies_on_its_side_or_stands_on_its_head(self, ada, bob, picture, save, quarters):
        turned = np.rot90(decode_image(picture(ADA, 4)), quarters)
        path = save("turned.png", cv2.imencode(".png", turned)[1].tobytes())
        (face,) = json.loads(run(path, "--json"))["images"][0]["faces"]
        assert (face["verdict"], face["person"]["name"]) == ("match", "Ada")

    def test_a_covered_mouth_names_and_denies_nobody(self, ada, shared_faces):
        (face,) = json.loads(run(shared_faces.parent / "cases" / "faces" / "maskA.png", "--json"))["images"][0]["faces"]
        assert (face["verdict"], face["person"], face["reasons"]) == ("uncertain", None, ["mouth_hidden"])

    def test_names_a_kind_of_picture_that_is_not_read(self, ada, save):
        with pytest.raises(CommandError):
            run(save("IMG_1.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"))

    def test_says_it_in_words(self, ada, picture, save):
        out = run(save("ada.jpg", picture(ADA, 4)))
        assert "1 face" in out
        assert "Ada: score 0." in out

    def test_says_why_in_the_words_of_the_history(self, ada, bob, picture, save):
        path = save("stranger.jpg", picture(STRANGER, 1))
        (face,) = json.loads(run(path, "--json", "--record"))["images"][0]["faces"]
        attempt = VerificationAttempt.objects.get()
        assert face["card"] == card_message(card_of(attempt))
        assert (face["fmr"], face["match_threshold"]) == (attempt.fmr, attempt.match_threshold)
        out = run(path)
        for sentence in (*face["card"]["reasons"], *(fact["text"] for fact in face["card"]["facts"])):
            assert sentence in out

    def test_writes_nothing_unless_asked(self, ada, picture, save):
        path = save("ada.jpg", picture(ADA, 4))
        run(path)
        assert not VerificationAttempt.objects.exists()
        run(path, "--record")
        attempt = VerificationAttempt.objects.get()
        assert (attempt.source, attempt.operator, attempt.matched_person) == ("command", None, ada)

    def test_a_bad_file_does_not_stop_the_others_but_fails_the_command(self, ada, picture, save, tmp_path):
        good = save("ada.jpg", picture(ADA, 4))
        spoiled = {
            "missing.jpg": "file_unreadable",
            "text.jpg": "image_undecodable",
            "half.jpg": "image_undecodable",
            "huge.jpg": "frame_too_large",
        }
        save("text.jpg", b"not a picture")
        save("half.jpg", picture(ADA, 4)[:4000])
        save("huge.jpg", bytes(UPLOAD_LIMITS.max_bytes + 1))
        out = StringIO()
        paths = [*(tmp_path / name for name in spoiled), good]
        with pytest.raises(CommandError, match="4 of 5 pictures"):
            call_command("identify", "--json", *map(str, paths), stdout=out)
        images = json.loads(out.getvalue())["images"]
        assert [image["error"] and image["error"]["code"] for image in images] == [*spoiled.values(), None]
        assert images[-1]["faces"][0]["person"]["name"] == "Ada"

    def test_without_a_pack_it_says_which_command_installs_one(self, no_engine, settings, tmp_path, save):
        settings.FACESITE_MODELS_DIR, settings.FACESITE_MODEL_PACK = tmp_path, "mobile"
        with pytest.raises(CommandError, match="packs install"):
            run(save("a.jpg", b""))
