"""Producers that call in the words of each dialect, as a vendor's client would be pointed at the system."""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from tests.faults.buying.lives import Step, new_key, order_body
from tests.faults.buying.producers import Market, Producer
from tests.faults.checking import model
from tests.faults.checking.ledger import Ask
from tests.faults.checking.model import Expected
from tests.faults.system.catalogue import BALCONY, EVENT, STANDING, TENANT
from willcall.kinds import CREATE


@dataclass(frozen=True)
class DialectOrder:
    """How an order is said in a dialect: where it is posted, and what."""

    path: str
    body: Mapping[str, Any]
    expected: Expected


def zoho(rng: Random) -> DialectOrder:
    count = rng.randint(1, 3)
    email = f"zoho-{rng.randrange(10**9)}@example.com"
    ticket = {"ticketclass_id": BALCONY, "data": {"first_name": "Ada", "email": email}}
    body = {
        "buyer_details": {"purchaser_first_name": "Ada", "purchaser_email": email},
        "tickets": [ticket] * count,
    }
    path = f"/backstage/v3/portals/{TENANT}/events/{EVENT}/orders"
    expected = Expected(lines=((BALCONY, count),), email=email)
    # An order of this dialect is paid when it is placed.
    return DialectOrder(path, body, replace(expected, paid=expected.total))


def ticket_evolution(rng: Random) -> DialectOrder:
    count = rng.randint(1, 3)
    item = {"ticket_group_id": int(STANDING), "quantity": count, "price": 45.5}
    order = {"seller_id": int(TENANT), "client_id": 17, "shipped_items": [{"items": [item]}]}
    return DialectOrder("/v9/orders", {"orders": [order]}, Expected(lines=((STANDING, count),)))


def acme(rng: Random) -> DialectOrder:
    count = rng.randint(1, 3)
    email = f"acme-{rng.randrange(10**9)}@example.com"
    body = {"email": email, "orderItems": [{"ticketingTypeId": STANDING, "quantity": count}]}
    return DialectOrder("/v1/b2c/orders", body, Expected(lines=((STANDING, count),), email=email))


CREATING: Final = {"Zoho Backstage": zoho, "Ticket Evolution": ticket_evolution, "ACME": acme}


class DialectProducer(Producer):
    """Creates orders in the words of one dialect, each call with a key that makes it safe to repeat."""

    def __init__(self, dialect: str, market: Market, rng: Random) -> None:
        super().__init__(dialect, market, rng)
        self._make = CREATING[dialect]

    def live(self) -> None:
        words = self._make(self.rng)
        key = new_key(self.rng)
        step = Step(CREATE, words.body, effect=lambda _: words.expected)
        ask = self.ask(step, key, 0, key=key)
        content = json.dumps(words.body)
        for _ in self.tries():
            # The address is signed, too.
            headers = self._headers(words.path, content) | {"idempotency-key": key}
            answer = self.call(ask, "POST", words.path, headers, content=content)
            if answer is None or answer.status_code == 202:
                continue  # who was not told the order asks once more
            ask.outcome = "processed" if answer.status_code == 201 else f"{answer.status_code}: {answer.text}"
            return

    def _headers(self, path: str, content: str) -> dict[str, str]:
        own = {"content-type": "application/json"}
        if path.startswith("/backstage/"):
            return own | {"authorization": f"Zoho-oauthtoken {self.market.key['key']}"}
        if path.startswith("/v1/b2c/"):
            return own | {"x-acme-api-key": self.market.key["key"], "x-b2c-tenant-id": TENANT}
        signed = f"POST {urlsplit(self.url).netloc}{path}?{content}".encode()
        digest = hmac.digest(self.market.key["secret"].encode(), signed, sha256)
        return own | {"x-token": self.market.key["token"], "x-signature": b64encode(digest).decode()}


class EventBookingsReader(Producer):
    """Places orders in our own words, and reads each in those of EventBookings: the amounts must agree."""

    def __init__(self, market: Market, rng: Random) -> None:
        super().__init__("EventBookings", market, rng)
        self._token = ""

    def live(self) -> None:
        body = order_body(self.rng)
        key = new_key(self.rng)
        ask = self.ask(Step(CREATE, body, effect=lambda _: model.created(body)), key, 0, key=key)
        headers = self.own_headers() | {"idempotency-key": key, "prefer": "wait=5"}
        for _ in self.tries():
            answer = self.call(ask, "POST", "/v1/orders", headers, json=body)
            if answer is not None and answer.status_code in (200, 201):
                ask.outcome, ask.order_id = "processed", answer.json()["id"]
                self._read(ask)
                return

    def _read(self, ask: Ask) -> None:
        for _ in self.tries():
            if not self._token and not self._get_token():
                continue
            headers = {"authorization": f"Bearer {self._token}"}
            answer = self.call(None, "GET", f"/orders/{ask.order_id}", headers)
            if answer is not None:
                total = answer.json()["result"]["orders"]["summary"]["total"]["amount"]
                ask.note(answer.status_code, {"totals": {"total": total}})
                return

    def _get_token(self) -> bool:
        words = {
            "grant_type": "client_credentials",
            "client_id": self.market.key["id"],
            "client_secret": self.market.key["key"],
        }
        answer = self.call(None, "POST", "/connect/token", {}, json=words)
        if answer is not None:
            self._token = answer.json()["access_token"]
        return bool(self._token)
