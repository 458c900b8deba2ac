"""Settings: environment variables with the prefix WILLCALL_, read once and checked at start."""

import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from willcall import broker_urls
from worker.runtime import embedded
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


def _installed(tracing: str) -> str:
    # FastAPI brings the interface along; what sends the spans is in the extra.
    if tracing == "off":
        return tracing
    with suppress(ModuleNotFoundError):  # a parent of it
        if find_spec("opentelemetry.exporter.otlp.proto.http") is not None:
            return tracing
    raise ValueError("needs OpenTelemetry's exporter; install it with pip install 'willcall[tracing]'")


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """All settings. Each field is the variable WILLCALL_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: Annotated[str | None, AfterValidator(_postgresql)] = Field(
        None,
        description="PostgreSQL 14 or later; with several hosts (postgresql://user:password@a,b/database) "
        "the primary is found; unset: the embedded one",
    )
    read_database_url: Annotated[str | None, AfterValidator(_standby)] = Field(
        None,
        description="one or more standbys of the database, where the intake reads lists that may be stale; "
        "unset: the primary",
    )
    read_lag_seconds: Annotated[float, Field(ge=2)] = Field(
        10.0, description="maximum lag of that standby; beyond it, lists are read from the primary"
    )
    broker_url: Annotated[str | None, AfterValidator(_broker)] = Field(
        None,
        description="RabbitMQ (amqp://…; several nodes: amqp://…;amqp://…), Redis/Valkey (redis://…), or its "
        "Sentinels (sentinel://…;sentinel://…); unset: the embedded one",
    )
    broker_master_name: str = Field(
        "mymaster", min_length=1, description="Sentinel only: the name of the primary"
    )
    broker_management_url: Annotated[str | None, AfterValidator(_management)] = Field(
        None,
        description="RabbitMQ's management API, where `willcall doctor` looks up the members of the queues "
        "(http://user:password@host:15672); unset: the API of each node, if it has one",
    )
    secret_key: Annotated[SecretStr | None, AfterValidator(_secret_key)] = Field(
        None,
        description="the key that seals the secrets in the database, 32 random bytes; during a rotation "
        "several, newest first; unset: secret.key in WILLCALL_HOME, for the embedded database only",
    )
    home: Path = Field(Path(".willcall"), description="where the embedded servers keep their data")
    request_log: Path | None = Field(
        None,
        description="the directory where workers and relays log each request before its commit, for a replay "
        "after a restore; unset: no request log",
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
        description="how long a call's body may take to arrive, and the client to read the answer; 408 after "
        "that",
    )
    idle_seconds: Seconds = Field(
        75.0,
        description="how long a connection stays open between two calls; set less on a proxy in front",
    )
    max_connections: Annotated[int, Field(ge=16)] = Field(
        1000, description="open connections of one intake process; 503 when all of them are busy with calls"
    )
    link_seconds: Seconds = Field(
        604800.0, description="how long links to documents are valid; the default is a week"
    )
    documents_waiting: Annotated[int, Field(ge=1)] = Field(
        500, description="documents of a tenant that may wait to be rendered; more are refused with 429"
    )
    document_seconds: Seconds = Field(
        86400.0, description="how long a rendered document is kept, to be sent again"
    )
    document_bytes: Annotated[int, Field(ge=67_108_864)] = Field(
        536_870_912, description="bytes of all stored documents; one tenant may use a quarter of it"
    )
    signed_repeat_seconds: Annotated[float, Field(ge=0)] = Field(
        0.0,
        description="Ticket Evolution's dialect: for how long an identical signed body counts as a repeat of "
        "the first; 0: never, as a client may want two equal orders",
    )
    flower_host: str = Field("127.0.0.1", description="the address that Flower listens on")
    flower_port: Port = Field(5555, description="the port of Flower")
    flower_basic_auth: str | None = Field(
        None, description="user:password for Flower; required unless it listens on loopback only"
    )
    unknown_keys_per_minute: Annotated[int, Field(ge=0)] = Field(
        600,
        description="unknown API keys that an address may try; 0: no limit, for a proxy in front that hides "
        "addresses",
    )
    key_requests_per_second: Annotated[int, Field(ge=0)] = Field(
        0,
        description="requests per second that an API key may send to one intake; each order of an array "
        "counts, and so do reads; 429 beyond it; 0: no limit, as an on-sale may need thousands",
    )
    tenant_requests_per_second: Annotated[int, Field(ge=0)] = Field(
        0, description="the same for all keys of a tenant together; 0: no limit"
    )
    max_queued_per_key: Annotated[int, Field(ge=0)] = Field(
        500_000,
        description="requests of an API key from one intake that may wait in the queue, divided by the "
        "intake's processes; 429 beyond it; 0: no limit",
    )
    max_queued_per_tenant: Annotated[int, Field(ge=0)] = Field(
        500_000, description="the same for all keys of a tenant together; 0: no limit"
    )
    max_queued: Annotated[int, Field(ge=0)] = Field(
        1_000_000,
        description="total requests that may wait in the queue, estimated from its messages; 503 beyond it; "
        "0: no limit",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="the address that the Prometheus metrics ports listen on"
    )
    intake_metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0,
        description="port of the intake's Prometheus metrics, instead of /metrics; 0: /metrics",
    )
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0, description="port of the Prometheus metrics of workers, relay and beat; 0: none"
    )
    worker_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="processes that process orders, started by `willcall up` and `serve worker`"
    )
    batch_size: Annotated[int, Field(ge=1, le=500)] = Field(
        500, description="maximum number of requests in one transaction"
    )
    max_tickets: Annotated[int, Field(ge=1, le=10_000)] = Field(
        1_000, description="maximum number of tickets of an order; a line has at most 1,000"
    )
    max_event_bytes: Annotated[int, Field(ge=131_072, le=16_777_216)] = Field(
        1_048_576, description="maximum bytes of an event message; a larger one leaves its tickets out"
    )
    max_attempts: Annotated[int, Field(ge=1, le=50)] = Field(
        6, description="attempts at a request that fails unexpectedly, before it becomes a dead letter"
    )
    retry_seconds: Seconds = Field(
        5.0, description="wait before the second attempt; it doubles with each further one, up to an hour"
    )
    unknown_order_seconds: Seconds = Field(
        60.0, description="how long a request waits for the order that it names by idempotency key"
    )
    visibility_timeout_seconds: Annotated[int, Field(ge=5)] = Field(
        60,
        description="when messages (Redis) and locks (database) of a dead worker are released",
    )
    reconcile_seconds: Seconds = Field(300.0, description="interval of scheduled reconciliations")
    sweep_seconds: Seconds = Field(5.0, description="interval of the sweeps of the outbox and of due retries")
    publish_timeout_seconds: Seconds = Field(
        5.0, description="how long a publisher waits for the broker: to connect, to write, to confirm"
    )
    stuck_seconds: Seconds = Field(
        60.0, description="how long a relay may make no progress before its process is restarted"
    )
    global_keyprefix: str = Field("", description="Redis only: a prefix for all keys of the broker")
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    access_log: bool = Field(True, description="whether the intake logs a line for each call")
    log_format: Annotated[str, Field(pattern="^(auto|json|people)$")] = Field(
        "auto", description="json, people, or auto: lines for people on a terminal, else JSON"
    )
    tracing: Annotated[str, Field(pattern="^(off|otlp)$"), AfterValidator(_installed)] = Field(
        "off",
        description="off, or otlp: the intake, workers and relays send OpenTelemetry spans to a collector; "
        "the variables `OTEL_…` say where, and how many",
    )

    def database(self) -> str:
        """Return the URL of the database: the one that is set, or the embedded one."""
        return self.database_url or embedded.database_url(self.home)

    def secret_keys(self) -> tuple[bytes, ...]:
        """Return the keys that open the sealed secrets in the database, the newest first.

        Raises `SecretKeyMissing` if none is set: only for the embedded database a key is generated.
        """
        if self.secret_key is not None:
            return parse_keys(self.secret_key.get_secret_value())
        if self.database_url is None or embedded.is_of_home(self.database_url, self.home):
            return keys_of_home(self.home)
        raise SecretKeyMissing(
            "the setting WILLCALL_SECRET_KEY is missing: it seals the secrets in the database. Generate a "
            "key with `willcall secrets generate`, and set it for each worker, each intake and `willcall "
            "migrate`"
        )

    def address_in_links(self) -> str:
        """Return the base URL of links: the public URL, or the address that the intake listens on."""
        host = f"[{self.intake_host}]" if ":" in self.intake_host else self.intake_host
        return self.public_url or f"http://{host}:{self.intake_port}"

    def broker(self) -> str:
        """Return the URL of the broker: the one that is set, or the embedded one."""
        return self.broker_url or embedded.broker_url(self.home)


@cache
def get_settings() -> Settings:
    """Return the process's settings; a wrong one stops the process with an error that names it."""
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
