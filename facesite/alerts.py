"""What somebody should see to: one list for the dashboard, each line with the page that helps.

A new kind of alert is one function here and its place in SOURCES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from api.webhooks.services import ended_by_the_product
from attendance.kiosks.selectors import kiosks_not_seen, kiosks_with_other_camera
from enrollment.consent.records import people_to_erase, people_without_record
from security.actors import Actor
from security.allowing import is_allowed
from security.numbers import grouped
from security.retention.status import RetentionStatus
from security.rights import Right
from verification.models import VerificationAttempt
from verification.review.waiting import people_waiting
from verification.selectors import DayCount

Verdict = VerificationAttempt.Verdict


@dataclass(frozen=True, slots=True)
class Alert:
    level: str
    """error, warning or info."""
    text: str
    """Whole sentences."""
    url: str = ""
    action: str = ""
    """The words of the link."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who looks at the dashboard, and what was counted for it already."""

    actor: Actor
    today: DayCount
    retention: RetentionStatus


def alerts_for(asking: Asking) -> list[Alert]:
    """All there are, the worst first."""
    found = [alert for source in SOURCES for alert in source(asking)]
    return sorted(found, key=lambda alert: ("error", "warning", "info").index(alert.level))


def attacks(asking: Asking) -> Iterator[Alert]:
    number = asking.today.attack
    if number and is_allowed(asking.actor, Right.SEE_HISTORY):
        words = ngettext(
            "Today a picture or a screen was held up to a camera once, and refused.",
            "Today pictures or screens were held up to the cameras {count} times, and refused.",
            number,
        ).format(count=grouped(number))
        url = f"{reverse('verification:attempts')}?verdict={Verdict.ATTACK.value}&since={timezone.localdate():%Y-%m-%d}"
        yield Alert("error", words, url, _("Look at them"))


def unknown_people(asking: Asking) -> Iterator[Alert]:
    number = people_waiting() if is_allowed(asking.actor, Right.REVIEW_UNKNOWN) else 0
    if number:
        words = ngettext(
            "One unknown person waits in the inbox.", "{count} unknown people wait in the inbox.", number
        ).format(count=grouped(number))
        yield Alert("info", words, reverse("verification:unknown"), _("See who they are"))


def other_cameras(asking: Asking) -> Iterator[Alert]:
    for kiosk in kiosks_with_other_camera() if is_allowed(asking.actor, Right.MANAGE_SITE) else ():
        words = _("The kiosk {name} has another camera than before, and decides nothing until somebody agrees.").format(
            name=kiosk.name
        )
        yield Alert("error", words, reverse("kiosks:kiosk", args=[kiosk.uuid]), _("See which"))


def silent_kiosks(asking: Asking) -> Iterator[Alert]:
    for kiosk in kiosks_not_seen() if is_allowed(asking.actor, Right.MANAGE_SITE) else ():
        words = _(
            "The kiosk {name} has not been heard of for a while. Is it switched on, and has it a network?"
        ).format(name=kiosk.name)
        yield Alert("warning", words, reverse("kiosks:kiosk", args=[kiosk.uuid]), _("See when"))


def ended_consents(asking: Asking) -> Iterator[Alert]:
    number = people_to_erase().count()
    if number:
        words = ngettext(
            "The consent of {count} person has ended: not recognised any more, and erased on the day that each page "
            "names. Renew what should stay.",
            "The consent of {count} people has ended: not recognised any more, and erased on the day that each page "
            "names. Renew what should stay.",
            number,
        ).format(count=grouped(number))
        yield Alert("warning", words, *_people_link(asking, "ended"))


def missing_consents(asking: Asking) -> Iterator[Alert]:
    number = people_without_record().count()
    if number:
        words = ngettext(
            "No consent is recorded for {count} person. Write it down.",
            "No consent is recorded for {count} people. Write it down.",
            number,
        ).format(count=grouped(number))
        yield Alert("info", words, *_people_link(asking, "unrecorded"))


def retention(asking: Asking) -> Iterator[Alert]:
    warning = asking.retention.warning
    if warning:
        may_see = is_allowed(asking.actor, Right.SET_RETENTION)
        words = f"{_('Retention.')} {warning}"
        yield Alert("warning", words, *((reverse("security:retention"), _("Retention")) if may_see else ()))


def ended_webhooks(asking: Asking) -> Iterator[Alert]:
    number = ended_by_the_product().count() if is_allowed(asking.actor, Right.MANAGE_SITE) else 0
    if number:
        words = ngettext(
            "{count} webhook was switched off because the other program did not take the messages.",
            "{count} webhooks were switched off because the other programs did not take the messages.",
            number,
        ).format(count=grouped(number))
        yield Alert("warning", words, reverse("webhooks:all"), _("See which"))


SOURCES: tuple[Callable[[Asking], Iterator[Alert]], ...] = (
    attacks,
    other_cameras,
    silent_kiosks,
    ended_consents,
    retention,
    ended_webhooks,
    unknown_people,
    missing_consents,
)
"""In the order in which alerts of one level stand."""


def _people_link(asking: Asking, which: str) -> tuple[str, ...]:
    if not is_allowed(asking.actor, Right.SEE_PEOPLE):
        return ()
    return f"{reverse('enrollment:people')}?active={which}", _("See who")
