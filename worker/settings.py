"""Settings: environment variables with the prefix WILLCALL_, read once, checked at start."""

import sys
from functools import cache
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker import embedded

PREFIX = "WILLCALL_"


def _postgresql(url: str | None) -> str | None:
    if url is None:
        return None
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("must be a URL like postgresql://user:password@host/database")
    return f"postgresql+psycopg://{rest}"


def _broker(url: str | None) -> str | None:
    schemes = ("amqp://", "amqps://", "redis://", "rediss://", "redis+socket://")
    if url is not None and not url.startswith(schemes):
        raise ValueError("must be a URL that begins with one of " + ", ".join(schemes))
    if url is not None and url.startswith("rediss") and "ssl_cert_reqs=" not in url:
        # Without a word about certificates kombu accepts any.
        return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"
    return url


def _public(url: str | None) -> str | None:
    if url is not None and not url.startswith(("https://", "http://")):
        raise ValueError("must be a URL like https://tickets.example.com")
    return url


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """Everything that can be set from outside. Each field is the variable WILLCALL_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: Annotated[str | None, AfterValidator(_postgresql)] = Field(
        None, description="PostgreSQL 14 or later; unset: the embedded one"
    )
    broker_url: Annotated[str | None, AfterValidator(_broker)] = Field(
        None, description="RabbitMQ (amqp://…) or Redis/Valkey (redis://…); unset: the embedded one"
    )
    home: Path = Field(Path(".willcall"), description="where the embedded servers keep their data")
    intake_host: str = Field("127.0.0.1", description="the address that the intake listens on")
    intake_port: Port = Field(8000, description="the port of the intake")
    public_url: Annotated[str | None, AfterValidator(_public)] = Field(
        None, description="the intake's address in links (https://…); unset: what the caller called"
    )
    link_seconds: Seconds = Field(
        604800.0, description="how long links to documents are good; the default is a week"
    )
    flower_host: str = Field("127.0.0.1", description="the address that Flower listens on")
    flower_port: Port = Field(5555, description="the port of Flower")
    flower_basic_auth: str | None = Field(
        None, description="user:password for Flower; required unless it listens on loopback only"
    )
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        0, description="port of a worker's Prometheus metrics, on loopback; 0: none"
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
        60, description="Redis only: when what a dead worker held is given to another"
    )
    reconcile_seconds: Seconds = Field(300.0, description="between two scheduled reconciliations")
    sweep_seconds: Seconds = Field(
        5.0, description="between two sweeps of the outbox and of retries that are due"
    )
    publish_timeout_seconds: Seconds = Field(
        5.0, description="how long a publisher waits for the broker's confirms"
    )
    global_keyprefix: str = Field("", description="Redis only: a prefix for all keys of the broker")
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Annotated[str, Field(pattern="^(auto|json|people)$")] = Field(
        "auto", description="json, people, or auto: for people on a terminal, else JSON"
    )

    def database(self) -> str:
        """Return the URL of the database that is meant: the set one, or the embedded one."""
        return self.database_url or embedded.database_url(self.home)

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
