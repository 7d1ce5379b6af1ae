"""How far float32 results may lie apart that are equal on paper.

BLAS kernels, the width of the vector registers and the number of threads each sum in an order of their own. Near zero
a relative tolerance asks for more than float32 can give, so what is compared here has an absolute one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from recognizer.types import Candidate

UNIT_ROUNDOFF = 2.0**-24
"""u of float32: no single rounding moves a number by a larger share of it."""


def cosine_error(dimension: int) -> float:
    """How far two computed inner products of the same two unit vectors of `dimension` values may lie apart.

    Each is off by at most gamma_n = n u / (1 - n u) times |x| |y| = 1, in whatever order it is summed, with fused
    multiply-adds or without (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1). n is
    `dimension` and two more, since both vectors were rounded to float32 before.
    """
    terms = (dimension + 2) * UNIT_ROUNDOFF
    return 2 * terms / (1 - terms)


def approx_cosine(expected: Any, dimension: int) -> Any:
    """`expected` within cosine_error(): cosines, or the length or the values of a unit vector, cosines too."""
    return pytest.approx(expected, rel=0, abs=cosine_error(dimension))


def approx_candidates(expected: Iterable[Candidate], dimension: int) -> list[Candidate]:
    """The same people and templates in the same order, with scores as in approx_cosine()."""
    return [one._replace(comparison_score=approx_cosine(one.comparison_score, dimension)) for one in expected]
