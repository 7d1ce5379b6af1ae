from __future__ import annotations

import pytest

from recognizer.stages.wire import read_fields, read_numbers, write_bytes, write_number


class TestReadFields:
    @pytest.mark.parametrize("number", [0, 127, 128, 300, 2**40])
    def test_reads_what_was_written(self, number):
        message = write_number(5, number) + write_bytes(70, "déjà vu" * 40)

        first, second = read_fields(memoryview(message))

        assert (first.number, first.value) == (5, number)
        assert (second.number, second.text) == (70, "déjà vu" * 40)
        assert bytes(first.whole) + bytes(second.whole) == message

    def test_passes_over_fields_of_fixed_width(self):
        message = b"\x0d\x00\x00\x80\x3f" + b"\x11" + b"8 bytes!" + write_number(3, 9)

        assert [field.number for field in read_fields(memoryview(message))] == [1, 2, 3]

    def test_reads_packed_numbers(self):
        assert read_numbers(memoryview(b"\x01\x96\x01\x00")) == [1, 150, 0]

    @pytest.mark.parametrize("broken", [b"\x0a\x05abc", b"\x0a", b"\xff" * 20, b"\x0b", b"\x0d\x00"])
    def test_refuses_what_is_cut_short_or_no_message(self, broken):
        with pytest.raises(ValueError, match=r"beyond the end|not known"):
            list(read_fields(memoryview(broken)))

    def test_tells_numbers_from_bytes(self):
        (field,) = read_fields(memoryview(write_number(1, 1)))

        with pytest.raises(ValueError, match="number where bytes should be"):
            field.text  # noqa: B018
