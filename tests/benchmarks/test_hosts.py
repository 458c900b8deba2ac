"""Several hosts on one machine, and what their processes take of the processor."""

import os
import subprocess
import sys

import pytest

from benchmarks.hosts import share, site
from benchmarks.running.namespaces import Network, NoNamespaces
from benchmarks.running.processor import seconds_of
from tests.processes import wait_until


@pytest.fixture
def can_make_hosts() -> None:
    try:
        with Network(1):
            pass
    except NoNamespaces as reason:
        pytest.skip(str(reason))


def _names() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("can_make_hosts")
def test_hosts_share_the_orders_of_a_queue_and_the_calls_of_clients() -> None:
    with site(2) as here:
        names = [host.name for host in here.network.hosts]
        assert all(name in _names() for name in names)

        found = share(here, 2, orders=4_000, seconds=0.5)

    assert sum(worker.orders for worker in found.workers) == 4_000
    assert all(worker.orders > 0 for worker in found.workers)
    assert [intake.orders > 0 for intake in found.intakes] == [True, True]
    assert all(0 < part.milliseconds < 1_000 for part in (*found.workers, *found.intakes))
    assert not any(name in _names() for name in names)


@pytest.mark.usefixtures("can_make_hosts")
def test_a_host_reaches_the_servers_by_their_address_only() -> None:
    with Network(2) as network:
        devices = subprocess.run(
            ["ip", "netns", "exec", network.hosts[0].name, "ip", "-brief", "address"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert network.hosts[0].address in devices
    assert network.hosts[1].address not in devices
    assert len(devices.splitlines()) == 2  # its own loopback, and its cable


@pytest.mark.usefixtures("can_make_hosts")
def test_runs_beside_each_other_have_addresses_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getpid()
    with Network(1) as first:
        monkeypatch.setattr(os, "getpid", lambda: mine + 256)
        with Network(1) as second:
            assert first.subnet != second.subnet


def test_who_may_make_no_hosts_is_told_so() -> None:
    if os.geteuid() == 0:
        pytest.skip("root may")
    with pytest.raises(NoNamespaces, match="root"), Network(1):
        pass


def test_the_processor_time_of_a_process_includes_its_children_that_ended_and_that_run() -> None:
    burn = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    parent = (
        "import subprocess, sys, time\n"
        f"burn = {burn!r}\n"
        "subprocess.run([sys.executable, '-c', burn])\n"
        "child = subprocess.Popen([sys.executable, '-c', burn + '\\ntime.sleep(600)'])\n"
        "sys.stdin.read(); child.kill(); child.wait()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE)
    try:
        wait_until(lambda: seconds_of([process.pid]) > 0.75, what="the time of both children")
    finally:
        process.communicate()
