"""Settings: environment variables with the prefix WILLCALL_, read once, checked at start."""

import sys
from functools import cache
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.runtime import broker_urls, embedded
from worker.runtime.database_url import parse_database_url, parse_read_database_url
from worker.runtime.secret_key import SecretKeyMissing, keys_of_home, parse_keys

PREFIX = "WILLCALL_"


def _postgresql(url: str | None) -> str | None:
    return None if url is None else parse_database_url(url)


def _standby(url: str | None) -> str | None:
    return None if url is None else parse_read_database_url(url)


def _broker(url: str | None) -> str | None:
    return None if url is None else broker_urls.checked(url)


def _management(url: str | None) -> str | None:
    if url is not None and not url.startswith(("https://", "http://")):
        raise ValueError("must be a URL like http://user:password@host:15672")
    return url


def _public(url: str | None) -> str | None:
    if url is not None and not url.startswith(("https://", "http://")):
        raise ValueError("must be a URL like https://tickets.example.com")
    return url


def _secret_key(text: SecretStr | None) -> SecretStr | None:
    if text is not None:
        parse_keys(text.get_secret_value())
    return text


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """Everything that can be set from outside. Each field is the variable WILLCALL_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: Annotated[str | None, AfterValidator(_postgresql)] = Field(
        None,
        description="PostgreSQL 14 or later; several hosts, of which the primary is found: "
        "postgresql://user:password@a,b/database; unset: the embedded one",
    )
    read_database_url: Annotated[str | None, AfterValidator(_standby)] = Field(
        None,
        description="a standby of the database, or several of them, where the intake reads lists that may be "
        "stale; unset: the primary",
    )
    read_lag_seconds: Annotated[float, Field(ge=2)] = Field(
        10.0, description="how far behind that standby may be; behind more, lists are read from the primary"
    )
    broker_url: Annotated[str | None, AfterValidator(_broker)] = Field(
        None,
        description="RabbitMQ (amqp://…; several nodes: amqp://…;amqp://…), Redis/Valkey (redis://…), or its "
        "Sentinels (sentinel://…;sentinel://…); unset: the embedded one",
    )
    broker_master_name: str = Field(
        "mymaster", min_length=1, description="Sentinel only: what the Sentinels call the primary"
    )
    broker_management_url: Annotated[str | None, AfterValidator(_management)] = Field(
        None,
        description="RabbitMQ's management API, which `willcall doctor` asks who holds the queues "
        "(http://user:password@host:15672); unset: the API of each node, if it has one",
    )
    secret_key: Annotated[SecretStr | None, AfterValidator(_secret_key)] = Field(
        None,
        description="what seals the secrets in the database, 32 random bytes; several, newest first, while "
        "it is replaced; unset: secret.key in WILLCALL_HOME, for the embedded database only",
    )
    home: Path = Field(Path(".willcall"), description="where the embedded servers keep their data")
    request_log: Path | None = Field(
        None,
        description="a directory where workers and relays write down each request before its commit, for a "
        "replay after a restore; unset: nothing is written",
    )
    intake_host: str = Field("127.0.0.1", description="the address that the intake listens on")
    intake_port: Port = Field(8000, description="the port of the intake")
    intake_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="processes that serve the intake's port, started by `willcall up` and `serve intake`"
    )
    public_url: Annotated[str | None, AfterValidator(_public)] = Field(
        None,
        description="the intake's address in links (https://…); required unless it listens on loopback only",
    )
    operator_tenant: str | None = Field(
        None,
        description="the tenant whose admin keys see all tenants on the operator's page; unset: each "
        "sees its own",
    )
    max_header_bytes: Annotated[int, Field(ge=1024)] = Field(
        32 * 1024, description="bytes of a call's request line and headers; more is refused with 431"
    )
    max_headers: Annotated[int, Field(ge=10)] = Field(
        100, description="headers of a call; more are refused with 431"
    )
    header_seconds: Seconds = Field(
        10.0, description="how long a call's headers may take to arrive; 408 after that"
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        1024 * 1024, description="bytes of a call's body; more is refused with 413"
    )
    body_seconds: Seconds = Field(
        30.0,
        description="how long a call's body may take to arrive, and an answer to be read; 408 after that",
    )
    idle_seconds: Seconds = Field(
        75.0, description="how long a connection stays open between two calls; a proxy in front has less"
    )
    max_connections: Annotated[int, Field(ge=16)] = Field(
        1000, description="open connections of one intake process; 503 when all of them have calls under way"
    )
    link_seconds: Seconds = Field(
        604800.0, description="how long links to documents are good; the default is a week"
    )
    documents_waiting: Annotated[int, Field(ge=1)] = Field(
        500, description="documents of a tenant that may wait to be made; more are refused with 429"
    )
    document_seconds: Seconds = Field(
        86400.0, description="how long a document that was made is kept, to be sent again"
    )
    document_bytes: Annotated[int, Field(ge=67_108_864)] = Field(
        536_870_912, description="bytes of all documents that are kept, a quarter of it for one tenant"
    )
    signed_repeat_seconds: Annotated[float, Field(ge=0)] = Field(
        0.0,
        description="Ticket Evolution's dialect: for how long an identical signed body is a repeat of the "
        "first; 0: never, as two equal orders may both be meant",
    )
    flower_host: str = Field("127.0.0.1", description="the address that Flower listens on")
    flower_port: Port = Field(5555, description="the port of Flower")
    flower_basic_auth: str | None = Field(
        None, description="user:password for Flower; required unless it listens on loopback only"
    )
    unknown_keys_per_minute: Annotated[int, Field(ge=0)] = Field(
        600,
        description="unknown API keys that an address may try; 0: no limit, for a proxy that hides addresses",
    )
    key_requests_per_second: Annotated[int, Field(ge=0)] = Field(
        0,
        description="requests a second that an API key may send to one intake, each order of an array "
        "counted, reads too; 429 beyond it; 0: no limit, as an on-sale may need thousands",
    )
    tenant_requests_per_second: Annotated[int, Field(ge=0)] = Field(
        0, description="the same of all keys of a tenant together; 0: no limit"
    )
    max_queued_per_key: Annotated[int, Field(ge=0)] = Field(
        500_000,
        description="requests of an API key that may wait in the queue, as far as one intake has published "
        "them, divided by its processes; 429 beyond it; 0: no limit",
    )
    max_queued_per_tenant: Annotated[int, Field(ge=0)] = Field(
        500_000, description="the same of all keys of a tenant together; 0: no limit"
    )
    max_queued: Annotated[int, Field(ge=0)] = Field(
        1_000_000,
        description="requests that may wait in the queue in all, estimated from its messages; 503 beyond it; "
        "0: no limit",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="the address that the ports of Prometheus metrics listen on"
    )
    intake_metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0,
        description="port of the intake's Prometheus metrics, in place of /metrics; 0: /metrics",
    )
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0, description="port of a worker's Prometheus metrics; 0: none"
    )
    worker_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="processes that take orders, started by `willcall up` and `serve worker`"
    )
    batch_size: Annotated[int, Field(ge=1, le=500)] = Field(
        500, description="requests in one transaction at most"
    )
    max_tickets: Annotated[int, Field(ge=1, le=10_000)] = Field(
        1_000, description="tickets that one order may have; a line has at most 1,000 of them"
    )
    max_event_bytes: Annotated[int, Field(ge=131_072, le=16_777_216)] = Field(
        1_048_576, description="size of an event message; one that would be larger leaves its tickets out"
    )
    max_attempts: Annotated[int, Field(ge=1, le=50)] = Field(
        6, description="tries of a request that fails unexpectedly, before it is a dead letter"
    )
    retry_seconds: Seconds = Field(
        5.0, description="wait before the second try; it doubles with each further one, to an hour"
    )
    unknown_order_seconds: Seconds = Field(
        60.0, description="how long a request waits for the order that it names by its creator's key"
    )
    visibility_timeout_seconds: Annotated[int, Field(ge=5)] = Field(
        60,
        description="when what a dead worker held is given to another: messages (Redis), locks (database)",
    )
    reconcile_seconds: Seconds = Field(300.0, description="between two scheduled reconciliations")
    sweep_seconds: Seconds = Field(
        5.0, description="between two sweeps of the outbox and of retries that are due"
    )
    publish_timeout_seconds: Seconds = Field(
        5.0, description="how long a publisher waits for the broker: to connect, to write, to confirm"
    )
    stuck_seconds: Seconds = Field(
        60.0, description="how long a relay may stand still before it is ended, and started anew"
    )
    global_keyprefix: str = Field("", description="Redis only: a prefix for all keys of the broker")
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    access_log: bool = Field(True, description="a line in the intake's log for each call")
    log_format: Annotated[str, Field(pattern="^(auto|json|people)$")] = Field(
        "auto", description="json, people, or auto: for people on a terminal, else JSON"
    )

    def database(self) -> str:
        """Return the URL of the database that is meant: the set one, or the embedded one."""
        return self.database_url or embedded.database_url(self.home)

    def secret_keys(self) -> tuple[bytes, ...]:
        """Return the keys that open what the database keeps sealed, the newest first.

        Raises `SecretKeyMissing`: only the embedded database has a key made for it.
        """
        if self.secret_key is not None:
            return parse_keys(self.secret_key.get_secret_value())
        if self.database_url is None or embedded.is_of_home(self.database_url, self.home):
            return keys_of_home(self.home)
        raise SecretKeyMissing(
            "the setting WILLCALL_SECRET_KEY is missing: it seals the secrets in the database; make a key "
            "with `willcall secrets generate`, and give it to each worker, each intake and `willcall migrate`"
        )

    def address_in_links(self) -> str:
        """Return what links begin with: the set URL, or where the intake listens."""
        host = f"[{self.intake_host}]" if ":" in self.intake_host else self.intake_host
        return self.public_url or f"http://{host}:{self.intake_port}"

    def broker(self) -> str:
        """Return the URL of the broker that is meant: the set one, or the embedded one."""
        return self.broker_url or embedded.broker_url(self.home)


@cache
def get_settings() -> Settings:
    """Return the process's settings; a wrong one stops the process with a sentence that names it."""
    try:
        return Settings()
    except ValidationError as error:
        _stop(error)


def _stop(error: ValidationError) -> NoReturn:
    for detail in error.errors():
        name = PREFIX + str(detail["loc"][0]).upper()
        reason = str(detail["msg"]).removeprefix("Value error, ")
        sys.stderr.write(f"willcall: the setting {name} is wrong: {reason}\n")
    raise SystemExit(2)
