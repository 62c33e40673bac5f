# SPDX-License-Identifier: Apache-2.0
"""The main job on two real JVMs: online, release, rollback, restart of a base, offline."""
import contextlib

import basekit
import pytest
import replaykit
import systemkit
import trafficload

ONE = {"number": 1}


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


# -- under load: what tests/bench/traffic.py measures, with a shorter drain --

DRAIN_S, LAG_S = 2, 0.1  # a client may be as late as the difference, on a machine that is busy
GATEWAY = {"clients": 3, "staying": 0}  # a client that stays on a connection needs as long to drain as that lives


@contextlib.contextmanager
def nothing_fails(load, what, expected=True):
    """No request fails while the block runs, nor until its end is known to clients; some are sent."""
    load.expected, mark = expected, load.mark()
    yield
    if load.endpoints.wait(load.module):
        load.wait_more(50)
    load.expected, figures = False, load.since(mark)
    assert figures.failures == 0, f"{what}: {figures}"


def test_no_request_to_a_web_module_fails(system):
    def apply(version, replicas, policy):
        strategy = {"upgradePolicy": policy, "drainSeconds": DRAIN_S}
        system.apply("site", system.jar("site", version, web=True), replicas=replicas, maxUnavailable=ONE, strategy=strategy)
        system.wait_completed("site")

    with trafficload.Endpoints(system, LAG_S) as endpoints, trafficload.Load(endpoints, "site", **GATEWAY) as load:
        with nothing_fails(load, "online", expected=False):
            apply("1.0.0", 2, "installThenUninstall")
        with nothing_fails(load, "installThenUninstall in place"):
            apply("2.0.0", 2, "installThenUninstall")
        with nothing_fails(load, "uninstallThenInstall"):
            apply("3.0.0", 2, "uninstallThenInstall")
        with nothing_fails(load, "scale down"):
            apply("3.0.0", 1, "scaleUpThenScaleDown")
        with nothing_fails(load, "scaleUpThenScaleDown"):
            apply("4.0.0", 1, "scaleUpThenScaleDown")
        with nothing_fails(load, "scale up"):
            apply("4.0.0", 2, "scaleUpThenScaleDown")
        with nothing_fails(load, "replace"):
            module = system.modules("site")[0]
            system.inventory.ReplaceModule(system.proto.ReplaceModuleRequest(
                namespace=system.namespace, name=module.metadata.name))
            system.wait_modules(lambda all_: all(m.metadata.uid != module.metadata.uid for m in all_), "it to go", "site")
            system.wait_agreement("site")
        with nothing_fails(load, "offline", expected=False):
            gone(system, "site")


def test_no_call_inside_the_base_fails(system):
    def apply(version):
        system.apply("deep", system.jar("deep", version), replicas=2, strategy={"drainSeconds": DRAIN_S})
        system.wait_completed("deep")

    with trafficload.Endpoints(system, LAG_S) as endpoints, trafficload.Load(endpoints, "deep", call=True, **GATEWAY) as load:
        with nothing_fails(load, "online", expected=False):
            apply("1.0.0")
        with nothing_fails(load, "installThenUninstall side by side"):
            apply("2.0.0")
        with nothing_fails(load, "offline", expected=False):
            gone(system, "deep")


def test_two_versions_on_ports_of_their_own_are_switched_by_a_balancer(system):
    """One base and its agent alone: what a platform does that has a balancer of its own (docs/guide.md)."""
    proto, modules = system.protos["koupleless.agent.v1"], system.protos["koupleless.module.v1"]
    agent, address = system.agent(1), system.base(1).address

    def installed(version, port):
        jar = system.jar("port", version, web=True)
        module = modules.ModuleSpec(name="port", version=version, url=jar.as_uri())
        request = proto.InstallModuleRequest(module=module, args=[f"--server.port={port}"])
        return agent.InstallModule(request).operation

    def succeeded(operation):
        assert operation.state == proto.OPERATION_STATE_SUCCEEDED, operation

    succeeded(installed("1.0.0", 8080))
    balancer = trafficload.Fixed(f"{address}:8080")
    with trafficload.Load(balancer, "port", **GATEWAY) as load:
        old, new = ("1.0.0", 8080), ("2.0.0", 18082)
        for old, new in ((old, new), (new, ("3.0.0", 8080))):
            load.wait_more(50)
            succeeded(installed(*new))
            balancer.endpoint = f"{address}:{new[1]}"
            drain = proto.DrainModuleRequest(name="port", version=old[0])
            drain.drain_time.FromMilliseconds(300)
            agent.DrainModule(drain)
            succeeded(agent.UninstallModule(proto.UninstallModuleRequest(name="port", version=old[0])).operation)
        load.wait_more(50)
        figures = load.since(0)
    assert figures.failures == 0, figures
    refused = installed("4.0.0", 8080)
    assert refused.error.reason == "WEB_PATH_IN_USE" and "not unique" in refused.error.message
    succeeded(agent.UninstallModule(proto.UninstallModuleRequest(name="port", version="3.0.0")).operation)


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


def test_a_killed_jvm_has_its_modules_back_when_it_is_ready(system):
    """As scripts/replay-timeline.py shows it: first with the controller, then agent and JVM die while that is away."""
    for name in ("back", "again"):
        system.apply(name, system.jar(name, web=True))
        system.wait_completed(name)
    (module,) = system.modules("back")
    number = int(module.spec.base_name.removeprefix("base-"))
    there = system.active()[f"base-{number}"]
    for source, agent_too in (("controller", False), ("own copy", True)):
        if agent_too:
            system.kill("controller")
        steps = [what for _, what in replaykit.lose_jvm(system, number, agent_too)]
        back = [f"{identity.replace(':', ' ')} is back" for identity in there]
        assert sorted(step for step in steps if step.endswith("is back")) == sorted(back)
        assert [step for step in steps if not step.endswith("is back")] == [
            replaykit.JVM_KILLED, replaykit.ARKLET_ANSWERS, replaykit.NOTICED,
            f"baseline of the {source}: {len(there)} modules", replaykit.READY]
        assert steps[-1] == replaykit.READY and system.active()[f"base-{number}"] == there
    system.start("controller")
    for name in ("back", "again"):
        system.wait_completed(name)
        gone(system, name)
