"""What the engine holds follows the database, whatever happens in between."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from enrollment import services
from enrollment.milvus import client, delivering, keeping, levels, loading
from enrollment.milvus.client import Table
from enrollment.milvus.shared import reset_clients, shared_client
from enrollment.milvus.status import engine_status
from enrollment.models import GalleryCopy
from enrollment.runtime.epoch import begin_new_epoch
from enrollment.runtime.gallery import gallery_for, mark_gallery_stale, refresh_in_process
from recognizer.errors import GalleryAway
from recognizer.search.distant import DistantGallery
from recognizer.search.gallery import GallerySnapshot
from tests.enrollment.conftest import CONTRACT, DIMENSION, unit_vector

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(engine_beside, table_name) -> Table:
    return Table(shared_client(), table_name)


class TestDeliver:
    def test_what_was_sent_before_a_crash_is_found_done_and_the_rest_is_sent(
        self, enroll, delivered, table, monkeypatch
    ):
        ada = enroll("Ada", 1)
        delivered()
        services.erase_people(actor=None, people=[ada])
        grace = enroll("Grace", 2, 3)

        def crash(copy, number):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(levels, "note_sent", crash)
            with pytest.raises(KeyboardInterrupt):
                delivering.deliver()
        assert delivering.work_is_due()  # nobody noted that it was done
        assert gallery_for(CONTRACT, DIMENSION).search(unit_vector(2), 1)[0].person_id == str(grace.uuid)
        assert delivering.deliver() == 0  # it was
        assert set(table.rows_between(0, None).values()) == {str(grace.uuid)}
        assert not delivering.work_is_due()

    def test_a_row_that_nobody_may_find_and_one_that_is_missing_are_mended_by_a_sync(self, enroll, delivered, table):
        ada = enroll("Ada", 1, 2)
        delivered()
        [first, second] = sorted(table.rows_between(0, None))
        table.remove([first])
        table.write([second + 1000], ["somebody-erased"], CONTRACT, unit_vector(9)[None])
        out = StringIO()
        call_command("gallery", "status", "--json", stdout=out)
        [space] = json.loads(out.getvalue())["spaces"]
        assert (space["missing"], space["extra"], space["is_level"]) == (1, 1, False)
        out = StringIO()
        call_command("gallery", "sync", stdout=out)
        assert "1 rows written, 1 rows removed." in out.getvalue()
        assert "The engine is level." in out.getvalue()
        assert table.rows_between(0, None) == dict.fromkeys((first, second), str(ada.uuid))

    def test_the_look_at_the_start_notices_rows_that_numbers_cannot_know_of(self, enroll, delivered, table):
        enroll("Ada", 1, 2)
        delivered()
        table.remove([min(table.rows_between(0, None))])
        assert not delivering.work_is_due()
        keeping.Keeper().look()
        assert engine_status(thorough=True).is_level

    def test_after_a_restore_everything_is_compared_again(self, enroll, delivered):
        enroll("Ada", 1)
        delivered()
        begin_new_epoch()
        mark_gallery_stale()
        assert delivering.work_is_due()
        assert isinstance(gallery_for(CONTRACT, DIMENSION), GallerySnapshot)  # small: searched here until it is level
        assert delivered().search(unit_vector(1), 1)

    def test_a_large_gallery_waits_until_the_engine_is_level(self, enroll, engine_beside, monkeypatch):
        enroll("Ada", 1)
        monkeypatch.setattr(loading, "SMALL", 0)
        with pytest.raises(GalleryAway, match="brought level"):
            gallery_for(CONTRACT, DIMENSION)


class TestLevels:
    def test_a_change_is_searched_here_until_the_engine_surely_shows_it(self, enroll, delivered, monkeypatch):
        enroll("Ada", 1)
        delivered()
        monkeypatch.setattr(levels, "SETTLE_S", 3600.0)
        grace = enroll("Grace", 2)
        delivering.deliver()
        mark_gallery_stale()
        found = gallery_for(CONTRACT, DIMENSION)
        assert isinstance(found, DistantGallery)
        assert set(found.changed) >= {str(grace.uuid)}
        monkeypatch.setattr(levels, "SETTLE_S", 0.0)
        assert delivering.work_is_due()  # to note that it has settled
        delivering.deliver()
        assert GalleryCopy.objects.get(contract_id=CONTRACT).marked_revision == found.revision
        mark_gallery_stale()
        assert not loading.refresh(None, CONTRACT, DIMENSION).snapshot.changed  # type: ignore[attr-defined]


class TestAway:
    def test_it_is_told_at_once_and_the_engine_is_found_again_by_itself(
        self, enroll, delivered, engine_beside, settings, monkeypatch
    ):
        ada = enroll("Ada", 1)
        gallery = delivered()
        here = refresh_in_process(None, CONTRACT, DIMENSION).snapshot.search(unit_vector(1), 1)
        monkeypatch.setattr(client, "SEARCH_S", 0.5)
        monkeypatch.setattr(client, "RETRY_S", 3600.0)
        keeper = keeping.Keeper()
        with engine_beside.frozen():
            with pytest.raises(GalleryAway, match="does not answer"):
                gallery.search(unit_vector(1), 1)
            assert gallery.compare(unit_vector(1), str(ada.uuid))  # a claim needs the database only
            settings.GALLERY_FALLBACK = True
            fallen_back = gallery_for(CONTRACT, DIMENSION)
            assert isinstance(fallen_back, GallerySnapshot)
            assert fallen_back.search(unit_vector(1), 1) == here
            keeper.look()
            assert shared_client().is_away
            with pytest.raises(CommandError, match="does not answer"):
                call_command("gallery", "status")
        reset_clients()  # a frozen server drops what waited: as after its restart, by a new connection
        keeper.look()
        assert isinstance(gallery_for(CONTRACT, DIMENSION), DistantGallery)
        assert gallery_for(CONTRACT, DIMENSION).search(unit_vector(1), 1) == here

    def test_the_command_says_where_there_is_nothing_to_do(self):
        with pytest.raises(CommandError, match="GALLERY_URL is not set"):
            call_command("gallery", "status")
