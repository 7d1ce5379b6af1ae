from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.utils import translation

from enrollment.models import GalleryRevision
from enrollment.services import erase_people, set_active, update_person
from recognizer.images import encode_thumbnail
from tests.support.sockets import Socket, communicator, frame, receive_until, show_all
from tests.support.webcam import clip_frames, jpeg
from tests.verification.conftest import ADA, BOB, STRANGER
from verification.cards import card_of
from verification.live import consumers
from verification.live.protocol import card_message
from verification.models import VerificationAttempt
from verification.services import save_policy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine", "liveness_off")]
PATH = "/ws/verification/"
IDENTIFY = {"type": "configure", "mode": "identify"}


async def opened(operator, configure: dict[str, Any] | None = IDENTIFY, language: str = "") -> Socket:
    socket = await communicator(PATH, operator, language=language)
    assert (await socket.connect())[0]
    assert (await socket.receive_json_from())["type"] == "hello"
    if configure:
        await socket.send_json_to(configure)
    return socket


async def show(socket: Socket, image: bytes, times: int = 1, *, first: int = 1) -> list[dict[str, Any]]:
    """Send a picture again and again. Everything that the server had to say."""
    return await show_all(socket, [image] * times, first=first)


def of_type(kind: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in messages if message["type"] == kind]


def named(face: dict[str, Any]) -> str | None:
    return str(face["person"]["name"]) if face["person"] else None


class TestHello:
    async def test_says_what_the_contract_promises(self, operator, ada, engine):
        socket = await communicator(PATH, operator)
        await socket.connect()
        hello = await socket.receive_json_from()
        threshold = engine.pack.thresholds[1e-4].match
        assert hello == {
            "type": "hello",
            "protocol": 1,
            "pack": engine.pack.name,
            "match_threshold": threshold,
            "fmr": 1e-4,
            "population": engine.pack.population,
            "liveness": "off",
            "gallery": {"people": 1, "templates": 3},
            "limits": {"frame_bytes": 524_288, "pixels": 2_100_000, "frames_per_second": 30},
        }
        await socket.disconnect()

    async def test_without_a_pack_the_error_names_the_command_that_installs_one(
        self, operator, no_engine, settings, tmp_path
    ):
        settings.FACESITE_MODELS_DIR = tmp_path
        settings.FACESITE_MODEL_PACK = "mobile"
        socket = await communicator(PATH, operator)
        await socket.connect()
        error = await socket.receive_json_from()
        assert error["code"] == "engine_not_ready"
        assert "packs install" in error["message"]
        assert (await socket.receive_output())["code"] == 1013
        await socket.disconnect()


@pytest.fixture
def every_language(monkeypatch) -> None:
    """As if every catalogue had every message: it begins with the language that it is said in."""
    speaker: Any = translation._trans  # type: ignore[attr-defined]
    monkeypatch.setattr(speaker, "gettext", lambda message: f"{translation.get_language()}: {message}")


class TestLanguage:
    async def test_each_socket_speaks_what_its_browser_asks_for(self, operator, ada, picture, every_language):
        sockets = [await opened(operator, language=language) for language in ("de-AT,de;q=0.9", "")]
        german, english = [of_type("decision", await show(one, picture(STRANGER, 1), 10))[0]["card"] for one in sockets]
        assert (german["headline"], english["headline"]) == ("de: Not recognised", "en: Not recognised")
        assert (german["facts"][0]["label"], english["facts"][0]["label"]) == ("de: Comparison", "en: Comparison")
        assert "1 in 10.000" in german["facts"][1]["text"]
        assert "1 in 10,000" in english["facts"][1]["text"]
        assert all(sentence.startswith("de: ") for sentence in german["reasons"])
        for socket in sockets:
            await socket.disconnect()
        attempt = await VerificationAttempt.objects.afirst()
        assert attempt
        assert attempt.reasons == ["below_threshold"]  # codes: the history says them in its reader's language

    async def test_what_is_refused_is_said_in_it_too(self, operator, ada, every_language):
        socket = await opened(operator, {"type": "configure", "mode": "verify", "person": "nobody"}, language="fr")
        refused = await receive_until(socket, "error")
        assert refused["message"] == "fr: There is no such person, or they are not active."
        await socket.send_json_to({"type": "never heard of"})
        assert (await receive_until(socket, "error"))["code"] == "message_unknown"
        await socket.disconnect()


