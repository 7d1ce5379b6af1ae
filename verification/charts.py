"""Charts as SVG text: no library, readable in light and dark, lines told apart by dashes as well as by colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from xml.sax.saxutils import escape

from recognizer.calibration import DetPoint

WIDTH, HEIGHT, MARGIN = 640, 540, 70
TICKS = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5)
SMALLEST, LARGEST = 5e-6, 0.6
"""Rates outside are drawn on the border: a normal-deviate scale has no place for 0 and 1."""
STYLES = (("#2563eb", "none"), ("#d97706", "7 4"), ("#059669", "2 3"), ("#9333ea", "10 3 2 3"))
_NORMAL = NormalDist()


def det_chart(curves: Mapping[str, Sequence[DetPoint]], *, title: str) -> str:
    """DET curves (ISO/IEC 19795-1): FNMR over FMR, both on normal-deviate scales. A complete SVG document."""
    lines = [_curve(points, *STYLES[number % len(STYLES)]) for number, points in enumerate(curves.values())]
    names = "; ".join(f"{name}: {len(points)} points" for name, points in curves.items())
    description = escape(f"False non-match rate over false match rate. {names}.")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-labelledby="chart-title chart-description" font-family="system-ui, sans-serif" font-size="13">',
            f'<title id="chart-title">{escape(title)}</title>',
            f'<desc id="chart-description">{description}</desc>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{WIDTH / 2}" y="28" text-anchor="middle" font-size="16">{escape(title)}</text>',
            *_axes(),
            *lines,
            *_legend(list(curves)),
            "</svg>",
            "",
        ]
    )


def _axes() -> list[str]:
    left, right, top, bottom = MARGIN, WIDTH - MARGIN / 2, MARGIN, HEIGHT - MARGIN
    parts = []
    for tick in TICKS:
        x, y = _x(tick), _y(tick)
        parts.append(f'<path d="M{x:.1f} {top}V{bottom}M{left} {y:.1f}H{right}" stroke="#d4d4d8" fill="none"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{_percent(tick)}</text>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{_percent(tick)}</text>')
    middle = (top + bottom) / 2
    return [
        *parts,
        f'<text x="{(left + right) / 2}" y="{HEIGHT - 22}" text-anchor="middle">False match rate (FMR)</text>',
        f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">False non-match rate (FNMR)</text>',
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
    """0..1 along an axis."""
    low, high = _NORMAL.inv_cdf(SMALLEST), _NORMAL.inv_cdf(LARGEST)
    return (_NORMAL.inv_cdf(min(max(rate, SMALLEST), LARGEST)) - low) / (high - low)


def _percent(rate: float) -> str:
    return f"{rate * 100:g} %"
