from __future__ import annotations

import pytest

from security.audit.chain import canonical
from security.signing import is_signed_by, sign, site_public_key

STATEMENT = {"b": 1, "a": "ä"}


class TestCanonical:
    def test_does_not_depend_on_the_order_of_keys(self):
        assert canonical(STATEMENT) == canonical({"a": "ä", "b": 1}) == b'{"a":"\\u00e4","b":1}'


class TestSign:
    def test_is_accepted_with_the_sites_key_for_exactly_this_statement(self):
        signature = sign(STATEMENT)
        assert is_signed_by(site_public_key(), STATEMENT, signature)
        assert not is_signed_by(site_public_key(), STATEMENT | {"b": 2}, signature)

    @pytest.mark.parametrize("key", ["", "AAAA", "not base64", "ä"])
    def test_what_is_no_key_accepts_nothing(self, key):
        assert not is_signed_by(key, STATEMENT, sign(STATEMENT))
