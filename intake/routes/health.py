"""`GET /healthz`, `GET /readyz`, `GET /metrics`: for operators, without a key."""

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from intake.monitoring.process_metrics import usual_metrics
from intake.openapi.other_calls import HEALTHZ, METRICS, READYZ
from intake.parts import PartsOfApp, parts_of
from intake.web.problems import unavailable
from intake.web.responses import json_response

router = APIRouter(default_response_class=Response, tags=["health"])

metrics_router = APIRouter(default_response_class=Response, tags=["health"])
"""For an intake whose metrics have no port of their own."""


@router.get("/healthz", summary="Is it alive?", **HEALTHZ)
async def healthz() -> Response:
    """Say that the process runs; no other server is asked."""
    return json_response({"status": "alive"})


@router.get("/readyz", summary="Can it take work?", **READYZ)
async def readyz(parts: PartsOfApp) -> Response:
    """Say whether the database answers, its schema is current, and the broker can be reached."""
    bad = await parts.readiness.bad_parts()
    if not bad:
        return json_response({"status": "ready"})
    errors = [{"code": "unavailable", "field": part, "message": sentence} for part, sentence in bad.items()]
    raise unavailable("; ".join(bad.values()), errors=errors)


@metrics_router.get("/metrics", summary="Counters", **METRICS)
async def metrics(request: Request) -> Response:
    """Return this intake's metrics as Prometheus text, and those of the servers, which all intakes share.

    Values that the database cannot report are NaN.
    """
    servers = await refresh(request.app)
    usual = await to_thread.run_sync(generate_latest, usual_metrics(), limiter=CapacityLimiter(1))
    return Response(usual + generate_latest(servers), media_type=CONTENT_TYPE_LATEST)


async def refresh(app: FastAPI) -> CollectorRegistry:
    """Bring the metrics up to date, and return those of the servers; the others are in the usual registry."""
    app.state.call_book.flush()
    return await parts_of(app).server_metrics.refreshed()
