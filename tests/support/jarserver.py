# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that jars are fetched from, and that goes wrong as told."""
import http.server
import pathlib
import ssl
import threading


class JarServer:
    """.url(name) of a file in .folder. Use as a context. It is a proxy, too: of whatever host, it has these files.

    @certificate: (file, key) where it speaks https

    .requests: (path, Range header or None) of each request so far; .authorizations: the Authorization headers
    .cut[path] = [n, ...]: the next answers end after n bytes each
    .ignore_ranges: always the whole file, status 200
    .status[path] = 503: no file, this status; .busy[path] = [(503, {"Retry-After": "0"}), ...]: the next answers
    .redirects[path] = url
    .longer[path] = n: so many bytes more are announced than come
    .drip: paths whose bodies come byte by byte, for as long as somebody listens
    .hold: a threading.Event; bodies are held back until it is set; .held: paths of those that came so far
    """

    def __init__(self, folder, certificate=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.requests, self.authorizations, self.held = [], [], []
        self.cut, self.status, self.busy, self.redirects, self.longer, self.drip = {}, {}, {}, {}, {}, set()
        self.ignore_ranges = False
        self.hold = threading.Event()
        self.hold.set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._scheme = "http"
        if certificate:
            self._scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, name):
        return f"{self._scheme}://{self.address}/{name}"

    def serve(self, jar, name=None):
        """The url of a Jar's present bytes."""
        name = name or jar.path.name
        (self.folder / name).write_bytes(jar.path.read_bytes())
        return self.url(name)

    def _handler(outer):  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, self.headers.get("Range")))
                outer.authorizations.append(self.headers.get("Authorization"))
                if self.path in outer.redirects:
                    self._answer(302, {"Location": outer.redirects[self.path]})
                elif outer.busy.get(self.path):
                    self._answer(*outer.busy[self.path].pop(0))
                elif self.path in outer.status:
                    self.send_error(outer.status[self.path])
                else:
                    self._file()

            def _answer(self, status, headers):
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def _file(self):
                try:
                    content = (outer.folder / self.path.split("/")[-1]).read_bytes()
                except OSError:
                    self.send_error(404)
                    return
                self._send(content)

            def _send(self, content):
                wanted = self.headers.get("Range")
                first = 0
                if wanted and not outer.ignore_ranges:
                    first = int(wanted.removeprefix("bytes=").split("-")[0])
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
                else:
                    self.send_response(200)
                body = content[first:]
                self.send_header("Content-Length", str(len(body) + outer.longer.get(self.path, 0)))
                self.end_headers()
                cuts = outer.cut.get(self.path)
                if cuts:
                    body = body[:cuts.pop(0)]
                self.wfile.flush()
                outer.held.append(self.path)
                outer.hold.wait(60)
                try:
                    if self.path in outer.drip:
                        self._drip(body)
                    self.wfile.write(body)
                except OSError:
                    pass
                self.close_connection = True

            def _drip(self, body):
                """Some, and then hardly any."""
                while True:
                    self.wfile.write(body[:1])
                    threading.Event().wait(0.02)

            def log_message(self, *args):
                pass

        return Handler

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
