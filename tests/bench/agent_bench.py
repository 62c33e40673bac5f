#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an agent costs, against the simulator: each figure beside its goal; ends with 1 where one is missed.

    tests/bench/agent_bench.py [--idle-s SECONDS]

Memory, start and time of the processor are those of an agent with TLS that probes as by default. What is compared (a
question or an install sent to Arklet by hand, `curl | sha256sum` of the same jar) is measured in turns with it.
Questions at a rate come from agent_load, which does not wait for answers. Of a machine with other work to do only
what is compared says something.
"""
import argparse
import pathlib
import shlex
import ssl
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basekit  # noqa: E402
import kubecerts  # noqa: E402
import protokit  # noqa: E402

STARTS = 20
QUESTIONS, INSTALLS = 2000, 500
RATE, RATE_S = 2000, 10
CONNECTIONS = 1000
DOWNLOADS, JAR_MB = 5, 128
WARM_OPERATIONS, OPERATIONS = 3000, 10000
GOAL_RSS_MB, GOAL_SIZE_MB, GOAL_START_MS, GOAL_IDLE_PERCENT = 12, 13, 20, 0.1
GOAL_P50_MS, GOAL_P99_MS, GOAL_DOWNLOAD, GOAL_GROWTH_MB = 0.5, 2, 0.8, 0.5
GOAL_RATE_P99_MS = 50  # what falls behind waits for seconds
# The first frames of an HTTP/2 client.
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))

kept = []  # whether each goal was


def tell(what, figure, unit, goal=None, least=False):
    text = f"{what:48} {figure:9.2f} {unit:4}"
    if goal is not None:
        kept.append(figure >= goal if least else figure <= goal)
        text += f" goal {'>=' if least else '<='} {goal:8.2f}   {'kept' if kept[-1] else 'MISSED'}"
    print(text, flush=True)


class Agent:
    """A process that tells on a pipe, so that its start is seen when it happens."""

    def __init__(self, base, folder, tls=True):
        certs = folder / "certs"
        security = (["--tls-cert", str(certs / "server.crt"), "--tls-key", str(certs / "server.key"),
                     "--tls-ca", str(certs / "ca.crt")] if tls else ["--insecure"])
        self.tls = str(certs) if tls else "-"
        self.cache = folder / "cache"
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [str(basekit.find_program("koupleless-agent")), *security, "--listen", "127.0.0.1:0",
             "--http-listen", "127.0.0.1:0", "--log-format", "json", "--cache-dir", str(self.cache),
             "--arklet", f"http://{base.address}:{basekit.ARKLET_PORT}",
             "--health-url", f"http://{base.address}:{basekit.HTTP_PORT}/actuator/health"],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if '"serving"' in line:
                break
        self.start_ms = (time.perf_counter() - began) * 1000
        self.port = int(line.split('"port":')[1].split(",")[0].rstrip("}\n"))
        # What it logs has to be read, else it waits for that.
        self.reader = threading.Thread(target=self.process.stderr.read)
        self.reader.start()

    def rss_mb(self, what="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        kb, = [line.split()[1] for line in status.splitlines() if line.startswith(what + ":")]
        return int(kb) / 1024

    def cpu_s(self):
        """Of all its threads, to the nanosecond: what /proc/PID/stat counts is a hundredth of a second."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def wakes(self):
        """How often one of its threads began to run after it had waited."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        lines = [line for task in tasks for line in (task / "status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    def load(self, *arguments):
        """Runs agent_load against this agent; its figures."""
        done = subprocess.run([str(basekit.find_program("agent_load")), f"127.0.0.1:{self.port}", self.tls,
                               *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
        return {name: float(figure) for name, figure in map(str.split, done.stdout.splitlines())}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.reader.join()
        assert self.process.wait(basekit.WATCHDOG_S) == 0


def make_certificates(folder):
    certs = folder / "certs"
    certs.mkdir()
    kubecerts.make(certs, "127.0.0.1")
    kubecerts.leaf(certs, "client", "/CN=client")


def secure_channel(agent):
    read = [(pathlib.Path(agent.tls) / name).read_bytes() for name in ("ca.crt", "client.key", "client.crt")]
    return protokit.channel(f"127.0.0.1:{agent.port}", grpc.ssl_channel_credentials(*read))


# -- what it is --


def measure_size(folder):
    stripped = folder / "stripped"
    program = basekit.find_program("koupleless-agent")
    subprocess.run(["strip", "-o", stripped, program], check=True)
    tell("the program, stripped", stripped.stat().st_size / 1e6, "MB", GOAL_SIZE_MB)
    objects = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    tell("libraries that it loads", len(objects) - 1, "")


def measure_starts(base, folder):
    times = []
    for _ in range(STARTS):
        with Agent(base, folder) as agent:
            times.append(agent.start_ms)
    tell(f"start until it serves, median of {STARTS}", statistics.median(times), "ms", GOAL_START_MS)


def cost_of_waking(per_second, seconds):
    """Percent of a core that this machine takes for a script that wakes as often, and sleeps again."""
    script = (f"import time\nbegan = time.process_time()\nfor _ in range({per_second * seconds:.0f}): "
              f"time.sleep({1 / per_second})\nprint(time.process_time() - began)")
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout) / seconds * 100


def measure_idle(agent, seconds):
    """From the second round on: the first reads what later ones compare with. How often it wakes does not depend on what
    else the machine does, unlike the time that each takes."""
    time.sleep(5)
    before, woke, began = agent.cpu_s(), agent.wakes(), time.monotonic()
    time.sleep(seconds)
    used, woken, passed = agent.cpu_s() - before, agent.wakes() - woke, time.monotonic() - began
    tell(f"processor while idle, of one core, over {passed:.0f} s", used / passed * 100, "%", GOAL_IDLE_PERCENT)
    tell("    its threads wake", woken / passed, "/s")
    tell("    what wakes as often, and does nothing", cost_of_waking(woken / passed, seconds / 3), "%")
    tell("memory while idle (RSS)", agent.rss_mb(), "MB", GOAL_RSS_MB)
    tell("    of it its own, not of files", agent.rss_mb("RssAnon"), "MB")


# -- what it does --


def measure_latency(agent, base, jar):
    """A question is one to Arklet too. An install asks Arklet before its command, writes down what it does, and checks the
    jar; what gRPC takes, which a question of the same run shows, is left out of it."""
    arklet = f"http://{base.address}:{basekit.ARKLET_PORT}"
    for what, arguments in (("question", (QUESTIONS,)), ("install", (INSTALLS, jar))):
        figures = agent.load(what + "s", arklet, *arguments)
        for point, goal in (("p50", GOAL_P50_MS), ("p99", GOAL_P99_MS)):
            by_hand, through = figures[f"by_hand_{point}"], figures[f"through_{point}"]
            nothing = figures.get(f"nothing_{point}", 0)
            tell(f"{what}, {point}: Arklet by hand", by_hand, "ms")
            tell(f"{what}, {point}: through the agent", through, "ms")
            if nothing:
                tell(f"call that does nothing, {point}", nothing, "ms")
            tell(f"    added to a {what}, {point}".replace("a i", "an i"), through - nothing - by_hand, "ms", goal)


def measure_rate(agent):
    figures = agent.load("rate", RATE, RATE_S)
    tell(f"{RATE} questions/s for {RATE_S} s: answered of those offered",
         100 * figures["rate_answered"] / figures["rate_offered"], "%", 100, least=True)
    tell("    not answered yet when the last one was sent", figures["rate_open"], "")
    tell("    the client's own delay by then", figures["rate_behind_ms"], "ms")
    tell("    p50", figures["rate_p50"], "ms")
    tell("    p99", figures["rate_p99"], "ms", GOAL_RATE_P99_MS)


def measure_connections(agent):
    context = ssl.create_default_context(cafile=f"{agent.tls}/ca.crt")
    context.load_cert_chain(f"{agent.tls}/client.crt", f"{agent.tls}/client.key")
    context.set_alpn_protocols(["h2"])
    before = agent.rss_mb()
    connections = []
    for _ in range(CONNECTIONS):
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", agent.port)), server_hostname="127.0.0.1")
        connection.sendall(HTTP2_PREFACE)
        assert connection.recv(1)  # its settings: the connection is made on both sides
        connections.append(connection)
    tell(f"memory with {CONNECTIONS} idle connections, TLS", agent.rss_mb(), "MB")
    tell("    for each", (agent.rss_mb() - before) / CONNECTIONS * 1024, "KiB")
    for connection in connections:
        connection.close()


def measure_growth(agent, jar):
    agent.load("operations", WARM_OPERATIONS, jar)
    before = agent.rss_mb()
    agent.load("operations", OPERATIONS, jar)
    tell(f"memory after {WARM_OPERATIONS} operations", before, "MB")
    tell(f"    growth by {OPERATIONS} more", agent.rss_mb() - before, "MB", GOAL_GROWTH_MB)


# -- downloads --


def make_large_jar(base, folder):
    jar = base.jar("large")
    with zipfile.ZipFile(jar.path, "a", zipfile.ZIP_STORED) as archive, open("/dev/urandom", "rb") as noise:
        archive.writestr("filling", noise.read(JAR_MB << 20))
    served = folder / "served"
    served.mkdir()
    target = served / "large.jar"
    jar.path.rename(target)
    return jar, target


def measure_download(agent, base, folder, protos):
    proto, modules = protos["koupleless.agent.v1"], protos["koupleless.module.v1"]
    jar, file = make_large_jar(base, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory",
                               str(file.parent)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/{file.name}"
    pipe = f"curl -s --retry 20 --retry-connrefused {shlex.quote(url)} | sha256sum"
    digest = subprocess.run(pipe, shell=True, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0]
    spec = modules.ModuleSpec(name=jar.module, version=jar.version, url=url, sha256=digest)
    by_hand, through = [], []
    with secure_channel(agent) as channel:
        stub = proto.AgentServiceStub(channel)
        for _ in range(DOWNLOADS):
            began = time.perf_counter()
            subprocess.run(pipe, shell=True, stdout=subprocess.DEVNULL, check=True)
            by_hand.append(time.perf_counter() - began)
            began = time.perf_counter()
            operation = stub.PrefetchModule(proto.PrefetchModuleRequest(module=spec)).operation
            through.append(time.perf_counter() - began)
            assert operation.state == proto.OPERATION_STATE_SUCCEEDED and operation.digest == digest, operation
            for cached in agent.cache.glob("*.jar"):
                cached.unlink()
    server.terminate()
    server.wait()
    size_mb = file.stat().st_size / 1e6
    tell(f"{size_mb:.0f} MB by curl | sha256sum, median of {DOWNLOADS}", size_mb / statistics.median(by_hand), "MB/s")
    tell("    fetched and checked by the agent", size_mb / statistics.median(through), "MB/s")
    tell("    beside that", statistics.median(by_hand) / statistics.median(through), "", GOAL_DOWNLOAD, least=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--idle-s", type=int, default=60, help="how long it is watched while idle")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "protos").mkdir()
        protos = protokit.load(folder / "protos")
        make_certificates(folder)
        with basekit.Simulator(folder / "sim", "--loops", "0") as simulator:
            base = simulator.bases[0]
            jar = base.jar("bench").path
            measure_size(folder)
            measure_starts(base, folder)
            with Agent(base, folder) as agent:
                measure_idle(agent, options.idle_s)
                measure_growth(agent, jar)
                measure_rate(agent)
                measure_download(agent, base, folder, protos)
                measure_connections(agent)
            # Without TLS, as Arklet by hand is.
            with Agent(base, folder, tls=False) as agent:
                measure_latency(agent, base, jar)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