class TestIdentify:
    async def test_an_enrolled_person_is_named_and_decided_once(self, operator, ada, bob, picture):
        socket = await opened(operator)
        messages = await show(socket, picture(ADA, 4), 10)
        results, decisions = of_type("result", messages), of_type("decision", messages)
        assert [result["seq"] for result in results] == list(range(1, 11))
        (face,) = results[-1]["faces"]
        assert face["verdict"] == "match"
        assert face["person"] == {"id": str(ada.uuid), "name": "Ada"}
        (decision,) = decisions
        assert (decision["verdict"], named(decision), decision["track"]) == ("match", "Ada", face["track"])
        assert decision["comparison_score"] >= decision["match_threshold"]
        await socket.disconnect()
        attempt = await VerificationAttempt.objects.select_related("matched_person", "operator").aget()
        assert str(attempt.uuid) == decision["attempt"]
        assert (attempt.matched_person, attempt.operator, attempt.mode) == (ada, operator, "identify")
        assert (attempt.source, attempt.verdict) == ("live", "match")
        revision = await GalleryRevision.objects.aget()
        assert (attempt.gallery_revision, attempt.policy_id) == (revision.number, None)
        assert attempt.comparison_score == decision["comparison_score"]

    async def test_says_why_in_the_very_words_of_the_history(self, operator, ada, bob, picture, engine):
        socket = await opened(operator)
        (decision,) = of_type("decision", await show(socket, picture(ADA, 4), 10))
        await socket.disconnect()
        attempt = await VerificationAttempt.objects.select_related("matched_person", "claimed_person").aget()
        assert decision["card"] == card_message(card_of(attempt))
        labels = [fact["label"] for fact in decision["card"]["facts"]]
        assert labels == ["Comparison", "Threshold", "Runner-up", "Frames", "Liveness", "Quality"]
        assert (decision["runner_up"], decision["fmr"]) == (attempt.runner_up, 1e-4)
        assert decision["population"] == engine.pack.population
        assert decision["quality"]["score"] == pytest.approx(attempt.quality_score, abs=1e-3)

    async def test_a_result_has_every_field_of_the_contract(self, operator, ada, picture):
        socket = await opened(operator)
        (result,) = of_type("result", await show(socket, picture(ADA, 4)))
        assert result.keys() == {"type", "seq", "dropped", "image", "faces", "match_threshold", "timings_ms"}
        assert result["image"] == [250, 250]
        stages = ["queue", "decode", "detect", "liveness", "embed", "search", "total"]
        assert list(result["timings_ms"]) == stages
        assert result["timings_ms"]["total"] >= result["timings_ms"]["detect"] > 0
        face = result["faces"][0]
        assert face.keys() == {
            "track",
            "box_xyxy",
            "landmarks",
            "detection_score",
            "quality",
            "liveness",
            "verdict",
            "person",
            "comparison_score",
            "runner_up",
            "frames",
            "reasons",
        }
        left, top, right, bottom = face["box_xyxy"]
        assert all(left < x < right and top < y < bottom for x, y in face["landmarks"])
        assert face["liveness"] == {"verdict": "not_checked", "score": None}
        await socket.disconnect()

    async def test_ten_frames_in_one_burst_are_decided_too(self, operator, ada, picture):
        socket = await opened(operator)
        for seq in range(1, 11):
            await socket.send_to(bytes_data=frame(seq, picture(ADA, 4)))
        decision = await receive_until(socket, "decision")
        assert named(decision) == "Ada"
        await socket.disconnect()

    async def test_every_frame_of_a_burst_is_answered_once(self, operator, ada, picture):
        socket = await opened(operator)
        for seq in range(1, 31):
            await socket.send_to(bytes_data=frame(seq, picture(ADA, 4)))
        answered, last = 0, 0
        while last < 30:
            result = await receive_until(socket, "result")
            answered += 1 + result["dropped"]
            last = result["seq"]
        assert answered == 30
        await socket.disconnect()

    async def test_a_stranger_is_not_named(self, operator, ada, bob, picture):
        socket = await opened(operator)
        messages = await show(socket, picture(STRANGER, 1), 10)
        faces = [face for result in of_type("result", messages) for face in result["faces"]]
        assert faces
        assert not any(face["person"] for face in faces)
        (decision,) = of_type("decision", messages)
        assert decision["verdict"] == "non_match"
        assert decision["person"] is None
        await socket.disconnect()
        attempt = await VerificationAttempt.objects.aget()
        assert attempt.matched_person_id is None

    async def test_a_picture_upside_down_is_uncertain_and_says_why(self, operator, ada, bob, picture):
        upright = cv2.imdecode(np.frombuffer(picture(ADA, 4), np.uint8), cv2.IMREAD_COLOR)
        assert upright is not None
        socket = await opened(operator)
        upside_down = cv2.imencode(".png", np.rot90(upright, 2))[1].tobytes()
        (decision,) = of_type("decision", await show(socket, upside_down, 10))
        assert (decision["verdict"], decision["person"], decision["reasons"]) == ("uncertain", None, ["turned_over"])
        await socket.disconnect()

    @pytest.mark.parametrize("quarters", [1, 3])
    async def test_a_picture_on_its_side_names_and_denies_nobody(self, operator, ada, bob, picture, quarters):
        upright = np.asarray(cv2.imdecode(np.frombuffer(picture(ADA, 4), np.uint8), cv2.IMREAD_COLOR))
        socket = await opened(operator)
        sideways = cv2.imencode(".png", np.rot90(upright, quarters))[1].tobytes()
        decisions = of_type("decision", await show(socket, sideways, 10))
        assert [decision["verdict"] for decision in decisions] in ([], ["uncertain"])
        await socket.disconnect()

    async def test_a_covered_mouth_is_uncertain_and_says_why(self, operator, ada, bob, shared_faces):
        socket = await opened(operator)
        mask = (shared_faces.parent / "cases" / "faces" / "maskA.png").read_bytes()
        (decision,) = of_type("decision", await show(socket, mask, 10))
        assert (decision["verdict"], decision["person"], decision["reasons"]) == ("uncertain", None, ["mouth_hidden"])
        await socket.disconnect()

    async def test_with_nobody_enrolled_everybody_is_a_stranger(self, operator, picture):
        socket = await opened(operator)
        (decision,) = of_type("decision", await show(socket, picture(ADA, 1), 10))
        assert decision["verdict"] == "non_match"
        assert decision["comparison_score"] is None
        await socket.disconnect()

    async def test_no_face_is_a_result_without_faces_and_no_decision(self, operator, ada):
        socket = await opened(operator)
        grey = encode_thumbnail(np.full((480, 640, 3), 128, np.uint8), 640)
        messages = await show(socket, grey, 10)
        assert {message["type"] for message in messages} == {"result"}
        assert not any(message["faces"] for message in messages)
        await socket.disconnect()

    async def test_two_faces_are_never_the_same_person(self, operator, enrol, shared_faces):
        portraits = shared_faces / "portraits"
        await sync_to_async(enrol)("Barack", (portraits / "obama.jpg").read_bytes())
        await sync_to_async(enrol)("Joe", (portraits / "biden.jpg").read_bytes())
        socket = await opened(operator)
        image = np.ascontiguousarray(next(clip_frames(portraits / "obama_and_biden.jpg")))
        messages = await show(socket, encode_thumbnail(image, 1280), 10)
        for result in of_type("result", messages):
            shown = [named(face) for face in result["faces"] if face["person"]]
            assert len(shown) == len(set(shown))
        names = [named(decision) for decision in of_type("decision", messages) if decision["person"]]
        assert sorted(map(str, names)) == ["Barack", "Joe"]
        await socket.disconnect()

    async def test_who_is_enrolled_while_the_socket_is_open_is_found(self, operator, ada, enrol, picture):
        socket = await opened(operator)
        await show(socket, picture(BOB, 4))
        await sync_to_async(enrol)("Bob", *(picture(BOB, number) for number in (1, 2, 3)))
        await socket.send_json_to(IDENTIFY)
        (decision,) = of_type("decision", await show(socket, picture(BOB, 4), 10, first=2))
        assert named(decision) == "Bob"
        await socket.disconnect()

    async def test_who_is_erased_while_the_socket_is_open_is_no_longer_named(self, operator, ada, picture):
        socket = await opened(operator)
        assert named(of_type("decision", await show(socket, picture(ADA, 4), 10))[0]) == "Ada"
        await sync_to_async(erase_people)(actor=None, people=[ada])
        await socket.send_json_to(IDENTIFY)
        messages = await show(socket, picture(ADA, 4), 10, first=11)
        assert not any(face["person"] for result in of_type("result", messages) for face in result["faces"])
        assert of_type("decision", messages)[0]["verdict"] == "non_match"
        await socket.disconnect()

    async def test_a_new_name_is_told_at_once(self, operator, ada, picture):
        socket = await opened(operator)
        await show(socket, picture(ADA, 4), 10)
        await sync_to_async(update_person)(actor=None, person=ada, name="Augusta", external_id=None)
        messages = await show(socket, picture(ADA, 4), first=11)
        assert named(of_type("result", messages)[-1]["faces"][0]) == "Augusta"
        await socket.disconnect()


