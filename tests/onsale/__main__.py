"""`python -m tests.onsale`: an on-sale, simulated; `make onsale` writes its plot and screenshots."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.onsale.plot import draw
from tests.onsale.sale import Plan, Sale, running_sale
from tests.onsale.shots import CHROMIUM, take_shots
from tests.processes import ROOT

_IMAGES = ROOT / "docs" / "images"


def main() -> int:
    """Run it; return 1 if a ticket was oversold, or an accepted request has no outcome."""
    parser = argparse.ArgumentParser(prog="python -m tests.onsale", description=__doc__)
    parser.add_argument("--buyers", type=int, default=20_000)
    parser.add_argument("--tickets", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long buyers come")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the plot and screenshots to docs/images")
    options = parser.parse_args()
    plan = Plan(options.buyers, options.tickets, options.seconds, options.seed)
    with tempfile.TemporaryDirectory(prefix="willcall-onsale-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_sale(plan, folder, lambda text: print(text, flush=True)) as (sale, stage):  # noqa: T201
            if options.write:
                (_IMAGES / "onsale.svg").write_text(draw(sale))
                if CHROMIUM is None:
                    print("Chromium is not installed: no screenshots", file=sys.stderr)  # noqa: T201
                else:
                    take_shots(stage, _IMAGES)
    print(summary(sale))  # noqa: T201
    return 0 if is_good(sale) else 1


def summary(sale: Sale) -> str:
    """Return what came of the sale, on a few lines."""
    return (
        f"{sale.plan.buyers:,} buyers; {len(sale.accepted):,} requests taken; "
        f"{sale.count('processed'):,} orders with {sale.tickets_sold:,} of {sale.plan.tickets:,} tickets; "
        f"{sale.count('rejected'):,} refused; {sale.left:,} tickets left\n"
        f"answers: {dict(sale.calls.most_common())}"
    )


def is_good(sale: Sale) -> bool:
    """Say whether each buyer has one outcome, and exactly what there was is sold."""
    outcomes = sale.count("processed") + sale.count("rejected")
    adds_up = sale.tickets_sold + sale.left == sale.plan.tickets
    return outcomes == len(sale.accepted) == sale.plan.buyers and adds_up and sale.left < 4


if __name__ == "__main__":
    sys.exit(main())
