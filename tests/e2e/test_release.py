# SPDX-License-Identifier: Apache-2.0
"""Releases: batches, gates, policies of upgrade, rollback, scaling, steering (requirements 1 to 5)."""
import systemkit

CONFIRM = {"needConfirm": True}


def versions(system, name):
    """base -> version, as the bases tell."""
    found = {}
    for base, keys in system.active().items():
        mine = [key.split(":")[1] for key in keys if key.startswith(name + ":")]
        assert len(mine) <= 1, f"{base}: {mine}"
        if mine:
            found[base] = mine[0]
    return found


def released(system, name="pay", version="1.0.0", replicas=2, jar=None, **spec):
    """Applies and waits for the end, without batches in between."""
    jar = jar or system.jar(name, version)
    system.apply(name, jar, replicas=replicas, **spec)
    system.wait_completed(name)
    system.check_agreement(name)
    return jar


def ways(system, name):
    return {(m.spec.upgrade_way, m.spec.upgrade_way_reason) for m in system.modules(name)}


# -- upgrade --


def test_new_version_beside_the_old_one_then_the_old_one_goes(system):
    released(system)
    before = system.available("pay")
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=2,
                 strategy={"batchCount": 2, "upgradePolicy": "installThenUninstall", **CONFIRM})

    md = system.wait_waiting("pay", batch=1)
    assert md.status.release_status.real_batch_count == 2
    assert sorted(system.available("pay").values()) == ["1.0.0", "2.0.0"]
    assert versions(system, "pay") == system.available("pay")
    assert (md.status.updated_replicas, md.status.updated_available_replicas) == (1, 1)

    system.call("ConfirmBatch", "pay", batch=1)
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.available("pay").keys() == before.keys()
    for steps in system.operations_of("pay").values():
        assert steps == ["install 1.0.0", "install 2.0.0", "uninstall 1.0.0"]
    assert ways(system, "pay") == {("SideBySide", "")}


def test_old_version_goes_first_where_the_policy_says_so(system):
    released(system)
    before = system.available("pay")
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=2,
                 strategy={"batchCount": 2, "upgradePolicy": "uninstallThenInstall"})
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.available("pay").keys() == before.keys()
    for steps in system.operations_of("pay").values():
        assert steps == ["install 1.0.0", "uninstall 1.0.0", "install 2.0.0"]
    assert ways(system, "pay") == {("InPlace", "UpgradePolicy")}


def test_new_version_on_other_bases_first_where_the_policy_says_so(new_system):
    system = new_system(bases=4)
    released(system)
    before = system.available("pay")
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=2,
                 strategy={"upgradePolicy": "scaleUpThenScaleDown"})
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert not system.available("pay").keys() & before.keys()
    order = [one.operation for one in system.operations("pay") if one.operation != "start"]
    assert order == ["install"] * 4 + ["uninstall"] * 2


def test_upgrade_to_other_bases_leaves_the_neighbours_alone(new_system):
    """Who shares a base with what goes from there stays, and serves."""
    system = new_system(bases=4)
    released(system, "order", replicas=4)
    neighbours = {m.metadata.uid for m in system.modules("order")}
    released(system)
    released(system, version="2.0.0", strategy={"upgradePolicy": "scaleUpThenScaleDown"})
    assert ways(system, "pay") == {("OtherBase", "")}
    system.check_agreement("order")
    assert {m.metadata.uid for m in system.modules("order")} == neighbours
    assert set(map(tuple, system.operations_of("order").values())) == {("install 1.0.0",)}


