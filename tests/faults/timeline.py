"""The time line of a run, as a picture."""

from collections import Counter
from html import escape
from typing import Final

from tests.faults.running import Run

_WIDTH: Final = 1000
_HEIGHT: Final = 220
_FLOOR: Final = 180


def draw(run: Run) -> str:
    """Return a time line as SVG: orders confirmed each second as a curve, each fault as a stripe."""
    seconds = max(run.seconds, 1.0)
    counts = Counter(int(moment) for moment in run.orders_at)
    most = max(counts.values(), default=1)

    def x(moment: float) -> float:
        return round(40 + (_WIDTH - 50) * moment / seconds, 1)

    def y(count: int) -> float:
        return round(_FLOOR - (_FLOOR - 20) * count / most, 1)

    stripes = [
        f'<rect x="{x(one.began)}" y="20" width="{max(1.0, x(one.ended) - x(one.began)):.1f}" height="160" '
        'fill="#d62728" fill-opacity="0.25">'
        f"<title>{escape(one.injection.kind)}: {escape(one.effect)}</title></rect>"
        for one in run.injected
    ]
    points = " ".join(f"{x(second)},{y(counts[second])}" for second in range(int(seconds) + 1))
    ticks = [
        f'<text x="{x(tick)}" y="{_FLOOR + 18}" text-anchor="middle">{tick} s</text>'
        for tick in range(0, int(seconds) + 1, max(1, int(seconds) // 10))
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            *stripes,
            f'<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="1"/>',
            f'<text x="4" y="24">{most}/s</text><text x="4" y="{_FLOOR}">0/s</text>',
            *ticks,
            f'<text x="40" y="14">{run.plan.broker}: orders confirmed a second; stripes are faults</text>',
            "</svg>\n",
        ]
    )
