# SPDX-License-Identifier: Apache-2.0
"""Somebody else on Arklet's port."""
import socket
import threading

import basekit

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
PIECE = 1 << 16

# What is sent first, and then again and again until the client leaves (b"": nothing more, the connection ends; None:
# it stays open).
ANSWERS = {
    "a web page": (HEAD + b"<html><body>It works!</body></html>", b""),
    "other JSON": (HEAD + b'{"hello":"world","data":[]}', b""),
    "a list": (HEAD + b"[]", b""),
    "a success of something else": (HEAD + b'{"code":"SUCCESS","message":"ok"}', b""),
    "a success with other data": (HEAD + b'{"code":"SUCCESS","data":{"rows":[]}}', b""),
    "a success with a text": (HEAD + b'{"code":"SUCCESS","data":"welcome"}', b""),
    "not found": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b""),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", b""),
    "the head alone": (HEAD, None),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", None),
    "no line ever ends": (b"", b"x" * PIECE),
    "headers for ever": (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 1000 + b"\r\n"),
    "a body for ever": (HEAD + b'{"code":"SUCCESS","data":[', b"1," * PIECE),
    "continue for ever": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "nothing, and it closes": (b"", b""),
}
EMPTY_LIST = (HEAD + b'{"code":"SUCCESS","data":[]}', b"")  # as a base without modules has it


class Server:
    """Answers whatever is asked with one of ANSWERS. .address; .asked: the paths. Use as a context."""

    def __init__(self, answer):
        self.first, self.then = answer
        self.address, self.asked = basekit.free_address(), []
        self._stopped = threading.Event()
        self._listener = socket.create_server((self.address, basekit.ARKLET_PORT), backlog=100)
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,)).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(basekit.WATCHDOG_S)
            try:
                self.asked.append(connection.recv(PIECE).split(b" ")[1].decode())
                connection.sendall(self.first)
                while self.then and not self._stopped.is_set():
                    connection.sendall(self.then)
                while self.then is None and connection.recv(PIECE):
                    pass
            except (OSError, IndexError):
                pass  # the client has left

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
