from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from recognizer.calibration import DetPoint, ScoreDistribution
from verification.accuracy.charts import (
    HEIGHT,
    MARGIN,
    WIDTH,
    Mark,
    det_chart,
    det_place,
    histogram_chart,
    histogram_line,
)

SVG = "{http://www.w3.org/2000/svg}"


def draw(**curves: list[DetPoint]) -> ET.Element:
    return ET.fromstring(det_chart(curves, title="DET, <pack> & set"))  # noqa: S314


def points_of(root: ET.Element) -> list[list[tuple[float, float]]]:
    lines = [line.get("points", "").split() for line in root.findall(f"{SVG}polyline")]
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in line)] for line in lines]


class TestDetChart:
    def test_has_a_title_and_a_description_for_those_who_do_not_see_it(self):
        root = draw(ours=[DetPoint(0.4, 0.01, 0.02)])
        assert root.findtext(f"{SVG}title") == "DET, <pack> & set"
        assert "ours: 1 points" in (root.findtext(f"{SVG}desc") or "")
        assert root.get("aria-labelledby") == "chart-title chart-description"

    def test_better_curves_lie_nearer_to_the_lower_left_corner(self):
        better, worse = points_of(draw(better=[DetPoint(0.4, 0.001, 0.01)], worse=[DetPoint(0.4, 0.01, 0.1)]))
        assert better[0][0] < worse[0][0]
        assert better[0][1] > worse[0][1]  # y grows downwards

    @pytest.mark.parametrize("rate", [0.0, 1e-9, 0.5, 1.0])
    def test_rates_that_have_no_place_on_the_scale_stay_on_its_border(self, rate):
        [[(x, y)]] = points_of(draw(ours=[DetPoint(0.4, rate, rate)]))
        assert MARGIN <= x <= WIDTH
        assert 0 < y <= HEIGHT - MARGIN

    def test_lines_differ_by_more_than_colour(self):
        root = draw(a=[DetPoint(0.4, 0.1, 0.1)], b=[DetPoint(0.4, 0.1, 0.1)])
        dashes = [line.get("stroke-dasharray") for line in root.findall(f"{SVG}polyline")]
        assert len(set(dashes)) == 2


class TestHistogramChart:
    HISTOGRAM = ScoreDistribution([0.6, 0.7, 0.7], [-0.1, 0.0, 0.1, 0.1]).histogram(bins=8)

    def chart(self, *marks: Mark) -> ET.Element:
        return ET.fromstring(histogram_chart(self.HISTOGRAM, title="Scores", marks=marks))  # noqa: S314

    def test_says_how_many_scores_it_shows(self):
        description = self.chart().findtext(f"{SVG}desc")
        assert description == "How often each comparison score occurs: 4 of different people, 3 of the same person."

    def test_marks_only_thresholds_that_lie_within(self):
        root = self.chart(Mark("1 in 1,000", 0.4), Mark("far", 0.95))
        words = {text.text for text in root.findall(f"{SVG}text")}
        assert "1 in 1,000" in words
        assert "far" not in words

    def test_higher_scores_stand_further_right_and_none_leaves_the_chart(self):
        places = [histogram_line(score, self.HISTOGRAM)["x1"] for score in (-1, 0.0, 0.4, 1)]
        assert places == sorted(places)
        assert MARGIN <= places[0] < places[-1] <= WIDTH


class TestMarks:
    def test_lie_where_their_rates_are(self):
        svg = det_chart({"site": [DetPoint(0.4, 0.01, 0.02)]}, title="DET", marks=[Mark("1 in 100", 0.4, 0.01, 0.02)])
        circle = ET.fromstring(svg).find(f"{SVG}circle")  # noqa: S314
        assert circle is not None
        assert (float(circle.attrib["cx"]), float(circle.attrib["cy"])) == det_place(0.01, 0.02)
