from __future__ import annotations

import asyncio
from io import StringIO

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command

from enrollment.management.commands import rebuild_templates
from enrollment.runtime import engine as runtime
from enrollment.runtime.engine import start_engine
from enrollment.runtime.gallery import mark_gallery_stale
from enrollment.samples.drafts import draft_from_face
from enrollment.services import enroll_person
from enrollment.streaming.sockets import FrameConsumer
from recognizer.images import UPLOAD_LIMITS
from tests.support.consent import ON_PAPER
from tests.support.sockets import communicator, frame, receive_until
from tests.verification.conftest import ADA
from verification.live import consumers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("liveness_off")]


@pytest.fixture
def ada_on_mobile(two_packs, picture):
    engine = start_engine("mobile")
    faces = [engine.analyze(engine.decode(picture(ADA, number), UPLOAD_LIMITS)).faces[0] for number in (1, 2, 3)]
    drafts = [draft_from_face(face, contract_id=engine.contract_id, source="upload") for face in faces]
    # Looking for duplicates would start the process with the stronger pack, since nobody is enrolled yet.
    person = enroll_person(actor=None, name="Ada", consent=ON_PAPER, samples=drafts, despite_duplicate=True).person
    engine.close()
    return person


class TestLivePageDuringASwitch:
    async def test_keeps_naming_people_while_the_model_changes_under_it(
        self, operator, ada_on_mobile, picture, monkeypatch
    ):
        for module, name, value in (
            (rebuild_templates, "SETTLE_SECONDS", 0),
            (runtime, "SWITCH_CHECK_SECONDS", 0),
            (consumers, "POLICY_CHECK_SECONDS", 0),
        ):
            monkeypatch.setattr(module, name, value)
        socket = await communicator("/ws/verification/", operator)
        await socket.connect()
        assert (await receive_until(socket, "hello"))["pack"] == "mobile"
        await socket.send_json_to({"type": "configure", "mode": "identify"})
        thresholds = []

        async def show(number: int) -> None:
            await asyncio.sleep(1 / FrameConsumer.frames_per_second)  # no faster than a camera, on any machine
            await socket.send_to(bytes_data=frame(number, picture(ADA, 4)))
            result = await receive_until(socket, "result")
            assert [face["verdict"] for face in result["faces"]] in (["pending"], ["match"])
            thresholds.append(result["match_threshold"])

        rebuild = asyncio.create_task(
            sync_to_async(call_command, thread_sensitive=False)(
                "rebuild_templates", "--pack", "edgeface-xs", stdout=StringIO(), stderr=StringIO()
            )
        )
        number = 0
        while not rebuild.done() or len(set(thresholds)) < 2:
            number += 1
            await show(number)
            assert number < 2000, "the socket never followed the switch"
        await rebuild
        mark_gallery_stale()
        for more in range(number + 1, number + 6):
            await show(more)
        await socket.disconnect()
        assert thresholds[0] == pytest.approx(0.412)
        assert thresholds[-1] == pytest.approx(0.334)
