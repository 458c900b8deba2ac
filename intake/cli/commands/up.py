"""`willcall up`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intake.cli.processes.supervisor import Child
    from worker.runtime.settings import Settings


def up() -> None:
    """Run everything in the foreground: intake, workers, relay, documents, beat and Flower; Ctrl-C stops it.

    It first migrates the database. If a server's URL is not set, an embedded one runs too.
    """
    from db.engine import make_engine
    from db.migrate import upgrade
    from intake.cli.commands.serve import check_flower, check_intake
    from intake.cli.processes.doors import Doorkeeper, check_free, doors_of
    from intake.cli.processes.foreground import Printer, run_in_foreground
    from intake.cli.processes.servers import check_secrets, servers
    from intake.cli.processes.supervisor import Supervisor
    from worker.runtime.settings import get_settings

    check_flower(get_settings())
    check_intake(get_settings())
    for door in doors_of(get_settings()):
        check_free(door)
    with servers(database=True, broker=True) as settings:
        engine = make_engine(settings.database(), pool_size=2)
        try:
            upgrade(engine)
        finally:
            engine.dispose()
        check_secrets(settings)
        children = _children(settings)
        printer = Printer(["willcall", *(child.name for child in children)])
        if settings.broker_url is None:
            printer.show(
                "willcall", f"the embedded broker, for producers: WILLCALL_BROKER_URL={settings.broker()}"
            )
        run_in_foreground(Supervisor(children, printer.show), Doorkeeper(settings, printer.show).look)


def _children(settings: "Settings") -> "list[Child]":
    from intake.cli.commands.serve import child_environment, worker_children
    from intake.cli.processes.supervisor import Child, willcall

    workers = worker_children(settings)
    port = settings.worker_metrics_port
    relay, documents, beat = (
        {"WILLCALL_WORKER_METRICS_PORT": str(port and port + len(workers) + index)} for index in range(3)
    )
    urls = child_environment(settings)
    return [
        Child("intake", willcall("serve", "intake"), urls),
        *workers,
        Child("relay", willcall("serve", "relay"), urls | relay),
        Child("documents", willcall("serve", "documents"), urls | documents),
        Child("beat", willcall("serve", "beat"), urls | beat),
        Child("flower", willcall("serve", "flower"), urls),
    ]
