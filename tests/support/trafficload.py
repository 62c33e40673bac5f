# SPDX-License-Identifier: Apache-2.0
"""Requests to the endpoints of a module, as its Service would spread them, and what became of each.

    with trafficload.Endpoints(system) as endpoints, trafficload.Load(endpoints, "pay") as load:
        mark = load.mark()
        ...
        print(load.since(mark))

An endpoint is a base with the traffic label of the module. Clients hear of a change LAG_S late, as they do behind
endpoints and kube-proxy; half of them choose an endpoint for each request, as a gateway does, the others stay on their
connection until the server closes it, as those behind kube-proxy do (Tomcat: after 100 requests).
"""
import collections
import http.client
import random
import statistics
import threading
import time

import grpc

import basekit
import protokit

LAG_S = 0.3
PACE_S = 0.008
SLOW_EVERY, SLOW_MS = 20, 250  # so many requests are under way when a module leaves
PREFIX = "module.koupleless.alipay.com/"

Request = collections.namedtuple("Request", "began_s ms slow failed")  # failed: "" or of which kind


class Endpoints:
    """Which bases have the traffic label of a module, as clients know it, as "ADDRESS:PORT". Use as a context."""

    def __init__(self, system, lag_s=LAG_S):
        self.lag_s = lag_s
        self._system = system
        self._addresses = {f"base-{n}": f"{base.address}:{basekit.HTTP_PORT}"
                           for n, base in enumerate(system.bases, 1)}
        self._seen = [(0.0, {})]  # (when, base -> labels), oldest first
        self._over = threading.Event()
        self._channel = protokit.channel(system.processes["controller"].grpc)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        stub = self._system.proto.InventoryServiceStub(self._channel)
        request = self._system.proto.WatchBasesRequest(namespace=self._system.namespace)
        while not self._over.is_set():
            try:
                for change in stub.WatchBases(request):
                    self._take(change)
            except (grpc.RpcError, ValueError):  # the controller is away; ValueError: the channel is closed
                self._over.wait(0.1)

    def _take(self, change):
        labels = dict(self._seen[-1][1])
        meta = change.changed_base.metadata
        if change.type == self._system.proto.CHANGE_TYPE_DELETED:
            labels.pop(meta.name, None)
        elif meta.name:
            labels[meta.name] = dict(meta.labels)
        self._seen.append((time.monotonic(), labels))

    def of(self, module):
        """The endpoints of a module, as clients know them."""
        until_s = time.monotonic() - self.lag_s
        for when_s, labels in reversed(self._seen):
            if when_s <= until_s:
                return sorted(self._addresses[base] for base, own in labels.items() if own.get(PREFIX + module) == "true")
        return []

    def wait(self, module):
        """Until clients know what the labels say now; how many endpoints that are."""
        labelled = sum(PREFIX + module in base.metadata.labels for base in self._system.base_objects().values())
        basekit.wait_until(lambda: len(self.of(module)) == labelled, f"{labelled} endpoints of {module}")
        return labelled

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._over.set()
        self._channel.close()
        self._thread.join(basekit.WATCHDOG_S)


class Fixed:
    """In place of Endpoints: one that the test sets."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def of(self, module):
        del module
        return [self.endpoint]


class Figures:
    """Of some requests: .sent, .failed (kind -> count), .p99_ms of those that were not slow on purpose."""

    def __init__(self, requests):
        self.sent = len(requests)
        self.failed = collections.Counter(request.failed for request in requests if request.failed)
        times = [request.ms for request in requests if not request.slow and not request.failed]
        self.p99_ms = statistics.quantiles(times, n=100)[98] if len(times) > 1 else float("nan")

    @property
    def failures(self):
        return sum(self.failed.values())

    def __str__(self):
        kinds = ", ".join(f"{count} x {kind}" for kind, count in self.failed.most_common())
        return f"{self.sent} sent, {self.failures} failed ({kinds}), p99 {self.p99_ms:.1f} ms"


class Load:
    """Clients that send to the endpoints of a module again and again. Use as a context.

    @call: calls inside the JVM of the base, instead of the module's own web page.
    @staying: of the @clients, how many stay on a connection until the server closes it.
    .expected: whether there have to be endpoints; where there are none then, that is a failure.
    """

    def __init__(self, endpoints, module, call=False, clients=4, staying=2, pace_s=PACE_S):
        self.endpoints, self.module, self.call, self.pace_s = endpoints, module, call, pace_s
        self.expected = False
        self._requests, self._over = [], threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(n < staying, random.Random(n)), daemon=True)
                         for n in range(clients)]

    def mark(self):
        """For since()."""
        return len(self._requests)

    def since(self, mark, until=None):
        return Figures(self._requests[mark:until])

    def wait_more(self, count):
        """Until so many requests more have ended."""
        wanted = self.mark() + count
        basekit.wait_until(lambda: self.mark() >= wanted, f"{count} more requests")

    def _client(self, stays, rand):
        connections, serial = {}, 0
        while not self._over.wait(self.pace_s):
            known = self.endpoints.of(self.module)
            if not known and self.expected:
                self._requests.append(Request(time.monotonic(), 0.0, False, "no endpoint"))
            if not stays:
                for gone in set(connections) - set(known):
                    connections.pop(gone).close()
            choice = list(connections) if stays and connections else known
            if choice:
                serial += 1
                self._send(connections, rand.choice(choice), serial % SLOW_EVERY == 0)
        for connection in connections.values():
            connection.close()

    def _send(self, connections, endpoint, slow):
        began_s = time.monotonic()
        try:
            if endpoint not in connections:
                connections[endpoint] = http.client.HTTPConnection(endpoint, timeout=basekit.WATCHDOG_S)
            path = f"/call/{self.module}" if self.call else f"/{self.module}/version"
            connections[endpoint].request("GET", path + (f"?ms={SLOW_MS}" if slow else ""))
            answer = connections[endpoint].getresponse()
            failed = self._judge(answer.status, answer.read().decode())
            if answer.will_close:
                connections.pop(endpoint).close()
        except (OSError, http.client.HTTPException) as error:
            failed = type(error).__name__
            connections.pop(endpoint).close()
        self._requests.append(Request(began_s, (time.monotonic() - began_s) * 1000, slow, failed))

    def _judge(self, status, body):
        if status != 200:
            return f"HTTP {status}"
        return "" if body.strip().rpartition(":")[0] == self.module else "wrong answer"

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._over.set()
        for thread in self._threads:
            thread.join(basekit.WATCHDOG_S)
