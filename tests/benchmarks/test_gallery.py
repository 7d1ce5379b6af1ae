from __future__ import annotations

import json

import pytest

from benchmarks import gallery
from benchmarks.made_faces import make_faces
from recognizer.search.gallery import GallerySnapshot


class TestRun:
    def test_reports_latency_memory_and_recall_beside_numpy(self, monkeypatch):
        monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")  # would slow numpy down
        result = gallery.run(sizes=[400, 2_000], large=False, probes=4, no_encryption=True)

        assert list(result["sizes"]) == ["400", "2000"]
        row = result["sizes"]["2000"]
        assert (row["people"], row["recall"]) == (500, 1.0)
        assert row["numpy_memory_mb"] == pytest.approx(2_000 * 512 * 4 / 1e6, abs=0.1)
        assert row["speedup"] > 0
        assert row["speedup_to_numpy_people"] > 0
        assert row["speedup_to_numpy_exact"] > 0
        assert "Prescott" not in result["numpy"]
        assert json.loads(json.dumps(result)) == result

    @pytest.mark.parametrize(("sizes", "probes"), [([10], 10), ([1_000], 1)])
    def test_refuses_what_cannot_be_measured(self, sizes, probes):
        with pytest.raises(ValueError, match="at least"):
            gallery.run(sizes=sizes, large=False, probes=probes)


class TestPeopleWay:
    @pytest.mark.parametrize("exact", [False, True])
    def test_gives_the_gallerys_own_answer(self, exact):
        templates, probes = make_faces(400, 10)
        people = [f"person-{row // 4}" for row in range(400)]
        whole = GallerySnapshot.build((list(range(400)), people, templates), contract_id="x", dimension=512, revision=1)
        answer = gallery.people_way(templates, people, exact=exact)
        for probe in probes:
            if exact:
                assert answer(probe) == whole.search(probe, 5)
            else:
                assert [one[:2] for one in answer(probe)] == [one[:2] for one in whole.search(probe, 5)]


class TestRecall:
    def test_notices_a_gallery_that_lacks_people(self):
        templates, probes = make_faces(400, 10)
        people = [f"person-{row // 4}" for row in range(400)]
        whole = GallerySnapshot.build((list(range(400)), people, templates), contract_id="x", dimension=512, revision=1)
        assert gallery.recall(whole, templates, probes) == 1.0
        assert gallery.recall(whole.updated(removed=range(200), revision=2), templates, probes) < 0.9
