# SPDX-License-Identifier: Apache-2.0
"""Bases for tests: a simulated one or a real JVM, one client for both, and module jars.

Everything listens on loopback addresses of its own, so that tests may run side by side. Nothing here
sleeps but wait_until(), which asks again until a condition holds.
"""
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

SUPPORT = pathlib.Path(__file__).resolve().parent
TOP = SUPPORT.parent.parent
JAVABASE = SUPPORT / "javabase"
sys.path.insert(0, str(JAVABASE))
import mkbiz  # noqa: E402

ARKLET_PORT = 1238
HTTP_PORT = 8080
WATCHDOG_S = 60  # generous: nothing is judged by time


class Unavailable(Exception):
    """This kind of base can't be had on this machine."""


def wait_until(condition, what, timeout_s=WATCHDOG_S):
    """Asks @condition until it gives something true, and returns that."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.01)


_networks = itertools.count(1009 * os.getpid())  # so many networks from those of a run that begins beside it


def free_address(count=1, ports=(ARKLET_PORT, HTTP_PORT)):
    """The first of @count addresses of this machine on which these ports are free: of loopback, but in a network of
    netns.sh, which names its own."""
    own = os.environ.get("KOUPLELESS_TEST_NETWORK")
    for n in _networks:
        # A network of 250 addresses for few bases, one of 65,000 for many.
        few = f"{own or f'127.{64 + n // 250 % 128}'}.{n % 250}.1"
        first = few if count <= 250 else f"127.{192 + n % 60}.0.1"
        if all(_is_free(first, port) for port in ports):
            return first


def _is_free(address, port):
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


class Answer:
    """What Arklet sent: the head as text, the body as bytes, and as JSON where it is some."""

    def __init__(self, raw):
        self.raw = raw
        self.head, _, self.body = raw.partition(b"\r\n\r\n")
        try:
            self.json = json.loads(self.body)
        except ValueError:
            self.json = None

    @property
    def code(self):
        return self.json["code"]

    @property
    def message(self):
        return self.json.get("message")

    @property
    def data(self):
        return self.json.get("data")

    def last_cause(self):
        lines = self.json["errorStackTrace"].split("\n")
        return [line for line in lines if line.startswith("Caused by: ")][-1]


class Page:
    """An answer of the web port."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Base:
    """A running base and what a client can do with it."""

    def __init__(self, kind, address, jar_dir, template=None):
        self.kind, self.address = kind, address
        self.jar_dir, self.template = pathlib.Path(jar_dir), template
        self.operations = None  # path of the operations log
        self._serial = itertools.count(1)

    # -- Arklet --

    def connect(self, timeout_s=WATCHDOG_S):
        return socket.create_connection((self.address, ARKLET_PORT), timeout=timeout_s)

    def exchange(self, request, timeout_s=WATCHDOG_S):
        """Sends bytes as they are and reads to the end of the connection."""
        with self.connect(timeout_s) as conn:
            conn.sendall(request)
            return read_to_end(conn)

    def call(self, command, body=None, timeout_s=WATCHDOG_S):
        """POST /command; @body: an object, text as it is, or None for an empty body."""
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        data = text.encode()
        head = f"POST /{command} HTTP/1.1\r\nHost: base\r\nContent-Length: {len(data)}\r\n\r\n"
        return Answer(self.exchange(head.encode() + data, timeout_s))

    def install(self, jar, name=None, version=None, **more):
        url = jar if isinstance(jar, str) else jar.as_uri()
        body = {"bizUrl": url, **more}
        if name is None and not isinstance(jar, str):
            name, version = jar.module, jar.version
        if name is not None:
            body.update(bizName=name, bizVersion=version)
        return self.call("installBiz", body)

    def uninstall(self, name, version, **more):
        return self.call("uninstallBiz", {"bizName": name, "bizVersion": version, **more})

    def switch(self, name, version, **more):
        return self.call("switchBiz", {"bizName": name, "bizVersion": version, **more})

    def modules(self):
        """name:version -> state, as queryAllBiz tells, in the lower case of newer lines."""
        answer = self.call("queryAllBiz", {})
        assert answer.code == "SUCCESS"
        return {f"{m['bizName']}:{m['bizVersion']}": m["bizState"].lower() for m in answer.data}

    def record(self, request_id):
        answer = self.call("queryBizOps", {"requestId": request_id})
        assert answer.code == "SUCCESS", answer.json
        return answer.data

    def finished_record(self, request_id):
        """The record of an asynchronous operation once it has ended, however."""

        def ended():
            record = self.record(request_id)
            return record if record["endTimestamp"] else None

        return wait_until(ended, f"the end of {request_id}")

    def clean(self):
        """Uninstalls everything: tests share one base."""

        def emptied():
            for identity, state in self.modules().items():
                if state != "resolved":
                    self.uninstall(*identity.split(":"))
            return not self.modules()

        wait_until(emptied, "an empty base")

    # -- web --

    def get(self, path, method="GET", body=None):
        conn = http.client.HTTPConnection(self.address, HTTP_PORT, timeout=WATCHDOG_S)
        try:
            conn.request(method, path, body=body)
            answer = conn.getresponse()
            return Page(answer.status, answer.headers, answer.read().decode())
        finally:
            conn.close()

    def health(self, rest=""):
        return self.get("/actuator/health" + rest)

    def control(self, what, **body):
        """Of the simulator only: POST /sim/..."""
        page = self.get(f"/sim/{what}", "POST", json.dumps(body))
        assert page.status == 200, page.body

    # -- modules --

    def unique(self, stem="m"):
        """A module name that no other test has used on this base."""
        return f"{stem}{next(self._serial)}"

    def jar(self, name, version="1.0.0", context=None, **extra):
        """A module jar; @extra: manifest keys with '_' for '-', as Test_Fail="main"."""
        path = self.jar_dir / f"{name}-{version}-{next(self._serial)}.jar"
        keys = {key.replace("_", "-"): str(value) for key, value in extra.items()}
        mkbiz.make_module(path, name, version, context or name, keys, self.template)
        return Jar(path, name, version)

    def operations_of(self, name):
        """What was really done with a module: list of (operation, version)."""
        lines = [line.split() for line in self.operations.read_text().splitlines()]
        return [(line[1], line[3]) for line in lines if line[0] == self.address and line[2] == name]

    def modules_in_order(self):
        """The names of the modules to which something was done, one for each time."""
        return [line.split()[2] for line in self.operations.read_text().splitlines()]


