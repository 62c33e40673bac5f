# SPDX-License-Identifier: Apache-2.0
"""Objects that people edit, delete or strip of their finalizers by hand; a namespace that goes: what is declared comes
about all the same, and nothing is left behind on the bases."""
import itertools
import json
import signal

import basekit
import kubeapi
import pytest

PREFIX = "koupleless.alipay.com/"
STRIP = json.dumps({"metadata": {"finalizers": None}})
_serial = itertools.count(1)


@pytest.fixture(name="name")
def fixture_name(fleet):
    name = f"hand{next(_serial)}"
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=2))
    fleet.wait_completed(name)
    yield name
    fleet.kubectl("delete", "moduledeployment", name, "--ignore-not-found", "--timeout=60s")
    wait_off(fleet, name)


def on_bases(fleet, name):
    return [key for keys in fleet.active().values() for key in keys if key.startswith(name + ":")]


def wait_off(fleet, name):
    basekit.wait_until(lambda: not on_bases(fleet, name), f"{name} to leave the bases")


def modules(fleet, name):
    return fleet.objects("modules", f"{PREFIX}module-name={name}")


def revisions(fleet, name):
    return fleet.objects("modulereplicasets", f"{PREFIX}module-deployment={name}")


def strip_and_delete(fleet, kind, name):
    """As "kubectl delete --force" of people in a hurry: the controller is not given the time to do anything."""
    fleet.kubectl("delete", kind, name, "--wait=false")
    fleet.kubectl("patch", kind, name, "--type=merge", "-p", STRIP)


def settled(fleet, name):
    fleet.wait_for(name, lambda md: md.status.available_replicas == 2, "the count")
    fleet.wait_agreement(name)
    fleet.check_operations()


def test_a_module_that_is_stripped_of_its_finalizer(fleet, name):
    """What it stood for does not stay on the base without an object, and nothing is installed where it runs."""
    victim = sorted(modules(fleet, name))[0]
    uid = modules(fleet, name)[victim]["metadata"]["uid"]
    fleet.stop_one("controller")
    strip_and_delete(fleet, "module", victim)
    fleet.start("controller")
    basekit.wait_until(lambda: len(modules(fleet, name)) == 2, "another one")
    assert uid not in [one["metadata"]["uid"] for one in modules(fleet, name).values()]
    settled(fleet, name)


def test_all_modules_and_the_deployment_stripped_while_nobody_looks(fleet, name):
    """Nothing says any more that it was ours: it is told how to take it off, and a new one of the name adopts it."""
    fleet.stop_one("controller")
    for kind, one in [("moduledeployment", name), *(("module", one) for one in modules(fleet, name))]:
        strip_and_delete(fleet, kind, one)
    basekit.wait_until(lambda: not modules(fleet, name), "the objects to be gone")
    fleet.start("controller")
    before = fleet.installs(name)
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=2))
    fleet.wait_completed(name)
    settled(fleet, name)
    assert fleet.installs(name) <= before + 1  # where the third base was chosen for one of them


def test_all_that_is_stripped_at_once(fleet, name):
    """The controller hears of it when nothing is left that needs its bases: no traffic comes to the module all the
    same."""
    basekit.wait_until(lambda: len(fleet.traffic(name)) == 2, "traffic")  # an instance counts a moment before it gets some
    controller = fleet.processes["controller"].process
    controller.send_signal(signal.SIGSTOP)
    try:
        for kind, one in [("moduledeployment", name), *(("module", one) for one in modules(fleet, name))]:
            strip_and_delete(fleet, kind, one)
        basekit.wait_until(lambda: not revisions(fleet, name) and not modules(fleet, name), "the objects to be gone")
        assert len(fleet.traffic(name)) == 2
    finally:
        controller.send_signal(signal.SIGCONT)

    def out_of_traffic():
        """One that stood still for longer than its Lease lasts ends, and is started anew, as by the kubelet."""
        if fleet.processes["controller"].process.poll() is not None:
            fleet.restart("controller")
        return fleet.traffic(name) == []

    basekit.wait_until(out_of_traffic, "no traffic")
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=2))
    fleet.wait_completed(name)
    settled(fleet, name)


def test_a_deployment_that_is_stripped_of_its_finalizer(fleet, name):
    """The garbage collector deletes what it owned; its modules leave the bases all the same."""
    fleet.stop_one("controller")
    strip_and_delete(fleet, "moduledeployment", name)
    fleet.start("controller")
    basekit.wait_until(lambda: not modules(fleet, name), "its Modules to go")
    wait_off(fleet, name)
    fleet.check_operations()


def test_a_replicaset_that_is_deleted(fleet, name):
    (revision,) = revisions(fleet, name)
    fleet.kubectl("delete", "modulereplicaset", revision, "--timeout=60s")
    settled(fleet, name)


