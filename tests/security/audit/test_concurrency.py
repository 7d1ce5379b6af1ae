"""Many writers at once: nobody waits for ever, no row is lost, and the chain is whole afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.utils import timezone

from enrollment import services as enrollment
from enrollment.hygiene import actions as hygiene
from enrollment.models import Person
from security.audit.actions import Action
from security.audit.recording import record
from security.audit.stored import verify_stored
from security.models import AuditEvent
from tests.enrollment.conftest import CONTRACT, make_draft
from tests.support.consent import ON_PAPER
from verification.services import save_policy

ROUNDS = 12

__all__ = ["make_draft"]  # a fixture


@pytest.mark.django_db(transaction=True)
class TestManyWriters:
    def test_leave_one_whole_chain(self, make_draft, staff):
        def enrol(number: int) -> Person:
            return enrollment.enroll_person(
                actor=staff,
                name=f"Person {number}",
                consent=ON_PAPER,
                samples=[make_draft(number)],
                despite_duplicate=True,
            ).person

        people = [enrol(number) for number in range(2 * ROUNDS)]
        begun = AuditEvent.objects.count()
        together = Barrier(5)

        def enrols() -> None:
            for number in range(ROUNDS):
                enrol(1000 + number)

        def erases() -> None:
            for person in people[:ROUNDS]:
                enrollment.erase_people(actor=staff, people=[person])

        def changes() -> None:
            for person in people[ROUNDS:]:
                enrollment.update_person(actor=staff, person=person, name="Ada", external_id=None)
                enrollment.set_active(actor=staff, people=[person], active=False)

        def merges_and_saves_policies() -> None:
            for number in range(ROUNDS):
                save_policy(actor=staff, fmr="0.001", liveness="off")
                keep, merge = enrol(2000 + number), enrol(3000 + number)
                action = hygiene.merge_people(actor=staff, keep=keep, merge=merge, contract_id=CONTRACT)
                hygiene.undo_action(actor=staff, action=action)

        def signs_in() -> None:
            for _ in range(ROUNDS):
                with transaction.atomic():
                    User.objects.filter(pk=staff.pk).update(last_login=timezone.now())
                    record(Action.POLICY_SAVED, actor=staff)

        def work(job) -> None:
            together.wait()
            try:
                job()
            finally:
                connections.close_all()

        jobs = [enrols, erases, changes, merges_and_saves_policies, signs_in]
        with ThreadPoolExecutor(len(jobs)) as pool:
            for done in [pool.submit(work, job) for job in jobs]:
                done.result()
        report = verify_stored()
        assert report.problem is None
        assert report.rows - begun == ROUNDS * (2 + 1 + 2 + 7 + 1)  # an enrolment has a second row, about the consent
