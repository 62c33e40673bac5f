# SPDX-License-Identifier: Apache-2.0
"""Our own programs as processes, for tests: started on free ports, asked over HTTP, ended by SIGTERM."""
import http.client
import json
import os
import pathlib
import subprocess

import basekit


class Program:
    """A running program of ours that serves gRPC at .grpc and HTTP at .http (both "HOST:PORT"). Use as a context.

    @env: variables besides those that are there; @within: a command that runs it.
    """

    def __init__(self, name, folder, *options, host="127.0.0.1", env=None, within=()):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{name}.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*map(str, within), str(basekit.find_program(name)), "--listen", f"{host}:0", "--http-listen", f"{host}:0",
                 "--log-format", "json", *options],
                env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stderr=log)
        serving = basekit.wait_until(self._serving, f"{name} to serve")
        self.grpc = f"{host}:{serving['port']}"
        self.http = f"{host}:{serving['http_port']}"

    def _serving(self):
        # Looked at before the log: one that has ended has written all it had to say.
        ended = self.process.poll()
        for event in self.events():
            if event["msg"] == "serving":
                return event
        assert ended is None, f"it ended with {ended}: {self.log.read_text(encoding='utf-8')}"
        return None

    def events(self):
        """The lines of its log, as objects; without one that is still being written."""
        lines = self.log.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def said(self, message, *parts):
        """The lines of its log with this message and all these texts in their error."""
        return [event for event in self.events()
                if event["msg"] == message and all(part in event.get("error", "") for part in parts)]

    def wait_said(self, message, *parts):
        return basekit.wait_until(lambda: self.said(message, *parts), f'"{message}" {parts}')

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def wait_ready(self):
        basekit.wait_until(self.is_ready, "it to be ready")

    def get(self, path):
        """(status, body) of a page of its HTTP port."""
        conn = http.client.HTTPConnection(self.http, timeout=basekit.WATCHDOG_S)
        try:
            conn.request("GET", path)
            answer = conn.getresponse()
            return answer.status, answer.read().decode()
        finally:
            conn.close()

    def metrics(self):
        """Series ('name{label="value"}') -> number."""
        status, text = self.get("/metrics")
        assert status == 200, text
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(basekit.WATCHDOG_S)

    def kill(self):
        """SIGKILL, as when its machine goes away."""
        self.process.kill()
        self.process.wait(basekit.WATCHDOG_S)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            code = self.stop()
            assert code == 0, f"it ended with {code}: {self.log.read_text(encoding='utf-8')}"


def other_clock(offset):
    """Variables of a Program whose wall clock is off by so much, as "+1d"; its monotonic clock goes on as it is."""
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}


def run(name, *options):
    """A program that ends by itself; the CompletedProcess."""
    return subprocess.run([str(basekit.find_program(name)), *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=basekit.WATCHDOG_S, check=False)
