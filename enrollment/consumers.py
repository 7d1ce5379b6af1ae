"""The enrolment socket: parse, ask the capture or one service, answer. The rules live in capture and services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from enrollment import protocol, selectors, services
from enrollment.capture import CapturedSample, GuidedCapture, Observation, observe_frame, same_person_threshold
from enrollment.consent import CONSENT_VERSION
from enrollment.errors import NoSamples, PossibleDuplicate, SampleUnknown
from enrollment.gallery import current_gallery
from enrollment.models import Person
from enrollment.policy import current_policy
from enrollment.protocol import NewPerson, NotTheProtocol
from enrollment.reasons import sentence_for
from enrollment.runtime import get_engine, run_in_database_thread
from enrollment.sockets import Frame, FrameConsumer
from recognizer.engine import FaceEngine


@dataclass(frozen=True, slots=True)
class Session:
    """From `configure` to `enrolled`: whom, and the samples so far. Memory only; gone with the socket."""

    subject: NewPerson | Person
    capture: GuidedCapture


class EnrollmentConsumer(FrameConsumer):
    """/ws/enrollment/. Any logged-in operator may enrol."""

    engine: FaceEngine
    session: Session | None = None

    async def on_connected(self) -> None:
        self.engine = await run_in_database_thread(get_engine)
        await self.send_message(await run_in_database_thread(self._hello))

    async def on_message(self, message: dict[str, Any]) -> None:
        handlers = {
            "configure": self._configure,
            "discard": self._discard,
            "finish": self._finish,
            "cancel": self._cancel,
        }
        handler = handlers.get(message["type"])
        if handler is None:
            await self.reject_message("message_unknown", f"No such type here. Known: {', '.join(handlers)}.")
            return
        try:
            await handler(message)
        except NotTheProtocol as error:
            await self.reject_message("message_invalid", str(error))

    async def on_frame(self, frame: Frame) -> None:
        if self.session is None:
            await self.send_error("not_configured", seq=frame.seq)
            return
        capture = self.session.capture
        observation = await self.run_inference(
            self.engine, observe_frame, self.engine, capture, frame.payload, skipped=frame.dropped
        )
        if observation.taken:  # before the result: whoever waits for the frame's answer has seen it by then
            await self.send_message(captured_message(observation.taken, observation.thumbnail))
        await self.send_message(result_message(frame, observation, capture))

    async def on_closed(self) -> None:
        self.session = None

    async def _configure(self, message: dict[str, Any]) -> None:
        # First of all: no frame that follows may be counted for the person before.
        self.session = None
        target = protocol.parse_configure(message)
        self.session = await run_in_database_thread(open_session, self.engine, target)

    async def _discard(self, message: dict[str, Any]) -> None:
        number = protocol.parse_discard(message)
        if self.session is None or not self.session.capture.discard(number):
            raise SampleUnknown

    async def _finish(self, message: dict[str, Any]) -> None:
        if self.session is None:
            await self.send_error("not_configured")
            return
        insist = message.get("despite_duplicate") is True
        try:
            enrolled = await run_in_database_thread(self._save, self.session, insist)
        except PossibleDuplicate as error:
            candidates = [protocol.candidate_message(candidate) for candidate in error.candidates]
            await self.send_message({"type": "possible_duplicate", "message": str(error), "candidates": candidates})
            return
        self.session = None
        await self.send_message(enrolled)

    async def _cancel(self, message: dict[str, Any]) -> None:
        self.session = None

    def _hello(self) -> protocol.HelloMessage:
        return protocol.hello_message(
            self.engine,
            current_policy(self.engine),
            current_gallery(self.engine),
            frame_bytes=self.frame_bytes,
            frames_per_second=self.frames_per_second,
        )

    def _save(self, session: Session, insist: bool) -> protocol.EnrolledMessage:
        drafts = session.capture.drafts()
        if not drafts:
            raise NoSamples
        if isinstance(session.subject, Person):
            person = session.subject
            number = len(
                services.add_samples(actor=self.operator, person=person, samples=drafts, despite_duplicate=insist)
            )
        else:
            number = len(drafts)
            person = services.enroll_person(
                actor=self.operator,
                name=session.subject.name,
                external_id=session.subject.external_id,
                consent_version=CONSENT_VERSION,
                samples=drafts,
                despite_duplicate=insist,
            )
        return {"type": "enrolled", "person": protocol.person_message(person), "samples": number}


def open_session(engine: FaceEngine, target: NewPerson | Any) -> Session:
    """Reads the database. Raises PersonUnknown, NameInvalid, ExternalIdInvalid, ExternalIdTaken."""
    references = []
    if isinstance(target, NewPerson):
        subject: NewPerson | Person = NewPerson(
            services.clean_name(target.name), services.clean_external_id(target.external_id)
        )
        services.require_free_external_id(subject.external_id)
    else:
        subject = selectors.person_by_uuid(target)
        references = selectors.embeddings_of(subject, engine.contract_id)
    capture = GuidedCapture(
        contract_id=engine.contract_id,
        same_person_threshold=same_person_threshold(engine),
        references=references,
    )
    return Session(subject, capture)


def captured_message(sample: CapturedSample, thumbnail: bytes) -> protocol.CapturedMessage:
    return {
        "type": "captured",
        "sample": sample.number,
        "pose": sample.draft.pose,
        "quality": protocol.quality_message(sample.draft.quality),
        "thumbnail": selectors.jpeg_data_url(thumbnail),
    }


def result_message(frame: Frame, observation: Observation, capture: GuidedCapture) -> protocol.ResultMessage:
    timings = {"queue": frame.queued_ms, **observation.timings_ms}
    return {
        "type": "result",
        "seq": frame.seq,
        "dropped": frame.dropped,
        "image": list(observation.image_size),
        "faces": [protocol.face_message(face) for face in observation.faces],
        "guidance": observation.guidance,
        "message": sentence_for(observation.guidance),
        "captured": capture.captured,
        "needed": capture.needed,
        "timings_ms": {stage: round(duration, 2) for stage, duration in timings.items()},
    }
