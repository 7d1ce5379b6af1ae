"""Every change of policies, pictures, unknown faces and wrong matches, and every export, leaves a row."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from security.models import AuditEvent
from tests.support.downloads import without_mark
from tests.verification.rows import make_attempt
from verification import selectors, services
from verification.exports import stream_attempts
from verification.models import UnknownFace, VerificationAttempt
from verification.review import unknowns
from verification.selectors import AttemptFilters

pytestmark = pytest.mark.django_db


def last() -> AuditEvent:
    return AuditEvent.objects.latest("number")


def make_unknown(**values) -> UnknownFace:
    about = {"quality": {}, "quality_score": 0.5, "contract_id": "x", "embedding": b"x", "crop": b"x"}
    return UnknownFace.objects.create(attempt=make_attempt(), **(about | values))


class TestThePolicy:
    def test_before_and_after(self, staff):
        first = services.save_policy(actor=staff, fmr="0.001", liveness="required")
        assert last().facts["before"] == {}
        second = services.save_policy(actor=staff, fmr="0.0001", liveness="off")
        assert (last().target, last().actor) == (f"policy:{second.pk}", f"operator:{staff.pk}")
        before, after = last().facts["before"], last().facts["after"]
        assert (before["policy"], before["fmr"], before["liveness"]) == (first.pk, "0.001", "required")
        assert (after["policy"], after["fmr"], after["liveness"]) == (second.pk, "0.0001", "off")

    def test_of_unknown_faces(self, staff):
        make_unknown()
        unknowns.save_unknown_policy(actor=staff, keep=True, days=3)
        assert last().facts["after"] == {"keep": True, "days": 3}
        unknowns.save_unknown_policy(actor=staff, keep=False, days=3)
        assert last().facts["before"] == {"keep": True, "days": 3}
        assert last().facts["faces_erased"] == 1


class TestPictures:
    def test_erasing_them_names_attempts(self, staff):
        attempt = make_attempt()
        services.erase_pictures(actor=staff, attempts=VerificationAttempt.objects.all())
        assert last().facts == {"attempts": 1, "which": [str(attempt.uuid)]}
        services.erase_pictures(actor=staff, attempts=VerificationAttempt.objects.all())
        assert AuditEvent.objects.count() == 1


class TestUnknownFaces:
    @pytest.fixture(autouse=True)
    def keeping(self, staff) -> None:
        unknowns.save_unknown_policy(actor=staff, keep=True, days=3)

    def test_dismissing_undoing_and_deleting(self, staff):
        face = make_unknown()
        action = unknowns.dismiss_unknown(actor=staff, faces=[face.uuid])
        assert (last().action, last().target) == ("unknown.dismissed", f"unknown:{action.uuid}")
        unknowns.undo_inbox_action(actor=staff, action=action)
        assert (last().action, last().facts) == ("unknown.undone", {"kind": "dismiss", "faces": 1})
        unknowns.delete_unknown(actor=staff, faces=[face.uuid])
        assert (last().action, last().facts) == ("unknown.deleted", {"faces": 1})

    def test_what_is_erased_because_its_time_is_over_is_the_products_doing(self):
        make_unknown(kept_at=timezone.now() - timedelta(days=5))
        unknowns.purge_unknowns()
        assert (last().action, last().actor, last().facts) == ("unknown.purged", "product", {"faces": 1})
        unknowns.purge_unknowns()
        assert AuditEvent.objects.count() == 2


class TestExports:
    def test_say_which_filters_were_set_but_no_name(self, staff):
        make_attempt()
        filters = AttemptFilters(verdict="match", text="Ada Lovelace")
        stream_attempts(selectors.find_attempts(filters), actor=staff, filters=filters)
        assert last().facts == {"format": "csv", "rows": 0, "filters": {"verdict": "match", "text": True}}

    def test_the_table_holds_the_grounds_of_each_decision(self, staff):
        policy = services.save_policy(actor=staff, fmr="0.001", liveness="off")
        make_attempt(policy=policy, gallery_revision=512)
        header, row = csv.reader(without_mark(stream_attempts(selectors.find_attempts(), actor=staff)))
        values = dict(zip(header, row, strict=True))
        assert (values["contract"], values["policy"], values["gallery_revision"]) == (
            "test-contract",
            str(policy.pk),
            "512",
        )
