# SPDX-License-Identifier: Apache-2.0
"""maxUnavailable and what a release does within it (requirements 5.5, 5.9; invariant I2), as the bases' own log tells."""
import pytest

NONE, ONE, HALF, ALMOST_HALF = {"number": 0}, {"number": 1}, {"percent": 50}, {"percent": 49}
GAP = {"upgradePolicy": "uninstallThenInstall"}
ELSEWHERE = {"upgradePolicy": "scaleUpThenScaleDown"}


def condition(md, kind):
    return next(c for c in md.status.conditions if c.type == kind)


def released(system, replicas, jar, **spec):
    system.apply("pay", jar, replicas=replicas, **spec)
    system.wait_completed("pay")
    system.check_agreement("pay")


def steps(system):
    """What was done to the module, in order."""
    return [one for one in system.operations("pay") if one.operation in ("install", "uninstall")]


def fewest(system, first):
    """Bases that served at the worst instant after the first so many steps."""
    running, low = {}, None
    for number, one in enumerate(steps(system), 1):
        versions = running.setdefault(one.base, set())
        if one.operation == "install":
            versions.add(one.version)
        else:
            versions.discard(one.version)
        if number >= first:
            serving = sum(bool(versions) for versions in running.values())
            low = serving if low is None else min(low, serving)
    return low


def held_up(system):
    """The ModuleDeployment, once it says that maxUnavailable stands in the way."""
    return system.wait_for("pay", lambda md: condition(md, "Degraded").reason == "MaxUnavailable", "why nothing moves")


@pytest.mark.parametrize("limit, policy_place, low", [(ONE, "spec", 3), (HALF, "strategy", 2), (ALMOST_HALF, "spec", 3)])
def test_5_9_never_more_than_allowed_are_away(new_system, limit, policy_place, low):
    system = new_system(bases=4, sim=["--install-ms", "100"])
    released(system, 4, system.jar("pay"))
    spec = {"strategy": {**GAP, "maxUnavailable": limit}} if policy_place == "strategy" else {
        "strategy": GAP, "maxUnavailable": limit}
    released(system, 4, system.jar("pay", "2.0.0"), **spec)
    assert fewest(system, first=4) == low
    assert {step.version for step in steps(system)[-2:] if step.operation == "install"} == {"2.0.0"}


def test_5_9_waves_within_batches(new_system):
    system = new_system(bases=4, sim=["--install-ms", "100"])
    released(system, 4, system.jar("pay"))
    released(system, 4, system.jar("pay", "2.0.0"), maxUnavailable=ONE, strategy={**GAP, "batchCount": 2})
    assert fewest(system, first=4) == 3


def test_5_9_without_a_bound_the_whole_batch_goes_at_once(new_system):
    system = new_system(bases=4, sim=["--install-ms", "300"])
    released(system, 4, system.jar("pay"))
    released(system, 4, system.jar("pay", "2.0.0"), strategy=GAP)
    assert fewest(system, first=4) < 3


def test_5_9_zero_forbids_a_gap_and_says_so(new_system):
    system = new_system(bases=2)
    released(system, 2, system.jar("pay"))
    before = system.available("pay")
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=2, maxUnavailable=NONE, strategy=GAP)
    degraded = condition(held_up(system), "Degraded")
    assert degraded.status == "True"
    assert degraded.message == ("2 instances can only be replaced with a gap (UpgradePolicy), but maxUnavailable is 0: "
                                "a higher one would help, or another upgradePolicy")
    assert system.available("pay") == before and len(steps(system)) == 2

    released(system, 2, system.jar("pay", "2.0.0"), maxUnavailable=NONE)  # side by side
    assert fewest(system, first=2) == 2
    md = system.wait_for("pay", lambda md: condition(md, "Degraded").status == "False", "all to be well")
    assert md.status.unavailable_replicas == 0


def test_5_9_zero_and_one_web_path_waits_for_room(new_system):
    system = new_system(bases=2, spare=1)
    released(system, 2, system.jar("pay", web=True))
    system.apply("pay", system.jar("pay", "2.0.0", web=True), replicas=2, maxUnavailable=NONE)
    degraded = condition(held_up(system), "Degraded")
    assert "WebPathInUse,NoCapacity" in degraded.message and "room on another base" in degraded.message
    assert len(steps(system)) == 2 and set(system.available("pay").values()) == {"1.0.0"}

    system.add_base()
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert fewest(system, first=2) == 2
    assert {m.spec.upgrade_way for m in system.modules("pay")} == {"OtherBase"}


def test_5_9_what_is_sick_counts_and_may_be_replaced(new_system):
    system = new_system(bases=3)
    released(system, 3, system.jar("pay", web=True))
    assert system.base(1).get("/pay/set/DOWN").status == 200
    system.wait_modules(lambda modules: any(m.status.status == "Unavailable" for m in modules), "one to be sick", "pay")
    released(system, 3, system.jar("pay", "2.0.0", web=True), maxUnavailable=ONE, strategy=GAP)
    order = [step.base for step in steps(system) if step.version == "2.0.0"]
    assert order[0] == "base-1"
    assert fewest(system, first=3) == 2


def test_5_9_scale_down_and_deletion_are_on_purpose(new_system):
    system = new_system(bases=4)
    released(system, 4, system.jar("pay"), maxUnavailable=NONE)
    released(system, 1, system.jar("pay"), maxUnavailable=NONE)
    system.call("DeleteModuleDeployment", "pay")
    system.wait_gone("pay")


# -- 5.5: scaleUpThenScaleDown --


def test_5_5_all_new_ones_of_a_batch_come_before_an_old_one_goes(new_system):
    system = new_system(bases=6, sim=["--install-ms", "100"])
    released(system, 3, system.jar("pay"))
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=3, strategy={**ELSEWHERE, "batchCount": 2})
    system.wait_completed("pay")
    system.check_agreement("pay")
    order = [step.operation for step in steps(system)][3:]
    assert order == ["install"] * 2 + ["uninstall"] * 2 + ["install", "uninstall"]
    assert len(system.base_objects()) == 6  # bases are not ours to delete


def test_5_5_without_room_beside_the_old_ones_and_says_so(new_system):
    system = new_system(bases=2)
    released(system, 2, system.jar("pay"))
    released(system, 2, system.jar("pay", "2.0.0"), maxUnavailable=NONE, strategy=ELSEWHERE)
    assert fewest(system, first=2) == 2
    assert {(m.spec.upgrade_way, m.status.reason) for m in system.modules("pay")} == {("SideBySide", "NoCapacity")}
    system.wait_for("pay", lambda md: "SideBySide (NoCapacity)" in condition(md, "Progressing").message, "the way")


def test_5_5_without_room_and_with_one_web_path_in_place_within_the_bound(new_system):
    system = new_system(bases=3, sim=["--install-ms", "100"])
    released(system, 3, system.jar("pay", web=True))
    released(system, 3, system.jar("pay", "2.0.0", web=True), maxUnavailable=ONE, strategy=ELSEWHERE)
    assert fewest(system, first=3) == 2
    assert {m.status.reason for m in system.modules("pay")} == {"WebPathInUse,NoCapacity"}
    system.wait_for("pay", lambda md: "InPlace (WebPathInUse,NoCapacity)" in condition(md, "Progressing").message,
                    "the way")
