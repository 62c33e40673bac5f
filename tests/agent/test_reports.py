# SPDX-License-Identifier: Apache-2.0
"""What the agent tells a controller, here one of the test's own."""
import basekit
import programkit
import pytest
from conftest import await_age, restart
from gateway import Controller


def test_who_the_base_is(base, controller, report_agent):
    agent = report_agent(base, "--max-module-count", "12")
    report = controller.next(lambda report: report.ready)
    assert (report.namespace, report.base_name, report.base_deployment) == ("shop", "base-7", "base")
    assert (report.ip, report.node, report.zone) == ("192.0.2.7", "node-1", "zone-a")
    assert report.agent_address == agent.grpc
    assert report.HasField("max_module_count") and report.max_module_count == 12
    assert report.modules_known and not report.modules and not report.leaving
    assert report.boot_id == agent.health().boot_id != ""
    assert (report.reason, report.message) == ("", "")


@pytest.mark.parametrize("option, limit", [("--base-deployment", 253), ("--pod-ip", 253), ("--node-name", 253),
                                           ("--zone", 253), ("--agent-address", 263)])
def test_what_no_controller_takes_is_refused_at_the_start(option, limit):
    ended = programkit.run("koupleless-agent", "--controller", "127.0.0.1:1", "--insecure", "--pod-name", "base-7",
                           "--base-deployment", "base", option, "x" * (limit + 1))
    assert ended.returncode == 2
    assert f"{option}: must have at most {limit} characters" in ended.stderr


def test_no_limit_of_modules_and_an_address_of_its_own(base, controller, report_agent):
    report_agent(base, "--agent-address", "agent.example:1239")
    report = controller.next(lambda report: report.ready)
    assert not report.HasField("max_module_count")
    assert report.agent_address == "agent.example:1239"


@pytest.mark.real
def test_a_report_on_each_change(base, controller, report_agent):
    agent = report_agent(base)
    controller.next(lambda report: report.ready)
    jar = base.jar(base.unique())
    operation = agent.succeeded(agent.install(jar))
    report = controller.next(
        lambda report: [agent.status(health.status) for health in report.module_health] == ["UP"])
    module, = report.modules
    assert (module.name, module.version, module.state, module.digest) == (
        jar.module, "1.0.0", "activated", operation.digest)
    agent.succeeded(agent.uninstall(jar))
    report = controller.next(lambda report: not report.modules)
    assert report.modules_known and not report.module_health


def test_modules_installed_by_somebody_else(base, controller, report_agent):
    report_agent(base)
    controller.next(lambda report: report.ready)
    jar = base.jar(base.unique())
    base.install(jar)
    report = controller.next(lambda report: report.modules)
    assert (report.modules[0].name, report.modules[0].digest) == (jar.module, "")


def test_no_report_without_a_change(base, controller, report_agent):
    agent = report_agent(base)
    last = controller.next(lambda report: report.ready)
    rounds = agent.metrics()["koupleless_agent_rounds_total"]
    basekit.wait_until(lambda: agent.metrics()["koupleless_agent_rounds_total"] >= rounds + 10, "looks at the base")
    while not controller.reports.empty():
        report = controller.next()
        assert report != last, "the same once more"
        last = report
    agent.succeeded(agent.install(base.jar(base.unique())))
    controller.next(lambda report: report.modules)


def test_heartbeats_as_often_as_asked_for(base, controller, report_agent):
    controller.next_s = 0.05
    report_agent(base)
    first = controller.next(lambda report: report.ready)
    for _ in range(5):
        assert controller.next() == first


def test_why_it_is_not_ready(new_base, controller, report_agent):
    base = new_base("--start-ms", "1000")
    report_agent(base)
    report = controller.next(lambda report: not report.ready)
    assert report.reason in ("BaseStarting", "ArkletUnreachable") and report.message
    controller.next(lambda report: report.ready)
    base.control("fault", fault="actuator", page="html", count=-1)
    report = controller.next(lambda report: not report.ready)
    assert report.reason == "BaseDown" and "the base is dead" in report.message
    assert report.modules_known
    base.control("clear")
    controller.next(lambda report: report.ready)
    base.control("fault", fault="refuse")
    report = controller.next(lambda report: not report.ready)
    assert report.reason == "ArkletUnreachable" and not report.modules_known
    base.control("clear")


def test_the_boot_id_changes_with_the_jvm(base, controller, report_agent):
    agent = report_agent(base)
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    first = controller.next(lambda report: report.ready and report.modules)
    await_age(base)
    restart(base)
    second = controller.next(lambda report: report.ready and report.boot_id != first.boot_id)
    assert second.modules_known and not second.modules


