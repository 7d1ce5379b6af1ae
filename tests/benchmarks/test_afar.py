from __future__ import annotations

import cv2
import numpy as np

from benchmarks.afar import HEIGHT, SIZES, WIDTH, afar_table, lies_on, photograph


class TestAfar:
    def test_composes_photographs_that_say_where_their_face_is(self, engine, shared_faces):
        portrait = np.asarray(cv2.imread(str(shared_faces / "portraits" / "obama.jpg")))
        ground = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)

        image, place = photograph(engine, portrait, ground, 400, np.random.default_rng(1))

        assert image.shape == (HEIGHT // 2, WIDTH // 2, 3)
        (face,) = engine.detect_still(image)
        assert lies_on(face, place)

    def test_has_a_line_for_each_size(self, engine, shared_faces):
        portrait = np.asarray(cv2.imread(str(shared_faces / "portraits" / "obama.jpg")))
        ground = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)

        lines = list(afar_table(engine, [portrait], [ground]))

        assert len(lines) == 2 + len(SIZES)
        assert "0 of 1" in lines[2].split("|")[2]
        assert all("1 of 1" in line.split("|")[5] for line in lines[3:])