class Jar:
    def __init__(self, path, module, version):
        self.path, self.module, self.version = path, module, version

    @property
    def sha256(self):
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def as_uri(self):
        return self.path.as_uri()


def read_to_end(conn):
    parts = []
    while True:
        part = conn.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


class Parallel:
    """A call that runs beside the test; result() waits for it."""

    def __init__(self, function, *args, **kwargs):
        self._outcome = None
        self._thread = threading.Thread(target=self._run, args=(function, args, kwargs), daemon=True)
        self._thread.start()

    def _run(self, function, args, kwargs):
        try:
            self._outcome = (function(*args, **kwargs), None)
        except Exception as error:  # handed to the test by result()
            self._outcome = (None, error)

    def done(self):
        return not self._thread.is_alive()

    def result(self):
        self._thread.join(WATCHDOG_S)
        assert self._outcome, "the call has not ended"
        if self._outcome[1]:
            raise self._outcome[1]
        return self._outcome[0]


def find_program(name):
    """A program of ours, from the build folder in $KOUPLELESS_BUILD_DIR, or else build/dev."""
    path = pathlib.Path(os.environ.get("KOUPLELESS_BUILD_DIR", TOP / "build" / "dev")) / "bin" / name
    if not path.exists():
        raise Unavailable(f"{path} is not built (make build; or set KOUPLELESS_BUILD_DIR)")
    return path


class Simulator:
    """One arklet-sim process; bases[] are its bases. Use as a context."""

    def __init__(self, folder, *options, count=1, program=None, first=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        first = first or free_address(count)
        self.operations = self.folder / "operations"
        self.operations.touch()
        self.process = subprocess.Popen(
            [str(program or find_program("arklet-sim")), "--first", first, "--bases", str(count),
             "--arklet-port", str(ARKLET_PORT), "--http-port", str(HTTP_PORT),
             "--operations-log", str(self.operations), *options],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.bases = [self._base(address) for address in addresses(first, count)]

    def _base(self, address):
        base = Base("sim", address, self.folder)
        base.operations = self.operations
        return base

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        assert self.process.wait(WATCHDOG_S) == 0, "the simulator did not end well"


def addresses(first, count):
    number = int.from_bytes(socket.inet_aton(first), "big")
    return [socket.inet_ntoa((number + i).to_bytes(4, "big")) for i in range(count)]


def java_base(line="current"):
    """The folder with the real base and its module, built where it isn't yet; @line: see build.sh. Raises Unavailable."""
    built = subprocess.run([str(JAVABASE / "build.sh"), line], stdout=subprocess.PIPE, text=True)
    if built.returncode == 77:
        raise Unavailable("no Java base can be built here")
    assert built.returncode == 0, "build.sh failed"
    return pathlib.Path(built.stdout.split()[-1])


def _lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class RealBase:
    """One JVM, by default on any free address; .base is it. @line: of Koupleless, see build.sh; @prepare: called with the
    base before it starts. Raises Unavailable where Java or Maven can't be had. Use as a context."""

    def __init__(self, folder, *java_flags, address=None, line="current", wait=True, prepare=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        template = java_base(line) / "module.jar"
        self.run_dir = self.folder / "jvm"
        self._line, self._flags = line, java_flags
        self.base = Base("jvm", address or free_address(), self.folder, template)
        self.base.operations = self.run_dir / "operations"
        if prepare:
            prepare(self.base)
        self.start(wait)

    def start(self, wait=True):
        """The JVM, again where it has been killed; until it is ready, where @wait."""
        subprocess.run(
            [str(JAVABASE / "start.sh"), "--address", self.base.address, "--dir", str(self.run_dir),
             "--arklet-port", str(ARKLET_PORT), "--http-port", str(HTTP_PORT), "--line", self._line,
             *([] if wait else ["--no-wait"]), "--", *self._flags],
            stdout=subprocess.PIPE, check=True)

    def signal(self, number):
        os.kill(int((self.run_dir / "pid").read_text()), number)

    def kill(self):
        """SIGKILL, as when it runs out of memory; returns when it is gone."""
        pid = int((self.run_dir / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not _lives(pid), "the JVM to be gone")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        subprocess.run([str(JAVABASE / "stop.sh"), "--dir", str(self.run_dir)], check=True)
