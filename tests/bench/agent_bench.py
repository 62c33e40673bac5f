#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an agent costs: memory while idle, time to start, and time that it adds to an install.

Against the simulator. Prints each figure beside its goal and ends with 1 where one
is missed. An install through the agent is compared with the same one sent to Arklet by hand; what the
client's own gRPC takes is measured by a call that does nothing, and is left out.
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basekit  # noqa: E402
import protokit  # noqa: E402

STARTS = 20
INSTALLS = 300
IDLE_ROUNDS = 20
GOAL_RSS_MB, GOAL_START_MS, GOAL_ADDED_MS = 12, 20, 0.5


class Agent:
    """A process that tells on a pipe, so that its start is seen when it happens."""

    def __init__(self, base, cache):
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [str(basekit.find_program("koupleless-agent")), "--insecure", "--listen", "127.0.0.1:0",
             "--http-listen", "127.0.0.1:0", "--log-format", "json", "--cache-dir", str(cache),
             "--arklet", f"http://{base.address}:{basekit.ARKLET_PORT}",
             "--health-url", f"http://{base.address}:{basekit.HTTP_PORT}/actuator/health",
             "--poll-interval", "100ms"],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if '"serving"' in line:
                break
        self.start_ms = (time.perf_counter() - began) * 1000
        self.port = line.split('"port":')[1].split(",")[0].rstrip("}\n")

    def rss_mb(self, what="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        kb, = [line.split()[1] for line in status.splitlines() if line.startswith(what + ":")]
        return int(kb) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.stderr.read()
        assert self.process.wait(basekit.WATCHDOG_S) == 0


def timed_ms(function, *args):
    began = time.perf_counter()
    answer = function(*args)
    return (time.perf_counter() - began) * 1000, answer


def measure_starts(base, folder):
    times = []
    for _ in range(STARTS):
        with Agent(base, folder / "cache") as agent:
            times.append(agent.start_ms)
    return statistics.median(times)


def measure_rss(agent, protos, channel):
    """After the base was looked at some times, and nothing else was asked."""
    health = protos["grpc.health.v1"]
    stub = health.HealthStub(channel)
    request = health.HealthCheckRequest()
    basekit.wait_until(lambda: stub.Check(request).status == health.HealthCheckResponse.SERVING, "the agent")
    time.sleep(IDLE_ROUNDS * 0.1)
    return agent.rss_mb(), agent.rss_mb("RssAnon")


def measure_installs(base, protos, channel):
    """Medians in ms: by hand, through the agent, and a call that does nothing."""
    proto, modules = protos["koupleless.agent.v1"], protos["koupleless.module.v1"]
    stub = proto.AgentServiceStub(channel)
    direct, through, nothing = [], [], []
    jar = base.jar("bench")
    spec = modules.ModuleSpec(name=jar.module, version=jar.version, url=jar.as_uri())
    spec.sha256 = stub.PrefetchModule(proto.PrefetchModuleRequest(module=spec)).operation.digest
    request = proto.InstallModuleRequest(module=spec)
    for _ in range(INSTALLS):
        ms, answer = timed_ms(base.install, jar)
        assert answer.code == "SUCCESS"
        direct.append(ms)
        base.uninstall(jar.module, jar.version)
        ms, answer = timed_ms(stub.InstallModule, request)
        assert answer.operation.state == proto.OPERATION_STATE_SUCCEEDED, answer
        through.append(ms)
        base.uninstall(jar.module, jar.version)
        ms, _ = timed_ms(stub.GetHealth, proto.GetHealthRequest())
        nothing.append(ms)
    return [statistics.median(times) for times in (direct, through, nothing)]


def tell(what, figure, goal, unit):
    kept = figure <= goal
    print(f"{what:44} {figure:8.2f} {unit:3} goal {goal:6.2f}   {'kept' if kept else 'MISSED'}")
    return kept


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "protos").mkdir()
        protos = protokit.load(folder / "protos")
        with basekit.Simulator(folder / "sim", "--loops", "0") as simulator:
            base = simulator.bases[0]
            start = measure_starts(base, folder)
            with Agent(base, folder / "cache") as agent:
                channel = protokit.channel(f"127.0.0.1:{agent.port}")
                rss, private = measure_rss(agent, protos, channel)
                direct, through, nothing = measure_installs(base, protos, channel)
                after = agent.rss_mb()
                channel.close()
    print(f"{'install sent to Arklet by hand, p50':44} {direct:8.2f} ms")
    print(f"{'install through the agent, p50':44} {through:8.2f} ms")
    print(f"{'a call that does nothing, p50':44} {nothing:8.2f} ms")
    print(f"{f'memory after {INSTALLS} installs':44} {after:8.2f} MB")
    print(f"{'memory while idle, without files and libraries':44} {private:6.2f} MB")
    kept = [tell("memory while idle (RSS)", rss, GOAL_RSS_MB, "MB"),
            tell(f"start until it serves, median of {STARTS}", start, GOAL_START_MS, "ms"),
            tell("added to an install, p50", through - nothing - direct, GOAL_ADDED_MS, "ms")]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
