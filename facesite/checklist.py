"""What a new site still needs: each line ticks itself, so that nobody has to remember what was done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from security.actors import Actor
from security.allowing import is_allowed
from security.audit.actions import Action
from security.encryption.site_keys import key_file
from security.models import AuditEvent
from security.rights import Right
from verification.models import VerificationAttempt


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    text: str
    """One or two sentences: why, and how."""
    done: bool
    url: str = ""
    action: str = ""
    """The words of the link; empty where a command on the server does it."""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    steps: tuple[Step, ...]
    is_new: bool
    """Nobody is enrolled, or nothing was decided yet: the list then stands open."""

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def complete(self) -> bool:
        return self.done == len(self.steps)


def checklist_for(actor: Actor, *, has_pack: bool, people: int, secure: bool) -> Checklist | None:
    """For whoever sets the site up; None for others. Two small queries. secure: this request came over https."""
    if not is_allowed(actor, Right.MANAGE_SITE):
        return None
    decided = VerificationAttempt.objects.exists()
    steps = (_pack(has_pack), _first_person(people), _first_decision(decided), _key(), _backup(), _https(secure))
    return Checklist(steps, is_new=not (people and decided))


def _pack(has_pack: bool) -> Step:
    text = _(
        "It finds and compares faces. The one that comes with facesite works; a stronger one makes fewer mistakes."
    )
    return Step(_("Install a model pack"), text, has_pack, reverse("packs:all"), _("Model packs"))


def _first_person(people: int) -> Step:
    text = _("With consent, in front of the camera or from photographs.")
    return Step(_("Enrol the first person"), text, bool(people), reverse("enrollment:enroll"), _("Enrol a person"))


def _first_decision(decided: bool) -> Step:
    text = _("The live page says who is in front of the camera, and why.")
    return Step(_("Recognise somebody"), text, decided, reverse("verification:live"), _("Open the live page"))


def _key() -> Step:
    """Nobody can see whether a file was copied, but where the key lies is known."""
    path = key_file()
    apart = path is None or Path(settings.BASE_DIR) not in path.resolve().parents
    text = _("Without it no stored face can be read again, so it must not be lost with this disk.")
    if not apart:
        how = _("Copy {path} to a safe place. To keep it elsewhere for good, set FACESITE_DATA_KEY_FILE.")
        text = f"{text} {how.format(path=path)}"
    return Step(_("Keep the encryption key apart from the data"), text, apart, command="manage.py encryption status")


def _backup() -> Step:
    text = _("It is written while the site runs. Do it every night, and keep its two files apart.")
    done = AuditEvent.objects.filter(action=Action.BACKUP_WRITTEN).exists()
    return Step(_("Write a backup"), text, done, command="manage.py backup FILE")


def _https(secure: bool) -> Step:
    text = _("Browsers give a page the camera over https only, but for the machine that facesite runs on.")
    done = secure or settings.FACESITE_HTTPS != "off"
    return Step(_("Serve over https"), text, done, command="manage.py doctor --url https://...")
