"""Charts as SVG text: no library, readable in light and dark, and lines differ by dashes as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from xml.sax.saxutils import escape

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from recognizer.calibration import DetPoint, Histogram
from security.numbers import grouped
from verification.cards import decimals, shortest

Counts = NDArray[np.int64]
WIDTH, HEIGHT, MARGIN = 640, 540, 70
HISTOGRAM_HEIGHT = 360
GRID = 'stroke="currentColor" stroke-opacity="0.18" fill="none"'
TICKS = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5)
SMALLEST, LARGEST = 5e-6, 0.6
"""Rates outside this range are drawn on the border: a normal-deviate scale has no place for 0 and 1."""
STYLES = (("#2563eb", "none"), ("#d97706", "7 4"), ("#059669", "2 3"), ("#9333ea", "10 3 2 3"))
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Mark:
    """A threshold that a chart points out."""

    label: str
    threshold: float
    """Cosine: its place in a histogram."""
    fmr: float = math.nan
    """fmr and fnmr, from 0 to 1: its place in a DET chart, which needs both."""
    fnmr: float = math.nan


def det_chart(
    curves: Mapping[str, Sequence[DetPoint]],
    *,
    title: str,
    name: str = "chart",
    background: str = "#ffffff",
    marks: Sequence[Mark] = (),
) -> str:
    """DET curves (ISO/IEC 19795-1): FNMR over FMR, both on normal-deviate scales. A complete SVG document.

    curves: label -> points. name: the beginning of its ids. background "none": the chart lies on a page and takes the
    page's text colour.
    """
    lines = [_curve(points, *STYLES[number % len(STYLES)]) for number, points in enumerate(curves.values())]
    points_of = _("{curve}: {count} points")
    names = "; ".join(points_of.format(curve=curve, count=len(points)) for curve, points in curves.items())
    description = escape(_("False non-match rate over false match rate. {curves}.").format(curves=names))
    parts = [*_axes(), *lines, *(_det_mark(mark, number) for number, mark in enumerate(marks)), *_legend(list(curves))]
    return _document(HEIGHT, parts, title=title, description=description, name=name, background=background)


def histogram_chart(histogram: Histogram, *, title: str, name: str = "histogram", marks: Sequence[Mark] = ()) -> str:
    """How many mated and non-mated scores lie in each bin; for each kind the largest bin has full height.

    A complete SVG document for a page: it takes the page's text colour. name: the beginning of its ids.
    """
    bottom = HISTOGRAM_HEIGHT - 56
    parts = [f'<path d="M{MARGIN} {bottom}H{WIDTH - MARGIN / 2}" stroke="currentColor" fill="none"/>']
    for tick in np.arange(np.ceil(histogram.edges[0] * 5) / 5, histogram.edges[-1] + 1e-9, 0.2):
        x = _score_x(float(tick), histogram)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{decimals(tick, 1)}</text>')
    middle = (MARGIN + WIDTH - MARGIN / 2) / 2
    parts.append(
        f'<text x="{middle}" y="{HISTOGRAM_HEIGHT - 12}" text-anchor="middle">{escape(_("Comparison score"))}</text>'
    )
    kinds = {_("different people"): histogram.non_mated, _("same person"): histogram.mated}
    for (colour, dashes), counts in zip(STYLES, kinds.values(), strict=False):
        parts.append(_steps(counts, histogram, colour, dashes, bottom))
    for number, mark in enumerate(mark for mark in marks if _score_in(mark.threshold, histogram)):
        x, y = _score_x(mark.threshold, histogram), 84 + 18 * number
        parts.append(f'<path d="M{x:.1f} {y - 4}V{bottom}" stroke="currentColor" stroke-dasharray="2 3" fill="none"/>')
        parts.append(f'<text x="{x + 4:.1f}" y="{y}" font-size="12">{escape(mark.label)}</text>')
    described = _(
        "How often each comparison score occurs: {different} of different people, {same} of the same person."
    ).format(different=grouped(int(histogram.non_mated.sum())), same=grouped(int(histogram.mated.sum())))
    return _document(
        HISTOGRAM_HEIGHT,
        [*parts, *_legend(list(kinds))],
        title=title,
        description=escape(described),
        name=name,
        background="none",
    )


def det_place(fmr: float, fnmr: float) -> tuple[float, float]:
    """x, y of these rates in a DET chart, in the units of its viewBox."""
    return round(_x(fmr), 1), round(_y(fnmr), 1)


def histogram_line(score: float, histogram: Histogram) -> dict[str, float]:
    """x1, x2, y1, y2 of the vertical line at this score in a histogram's chart, in the units of its viewBox."""
    x = round(_score_x(min(max(score, histogram.edges[0]), histogram.edges[-1]), histogram), 1)
    return {"x1": x, "x2": x, "y1": 62.0, "y2": float(HISTOGRAM_HEIGHT - 56)}


