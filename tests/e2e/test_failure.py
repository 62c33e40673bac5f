# SPDX-License-Identifier: Apache-2.0
"""Releases that fail: a deadline for progress, the way back by itself, and when instances count (design section 5)."""
import pytest

RESUME = "koupleless.alipay.com/resume"
FAILED = "koupleless.alipay.com/failed"
BACK = {"batchCount": 2, "rollbackOnFailure": True}


def versions(system):
    """base -> version of the module, as the bases tell."""
    return {base: key.split(":")[1] for base, keys in system.active().items() for key in keys}


def released(system, version="1.0.0"):
    """Two instances of a first version; where they run."""
    system.apply("pay", system.jar("pay", version), replicas=2)
    system.wait_completed("pay")
    return versions(system)


def installs_fail(system, number=None):
    system.control("fault", number, fault="exception", command="installBiz", count=-1, text="not now")


def upgrade(system, strategy, version="2.0.0", **spec):
    return system.apply("pay", system.jar("pay", version), replicas=2, strategy=strategy, **spec)


def condition(md, kind):
    return next(one for one in md.status.conditions if one.type == kind)


def revisions(system):
    """version -> ModuleReplicaSet"""
    found = system.call("ListRevisions", "pay").revisions
    return {rs.spec.template.spec.module.version: rs for rs in found}


# -- a deadline for progress --


@pytest.mark.parametrize("how", ["resume", "a longer deadline"])
def test_without_progress_it_is_stopped_and_goes_on_when_asked(system, how):
    before = released(system)
    installs_fail(system)
    upgrade(system, {"batchCount": 2}, progressDeadlineSeconds=8)
    md = system.wait_progress("pay", "Aborted", "ProgressDeadlineExceeded", batch=1)
    progressing = condition(md, "Progressing")
    assert (progressing.status, progressing.reason) == ("False", "ProgressDeadlineExceeded")
    assert progressing.message == "no progress for 8 s in batch 1 of 2"
    (told,) = [event for event in system.events(name="pay") if event.reason == "ProgressDeadlineExceeded"]
    assert told.type == "Warning"
    assert versions(system) == before

    system.restart("controller")  # which changes nothing
    system.control("clear")
    system.wait_modules(lambda all: {m.spec.module.version for m in all if m.status.status == "Available"} ==
                        {"1.0.0", "2.0.0"}, "what was on its way to come", "pay")
    release = system.get("pay").status.release_status
    assert (release.progress, release.reason) == ("Aborted", "ProgressDeadlineExceeded")

    if how == "resume":
        system.call("ResumeRelease", "pay")
    else:
        upgrade(system, {"batchCount": 2}, progressDeadlineSeconds=600)
    md = system.wait_completed("pay")
    system.check_agreement("pay")
    assert md.spec.template.spec.module.version == "2.0.0"
    md = system.wait_for("pay", lambda md: RESUME not in md.metadata.annotations, "the request to be done with")
    assert condition(md, "Progressing").status == "True"


def test_status_watch_tells_that_it_was_stopped(system):
    released(system)
    installs_fail(system)
    upgrade(system, {}, progressDeadlineSeconds=1)
    watch = system.cli("status", "pay", "--watch")
    assert watch.returncode == 1
    assert "moduledeployment/pay: the release is Aborted: no progress for 1 s" in watch.stderr
    system.control("clear")
    system.call("UndoRelease", "pay")
    system.wait_completed("pay")
    system.wait_agreement("pay")


# -- the way back --


def check_rolled_back(system, before, md):
    """The release has returned to 1.0.0, and says so."""
    known = revisions(system)
    release = md.status.release_status
    assert release.update_revision == known["1.0.0"].metadata.name
    assert release.failed_revision == known["2.0.0"].metadata.name
    assert md.spec.template.spec.module.version == "2.0.0"
    degraded = condition(md, "Degraded")
    assert (degraded.status, degraded.reason) == ("True", "RolledBack")
    assert known["2.0.0"].metadata.annotations[FAILED] in degraded.message
    assert [event.type for event in system.events(name="pay") if event.reason == "RolledBack"] == ["Warning"]
    assert versions(system) == before
    assert set(system.available("pay").values()) == {"1.0.0"}