def test_a_status_that_is_edited(fleet, name):
    for module in modules(fleet, name):
        fleet.kubectl("patch", "module", module, "--subresource=status", "--type=merge", "-p",
                      json.dumps({"status": {"status": "Failed", "reason": "Hand", "message": "by hand"}}))
    basekit.wait_until(lambda: {one["status"]["status"] for one in modules(fleet, name).values()} == {"Available"},
                       "it to be put right")
    fleet.kubectl("patch", "moduledeployment", name, "--subresource=status", "--type=merge", "-p",
                  json.dumps({"status": None}))
    fleet.wait_completed(name)
    settled(fleet, name)
    assert fleet.installs(name) == 2


def test_labels_that_are_edited(fleet, name):
    """Of Modules, of ModuleReplicaSets, of Pods."""
    for kind in ("modules", "modulereplicasets"):
        for one in fleet.objects(kind, f"{PREFIX}module-deployment={name}"):
            fleet.kubectl("label", kind, one, f"{PREFIX}module-deployment=other", f"{PREFIX}module-name-",
                          "--overwrite")
    for pod in fleet.traffic(name):
        fleet.kubectl("label", "pod", pod, f"module.{PREFIX}{name}-")
    basekit.wait_until(lambda: len(fleet.traffic(name)) == 2, "traffic to come back")
    assert fleet.installs(name) == 2
    fleet.check_operations()


def test_owners_that_are_taken_away(fleet, name):
    """An orphan is nobody's to update; the deployment's count is right in the end."""
    victim = sorted(modules(fleet, name))[0]
    fleet.kubectl("delete", "module", victim, "--cascade=orphan", "--timeout=60s")
    settled(fleet, name)


def template_of(name, document):
    return json.dumps({"apiVersion": document["apiVersion"], "kind": "ModuleTemplate", "metadata": {"name": name},
                       "spec": document["spec"]["template"]["spec"]})


def test_a_moduletemplate_that_is_deleted_in_a_batch(fleet):
    """Nobody knows then what is wanted: what serves stays, and so does what is to follow it. Back again, it goes on."""
    old, new = (fleet.document("shared", fleet.jar("shared", version), replicas=3) for version in ("1.0.0", "2.0.0"))
    document = {**old, "spec": {"templateRef": {"name": "shared"}, "replicas": 3,
                                "baseDeploymentName": old["spec"]["baseDeploymentName"]}}
    fleet.kubectl("apply", "-f", "-", input=template_of("shared", old))
    fleet.apply_document(document)
    fleet.wait_completed("shared")
    before = fleet.available("shared")
    basekit.wait_until(lambda: fleet.traffic("shared") == sorted(before), "traffic")
    try:
        for pod in before:
            fleet.control("fault", pod, fault="exception", command="installBiz", count=-1, text="not now")
        fleet.kubectl("apply", "-f", "-", input=template_of("shared", new))
        fleet.wait_modules(lambda modules: [m.status.status for m in modules if m.spec.module.version == "2.0.0"]
                           == ["Failed"] * 3, "the batch, which fails", "shared")
        uids = {one["metadata"]["uid"] for one in modules(fleet, "shared").values()}
        fleet.kubectl("delete", "moduletemplate", "shared")
        release = fleet.wait_for("shared", lambda md: md.status.release_status.reason == "TemplateNotFound",
                                 "it to be said").status.release_status
        assert release.progress == "Executing"
        assert fleet.available("shared") == before
        assert fleet.traffic("shared") == sorted(before)
        assert not [one for one in modules(fleet, "shared").values() if "deletionTimestamp" in one["metadata"]]
    finally:
        for pod in before:
            fleet.control("clear", pod)
    fleet.kubectl("apply", "-f", "-", input=template_of("shared", new))
    fleet.wait_completed("shared")
    after = modules(fleet, "shared")
    assert {one["spec"]["module"]["version"] for one in after.values()} == {"2.0.0"}
    assert len(after) == 3 and {one["metadata"]["uid"] for one in after.values()} < uids
    fleet.check_operations()


def test_a_namespace_that_is_deleted(kube_cluster, new_fleet):
    """Everything goes, and so does it. The controller's rights come from elsewhere: a Role would go with the namespace."""
    fleet = new_fleet(bases=2, kubeconfig=kube_cluster.kubeconfig)
    fleet.apply_document(fleet.document("pay", fleet.jar("pay"), replicas=2))
    fleet.wait_completed("pay")
    fleet.cluster.kubectl("delete", "namespace", fleet.namespace, "--wait=false")
    api = fleet.cluster.api
    basekit.wait_until(lambda: not api.find(kubeapi.path("namespaces", None, fleet.namespace)),
                       "the namespace to be gone")
    assert fleet.processes["controller"].get("/healthz")[0] == 200