def test_leaving(base, controller, report_agent):
    agent = report_agent(base)
    controller.next(lambda report: report.ready)
    agent.process.terminate()
    assert controller.next(lambda report: report.leaving).base_name == "base-7"
    assert agent.process.wait(10) == 0
    assert controller.reports.empty(), "it was the last one"


def test_leaving_while_a_report_is_under_way(base, controller, report_agent):
    agent = report_agent(base)
    controller.next(lambda report: report.ready)
    controller.hold.clear()
    base.install(base.jar(base.unique()))
    controller.next(lambda report: report.modules)
    agent.process.terminate()
    controller.hold.set()
    controller.next(lambda report: report.leaving)
    assert agent.process.wait(10) == 0


def test_leaving_a_controller_that_does_not_answer(base, controller, report_agent):
    agent = report_agent(base)
    controller.next(lambda report: report.ready)
    controller.hold.clear()
    agent.process.terminate()
    controller.next(lambda report: report.leaving)
    assert agent.process.wait(10) == 0


def test_a_controller_that_is_away(base, protos, start_agent):
    """The agent works on, and tells once the controller is there."""
    with Controller(protos) as early:
        port = early.port
    agent = start_agent(base, "--controller", f"127.0.0.1:{port}", "--pod-name", "b", "--base-deployment",
                        "base")
    jar = base.jar(base.unique())
    agent.succeeded(agent.install(jar))
    failed = 'koupleless_agent_reports_total{result="failed"}'
    basekit.wait_until(lambda: agent.metrics()[failed] >= 2, "failed reports")
    with Controller(protos, port) as late:
        report = late.next(lambda report: report.modules)
        assert [module.name for module in report.modules] == [jar.module]
        base.clean()
        late.next(lambda report: not report.modules)
    told = [event["msg"] for event in agent.events() if "controller" in event["msg"]]
    assert told[0] == "the controller does not take reports, trying again"
    assert len(told) <= 3, "once, not for each try"


def test_a_controller_that_refuses(base, controller, report_agent):
    controller.refuse = True
    agent = report_agent(base)
    controller.next()
    base.install(base.jar(base.unique()))
    controller.next()
    controller.refuse = False
    controller.next(lambda report: report.modules)
    basekit.wait_until(lambda: agent.metrics()['koupleless_agent_reports_total{result="sent"}'], "a report")


def test_many_changes_while_a_report_is_under_way_are_one(base, controller, report_agent):
    agent = report_agent(base)
    controller.next(lambda report: report.ready)
    controller.hold.clear()
    jars = [base.jar(base.unique()) for _ in range(5)]
    for jar in jars:
        agent.succeeded(agent.install(jar))
        basekit.wait_until(lambda: jar.module in [m.name for m in agent.health().modules], "the health")
    controller.hold.set()
    reports = [controller.next(lambda report: report.modules)]
    while len(reports[-1].modules) < 5:
        reports.append(controller.next())
    assert len(reports) <= 3


def test_a_pod_tells_who_it_is_by_its_environment_alone(base, controller, tmp_path):
    """As the downward API gives it; the name of its Deployment is not to be had there."""
    env = {"KUBERNETES_SERVICE_HOST": "192.0.2.1", "KOUPLELESS_CONTROLLER": f"127.0.0.1:{controller.port}",
           "KOUPLELESS_NAMESPACE": "shop", "KOUPLELESS_POD_NAME": "stock-5d8f-x2x", "KOUPLELESS_POD_IP": "192.0.2.7",
           "KOUPLELESS_NODE_NAME": "node-1", "KOUPLELESS_ARKLET": f"http://{base.address}:{basekit.ARKLET_PORT}",
           "KOUPLELESS_HEALTH_URL": f"http://{base.address}:{basekit.HTTP_PORT}/actuator/health",
           "KOUPLELESS_INSECURE": "true"}
    with programkit.Program("koupleless-agent", tmp_path, env=env):
        report = controller.next(lambda report: report.ready)
    assert (report.namespace, report.base_name, report.base_deployment) == ("shop", "stock-5d8f-x2x", "")
    assert (report.ip, report.node) == ("192.0.2.7", "node-1")


@pytest.mark.parametrize("options, says", [
    (["--controller", "127.0.0.1:1"], "--pod-name"),
    (["--controller", "127.0.0.1:1", "--pod-name", "Base_7", "--base-deployment", "b"], "--pod-name"),
    (["--controller", "127.0.0.1:1", "--pod-name", "base-7"], "--base-deployment"),
    (["--controller", "192.0.2.1:9090", "--pod-name", "base-7", "--base-deployment", "b"], "--insecure"),
])
def test_options_of_reports(options, says):
    result = programkit.run("koupleless-agent", "--insecure", "--listen", "127.0.0.1:0", "--http-listen",
                            "127.0.0.1:0", *options)
    assert result.returncode == 2 and says in result.stderr, result.stderr
    assert result.stderr.count("\n") == 1
