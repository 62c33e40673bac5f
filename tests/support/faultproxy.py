# SPDX-License-Identifier: Apache-2.0
"""What stands between a client and a Kubernetes API server and can make the server look bad.

    with faultproxy.Proxy(cluster) as proxy:
        kubeconfig = cluster.kubeconfig_of("shop", "controller", server=proxy.url)
        with proxy.fault(faultproxy.answer(429, retry_after=1), "PATCH", "/pods/"):
            ...

HTTP/1.1 over TLS to both sides, with the certificate of the API server; who somebody is shows in his token, not in a
certificate. Every fault counts whom it has met.
"""
import contextlib
import http.client
import http.server
import json
import re
import socket
import ssl
import threading

import basekit
import kubekit

_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Cut(Exception):
    """The connection ends at once, without another word."""


def answer(status, body="", retry_after=None):
    """The server is not asked; this is the answer. @body: text; "": a Status as the server would send it."""
    text = body or json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status,
                               "message": "by the test"})
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    def act(exchange):
        exchange.reply(status, headers, text.encode())
        return True

    return act


def cut(exchange):
    """The server is not asked, and the client is cut off."""
    raise Cut


def lose_answer(exchange):
    """The server does what it is asked; nobody learns it."""
    exchange.forward().read()
    raise Cut


def half(exchange):
    """The client gets the first half of the server's answer."""
    reply = exchange.forward()
    body = reply.read()
    exchange.reply(reply.status, {"Content-Type": "application/json"}, body, sent=body[:len(body) // 2])
    raise Cut


def hold(until):
    """The server is asked once the Event @until is set."""

    def act(exchange):
        until.wait(basekit.WATCHDOG_S)
        return False

    return act


def trickle(bytes_at_once, pause_s):
    """The server's answer, those of a watch too, comes a few bytes at a time."""

    def act(exchange):
        exchange.pieces = bytes_at_once, pause_s
        return False

    return act


def before(do):
    """do(exchange) first: another client that is faster."""

    def act(exchange):
        do(exchange)
        return False

    return act


class Fault:
    """While it lasts: what happens to requests of @method (None: any) to paths that @path is found in. .met: of them,
    as "METHOD path"; @times: only so many meet it. .answers: (path, status) of those that the server was asked all
    the same."""

    def __init__(self, act, method=None, path="", times=None):
        self.act, self.method, self.path, self.times = act, method, re.compile(path), times
        self.met, self.answers = [], []
        self._lock = threading.Lock()

    def meets(self, exchange):
        """Whether it happens to this request."""
        if self.method not in (None, exchange.command) or not self.path.search(exchange.path):
            return False
        with self._lock:
            if self.times is not None and len(self.met) >= self.times:
                return False
            self.met.append(f"{exchange.command} {exchange.path}")
            return True

    def wait(self, count=1):
        """Until so many requests have met it."""
        basekit.wait_until(lambda: len(self.met) >= count, f"{count} requests to meet the fault")


class _Exchange(http.server.BaseHTTPRequestHandler):
    """One connection of a client, with one to the server; a thread has both."""

    protocol_version = "HTTP/1.1"
    upstream = None

    def setup(self):
        super().setup()
        self.proxy = self.server.proxy
        self.proxy.connections.add(self.connection)

    def finish(self):
        self.proxy.connections.discard(self.connection)
        if self.upstream:
            self.upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def handle(self):
        with contextlib.suppress(Cut, OSError, http.client.HTTPException, ValueError):
            super().handle()

    def _pass_on(self):
        self.pieces = None
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        met = []
        for fault in list(self.proxy.faults):
            if fault.meets(self):
                if fault.act(self):
                    return
                met.append(fault)
        reply = self.forward()
        for fault in met:
            fault.answers.append((self.path, reply.status))
        self.proxy.watches += "watch=" in self.path
        self._stream(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    def forward(self):
        """Asks the server: its HTTPResponse."""
        self.upstream = self.upstream or self.proxy.connect()
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in _HOP | {"host", "accept-encoding"}}
        self.upstream.request(self.command, self.path, self.body or None, headers)
        return self.upstream.getresponse()

    def reply(self, status, headers, body, sent=None):
        """@sent: what is sent of @body."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if sent is None else sent)

    def _stream(self, reply):
        """In pieces as they come: a watch may last."""
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        (at_once, pause_s), pause = self.pieces or (65536, 0), threading.Event()
        for piece in iter(lambda: reply.read1(at_once), b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            pause.wait(pause_s)  # the fault itself
        self.wfile.write(b"0\r\n\r\n")


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def finish_request(self, request, client_address):
        """On the thread of the connection, where a client that is slow holds nobody up."""
        with contextlib.suppress(OSError):
            super().finish_request(self.proxy.tls.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, request, client_address):
        pass


class Proxy:
    """Between clients and the API server of @cluster. Use as a context.

    .url: of the API server, for clients; .watches: how many have been begun.
    """

    def __init__(self, cluster):
        self.cluster, self.faults, self.connections, self.watches = cluster, [], set(), 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cluster.folder / "server.crt", cluster.folder / "server.key")
        self._upstream_tls = ssl.create_default_context(cafile=cluster.folder / "ca.crt")
        self._server = _Server((cluster.host, 0), _Exchange)
        self._server.proxy = self
        self.url = f"https://{cluster.host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def connect(self):
        """A connection to the server, for one client."""
        return http.client.HTTPSConnection(self.cluster.host, kubekit.API_PORT, context=self._upstream_tls)

    @contextlib.contextmanager
    def fault(self, act, method=None, path="", times=None):
        """As long as the block runs; the Fault."""
        fault = Fault(act, method, path, times)
        self.faults.insert(0, fault)
        try:
            yield fault
        finally:
            self.faults.remove(fault)

    def drop(self):
        """Cuts all connections, those of watches too; new ones are let in."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self.drop()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
