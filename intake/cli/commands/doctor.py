"""`willcall doctor`."""

import typer

from intake.cli.output import JsonFlag, print_json, print_mark


def doctor(as_json: JsonFlag = False) -> None:
    """Check everything that Willcall needs, and say how to fix each problem; exit 1 if there is one.

    Versions, clocks, disk and certificates; the database and its schema; the broker, its queues and its
    policies; workers, the outbox, dead letters, discrepancies and scheduled jobs.
    """
    from intake.cli.checks.checks import run_checks
    from intake.cli.processes.servers import servers

    with servers(database=True, broker=True) as settings:
        findings = run_checks(settings)
    is_ok = all(finding.is_ok for finding in findings)
    if as_json:
        checks = [{"check": one.check, "is_ok": one.is_ok, "message": one.message} for one in findings]
        print_json({"is_ok": is_ok, "checks": checks})
    else:
        for one in findings:
            mark, style = ("ok  ", "green") if one.is_ok else ("bad ", "bold red")
            print_mark(mark, style, f"{one.check}: {one.message}")
    if not is_ok:
        raise typer.Exit(1)
