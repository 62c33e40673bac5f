# SPDX-License-Identifier: Apache-2.0
"""The whole system for tests: controller (embedded store), scheduler, bases, and an agent beside each base.

    with systemkit.System(tmp_path, bases=3) as system:
        jar = system.jar("pay", "1.0.0")
        system.apply("pay", jar, replicas=2)
        system.wait_completed("pay")
        system.kill("agent-1")
        system.restart("agent-1")

Processes are called "controller", "scheduler", "agent-1", "agent-2", ...; their bases "base-1", "base-2", ...
Each listens on an address of its own, so that they keep their ports through a restart and tests may run
side by side. Whatever happened, System.check_operations() must hold at the end.
"""
import collections
import pathlib

import basekit
import programkit
import protokit
import systemclient
from systemclient import WATCHDOG_S  # noqa: F401 (for tests)

DEPLOYMENT = "dynamic-stock"
LAST_ADDRESS = 254  # of the network of the bases: controller and scheduler
NAMESPACE = "default"


class System(systemclient.Asked):
    """A running system; kind: "sim" or "jvm". Use as a context.

    @spare: more bases that run without an agent: add_base() brings one in.
    @sim, @controller, @agent: more options of these programs.
    """

    def __init__(self, folder, bases=2, kind="sim", spare=0, sim=(), controller=(), agent=(),
                 shared_cache=True):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.protos = protokit.load(_made(self.folder / "protos"))
        self.proto = self.protos["koupleless.controller.v1"]
        self.kind, self.shared_cache = kind, shared_cache
        self.options = {"controller": list(controller), "agent": list(agent)}
        self.processes = {}
        self._starts = collections.Counter()
        self._owners = []  # of the bases
        try:
            self.bases = self._start_bases(bases + spare, list(sim))
            network = self.bases[0].address.rsplit(".", 1)[0]
            self.host = f"{network}.{LAST_ADDRESS}"
            self.start("scheduler")
            self.start("controller")
            for number in range(1, bases + 1):
                self.start(f"agent-{number}")
            self.wait_bases(bases)
        except BaseException:
            self.abandon()
            raise

    # -- processes --

    def _start_bases(self, count, sim_options):
        if self.kind == "sim":
            simulator = basekit.Simulator(_made(self.folder / "sim"), *sim_options, count=count)
            self._owners.append(simulator)
            return simulator.bases
        for number in range(1, count + 1):
            self._owners.append(basekit.RealBase(_made(self.folder / f"base-{number}")))
        return [owner.base for owner in self._owners]

    def _command(self, name):
        """(program, host, its options) of a process."""
        if name == "scheduler":
            return "koupleless-scheduler", self.host, [
                "--listen", f"{self.host}:9091", "--http-listen", f"{self.host}:8081"]
        if name == "controller":
            return "koupleless-controller", self.host, [
                "--listen", f"{self.host}:9090", "--http-listen", f"{self.host}:8080",
                "--store", "embedded", "--data-dir", str(self.data_dir),
                "--scheduler", f"{self.host}:9091", *self.options["controller"]]
        number = name.removeprefix("agent-")
        address = self.base(number).address
        cache = ["--cache-dir", str(_made(self.folder / f"cache-{number}"))] if self.shared_cache else []
        return "koupleless-agent", address, [
            "--listen", f"{address}:1239", "--http-listen", f"{address}:1240",
            "--arklet", f"http://{address}:{basekit.ARKLET_PORT}",
            "--health-url", f"http://{address}:{basekit.HTTP_PORT}/actuator/health",
            "--controller", f"{self.host}:9090", "--pod-name", f"base-{number}", "--pod-ip", address,
            "--base-deployment", DEPLOYMENT, "--poll-interval", "200ms", *cache, *self.options["agent"]]

    @property
    def data_dir(self):
        return _made(self.folder / "data")

    def start(self, name, *more, env=None):
        """Starts a process and waits until it serves; the controller, until it is ready."""
        program, host, options = self._command(name)
        self._starts[name] += 1
        self._close(name)
        folder = self.folder / f"{name}.{self._starts[name]}"
        process = programkit.Program(program, folder, "--insecure", *options, *more, host=host, env=env)
        self.processes[name] = process
        if name == "controller":
            basekit.wait_until(lambda: process.get("/readyz")[0] == 200, "the controller to be ready")
        return process

    def kill(self, name):
        """SIGKILL."""
        self.processes.pop(name).kill()
        self._close(name)

    def stop_one(self, name):
        """SIGTERM; the process must end well."""
        self._close(name)  # a server waits for clients that do nothing, too
        process = self.processes.pop(name)
        code = process.stop()
        assert code == 0, f"{name} ended with {code}: {process.log.read_text(encoding='utf-8')[-2000:]}"

    def restart(self, name):
        """Starts it again; kills it before where it runs still."""
        if name in self.processes:
            self.kill(name)
        return self.start(name)

    def add_base(self):
        """One more of the spare bases gets an agent; its number."""
        number = 1 + sum(name.startswith("agent-") for name in self._starts)
        self.start(f"agent-{number}")
        return number

    def remove_base(self, number):
        """The base and its agent go away for good."""
        self.kill(f"agent-{number}")
        self.restart_base(number, -1)

    def restart_base(self, number, away_ms=0):
        """Of simulated bases: the process dies, and is back, empty, after so long; -1: never."""
        self.control("restart", number, ms=away_ms)

    def real(self, number):
        """The RealBase of a base, of kind "jvm"."""
        return self._owners[int(number) - 1]

    def control(self, what, number=None, **body):
        """Of simulated bases: POST /sim/... about one base or all, asked of any that is there."""
        address = self.base(number).address if number else "*"
        for base in self.bases:
            try:
                base.control(what, base=address, **body)
                return
            except OSError:
                continue
        raise AssertionError("no base is there")

    def stop(self):
        """Everything ends, and ends well; the bases last."""
        for name in sorted(self.processes, key=lambda name: not name.startswith("agent-")):
            self.stop_one(name)
        for owner in reversed(self._owners):
            owner.__exit__()
        self._owners = []

    def abandon(self):
        """Everything ends somehow: the test has failed already."""
        for name in list(self.processes):
            self.kill(name)
        for owner in self._owners:
            try:
                owner.__exit__()
            except AssertionError:
                pass
        self._owners = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        if kind:
            self.abandon()
        else:
            self.stop()

    # -- what systemclient.Asked wants to know --

    namespace, base_deployment = NAMESPACE, DEPLOYMENT

    @property
    def jars(self):
        return self.bases[0]

    def base(self, number):
        return self.bases[int(number) - 1]

    def running(self):
        """Of all bases; those of an agent that is gone are asked too."""
        return {f"base-{number}": base for number, base in enumerate(self.bases, 1)}

    def names(self):
        return {base.address: name for name, base in self.running().items()}

    def operation_logs(self):
        return {base.operations for base in self.bases}


def _made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder
