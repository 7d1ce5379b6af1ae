"""What a kiosk's screen says, in words that everybody at the door may read: no scores, and no name but the greeted one.

Every refusal says what to do next. The sentences stand here alone, so that a translation finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from attendance.models import Kiosk, Punch
from attendance.punches.badges import NumberRefused, TooManyNumbers
from attendance.punches.services import last_punch_of
from enrollment.models import Person
from enrollment.selectors import cover_thumbnails, search_people
from recognizer.reasons import CHALLENGE_FAILURES, Reason
from security.written_days import written
from verification.models import VerificationAttempt

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

PORTRAIT_PIXELS: Final = 224
Verdict = VerificationAttempt.Verdict


@dataclass(frozen=True, slots=True)
class Greeting:
    """outcome: in, out, again (too soon for another punch), greeted, refused."""

    outcome: str
    title: str
    text: str
    person: Person | None = None

    @property
    def portrait(self) -> str:
        """The greeted person's enrolled face as a data URL; empty: there is none. Two queries."""
        if self.person is None:
            return ""
        covers = cover_thumbnails(search_people().filter(pk=self.person.pk), size=PORTRAIT_PIXELS)
        return covers.get(self.person.pk, "")


WELCOMES: Final = {
    "in": (_("Welcome, {name}"), _("Checked in at {time}.")),
    "out": (_("Goodbye, {name}"), _("Checked out at {time}.")),
    "greeted": (_("Welcome, {name}"), _("Nice to see you.")),
    "again_in": (_("Hello again, {name}"), _("You are checked in since {time}. Nothing was changed.")),
    "again_out": (_("Hello again, {name}"), _("You checked out at {time}. Nothing was changed.")),
}
NOT_RECOGNISED: Final = (
    _("Not recognised"),
    _("Look straight into the camera and try again, or use your PIN or badge number."),
)
NOT_LIVE: Final = (
    _("A live face is needed"),
    _("Pictures and screens do not count. Show your own face, or use your PIN or badge number."),
)
NOT_SURE_LIVE: Final = (
    _("Please try once more"),
    _("It is not sure that this is a live face. Move your head a little, or use your PIN or badge number."),
)
NOT_SURE_WHO: Final = (
    _("Please try once more"),
    _("The camera is not sure who you are. Come closer and hold still, or use your PIN or badge number."),
)
NOBODY_ENROLLED: Final = (
    _("Nobody is enrolled yet"),
    _("So nobody can be recognised here. Ask at the reception."),
)
NUMBERS: Final = {
    "number_unknown": (_("This number is not known"), _("Check it and type it again, or ask at the reception.")),
    "number_too_old": (_("This number came too late"), _("It was typed more than a day ago. Ask at the reception.")),
}
LIVENESS_DOUBTS: Final = {Reason.LIVENESS_UNCERTAIN, Reason.LIVENESS_UNAVAILABLE} | CHALLENGE_FAILURES


def greeting_of(attempt: VerificationAttempt, mode: str) -> Greeting:
    """What to say to the face of this attempt. mode: the kiosk's. A few queries."""
    person = attempt.matched_person
    if attempt.verdict == Verdict.MATCH and person:
        return welcome(person, Punch.objects.filter(attempt=attempt).first(), mode=mode, at=attempt.created_at)
    return Greeting("refused", *refusal_of(attempt.verdict, attempt.reasons))


def welcome(person: Person, punch: Punch | None, *, mode: str, at: datetime) -> Greeting:
    """punch: that this was; None in a kiosk that checks people in and out: it was too soon for one."""
    if mode != Kiosk.Mode.CHECK:
        return _greeting("greeted", "greeted", person, at)
    if punch:
        return _greeting(punch.direction, punch.direction, person, punch.at)
    last = last_punch_of(person, at)
    return (
        _greeting("again", f"again_{last.direction}", person, last.at)
        if last
        else _greeting("greeted", "greeted", person, at)
    )


def number_refused(refusal: NumberRefused) -> Greeting:
    if isinstance(refusal, TooManyNumbers):
        return Greeting("refused", gettext("Too many wrong numbers"), _wait(refusal.seconds))
    title, text = NUMBERS[refusal.code]
    return Greeting("refused", str(title), str(text))


def _wait(seconds: int) -> str:
    sentence = ngettext("Wait {seconds} second, then try again.", "Wait {seconds} seconds, then try again.", seconds)
    return sentence.format(seconds=seconds)


def refusal_of(verdict: str, reasons: list[str]) -> tuple[str, str]:
    """Title and text."""
    title, text = _refusal_of(verdict, reasons)
    return str(title), str(text)


def _refusal_of(verdict: str, reasons: list[str]) -> tuple[_StrPromise, _StrPromise]:
    if verdict == Verdict.ATTACK:
        return NOT_LIVE
    if Reason.GALLERY_EMPTY in reasons:
        return NOBODY_ENROLLED
    if verdict == Verdict.NON_MATCH:
        return NOT_RECOGNISED
    return NOT_SURE_LIVE if not LIVENESS_DOUBTS.isdisjoint(reasons) else NOT_SURE_WHO


def _greeting(outcome: str, sentences: str, person: Person, at: datetime) -> Greeting:
    title, text = WELCOMES[sentences]
    time = written(timezone.localtime(at), "H:i")
    return Greeting(outcome, title.format(name=person.name), text.format(time=time), person)
