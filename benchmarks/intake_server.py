"""The intake as it runs, with one route more, which has the same access and does nothing.

`python -m benchmarks.intake_server`
"""

import os
from typing import Annotated

from fastapi import Depends, Response

from benchmarks.compared import ways
from benchmarks.measurements.intake import EMPTY
from intake.auth.keys import Caller
from intake.calls.access import allowed
from intake.server import IntakeServer, tune_process
from worker.runtime.logs import set_up_logs
from worker.runtime.settings import get_settings


def main() -> None:
    """Serve until SIGTERM."""
    set_up_logs(get_settings())
    ways.take(os.environ.get("BENCHMARKS_WAY", ways.TOLD), get_settings())
    server = IntakeServer(get_settings())

    @server.app.post(EMPTY, include_in_schema=False)
    async def empty(caller: Annotated[Caller, Depends(allowed("orders.create"))]) -> Response:
        return Response(status_code=202)

    tune_process()
    server.run()


if __name__ == "__main__":
    main()
