"""Who waits how long after wrong passwords, and whom strangers cannot keep out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from security.models import FailedSignIns, KnownAddress
from security.sign_in import limits
from security.sign_in.limits import ACCOUNT, ADDRESS, AT_KNOWN_ADDRESS, count_failure, forgive, trial_of, wait_for

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.1"


def fail(name: str, address: str, times: int) -> None:
    for _ in range(times):
        count_failure(trial_of(name, address))


def waits(name: str, address: str) -> bool:
    return bool(wait_for(trial_of(name, address)))


class TestBackOff:
    def test_the_first_failures_cost_nothing(self):
        assert ACCOUNT.wait_after(ACCOUNT.free - 1) == timedelta()

    @pytest.mark.parametrize("rule", [ACCOUNT, ADDRESS, AT_KNOWN_ADDRESS], ids=["account", "address", "known"])
    def test_every_further_one_waits_twice_as_long_up_to_a_bound(self, rule):
        assert rule.wait_after(rule.free) == rule.first
        assert rule.wait_after(rule.free + 1) == 2 * rule.first
        assert rule.wait_after(10_000) == rule.longest <= timedelta(minutes=15)


@pytest.mark.django_db
class TestWaiting:
    def test_an_account_waits_wherever_its_failures_come_from(self, operator):
        for number in range(ACCOUNT.free):
            fail("olivia", f"198.51.100.{number}", 1)
        assert waits("olivia", "203.0.113.5")
        assert not waits("somebody-else", "203.0.113.5")

    def test_an_address_waits_whatever_names_it_tries(self):
        for number in range(ADDRESS.free):
            fail(f"name-{number}", ELSEWHERE, 1)
        assert waits("olivia", ELSEWHERE)
        assert not waits("olivia", HOME)

    def test_addresses_of_one_ipv6_network_wait_together(self):
        for number in range(ADDRESS.free):
            fail(f"name-{number}", f"2001:db8::{number:x}", 1)
        assert waits("olivia", "2001:db8::ffff")

    def test_the_only_operator_signs_in_from_a_known_place_while_strangers_try(self, operator):
        forgive(operator, HOME)
        for number in range(100):
            fail("olivia", f"198.51.100.{number}", 1)
        assert waits("olivia", "203.0.113.5")
        assert not waits("olivia", HOME)

    def test_a_known_address_waits_for_a_minute_at_most(self, operator):
        forgive(operator, HOME)
        fail("olivia", HOME, 50)
        assert timedelta() < wait_for(trial_of("olivia", HOME)) <= timedelta(minutes=1)

    def test_an_address_known_for_one_operator_is_not_known_for_another(self, operator, staff):
        forgive(operator, HOME)
        fail("stefan", HOME, ACCOUNT.free)
        assert waits("stefan", HOME)
        assert not waits("olivia", HOME)

    def test_an_address_is_forgotten_after_a_while(self, operator):
        forgive(operator, HOME)
        KnownAddress.objects.update(last_at=timezone.now() - limits.KNOWN_FOR)
        fail("olivia", ELSEWHERE, ACCOUNT.free)
        assert waits("olivia", HOME)

    def test_ends_when_the_time_is_over(self, operator):
        fail("olivia", HOME, ACCOUNT.free)
        trial = trial_of("olivia", HOME)
        assert wait_for(trial, now=timezone.now() + ACCOUNT.first - timedelta(seconds=2))
        assert not wait_for(trial, now=timezone.now() + ACCOUNT.first)

    def test_failures_are_forgotten_after_a_night(self, operator):
        fail("olivia", HOME, 50)
        FailedSignIns.objects.update(last_at=timezone.now() - limits.FORGOTTEN_AFTER)
        assert not waits("olivia", HOME)
        fail("olivia", HOME, 1)
        assert {row.failures for row in FailedSignIns.objects.all()} == {1}

    def test_a_sign_in_forgives_the_failures_at_its_address(self, operator):
        forgive(operator, HOME)
        fail("olivia", HOME, AT_KNOWN_ADDRESS.free)
        assert waits("olivia", HOME)
        forgive(operator, HOME)
        assert not waits("olivia", HOME)

    def test_is_the_same_for_a_name_that_nobody_has(self):
        fail("nobody", HOME, ACCOUNT.free)
        assert wait_for(trial_of("nobody", HOME)) > timedelta()


@pytest.mark.django_db
class TestTrialOf:
    def test_another_spelling_that_the_database_takes_for_the_same_is_no_way_around(self, operator):
        """MySQL compares names without regard to capital letters and accents; SQLite does not, and finds nobody."""
        found = User.objects.filter(username="OLIVIA").first()
        assert (found == operator) == (connection.vendor == "mysql")
        same = trial_of("OLIVIA", HOME).counts == trial_of("olivia", HOME).counts
        assert same == (connection.vendor == "mysql")

    def test_keeps_neither_names_nor_addresses(self, operator):
        fail("my-secret-password", HOME, 1)
        forgive(operator, HOME)
        stored = str(list(FailedSignIns.objects.values())) + str(list(KnownAddress.objects.values()))
        assert "my-secret" not in stored
        assert HOME not in stored
        assert "my-secret" not in trial_of("my-secret-password", HOME).account


@pytest.mark.django_db
class TestForgetOld:
    def test_leaves_what_still_counts(self, operator):
        fail("olivia", HOME, 1)
        forgive(operator, HOME)
        limits.forget_old()
        assert FailedSignIns.objects.count() == 2
        assert KnownAddress.objects.count() == 1

    def test_takes_the_rest(self, operator):
        fail("olivia", HOME, 1)
        forgive(operator, HOME)
        long_ago = timezone.now() - timedelta(days=100)
        FailedSignIns.objects.update(last_at=long_ago)
        KnownAddress.objects.update(last_at=long_ago)
        limits.forget_old()
        assert not FailedSignIns.objects.exists()
        assert not KnownAddress.objects.exists()
