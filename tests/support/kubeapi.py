# SPDX-License-Identifier: Apache-2.0
"""A small client of a Kubernetes API server, for tests: what is asked, as JSON, and what is answered.

    api.get(path("pods", "default", "p1"))
    api.post(path("pods", "default"), {...})
    for event in api.watch(path("pods"), version): ...

It hides nothing: each refusal is an ApiError with the server's Status. A request is repeated only where the
connection, kept open since the last one, turns out to be closed.
"""
import collections
import http.client
import json
import re
import ssl
import threading
import urllib.parse

import basekit

_GROUPS = {
    "": "namespaces nodes pods services endpoints events serviceaccounts configmaps secrets",
    "apps/v1": "deployments replicasets",
    "coordination.k8s.io/v1": "leases",
    "discovery.k8s.io/v1": "endpointslices",
    "rbac.authorization.k8s.io/v1": "roles rolebindings clusterroles clusterrolebindings",
    "apiextensions.k8s.io/v1": "customresourcedefinitions",
    "koupleless.alipay.com/v1alpha1": "moduledeployments modulereplicasets modules moduletemplates",
}
_GROUP_OF = {resource: group for group, resources in _GROUPS.items() for resource in resources.split()}
MERGE = "application/merge-patch+json"


def path(resource, namespace=None, name=None, subresource=None, **query):
    """The path of objects of a resource, as "pods"; @query: parameters, as labelSelector="app=x"."""
    group = _GROUP_OF[resource]
    parts = ["apis/" + group if group else "api/v1"]
    parts += ["namespaces", namespace] if namespace else []
    parts += [part for part in (resource, name, subresource) if part]
    return "/" + "/".join(parts) + ("?" + urllib.parse.urlencode(query) if query else "")


def group_version(resource):
    """("apps", "v1") of "deployments"."""
    group, _, version = _GROUP_OF[resource].rpartition("/")
    return group, version or "v1"


class ApiError(Exception):
    """The server refused: .code is the HTTP status, .status the Status object, or the text where it sent none."""

    def __init__(self, code, status):
        super().__init__(f"{code}: {status.get('message') if isinstance(status, dict) else status}")
        self.code, self.status = code, status

    @property
    def reason(self):
        return self.status.get("reason") if isinstance(self.status, dict) else None


class Api:
    """Requests to one server. Threads may share it: each has a connection of its own, kept open."""

    def __init__(self, host, port, tls, token=None):
        """@tls: an ssl.SSLContext, with the client's certificate where it has one."""
        self._at, self._tls, self._own = (host, port), tls, threading.local()
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    # -- requests --

    def get(self, where):
        return self.call("GET", where)

    def post(self, where, body):
        return self.call("POST", where, body)

    def put(self, where, body):
        return self.call("PUT", where, body)

    def patch(self, where, body, kind=MERGE):
        return self.call("PATCH", where, body, kind)

    def delete(self, where, **options):
        """@options: of DeleteOptions, as gracePeriodSeconds=0."""
        return self.call("DELETE", where, {"kind": "DeleteOptions", "apiVersion": "v1", **options})

    def find(self, where):
        """The object, or None where there is none."""
        try:
            return self.get(where)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def call(self, method, where, body=None, kind="application/json"):
        """One request; the answer as an object. Raises ApiError, or OSError where nobody answers."""
        return json.loads(self.text(method, where, body, kind))

    def text(self, method, where, body=None, kind="application/json"):
        """The same, with an answer that is not JSON."""
        headers = {**self._headers, "Content-Type": kind}
        data = None if body is None else json.dumps(body)
        try:
            answer = self._send(method, where, data, headers)
            text = answer.read().decode()
        except BaseException:
            self.close()
            raise
        if answer.status >= 400:
            raise ApiError(answer.status, _parsed(text))
        return text

    def _send(self, method, where, data, headers):
        kept = getattr(self._own, "connection", None)
        if kept:
            try:
                kept.request(method, where, data, headers)
                return kept.getresponse()
            except (ConnectionError, ssl.SSLEOFError):
                kept.close()  # by a restart of the server, for instance
        self._own.connection = self._connect()
        self._own.connection.request(method, where, data, headers)
        return self._own.connection.getresponse()

    def _connect(self):
        return http.client.HTTPSConnection(*self._at, context=self._tls, timeout=basekit.WATCHDOG_S)

    def close(self):
        """Closes this thread's connection; the next request opens another."""
        kept = getattr(self._own, "connection", None)
        self._own.connection = None
        if kept:
            kept.close()

    # -- watches --

    def watch(self, where, version, **query):
        """A Watch from resourceVersion @version on. @query: more parameters, as timeoutSeconds, after which the
        server ends it."""
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": basekit.WATCHDOG_S, **query}
        separator = "&" if "?" in where else "?"
        connection = self._connect()
        try:
            connection.request("GET", where + separator + urllib.parse.urlencode(query), headers=self._headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise ApiError(answer.status, _parsed(answer.read().decode()))
        except BaseException:
            connection.close()
            raise
        return Watch(connection, answer)

    # -- figures --

    def metrics(self):
        """Series of /metrics: list of (name, labels as a dict, number)."""
        lines = [line for line in self.text("GET", "/metrics").splitlines() if not line.startswith("#")]
        return [_series(line) for line in lines]

    def requests(self):
        """Counter of requests that the server has finished: (verb, resource, subresource) -> number. The verbs
        are those of apiserver_request_total: GET LIST WATCH POST PUT PATCH APPLY DELETE DELETECOLLECTION."""
        counted = collections.Counter()
        for name, labels, number in self.metrics():
            if name == "apiserver_request_total":
                key = labels["verb"], labels.get("resource", ""), labels.get("subresource", "")
                counted[key] += int(number)
        return counted


class Watch:
    """Events of a watch, in their order: iterate. Each is {"type": ..., "object": ...}; one of type ERROR is
    raised as ApiError. Ends when the server ends it, or after close() from any thread."""

    def __init__(self, connection, answer):
        self._connection, self._answer, self._closed = connection, answer, False
        self._socket = connection.sock
        self._socket.settimeout(None)  # events may be rare

    def __iter__(self):
        try:
            for line in self._answer:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"]["code"], event["object"])
                yield event
        except (OSError, http.client.HTTPException, ValueError):
            if not self._closed:
                raise
        finally:
            self._connection.close()

    def close(self):
        self._closed = True
        try:
            self._socket.shutdown(2)  # so that a thread that reads wakes up
        except OSError:
            pass


def _parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def _series(line):
    name, labels, number = re.match(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
    return name, dict(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', labels or "")), float(number)