def test_an_instance_that_fails_for_good_takes_the_release_back(system):
    before = released(system)
    upgrade(system, {**BACK, "needConfirm": True})
    system.wait_waiting("pay", batch=1)
    (rest,) = [base for base, version in versions(system).items() if version == "1.0.0"]
    installs_fail(system, rest.removeprefix("base-"))
    system.call("ConfirmBatch", "pay", batch=1)
    md = system.wait_progress("pay", "Completed", "RolledBack")  # nobody is asked
    check_rolled_back(system, before, md)
    why = revisions(system)["2.0.0"].metadata.annotations[FAILED]
    assert f"on {rest}: 5 attempts failed: " in why


def test_what_was_taken_back_is_tried_again_only_when_asked(system):
    before = released(system)
    installs_fail(system)
    upgrade(system, BACK, progressDeadlineSeconds=2)
    md = system.wait_progress("pay", "Completed", "RolledBack")
    check_rolled_back(system, before, md)
    watch = system.cli("status", "pay", "--watch")
    assert watch.returncode == 1 and "the release is rolled back: " in watch.stderr

    system.control("clear")
    system.restart("controller")
    upgrade(system, BACK, progressDeadlineSeconds=600)  # applied again
    system.call("ScaleModuleDeployment", "pay", replicas=3)
    system.wait_for("pay", lambda md: md.status.available_replicas == 3, "another instance")
    md = system.wait_progress("pay", "Completed", "RolledBack")
    assert set(versions(system).values()) == {"1.0.0"}

    system.call("ResumeRelease", "pay")
    md = system.wait_progress("pay", "Completed", "ReleaseCompleted")
    system.check_agreement("pay")
    assert not md.status.release_status.failed_revision
    assert FAILED not in revisions(system)["2.0.0"].metadata.annotations


def test_without_a_good_revision_there_is_no_way_back(system):
    installs_fail(system)
    system.apply("pay", system.jar("pay"), replicas=2, strategy=BACK, progressDeadlineSeconds=1)
    md = system.wait_progress("pay", "Aborted", "ProgressDeadlineExceeded")
    assert not md.status.release_status.failed_revision
    system.control("clear")
    system.apply("pay", system.jar("pay"), replicas=2, strategy=BACK, progressDeadlineSeconds=600)
    system.wait_completed("pay")
    system.check_agreement("pay")


# -- when instances count --


def test_a_batch_that_fell_sick_at_its_gate_holds_the_next_one(system):
    system.apply("pay", system.jar("pay", web=True), replicas=2, strategy={"batchCount": 2, "needConfirm": True})
    system.wait_waiting("pay", batch=1)
    ((first, _),) = system.available("pay").items()
    base = system.base(first.removeprefix("base-"))
    assert base.get("/pay/set/DOWN").status == 200
    system.wait_modules(lambda all: {m.status.status for m in all} == {"Unavailable"}, "a sick instance", "pay")
    system.call("ConfirmBatch", "pay", batch=1)
    system.wait_progress("pay", "Executing", "BatchUnhealthy", batch=1)
    system.restart("controller")
    system.wait_progress("pay", "Executing", "BatchUnhealthy", batch=1)
    assert list(versions(system)) == [first]
    assert base.get("/pay/set/UP").status == 200
    system.wait_completed("pay")  # nobody is asked again
    system.check_agreement("pay")
    assert "BatchUnhealthy" in {event.reason for event in system.events(name="pay")}


def test_a_batch_is_done_when_its_instances_have_been_well_for_long_enough(system):
    system.apply("pay", system.jar("pay"), replicas=2, minReadySeconds=2)
    md = system.wait_completed("pay")
    completed = md.status.release_status.last_transition_time.ToMilliseconds()
    for module in system.modules("pay"):
        assert completed - module.status.last_transition_time.ToMilliseconds() >= 2000
    assert (md.status.ready_replicas, md.status.available_replicas) == (2, 2)
