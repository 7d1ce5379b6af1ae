"""Sets of rows by their primary keys, a site's hundreds of thousands at a time: whoever came today, and who did not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from django.db.models import Aggregate, QuerySet, Sum, TextField


class RowSet:
    """As a set[int] of primary keys, in a hundredth of the time: a byte of memory for each number up to the largest."""

    def __init__(self, keys: Iterable[int] = ()) -> None:
        """keys: none below zero; they may repeat."""
        array = np.fromiter(keys, np.int64) if not isinstance(keys, np.ndarray) else keys
        self._holds: npt.NDArray[np.bool_] = np.zeros(int(array.max()) + 1 if array.size else 0, np.bool_)
        self._holds[array] = True

    @classmethod
    def of(cls, rows: QuerySet[Any, Any], field: str = "pk") -> Self:
        """The values of a column of numbers above zero, as databases number rows; what is NULL is left out."""
        rows = rows.order_by()
        found = rows.aggregate(keys=_InOneText(field), sum=Sum(field))
        keys = np.fromstring(found["keys"] or "", np.int64, sep=",")
        if keys.sum() != (found["sum"] or 0):  # the text was longer than the server lets it be, and cut
            values = rows.exclude(**{field: None}).values_list(field, flat=True)
            keys = np.fromiter(values.iterator(), np.int64)
        return cls(keys)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._holds))

    def __contains__(self, key: int) -> bool:
        return 0 <= key < self._holds.size and bool(self._holds[key])

    def __or__(self, other: Self) -> Self:
        return self._with(np.logical_or, other)

    def __and__(self, other: Self) -> Self:
        return self._with(np.logical_and, other)

    def __sub__(self, other: Self) -> Self:
        return self._with(np.greater, other)

    def _with(self, compare: np.ufunc, other: Self) -> Self:
        length = max(self._holds.size, other._holds.size)
        both = (np.pad(each._holds, (0, length - each._holds.size)) for each in (self, other))
        found = type(self)()
        found._holds = compare(*both)
        return found


class _InOneText(Aggregate):
    """All values as one text with commas: a row for each would take longer than the database's whole work."""

    function = "GROUP_CONCAT"
    output_field = TextField()
