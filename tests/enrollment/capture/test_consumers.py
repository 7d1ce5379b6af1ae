from __future__ import annotations

import base64
import json
import struct
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import cv2
import numpy as np
import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.utils import timezone

from enrollment import services
from enrollment.groups.actions import create_group, delete_group
from enrollment.models import (
    ConsentPolicy,
    ConsentRecord,
    ConsentText,
    FaceSample,
    FaceTemplate,
    Person,
    PersonPair,
)
from enrollment.routing import websocket_urlpatterns
from enrollment.runtime.gallery import current_gallery
from enrollment.samples.drafts import draft_from_face
from recognizer.images import decode_crop
from tests.support.consent import ON_PAPER
from tests.support.ids import NOBODY
from tests.support.pictures import chunk, png
from tests.support.sockets import Socket, frame, headers
from tests.support.webcam import clip_frames, jpeg

pytestmark = pytest.mark.django_db(transaction=True)

application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
NEW = {"type": "configure", "person": {"name": "Ada Lovelace"}, "consent": True}


class Client:
    """Drives the socket by hand, as the contract describes it."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.seq = 0
        self.captured: list[dict[str, Any]] = []

    async def tell(self, type_: str, **values: Any) -> None:
        await self.socket.send_json_to({"type": type_, **values})

    async def ask(self, type_: str, **values: Any) -> dict[str, Any]:
        await self.tell(type_, **values)
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        return await self.socket.receive_json_from()

    async def show(self, image: bytes) -> dict[str, Any]:
        """Send a frame; its result or error. What was captured on the way is noted."""
        self.seq += 1
        await self.socket.send_to(bytes_data=frame(self.seq, image))
        while (message := await self.answer())["type"] == "captured":
            self.captured.append(message)
        assert message["seq"] == self.seq
        return message

    async def hold(self, image: bytes, frames: int = 5) -> dict[str, Any]:
        for _ in range(frames):
            message = await self.show(image)
        return message


@asynccontextmanager
async def connected(user):
    socket = Socket(application, "/ws/enrollment/", headers=await sync_to_async(headers)(user))
    accepted, _ = await socket.connect()
    assert accepted
    try:
        yield Client(socket)
    finally:
        await socket.disconnect()


@pytest.fixture
def enroller(engine, operator):
    """`async with enroller() as client`: connected, hello read."""

    @asynccontextmanager
    async def open_client():
        async with connected(operator) as client:
            assert (await client.answer())["type"] == "hello"
            yield client

    return open_client


@pytest.fixture(scope="session")
def man(shared_faces) -> list[bytes]:
    return [jpeg(image) for image in clip_frames(shared_faces / "webcam" / "real_male.mjpeg")]


@pytest.fixture(scope="session")
def woman(shared_faces) -> list[bytes]:
    return [jpeg(image) for image in clip_frames(shared_faces / "webcam" / "real_female.mjpeg")]


@pytest.fixture(scope="session")
def nobody(shared_faces) -> bytes:
    return jpeg(next(clip_frames(shared_faces / "webcam" / "no_face.mjpeg")))


@pytest.fixture
def enroll_from(engine):
    """Enrol somebody from pictures without a socket."""

    def make(name, *pictures) -> Person:
        faces = [engine.analyze(engine.decode(picture)).faces[0] for picture in pictures]
        drafts = [draft_from_face(face, contract_id=engine.contract_id, source="webcam") for face in faces]
        return services.enroll_person(
            actor=None, name=name, consent=ON_PAPER, samples=drafts, despite_duplicate=True
        ).person

    return sync_to_async(make)


@sync_to_async
def stored() -> tuple[int, int, int]:
    return Person.objects.count(), FaceSample.objects.count(), FaceTemplate.objects.count()


class TestHello:
    async def test_says_what_the_contract_says(self, engine, operator, enroll_from, man, settings):
        settings.FACESITE_LIVENESS = "advisory"
        await enroll_from("Ada", man[0])
        async with connected(operator) as client:
            hello = await client.answer()
        assert hello["type"] == "hello"
        assert hello["protocol"] == 1
        assert hello["pack"] == engine.pack.name
        assert hello["match_threshold"] == engine.pack.thresholds[1e-4].match
        assert hello["fmr"] == 1e-4
        assert hello["liveness"] == "advisory"
        assert hello["gallery"] == {"people": 1, "templates": 1}
        assert hello["limits"] == {"frame_bytes": 524288, "pixels": 2100000, "frames_per_second": 30}

    async def test_is_not_for_strangers(self, engine, operator):
        socket = Socket(application, "/ws/enrollment/", headers=await sync_to_async(headers)(None))
        await socket.connect()
        assert await socket.receive_output() == {"type": "websocket.close", "code": 4401}
        await socket.disconnect()


class TestEnrolment:
    async def test_from_a_webcam_to_a_person_who_is_found(self, enroller, man, engine, operator):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            for image in man:
                result = await client.show(image)
            assert result["captured"] == len(client.captured) >= 2
            enrolled = await client.ask("finish")
        assert enrolled["type"] == "enrolled"
        assert enrolled["person"]["name"] == "Ada Lovelace"
        assert enrolled["samples"] == result["captured"]
        person = await Person.objects.select_related("created_by").aget(uuid=enrolled["person"]["id"])
        assert person.created_by == operator
        assert await person.samples.acount() == enrolled["samples"]
        gallery = await sync_to_async(current_gallery)(engine)
        probe = engine.analyze(engine.decode(man[10])).faces[0].embedding
        assert gallery.search(probe, 1)[0].person_id == enrolled["person"]["id"]

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    async def test_takes_no_picture_of_a_face_on_its_side_or_its_head(self, enroller, man, quarters):
        upright = np.asarray(cv2.imdecode(np.frombuffer(man[0], np.uint8), cv2.IMREAD_COLOR), np.uint8)
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            for _ in range(6):
                result = await client.show(jpeg(np.ascontiguousarray(np.rot90(upright, quarters))))
        assert result["captured"] == 0
        assert result["guidance"] in {"turned_over", "tilted", "turned_away", "no_face"}

    async def test_takes_no_picture_of_a_covered_mouth(self, enroller, shared_faces):
        mask = np.asarray(cv2.imread(str(shared_faces.parent / "cases" / "faces" / "maskA.png")), np.uint8)
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            for _ in range(6):
                result = await client.show(jpeg(mask))
        assert (result["captured"], result["guidance"]) == (0, "mouth_hidden")

    async def test_keeps_external_id_and_consent(self, enroller, man):
        async with enroller() as client:
            await client.tell("configure", person={"name": "Ada", "external_id": "17"}, consent=True)
            await client.hold(man[0])
            await client.ask("finish")
        person = await Person.objects.aget()
        assert person.external_id == "17"
        consent = await person.consents.aget()
        assert (consent.how, consent.legal_basis, consent.given_at is None) == ("ticked", "consent", False)

    async def test_keeps_days_and_groups(self, enroller, man):
        visitors = await sync_to_async(create_group)(actor=None, name="Visitors")
        more = {"valid_from": "2026-03-01", "valid_until": "2026-03-05", "groups": [str(visitors.uuid)]}
        async with enroller() as client:
            await client.tell("configure", person={"name": "Ada", **more}, consent=True)
            await client.hold(man[0])
            await client.ask("finish")
        person = await Person.objects.aget()
        assert (person.valid_from, person.valid_until) == (date(2026, 3, 1), date(2026, 3, 5))
        assert await person.groups.aget() == visitors

    async def test_records_the_other_basis_where_the_policy_needs_no_tick(self, enroller, man):
        await ConsentPolicy.objects.acreate(
            bases=["contract"], tick_required=False, unticked_basis="contract", unticked_note="Work contract"
        )
        async with enroller() as client:
            await client.tell("configure", person={"name": "Ada"}, consent=False)
            await client.hold(man[0])
            await client.ask("finish")
        consent = await ConsentRecord.objects.aget()
        assert (consent.how, consent.legal_basis, consent.note) == ("not_asked", "contract", "Work contract")

    async def test_records_the_text_that_the_page_showed(self, enroller, man):
        shown = await ConsentText.objects.acreate(language="de", number=1, body="Ich bin einverstanden.")
        async with enroller() as client:
            await client.tell("configure", person={"name": "Ada"}, consent=True, consent_text=str(shown.pk))
            await client.hold(man[0])
            await client.ask("finish")
        assert (await ConsentRecord.objects.aget()).text_id == shown.pk

    async def test_takes_no_samples_of_a_person_whose_consent_has_ended(self, enroller, man):
        async with enroller() as client:
            await client.tell("configure", person={"name": "Ada"}, consent=True)
            await client.hold(man[0])
            person = (await client.ask("finish"))["person"]["id"]
            await ConsentRecord.objects.aupdate(withdrawn_at=timezone.now())
            assert (await client.ask("configure", person_id=person))["code"] == "consent_ended"

    async def test_a_burst_of_one_still_picture_gives_a_sample(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            for seq in range(10):
                await client.socket.send_to(bytes_data=frame(seq, man[0]))
            answered, captured = 0, []
            while answered < 10:  # every frame has its answer: a result, or being counted in the next one's `dropped`
                message = await client.answer()
                if message["type"] == "captured":
                    captured.append(message["sample"])
                else:
                    answered += 1 + message["dropped"]
            assert captured == [1]
            assert (await client.ask("finish"))["samples"] == 1

    async def test_an_enrolled_session_is_over(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            await client.hold(man[0])
            assert (await client.ask("finish"))["type"] == "enrolled"
            assert (await client.show(man[0]))["code"] == "not_configured"
            assert (await client.ask("finish"))["code"] == "not_configured"

    async def test_adds_samples_to_somebody_enrolled(self, enroller, enroll_from, man):
        ada = await enroll_from("Ada", man[0])
        async with enroller() as client:
            await client.tell("configure", person_id=str(ada.uuid))
            for image in man[20:]:
                await client.show(image)
            enrolled = await client.ask("finish")
        assert enrolled["type"] == "enrolled"
        assert enrolled["person"] == {"id": str(ada.uuid), "name": "Ada"}
        assert await ada.samples.acount() == 1 + enrolled["samples"]


class TestResult:
    async def test_describes_the_face_and_what_to_do(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            result = await client.show(man[0])
        assert (result["type"], result["dropped"], result["image"]) == ("result", 0, [640, 360])
        (face,) = result["faces"]
        left, top, right, bottom = face["box_xyxy"]
        assert 0 <= left < right <= 640
        assert 0 <= top < bottom <= 360
        assert [len(point) for point in face["landmarks"]] == [2] * 5
        assert 0.6 <= face["detection_score"] <= 1
        assert set(face["quality"]) == {"score", "reasons"}
        assert set(face["pose"]) == {"yaw", "pitch", "roll"}
        assert (result["guidance"], result["message"]) == ("hold_still", "Hold still for a moment.")
        assert (result["captured"], result["needed"]) == (0, 5)
        assert result["timings_ms"]["total"] > 0
        assert "queue" in result["timings_ms"]

    async def test_comes_after_what_was_captured(self, enroller, man, engine):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            result = await client.hold(man[0])
        assert result["captured"] == 1
        (captured,) = client.captured
        assert (captured["sample"], captured["pose"]) == (1, "front")
        assert set(captured["quality"]) == {"score", "reasons"}
        head, _, data = captured["thumbnail"].partition(",")
        assert head == "data:image/jpeg;base64"
        assert decode_crop(base64.b64decode(data)).shape == (112, 112, 3)

    async def test_guides_when_nobody_is_there(self, enroller, nobody):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            result = await client.hold(nobody, 3)
        assert (result["guidance"], result["faces"], result["captured"]) == ("no_face", [], 0)


class TestConfigure:
    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ({"person": {"name": "Ada"}}, "consent_required"),
            ({"person": {"name": "Ada"}, "consent": "yes"}, "consent_required"),
            ({"person": {"name": " "}, "consent": True}, "name_invalid"),
            ({"person": {}, "consent": True}, "name_invalid"),
            ({"person": {"name": ["Ada"]}, "consent": True}, "name_invalid"),
            ({"person": {"name": "x" * 201}, "consent": True}, "name_invalid"),
            ({"person": {"name": "Ada", "external_id": "x" * 101}, "consent": True}, "external_id_invalid"),
            ({"person": {"name": "Ada", "external_id": 17}, "consent": True}, "message_invalid"),
            ({"person": "Ada", "consent": True}, "message_invalid"),
            ({"person": {"name": "Ada", "valid_from": "soon"}, "consent": True}, "message_invalid"),
            ({"person": {"name": "Ada", "valid_until": 17}, "consent": True}, "message_invalid"),
            (
                {"person": {"name": "Ada", "valid_from": "2026-03-02", "valid_until": "2026-03-01"}, "consent": True},
                "validity_invalid",
            ),
            ({"person": {"name": "Ada", "groups": "Visitors"}, "consent": True}, "message_invalid"),
            ({"person": {"name": "Ada", "groups": [17]}, "consent": True}, "message_invalid"),
            ({"person": {"name": "Ada", "groups": ["Visitors"]}, "consent": True}, "group_unknown"),
            ({"person": {"name": "Ada", "groups": [str(NOBODY)]}, "consent": True}, "group_unknown"),
            ({}, "message_invalid"),
            ({"person_id": "nobody"}, "person_unknown"),
            ({"person_id": str(NOBODY)}, "person_unknown"),
            ({"person_id": 17}, "message_invalid"),
            ({"person_id": None}, "message_invalid"),
        ],
    )
    async def test_says_what_is_wrong_and_lives_on(self, enroller, message, code):
        async with enroller() as client:
            error = await client.ask("configure", **message)
            assert (error["type"], error["code"]) == ("error", code)
            assert len(error["message"]) > 20
            await client.socket.send_json_to(NEW)
            assert (await client.ask("finish"))["code"] == "no_samples"

    async def test_takes_a_field_that_is_null_for_an_absent_one(self, enroller, man):
        async with enroller() as client:
            optional = dict.fromkeys(("external_id", "valid_from", "valid_until", "groups"))
            nobody = {"person_id": None, "person": {"name": "Ada", **optional}, "consent": True}
            await client.tell("configure", **nobody)
            assert (await client.show(man[0]))["type"] == "result"

    async def test_refuses_an_external_id_that_somebody_has(self, enroller, enroll_from, man):
        ada = await enroll_from("Ada", man[0])
        await sync_to_async(services.update_person)(actor=None, person=ada, name="Ada", external_id="17")
        async with enroller() as client:
            error = await client.ask("configure", person={"name": "Grace", "external_id": "17"}, consent=True)
        assert error["code"] == "external_id_taken"

    async def test_forgets_the_samples_of_the_person_before(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            await client.hold(man[0])
            await client.socket.send_json_to(NEW)
            assert (await client.ask("finish"))["code"] == "no_samples"

    async def test_forgets_them_even_when_it_fails(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            await client.hold(man[0])
            await client.ask("configure", person={"name": "Grace"})
            assert (await client.show(man[0]))["code"] == "not_configured"


class TestFinish:
    async def test_needs_a_sample(self, enroller):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            assert (await client.ask("finish"))["code"] == "no_samples"

    async def test_needs_configure(self, enroller):
        async with enroller() as client:
            error = await client.ask("finish")
        assert (error["code"], "seq" in error) == ("not_configured", False)

    async def test_asks_before_storing_a_possible_duplicate(self, enroller, enroll_from, man):
        ada = await enroll_from("Ada", man[0])
        async with enroller() as client:
            await client.tell("configure", person={"name": "Somebody"}, consent=True)
            await client.hold(man[30])
            question = await client.ask("finish")
            assert question["type"] == "possible_duplicate"
            (candidate,) = question["candidates"]
            assert candidate["person"] == {"id": str(ada.uuid), "name": "Ada"}
            assert candidate["comparison_score"] > 0.8
            assert await stored() == (1, 1, 1)
            enrolled = await client.ask("finish", despite_duplicate=True)
        assert (enrolled["type"], enrolled["samples"]) == ("enrolled", 1)
        assert await stored() == (2, 2, 2)

    async def test_shows_both_faces_of_a_possible_duplicate(self, enroller, enroll_from, man):
        await enroll_from("Ada", man[0])
        async with enroller() as client:
            await client.tell("configure", person={"name": "Somebody"}, consent=True)
            await client.hold(man[30])
            (candidate,) = (await client.ask("finish"))["candidates"]
        assert candidate["sample"] == 1
        assert candidate["new_thumbnail"] == client.captured[0]["thumbnail"]
        assert candidate["thumbnail"].startswith("data:image/jpeg;base64,")
        assert candidate["thumbnail"] != candidate["new_thumbnail"]

    async def test_notes_the_pair_when_it_is_a_different_person(self, enroller, enroll_from, man, operator):
        ada = await enroll_from("Ada", man[0])
        async with enroller() as client:
            await client.tell("configure", person={"name": "Twin"}, consent=True)
            await client.hold(man[30])
            await client.ask("finish")
            twin = (await client.ask("finish", despite_duplicate=True))["person"]["id"]
            pair = await PersonPair.objects.select_related("first", "second", "noted_by").aget()
            assert (pair.first, str(pair.second.uuid), pair.noted_by) == (ada, twin, operator)
            await client.tell("configure", person_id=twin)  # asked about no more
            await client.hold(man[60])
            assert (await client.ask("finish"))["type"] == "enrolled"

    async def test_adds_to_the_person_who_was_asked_about(self, enroller, enroll_from, man):
        ada = await enroll_from("Ada", man[0])
        async with enroller() as client:
            await client.tell("configure", person={"name": "Somebody"}, consent=True)
            await client.hold(man[30])
            await client.ask("finish")
            enrolled = await client.ask("finish", add_to=str(ada.uuid))
        assert enrolled["person"] == {"id": str(ada.uuid), "name": "Ada"}
        assert (enrolled["samples"], enrolled["set_aside"]) == (1, [])
        assert await stored() == (1, 2, 2)
        assert not await PersonPair.objects.aexists()

    @pytest.mark.parametrize("asked_first", [True, False])
    async def test_adds_to_nobody_else(self, enroller, enroll_from, man, woman, asked_first):
        await enroll_from("Ada", man[0])
        grace = await enroll_from("Grace", woman[18])
        async with enroller() as client:
            await client.tell("configure", person={"name": "Somebody"}, consent=True)
            await client.hold(man[30])
            if asked_first:
                await client.ask("finish")
            assert (await client.ask("finish", add_to=str(grace.uuid)))["code"] == "message_invalid"
        assert await stored() == (2, 2, 2)

    async def test_says_which_samples_were_set_aside(self, enroller, enroll_from, man, woman, monkeypatch):
        monkeypatch.setattr(
            "enrollment.capture.consumers.same_person_threshold", lambda engine: -1.0
        )  # let a stranger step in
        ada = await enroll_from("Ada", man[0], man[30])
        async with enroller() as client:
            await client.tell("configure", person_id=str(ada.uuid))
            await client.hold(man[50])
            await client.hold(woman[18])
            enrolled = await client.ask("finish")
        stranger = client.captured[-1]["sample"]
        assert len(client.captured) >= 2
        assert enrolled["set_aside"] == [stranger]
        assert "does not fit the others" in enrolled["message"]
        aside = await FaceSample.objects.aget(set_aside=True)
        assert aside.set_aside_reason == "outlier"

    async def test_takes_only_a_clear_yes_for_insisting(self, enroller, enroll_from, man):
        await enroll_from("Ada", man[0])
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            await client.hold(man[30])
            assert (await client.ask("finish", despite_duplicate="false"))["type"] == "possible_duplicate"

    async def test_stores_nothing_when_the_external_id_was_taken_meanwhile(self, enroller, enroll_from, man, woman):
        async with enroller() as client:
            await client.tell("configure", person={"name": "Ada", "external_id": "17"}, consent=True)
            await client.hold(man[0])
            grace = await enroll_from("Grace", woman[18])
            await sync_to_async(services.update_person)(actor=None, person=grace, name="Grace", external_id="17")
            assert (await client.ask("finish"))["code"] == "external_id_taken"
            assert await stored() == (1, 1, 1)

    async def test_stores_nothing_when_a_group_was_deleted_meanwhile(self, enroller, man):
        visitors = await sync_to_async(create_group)(actor=None, name="Visitors")
        async with enroller() as client:
            await client.tell("configure", person={"name": "Ada", "groups": [str(visitors.uuid)]}, consent=True)
            await client.hold(man[0])
            await sync_to_async(delete_group)(actor=None, group=visitors)
            assert (await client.ask("finish"))["code"] == "group_unknown"
            assert await stored() == (0, 0, 0)

    async def test_says_when_the_person_was_erased_meanwhile(self, enroller, enroll_from, man):
        ada = await enroll_from("Ada", man[0])
        async with enroller() as client:
            await client.tell("configure", person_id=str(ada.uuid))
            await client.hold(man[30])
            await sync_to_async(services.erase_people)(actor=None, people=[ada])
            assert (await client.ask("finish"))["code"] == "person_unknown"
        assert await stored() == (0, 0, 0)


class TestDiscardAndCancel:
    async def test_a_discarded_sample_is_not_stored(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            assert (await client.hold(man[0]))["captured"] == 1
            await client.tell("discard", sample=1)
            assert (await client.show(man[0]))["captured"] == 0
            await client.hold(man[0])
            assert [message["sample"] for message in client.captured] == [1, 2]
            assert (await client.ask("finish"))["samples"] == 1

    @pytest.mark.parametrize(
        ("sample", "code"), [(9, "sample_unknown"), ("1", "message_invalid"), (True, "message_invalid")]
    )
    async def test_an_unknown_sample_is_said(self, enroller, sample, code):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            assert (await client.ask("discard", sample=sample))["code"] == code

    async def test_cancel_forgets_everything(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            await client.hold(man[0])
            await client.tell("cancel")
            assert (await client.ask("finish"))["code"] == "not_configured"
        assert await stored() == (0, 0, 0)

    async def test_leaving_stores_nothing(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            await client.hold(man[0])
        assert await stored() == (0, 0, 0)


class TestContinuity:
    async def test_another_person_is_not_mixed_in(self, enroller, man, woman):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            await client.hold(man[0])
            result = await client.hold(woman[18])
        assert (result["guidance"], result["captured"]) == ("different_person", 1)


class TestBadFrames:
    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            (b"not a picture", "image_undecodable"),
            (b"\xff\xd8\xff\xe0" + bytes(2000), "image_undecodable"),
            (png([chunk(b"IDAT", bytes(99)), chunk(b"IEND")], 20_000, 20_000), "image_too_many_pixels"),
            (b"\xff" * 524_288, "frame_too_large"),
        ],
    )
    async def test_get_their_error_and_the_socket_lives_on(self, enroller, man, payload, code):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            error = await client.show(payload)
            assert (error["type"], error["code"]) == ("error", code)
            assert (await client.hold(man[0]))["captured"] == 1

    async def test_a_truncated_picture_is_not_captured(self, enroller, man):
        async with enroller() as client:
            await client.socket.send_json_to(NEW)
            assert (await client.show(man[0][: len(man[0]) // 2]))["code"] == "image_undecodable"

    async def test_before_configure_are_told_so(self, enroller, man):
        async with enroller() as client:
            error = await client.show(man[0])
        assert (error["code"], error["seq"]) == ("not_configured", 1)

    async def test_a_header_without_a_picture(self, enroller):
        async with enroller() as client:
            await client.socket.send_to(bytes_data=struct.pack(">I", 7))
            error = await client.answer()
        assert (error["code"], error["seq"]) == ("frame_too_short", 7)


class TestUnknownMessages:
    async def test_are_answered(self, enroller):
        async with enroller() as client:
            assert (await client.ask("dance"))["code"] == "message_unknown"
            await client.socket.send_to(text_data=json.dumps(["configure"]))
            assert (await client.answer())["code"] == "message_invalid"