class TestVerify:
    async def test_a_true_claim_is_a_match(self, operator, ada, bob, picture):
        socket = await opened(operator, {"type": "configure", "mode": "verify", "person": str(ada.uuid)})
        (decision,) = of_type("decision", await show(socket, picture(ADA, 4), 10))
        assert (decision["verdict"], named(decision)) == ("match", "Ada")
        await socket.disconnect()
        attempt = await VerificationAttempt.objects.select_related("claimed_person", "matched_person").aget()
        assert (attempt.mode, attempt.claimed_person, attempt.matched_person) == ("verify", ada, ada)

    async def test_somebody_else_is_no_match_even_if_they_are_enrolled(self, operator, ada, bob, picture):
        socket = await opened(operator, {"type": "configure", "mode": "verify", "person": str(ada.uuid)})
        (decision,) = of_type("decision", await show(socket, picture(BOB, 4), 10))
        assert (decision["verdict"], decision["person"]) == ("non_match", None)
        await socket.disconnect()
        attempt = await VerificationAttempt.objects.select_related("claimed_person").aget()
        assert (attempt.claimed_person, attempt.matched_person_id) == (ada, None)

    @pytest.mark.parametrize("written", [str.upper, "urn:uuid:{}".format, "{{{}}}".format])
    async def test_a_claim_holds_however_the_uuid_is_written(self, operator, ada, picture, written):
        socket = await opened(operator, {"type": "configure", "mode": "verify", "person": written(str(ada.uuid))})
        (decision,) = of_type("decision", await show(socket, picture(ADA, 4), 10))
        assert (decision["verdict"], decision["person"]) == ("match", {"id": str(ada.uuid), "name": "Ada"})
        await socket.disconnect()
        attempt = await VerificationAttempt.objects.select_related("claimed_person").aget()
        assert attempt.claimed_person == ada

    @pytest.mark.parametrize("person", ["00000000-0000-4000-8000-000000000000", "Ada", "", "\ud800"])
    async def test_an_unknown_person_cannot_be_claimed(self, operator, ada, picture, person):
        socket = await opened(operator, {"type": "configure", "mode": "verify", "person": person})
        assert (await socket.receive_json_from())["code"] == "person_unknown"
        (error,) = await show(socket, picture(ADA, 4))
        assert error["code"] == "not_configured"
        await socket.disconnect()

    async def test_an_inactive_person_cannot_be_claimed(self, operator, ada):
        await sync_to_async(set_active)(actor=None, people=[ada], active=False)
        socket = await opened(operator, {"type": "configure", "mode": "verify", "person": str(ada.uuid)})
        assert (await socket.receive_json_from())["code"] == "person_unknown"
        await socket.disconnect()