def test_one_web_path_and_no_other_base_means_in_place_and_says_why(new_system):
    system = new_system(bases=2)
    released(system, jar=system.jar("pay", "1.0.0", web=True))
    system.apply("pay", system.jar("pay", "2.0.0", web=True), replicas=2, strategy={"batchCount": 2})
    system.wait_completed("pay")
    system.check_agreement("pay")
    for number in (1, 2):
        assert system.base(number).get("/pay/version").body.strip() == "pay:2.0.0"
    for steps in system.operations_of("pay").values():
        assert steps == ["install 1.0.0", "uninstall 1.0.0", "install 2.0.0"]
    assert ways(system, "pay") == {("InPlace", "WebPathInUse,NoCapacity")}
    for module in system.modules("pay"):
        assert module.status.reason == "WebPathInUse,NoCapacity"


def test_one_web_path_and_a_free_base_means_the_other_base_and_says_why(system):
    released(system, jar=system.jar("pay", "1.0.0", web=True))
    system.apply("pay", system.jar("pay", "2.0.0", web=True), replicas=2, strategy={"batchCount": 2})
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert ways(system, "pay") == {("OtherBase", "WebPathInUse")}
    for base, version in versions(system, "pay").items():
        assert version == "2.0.0"
        assert system.base(base.removeprefix("base-")).get("/pay/version").body.strip() == "pay:2.0.0"
    serving = 0
    for one in system.operations("pay"):  # once both served, two served at every moment
        serving += {"install": 1, "uninstall": -1}.get(one.operation, 0)
        assert serving >= 2 or one.version == "1.0.0" and one.operation in ("start", "install")


def test_failing_version_leaves_the_old_one_in_service(system):
    released(system)
    before = system.available("pay")
    system.apply("pay", system.jar("pay", "2.0.0", Test_Fail="main"), replicas=2, strategy={"batchCount": 2})

    def failed(modules):
        return [m for m in modules if m.status.status == "Failed" and m.status.attempts >= 2]

    bad = failed(system.wait_modules(failed, "a second failed attempt", "pay"))[0]
    assert bad.status.reason == "User.BizRunMainFailed" or "." in bad.status.reason
    assert bad.status.message
    assert any(event.reason == "InstallFailed" and event.count >= 1 for event in system.events("Module"))
    md = system.get("pay")
    assert (md.status.release_status.progress, md.status.release_status.current_batch) == ("Executing", 1)
    conditions = {c.type: c for c in md.status.conditions}
    assert conditions["Available"].status == "True"
    assert versions(system, "pay") == before

    system.call("UndoRelease", "pay")
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.available("pay") == before


# -- rollback and the url --


def test_undo_goes_back_the_same_way(system):
    released(system)
    before = system.available("pay")
    released(system, version="2.0.0", strategy={"batchCount": 2})
    system.call("UndoRelease", "pay")
    md = system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.available("pay") == before
    assert md.spec.template.spec.module.version == "1.0.0"
    request = system.proto.ListRevisionsRequest(name="pay")
    revisions = system.release.ListRevisions(request, timeout=systemkit.WATCHDOG_S).revisions
    assert [rs.spec.template.spec.module.version for rs in revisions] == ["1.0.0", "2.0.0"]
    assert [rs.spec.replicas for rs in revisions] == [2, 0]
    for steps in system.operations_of("pay").values():
        assert steps == ["install 1.0.0", "install 2.0.0", "uninstall 1.0.0", "install 1.0.0", "uninstall 2.0.0"]


def test_applying_the_old_version_goes_back_too(system):
    old = released(system)
    released(system, version="2.0.0")
    released(system, jar=old)
    assert set(versions(system, "pay").values()) == {"1.0.0"}


def test_another_url_touches_no_running_instance(system):
    released(system)
    digests = {m.spec.base_name: m.status.digest for m in system.modules("pay")}
    moved = system.jar("pay", "1.0.0", Test_Note="moved")
    md = system.apply("pay", moved, replicas=2)
    assert md.spec.template.spec.module.url == moved.as_uri()
    system.wait_completed("pay")
    assert system.installs("pay") == 2
    assert {m.spec.base_name: m.status.digest for m in system.modules("pay")} == digests

    system.apply("pay", moved, replicas=3)  # a new instance takes the new url
    system.wait_completed("pay")
    system.check_agreement("pay")
    (new,) = [m for m in system.modules("pay") if m.spec.base_name not in digests]
    assert new.status.digest and new.status.digest not in digests.values()
    assert {m.spec.base_name: m.status.digest for m in system.modules("pay")}.items() >= digests.items()


