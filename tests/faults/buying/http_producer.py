"""A producer that calls our own HTTP interface: some of its calls wait for the order, some do not."""

from typing import Any, Final

from tests.faults.buying.lives import Step, new_key
from tests.faults.buying.producers import Producer
from tests.faults.checking.ledger import Ask
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, RELEASE, TAKE, UPDATE

_CALLS: Final = {
    CREATE: ("POST", "/v1/orders"),
    UPDATE: ("PATCH", "/v1/orders/{order}"),
    CANCEL: ("POST", "/v1/orders/{order}/cancel"),
    PAY: ("POST", "/v1/orders/{order}/payments"),
    CHECK_IN: ("POST", "/v1/check-ins"),
    TAKE: ("POST", "/v1/holds"),
    RELEASE: ("POST", "/v1/holds/{hold}/release"),
}


class HttpProducer(Producer):
    """Lives with calls."""

    def live(self) -> None:
        life = self.market.make_life(self.rng)
        first: Ask | None = None
        order = hold = ""
        for place, step in enumerate(life):
            words: dict[str, Any] = {}
            if step.kind == CREATE and hold:
                words["line_items"] = [{"hold_id": hold}]
                first, place = None, 0  # the order's life begins here
            if step.kind == CHECK_IN:
                ticket = self._ticket_of(order)
                if ticket is None:
                    return
                words["ticket_id"] = ticket
            ask = self._do(step, first.key if first else None, place, {"order": order, "hold": hold}, words)
            if ask.outcome != "processed":
                return
            first = first or ask
            if step.kind == TAKE:
                hold = _id_told(ask)
            elif ask.order_id:
                order = ask.order_id

    def _do(
        self, step: Step, life: str | None, place: int, names: dict[str, str], words: dict[str, Any]
    ) -> Ask:
        """Ask, again and again, until the outcome is known or it is time to give up."""
        key = new_key(self.rng)
        ask = self.ask(step, life or key, place, key=key, **words)
        method, path = _CALLS[step.kind]
        headers = self.own_headers() | {"idempotency-key": key}
        if step.kind in (TAKE, CHECK_IN) or self.rng.random() < 0.5:
            headers["prefer"] = "wait=5"
        body = ask.body.get("patch", ask.body) if step.kind == UPDATE else ask.body
        for _ in self.tries():
            answer = self.call(ask, method, path.format(**names), headers, json=body)
            if answer is None:
                continue
            self._note(ask, answer.status_code, ask.told[-1].words)
            if step.kind == TAKE and answer.status_code == 202:
                continue  # whoever was not told the hold asks once more
            break
        return ask

    def _note(self, ask: Ask, status: int, words: Any) -> None:
        if status == 202:
            self.await_outcome(ask, words["request_id"])
        elif status in (200, 201):
            ask.outcome = "processed"
            if ask.kind not in (TAKE, RELEASE, CHECK_IN):
                ask.order_id = words["id"]
        else:
            errors = words.get("errors") if isinstance(words, dict) else None
            ask.outcome = errors[0]["code"] if errors else f"{status}: {words}"

    def _ticket_of(self, order: str) -> str | None:
        for _ in self.tries():
            answer = self.call(None, "GET", f"/v1/orders/{order}", self.own_headers())
            if answer is not None and answer.status_code == 200:
                ticket: str = answer.json()["tickets"][0]["id"]
                return ticket
        return None


def _id_told(ask: Ask) -> str:
    id_: str = ask.told[-1].words["id"]
    return id_
