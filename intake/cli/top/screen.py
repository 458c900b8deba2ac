"""The picture for people, as tables."""

from collections.abc import Iterator

from rich.console import Group, RenderableType

from intake.cli.output import counted, make_line, make_table
from intake.cli.top.picture import Business, Picture, Traffic


def render(picture: Picture) -> RenderableType:
    """Return the picture of this moment."""
    return Group(*_spaced(_parts(picture)))


def _spaced(parts: Iterator[RenderableType]) -> Iterator[RenderableType]:
    for part in parts:
        if getattr(part, "title", None):
            yield make_line("")
        yield part


def _parts(picture: Picture) -> Iterator[RenderableType]:
    yield make_line(f"willcall top, {picture.at:%Y-%m-%d %H:%M:%S} UTC", "bold")
    if picture.business.trouble:
        yield make_line(f"Database: {picture.business.trouble}", "bold red")
    if picture.traffic.trouble:
        yield make_line(f"Broker: {picture.traffic.trouble}", "bold red")
    business, traffic = picture.business.answer, picture.traffic.answer
    yield make_table(("", ""), [*_of_business(business), *_of_traffic(traffic)])
    if traffic is not None and traffic.workers:
        yield make_table(
            ("worker", "queues", "state"),
            [
                (
                    worker.name,
                    ", ".join(worker.queues),
                    f"waiting: {worker.trouble}" if worker.trouble else "ok",
                )
                for worker in traffic.workers
            ],
            title="Workers",
        )
    elif traffic is not None:
        yield make_line("No worker answers. Run `willcall up`, or `willcall serve worker`.", "bold red")
    if business is not None:
        yield from _tables(business)


def _of_business(business: Business | None) -> Iterator[tuple[str, str]]:
    if business is None:
        return
    figures = business.figures
    yield "orders per second", f"{figures.orders_per_second:.1f} over the last minute"
    age = f", the oldest for {figures.unsent_seconds:.0f} s" if figures.unsent_events else ""
    yield "unsent", counted(figures.unsent_events, "event message") + age
    yield "delayed", f"{figures.delayed} for a retry, {figures.early} for another request"
    yield "dead letters", str(figures.dead_letters)
    yield "discrepancies", str(figures.discrepancies)


def _of_traffic(traffic: Traffic | None) -> Iterator[tuple[str, str]]:
    if traffic is None:
        return
    yield "queued", f"{counted(sum(traffic.orders.values()), 'message')} of orders"
    for name, count in sorted(traffic.orders.items(), key=lambda one: -one[1]):
        if count:
            yield f"  {name}", str(count)
    for name, count in traffic.others.items():
        yield f"  {name}", str(count)
    if not traffic.is_oldest_known:
        yield "oldest request", "unknown: RabbitMQ shows a message only to its consumer"
    elif traffic.oldest_seconds is not None:
        yield "oldest request", f"{traffic.oldest_seconds:.1f} s"


def _tables(business: Business) -> Iterator[RenderableType]:
    figures = business.figures
    if figures.outcomes:
        yield make_table(
            ("kind", "outcome", "count"),
            [(row.kind, row.status, row._mapping["count"]) for row in figures.outcomes],
            title="Requests of the last ten minutes",
        )
    else:
        yield make_line("No request had an outcome in the last ten minutes.")
    if figures.refusals:
        yield make_table(
            ("code", "count", "for example"),
            [(row.code, row._mapping["count"], row.example) for row in figures.refusals],
            title="Why requests were refused",
        )
    if business.best_sellers:
        yield make_table(
            ("ticket class", "event", "tenant", "sold lately", "free", "held", "capacity"),
            [
                (row.name, row.event, row.tenant, row.recently, row.free, row.held, row.capacity)
                for row in business.best_sellers
            ],
            title="What sells most",
        )
