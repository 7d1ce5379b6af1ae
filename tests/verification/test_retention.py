"""Real rows on either side of each boundary of the history and the inbox of unknown faces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.utils import timezone

from security.models import RetentionRun
from security.retention.policy import current_days, save_days
from tests.verification.rows import JPEG, make_attempt, make_person
from verification import retention
from verification.models import ChallengeTry, FalseMatch, UnknownFace, UnknownPolicy, VerificationAttempt
from verification.review import unknowns

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def ago(days: float, *, now: datetime = NOW) -> datetime:
    return now - timedelta(days=days)


def with_picture() -> set[int]:
    return set(VerificationAttempt.objects.filter(has_picture=True).values_list("pk", flat=True))


def unknown_face(attempt: VerificationAttempt, **values) -> UnknownFace:
    return UnknownFace.objects.create(
        attempt=attempt,
        quality={},
        quality_score=0.9,
        contract_id="test",
        embedding=b"\0" * 8,
        crop=b"not really a crop",
        **values,
    )


class TestHasPicture:
    """The database's own column, which the rule and its index rest on."""

    def test_follows_the_thumbnail(self):
        attempt = make_attempt()
        assert VerificationAttempt.objects.get().has_picture is True
        VerificationAttempt.objects.filter(pk=attempt.pk).update(thumbnail=b"")
        assert VerificationAttempt.objects.get().has_picture is False
        VerificationAttempt.objects.filter(pk=attempt.pk).update(thumbnail=JPEG)
        assert VerificationAttempt.objects.get().has_picture is True
        assert make_attempt(thumbnail=b"").has_picture is False


class TestPicturesOfAttempts:
    def test_go_after_their_days_and_what_was_decided_stays(self):
        person = make_person()
        old = make_attempt(created_at=ago(30) - SECOND, matched_person=person)
        exactly, young = make_attempt(created_at=ago(30)), make_attempt(created_at=ago(29))
        assert retention.count_pictures(NOW, 30) == 1
        assert [retention.erase_pictures(NOW, 30, 10) for _ in range(2)] == [1, 0]
        assert with_picture() == {exactly.pk, young.pk}
        old.refresh_from_db()
        assert (bytes(old.thumbnail), old.comparison_score, old.matched_person) == (b"", 0.62, person)

    @pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland"])
    def test_a_day_has_24_hours_wherever_and_whenever_clocks_change(self, settings, zone):
        settings.TIME_ZONE = zone  # Berlin's clocks went forward on 29 March
        noon = datetime(2026, 3, 30, 12, 0, tzinfo=ZoneInfo(zone))
        make_attempt(created_at=ago(1, now=noon.astimezone(UTC)) - SECOND)
        young = make_attempt(created_at=ago(1, now=noon.astimezone(UTC)) + SECOND)
        assert retention.erase_pictures(noon.astimezone(UTC), 1, 10) == 1
        assert with_picture() == {young.pk}

    def test_of_faces_in_the_inbox_stay_until_these_are_gone(self):
        attempt = make_attempt(created_at=ago(20))
        face = unknown_face(attempt, kept_at=ago(20))
        assert (retention.count_pictures(NOW, 10), retention.erase_pictures(NOW, 10, 10)) == (0, 0)
        face.delete()
        assert retention.erase_pictures(NOW, 10, 10) == 1

    def test_go_in_batches_the_oldest_first(self):
        attempts = [make_attempt(created_at=ago(40 + number)) for number in range(5)]
        assert retention.erase_pictures(NOW, 30, 2) == 2
        assert with_picture() == {attempt.pk for attempt in attempts[:3]}

    def test_are_found_by_the_index_alone(self):
        """100,000 attempts without a picture cost the count nothing."""
        plan = retention._pictures(NOW, 30).explain()
        assert "pictures_by_age" in plan

    def test_go_after_30_days_unless_the_site_says_otherwise(self):
        assert current_days()["attempt_pictures"] == 30
        save_days(actor=None, days={"attempt_pictures": None})
        assert current_days()["attempt_pictures"] is None


