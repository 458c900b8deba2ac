"""What an operator can do here: log in and out, replay dead letters, discard them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from intake.operator.letters import discard_letters, replay_letters
from intake.operator.pages import HEADERS, page
from intake.operator.session import (
    COOKIE,
    PATH,
    LoginNeeded,
    log_in,
    operator_of,
    read_form,
    set_cookie,
)
from intake.operator.view import View
from intake.parts import Parts, parts_of
from intake.requests.replay_letters import NoSuchLetter
from intake.web.problems import Problem, unavailable
from schemas.text import parse_uuid
from willcall.publishing import NotConfirmed

router = APIRouter(prefix=PATH, default_response_class=Response, include_in_schema=False)

_MOST_LETTERS: Final = 100

Do = Callable[[Parts, View, Sequence[UUID]], int]


@router.get("/login")
async def show_login(request: Request) -> Response:
    """Return the form that asks for a key."""
    return page(request, "login.html", None, None, failed=False)


@router.post("/login")
async def login(request: Request) -> Response:
    """Begin a session, and go to the first page."""
    form = await read_form(request, None)
    cookie = await log_in(request, form)
    if cookie is None:
        return page(request, "login.html", None, None, status=403, failed=True)
    response = RedirectResponse(PATH, 303, HEADERS)
    set_cookie(response, cookie, is_secure=parts_of(request.app).public_url.startswith("https://"))
    return response


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session in this browser."""
    with suppress(LoginNeeded):
        await read_form(request, await operator_of(request))
    response = RedirectResponse(f"{PATH}/login", 303, HEADERS)
    response.delete_cookie(COOKIE, path=PATH)
    return response


@router.post("/dead-letters/replay")
async def replay(request: Request) -> Response:
    """Send the chosen dead letters to the queue again."""
    return await _change(request, replay_letters, "replayed")


@router.post("/dead-letters/discard")
async def discard(request: Request) -> Response:
    """Delete the chosen dead letters permanently."""
    return await _change(request, discard_letters, "discarded")


async def _change(request: Request, do: Do, done: str) -> Response:
    try:
        operator = await operator_of(request)
    except LoginNeeded:
        return RedirectResponse(f"{PATH}/login", 303, HEADERS)
    form = await read_form(request, operator)
    ids = [id_ for id_ in map(parse_uuid, form.get("id", [])[:_MOST_LETTERS]) if id_ is not None]
    parts = parts_of(request.app)
    view = View.of(operator.caller, parts.operator_tenant)
    try:
        count = await to_thread.run_sync(do, parts, view, ids) if ids else 0
    except NoSuchLetter as error:
        raise Problem(409, str(error)) from error
    except NotConfirmed as error:
        raise unavailable(
            "The broker did not confirm the messages. Try again: nothing counts twice."
        ) from error
    return RedirectResponse(f"{PATH}/dead-letters?done={count}+{done}", 303, HEADERS)
