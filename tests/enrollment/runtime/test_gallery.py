from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enrollment import services
from enrollment.hygiene import actions
from enrollment.models import GalleryRevision, Person
from enrollment.runtime import gallery
from enrollment.runtime.gallery import cached_gallery, fresh_gallery, gallery_for, mark_gallery_stale
from recognizer.errors import EngineNotReady
from tests.enrollment.conftest import CONTRACT, DIMENSION, unit_vector
from tests.support.floats import approx_candidates, approx_cosine

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _look_every_time(monkeypatch):
    """No test waits half a second; the interval has a test of its own."""
    monkeypatch.setattr(gallery, "REVISION_CHECK_SECONDS", 0.0)


def now():
    return gallery_for(CONTRACT, DIMENSION)


def finds(seed: int) -> str | None:
    """uuid of the person whose template is this very vector."""
    best = now().search(unit_vector(seed), 1)
    return best[0].person_id if best and best[0].comparison_score > 0.9999 else None


class TestCurrentGallery:
    def test_is_empty_at_first(self):
        assert (now().people, now().templates, now().search(unit_vector(1))) == (0, 0, [])

    def test_finds_who_was_enrolled(self, enroll):
        ada, grace = enroll("Ada", 1, 2), enroll("Grace", 3)
        assert (now().people, now().templates) == (2, 3)
        assert (finds(2), finds(3)) == (str(ada.uuid), str(grace.uuid))

    def test_notices_added_and_removed_samples(self, enroll, make_draft):
        ada = enroll("Ada", 1)
        assert finds(2) is None
        services.add_samples(actor=None, person=ada, samples=[make_draft(2)], despite_duplicate=True)
        assert finds(2) == str(ada.uuid)
        services.remove_sample(actor=None, sample=ada.samples.first())
        assert finds(1) is None

    def test_notices_who_is_deactivated_and_comes_back(self, enroll):
        ada = enroll("Ada", 1)
        services.set_active(actor=None, people=[ada], active=False)
        assert finds(1) is None
        services.set_active(actor=None, people=[ada], active=True)
        assert finds(1) == str(ada.uuid)

    def test_finds_a_visitor_on_their_days_alone_and_notices_midnight_by_itself(self, enroll, monkeypatch):
        today = date(2030, 6, 14)
        monkeypatch.setattr(timezone, "localdate", lambda: today)
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        services.set_validity(actor=None, person=ada, valid_from=None, valid_until=today)
        services.set_validity(actor=None, person=bob, valid_from=date(2030, 6, 16), valid_until=None)
        assert (finds(1), finds(2)) == (str(ada.uuid), None)
        number = GalleryRevision.objects.get().number
        today = date(2030, 6, 15)
        assert (finds(1), finds(2)) == (None, None)
        today = date(2030, 6, 16)
        assert (finds(1), finds(2)) == (None, str(bob.uuid))
        today = date(2030, 6, 14)  # somebody set the clock back
        assert (finds(1), finds(2)) == (str(ada.uuid), None)
        assert GalleryRevision.objects.get().number == number

    def test_notices_samples_that_are_set_aside(self, enroll):
        ada = enroll("Ada", 1, 2)
        assert finds(1) == str(ada.uuid)
        services.set_aside(actor=None, sample=ada.samples.first(), aside=True)
        assert (finds(1), finds(2)) == (None, str(ada.uuid))

    def test_forgets_the_erased(self, enroll):
        ada = enroll("Ada", 1)
        assert finds(1) == str(ada.uuid)
        services.erase_people(actor=None, people=[ada])
        assert (finds(1), now().templates) == (None, 0)

    def test_leaves_other_embedding_spaces_out(self, enroll, make_draft):
        ada = enroll("Ada", 1)
        services.add_samples(
            actor=None, person=ada, samples=[make_draft(2, contract_id="another")], despite_duplicate=True
        )
        assert now().templates == 1
        assert gallery_for("another", DIMENSION).templates == 1

    def test_carries_the_databases_revision(self, enroll):
        enroll("Ada", 1)
        assert now().revision == GalleryRevision.objects.get().number