def _document(height: int, parts: Sequence[str], *, title: str, description: str, name: str, background: str) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" fill="currentColor" '
            f'aria-labelledby="{name}-title {name}-description" font-family="system-ui, sans-serif" font-size="13">',
            f'<title id="{name}-title">{escape(title)}</title>',
            f'<desc id="{name}-description">{description}</desc>',
            f'<rect width="{WIDTH}" height="{height}" fill="{background}"/>',
            f'<text x="{WIDTH / 2}" y="28" text-anchor="middle" font-size="16">{escape(title)}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _steps(counts: Counts, histogram: Histogram, colour: str, dashes: str, bottom: int) -> str:
    """An outline along the tops of the bins, lightly filled."""
    tallest = max(int(counts.max()), 1)
    edges = [_score_x(float(edge), histogram) for edge in histogram.edges]
    tops = [bottom - (bottom - 76) * int(count) / tallest for count in counts]
    path = "".join(f"V{top:.1f}H{right:.1f}" for top, right in zip(tops, edges[1:], strict=True))
    return (
        f'<path d="M{edges[0]:.1f} {bottom}{path}V{bottom}Z" fill="{colour}" fill-opacity="0.16" stroke="{colour}" '
        f'stroke-width="1.5" stroke-dasharray="{dashes}"/>'
    )


def _score_x(score: float, histogram: Histogram) -> float:
    low, high = float(histogram.edges[0]), float(histogram.edges[-1])
    return MARGIN + (score - low) / (high - low) * (WIDTH - 1.5 * MARGIN)


def _score_in(score: float, histogram: Histogram) -> bool:
    return bool(histogram.edges[0] <= score <= histogram.edges[-1])


def _det_mark(mark: Mark, number: int) -> str:
    """A circle and its label. Each further label stands higher, so that labels of close marks do not overlap."""
    x, y = _x(mark.fmr), _y(mark.fnmr)
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="currentColor" stroke-width="2"/>'
        f'<text x="{x + 9:.1f}" y="{y - 8 - 15 * number:.1f}" font-size="12">{escape(mark.label)}</text>'
    )


def _axes() -> list[str]:
    left, right, top, bottom = MARGIN, WIDTH - MARGIN / 2, MARGIN, HEIGHT - MARGIN
    parts = []
    for tick in TICKS:
        x, y = _x(tick), _y(tick)
        parts.append(f'<path d="M{x:.1f} {top}V{bottom}M{left} {y:.1f}H{right}" {GRID}/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{_percent(tick)}</text>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_percent(tick)}</text>')
    middle = (top + bottom) / 2
    return [
        *parts,
        f'<text x="{(left + right) / 2}" y="{HEIGHT - 22}" text-anchor="middle">'
        f"{escape(_('False match rate (FMR)'))}</text>",
        f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(_('False non-match rate (FNMR)'))}</text>",
    ]


def _curve(points: Sequence[DetPoint], colour: str, dashes: str) -> str:
    path = " ".join(f"{_x(point.fmr):.1f},{_y(point.fnmr):.1f}" for point in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'


def _legend(names: Sequence[str]) -> list[str]:
    parts = []
    for number, name in enumerate(names):
        colour, dashes = STYLES[number % len(STYLES)]
        x, y = MARGIN + 170 * number, 50
        parts.append(
            f'<path d="M{x} {y}h34" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
            f'<text x="{x + 42}" y="{y + 4}">{escape(name)}</text>'
        )
    return parts


def _x(rate: float) -> float:
    return MARGIN + _share(rate) * (WIDTH - 1.5 * MARGIN)


def _y(rate: float) -> float:
    return HEIGHT - MARGIN - _share(rate) * (HEIGHT - 2 * MARGIN)


def _share(rate: float) -> float:
    """Where a rate lies along an axis, from 0 to 1."""
    low, high = _NORMAL.inv_cdf(SMALLEST), _NORMAL.inv_cdf(LARGEST)
    return (_NORMAL.inv_cdf(min(max(rate, SMALLEST), LARGEST)) - low) / (high - low)


def _percent(rate: float) -> str:
    return _("{number} %").format(number=shortest(f"{rate * 100:g}"))
