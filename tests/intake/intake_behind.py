"""An intake whose clock is behind the others', so that its request ids are older than they should be.

`SECONDS_BEHIND=5 python -m tests.intake.intake_behind`, with the settings of an intake in the environment.
"""

import os
from typing import Final
from uuid import UUID

import willcall.packing
from db.ids import new_id
from intake.server import serve
from worker.runtime.settings import get_settings

_SECONDS_BEHIND: Final = int(os.environ["SECONDS_BEHIND"])


def _new_id() -> UUID:
    # The first 48 bits of a UUIDv7 are its milliseconds.
    return UUID(int=new_id().int - (_SECONDS_BEHIND * 1000 << 80))


willcall.packing.new_request_id = _new_id  # type: ignore[attr-defined] # the name that a message gets its id by

if __name__ == "__main__":
    serve(get_settings())
