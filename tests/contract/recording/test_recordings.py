"""Every recording in tests/messages/recordings/ is answered as it was when it was made.

A file of one's own client goes there too: see tests/messages/README.md.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from intake.recording.exchanges import read_recording
from intake.recording.replaying import replay
from tests.intakes import Intake

FOLDER = Path(__file__).parents[2] / "messages" / "recordings"
RECORDINGS = sorted(FOLDER.glob("*/*.jsonl"))


def test_there_is_a_recording_in_the_words_of_each_dialect() -> None:
    dialects = {"canonical", "acme", "zoho_backstage", "ticket_evolution", "eventbookings"}
    assert dialects <= {path.stem for path in RECORDINGS}


@pytest.mark.usefixtures("catalogue", "brokerage", "worker", "maker")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_client_is_answered_alike(intake: Intake, path: Path) -> None:
    with intake.engine.begin() as connection:
        made = create_key(connection, path.parent.name, SCOPES[:-1], datetime.now(UTC))

    replayed = replay(read_recording(path), intake.url, made)

    assert {one.name: one.differences for one in replayed if one.differences} == {}
