"""The first steps of a new site tick themselves."""

from __future__ import annotations

import pytest
from pytest_django.asserts import assertContains, assertNotContains

from facesite.checklist import checklist_for
from security.audit.actions import Action
from security.audit.recording import record
from security.roles.table import Role
from tests.support.operators import make_client, make_operator
from tests.verification.rows import make_attempt


@pytest.mark.django_db
class TestChecklist:
    def test_ticks_what_was_done(self, staff, settings, tmp_path):
        settings.FACESITE_DATA_KEY, settings.FACESITE_DATA_KEY_FILE = "", settings.BASE_DIR / ".data-key"
        new = checklist_for(staff, has_pack=False, people=0, secure=False)
        assert new
        assert new.is_new
        assert new.done == 0
        assert len({step.title for step in new.steps}) == 6
        make_attempt()
        record(Action.BACKUP_WRITTEN, actor=staff)
        settings.FACESITE_DATA_KEY_FILE = tmp_path / "key"
        done = checklist_for(staff, has_pack=True, people=1, secure=True)
        assert done
        assert done.complete
        assert not done.is_new

    def test_is_for_those_who_set_the_site_up(self):
        manager = make_operator(Role.MANAGER)
        assert checklist_for(manager, has_pack=True, people=0, secure=False) is None

    def test_stands_on_the_dashboard_until_all_is_done(self, staff_client, engine):
        assertContains(staff_client.get("/"), "Welcome. The first steps")
        assertNotContains(make_client(Role.MANAGER).get("/"), "The first steps")