class TestReload:
    def test_asks_for_one_row_when_nothing_changed(self, enroll):
        enroll("Ada", 1)
        now()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            now()
        assert len(queries) == 1
        assert "galleryrevision" in queries[0]["sql"]

    def test_asks_nothing_within_the_interval(self, enroll, monkeypatch):
        enroll("Ada", 1)
        now()
        monkeypatch.setattr(gallery, "REVISION_CHECK_SECONDS", 60.0)
        with CaptureQueriesContext(connection) as queries:
            now()
        assert not queries.captured_queries

    def test_asks_at_once_when_somebody_announced_a_change(self, enroll, monkeypatch):
        enroll("Ada", 1)
        monkeypatch.setattr(gallery, "REVISION_CHECK_SECONDS", 60.0)
        assert finds(1)
        enroll("Grace", 2)
        assert finds(2) is None
        mark_gallery_stale()
        assert finds(2)

    def test_reads_only_the_people_who_changed(self, enroll, monkeypatch):
        enroll("Ada", 1)
        now()
        monkeypatch.setattr(gallery, "_load", lambda *args: pytest.fail("everything was loaded anew"))
        grace = enroll("Grace", 2)
        assert finds(2) == str(grace.uuid)

    @pytest.mark.parametrize("people", [1, 40])
    def test_needs_a_constant_number_of_queries(self, enroll, people):
        for number in range(people):
            enroll(f"Person {number}", number)
        with CaptureQueriesContext(connection) as queries:
            now()
        # revision, people, samples, a chunk of templates, its keys, the empty chunk after it, merges, wrong matches
        assert len(queries) == 8

    def test_reads_in_chunks(self, enroll, monkeypatch):
        monkeypatch.setattr(gallery, "CHUNK", 2)
        people = [enroll(f"Person {number}", number) for number in range(5)]
        assert now().templates == 5
        assert [finds(number) for number in range(5)] == [str(person.uuid) for person in people]

    def test_loads_anew_when_it_is_too_far_behind(self, enroll, monkeypatch):
        enroll("Ada", 1)
        now()
        monkeypatch.setattr(gallery, "KEPT_REVISIONS", 1)
        monkeypatch.setattr(gallery, "_patch", lambda *args: pytest.fail("changes may be missing"))
        enroll("Grace", 2)
        enroll("Hedy", 3)
        assert (finds(2) is None, finds(3) is None) == (False, False)

    def test_loads_anew_when_the_numbers_went_back(self, enroll):
        enroll("Ada", 1)
        enroll("Grace", 2)
        now()
        # A database put back from a backup: fewer people, a smaller number.
        Person.objects.filter(name="Grace").delete()
        GalleryRevision.objects.update(number=1)
        assert finds(2) is None

    def test_is_not_fooled_by_the_same_number_of_another_database(self, enroll):
        enroll("Ada", 1)
        number = now().revision
        Person.objects.all().delete()
        GalleryRevision.objects.all().delete()
        GalleryRevision.objects.create(pk=GalleryRevision.SINGLETON_PK, number=number)
        assert finds(1) is None

    def test_names_who_got_the_samples_by_a_merge_and_whose_they_were_after_its_undo(self, enroll):
        keep, merge = enroll("Ada", 1), enroll("Ada again", 2)
        assert finds(2) == str(merge.uuid)
        action = actions.merge_people(actor=None, keep=keep, merge=merge, contract_id=CONTRACT)
        assert finds(2) == str(keep.uuid)
        assert str(merge.uuid) not in now()
        actions.undo_action(actor=None, action=action)
        assert finds(2) == str(merge.uuid)
        assert now().people == 2

    def test_equals_a_copy_loaded_anew_after_many_changes(self, enroll, make_draft):
        people = [enroll(f"Person {number}", number, number + 100) for number in range(12)]
        now()
        services.erase_people(actor=None, people=people[:3])
        services.set_active(actor=None, people=people[3:5], active=False)
        now()
        services.add_samples(actor=None, person=people[6], samples=[make_draft(50)], despite_duplicate=True)
        services.remove_sample(actor=None, sample=people[7].samples.first())
        services.set_active(actor=None, people=people[3:4], active=True)
        merges = [
            actions.merge_people(actor=None, keep=people[keep], merge=people[merge], contract_id=CONTRACT)
            for keep, merge in ((8, 9), (8, 10), (6, 11))
        ]
        now()
        actions.undo_action(actor=None, action=merges[1])
        services.remove_sample(actor=None, sample=people[8].samples.last())
        patched = now()
        gallery.reset_gallery()
        loaded = now()
        assert (patched.people, patched.templates, patched.revision) == (
            loaded.people,
            loaded.templates,
            loaded.revision,
        )
        for seed in [*range(12), *range(100, 112), 50]:
            expected = approx_candidates(loaded.search(unit_vector(seed), 3), DIMENSION)
            assert patched.search(unit_vector(seed), 3) == expected


