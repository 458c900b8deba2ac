"""Flower as a process: read-only, behind limits, and without secrets."""

import logging
import os
import signal
from importlib import import_module
from types import FrameType
from typing import Any, Final, NoReturn

from flower.app import Flower
from flower.command import apply_env_options, extract_settings
from flower.options import options
from flower.urls import settings as flower_settings
from flower.views.monitor import Metrics
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import RequestHandler, authenticated

from intake.dashboard.broker import BrokerPage, broker_name
from intake.dashboard.discretion import QuietEvents, QuietInspector
from intake.dashboard.pages import refusal
from intake.dashboard.state import keep_state
from worker.runtime.logs import set_up_logs
from worker.runtime.settings import Settings

_MAX_HEADER: Final = 32 * 1024  # bytes
_MAX_BODY: Final = 64 * 1024  # bytes; the one body there is names the columns of a table
_MOST_SECONDS: Final = 10.0
"""For the headers of a request, for its body, and between two of them on one connection."""

_REFUSALS: Final = {
    404: "Not found. This read-only dashboard has: / /tasks /broker /metrics",
    405: "Method not allowed. This dashboard is read-only; use GET.",
}


class Refusal(RequestHandler):
    """Answers paths that are not pages of the dashboard."""

    def initialize(self, status: int) -> None:
        """Take what `find_handler` passes."""
        self._status = status

    def prepare(self) -> None:
        """Answer at once, whatever the method."""
        self.set_status(self._status)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish(_REFUSALS[self._status] + "\n")

    def check_xsrf_cookie(self) -> None:
        """Do not ask for a cookie: nothing is done here."""


class MetricsBehindLogin(Metrics):
    """Flower's metrics name workers and tasks; its own page asks for no login."""

    get = authenticated(Metrics.get)


class Dashboard(Flower):
    """Flower with a list of permitted pages, and our own pages where Flower's reveal too much."""

    def __init__(self, settings: Settings, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._settings = settings
        self.inspector = QuietInspector(self.io_loop, self.capp, self.options.inspect_timeout / 1000)
        # Found before Flower's own, which keep their names for links.
        prefix = "/" + self.options.url_prefix.strip("/") if self.options.url_prefix else ""
        self.add_handlers(".*", [(f"{prefix}/broker", BrokerPage, {"settings": settings})])
        self.add_handlers(".*", [(f"{prefix}/metrics", MetricsBehindLogin)])

    @property
    def broker_uri(self) -> str:
        """Return what pages call the broker."""
        return broker_name(self._settings.broker())

    def find_handler(self, request: HTTPServerRequest, **arguments: Any) -> Any:
        """Return the page, or the refusal of any other path."""
        status = refusal(request.method or "", request.path, self.options.url_prefix or "")
        if status is not None:
            return self.get_handler_delegate(request, Refusal, {"status": status})
        return super().find_handler(request, **arguments)

    def listen(self) -> None:
        """Listen, with limits on what a caller may send."""
        server = HTTPServer(
            self,
            ssl_options=self.ssl_options,
            xheaders=self.options.xheaders,
            max_header_size=_MAX_HEADER,
            max_body_size=_MAX_BODY,
            idle_connection_timeout=_MOST_SECONDS,
            body_timeout=_MOST_SECONDS,
        )
        server.add_sockets(bind_sockets(self.options.port, address=self.options.address))


def serve(settings: Settings) -> None:
    """Serve the dashboard until SIGTERM or Ctrl-C."""
    _set_options(settings)
    set_up_logs(settings)
    logging.getLogger("tornado.access").setLevel(logging.ERROR)  # a page that is looked at is no news
    # By its name: nothing here depends on the worker.
    celery = import_module("worker.app").app
    dashboard = Dashboard(
        settings,
        capp=celery,
        options=options,
        events=QuietEvents(
            celery,
            io_loop=IOLoop.current(),
            db=options.db,
            persistent=options.persistent,
            state_save_interval=options.state_save_interval,
            enable_events=options.enable_events,
            max_workers_in_memory=options.max_workers,
            max_tasks_in_memory=options.max_tasks,
        ),
        **flower_settings,
    )
    signal.signal(signal.SIGTERM, _leave)
    dashboard.listen()
    try:
        dashboard.start()
    except SystemExit:
        pass
    finally:
        dashboard.stop()


def _set_options(settings: Settings) -> None:
    """Take Flower's options from its own variables (FLOWER_URL_PREFIX, …), except those that are ours.

    Its file of settings is not read: that is a program, and would be taken from the current directory.
    """
    # It opens an API for strangers, and headers that let other sites read the answers.
    os.environ.pop("FLOWER_UNAUTHENTICATED_API", None)
    apply_env_options()
    ours = {
        "address": settings.flower_host,
        "port": settings.flower_port,
        "basic_auth": [settings.flower_basic_auth] if settings.flower_basic_auth else [],
        "auth": "",  # the pages of its logins are not among those that are shown
        "debug": False,
        "read_only": True,  # no buttons for refused actions
    }
    for name, value in ours.items():
        setattr(options, name, value)
    keep_state(options, settings.home)
    extract_settings()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
