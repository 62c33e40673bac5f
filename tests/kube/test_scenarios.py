# SPDX-License-Identifier: Apache-2.0
"""The ways a release can go, told with kubectl on a real API server: real JVMs behind the pods on the current version,
simulated bases on the other, where only the server is another one."""
import json

import basekit
import pytest
from bases_kit import PREFIX, settled

GENERATION = "generation"  # label of the pods, of what the base itself is


@pytest.fixture(name="fleet", scope="module")
def fixture_fleet(module_fleet, kube_cluster):
    """Three bases, for all tests here."""
    kind = "jvm" if kube_cluster.version == "current" else "sim"
    try:
        return module_fleet(bases=3, kind=kind)
    except basekit.Unavailable as error:
        pytest.skip(str(error))


def patch(fleet, name, **spec):
    fleet.kubectl("patch", "moduledeployment", name, "--type=merge", "-p", json.dumps({"spec": spec}))


def released(fleet, name, replicas=3, **spec):
    """The first version of a module, completely."""
    fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=replicas, **spec))
    fleet.wait_completed(name)
    settled(fleet, name)


def release(fleet, name, version="2.0.0", replicas=3, strategy=None, jar=None, **spec):
    jar = jar or fleet.jar(name, version)
    fleet.apply_document(fleet.document(name, jar, replicas=replicas, strategy=strategy or {}, **spec))


def confirm(fleet, name):
    patch(fleet, name, pause=False)


def revision(fleet, name):
    return fleet.get(name).status.release_status.update_revision


def times(fleet, name, operation, version):
    """When the bases did that, in ms."""
    return sorted(one.time_ms for one in fleet.operations(name) if (one.operation, one.version) == (operation, version))


def gone(fleet, name):
    """Deleted, and nothing of it is left: no Module, no label, nothing on a base."""
    fleet.kubectl("delete", "moduledeployment", name, "--timeout=60s")
    assert not fleet.objects("modules", f"{PREFIX}module-name={name}")
    assert not [key for keys in fleet.active().values() for key in keys if key.startswith(f"{name}:")]
    assert fleet.traffic(name) == []


# -- policies --


@pytest.mark.parametrize("policy, steps", [
    ("installThenUninstall", ["install 1.0.0", "install 2.0.0", "uninstall 1.0.0"]),
    ("uninstallThenInstall", ["install 1.0.0", "uninstall 1.0.0", "install 2.0.0"]),
], ids=["beside", "in-place"])
def test_a_policy_on_the_same_bases(fleet, policy, steps):
    name = policy.lower()
    released(fleet, name)
    release(fleet, name, strategy={"upgradePolicy": policy, "batchCount": 2})
    settled(fleet, name)
    assert set(fleet.available(name).values()) == {"2.0.0"}
    assert list(fleet.operations_of(name).values()) == [steps] * 3
    gone(fleet, name)


def test_a_policy_by_way_of_other_bases(fleet):
    released(fleet, "moves", replicas=1)
    (before,) = fleet.available("moves")
    release(fleet, "moves", replicas=1, strategy={"upgradePolicy": "scaleUpThenScaleDown"})
    settled(fleet, "moves")
    (after,) = fleet.available("moves")
    assert fleet.operations_of("moves") == {before: ["install 1.0.0", "uninstall 1.0.0"], after: ["install 2.0.0"]}
    assert before != after
    assert times(fleet, "moves", "install", "2.0.0") <= times(fleet, "moves", "uninstall", "1.0.0")
    gone(fleet, "moves")


# -- batches --


def test_beta_confirmation_and_gray_time(fleet):
    strategy = {"batchCount": 2, "useBeta": True, "needConfirm": True, "grayTimeBetweenBatchSeconds": 1}
    released(fleet, "gray")
    release(fleet, "gray", strategy=strategy)
    md = fleet.wait_waiting("gray", batch=1)
    assert md.status.release_status.real_batch_count == 2
    assert sorted(fleet.available("gray").values()) == ["1.0.0", "1.0.0", "2.0.0"]
    confirm(fleet, "gray")
    settled(fleet, "gray")
    assert set(fleet.available("gray").values()) == {"2.0.0"}
    beta, *others = times(fleet, "gray", "install", "2.0.0")
    assert len(others) == 2 and others[0] - beta >= 1000
    gone(fleet, "gray")


