from __future__ import annotations

import unicodedata

import pytest

from enrollment.naming import fold, is_printable, tidy

PERSIAN = "می\u200cلاد"
SINHALA = "ශ්\u200dරී"
FAMILY = "👩\u200d👧"


class TestTidy:
    @pytest.mark.parametrize("name", [PERSIAN, SINHALA, FAMILY])
    def test_keeps_joiners_where_a_script_needs_them(self, name):
        assert tidy(f" {name} ") == name
        assert is_printable(tidy(name))

    @pytest.mark.parametrize("name", ["Zo\u200dë", "\u200cZoë", "Zoë\u200d", "Z\u200d\u200co\u200dë"])
    def test_drops_joiners_that_only_make_names_differ(self, name):
        assert tidy(name) == "Zoë"

    @pytest.mark.parametrize("mark", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    def test_drops_marks_of_direction(self, mark):
        assert tidy(f"{mark}Zoë{mark} Möller") == "Zoë Möller"

    def test_writes_what_looks_the_same_in_one_way(self):
        apart = unicodedata.normalize("NFD", "Zoë Möller")
        assert apart != "Zoë Möller"
        assert tidy(apart) == "Zoë Möller"

    @pytest.mark.parametrize("name", ["Ada\x00", "Ada\u2028Lovelace\u0007", "\ue000"])
    def test_leaves_what_cannot_be_seen_to_be_refused(self, name):
        assert not is_printable(tidy(name))


class TestFold:
    @pytest.mark.parametrize(
        ("written", "typed"),
        [
            ("Zoë MÖLLER", "zoe moller"),
            ("Straße", "STRASSE"),
            ("Søren Łukasz", "soren lukasz"),
            ("ΆΝΝΑ", "αννα"),
            ("Йохан Ёлкин", "иохан елкин"),
            ("مُحَمَّد", "محمد"),
            ("דָּוִד", "דוד"),
            ("İpek Işık", "ipek isik"),
            ("Nguyễn", "nguyen"),
            (PERSIAN, PERSIAN.replace("\u200c", "")),
        ],
    )
    def test_forgets_case_and_accents_of_every_script(self, written, typed):
        assert fold(written) == fold(typed)

    @pytest.mark.parametrize(("one", "other"), [("कुमार", "कमार"), ("ที", "ทุ"), ("Anna", "Hanna")])
    def test_keeps_what_makes_another_name(self, one, other):
        assert fold(one) != fold(other)