def test_restarted_base_gets_its_module_back_from_the_new_url(system):
    released(system)
    (old, _) = [m.status.digest for m in system.modules("pay")]
    system.apply("pay", system.jar("pay", "1.0.0", Test_Note="moved"), replicas=2)
    system.wait_completed("pay")
    base = sorted(system.available("pay"))[0]
    number = int(base.removeprefix("base-"))
    system.restart_base(number, 1500)

    def back(modules):
        mine = [m for m in modules if m.spec.base_name == base]
        return mine and mine[0].status.status == "Available" and mine[0].status.digest != old

    system.wait_modules(back, f"pay to be back on {base}", "pay")
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.installs("pay") == 3


# -- restart: the same version again --

AGAIN = ["install 1.0.0", "uninstall 1.0.0", "install 1.0.0"]


def test_restart_in_two_batches_installs_every_instance_again_once(new_system):
    system = new_system(bases=4)
    jar = released(system, replicas=4)
    released(system, jar=jar, replicas=4, strategy={"batchCount": 2, **CONFIRM})  # how it is to go; nothing to change
    before = system.available("pay")
    system.call("RestartModules", "pay")

    md = system.wait_waiting("pay", batch=1)
    assert (md.status.release_status.real_batch_count, md.status.release_status.original_delta_replicas) == (2, 4)
    assert sorted(map(len, system.operations_of("pay").values())) == [1, 1, 3, 3]
    assert system.available("pay") == before
    system.call("ConfirmBatch", "pay", batch=1)
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.available("pay") == before
    assert system.operations_of("pay") == {base: AGAIN for base in before}
    assert ways(system, "pay") == {("InPlace", "SameVersion,NoCapacity")}


def test_restart_with_room_goes_over_other_bases(system):
    released(system, strategy={"batchCount": 2})
    system.call("RestartModules", "pay")
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.installs("pay") == 4
    assert ways(system, "pay") == {("OtherBase", "SameVersion")}
    serving = 0
    for one in system.operations("pay"):  # once both served, two served at every moment
        step = {"install": 1, "uninstall": -1}.get(one.operation, 0)
        serving += step
        assert serving >= 2 or step >= 0
    assert serving == 2


def test_restart_after_a_restart_and_the_way_back(new_system):
    system = new_system(bases=1)
    released(system, replicas=1)
    for _ in range(2):
        system.call("RestartModules", "pay")
        system.wait_completed("pay")
        system.check_agreement("pay")
    assert system.operations_of("pay") == {"base-1": AGAIN + AGAIN[1:]}
    system.call("UndoRelease", "pay", to_revision=1)  # the jar is the same: nothing to do on the base
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.operations_of("pay") == {"base-1": AGAIN + AGAIN[1:]}


def test_restart_of_what_does_not_start_any_more_leaves_the_rest_in_service(new_system):
    system = new_system(bases=3)
    released(system, replicas=3, strategy={"batchCount": 3})
    system.control("fault", fault="exception", command="installBiz", count=1, text="not now")
    system.call("RestartModules", "pay")
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert any(event.reason == "InstallFailed" for event in system.events("Module"))
    done = list(system.operations_of("pay").values())
    assert AGAIN + AGAIN[1:] in done  # what was taken off was put back, before the next attempt
    assert all(steps in (AGAIN, AGAIN + AGAIN[1:]) for steps in done)


# -- scale --


