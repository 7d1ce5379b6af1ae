"""Numbers inside of sentences."""

from __future__ import annotations

import pytest
from django.utils import translation

from security.numbers import grouped


class TestGrouped:
    @pytest.mark.parametrize(("language", "said"), [("en", "10,000"), ("de", "10.000"), (None, "10,000")])
    def test_puts_three_digits_together_in_every_language_and_without_one(self, language, said):
        with translation.override(language):
            assert grouped(10_000) == said
