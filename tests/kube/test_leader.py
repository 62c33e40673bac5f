# SPDX-License-Identifier: Apache-2.0
"""Several controllers, one of which leads: another takes over from one that ends, is killed, or hangs."""
import signal
import socket
import threading

import basekit
import grpc
import programkit
import protokit
import pytest
from kubeapi import path

LEASE = "koupleless-controller"


class Service:
    """What a Service is to the agents: each connection to @address goes where @find says then, to who is ready."""

    def __init__(self, address, find):
        self._find, self._server = find, socket.create_server(address)
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(self._find())
            except OSError:
                connection.close()
                continue
            for ends in ((connection, there), (there, connection)):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


class Candidates:
    """Controllers "a", "b" ... of one fleet, behind a Service. "a" is started."""

    def __init__(self, fleet, folder):
        self.fleet, self._folder, self.programs = fleet, folder, {}
        fleet.replace("controller", self.start("a"))
        self._service = Service((fleet.host, 9090), self._ready)

    def _ready(self):
        """Of those that a test has seen lead the last one; a Service too learns it after a while."""
        host, _, port = self.fleet.processes["controller"].grpc.rpartition(":")
        return host, int(port)

    def start(self, name):
        self.programs[name] = programkit.Program(
            "koupleless-controller", self._folder / name, "--insecure", "--store", "kubernetes", "--namespace",
            self.fleet.namespace, "--kubeconfig", str(self.fleet.kubeconfig), "--scheduler", f"{self.fleet.host}:9091",
            "--leader-elect", "--leader-identity", name)
        return self.programs[name]

    def stands_by(self, name):
        program = self.programs[name]
        return program.metrics()["koupleless_controller_leader"] == 0 and not program.is_ready()

    def wait_leads(self, name):
        """It is the controller of the fleet from now on."""
        program = self.programs[name]
        program.wait_ready()
        assert program.metrics()["koupleless_controller_leader"] == 1
        assert self.lease()["holderIdentity"] == name
        self.fleet.replace("controller", program)

    def lease(self):
        return self.fleet.cluster.api.get(path("leases", self.fleet.namespace, LEASE))["spec"]

    def close(self):
        """The one that leads ends with the fleet."""
        self._service.close()
        for program in self.programs.values():
            if program is not self.fleet.processes.get("controller"):
                program.kill()


@pytest.fixture(name="candidates")
def fixture_candidates(new_fleet, tmp_path):
    """Of a fleet whose own controller has ended: "a" leads, "b" has come later."""
    fleet = new_fleet(bases=2)
    fleet.stop_one("controller")
    found = Candidates(fleet, tmp_path / "candidates")
    try:
        found.wait_leads("a")
        found.start("b").wait_said("another controller leads")
        assert found.stands_by("b")
        yield found
    finally:
        found.close()


def half_way(fleet, name):
    """A release that waits after the first of its two batches."""
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=2, strategy={"batchCount": 2, "needConfirm": True}))
    fleet.wait_waiting(name, 1)


def go_on(fleet, name):
    fleet.kubectl("patch", "moduledeployment", name, "--type=merge", "-p", '{"spec":{"pause":false}}')
    fleet.wait_completed(name)
    assert fleet.installs(name) == 2


def test_one_that_ends_hands_over(candidates):
    half_way(candidates.fleet, "handed")
    assert candidates.programs["a"].stop() == 0
    assert candidates.lease()["holderIdentity"] in ("", "b")
    candidates.wait_leads("b")
    go_on(candidates.fleet, "handed")
    assert candidates.lease()["leaseTransitions"] == 1


def test_one_that_is_killed_is_followed(candidates):
    """By one that was started again too: under its own name it does not wait."""
    half_way(candidates.fleet, "killed")
    candidates.programs["a"].kill()
    candidates.wait_leads("b")
    go_on(candidates.fleet, "killed")
    candidates.programs["b"].kill()
    candidates.start("b")
    candidates.wait_leads("b")
    assert candidates.lease()["leaseTransitions"] == 1


def test_one_that_hung_does_no_more_harm(candidates):
    """When it wakes up it ends; what it would still ask for is refused."""
    fleet, hung = candidates.fleet, candidates.programs["a"]
    half_way(fleet, "hung")
    first, = [event["epoch"] for event in hung.events() if event["msg"] == "this controller leads"]
    hung.process.send_signal(signal.SIGSTOP)
    try:
        candidates.wait_leads("b")
        go_on(fleet, "hung")
    finally:
        hung.process.send_signal(signal.SIGCONT)
    assert hung.process.wait(basekit.WATCHDOG_S) == 1
    assert hung.said("leadership is lost")
    agent = fleet.protos["koupleless.agent.v1"]
    late = agent.SwitchModuleRequest(name="none", version="1.0.0", epoch=first)
    refusals = []
    for pod in fleet.running():
        try:
            fleet.agent(pod).SwitchModule(late, timeout=protokit.DEADLINE_S)
        except grpc.RpcError as error:
            refusals.append(protokit.Failure(error).reason)
    assert refusals == ["STALE_EPOCH"]  # of the base where the next leader has installed
    assert fleet.installs("hung") == 2


def test_a_lease_that_somebody_else_takes_ends_the_leader(candidates):
    candidates.fleet.kubectl("patch", "lease", LEASE, "--type=merge", "-p", '{"spec":{"holderIdentity":"me"}}')
    assert candidates.programs["a"].process.wait(basekit.WATCHDOG_S) == 1
    candidates.wait_leads("b")  # 15 s later, for nobody renews it


def test_a_lease_that_is_deleted_is_made_again(candidates):
    candidates.fleet.kubectl("delete", "lease", LEASE)
    basekit.wait_until(lambda: candidates.fleet.cluster.api.find(path("leases", candidates.fleet.namespace, LEASE)),
                       "a new Lease")
    leads = candidates.lease()["holderIdentity"]
    candidates.wait_leads(leads)
    half_way(candidates.fleet, "again")
    go_on(candidates.fleet, "again")
