"""The tests of the gallery in this process, once more with the engine beside it; and both side by side."""

from __future__ import annotations

import pytest

from enrollment import services
from enrollment.milvus import delivering
from enrollment.milvus.shared import shared_client
from enrollment.runtime.gallery import refresh_in_process
from recognizer.search.distant import DistantGallery
from recognizer.search.gallery import GallerySnapshot
from tests.enrollment.conftest import CONTRACT, DIMENSION, unit_vector
from tests.enrollment.runtime import test_gallery as in_process

pytestmark = pytest.mark.django_db


class TestTheSameSuite(in_process.TestCurrentGallery):
    """Every change is told to the engine before it is searched."""

    @pytest.fixture(autouse=True)
    def _in_the_engine(self, delivered, monkeypatch):
        monkeypatch.setattr(in_process, "now", delivered)
        monkeypatch.setattr(in_process, "gallery_for", delivered)


class TestTheSameSuiteBeforeTheEngineHears(in_process.TestCurrentGallery):
    """The engine has heard of nobody since the start: what changed is found, and gone, all the same."""

    @pytest.fixture(autouse=True)
    def _told_nothing(self, delivered, monkeypatch):
        services.bump_gallery_revision([])  # the first number begins an epoch, which the engine must hear of
        delivered()
        delivered("another", DIMENSION)
        monkeypatch.setattr(delivering, "deliver", lambda: pytest.fail("the engine was told"))


class TestBothSideBySide:
    @pytest.fixture
    def people(self, enroll, make_draft):
        """Some, with up to three templates, and one template that two people have."""
        people = [enroll(f"P{number}", *range(number * 3, number * 3 + 1 + number % 3)) for number in range(24)]
        services.add_samples(actor=None, person=people[7], samples=[make_draft(21)], despite_duplicate=True)
        twin = make_draft(9000, embedding=unit_vector(21))
        services.add_samples(actor=None, person=people[9], samples=[twin], despite_duplicate=True)
        return people

    def test_give_the_same_to_the_last_digit(self, people, delivered):
        here, beside = refresh_in_process(None, CONTRACT, DIMENSION).snapshot, delivered()
        assert isinstance(here, GallerySnapshot)
        assert isinstance(beside, DistantGallery)
        assert (here.people, here.templates, here.revision) == (beside.people, beside.templates, beside.revision)
        for seed in (21, 5, *range(9100, 9106)):
            probe = unit_vector(seed)
            assert beside.search(probe, 5) == here.search(probe, 5)
            best = here.search(probe, 1)[0].person_id
            assert beside.compare(probe, best) == here.compare(probe, best)
            assert beside.scores(probe, best) == here.scores(probe, best)
            templates = [gallery.best_template(probe, best) for gallery in (here, beside)]
            assert len({template.tobytes() for template in templates if template is not None}) == 1
        own = here.search(unit_vector(5), 1)[0].template_id
        assert beside.without([own]).search(unit_vector(5), 3) == here.without([own]).search(unit_vector(5), 3)

    def test_someone_erased_is_never_named_though_the_engine_still_holds_them(self, people, delivered, monkeypatch):
        before, gone = delivered(), people[7]
        name, probe = str(gone.uuid), unit_vector(21)
        services.erase_people(actor=None, people=[gone])
        assert name in {proposal.person_id for proposal in before.index.propose(probe, 10)}
        # Another process that has not read the new revision yet: it reads the people's vectors, and they are gone.
        assert name not in {candidate.person_id for candidate in before.search(probe, 5)}
        # The engine's rows as they would be if the erasure had never reached it, with everything noted as told.
        monkeypatch.setattr(delivering, "_mend", lambda *args: (0, 0))
        after = delivered()
        assert name in {proposal.person_id for proposal in after.index.propose(probe, 10)}
        assert name not in {candidate.person_id for candidate in after.search(probe, 5)}

    def test_the_engines_collection_is_named_after_the_space_and_the_database(self, delivered):
        delivered()
        assert not [name for name in shared_client().collections() if not name.startswith("tests_")]
