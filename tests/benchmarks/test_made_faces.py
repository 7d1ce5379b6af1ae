from __future__ import annotations

import numpy as np
import pytest

from benchmarks.made_faces import make_faces
from tests.support.floats import approx_cosine


class TestMakeFaces:
    def test_people_resemble_themselves_and_not_each_other(self):
        templates, probes = make_faces(2_000, 40)
        scores = templates[::4] @ templates[1::4].T
        mated = np.diag(scores)
        others = scores[~np.eye(len(scores), dtype=bool)]
        assert np.linalg.norm(probes, axis=1) == approx_cosine(1, 512)
        assert mated.mean() == pytest.approx(0.6, abs=0.05)
        assert others.std() == pytest.approx(0.073, abs=0.01)

    def test_half_of_the_probes_are_enrolled(self):
        templates, probes = make_faces(2_000, 40)
        assert np.count_nonzero((probes @ templates.T).max(axis=1) > 0.45) == 20
