"""facesite_client against a real server: what its README promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from facesite_client import (
    ApiError,
    AsyncFacesite,
    Conflict,
    Facesite,
    NotFound,
    Refused,
    Rejected,
    SignatureInvalid,
    Unavailable,
    read_message,
)
from facesite_client.live import decide
from facesite_client.transport import Retries
from security.keys.scopes import Scope
from tests.support.server import LiveServer
from tests.support.webcam import clip_frames, jpeg
from tests.verification.conftest import ADA, BOB


@pytest.fixture(scope="module")
def secret(live_server_process: LiveServer) -> str:
    made = live_server_process.manage("api_keys", "create", "client", "--scope", *Scope, "--json")
    key: str = json.loads(made)["secret"]
    return key


@pytest.fixture
def site(live_server_process: LiveServer, secret: str) -> Iterator[Facesite]:
    with Facesite(live_server_process.url, secret) as client:
        yield client


class TestTheWalk:
    def test_somebody_is_enrolled_recognised_listed_and_erased(self, site, picture, tmp_path):
        (tmp_path / "ada.jpg").write_bytes(picture(ADA, 1))
        person = site.create_person("Ada Lovelace", external_id="4711", consent={"how": "paper"})
        assert len(site.add_sample(person.id, tmp_path / "ada.jpg")) == 1
        (sample,) = site.add_sample(person.id, picture(ADA, 2))
        assert 0 < sample.quality <= 1
        (face,) = site.identify(picture(ADA, 4))
        assert face.is_match and face.person and face.person.name == "Ada Lovelace"
        assert face.comparison_score and face.comparison_score > face.match_threshold
        assert site.verify(picture(ADA, 5), person.id)[0].is_match
        assert site.compare(picture(ADA, 1), picture(BOB, 1)).verdict != "match"
        assert [one.id for one in site.people("lovelace")] == [person.id]
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        assert face.attempt in [one.id for one in site.attempts(since=hour_ago, person=person.id)]
        assert list(site.attendance(since=hour_ago, person=person.id)) == []
        assert site.change_person(person.id, name="Ada King").name == "Ada King"
        assert (person.groups, site.change_person(person.id, groups=[]).groups) == ((), ())
        with pytest.raises(ApiError, match="There is no group 'Visitors'"):
            site.create_person("Bob", consent={"how": "paper"}, valid_until="2026-03-31", groups=["Visitors"])
        site.remove_sample(person.id, sample.id)
        assert len(site.samples(person.id)) == 1
        assert site.status().people == 1
        site.erase_person(person.id)
        with pytest.raises(NotFound):
            site.get_person(person.id)

    def test_the_same_token_enrols_nobody_twice(self, site):
        first = site.create_person("Grace", consent={"how": "paper"}, once="hr-1")
        assert site.create_person("Grace", consent={"how": "paper"}, once="hr-1").id == first.id
        site.erase_person(first.id)

    def test_pages_are_read_on(self, site, monkeypatch):
        monkeypatch.setattr("facesite_client.calls.PAGE", 2)
        made = [site.create_person(f"Person {number}", consent={"how": "paper"}) for number in range(5)]
        assert [one.id for one in site.people("person")] == [one.id for one in made]
        for one in made:
            site.erase_person(one.id)

    def test_webhooks_are_set_up(self, site):
        made = site.create_webhook("https://door.example.org/", ["attempt.decided"])
        assert made.secret and made.secret.startswith("whsec_")
        assert [one.id for one in site.webhooks()] == [made.id]
        site.delete_webhook(made.id)


class TestErrors:
    def test_a_wrong_key_is_refused(self, live_server_process):
        with Facesite(live_server_process.url, "fsk_wrong") as stranger, pytest.raises(Refused) as refused:
            stranger.status()
        assert (refused.value.status, refused.value.code) == (401, "key_invalid")
        assert refused.value.request_id

    def test_a_picture_without_a_face_is_rejected_with_the_sites_sentence(self, site, picture):
        person = site.create_person("Ada", consent={"how": "paper"})
        with pytest.raises(Rejected) as rejected:
            site.add_sample(person.id, b"no picture")
        assert rejected.value.code == "image_undecodable"
        assert str(rejected.value)
        site.erase_person(person.id)

    def test_a_double_names_the_candidates(self, site, picture):
        ada = site.create_person("Ada", consent={"how": "paper"})
        site.add_sample(ada.id, picture(ADA, 1))
        again = site.create_person("Somebody", consent={"how": "paper"})
        with pytest.raises(Conflict) as conflict:
            site.add_sample(again.id, picture(ADA, 2))
        assert conflict.value.candidates[0]["person"]["id"] == ada.id
        for one in (ada, again):
            site.erase_person(one.id)

    def test_nobody_there_is_unavailable(self):
        quick = Retries(most=1, pause_s=0.01)
        with Facesite("http://127.0.0.1:9", "fsk_x", retries=quick) as site, pytest.raises(Unavailable):
            site.status()


class TestAsynchronous:
    async def test_has_the_same_calls(self, live_server_process, secret, picture):
        async with AsyncFacesite(live_server_process.url, secret) as site:
            person = await site.create_person("Ada", consent={"how": "paper"})
            await site.add_sample(person.id, picture(ADA, 1))
            (face,) = await site.identify(picture(ADA, 2))
            assert face.is_match
            assert [one.name async for one in site.people("ada")] == ["Ada"]
            await site.erase_person(person.id)

    def test_no_call_is_missing_in_one_of_them(self):
        def calls(client: type) -> set[str]:
            return {name for name in vars(client) if not name.startswith("_")}

        assert calls(Facesite) == calls(AsyncFacesite)

    async def test_frames_of_a_camera_are_decided(self, live_server_process, secret, shared_faces):
        frames = [jpeg(frame) for frame in clip_frames(shared_faces / "webcam" / "real_male.mjpeg")][:30]
        async with AsyncFacesite(live_server_process.url, secret) as site:
            person = await site.create_person("Max", consent={"how": "paper"})
            await site.add_sample(person.id, frames[0])
            decisions = [one async for one in decide(site, frames, frames_per_second=30)]
            assert decisions and decisions[0].is_match
            assert decisions[0].person and decisions[0].person.id == person.id
            claimed = [one async for one in decide(site, iter(frames), person=person.id, frames_per_second=30)]
            assert claimed[0].is_match
            await site.erase_person(person.id)


class TestWebhookMessages:
    SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    BODY = b'{"type":"webhook.test","timestamp":"2026-11-27T08:00:00+00:00","data":{"webhook":"1"}}'

    def signed(self, body: bytes = BODY) -> dict[str, str]:
        from api.webhooks.signing import headers_for

        return headers_for("msg_1", 1_000, body, [self.SECRET])

    def test_what_the_site_signs_is_believed(self):
        message = read_message({"Webhook-Id": "msg_1", **self.signed()}, self.BODY, self.SECRET, now=1_010)
        assert (message.id, message.type, message.data) == ("msg_1", "webhook.test", {"webhook": "1"})

    @pytest.mark.parametrize("now", [600, 1_400])
    def test_what_is_old_or_from_the_future_is_not(self, now):
        with pytest.raises(SignatureInvalid):
            read_message(self.signed(), self.BODY, self.SECRET, now=now)

    def test_what_was_changed_is_not(self):
        with pytest.raises(SignatureInvalid):
            read_message(self.signed(), self.BODY.replace(b"1", b"2"), self.SECRET, now=1_000)
        with pytest.raises(SignatureInvalid):
            read_message({}, self.BODY, self.SECRET, now=1_000)
