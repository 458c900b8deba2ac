"""The plot of a simulated on-sale, as SVG."""

from collections.abc import Sequence
from html import escape
from typing import Final

from tests.onsale.sale import Sale

_WIDTH, _HEIGHT = 900, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 40, 270

_CURVES: Final = (
    ("tickets sold", "#1f77b4"),
    ("requests refused", "#d62728"),
    ("requests in the queue", "#7f7f7f"),
)


def draw(sale: Sale) -> str:
    """Return the curves of tickets sold, requests refused and the queue's depth, with what went wrong."""
    seconds = max([moment for moment, *_ in sale.outcomes] + [sale.plan.seconds])
    sold = _summed(sale.sold, seconds)
    refused = _summed([(at, count) for at, status, count in sale.outcomes if status == "rejected"], seconds)
    curves = (sold, refused, sale.depths)
    most = max((value for curve in curves for _, value in curve), default=1.0) or 1.0

    def x(moment: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * moment / seconds, 1)

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * value / most, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<path d="M{_LEFT},{_TOP} V{_BOTTOM} H{_WIDTH - _RIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{most:,.0f}</text>',
        f'<text x="{_LEFT - 6}" y="{_BOTTOM}" text-anchor="end">0</text>',
    ]
    for place, (moment, told) in enumerate(sale.accidents):
        # Each on a line of its own, as they may follow each other within seconds.
        parts.append(
            f'<path d="M{x(moment)},{_TOP} V{_BOTTOM}" stroke="#ff7f0e" stroke-dasharray="4 3"/>'
            f'<text x="{x(moment) + 4:.1f}" y="{_TOP + 12 + 16 * place}" fill="#a34c00">{escape(told)}</text>'
        )
    for (name, colour), curve, place in zip(_CURVES, curves, range(3), strict=True):
        points = " ".join(f"{x(moment)},{y(value)}" for moment, value in curve)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{_LEFT + place * 190}" y="20" fill="{colour}">{name}</text>')
    step = max(10, int(seconds / 8) // 10 * 10)
    parts += [
        f'<text x="{x(tick)}" y="{_BOTTOM + 18}" text-anchor="middle">{tick} s</text>'
        for tick in range(0, int(seconds) + 1, step)
    ]
    return "\n".join([*parts, "</svg>\n"])


def _summed(counts: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    total = 0.0
    curve = [(0.0, 0.0)]
    for moment, count in counts:
        total += count
        curve.append((min(max(moment, 0.0) + 1, end), total))
    return [*curve, (end, total)]
