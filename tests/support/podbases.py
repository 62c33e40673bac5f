# SPDX-License-Identifier: Apache-2.0
"""The bases that the pods of a fleet are (fleetkit.py): all simulated by one process, or a JVM for each; or models of
bases with their agents, all of one process too.

Both kinds have .addresses, those of one network that a base may get; .jars, a basekit.Base that makes jars; and
start(), stop(), restart(), operation_logs() and close().
"""
import concurrent.futures
import pathlib
import subprocess

import basekit


class Simulated:
    """@count addresses, on each of which a base runs from the beginning."""

    def __init__(self, folder, count, options=()):
        self._simulator = basekit.Simulator(pathlib.Path(folder), *options, count=count + 1)
        # The last address is nobody's pod: it is asked to start the others anew, and makes the jars.
        self.jars = self._simulator.bases[-1]
        self._bases = {base.address: base for base in self._simulator.bases[:-1]}
        self.addresses = list(self._bases)
        self._used = set()

    def start(self, address):
        """A base without modules runs there now; it."""
        if address in self._used:
            self.restart(address)
        self._used.add(address)
        return self._bases[address]

    def stop(self, address):
        self.restart(address, -1)

    def restart(self, address, away_ms=0):
        """It dies, and is back, empty, after so long; -1: not before start()."""
        self.control("restart", address, ms=away_ms)

    def control(self, what, address, **body):
        """POST /sim/... about one."""
        self.jars.control(what, base=address, **body)

    def operation_logs(self):
        return {self._simulator.operations}

    def close(self):
        self._simulator.__exit__()


class Modelled:
    """Bases with their agents, of fleet-sim (tests/sim/fleet): cheap, for load. Their jars are never read, and
    what happens in them is told by nobody but their reports."""

    def __init__(self, folder, count):
        self._simulator = basekit.Simulator(pathlib.Path(folder))
        self.jars = self._simulator.bases[0]
        self.addresses = basekit.addresses(basekit.free_address(count), count)
        self._program = None

    def connect(self, controller, namespace, deployment, port):
        """Before the first start(): what the agents are told."""
        self._program = subprocess.Popen(
            [basekit.find_program("fleet-sim"), controller, namespace, deployment, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self._program.stdout.readline() == "ready\n"

    def tell(self, line):
        print(line, file=self._program.stdin, flush=True)
        answer = self._program.stdout.readline()
        assert answer == line + "\n", (answer, self._program.poll())

    def operation_logs(self):
        return {self._simulator.operations}

    def close(self):
        if self._program:
            self._program.stdin.close()
            assert self._program.wait() == 0
        self._simulator.__exit__()


class Real:
    """JVMs, the first @ready of which are started at once and side by side. Raises basekit.Unavailable."""

    def __init__(self, folder, count, ready):
        self._folder, self._running, self._logs = pathlib.Path(folder), {}, set()
        self.addresses = basekit.addresses(basekit.free_address(count), count)
        self.jars = basekit.Base("jvm", self.addresses[-1], self._made("jars"), basekit.java_base() / "module.jar")
        with concurrent.futures.ThreadPoolExecutor(max(ready, 1)) as threads:
            list(threads.map(self._run, self.addresses[:ready]))
        self._early = set(self.addresses[:ready])  # running already, for nobody yet

    def _made(self, name):
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _run(self, address):
        self._running[address] = basekit.RealBase(self._made(address), address=address)
        self._logs.add(self._running[address].base.operations)

    def start(self, address):
        if address not in self._early:
            self._run(address)
        self._early.discard(address)
        return self._running[address].base

    def stop(self, address):
        self._running.pop(address).__exit__()

    def restart(self, address, away_ms=0):
        """It is killed, and started again at once."""
        assert away_ms == 0, "only simulated bases stay away for a while"
        self.kill(address)
        self._run(address)

    def kill(self, address):
        """SIGKILL: it is away until start() or restart()."""
        self._running[address].kill()

    def operation_logs(self):
        return self._logs

    def close(self):
        for address in list(self._running):
            self.stop(address)
