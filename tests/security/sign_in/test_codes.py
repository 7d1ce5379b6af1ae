"""Codes of authenticator apps against the examples of the standard, and recovery codes."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
import numpy as np
import pytest

from security.sign_in import codes

SECRET = b"12345678901234567890"


class TestStepOf:
    @pytest.mark.parametrize(
        ("now", "code"),
        [
            (59, "287082"),
            (1111111109, "081804"),
            (1111111111, "050471"),
            (1234567890, "005924"),
            (2000000000, "279037"),
        ],
    )
    def test_takes_the_codes_of_rfc_6238(self, now, code):
        assert codes.step_of(SECRET, code, after=0, now=now) == now // 30

    def test_a_clock_may_be_half_a_minute_off(self):
        assert codes.step_of(SECRET, "287082", after=0, now=59 + 30) == 1
        assert codes.step_of(SECRET, "287082", after=0, now=59 - 30) == 1
        assert codes.step_of(SECRET, "287082", after=0, now=59 + 61) is None

    def test_a_code_that_was_used_counts_no_more(self):
        assert codes.step_of(SECRET, "287082", after=1, now=59) is None

    @pytest.mark.parametrize("code", ["", "28708", "2870822", "28708x", "٢٨٧٠٨٢", "-87082", "287083"])
    def test_anything_else_is_refused(self, code):
        assert codes.step_of(SECRET, code, after=0, now=59) is None

    def test_spaces_do_not_matter(self):
        assert codes.step_of(SECRET, " 287 082 ", after=0, now=59) == 1


class TestRecoveryCodes:
    def test_are_ten_different_ones_in_groups(self):
        written = codes.new_recovery_codes()
        assert len(set(written)) == codes.RECOVERY_CODES
        assert {len(code) for code in written} == {19}

    def test_may_be_typed_without_care(self):
        assert codes.recovery_digest("ABCD efgh-ijkl mnop") == codes.recovery_digest("abcd-efgh-ijkl-mnop")
        assert codes.recovery_digest("abcd-efgh-ijkl-mnoq") != codes.recovery_digest("abcd-efgh-ijkl-mnop")


class TestAddressForApps:
    def test_names_site_and_operator_and_holds_the_secret(self):
        address = urlsplit(codes.address_for_apps(SECRET, name="o & o", site="faces.example.org"))
        query = parse_qs(address.query)
        assert (address.scheme, address.netloc) == ("otpauth", "totp")
        assert unquote(address.path) == "/faces.example.org:o & o"
        assert query["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
        assert query["issuer"] == ["faces.example.org"]


class TestDrawn:
    def test_is_an_svg_without_styles_that_the_page_forbids(self):
        svg = codes.drawn("otpauth://totp/x?secret=<&>")
        assert svg.startswith("<svg ") and svg.endswith("</svg>")
        assert "style" not in svg and "<&>" not in svg

    def test_holds_what_an_app_reads(self):
        text = codes.address_for_apps(SECRET, name="olivia", site="faces.example.org")
        assert cv2.QRCodeDetector().detectAndDecode(painted(codes.drawn(text)))[0] == text


def painted(svg: str) -> np.ndarray:
    """The picture, six pixels a square: lines of one unit's width, drawn by moving (M, m) and going right (h)."""
    size = int(re.findall(r'viewBox="0 0 (\d+)', svg)[0])
    picture = np.full((size, size), 255, np.uint8)
    x = y = 0.0
    for letter, numbers in re.findall(r"([Mmh])([-\d. ]+)", svg.rpartition(' d="')[2]):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if letter == "h":
            picture[int(y), int(x) : int(x + values[0])] = 0
            x += values[0]
        else:
            x, y = values if letter == "M" else (x + values[0], y + values[1])
    return np.kron(picture, np.ones((6, 6), np.uint8))
