# SPDX-License-Identifier: Apache-2.0
"""Bases that are nearly out of metaspace: nothing new comes to them, and what is there is upgraded in place."""
import basekit

# Of 10,000,000 bytes a base uses 9,000,000, and a module 600,000: one is more than 90 %.
SMALL = ["--metaspace-max", "10000000", "--metaspace-module", "600000"]


def wait_full(system, wanted):
    def all_so():
        bases = system.base_objects().values()
        return bases and all(base.status.metaspace_full == wanted for base in bases)

    basekit.wait_until(all_so, f"bases whose metaspace_full is {wanted}")
    return system.base_objects().values()


def test_nothing_comes_to_a_base_without_metaspace_and_nothing_has_to_go(new_system):
    system = new_system(bases=2, sim=SMALL)
    system.apply("first", system.jar("first"), replicas=2)
    system.wait_completed("first")
    for base in wait_full(system, True):
        assert base.status.phase == "Ready" and not base.status.reason
        assert "96 %" in base.status.metaspace_message
    rows = [line.split() for line in system.cli("get", "bases").stdout.splitlines()]
    assert [row[rows[0].index("REASON")] for row in rows[1:]] == ["MetaspaceFull"] * 2

    system.apply("second", system.jar("second"), replicas=1)
    md = system.wait_for("second", lambda md: any("2 MetaspaceFull" in c.message for c in md.status.conditions),
                         "the shortage to be said")
    assert any(c.type == "Degraded" and c.reason == "NoCapacity" for c in md.status.conditions)
    assert len(system.available("first")) == 2

    system.apply("first", system.jar("first", "2.0.0"), replicas=2, strategy={"upgradePolicy": "installThenUninstall"})
    system.wait_completed("first")
    system.check_agreement("first")
    for steps in system.operations_of("first").values():
        assert steps == ["install 1.0.0", "uninstall 1.0.0", "install 2.0.0"]
    for module in system.modules("first"):
        assert module.status.reason == "MetaspaceFull,NoCapacity"
    assert not system.operations_of("second")

    system.call("DeleteModuleDeployment", "first")
    system.wait_completed("second")
    system.check_agreement("second")


def test_an_upgrade_goes_to_the_base_that_has_metaspace(new_system):
    system = new_system(bases=2, sim=SMALL)
    system.apply("pay", system.jar("pay"), replicas=1)
    system.wait_completed("pay")
    basekit.wait_until(lambda: any(base.status.metaspace_full for base in system.base_objects().values()), "the full base")
    old, = system.available("pay")
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=1)
    system.wait_completed("pay")
    system.check_agreement("pay")
    new, = system.modules("pay")
    assert new.spec.base_name != old
    assert new.status.reason == "MetaspaceFull"