def test_scale_up_and_down(system):
    released(system, replicas=1)
    (first,) = system.available("pay")
    system.call("ScaleModuleDeployment", "pay", replicas=3)
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert first in system.available("pay") and len(system.available("pay")) == 3
    system.call("ScaleModuleDeployment", "pay", replicas=1)
    md = system.wait_completed("pay")
    system.check_agreement("pay")
    assert md.status.replicas == 1
    system.call("ScaleModuleDeployment", "pay", replicas=0)
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.get("pay").spec.replicas == 0


def test_five_to_two_in_two_batches_removes_two_then_one(new_system):
    system = new_system(bases=5)
    released(system, replicas=5)
    system.apply("pay", system.jar("pay"), replicas=2, strategy={"batchCount": 2, **CONFIRM})
    md = system.wait_waiting("pay", batch=1)
    assert (md.status.release_status.real_batch_count, md.status.release_status.original_delta_replicas) == (2, 3)
    assert len(versions(system, "pay")) == 3
    system.call("ConfirmBatch", "pay", batch=1)
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_beta_is_one_instance_then_the_rest(new_system):
    system = new_system(bases=5)
    strategy = {"batchCount": 3, "useBeta": True, **CONFIRM}
    system.apply("pay", system.jar("pay"), replicas=5, strategy=strategy)
    for batch, online in ((1, 1), (2, 3)):
        md = system.wait_waiting("pay", batch)
        assert md.status.release_status.real_batch_count == 3
        assert len(versions(system, "pay")) == online
        system.call("ConfirmBatch", "pay", batch=batch)
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_beta_with_one_batch_is_two_batches(system):
    system.apply("pay", system.jar("pay"), replicas=3, strategy={"batchCount": 1, "useBeta": True, **CONFIRM})
    md = system.wait_waiting("pay", batch=1)
    assert md.status.release_status.real_batch_count == 2
    assert len(versions(system, "pay")) == 1
    system.call("ConfirmBatch", "pay")
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_gray_time_waits_and_continues_by_itself(system):
    strategy = {"batchCount": 2, "grayTimeBetweenBatchSeconds": 1}
    system.apply("pay", system.jar("pay"), replicas=3, strategy=strategy)
    md = system.wait_progress("pay", "Paused", "GrayTime", batch=1)
    assert md.status.release_status.HasField("next_reconcile_time")
    assert not md.spec.pause
    assert len(versions(system, "pay")) == 2
    system.wait_completed("pay")
    system.check_agreement("pay")
    times = [one.time_ms for one in system.operations("pay") if one.operation == "install"]
    assert times[2] - times[1] >= 1000


def test_symmetric_follows_the_bases(new_system):
    system = new_system(bases=2, spare=1, controller=["--base-silent-after", "3s", "--base-gone-after", "4s"])
    released(system, replicas=-1)
    assert len(versions(system, "pay")) == 2

    system.add_base()
    system.wait_modules(lambda modules: len(modules) == 3 and all(m.status.status == "Available" for m in modules),
                        "pay on the new base", "pay")
    md = system.wait_for("pay", lambda md: md.status.available_replicas == 3, "3 available replicas")
    assert md.spec.replicas == -1
    assert md.status.release_status.progress == "Completed"
    assert len(versions(system, "pay")) == 3

    system.remove_base(1)
    system.wait_modules(lambda modules: {m.spec.base_name for m in modules} == {"base-2", "base-3"},
                        "the Module to go with its base", "pay")
    md = system.wait_for("pay", lambda md: md.status.available_replicas == md.status.replicas == 2,
                         "2 available replicas")
    assert md.spec.replicas == -1
    assert md.status.release_status.progress == "Completed"
    assert system.installs("pay") == 3

    system.apply("pay", system.jar("pay", "2.0.0"), replicas=-1, strategy={"batchCount": 2})
    system.wait_completed("pay")
    assert {m.spec.module.version for m in system.modules("pay")} == {"2.0.0"}
    assert system.active("base-2", "base-3") == {"base-2": ["pay:2.0.0"], "base-3": ["pay:2.0.0"]}


