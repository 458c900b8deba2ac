"""Foreseeable failures, each as one sentence."""

import typer

from worker.runtime.secret_key import SecretKeyUnusable


class CommandFailed(Exception):
    """A command failed; the message is a sentence for people."""


class SettingsWrong(CommandFailed):
    """The settings contradict each other; the message names them."""

    exit_code = 2


def sentence_of(error: Exception) -> str | None:
    """Return the message for an expected error, or None for an unexpected one, which needs its stack trace.

    The error's notes, such as what was done before it, follow the message.
    """
    sentence = _sentence_of(error)
    return None if sentence is None else "\n".join([sentence, *getattr(error, "__notes__", ())])


def _sentence_of(error: Exception) -> str | None:
    if isinstance(error, CommandFailed | SecretKeyUnusable):
        return str(error)
    # Typer contains click's errors under a private name; all of them can format their message.
    if hasattr(error, "format_message"):
        return _usage(error)
    if isinstance(error, typer.Abort):
        return "stopped"
    if isinstance(error, UnicodeEncodeError):
        return "some text here is not UTF-8; check the arguments, and the terminal's LC_ALL"
    return _of_server(error) or _of_file(error)


def exit_code_of(error: Exception) -> int:
    """Return 2 for wrong usage, 1 for any other error."""
    code = getattr(error, "exit_code", 1)
    return code if isinstance(code, int) else 1


def _usage(error: Exception) -> str:
    message: str = error.format_message()  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    hint = f" Try: {context.command_path} --help" if context is not None else ""
    return message[:1].lower() + message[1:] + hint


def _of_file(error: Exception) -> str | None:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None


def _of_server(error: Exception) -> str | None:
    from sqlalchemy.exc import DBAPIError

    from db.revisions import SchemaTooOld
    from intake.requests.replay_letters import NoSuchLetter
    from willcall.publishing import NotConfirmed
    from worker.runtime.embedded import EmbeddedServerFailed, EmbeddedUnavailable

    if isinstance(error, EmbeddedServerFailed | EmbeddedUnavailable | SchemaTooOld):
        return str(error)
    if isinstance(error, DBAPIError):
        return _of_database(error)
    if isinstance(error, NoSuchLetter):
        return str(error)
    if isinstance(error, NotConfirmed):
        return f"the broker {_broker()} did not take the messages: {_one_line(error)}"
    if _is_of_broker(error):
        return f"the broker {_broker()} does not answer: {_one_line(error)}"
    return None


def _of_database(error: Exception) -> str | None:
    from sqlalchemy import make_url

    from db.failures import Fault, describe, fault_of, is_schema_error, is_silent
    from worker.runtime.settings import get_settings

    url = make_url(get_settings().database()).render_as_string(hide_password=True)
    if is_schema_error(error):
        advice = "run `willcall doctor`"
        return f"the schema of the database {url} does not match this program: {describe(error)}; {advice}"
    if fault_of(error) is Fault.STATEMENT:
        return None
    if is_silent(error):
        return f"the database {url} {describe(error).removeprefix('the database ')}"
    return f"the database {url} cannot do this now: {describe(error)}"


def _is_of_broker(error: Exception) -> bool:
    import amqp.exceptions
    import kombu.exceptions
    import redis

    if isinstance(error, OSError):
        return error.filename is None
    return isinstance(error, kombu.exceptions.OperationalError | amqp.exceptions.AMQPError | redis.RedisError)


def _broker() -> str:
    from willcall.broker_urls import without_passwords
    from worker.runtime.settings import get_settings

    return without_passwords(get_settings().broker())


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split()) or type(error).__name__
