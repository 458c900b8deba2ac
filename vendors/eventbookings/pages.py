"""The query of `GET /events/{event_uuid}/orders`, and the pagination of its answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from schemas.json import JsonObject
from schemas.text import UNSTORABLE, ShortText, WireModel, is_storable, parse_uuid
from vendors.eventbookings.values import LOCAL_FORMAT
from vendors.leniency import whole_text

SortKey = Literal["created_ascending", "created_descending", "starting", "name_ascending", "name_descending"]
ORDER_BY: Final[tuple[str, ...]] = get_args(SortKey)


def _local_time(value: str) -> str:
    text = value.replace("T", " ")
    for known in (LOCAL_FORMAT, f"{LOCAL_FORMAT}:%S"):
        try:
            return datetime.strptime(text, known).strftime(LOCAL_FORMAT)  # noqa: DTZ007 - of the event's zone
        except ValueError:
            continue
    raise PydanticCustomError("occurrence", "a local time must be written YYYY-MM-DD HH:mm")


def _uuid(value: str) -> str:
    parsed = parse_uuid(value)
    if parsed is None:
        raise PydanticCustomError("session", "a session must be a UUID")
    return str(parsed)


def _text(value: str) -> str:
    if not is_storable(value):
        raise PydanticCustomError("search_q", UNSTORABLE)
    return value.strip()


class Query(WireModel):
    """The parameters; by default there are 20 `rows`, the newest first."""

    position: Annotated[int, BeforeValidator(whole_text), Field(ge=0, lt=2**31)] = 0
    rows: Annotated[int, BeforeValidator(whole_text), Field(ge=20, le=100)] = 20
    order_by: SortKey = "created_descending"
    search_q: Annotated[ShortText, AfterValidator(_text)] = ""
    occurrence: Annotated[str, AfterValidator(_local_time)] | None = None
    session: Annotated[str, AfterValidator(_uuid)] | None = None
    all_additional_info: Literal["0", "1"] = "0"

    @property
    def is_by_name(self) -> bool:
        """Return whether orders are sorted by their customers' last and first names."""
        return self.order_by.startswith("name")

    @property
    def is_descending(self) -> bool:
        """Return whether the order is descending. All orders of an event start when the event does."""
        return self.order_by.endswith("descending")


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its query, and the number of orders on all pages."""

    query: Query
    records: int

    def pagination(self) -> JsonObject:
        """Return the pagination; the document has its numbers as text."""
        return {
            "records": str(self.records),
            "position": str(self.query.position),
            "rows": str(self.query.rows),
            "order_by": self.query.order_by,
        }
