"""Liveness at enrolment as a whole: the labelled clips of ../shared/faces/webcam through the socket."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from enrollment.models import Person
from tests.enrollment.capture.test_consumers import NEW, Client, enroller
from tests.support.webcam import clip_frames, jpeg

__all__ = ["enroller"]  # the fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
ATTACKS = ["spoof_F1", "spoof_F2"]


@pytest.fixture
def clip(shared_faces) -> Callable[[str], list[bytes]]:
    """clip(name): its frames as the page would send them."""
    return lambda name: [jpeg(image) for image in clip_frames(shared_faces / "webcam" / f"{name}.mjpeg")]


async def show_clip(client: Client, frames: list[bytes]) -> list[dict]:
    await client.socket.send_json_to(NEW)
    return [await client.show(image) for image in frames]


class TestRequired:
    @pytest.fixture(autouse=True)
    def required(self, settings):
        settings.FACESITE_LIVENESS = "required"

    @pytest.mark.parametrize("name", ATTACKS)
    async def test_a_picture_of_a_face_is_never_captured_and_the_page_says_why(self, enroller, clip, name):
        async with enroller() as client:
            results = await show_clip(client, clip(name))
            assert (await client.ask("finish"))["code"] == "no_samples"
        assert client.captured == []
        assert (results[-1]["guidance"], results[-1]["captured"]) == ("liveness_attack", 0)
        assert results[-1]["message"] == "This looks like a picture or a screen, not like a live face."
        assert results[-1]["faces"][0]["liveness"]["verdict"] == "attack"
        assert not await Person.objects.aexists()

    @pytest.mark.parametrize("name", ATTACKS)
    async def test_a_still_of_it_is_not_captured_either(self, enroller, clip, name):
        async with enroller() as client:
            await show_clip(client, clip(name)[:1] * 30)
        assert client.captured == []

    @pytest.mark.parametrize("name", ["real_T1", "real_male", "real_female"])
    async def test_a_live_person_is_captured_and_saved_without_a_question(self, enroller, clip, name):
        async with enroller() as client:
            results = await show_clip(client, clip(name))
            assert (await client.ask("finish"))["type"] == "enrolled"
        assert "liveness_attack" not in {result["guidance"] for result in results}
        assert {one["liveness"]["verdict"] for one in client.captured} == {"bona_fide"}

    async def test_a_still_of_a_live_person_is_captured_within_ten_frames(self, enroller, clip):
        async with enroller() as client:
            await show_clip(client, clip("real_male")[:1] * 10)
        assert len(client.captured) == 1

    async def test_doubt_is_saved_only_after_the_head_has_turned_both_ways(self, enroller, clip, engine, monkeypatch):
        doubt(engine, monkeypatch)
        async with enroller() as client:
            frames = clip("real_female")
            await show_clip(client, frames[18:19] * 10)
            refused = await client.ask("finish")
            assert (refused["type"], refused["code"]) == ("error", "head_not_turned")
            assert "left and your right" in refused["message"]
            for image in [*frames, *frames]:
                await client.show(image)
            assert {"front", "left", "right"} <= {one["pose"] for one in client.captured}
            assert {one["liveness"]["verdict"] for one in client.captured} == {"uncertain"}
            assert (await client.ask("finish"))["type"] == "enrolled"


class TestOtherPolicies:
    async def test_advisory_captures_an_attack_and_shows_what_it_looks_like(self, enroller, clip, settings):
        settings.FACESITE_LIVENESS = "advisory"
        async with enroller() as client:
            await show_clip(client, clip("spoof_F2"))
            assert client.captured[0]["liveness"]["verdict"] == "attack"
            assert (await client.ask("finish"))["type"] == "enrolled"

    async def test_off_checks_nothing(self, enroller, clip, settings):
        settings.FACESITE_LIVENESS = "off"
        async with enroller() as client:
            results = await show_clip(client, clip("spoof_F2"))
            assert client.captured[0]["liveness"] == {"verdict": "not_checked", "score": None}
        assert all(not result["timings_ms"].get("liveness") for result in results)

    async def test_required_is_what_counts_unless_somebody_said_otherwise(self, enroller, clip, settings):
        settings.FACESITE_LIVENESS = None
        async with enroller() as client:
            await show_clip(client, clip("spoof_F2"))
        assert client.captured == []


class TestCost:
    async def test_few_frames_of_an_enrolment_are_checked(self, enroller, clip, settings):
        settings.FACESITE_LIVENESS = "required"
        async with enroller() as client:
            results = await show_clip(client, clip("real_male"))
        checked = sum(result["timings_ms"].get("liveness", 0) > 0 for result in results)
        assert checked == 3 + len(client.captured) - 1


def doubt(engine, monkeypatch) -> None:
    """Every look at a face leaves doubt, as poor pictures of live people may."""
    from recognizer.types import Liveness, LivenessVerdict

    monkeypatch.setattr(
        type(engine), "check_liveness", lambda self, image, face: Liveness(LivenessVerdict.UNCERTAIN, 0.6)
    )
