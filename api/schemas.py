"""What goes in and out, as the OpenAPI document describes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

Verdict = Literal["match", "non_match", "attack", "uncertain"]
Mode = Literal["identify", "verify"]
LivenessVerdict = Literal["bona_fide", "attack", "uncertain", "not_checked"]
Population = Annotated[
    str, Field(description='What `fmr` was measured on: "on LFW", "in this site\'s own gallery". Empty: nobody knows.')
]


class ProblemOut(BaseModel):
    """application/problem+json (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str = Field(description="Stable: a program goes by it.")
    detail: str = Field(description="A sentence for people.")
    request_id: str | None = None


class PersonRef(BaseModel):
    id: UUID
    name: str


class ConsentIn(BaseModel):
    """Why the site may keep this person's face. Without it nobody is enrolled."""

    model_config = {"extra": "forbid"}

    how: Literal["paper", "ticked", "not_asked"] = Field(
        description="paper: signed on paper; ticked: agreed on a screen of yours; not_asked: another legal basis."
    )
    legal_basis: Literal["consent", "contract", "other"] = "consent"
    note: str = Field("", max_length=300, description="Where the paper is, which contract; for `other` which basis.")
    given_at: datetime | None = Field(None, description="With a time zone. Default: now.")
    valid_until: date | None = Field(None, description="The last day. Default: what the site's policy says.")

    @field_validator("note")
    @classmethod
    def is_printable(cls, note: str) -> str:
        if not note.isprintable():
            raise ValueError("without control characters")
        return note


class PersonIn(BaseModel):
    model_config = {"extra": "forbid"}

    name: str = Field(max_length=200)
    external_id: str | None = Field(None, max_length=100, description="Your own number of this person; unique.")
    valid_from: date | None = Field(None, description="The first day on which searches find the person.")
    valid_until: date | None = Field(None, description="The last one. null: no bound.")
    groups: list[Annotated[str, Field(max_length=100)]] | None = Field(
        None, max_length=50, description="Names of groups that there are."
    )
    consent: ConsentIn | None = Field(None, description="Needed unless the site's policy enrols without asking.")


class PersonPatch(BaseModel):
    """What is left out stays as it is."""

    model_config = {"extra": "forbid"}

    name: str | None = Field(None, max_length=200)
    external_id: str | None = Field(None, max_length=100)
    is_active: bool | None = Field(None, description="False: no search finds this person.")
    valid_from: date | None = Field(None, description="The first day on which searches find the person.")
    valid_until: date | None = Field(None, description="The last one. null: no bound.")
    groups: list[Annotated[str, Field(max_length=100)]] | None = Field(
        None, max_length=50, description="Names of groups that there are: exactly these, also none of them."
    )


class ConsentOut(BaseModel):
    how: str
    legal_basis: str
    given_at: datetime | None
    valid_until: date | None
    ended: bool = Field(description="Withdrawn or expired: the person is not searched, and will be erased.")


class PersonOut(BaseModel):
    id: UUID
    name: str
    external_id: str | None
    is_active: bool
    valid_from: date | None = Field(description="The first day on which searches find the person. null: no bound.")
    valid_until: date | None = Field(description="The last one. null: no bound.")
    groups: list[str] = Field(description="Names of the person's groups.")
    samples: int
    consent: ConsentOut | None
    created_at: datetime
    updated_at: datetime


class PeopleOut(BaseModel):
    people: list[PersonOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page. null: this is the last one.")


class SampleQuality(BaseModel):
    score: float = Field(description="0 to 1.")
    reasons: list[str]


class SampleOut(BaseModel):
    id: UUID
    created_at: datetime
    source: str
    pose: str
    quality: SampleQuality
    set_aside: bool = Field(description="Kept, but not searched.")
    set_aside_reason: str


class SamplesOut(BaseModel):
    samples: list[SampleOut]


class SamplesAdded(BaseModel):
    samples: list[SampleOut] = Field(description="Those that were new and kept.")
    person: PersonOut
    note: str = Field(description="A sentence where some do not fit the person's other samples; else empty.")


class LivenessOut(BaseModel):
    verdict: LivenessVerdict
    score: float | None = Field(description="0 (attack) to 1 (bona fide).")


class CardFact(BaseModel):
    label: str
    text: str


class CardOut(BaseModel):
    """The decision in the words of the product's own pages."""

    headline: str
    facts: list[CardFact]
    reasons: list[str]


class FaceOut(BaseModel):
    box_xyxy: tuple[float, float, float, float] = Field(description="Pixels: left, top, right, bottom.")
    detection_score: float
    verdict: Verdict
    person: PersonRef | None = Field(description="Only of a match.")
    comparison_score: float | None = Field(description="Cosine, -1 to 1, as measured. null: nobody to compare with.")
    runner_up: float | None = Field(description="The second best person's score.")
    match_threshold: float = Field(description="What the score had to reach.")
    fmr: float = Field(description="How often two different people would reach that.")
    population: Population
    liveness: LivenessOut
    quality: SampleQuality
    reasons: list[str] = Field(description="Codes; `card.reasons` has their sentences.")
    card: CardOut
    attempt: UUID = Field(description="The decision in the history.")


class FacesOut(BaseModel):
    faces: list[FaceOut] = Field(description="Largest first. Empty: no face was found.")
    image: tuple[int, int] = Field(description="Width and height in pixels, upright.")


class ComparedFace(BaseModel):
    box_xyxy: tuple[float, float, float, float]
    quality: SampleQuality


class ComparedOut(BaseModel):
    verdict: Verdict
    comparison_score: float = Field(description="Cosine, -1 to 1.")
    match_threshold: float
    fmr: float
    population: Population
    reasons: list[str]
    liveness: LivenessOut
    faces: list[ComparedFace] = Field(description="The face of each picture that was compared.")


class PunchOut(BaseModel):
    id: UUID
    person: PersonRef
    direction: Literal["in", "out"]
    at: datetime
    way: Literal["face", "badge", "manual", "rule"] = Field(
        description="face: a camera; badge: a PIN or badge number typed on a kiosk; manual: entered by hand; "
        "rule: a forgotten check-out that the site's rule closed."
    )
    reason: str = Field(description="Why it was entered by hand or by rule; else empty.")
    attempt: UUID | None = Field(description="The decision that it rests on.")


class AttendanceOut(BaseModel):
    punches: list[PunchOut]
    next_cursor: str | None


class AttemptOut(BaseModel):
    id: UUID
    at: datetime
    mode: Mode
    source: str
    verdict: Verdict
    person: PersonRef | None = Field(description="Whom the face matched.")
    claimed: PersonRef | None = Field(description="mode verify: whom it was compared with.")
    comparison_score: float | None
    runner_up: float | None
    match_threshold: float
    fmr: float
    population: Population
    liveness: LivenessOut
    quality_score: float | None
    reasons: list[str]
    by: str | None = Field(description="The operator or API key; null: a command.")


class AttemptsOut(BaseModel):
    attempts: list[AttemptOut]
    next_cursor: str | None


class GalleryOut(BaseModel):
    people: int
    templates: int


class StatusOut(BaseModel):
    status: Literal["ready"]
    pack: str
    liveness: Literal["required", "advisory", "off"]
    match_threshold: float = Field(description="Of a search among so many people.")
    fmr: float
    population: Population
    gallery: GalleryOut
    key: KeyOut


class KeyOut(BaseModel):
    """The key that asks."""

    name: str
    scopes: list[str]
    expires_at: datetime | None
    requests_per_minute: int


class LiveSessionIn(BaseModel):
    model_config = {"extra": "forbid"}

    person: UUID | None = Field(None, description="Verify that it is this person. Default: identify.")
    origins: list[str] = Field(
        default_factory=list,
        max_length=10,
        description="Of your pages, such as https://door.example.org. None: no browser may use the token.",
    )


class LiveSessionOut(BaseModel):
    token: str
    socket: str = Field(description="Open it with the site's address in front, as ws:// or wss://.")
    open_until: datetime


StatusOut.model_rebuild()


class WebhookIn(BaseModel):
    model_config = {"extra": "forbid"}

    url: str = Field(max_length=500, description="https, on a public address unless the site allows others.")
    events: list[str] = Field(min_length=1, max_length=20, description="Such as attempt.decided; see docs/api.md.")


class WebhookOut(BaseModel):
    id: UUID
    url: str
    events: list[str]
    active: bool
    ended: str | None = Field(description="Why it is not active: by_hand, gone (410) or failing (for a week).")
    created_at: datetime
    delivered_at: datetime | None
    failing_since: datetime | None = Field(description="The first failure since the last success.")


class WebhookMade(WebhookOut):
    secret: str = Field(description="whsec_...: verifies the signatures. Shown only now.")


class WebhooksOut(BaseModel):
    webhooks: list[WebhookOut]