def test_lost_base_is_made_up_for_elsewhere(new_system):
    system = new_system(bases=3, controller=["--base-silent-after", "3s", "--base-gone-after", "4s"])
    released(system)
    lost = sorted(system.available("pay"))[0]
    system.remove_base(lost.removeprefix("base-"))
    system.wait_modules(lambda modules: len(modules) == 2 and all(
        m.status.status == "Available" and m.spec.base_name != lost for m in modules), "pay on another base", "pay")
    system.wait_completed("pay")
    assert system.installs("pay") == 3


def test_replaced_instance_comes_back(system):
    released(system)
    victim = system.modules("pay")[0]
    request = system.proto.ReplaceModuleRequest(name=victim.metadata.name)
    system.inventory.ReplaceModule(request, timeout=systemkit.WATCHDOG_S)

    def replaced(modules):
        uids = {m.metadata.uid for m in modules if m.status.status == "Available"}
        return len(uids) == len(modules) == 2 and victim.metadata.uid not in uids

    system.wait_modules(replaced, "another instance", "pay")
    system.wait_completed("pay")
    system.check_agreement("pay")
    assert system.installs("pay") == 3


# -- placement --


def test_full_bases_are_said_and_room_is_taken_at_once(new_system):
    system = new_system(bases=2, agent=["--max-module-count", "1"])
    released(system, "first", replicas=1)
    system.apply("second", system.jar("second"), replicas=2)

    def said(md):
        return any("max-module-count" in c.message or "NoCapacity" in c.reason for c in md.status.conditions)

    md = system.wait_for("second", said, "the shortage to be said")
    assert md.status.release_status.progress == "Executing"
    assert len(versions(system, "second")) == 1
    system.call("DeleteModuleDeployment", "first")
    system.wait_completed("second")
    system.check_agreement("second")


def test_scatter_and_stacking(new_system):
    system = new_system(bases=3)
    released(system, "first", replicas=1)
    (taken,) = system.available("first")
    released(system, "spread", replicas=2, schedulingStrategy={"schedulingPolicy": "Scatter"})
    assert taken not in system.available("spread")
    released(system, "third", replicas=1, schedulingStrategy={"schedulingPolicy": "scatter"})
    (fullest,) = system.available("third")
    released(system, "stacked", replicas=1, schedulingStrategy={"schedulingPolicy": "Stacking"})
    assert list(system.available("stacked")) == [fullest]


# -- deletion --


def test_deletion_goes_in_batches_and_each_is_gated(new_system):
    system = new_system(bases=4)
    released(system, replicas=4, strategy={"batchCount": 2})
    system.control("fault", fault="exception", command="uninstallBiz", count=-1, text="busy")
    system.call("DeleteModuleDeployment", "pay")

    def stuck(modules):
        return sum(m.status.status == "Terminating" and m.status.message != "" for m in modules) == 2

    modules = system.wait_modules(stuck, "two uninstalls that fail", "pay")
    assert sum(m.metadata.HasField("deletion_timestamp") for m in modules) == 2
    release = system.get("pay").status.release_status
    assert (release.progress, release.current_batch, release.real_batch_count) == ("Terminating", 1, 2)
    assert any(event.reason == "UninstallFailed" for event in system.events("Module"))
    assert len(versions(system, "pay")) == 4
    system.control("clear")
    system.wait_gone("pay")
    assert not versions(system, "pay")


def test_deletion_wins_over_a_release_that_waits(system):
    system.apply("pay", system.jar("pay"), replicas=3, strategy={"batchCount": 3, **CONFIRM})
    system.wait_waiting("pay", batch=1)
    system.call("DeleteModuleDeployment", "pay")
    system.wait_gone("pay")
    assert not versions(system, "pay")
    assert system.installs("pay") == 1


def test_deletion_right_after_another_version(system):
    """Of one without any labels; the controller goes on with the next one."""
    released(system)
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=2, strategy={"batchCount": 2, **CONFIRM})
    system.call("DeleteModuleDeployment", "pay")
    system.wait_gone("pay")
    assert not versions(system, "pay")
    released(system)


