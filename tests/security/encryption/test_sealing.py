"""What a sealed value is, and where it opens."""

from __future__ import annotations

import numpy as np
import pytest

from enrollment.models import PersonKey
from enrollment.sealed import CROPS, EMBEDDINGS
from security.encryption.data_keys import DataKey
from security.encryption.sealing import OVERHEAD

KEY = DataKey()
KEYS = {KEY.id: KEY}
VECTOR = np.ones(8, "<f4").tobytes()


def opened(stored, row=1, contract="space"):
    return EMBEDDINGS.open_all([(stored, row, contract)], KEYS)[0]


class TestSealing:
    def test_opens_where_it_was_written(self):
        assert opened(EMBEDDINGS.seal(VECTOR, KEY, row=1, contract="space")) == VECTOR

    def test_holds_nothing_of_the_plain_value_and_is_37_bytes_longer(self):
        sealed = EMBEDDINGS.seal(VECTOR, KEY, row=1, contract="space")
        assert VECTOR[:8] not in sealed
        assert len(sealed) == len(VECTOR) + OVERHEAD == len(VECTOR) + 37

    def test_is_another_each_time(self):
        one, other = (EMBEDDINGS.seal(VECTOR, KEY, row=1, contract="space") for _ in range(2))
        assert one != other

    @pytest.mark.parametrize(("row", "contract"), [(2, "space"), (1, "another space")])
    def test_does_not_open_in_another_row_or_embedding_space(self, row, contract):
        assert opened(EMBEDDINGS.seal(VECTOR, KEY, row=row, contract=contract)) is None

    def test_does_not_open_in_another_column(self):
        assert opened(CROPS.seal(VECTOR, KEY, row=1, contract="space")) is None

    @pytest.mark.parametrize("at", [9, 21, -1])
    def test_does_not_open_when_a_bit_was_changed(self, at):
        sealed = bytearray(EMBEDDINGS.seal(VECTOR, KEY, row=1, contract="space"))
        sealed[at] ^= 1
        assert opened(bytes(sealed)) is None

    def test_does_not_open_without_its_key(self):
        sealed = EMBEDDINGS.seal(VECTOR, KEY, row=1, contract="space")
        assert EMBEDDINGS.open_all([(sealed, 1, "space")], {}) == [None]


class TestOlderValues:
    def test_a_vector_in_plain_tells_itself_apart_even_when_it_begins_like_a_sealed_one(self):
        plain = bytes([1]) * 512
        assert opened(plain) == plain

    @pytest.mark.parametrize("beginning", [b"\x89PNG", b"\xff\xd8\xff"])
    def test_a_picture_in_plain_comes_back_as_it_is(self, beginning):
        picture = beginning + bytes(100)
        assert CROPS.open_all([(picture, 1, "")], {}) == [picture]


@pytest.mark.django_db
class TestReadingKeys:
    def test_takes_one_query_however_many_rows_there_are_and_none_for_rows_in_plain(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            EMBEDDINGS.open_all([(EMBEDDINGS.seal(VECTOR, DataKey(), row=n), n, "") for n in range(20)])
        with django_assert_num_queries(0):
            assert EMBEDDINGS.open_all([(VECTOR, 1, "")]) == [VECTOR]
        assert EMBEDDINGS.keys is PersonKey