def test_a_release_that_is_given_up_leaves_everything_as_it_is(fleet):
    released(fleet, "given-up")
    release(fleet, "given-up", strategy={"batchCount": 3, "needConfirm": True})
    fleet.wait_waiting("given-up", batch=1)
    fleet.kubectl("annotate", "moduledeployment", "given-up", f"{PREFIX}abort={revision(fleet, 'given-up')}")
    fleet.wait_progress("given-up", "Aborted", "AbortedByUser")
    assert sorted(fleet.available("given-up").values()) == ["1.0.0", "1.0.0", "2.0.0"]
    assert fleet.traffic("given-up") == sorted(fleet.pods())
    release(fleet, "given-up", version="3.0.0", strategy={"batchCount": 3})
    settled(fleet, "given-up")
    assert set(fleet.available("given-up").values()) == {"3.0.0"}
    gone(fleet, "given-up")


def test_deletion_while_paused(fleet):
    released(fleet, "paused")
    release(fleet, "paused", strategy={"batchCount": 3, "needConfirm": True})
    fleet.wait_waiting("paused", batch=1)
    gone(fleet, "paused")


# -- failures --


def test_what_does_not_start_is_rolled_back(fleet):
    released(fleet, "rolled-back")
    good = revision(fleet, "rolled-back")
    release(fleet, "rolled-back", jar=fleet.jar("rolled-back", "2.0.0", Test_Fail="main"),
            strategy={"batchCount": 3, "rollbackOnFailure": True}, progressDeadlineSeconds=5)
    md = fleet.wait_progress("rolled-back", "Completed", "RolledBack")
    assert md.status.release_status.update_revision == good
    assert md.status.release_status.failed_revision not in ("", good)
    fleet.kubectl("wait", "--for=condition=Degraded", "--timeout=60s", "moduledeployment/rolled-back")
    assert set(fleet.available("rolled-back").values()) == {"1.0.0"}
    basekit.wait_until(lambda: fleet.traffic("rolled-back") == sorted(fleet.pods()), "traffic as before")
    gone(fleet, "rolled-back")


# -- base and module together --


def relabel(fleet, generation):
    """Another pod template: every pod is replaced by one of that generation."""
    fleet.kubectl("patch", "deployment", fleet.base_deployment, "--type=merge", "-p", json.dumps(
        {"spec": {"template": {"metadata": {"labels": {GENERATION: generation}}}}}))


def generations(fleet):
    return {name: pod["metadata"]["labels"].get(GENERATION) for name, pod in fleet.pods().items()}


def test_a_base_and_a_module_that_need_each_other(fleet):
    """The pods are replaced as by any rolling update; the new jar is on pods of the new base alone, the old one on
    those of the old one."""
    name, seen = "together", {}

    def wait_generation(generation):
        def replaced():
            seen.update(generations(fleet))
            return set(generations(fleet).values()) == {generation}

        basekit.wait_until(replaced, f"pods of the {generation} base alone")
        fleet.wait_pods(3)

    def apply(generation, version):
        document = fleet.document(name, fleet.jar(name, version), replicas=3, strategy={"batchCount": 3})
        document["spec"]["template"]["spec"]["baseSelector"] = {GENERATION: generation}
        fleet.apply_document(document)

    relabel(fleet, "old")
    wait_generation("old")
    apply("old", "1.0.0")
    settled(fleet, name)
    apply("new", "2.0.0")
    relabel(fleet, "new")
    wait_generation("new")
    settled(fleet, name)
    assert set(fleet.available(name).values()) == {"2.0.0"}
    for base, steps in fleet.operations_of(name).items():
        wrong = {"old": "2.0.0", "new": "1.0.0"}[seen[base]]
        assert f"install {wrong}" not in steps, (base, steps, seen)
    gone(fleet, name)
