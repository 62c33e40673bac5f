# SPDX-License-Identifier: Apache-2.0
"""The main job on two real JVMs: online, release, rollback, restart of a base, offline."""
import basekit
import pytest
import systemkit


@pytest.fixture(name="system", scope="module")
def fixture_system(tmp_path_factory):
    try:
        system = systemkit.System(tmp_path_factory.mktemp("real"), bases=2, kind="jvm")
    except basekit.Unavailable as error:
        pytest.skip(str(error))
    with system:
        yield system
        system.check_operations()


def answers(system, path):
    """What each base answers."""
    return [system.base(number).get(path).body.strip() for number in (1, 2)]


def gone(system, name):
    system.call("DeleteModuleDeployment", name)
    system.wait_gone(name)


def test_web_module_online_released_rolled_back_offline(system):
    strategy = {"batchCount": 2, "needConfirm": True}
    system.apply("web", system.jar("web", "1.0.0", web=True), replicas=2, strategy=strategy)
    md = system.wait_waiting("web", batch=1)
    assert (md.status.available_replicas, md.status.release_status.real_batch_count) == (1, 2)
    assert sorted(page.status for page in (system.base(n).get("/web/version") for n in (1, 2))) == [200, 404]
    system.call("ConfirmBatch", "web", batch=1)
    system.wait_completed("web")
    system.check_agreement("web")
    assert answers(system, "/web/version") == ["web:1.0.0"] * 2

    system.apply("web", system.jar("web", "2.0.0", web=True), replicas=2, strategy=strategy)
    system.wait_waiting("web", batch=1)
    assert sorted(answers(system, "/web/version")) == ["web:1.0.0", "web:2.0.0"]
    system.call("ConfirmBatch", "web", batch=1)
    system.wait_completed("web")
    system.check_agreement("web")
    assert answers(system, "/web/version") == ["web:2.0.0"] * 2
    for module in system.modules("web"):
        assert (module.spec.upgrade_way, module.spec.upgrade_way_reason) == ("InPlace", "WebPathInUse,NoCapacity")

    system.call("UndoRelease", "web")
    system.wait_waiting("web", batch=1)
    system.call("ConfirmBatch", "web", batch=1)
    system.wait_completed("web")
    system.check_agreement("web")
    assert answers(system, "/web/version") == ["web:1.0.0"] * 2

    gone(system, "web")
    assert system.active() == {"base-1": [], "base-2": []}
    assert [system.base(n).get("/web/version").status for n in (1, 2)] == [404, 404]
    for steps in system.operations_of("web").values():
        assert steps == ["install 1.0.0", "uninstall 1.0.0", "install 2.0.0", "uninstall 2.0.0",
                         "install 1.0.0", "uninstall 1.0.0"]


def test_module_without_web_path_is_released_beside_the_old_one(system):
    system.apply("inner", system.jar("inner", "1.0.0"), replicas=2)
    system.wait_completed("inner")
    assert answers(system, "/call/inner") == ["inner:1.0.0"] * 2
    system.apply("inner", system.jar("inner", "2.0.0"), replicas=2)
    system.wait_completed("inner")
    system.check_agreement("inner")
    assert answers(system, "/call/inner") == ["inner:2.0.0"] * 2
    for steps in system.operations_of("inner").values():
        assert steps == ["install 1.0.0", "install 2.0.0", "uninstall 1.0.0"]
    gone(system, "inner")


def test_failing_module_is_told_by_its_own_words(system):
    system.apply("broken", system.jar("broken", "1.0.0", web=True, Test_Fail="bean"))
    (module,) = system.wait_modules(lambda modules: any(m.status.status == "Failed" for m in modules), "the failure",
                                    "broken")
    assert module.status.reason == "User.InstallBizUserError"
    assert "asked to fail" in module.status.message
    assert {base.status.phase for base in system.base_objects().values()} == {"Ready"}
    gone(system, "broken")
    assert system.active() == {"base-1": [], "base-2": []}
