# SPDX-License-Identifier: Apache-2.0
"""The command line, with everything behind it running.

    /usr/bin/python3 -m pytest tests/cli

One system serves all tests, so each has a ModuleDeployment and a module of its own name.
"""
import fcntl
import itertools
import json
import os
import pathlib
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basekit  # noqa: E402
import systemkit  # noqa: E402

PROGRAM = "koupleless"
_names = itertools.count(1)


def environment(**more):
    """Without any setting for our programs, and with UTF-8 but no terminal; None takes one away."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith(("KOUPLELESS_", "LC_")) and key not in ("TERM", "LANG")}
    env.update({"LANG": "C.UTF-8", **more})
    return {key: value for key, value in env.items() if value is not None}


class Running:
    """A koupleless that goes on. What it prints is read all the time. Use as a context."""

    def __init__(self, command, env, terminal=None):
        self.text, self._lock = "", threading.Lock()
        end = None
        if terminal:  # (rows, columns)
            source, end = pty.openpty()
            fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", *terminal, 0, 0))
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=end or subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env)
        if terminal:
            os.close(end)
        self._source = source if terminal else self.process.stdout.fileno()
        self._terminal = terminal
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                part = os.read(self._source, 65536)
            except OSError:  # so a terminal ends
                return
            if not part:
                return
            with self._lock:
                self.text += part.decode()

    def lines(self):
        """Whole lines so far."""
        with self._lock:
            return self.text.split("\n")[:-1]

    def wait_text(self, text):
        basekit.wait_until(lambda: text in self.text or self.process.poll() is not None, repr(text))
        assert text in self.text, (self.text, self.process.stderr.read())

    def end(self, code, interrupt=False):
        """Its exit code is @code; what it wrote on stderr."""
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        ended = self.process.wait(basekit.WATCHDOG_S)
        self._reader.join(basekit.WATCHDOG_S)
        stderr = self.process.stderr.read().decode()
        assert ended == code, (self.text, stderr)
        return stderr

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(basekit.WATCHDOG_S)
        self._reader.join(basekit.WATCHDOG_S)
        self.process.stderr.close()
        if self._terminal:
            os.close(self._source)
        else:
            self.process.stdout.close()


class Cli:
    """Runs koupleless. Without a server its defaults hold."""

    def __init__(self, server=None, path=None):
        self.path = str(path or basekit.find_program(PROGRAM))
        self.program = "kubectl koupleless" if "kubectl" in self.path else PROGRAM
        self.options = ["--server", server, "--insecure"] if server else []

    def run(self, *arguments, stdin="", env=None, cwd=None):
        return subprocess.run([self.path, *self.options, *map(str, arguments)], input=stdin, env=env or environment(),
                              cwd=cwd, capture_output=True, text=True, timeout=basekit.WATCHDOG_S, check=False)

    def ok(self, *arguments, **how):
        """It has to succeed and to say nothing on stderr; its output."""
        done = self.run(*arguments, **how)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def lines(self, *arguments, **how):
        return self.ok(*arguments, **how).splitlines()

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "-o", "json"))

    def yaml(self, *arguments):
        return yaml.safe_load(self.ok(*arguments, "-o", "yaml"))

    def fails(self, *arguments, code=1, **how):
        """It has to fail with one line on stderr and nothing else; that line."""
        done = self.run(*arguments, **how)
        assert (done.returncode, done.stdout) == (code, ""), done
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"{self.program}: "), line
        return line.removeprefix(f"{self.program}: ")

    def misused(self, *arguments, **how):
        return self.fails(*arguments, code=2, **how)

    def start(self, *arguments, terminal=None, env=None):
        return Running([self.path, *self.options, *arguments], env or environment(), terminal)


@pytest.fixture(scope="session")
def system(tmp_path_factory):
    """Three simulated bases and all that belongs to them."""
    with systemkit.System(tmp_path_factory.mktemp("system"), bases=3) as running:
        yield running
        running.check_operations()


@pytest.fixture
def cli(system):
    """The command line, with the options that lead to the controller."""
    return Cli(system.processes["controller"].grpc)


@pytest.fixture(scope="session")
def alone():
    """The command line without any option: nothing has to listen."""
    return Cli()


class Deployment:
    """A ModuleDeployment of this test alone, as a document."""

    def __init__(self, system, cli, folder):
        self.system, self.cli, self.folder = system, cli, folder
        self.name = f"m{next(_names)}"

    def document(self, version="1.0.0", replicas=1, jar=None, **spec):
        """@spec: more fields; strategy: those of operationStrategy. A replicas of None is left out."""
        jar = jar or self.system.jar(self.name, version)
        module = {"name": jar.module, "version": jar.version, "url": jar.as_uri()}
        body = {"baseDeploymentName": systemkit.DEPLOYMENT, "template": {"spec": {"module": module}},
                "operationStrategy": spec.pop("strategy", {}), **spec}
        if replicas is not None:
            body["replicas"] = replicas
        return {"apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleDeployment",
                "metadata": {"name": self.name}, "spec": body}

    def write(self, *documents, file="md.yaml"):
        """A file with these documents, or with one made by document()."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents or [self.document()]), encoding="utf-8")
        return path

    def apply(self, **how):
        """Applies document(@how) by the command line; the word at the end of its answer."""
        return self.cli.ok("apply", "-f", self.write(self.document(**how))).split()[-1]

    def released(self, **how):
        """The same, until it is Completed."""
        self.apply(**how)
        self.system.wait_completed(self.name)
        return self

    def exists(self):
        return self.system.get(self.name) is not None


@pytest.fixture
def new_deployment(system, cli, tmp_path):
    """Makes names: new_deployment()."""
    return lambda: Deployment(system, cli, tmp_path)


@pytest.fixture
def deployment(new_deployment):
    """Declared nowhere yet."""
    return new_deployment()


@pytest.fixture
def waiting(deployment):
    """Three instances in two batches; the first of one instance is done and waits for confirmation."""
    deployment.apply(replicas=3, strategy={"batchCount": 2, "useBeta": True, "needConfirm": True})
    deployment.system.wait_waiting(deployment.name, batch=1)
    return deployment