# -- steering --


def stuck_in_first_batch(system):
    """A release of 3 instances in 3 batches, whose first install does not succeed."""
    system.control("fault", fault="exception", command="installBiz", count=-1, text="not now")
    system.apply("pay", system.jar("pay"), replicas=3, strategy={"batchCount": 3})
    system.wait_modules(lambda modules: any(m.status.status == "Failed" for m in modules), "a failed install", "pay")


def test_pause_holds_the_release_and_resume_continues_it(system):
    stuck_in_first_batch(system)
    system.call("PauseRelease", "pay")
    system.wait_progress("pay", "Paused", "PausedByUser", batch=1)
    system.control("clear")
    system.wait_modules(lambda modules: [m.status.status for m in modules] == ["Available"],
                        "the install that was under way", "pay")
    md = system.wait_progress("pay", "Paused", "PausedByUser", batch=1)
    assert md.spec.pause
    assert system.installs("pay") == 1
    assert system.refused("ConfirmBatch", "pay").reason == "BATCH_NOT_WAITING"
    system.call("ResumeRelease", "pay")
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_abort_gives_the_release_up_and_another_one_starts_anew(system):
    stuck_in_first_batch(system)
    system.call("AbortRelease", "pay")
    md = system.wait_progress("pay", "Aborted", "AbortedByUser")
    assert {c.type: c.status for c in md.status.conditions}["Progressing"] == "False"
    system.control("clear")
    system.apply("pay", system.jar("pay", "1.0.1"), replicas=3, strategy={"batchCount": 3})
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_another_version_midway_is_released_at_once(system):
    released(system, replicas=3)
    strategy = {"batchCount": 3, **CONFIRM}
    system.apply("pay", system.jar("pay", "2.0.0"), replicas=3, strategy=strategy)
    system.wait_waiting("pay", batch=1)
    system.apply("pay", system.jar("pay", "3.0.0"), replicas=3, strategy=strategy)
    for batch in (1, 2):
        system.wait_for("pay", lambda md, batch=batch: "3.0.0" in system.available("pay").values()
                        and md.status.release_status.current_batch == batch
                        and md.status.release_status.reason == "WaitingForConfirmation", f"batch {batch} of 3.0.0")
        assert list(versions(system, "pay").values()).count("3.0.0") == batch
        system.call("ConfirmBatch", "pay", batch=batch)
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_good_version_midway_ends_a_release_that_fails(system):
    released(system, replicas=3)
    system.apply("pay", system.jar("pay", "2.0.0", Test_Fail="main"), replicas=3)
    system.wait_modules(lambda modules: any(m.status.status == "Failed" for m in modules), "a failure", "pay")
    system.apply("pay", system.jar("pay", "2.0.1"), replicas=3)
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_other_number_midway_is_planned_anew(system):
    strategy = {"batchCount": 2, **CONFIRM}
    system.apply("pay", system.jar("pay"), replicas=2, strategy=strategy)
    system.wait_waiting("pay", batch=1)
    system.call("ScaleModuleDeployment", "pay", replicas=3)
    system.wait_for("pay", lambda md: len(system.available("pay")) == 2
                    and md.status.release_status.reason == "WaitingForConfirmation", "the first of two more")
    system.call("ConfirmBatch", "pay", batch=1)
    system.wait_completed("pay")
    system.check_agreement("pay")


def test_nobody_else_takes_part_in_a_release(system):
    """Modules of two ModuleDeployments share bases; a release of one does not touch the other."""
    released(system, "pay", replicas=3)
    released(system, "order", replicas=3)
    released(system, "pay", version="2.0.0", replicas=3)
    system.call("DeleteModuleDeployment", "pay")
    system.wait_gone("pay")
    system.check_agreement("order")
    assert system.installs("order") == 3
