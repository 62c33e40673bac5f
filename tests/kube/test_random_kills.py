# SPDX-License-Identifier: Apache-2.0
"""A controller that is killed at random moments of a release in a cluster, and two of them at once by mistake: it always
converges; the bases' own logs say that nothing was installed twice."""
import random

import basekit
import programkit
import pytest


@pytest.fixture(name="fleet", scope="module")
def fixture_fleet(module_fleet):
    """With a module that nobody touches beside the one that is released."""
    fleet = module_fleet(bases=4, sim=["--install-ms", "60", "--uninstall-ms", "30"])
    for name, replicas in (("order", 4), ("pay", 3)):
        fleet.apply_document(fleet.document(name, fleet.jar(name), replicas=replicas))
        fleet.wait_completed(name)
    return fleet


def release(fleet, rng, version):
    policy = rng.choice(["installThenUninstall", "uninstallThenInstall", "scaleUpThenScaleDown"])
    fleet.apply_document(fleet.document("pay", fleet.jar("pay", version), replicas=rng.choice([2, 3]), strategy={
        "batchCount": rng.choice([1, 2]), "upgradePolicy": policy}))


def check_all(fleet):
    fleet.wait_completed("pay")
    for name in ("pay", "order"):
        fleet.wait_agreement(name)
    fleet.check_operations()


@pytest.mark.parametrize("seed", range(6))
def test_kill_at_a_random_moment_of_a_release(fleet, seed):
    """A moment is a number of operations on the bases: reproducible, unlike a time."""
    rng = random.Random(seed)
    moment = len(fleet.operations()) + rng.randrange(4)
    release(fleet, rng, f"{seed + 2}.0.0")
    basekit.wait_until(lambda: len(fleet.operations()) >= moment, "the moment")
    for _ in range(rng.choice([1, 2])):
        fleet.kill("controller")
        if rng.random() < 0.3:
            fleet.restart("scheduler")
        fleet.start("controller")
    check_all(fleet)
    assert fleet.installs("order") == 4


@pytest.mark.parametrize("seed", range(3))
def test_two_controllers_at_once(fleet, tmp_path, seed):
    """Against the rule, and nobody elects one yet: both do the same, writes of one are conflicts to the other."""
    rng = random.Random(100 + seed)
    with programkit.Program(
            "koupleless-controller", tmp_path, "--insecure", "--store", "kubernetes", "--kubeconfig",
            str(fleet.kubeconfig), "--namespace", fleet.namespace, "--scheduler", f"{fleet.host}:9091",
            host=fleet.host) as second:
        basekit.wait_until(lambda: second.get("/readyz")[0] == 200, "the second one to be ready")
        release(fleet, rng, f"{seed + 20}.0.0")
        check_all(fleet)
    check_all(fleet)
    assert fleet.installs("order") == 4