class TestConfigure:
    async def test_a_frame_before_it_is_refused(self, operator, picture):
        socket = await opened(operator, None)
        (error,) = await show(socket, picture(ADA, 1))
        assert (error["code"], error["seq"]) == ("not_configured", 1)
        await socket.disconnect()

    @pytest.mark.parametrize(
        "message",
        [
            {"type": "configure"},
            {"type": "configure", "mode": "guess"},
            {"type": "configure", "mode": ["identify"]},
            {"type": "configure", "mode": "verify"},
            {"type": "configure", "mode": "verify", "person": 7},
        ],
    )
    async def test_what_cannot_be_understood_is_refused(self, operator, message):
        socket = await opened(operator, message)
        assert (await socket.receive_json_from())["code"] == "message_invalid"
        await socket.disconnect()

    async def test_after_one_that_cannot_be_understood_nobody_is_identified(self, operator, ada, picture):
        socket = await opened(operator)
        await socket.send_json_to({"type": "configure", "mode": "verify"})
        assert (await socket.receive_json_from())["code"] == "message_invalid"
        (error,) = await show(socket, picture(ADA, 4))
        assert error["code"] == "not_configured"
        await socket.disconnect()

    async def test_an_unknown_message_is_refused(self, operator):
        socket = await opened(operator, {"type": "finish"})
        assert (await socket.receive_json_from())["code"] == "message_unknown"
        await socket.disconnect()

    async def test_doing_it_again_starts_anew(self, operator, ada, picture):
        socket = await opened(operator)
        first = await show(socket, picture(ADA, 4), 10)
        await socket.send_json_to(IDENTIFY)
        second = await show(socket, picture(ADA, 4), 10, first=11)
        assert len(of_type("decision", first)) == len(of_type("decision", second)) == 1
        await socket.disconnect()
        assert await VerificationAttempt.objects.acount() == 2

    async def test_a_new_policy_is_followed_while_the_socket_is_open(
        self, operator, staff, ada, engine, picture, monkeypatch
    ):
        monkeypatch.setattr(consumers, "POLICY_CHECK_SECONDS", 0.0)
        socket = await opened(operator)
        before = of_type("result", await show(socket, picture(ADA, 4)))[0]["match_threshold"]
        await sync_to_async(save_policy)(actor=staff, fmr="0.00001", liveness="off")
        after = of_type("result", await show(socket, picture(ADA, 4), first=2))[0]["match_threshold"]
        assert (before, after) == (engine.pack.thresholds[1e-4].match, engine.pack.thresholds[1e-5].match)
        await socket.disconnect()


