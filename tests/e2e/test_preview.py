# SPDX-License-Identifier: Apache-2.0
"""The preview of a release, held to what then really happens on the bases."""
import collections

import protokit
import pytest

CONFIRM = {"needConfirm": True}
BETA = {"batchCount": 3, "useBeta": True, **CONFIRM}


def plan(system, name, jar, **spec):
    request = system.proto.PlanReleaseRequest(module_deployment=system.deployment(name, jar, **spec))
    return system.release.PlanRelease(request, timeout=protokit.DEADLINE_S)


def foretold(answer, batch, old, new):
    """base -> operations of one batch, as the logs of the bases have them."""
    steps = {"install": [f"install {new}"], "uninstall": [f"uninstall {old}"], "switch": [],
             "replace": [f"uninstall {old}", f"install {new}"]}
    found = collections.defaultdict(list)
    for change in answer.changes:
        if change.batch == batch:
            found[change.base_name] += steps[change.action]
    return {base: sorted(operations) for base, operations in found.items()}


def happened(system, name, before):
    """base -> what was done there since it had done @before."""
    now = system.operations_of(name)
    return {base: sorted(steps[len(before.get(base, [])):]) for base, steps in now.items()
            if len(steps) > len(before.get(base, []))}


def check(system, name, answer, old, new):
    """Confirms batch after batch of the release that was applied: each does what was foretold."""
    done = system.operations_of(name) if old else {}
    last = answer.batches[-1].number
    for batch in answer.batches:
        if batch.number < last:
            assert batch.gate == "confirmation"
            system.wait_waiting(name, batch=batch.number)
        else:
            system.wait_completed(name)
        assert happened(system, name, done) == foretold(answer, batch.number, old, new)
        done = system.operations_of(name)
        if batch.number < last:
            system.call("ConfirmBatch", name, batch=batch.number)
    system.check_agreement(name)


def instances(system, name):
    return {module.metadata.name: module.spec.base_name for module in system.modules(name)}


@pytest.mark.parametrize("policy, bases", [("installThenUninstall", 5), ("uninstallThenInstall", 5),
                                           ("scaleUpThenScaleDown", 8)])
def test_what_was_foretold_happens(new_system, policy, bases):
    """With room for all of a batch: which base is free first is not foretold."""
    system = new_system(bases=bases)
    first, second = system.jar("pay", "1.0.0"), system.jar("pay", "2.0.0")
    how = {"replicas": 4, "strategy": {**BETA, "upgradePolicy": policy}}

    answer = plan(system, "pay", first, **how)
    assert [batch.size for batch in answer.batches] == [1, 2, 1]
    assert answer.outcome == system.proto.PLAN_OUTCOME_COMPLETED
    assert system.get("pay") is None and not system.operations_of("pay")  # nothing was changed
    system.apply("pay", first, **how)
    check(system, "pay", answer, old=None, new="1.0.0")
    assert instances(system, "pay") == {one.instance_name: one.base_name for one in answer.changes}

    answer = plan(system, "pay", second, **how)
    assert answer.most_unavailable == (2 if policy == "uninstallThenInstall" else 0)
    system.apply("pay", second, **how)
    check(system, "pay", answer, old="1.0.0", new="2.0.0")
    assert instances(system, "pay") == {one.instance_name: one.base_name for one in answer.changes
                                        if one.action in ("install", "replace")}

    system.call("ScaleModuleDeployment", "pay", replicas=4)  # as it is: what is left is nothing
    assert not plan(system, "pay", second, **how).changes
    how["replicas"] = 2
    answer = plan(system, "pay", second, **how)
    assert {one.action for one in answer.changes} == {"uninstall"}
    system.apply("pay", second, **how)
    check(system, "pay", answer, old="2.0.0", new=None)


def test_what_is_left_of_a_release(system):
    how = {"replicas": 3, "strategy": BETA}
    system.apply("pay", system.jar("pay"), **how)
    system.wait_waiting("pay", batch=1)
    request = system.proto.PlanReleaseRequest()
    request.module_deployment.metadata.name = "pay"
    answer = system.release.PlanRelease(request, timeout=protokit.DEADLINE_S)
    assert [batch.number for batch in answer.batches] == [2, 3]
    done = system.operations_of("pay")
    system.call("ConfirmBatch", "pay", batch=1)
    system.wait_waiting("pay", batch=2)
    assert happened(system, "pay", done) == foretold(answer, 2, None, "1.0.0")


def test_what_would_hold_it_up(system):
    answer = plan(system, "pay", system.jar("pay"), replicas=4)
    assert answer.outcome == system.proto.PLAN_OUTCOME_STUCK
    assert [hold.reason for hold in answer.holds] == ["NoCapacity", "ProgressDeadlineExceeded"]
    system.apply("pay", system.jar("pay"), replicas=4)
    said = (answer.holds[0].reason, answer.holds[0].message)
    system.wait_for("pay", lambda md: said in [(one.reason, one.message) for one in md.status.conditions], f"{said}")
    assert len(system.available("pay")) == len(answer.changes) == 3
