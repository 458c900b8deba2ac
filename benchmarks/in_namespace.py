"""Runs a module on a host of `running.namespaces`: `python -m benchmarks.in_namespace HOST MODULE …`."""

import os
import sys


def main() -> None:
    """Become the module's process, with the network of the host."""
    name, *words = sys.argv[1:]
    os.execvp("ip", ["ip", "netns", "exec", name, sys.executable, "-m", *words])


if __name__ == "__main__":
    main()
