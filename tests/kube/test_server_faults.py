# SPDX-License-Identifier: Apache-2.0
"""An API server that is away, slow, busy or talks nonsense in the middle of a release, and other clients that are
faster: it always converges, and nothing is installed twice."""
import contextlib
import itertools
import threading

import basekit
import faultfleet
import faultproxy
import fleetkit
import kubeapi
import kubekit
import pytest

STATUS = "/status"
_serial = itertools.count(1)


@pytest.fixture(name="cluster", scope="module")
def fixture_cluster(kube_version, kube_cluster, tmp_path_factory):
    """A server that a test may hurt, with controllers."""
    with kubekit.Cluster(tmp_path_factory.mktemp("hurt"), kube_version, controllers=True) as cluster:
        fleetkit.install_definitions(cluster)
        yield cluster


@pytest.fixture(name="fleet", scope="module")
def fixture_fleet(cluster, tmp_path_factory):
    cluster.api.post(kubeapi.path("namespaces"), {"metadata": {"name": "hurt"}})
    with faultfleet.FaultFleet(tmp_path_factory.mktemp("fleet"), cluster, "hurt", bases=3,
                               sim=["--install-ms", "50"]) as fleet:
        yield fleet


@pytest.fixture(name="name")
def fixture_name(fleet):
    """Of a ModuleDeployment and its module, which go with the test."""
    name = f"pay{next(_serial)}"
    yield name
    fleet.kubectl("delete", "moduledeployment", name, "--ignore-not-found", "--timeout=60s")
    assert not [key for keys in fleet.active().values() for key in keys if key.startswith(name + ":")]


def release(fleet, name, version="1.0.0", **spec):
    fleet.apply_document(fleet.document(name, fleet.jar(name, version), replicas=3,
                                        strategy={"batchCount": 2}, **spec))


def check_done(fleet, name, installs=3):
    fleet.wait_completed(name)
    fleet.check_names(name)
    assert fleet.installs(name) == installs


