"""Which of a person's samples tell the least, so that a full record stays varied."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from recognizer.types import Vector


def least_telling(
    samples: Sequence[tuple[int, float]],
    vectors: Mapping[int, Vector],
    number: int,
    *,
    protected: Collection[int] = (),
) -> set[int]:
    """Primary keys of the `number` samples to let go.

    samples: (primary key, quality_score). vectors: primary key -> L2-normalised (d,) embedding. Samples without a
    vector go first. Then, again and again, take the two samples that resemble each other most: the worse one goes.
    protected: primary keys that stay in any case, even when fewer than `number` can go.
    """
    quality = dict(samples)
    gone = [pk for pk, _ in samples if pk not in vectors and pk not in protected][:number]
    kept = [pk for pk, _ in samples if pk in vectors]
    while len(gone) < number and len(kept) > 1:
        matrix = np.stack([vectors[pk] for pk in kept])
        stays = np.array([pk in protected for pk in kept])
        similarity = matrix @ matrix.T
        np.fill_diagonal(similarity, -2.0)  # below every cosine
        similarity[np.ix_(stays, stays)] = -2.0
        if similarity.max() == -2.0:
            break
        first, second = (int(at) for at in np.unravel_index(int(similarity.argmax()), similarity.shape))
        goes = first if stays[second] or (not stays[first] and quality[kept[first]] < quality[kept[second]]) else second
        gone.append(kept.pop(goes))
    return set(gone)
