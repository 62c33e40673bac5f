# SPDX-License-Identifier: Apache-2.0
"""Our Kubernetes client, driven from Python: kube-probe, one process per Probe.

    with probekit.Probe(cluster.kubeconfig) as probe:
        probe.call("create", "configmaps", namespace="shop", body={...})        # the object; raises Refused
        watch = probe.watch("configmaps", version, namespace="shop")
        watch.wait("ADDED")                                                    # (type, object)
"""
import itertools
import json
import os
import queue
import subprocess
import threading
import time

import basekit
import kubeapi


class Refused(Exception):
    """The client's error: .code as in lib/base/err.h, .field or None."""

    def __init__(self, answer):
        super().__init__(f"{answer['error']}: {answer['message']}")
        self.code, self.message, self.field = answer["error"], answer["message"], answer.get("field")


class Watch:
    """A running watch; .seen are all events so far, as (type, object or message)."""

    def __init__(self, probe):
        self._probe, self._events, self.serial, self.seen = probe, queue.Queue(), None, []

    def take(self, answer):
        if "event" in answer:
            self._events.put((answer["event"], answer.get("object") or answer.get("message")))
        else:
            self._events.put(("STOPPED", None))

    def wait(self, *types):
        """The next event of one of @types; the others before it are kept in .seen only."""
        deadline = time.monotonic() + basekit.WATCHDOG_S
        while True:
            event = self._events.get(timeout=max(0, deadline - time.monotonic()))
            self.seen.append(event)
            if event[0] in types:
                return event

    def stop(self):
        """Returns once the client's stop has returned; whatever came after it would be an error."""
        self._probe.send({"id": self.serial, "verb": "stop"})
        self.wait("STOPPED")


class Probe:
    """A kube-probe process. Use as a context."""

    def __init__(self, kubeconfig):
        self._process = subprocess.Popen([str(basekit.find_program("kube-probe")), str(kubeconfig)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self._serial, self._lock, self._takers = itertools.count(1), threading.Lock(), {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._lock:
                taker = self._takers[answer["id"]]
            taker(answer)

    def send(self, order):
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def _order(self, verb, plural, options, taker):
        serial, (group, version) = next(self._serial), kubeapi.group_version(plural)
        with self._lock:
            self._takers[serial] = taker
        self.send({"id": serial, "verb": verb, "plural": plural, "group": group, "version": version, **options})
        return serial

    def begin(self, verb, plural, **options):
        """The same as call(), not waited for: a function that waits."""
        answers = queue.Queue()
        self._order(verb, plural, options, answers.put)

        def wait():
            answer = answers.get(timeout=basekit.WATCHDOG_S)
            if "error" in answer:
                raise Refused(answer)
            return answer["body"]
        return wait

    def call(self, verb, plural, **options):
        """The answer to get, list, create, update, mergePatch, jsonPatch, apply or delete. @options: as kube-probe's
        main.c has them."""
        return self.begin(verb, plural, **options)()

    def watch(self, plural, version, **options):
        watch = Watch(self)
        watch.serial = self._order("watch", plural, {"resourceVersion": version, **options}, watch.take)
        return watch

    def sockets(self):
        """How many sockets it has open."""
        folder = f"/proc/{self._process.pid}/fd"
        return sum(os.readlink(f"{folder}/{fd}").startswith("socket:") for fd in os.listdir(folder))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.stdin.close()
        code = self._process.wait(basekit.WATCHDOG_S)
        self._reader.join()
        self._process.stdout.close()
        assert code == 0 or exc[0], f"kube-probe ended with {code}"
