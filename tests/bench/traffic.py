#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which requests fail while modules come, are released, moved and go: real JVMs under load.

    /usr/bin/python3 tests/bench/traffic.py [--drain-seconds 5] [--only TEXT]

Prints policy x operation, requests sent and failed, p99 before and during the operation, and why where some fail; ends
with 1 where an operation that promises none has failures. How the load is made: tests/support/trafficload.py.
"""
import argparse
import contextlib
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basekit  # noqa: E402
import systemkit  # noqa: E402
import trafficload  # noqa: E402

BASES = 4
BEFORE = 600  # requests
LIMIT_S = 300


class Table:
    """One row per operation."""

    def __init__(self):
        self.broken = []
        print(f"{'policy':22} {'operation':42} {'sent':>6} {'failed':>6} {'p99 before':>11} {'during':>9}  why", flush=True)

    def row(self, policy, operation, before, during, why):
        kinds = ", ".join(f"{count} x {kind}" for kind, count in during.failed.most_common())
        if during.failures and not why:
            self.broken.append(operation)
            why = "BROKEN PROMISE"
        told = f"{why}: {kinds}" if during.failures else ""
        print(f"{policy:22} {operation:42} {during.sent:6} {during.failures:6} {told_ms(before.p99_ms):>11} "
              f"{told_ms(during.p99_ms):>9}  {told}".rstrip(), flush=True)


def told_ms(ms):
    return "-" if ms != ms else f"{ms:.1f} ms"  # NaN: there were no requests


class Bench:
    def __init__(self, system, endpoints, table, drain_s):
        self.system, self.endpoints, self.table, self.drain_s = system, endpoints, table, drain_s

    def jar(self, name, version, **extra):
        return self.system.jar(name, version, web=name != "inner", **extra)

    def apply(self, name, version, replicas, policy, max_unavailable=1, jar=None, **strategy):
        strategy = {"upgradePolicy": policy, "drainSeconds": self.drain_s, **strategy}
        spec = {} if max_unavailable is None else {"maxUnavailable": {"number": max_unavailable}}
        self.system.apply(name, jar or self.jar(name, version), replicas=replicas, strategy=strategy, **spec)

    def completed(self, name):
        self.system.wait_completed(name, LIMIT_S)

    @contextlib.contextmanager
    def measured(self, load, policy, operation, why=None, expected=True, before=BEFORE):
        """One row: some requests before, those while the block runs, and some until all clients know of its end."""
        load.expected = expected
        begin = load.mark()
        if self.endpoints.of(load.module):
            load.wait_more(before)
        mark = load.mark()
        yield
        if self.endpoints.wait(load.module):
            load.wait_more(before // 6)
        over = load.mark()
        load.expected = False
        self.table.row(policy, operation, load.since(begin, mark), load.since(mark, over), why)

    def replace(self, name):
        module = self.system.modules(name)[0]
        request = self.system.proto.ReplaceModuleRequest(namespace=self.system.namespace, name=module.metadata.name)
        self.system.inventory.ReplaceModule(request)
        basekit.wait_until(lambda: all(m.metadata.uid != module.metadata.uid for m in self.system.modules(name)), "it to go")
        self.system.wait_agreement(name)

    def gone(self, name):
        self.system.call("DeleteModuleDeployment", name)
        self.system.wait_gone(name)

    # -- the course --

    def web(self):
        """Modules with a web path: two versions never run in one base."""
        first, second, third = "installThenUninstall", "uninstallThenInstall", "scaleUpThenScaleDown"
        with trafficload.Load(self.endpoints, "web") as load:
            with self.measured(load, "any", "online", expected=False):
                self.apply("web", "1.0.0", 3, first)
                self.completed("web")
            with self.measured(load, first, "release, room on another base"):
                self.apply("web", "2.0.0", 3, first)
                self.completed("web")
            with self.measured(load, "any", "scale up"):
                self.apply("web", "2.0.0", BASES, first)
                self.completed("web")
            with self.measured(load, first, "release in place"):
                self.apply("web", "3.0.0", BASES, first)
                self.completed("web")
            with self.measured(load, first, "rollback in place"):
                self.system.call("UndoRelease", "web")
                self.completed("web")
            with self.measured(load, second, "release"):
                self.apply("web", "4.0.0", BASES, second)
                self.completed("web")
            with self.measured(load, second, "release, controller killed meanwhile"):
                self.apply("web", "4.1.0", BASES, second)
                basekit.wait_until(lambda: len(self.endpoints.of("web")) < BASES, "one to leave traffic")
                self.system.restart("controller")
                self.completed("web")
            with self.measured(load, second, "release that fails, put back"):
                self.apply("web", "5.0.0", BASES, second, jar=self.jar("web", "5.0.0", Test_Fail="bean"))
                self.system.wait_modules(lambda all_: any(m.status.attempts >= 2 for m in all_), "a second attempt", "web")
                self.system.call("UndoRelease", "web")
                self.completed("web")
            with self.measured(load, "any", "replace one instance"):
                self.replace("web")
            with self.measured(load, "any", "another module comes and goes"):
                self.apply("other", "1.0.0", BASES, first)
                self.completed("other")
                self.gone("other")
            with self.measured(load, "any", "scale down"):
                self.apply("web", "4.1.0", 2, third)
                self.completed("web")
            with self.measured(load, third, "release"):
                self.apply("web", "6.0.0", 2, third)
                self.completed("web")
            with self.measured(load, second, "release, no maxUnavailable", "all instances are away at once"):
                self.apply("web", "7.0.0", 2, second, None)
                self.completed("web")
            with self.measured(load, second, "release, drainSeconds 0", "uninstalled before clients know"):
                self.apply("web", "8.0.0", 2, second, drainSeconds=0)
                self.completed("web")
            with trafficload.Load(self.endpoints, "web", staying=4, pace_s=0.2) as slow:
                with self.measured(slow, second, "release, 20 s on one connection", "connections outlive drainSeconds",
                                   before=60):
                    self.apply("web", "9.0.0", 2, second)
                    self.completed("web")
            with self.measured(load, "any", "offline", expected=False):
                self.gone("web")

    def inner(self):
        """Modules that are called inside the JVM."""
        policy = "installThenUninstall"
        with trafficload.Load(self.endpoints, "inner", call=True) as load:
            with self.measured(load, "any", "online, calls inside the JVM", expected=False):
                self.apply("inner", "1.0.0", BASES, policy, None)
                self.completed("inner")
            with self.measured(load, policy, "release side by side, calls"):
                self.apply("inner", "2.0.0", BASES, policy, None)
                self.completed("inner")
            with self.measured(load, policy, "rollback side by side, calls"):
                self.system.call("UndoRelease", "inner")
                self.completed("inner")
            own = trafficload.Fixed(f"{self.system.base(1).address}:{basekit.HTTP_PORT}")
            with trafficload.Load(own, "inner", call=True) as load_within:
                with self.measured(load_within, policy, "release side by side, callers in one base"):
                    self.apply("inner", "3.0.0", BASES, policy, None)
                    self.completed("inner")
                with self.measured(load_within, "uninstallThenInstall", "release, callers in one base",
                                   "callers inside a JVM follow no label"):
                    self.apply("inner", "4.0.0", BASES, "uninstallThenInstall")
                    self.completed("inner")
            with self.measured(load, "any", "offline, calls", expected=False):
                self.gone("inner")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--drain-seconds", type=int, default=5)
    parser.add_argument("--only", choices=["web", "inner"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with systemkit.System(folder, bases=BASES, kind="jvm") as system, trafficload.Endpoints(system) as endpoints:
            table = Table()
            bench = Bench(system, endpoints, table, args.drain_seconds)
            for course in ("web", "inner"):
                if args.only in (None, course):
                    getattr(bench, course)()
            system.check_operations()
    for operation in table.broken:
        print(f"requests failed that must not: {operation}", file=sys.stderr)
    return 1 if table.broken else 0


if __name__ == "__main__":
    sys.exit(main())