def with_size(picture: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header promises another size."""
    at = picture.index(b"\xff\xc0") + 5
    return picture[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + picture[at + 4 :]


class TestBadFrames:
    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda good: b"this is no picture at all", "image_undecodable"),
            (lambda good: b"\xff\xd8\xff" + bytes(500), "image_undecodable"),
            (lambda good: good[: len(good) // 2], "image_undecodable"),
            (lambda good: b"%PDF-1.7 " + good, "image_undecodable"),
            (lambda good: with_size(good, 20_000, 20_000), "image_too_many_pixels"),
            (lambda good: good + bytes(524_288), "frame_too_large"),
            (lambda good: encode_thumbnail(np.zeros((8, 8, 3), np.uint8)), "image_too_small"),
        ],
    )
    async def test_each_gets_its_error_and_the_socket_lives_on(self, operator, ada, picture, spoil, code):
        socket = await opened(operator)
        (error,) = await show(socket, spoil(picture(ADA, 4)))
        assert (error["type"], error["code"], error["seq"]) == ("error", code, 1)
        assert error["message"]
        (result,) = of_type("result", await show(socket, picture(ADA, 4), first=2))
        assert (result["dropped"], len(result["faces"])) == (0, 1)
        await socket.disconnect()


class TestAccess:
    async def test_a_page_of_another_site_is_refused(self, operator):
        socket = await communicator(PATH, operator, origin="https://evil.example")
        assert not (await socket.connect())[0]

    async def test_a_visitor_is_closed_with_4401(self, db):
        socket = await communicator(PATH, None)
        assert (await socket.connect())[0]
        assert await socket.receive_output() == {"type": "websocket.close", "code": 4401}
        await socket.disconnect()

    async def test_logging_out_ends_the_stream(self, operator, ada, picture, monkeypatch):
        monkeypatch.setattr(consumers.VerificationConsumer, "session_check_seconds", 0.05)
        socket = await opened(operator)
        await Session.objects.all().adelete()
        while (output := await socket.receive_output())["type"] != "websocket.close":
            pass
        assert output["code"] == 4401
        await socket.disconnect()


class TestClips:
    """The clips that the browser tests show, through the socket alone."""

    async def test_a_person_enrolled_from_a_clip_is_recognised_in_it_and_another_is_not(
        self, operator, enrol, shared_faces
    ):
        male = [jpeg(image) for image in clip_frames(shared_faces / "webcam" / "real_male.mjpeg")]
        female = [jpeg(image) for image in clip_frames(shared_faces / "webcam" / "real_female.mjpeg")]
        await sync_to_async(enrol)("Max", male[0], male[5], male[10])
        socket = await opened(operator)
        decisions = await show_all(socket, male[20:40])
        assert named(of_type("decision", decisions)[0]) == "Max"
        await socket.send_json_to(IDENTIFY)
        messages = await show_all(socket, female, first=100)
        assert not any(face["person"] for result in of_type("result", messages) for face in result["faces"])
        await socket.disconnect()
