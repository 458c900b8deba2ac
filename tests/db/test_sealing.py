"""A sealed secret opens with its key, in its own place, and nowhere else."""

import pytest

from db.failures import Fault, fault_of
from db.sealing import Keyring, SecretsUnreadable
from worker.runtime.secret_key import SecretKeyMissing, generate_key, parse_keys

OLD, NEW = (parse_keys(generate_key())[0] for _ in range(2))
SECRET = b"thirty-two bytes that are secret"


def test_what_a_key_sealed_it_opens_also_when_a_newer_one_seals() -> None:
    sealed = Keyring([OLD]).seal(SECRET, "table", 1)
    both = Keyring([NEW, OLD])

    assert both.open(sealed, "table", 1) == SECRET
    assert (both.is_newest(sealed), both.is_newest(both.seal(SECRET, "table", 1))) == (False, True)


def test_no_two_seals_are_alike_and_none_shows_what_it_holds() -> None:
    one, other = (Keyring([OLD]).seal(SECRET, "table", 1) for _ in range(2))

    assert one != other
    assert SECRET not in one


@pytest.mark.parametrize("context", [("table", 2), ("other", 1), ("table",), ("table1",), ("tabl", "e1")])
def test_a_secret_opens_in_its_own_place_only(context: tuple[object, ...]) -> None:
    keyring = Keyring([OLD])

    with pytest.raises(SecretsUnreadable):
        keyring.open(keyring.seal(SECRET, "table", 1), *context)


def test_without_its_key_or_with_one_bit_changed_it_stays_shut() -> None:
    sealed = Keyring([OLD]).seal(SECRET, "table", 1)

    with pytest.raises(SecretsUnreadable):
        Keyring([NEW]).open(sealed, "table", 1)
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SecretsUnreadable):
            Keyring([OLD]).open(changed, "table", 1)
        with pytest.raises(SecretsUnreadable):
            Keyring([OLD]).open(sealed[:place], "table", 1)


def test_a_key_that_is_missing_is_no_requests_fault() -> None:
    assert fault_of(SecretKeyMissing("missing")) is Fault.SYSTEM
