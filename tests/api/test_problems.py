from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.db import OperationalError

from api.problems import SENTENCES, STATUSES, ApiReason, problem_of
from enrollment.errors import ConsentEnded, PersonUnknown
from recognizer.errors import EngineNotReady, ImageTooManyPixels, PackNotInstalled
from security.allowing import NotAllowed
from security.keys.checking import AddressNotAllowed, KeyExpired, KeyMissing, KeyRefused, KeyRevoked, ScopeMissing
from security.keys.scopes import Scope
from security.models import Approval
from security.rights import Right
from security.roles.second_person import SecondPersonNeeded
from verification.reasons import SENTENCES as KNOWN

PAGE = (settings.BASE_DIR / "docs" / "api.md").read_text()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (KeyMissing(), 401, "key_missing"),
        (KeyRefused(), 401, "key_invalid"),
        (KeyExpired(), 401, "key_expired"),
        (KeyRevoked(), 401, "key_revoked"),
        (AddressNotAllowed(), 403, "address_not_allowed"),
        (ScopeMissing((Scope.VERIFY,)), 403, "scope_missing"),
        (NotAllowed(Right.ERASE), 403, "not_allowed"),
        (SecondPersonNeeded(Approval.Action.ERASE_MANY, (), "Ask."), 403, "second_person_needed"),
        (PersonUnknown(), 404, "person_unknown"),
        (ConsentEnded(), 422, "consent_ended"),
        (ImageTooManyPixels("Too many."), 422, "image_too_many_pixels"),
        (EngineNotReady("Not yet."), 503, "engine_not_ready"),
        (PackNotInstalled("None."), 503, "pack_not_installed"),
        (OperationalError(), 503, "database_away"),
        (OSError(28, "No space left on device"), 503, "disk_full"),
    ],
)
def test_each_refusal_below_has_its_status_and_keeps_its_code(error, status, code):
    problem = problem_of(error)
    assert problem is not None
    assert (problem.status, problem.code) == (status, code)
    assert problem.detail
    assert ("Retry-After" in problem.headers) == (status == 503)


def test_a_fault_of_ours_is_no_refusal():
    assert problem_of(RuntimeError()) is None


def test_every_code_has_a_sentence():
    assert set(SENTENCES) == set(ApiReason)
    assert set(STATUSES) <= set(KNOWN)


@pytest.mark.parametrize("code", [*ApiReason, *STATUSES, *(error.code for error in KeyRefused.__subclasses__())])
def test_every_code_is_in_the_page_for_integrators(code):
    if code != ApiReason.SUBJECT_AMBIGUOUS:  # CompreFace's clients see it as a sentence
        assert re.search(rf"`{code}`", PAGE), code