class TestAttempts:
    def test_stay_unless_the_site_says_otherwise(self):
        assert current_days()["attempts"] is None

    def test_go_after_their_days(self):
        make_attempt(created_at=ago(365) - SECOND)
        young = make_attempt(created_at=ago(365))
        assert retention.count_attempts(NOW, 365) == 1
        assert [retention.erase_attempts(NOW, 365, 10) for _ in range(2)] == [1, 0]
        assert VerificationAttempt.objects.get() == young

    def test_with_a_wrong_match_stay_until_it_is_taken_back(self):
        attempt = make_attempt(created_at=ago(400))
        wrong = FalseMatch.objects.create(attempt=attempt, person=make_person())
        assert (retention.count_attempts(NOW, 365), retention.erase_attempts(NOW, 365, 10)) == (0, 0)
        FalseMatch.objects.filter(pk=wrong.pk).update(undone_at=ago(1))
        assert retention.erase_attempts(NOW, 365, 10) == 1
        assert not FalseMatch.objects.exists()

    def test_are_counted_without_what_goes_with_them(self):
        unknown_face(make_attempt(created_at=ago(400)))
        assert retention.erase_attempts(NOW, 365, 10) == 1
        assert not UnknownFace.objects.exists()


class TestUnknownFaces:
    @pytest.fixture
    def _kept_for_7_days(self):
        UnknownPolicy.objects.create(keep=True, days=7)

    @pytest.mark.usefixtures("_kept_for_7_days")
    def test_go_after_the_days_of_their_page(self):
        unknown_face(make_attempt(), kept_at=ago(7) - SECOND)
        young = unknown_face(make_attempt(), kept_at=ago(7))
        days = current_days()["unknown_faces"]
        assert days == 7
        assert retention.count_unknown(NOW, days) == 1
        assert [retention.erase_unknown(NOW, days, 10) for _ in range(2)] == [1, 0]
        assert UnknownFace.objects.get() == young

    def test_all_go_where_none_may_be_kept(self):
        for _ in range(3):
            unknown_face(make_attempt(), kept_at=NOW)
        assert retention.count_unknown(NOW, 7) == 3
        assert [retention.erase_unknown(NOW, 7, 2) for _ in range(3)] == [2, 1, 0]

    @pytest.mark.usefixtures("_kept_for_7_days")
    def test_have_one_number_of_days_for_both_pages(self, staff):
        save_days(actor=staff, days={"unknown_faces": 5})
        policy = unknowns.current_unknown_policy()
        assert (policy.keep, policy.days, policy.saved_by) == (True, 5, staff)
        unknowns.save_unknown_policy(actor=staff, keep=True, days=3)
        assert current_days()["unknown_faces"] == 3

    def test_are_not_kept_because_somebody_changed_their_days(self):
        save_days(actor=None, days={"unknown_faces": 5})
        assert not unknowns.current_unknown_policy().keep


class TestTriesOfHeadMovements:
    def test_go_after_a_day(self):
        ChallengeTry.objects.create(session="s", at=ago(1) - SECOND)
        young = ChallengeTry.objects.create(session="s", at=ago(1))
        assert current_days()["challenge_tries"] == 1
        assert retention.count_tries(NOW, 1) == 1
        assert [retention.erase_tries(NOW, 1, 10) for _ in range(2)] == [1, 0]
        assert ChallengeTry.objects.get() == young


class TestARunWithEveryRule:
    def test_erases_what_is_due_in_all_of_them(self):
        now = timezone.now()
        old = make_attempt(created_at=ago(31, now=now))
        unknown_face(make_attempt(created_at=ago(45, now=now)), kept_at=ago(45, now=now))
        young = make_attempt()
        ChallengeTry.objects.create(session="s", at=ago(2, now=now))
        call_command("retention", verbosity=0)
        run = RetentionRun.objects.get()
        assert run.state == "done"
        # The face has left the inbox in the same run, so its picture is due as well.
        erased = {key: number for key, number in run.erased.items() if number}
        assert erased == {"unknown_faces": 1, "attempt_pictures": 2, "challenge_tries": 1}
        assert with_picture() == {young.pk}
        assert VerificationAttempt.objects.filter(pk=old.pk).exists()
