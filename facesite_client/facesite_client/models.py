"""Answers, typed. Fields that a newer site adds are left out; scores are cosines as measured, from -1 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PersonRef:
    id: str
    name: str

    @classmethod
    def read(cls, data: Data | None) -> Self | None:
        return cls(data["id"], data["name"]) if data else None


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    external_id: str | None
    is_active: bool
    samples: int
    created_at: datetime
    groups: tuple[str, ...]

    @classmethod
    def read(cls, data: Data) -> Self:
        same = {name: data[name] for name in ("id", "name", "external_id", "is_active", "samples")}
        return cls(**same, created_at=datetime.fromisoformat(data["created_at"]), groups=tuple(data["groups"]))


@dataclass(frozen=True, slots=True)
class Sample:
    id: str
    quality: float
    """0 to 1."""
    reasons: tuple[str, ...]
    set_aside: bool
    """Kept, but not searched."""

    @classmethod
    def read(cls, data: Data) -> Self:
        quality = data["quality"]
        return cls(data["id"], quality["score"], tuple(quality["reasons"]), data["set_aside"])


@dataclass(frozen=True, slots=True)
class Liveness:
    verdict: str
    """bona_fide, attack, uncertain or not_checked."""
    score: float | None

    @classmethod
    def read(cls, data: Data) -> Self:
        return cls(data["verdict"], data["score"])


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a picture, and the decision about it. Open a door for `is_match` alone."""

    verdict: str
    """match, non_match, uncertain or attack."""
    person: PersonRef | None
    """Only of a match."""
    comparison_score: float | None
    match_threshold: float
    fmr: float
    """How often two different people would reach the threshold."""
    population: str
    """What that rate was measured on, to stand behind it: "on LFW"; empty where nobody knows any more."""
    liveness: Liveness
    quality: float
    reasons: tuple[str, ...]
    headline: str
    """The decision as the site's own pages say it."""
    box_xyxy: tuple[float, float, float, float]
    attempt: str
    """The decision in the site's history."""

    @property
    def is_match(self) -> bool:
        return self.verdict == "match"

    @classmethod
    def read(cls, data: Data) -> Self:
        left, top, right, bottom = data["box_xyxy"]
        return cls(
            verdict=data["verdict"],
            person=PersonRef.read(data["person"]),
            comparison_score=data["comparison_score"],
            match_threshold=data["match_threshold"],
            fmr=data["fmr"],
            population=data["population"],
            liveness=Liveness.read(data["liveness"]),
            quality=data["quality"]["score"],
            reasons=tuple(data["reasons"]),
            headline=data["card"]["headline"],
            box_xyxy=(left, top, right, bottom),
            attempt=data["attempt"],
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of two pictures."""

    verdict: str
    comparison_score: float
    match_threshold: float
    fmr: float
    population: str
    reasons: tuple[str, ...]

    @classmethod
    def read(cls, data: Data) -> Self:
        score, threshold = data["comparison_score"], data["match_threshold"]
        return cls(data["verdict"], score, threshold, data["fmr"], data["population"], tuple(data["reasons"]))


@dataclass(frozen=True, slots=True)
class Punch:
    """A check-in or check-out."""

    id: str
    person: PersonRef | None
    direction: str
    """in or out."""
    at: datetime
    way: str
    """face, manual or rule."""
    reason: str
    attempt: str | None

    @classmethod
    def read(cls, data: Data) -> Self:
        return cls(
            id=data["id"],
            person=PersonRef.read(data["person"]),
            direction=data["direction"],
            at=datetime.fromisoformat(data["at"]),
            way=data["way"],
            reason=data["reason"],
            attempt=data["attempt"],
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One decision of the history."""

    id: str
    at: datetime
    mode: str
    source: str
    verdict: str
    person: PersonRef | None
    claimed: PersonRef | None
    comparison_score: float | None
    match_threshold: float
    liveness: Liveness
    reasons: tuple[str, ...]

    @classmethod
    def read(cls, data: Data) -> Self:
        return cls(
            id=data["id"],
            at=datetime.fromisoformat(data["at"]),
            mode=data["mode"],
            source=data["source"],
            verdict=data["verdict"],
            person=PersonRef.read(data["person"]),
            claimed=PersonRef.read(data["claimed"]),
            comparison_score=data["comparison_score"],
            match_threshold=data["match_threshold"],
            liveness=Liveness.read(data["liveness"]),
            reasons=tuple(data["reasons"]),
        )


@dataclass(frozen=True, slots=True)
class Status:
    pack: str
    liveness: str
    match_threshold: float
    fmr: float
    population: str
    people: int
    templates: int
    scopes: tuple[str, ...]
    """Of the key that asked."""

    @classmethod
    def read(cls, data: Data) -> Self:
        gallery = data["gallery"]
        return cls(
            pack=data["pack"],
            liveness=data["liveness"],
            match_threshold=data["match_threshold"],
            fmr=data["fmr"],
            population=data["population"],
            people=gallery["people"],
            templates=gallery["templates"],
            scopes=tuple(data["key"]["scopes"]),
        )


@dataclass(frozen=True, slots=True)
class Webhook:
    id: str
    url: str
    events: tuple[str, ...]
    active: bool
    secret: str | None = None
    """Only of one that was made just now."""

    @classmethod
    def read(cls, data: Data) -> Self:
        return cls(data["id"], data["url"], tuple(data["events"]), data["active"], data.get("secret"))