class TestOutliveOldCopies:
    @pytest.mark.django_db(transaction=True)
    def test_an_erasure_answers_when_no_other_process_names_the_person(self, enroll, monkeypatch):
        monkeypatch.setattr(gallery, "REVISION_CHECK_SECONDS", 0.3)
        another_process = gallery.GalleryCache(gallery.refresh_in_process)
        ada = enroll("Ada", 1)
        assert another_process.get(CONTRACT, DIMENSION).people == 1
        services.erase_people(actor=None, people=[ada])
        assert another_process.get(CONTRACT, DIMENSION).people == 0


class TestCachedGallery:
    def test_is_nothing_before_the_first_load(self):
        assert cached_gallery() is None

    def test_never_touches_the_database(self, enroll):
        enroll("Ada", 1)
        loaded = now()
        with CaptureQueriesContext(connection) as queries:
            assert cached_gallery() is loaded
        assert not queries.captured_queries


class TestFreshGallery:
    def test_is_there_only_while_it_needs_no_question(self, engine, monkeypatch):
        assert fresh_gallery(engine) is None
        monkeypatch.setattr(gallery, "REVISION_CHECK_SECONDS", 60.0)
        loaded = gallery.current_gallery(engine)
        assert fresh_gallery(engine) is loaded
        mark_gallery_stale()
        assert fresh_gallery(engine) is None


@pytest.mark.django_db(transaction=True)
class TestThreads:
    def test_load_once_when_many_ask_at_the_same_time(self, enroll, monkeypatch):
        enroll("Ada", 1)
        monkeypatch.setattr(gallery, "REVISION_CHECK_SECONDS", 60.0)
        loads: list[object] = []
        load = gallery._load

        def count_and_load(*args):
            loads.append(args)
            return load(*args)

        monkeypatch.setattr(gallery, "_load", count_and_load)

        def ask(_):
            try:
                return now()
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            snapshots = list(pool.map(ask, range(8)))
        assert len(loads) == 1
        assert all(snapshot is snapshots[0] for snapshot in snapshots)

    def test_are_told_to_come_again_while_the_first_load_takes_long(self, enroll, monkeypatch):
        """And it says how far that is; who has a copy already waits for the next one."""
        enroll("Ada", 1)
        cache = gallery.GalleryCache(gallery.refresh_in_process)
        cache.share = 0.42
        monkeypatch.setattr(gallery, "FIRST_LOAD_S", 0.01)
        with cache._lock, pytest.raises(EngineNotReady, match="42%"):
            cache.get(CONTRACT, DIMENSION)
        assert cache.get(CONTRACT, DIMENSION).templates == 1

    def test_see_whole_people_while_somebody_writes(self, enroll, make_draft):
        """A person has both templates or none: a reader never meets half a transaction."""
        seen = set()

        def write():
            try:
                for number in range(6):
                    enroll(f"Person {number}", number, number + 100)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not writing.done():
                seen.add(now().templates % 2)
            writing.result()
        assert seen == {0}
        assert now().templates == 12


class TestTemplatesAreReadBackExactly:
    def test_whatever_the_machines_byte_order(self, enroll):
        enroll("Ada", 1)
        score = now().search(unit_vector(1), 1)[0].comparison_score
        assert score == approx_cosine(1, DIMENSION)
