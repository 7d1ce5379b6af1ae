"""A lock in the database that one process has at a time, and that nobody keeps by dying."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from security import leases
from security.leases import HeldLease, LeaseLost, LeaseTaken, is_held, lease
from security.models import Lease


@pytest.mark.django_db
class TestLease:
    def test_is_free_again_afterwards_and_after_a_fault(self):
        with lease("work"):
            assert is_held("work")
        with pytest.raises(ZeroDivisionError), lease("work"):
            raise ZeroDivisionError
        assert not is_held("work")

    def test_is_refused_while_another_has_it(self):
        with lease("work"):
            with pytest.raises(LeaseTaken), lease("work"):
                pytest.fail("two at once")
            assert is_held("work")  # the refused one has not freed it
            with lease("other work"):
                pass

    def test_of_a_process_that_died_ends_by_itself(self):
        HeldLease("work").take()
        with pytest.raises(LeaseTaken):
            HeldLease("work").take()
        Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert not is_held("work")
        HeldLease("work").take()

    def test_is_lost_when_another_took_it_meanwhile(self):
        late = HeldLease("work")
        late.take()
        Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        HeldLease("work").take()
        with pytest.raises(LeaseLost):
            late.renew()
        late.give_back()
        assert is_held("work")  # what it gives back is no longer its own

    def test_is_renewed_by_a_beat_only_now_and_then(self, django_assert_num_queries):
        with lease("work") as held:
            Lease.objects.update(expires_at=timezone.now() + timedelta(seconds=1))
            with django_assert_num_queries(0):
                held.beat()
            held.renewed -= leases.RENEWAL_S
            held.beat()
            expires_at = Lease.objects.get().expires_at
            assert expires_at is not None
            assert expires_at > timezone.now() + leases.LEASE / 2


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_exactly_one_gets_it(self):
        Lease.objects.create(name="work")
        barrier, got = threading.Barrier(6), []

        def try_it() -> None:
            barrier.wait()
            try:
                HeldLease("work").take()
                got.append(True)
            except LeaseTaken:
                got.append(False)
            finally:
                connection.close()

        threads = [threading.Thread(target=try_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [False] * 5 + [True]