FAULTS = {
    "429 with Retry-After": (faultproxy.answer(429, retry_after=1), None, ""),
    "500": (faultproxy.answer(500), None, ""),
    "garbage": (faultproxy.answer(200, "<html>a login page</html>"), None, ""),
    "half an answer": (faultproxy.half, None, r"^(?!.*watch=)"),
    "cut off": (faultproxy.cut, None, ""),
    "writes carried out, answers lost": (faultproxy.lose_answer, "POST|PATCH|DELETE", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_answers_that_go_wrong(fleet, name, fault):
    """Every other request, in the middle of a release, watches too."""
    act, methods, path = FAULTS[fault]
    toggle = itertools.count()

    def sometimes(exchange):
        wrong = (methods is None or exchange.command in methods.split("|")) and next(toggle) % 2
        return act(exchange) if wrong else False

    release(fleet, name)
    with fleet.proxy.fault(sometimes, path=path) as met:
        fleet.proxy.drop()
        met.wait(12)
        basekit.wait_until(lambda: fleet.installs(name) > 0, "the release to go on meanwhile")
    check_done(fleet, name)


def test_retry_after_is_respected(fleet, name):
    with fleet.proxy.fault(faultproxy.answer(429, retry_after=3600), "PATCH", f"/moduledeployments/{name}") as busy:
        release(fleet, name)
        # Longer than the client tries: it is the answer, and told.
        basekit.wait_until(lambda: fleet.said("write failed, planned anew", "by the test"), "it to be told")
    check_done(fleet, name)


def test_watches_that_are_dropped_again_and_again(fleet, name):
    release(fleet, name)
    for _ in range(5):
        before = fleet.proxy.watches
        fleet.proxy.drop()
        basekit.wait_until(lambda before=before: fleet.proxy.watches > before, "watches to come back")
    check_done(fleet, name)


def test_a_server_that_hangs_in_the_middle(fleet, cluster, name):
    """Until writes and watches are given up. What became of those writes nobody knows: it carries them out later."""

    def freeze(_):
        cluster.freeze("kube-apiserver")

    with fleet.proxy.fault(faultproxy.before(freeze), "PATCH", f"/modules/{name}-", times=1) as begun:
        release(fleet, name)
        begun.wait()
        try:
            fleet.proxy.drop()
            basekit.wait_until(lambda: fleet.said("write failed, planned anew", f'patch modules/status "{name}-',
                                                  "Timeout was reached"), "a write to be given up")
            assert fleet.said("watch lost, tried again", "watch modules ", "no answer in time")
            assert fleet.processes["controller"].get("/healthz")[0] == 200
        finally:
            cluster.thaw("kube-apiserver")
    check_done(fleet, name)


def test_a_server_that_restarts_in_the_middle(fleet, cluster, name):
    release(fleet, name)
    basekit.wait_until(lambda: fleet.installs(name) > 0, "the release to begin")
    cluster.restart("kube-apiserver")
    check_done(fleet, name)


def test_a_server_that_restarts_without_its_history(fleet, cluster, name):
    """What changed while it was away is found by listing again: the watches' versions are gone."""
    release(fleet, name)
    fleet.wait_completed(name)
    held = threading.Event()
    with fleet.proxy.fault(faultproxy.hold(held), path="watch="):
        fleet.proxy.drop()
        release(fleet, name, "2.0.0")
        cluster.kill("kube-apiserver")
        cluster.compact()
        cluster.start("kube-apiserver")
        held.set()
    fleet.wait_completed(name)
    fleet.check_names(name)


# -- other clients that are faster --


def conflicts(met):
    """Paths that the server has refused for the version that was expected there."""
    return [path.split("?")[0] for path, status in met.answers if status == 409]


def test_conflicts_on_every_write(fleet, cluster, name):
    """Somebody else touches each object just before each write of the controller. Those of a ModuleDeployment say what
    they were planned for."""
    count = itertools.count()

    def touch(exchange):
        where = exchange.path.split("?")[0].removesuffix(STATUS)
        if "koupleless.alipay.com" in where:
            cluster.api.patch(where, {"metadata": {"annotations": {"touched": str(next(count))}}})

    first = set()

    def touch_once(exchange):
        """As fast as it is, it is not always the first: of two writes of an object in a row the second passes."""
        where = exchange.path.split("?")[0]
        if where in first:
            first.discard(where)
        else:
            first.add(where)
            touch(exchange)

    with fleet.proxy.fault(faultproxy.before(touch_once), "PATCH") as met:
        release(fleet, name)
        check_done(fleet, name)
    assert len(met.met) > 6
    where = kubeapi.path("moduledeployments", fleet.namespace, name)
    assert set(conflicts(met)) == {where, where + STATUS}


@contextlib.contextmanager
def edited_before(fleet, cluster, name, text, edit):
    """Somebody edits the ModuleDeployment after the controller has read it, and before the first of its writes with
    @text: that one must not come through."""
    where, done = kubeapi.path("moduledeployments", fleet.namespace, name), []

    def once(exchange):
        if text in exchange.body and not done:
            done.append(cluster.api.patch(where, edit))

    with fleet.proxy.fault(faultproxy.before(once), "PATCH", f"/moduledeployments/{name}[?]") as met:
        yield
        basekit.wait_until(lambda: conflicts(met), f"a write with {text} to be refused")


def spec_of(cluster, fleet, name):
    return cluster.api.get(kubeapi.path("moduledeployments", fleet.namespace, name))["spec"]


def test_a_scale_is_not_lost_to_the_one_before(fleet, cluster, name):
    release(fleet, name)
    fleet.wait_completed(name)
    with edited_before(fleet, cluster, name, b'"scaleReplicas"', {"spec": {"scaleReplicas": 1}}):
        fleet.kubectl("scale", "moduledeployment", name, "--replicas=2")
        fleet.wait_for(name, lambda md: md.status.release_status.target_replicas == 1, "the newer number")
    fleet.wait_completed(name)
    spec = spec_of(cluster, fleet, name)
    assert (spec["replicas"], spec["scaleReplicas"]) == (1, 1)
    fleet.check_names(name)


def test_edits_of_what_is_new_are_not_lost(fleet, cluster, name):
    """The controller puts its finalizer on it, and the number that is scaled."""
    with edited_before(fleet, cluster, name, b'"finalizers"', {
            "metadata": {"finalizers": ["example.org/keep"]}, "spec": {"scaleReplicas": 2}}):
        release(fleet, name)
        fleet.wait_for(name, lambda md: md.status.release_status.target_replicas == 2, "the number by hand")
    fleet.wait_completed(name)
    where = kubeapi.path("moduledeployments", fleet.namespace, name)
    finalizers = cluster.api.get(where)["metadata"]["finalizers"]
    assert len(finalizers) == 2 and "example.org/keep" in finalizers
    spec = spec_of(cluster, fleet, name)
    assert (spec["replicas"], spec["scaleReplicas"]) == (2, 2)
    finalizers.remove("example.org/keep")
    cluster.api.patch(where, {"metadata": {"finalizers": finalizers}})


def test_a_confirmation_that_is_withdrawn_in_time(fleet, cluster, name):
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=2, strategy={
        "batchCount": 2, "needConfirm": True}))
    fleet.wait_waiting(name, 1)
    confirm = {"spec": {"confirmBatchNum": 1}}
    with edited_before(fleet, cluster, name, b'"pause":false', {"spec": {"confirmBatchNum": None}}):
        cluster.api.patch(kubeapi.path("moduledeployments", fleet.namespace, name), confirm)
    fleet.wait_waiting(name, 1)
    assert spec_of(cluster, fleet, name)["pause"] is True and fleet.installs(name) == 1
    cluster.api.patch(kubeapi.path("moduledeployments", fleet.namespace, name), confirm)
    fleet.wait_completed(name)
    fleet.check_names(name)


# -- slow --


def test_a_server_that_is_slow(fleet, name):
    """Each request waits for the one that comes after it, or for a while."""
    last = [threading.Event()]

    def slow(_):
        mine, last[0] = last[0], threading.Event()
        last[0].wait(0.3)  # the fault itself, nothing is judged by it
        mine.set()
        return False

    with fleet.proxy.fault(slow, path=r"^(?!.*watch=)"):
        release(fleet, name)
        check_done(fleet, name)


def test_answers_that_trickle(fleet, name):
    """Lists of a controller that begins in the middle of a release, and its watches: events arrive in parts."""
    with fleet.proxy.fault(faultproxy.trickle(100, 0.002), "GET") as met:
        release(fleet, name)
        basekit.wait_until(lambda: fleet.installs(name) > 0, "the release to begin")
        fleet.restart("controller")
        check_done(fleet, name)
        release(fleet, name, "2.0.0")
        check_done(fleet, name, 6)
    for kind in ("moduledeployments", "modules", "pods"):
        asked = [one for one in met.met if f"/{kind}?" in one]
        assert any("watch=" in one for one in asked), kind
        assert any("watch=" not in one or "sendInitialEvents=" in one for one in asked), kind  # a list
