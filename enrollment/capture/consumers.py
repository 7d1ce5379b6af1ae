"""The enrolment socket: parse, ask the capture or one service, answer. The rules live in capture and services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from enrollment import selectors, services
from enrollment.capture import protocol
from enrollment.capture.guided import (
    CapturedSample,
    GuidedCapture,
    Observation,
    observe_frame,
    same_person_threshold,
)
from enrollment.consent.records import consent_at_enrolment
from enrollment.errors import HeadNotTurned, NoSamples, PossibleDuplicate, SampleUnknown
from enrollment.models import Person
from enrollment.reasons import EnrollmentReason, sentence_for
from enrollment.runtime.database import run_in_database_thread
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery
from enrollment.runtime.policy import current_policy
from enrollment.samples.drafts import drafts_for
from enrollment.services import NewPerson
from enrollment.streaming.protocol import (
    HelloMessage,
    NotTheProtocol,
    hello_message,
    liveness_message,
    quality_message,
)
from enrollment.streaming.sockets import Frame, FrameConsumer
from enrollment.thumbnails import jpeg_data_url
from recognizer.engine import FaceEngine
from recognizer.images import encode_thumbnail
from security.rights import Right


@dataclass(frozen=True, slots=True)
class Session:
    """From `configure` to `enrolled`: whom, and the samples so far. Memory only; gone with the socket."""

    subject: NewPerson | Person
    capture: GuidedCapture
    asked_about: set[str] = field(default_factory=set)
    """uuids of the people in the last possible_duplicate: the samples may be added to one of them."""


class EnrollmentConsumer(FrameConsumer):
    """/ws/enrollment/. For operators who may enrol."""

    rights = (Right.ENROL,)
    engine: FaceEngine
    session: Session | None = None

    async def on_connected(self) -> None:
        self.engine = await run_in_database_thread(get_engine)
        await self.send_message(await run_in_database_thread(self._hello))

    async def on_message(self, message: dict[str, Any]) -> None:
        handlers = {
            "configure": self._configure,
            "discard": self._discard,
            "skip": self._skip,
            "finish": self._finish,
            "cancel": self._cancel,
        }
        handler = handlers.get(message["type"])
        if handler is None:
            await self.reject_message(
                EnrollmentReason.MESSAGE_UNKNOWN, f"No such type here. Known: {', '.join(handlers)}."
            )
            return
        try:
            await handler(message)
        except NotTheProtocol as error:
            await self.reject_message(EnrollmentReason.MESSAGE_INVALID, str(error))

    async def on_frame(self, frame: Frame) -> None:
        if self.session is None:
            await self.send_error(EnrollmentReason.NOT_CONFIGURED, seq=frame.seq)
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
        self.engine = await run_in_database_thread(get_engine)  # another one since an operator switched packs
        self.session = await run_in_database_thread(open_session, self.engine, target)

    async def _discard(self, message: dict[str, Any]) -> None:
        number = protocol.parse_discard(message)
        if self.session is None or not self.session.capture.discard(number):
            raise SampleUnknown

    async def _skip(self, message: dict[str, Any]) -> None:
        if self.session is None:
            await self.send_error(EnrollmentReason.NOT_CONFIGURED)
            return
        self.session.capture.skip_pose()

    async def _finish(self, message: dict[str, Any]) -> None:
        if self.session is None:
            await self.send_error(EnrollmentReason.NOT_CONFIGURED)
            return
        finish = protocol.parse_finish(message, self.session.asked_about)
        try:
            enrolled = await run_in_database_thread(self._save, self.session, finish)
        except PossibleDuplicate as error:
            await self.send_message(await run_in_database_thread(ask_about, self.session, error))
            return
        self.session = None
        await self.send_message(enrolled)

    async def _cancel(self, message: dict[str, Any]) -> None:
        self.session = None

    def _hello(self) -> HelloMessage:
        return hello_message(
            self.engine,
            current_policy(self.engine),
            current_gallery(self.engine),
            frame_bytes=self.frame_bytes,
            frames_per_second=self.frames_per_second,
        )

    def _save(self, session: Session, finish: protocol.Finish) -> protocol.EnrolledMessage:
        drafts = drafts_for(get_engine(), session.capture.drafts())
        if not drafts:
            raise NoSamples
        if session.capture.doubtful:
            raise HeadNotTurned
        saved = services.save_samples(
            actor=self.operator,
            subject=selectors.person_by_uuid(finish.add_to) if finish.add_to else session.subject,
            samples=drafts,
            sure=finish.add_to is not None,
            different=finish.despite_duplicate,
        )
        aside = [sample.number for sample in session.capture.samples() if sample.draft.digest in saved.fit.set_aside]
        return protocol.enrolled_message(saved.person, len(saved.samples), aside, saved.fit.sentence)


def open_session(engine: FaceEngine, target: protocol.Somebody | Any) -> Session:
    """Reads the database.

    Raises PersonUnknown, ConsentEnded, and what new_person() raises.
    """
    references = []
    if isinstance(target, protocol.Somebody):
        subject: NewPerson | Person = new_person(target)
    else:
        subject = selectors.person_by_uuid(target)
        services.require_consent([subject])
        references = selectors.embeddings_of(subject, engine.contract_id)
    capture = GuidedCapture(
        contract_id=engine.contract_id,
        same_person_threshold=same_person_threshold(engine),
        liveness=current_policy(engine).liveness,
        references=references,
    )
    return Session(subject, capture)


def new_person(somebody: protocol.Somebody) -> NewPerson:
    """Reads the database. What is refused here would be refused when it is saved, after all the pictures.

    Raises NameInvalid, ExternalIdInvalid, ExternalIdTaken, ConsentRequired, ValidityInvalid, GroupUnknown.
    """
    agreed = consent_at_enrolment(ticked=somebody.ticked, text=somebody.text)
    name, external_id = services.clean_name(somebody.name), services.clean_external_id(somebody.external_id)
    services.require_free_external_id(external_id)
    services.require_days_in_order(somebody.valid_from, somebody.valid_until)
    groups = selectors.groups_by_uuid(somebody.groups)
    return NewPerson(name, external_id, agreed, somebody.valid_from, somebody.valid_until, groups)


def ask_about(session: Session, question: PossibleDuplicate) -> protocol.PossibleDuplicateMessage:
    """Reads the database: each candidate's most similar sample, to be shown beside the new one."""
    thumbnails = selectors.template_thumbnails(candidate.template_id for candidate in question.candidates)
    samples = {sample.draft.digest: sample for sample in session.capture.samples()}
    candidates = []
    for candidate in question.candidates:
        new = samples[candidate.digest]
        candidates.append(
            protocol.candidate_message(
                candidate,
                sample=new.number,
                new_thumbnail=jpeg_data_url(encode_thumbnail(new.draft.aligned)),
                thumbnail=thumbnails.get(candidate.template_id, ""),
            )
        )
    session.asked_about.clear()
    session.asked_about.update(str(candidate.person.uuid) for candidate in question.candidates)
    return {"type": "possible_duplicate", "message": str(question), "candidates": candidates}


def captured_message(sample: CapturedSample, thumbnail: bytes) -> protocol.CapturedMessage:
    return {
        "type": "captured",
        "sample": sample.number,
        "pose": sample.draft.pose,
        "quality": quality_message(sample.draft.quality),
        "liveness": liveness_message(sample.liveness),
        "thumbnail": jpeg_data_url(thumbnail),
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
