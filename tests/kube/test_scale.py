# SPDX-License-Identifier: Apache-2.0
"""`kubectl scale`, which has a number of its own: spec.scaleReplicas."""
import json

import basekit
import kubeapi


def numbers(fleet, name):
    spec = json.loads(fleet.kubectl("get", "moduledeployment", name, "-o", "json"))["spec"]
    return spec["replicas"], spec.get("scaleReplicas")


def wait_scaled(fleet, name, replicas):
    """The release for that number is Completed, and both numbers say so."""
    fleet.wait_for(name, lambda md: md.status.release_status.target_replicas == replicas, f"{name}: {replicas} planned")
    fleet.wait_completed(name)
    assert numbers(fleet, name) == (replicas, None if replicas < 0 else replicas)


def test_kubectl_scale_is_a_release(fleet):
    fleet.apply_document(fleet.document("scaled", fleet.jar("scaled"), replicas=1))
    fleet.wait_completed("scaled")
    assert numbers(fleet, "scaled") == (1, 1)
    for replicas in (3, 2, 0, 1):
        fleet.kubectl("scale", "moduledeployment/scaled", f"--replicas={replicas}")
        wait_scaled(fleet, "scaled", replicas)
        assert len(fleet.available("scaled")) == replicas
    fleet.check_agreement("scaled")


def test_an_apply_wins_over_an_older_scale(fleet):
    """And the scale that is read is the new number."""
    jar = fleet.jar("applied")
    fleet.apply_document(fleet.document("applied", jar, replicas=1))
    fleet.wait_completed("applied")
    fleet.kubectl("scale", "moduledeployment/applied", "--replicas=3")
    wait_scaled(fleet, "applied", 3)
    fleet.apply_document(fleet.document("applied", jar, replicas=2))
    wait_scaled(fleet, "applied", 2)
    assert fleet.kubectl("get", "--raw", kubeapi.path("moduledeployments", fleet.namespace, "applied", "scale")).count(
        '"replicas":2') == 2


def test_5_11_a_scale_ends_symmetry_and_minus_one_begins_it(fleet):
    """-1 -> N -> -1."""
    jar = fleet.jar("even")
    fleet.apply_document(fleet.document("even", jar, replicas=-1))
    fleet.wait_completed("even")
    everywhere = len(fleet.available("even"))
    assert numbers(fleet, "even") == (-1, None)
    fleet.kubectl("scale", "moduledeployment/even", "--replicas=1")
    wait_scaled(fleet, "even", 1)
    assert len(fleet.available("even")) == 1
    fleet.apply_document(fleet.document("even", jar, replicas=-1))
    wait_scaled(fleet, "even", -1)
    assert len(fleet.available("even")) == everywhere > 1


def scale_of(fleet, name):
    """What an autoscaler reads."""
    found = fleet.cluster.api.get(kubeapi.path("moduledeployments", fleet.namespace, name, "scale"))
    return found["spec"]["replicas"], found["status"]["replicas"], found["status"]["selector"]


def test_an_autoscaler_works_at_once(fleet):
    """It reads the scale of what nobody has scaled yet, writes it, and reads it after an apply and after -1."""
    jar, selector = fleet.jar("auto"), "koupleless.alipay.com/module-deployment=auto"
    fleet.apply_document(fleet.document("auto", jar, replicas=2))
    fleet.wait_completed("auto")
    assert scale_of(fleet, "auto") == (2, 2, selector)
    where = kubeapi.path("moduledeployments", fleet.namespace, "auto", "scale")
    scale = fleet.cluster.api.get(where)
    scale["spec"]["replicas"] = 3
    fleet.cluster.api.put(where, scale)
    wait_scaled(fleet, "auto", 3)
    for replicas in (1, -1, 2):
        fleet.apply_document(fleet.document("auto", jar, replicas=replicas))
        wait_scaled(fleet, "auto", replicas)
    assert scale_of(fleet, "auto") == (2, 2, selector)


def test_a_scale_of_a_replicaset_is_undone(fleet):
    """Its number follows from the ModuleDeployment, which is to be scaled."""
    fleet.apply_document(fleet.document("undone", fleet.jar("undone"), replicas=1))
    fleet.wait_completed("undone")
    (revision,) = fleet.objects("modulereplicasets", "koupleless.alipay.com/module-deployment=undone")
    for replicas in (3, 0):
        fleet.kubectl("scale", "mdrs", revision, f"--replicas={replicas}")
        basekit.wait_until(lambda: fleet.kubectl_json("get", "mdrs", revision)["spec"]["replicas"] == 1,
                           "the number to come back")
        fleet.wait_agreement("undone")
    assert numbers(fleet, "undone") == (1, 1)
    assert fleet.get("undone").status.release_status.progress == "Completed"
