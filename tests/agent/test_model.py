# SPDX-License-Identifier: Apache-2.0
"""The agent's promises to a controller that the models of agents keep too, which stand in for it in the simulation and
under load (tests/sim/sim_agent.c, by tests/sim/fleet): one suite for both."""
import subprocess

import basekit
import grpc
import protokit
import pytest
from conftest import Agent

NAMESPACE, NAME = "shop", "base-7"
PORT = 1239


class Model(Agent):
    """The client of an Agent, whose other end is a model. Use as a context."""

    def __init__(self, protos, base, controller):  # without a program of its own
        self.address = basekit.free_address()
        self.program = subprocess.Popen(
            [basekit.find_program("fleet-sim"), f"127.0.0.1:{controller.port}", NAMESPACE, "base", str(PORT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.program.stdout.readline() == "ready\n"
        self.tell(f"start {NAME} {self.address}")
        self.base, self.protos, self.grpc = base, protos, f"{self.address}:{PORT}"
        self.proto = protos["koupleless.agent.v1"]
        self.channel = protokit.channel(self.grpc)
        self.stub = self.proto.AgentServiceStub(self.channel)

    def tell(self, line):
        print(line, file=self.program.stdin, flush=True)
        assert self.program.stdout.readline() == line + "\n"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.channel.close()
        self.program.stdin.close()
        assert self.program.wait() == 0


def await_ready(controller):
    controller.next(lambda report: report.ready and report.modules_known and not report.modules)


@pytest.fixture(params=["agent", "model"])
def agent(request, protos, base, controller, start_agent):
    """What serves as base-7, once it has reported that it is ready."""
    if request.param == "agent":
        one = start_agent(base, "--controller", f"127.0.0.1:{controller.port}", "--namespace", NAMESPACE,
                          "--pod-name", NAME, "--base-deployment", "base")
        await_ready(controller)
        yield one
        return
    with Model(protos, base, controller) as model:
        await_ready(controller)
        yield model


def reported(controller, **wanted):
    """Waits for a report of exactly these modules: version with "v" -> state."""
    def fits(report):
        return {f"v{module.version}": module.state for module in report.modules} == wanted

    return controller.next(fits)


def test_who_reports(agent, controller):
    agent.succeeded(agent.install(agent.base.jar("who", "1")))
    report = reported(controller, v1="activated")
    assert (report.namespace, report.base_name, report.base_deployment) == (NAMESPACE, NAME, "base")
    assert report.agent_address == agent.grpc and report.boot_id
    assert [module.name for module in report.modules] == ["who"]


def test_versions_beside_each_other(agent, controller):
    name = agent.base.unique()
    old, new = (agent.base.jar(name, version, f"{name}-{version}") for version in "12")
    assert agent.succeeded(agent.install(old)).type == "install"
    reported(controller, v1="activated")
    agent.succeeded(agent.install(new))
    reported(controller, v1="activated", v2="deactivated")
    assert agent.succeeded(agent.switch(new)).type == "switch"
    reported(controller, v1="deactivated", v2="activated")
    assert agent.succeeded(agent.uninstall(old)).type == "uninstall"
    reported(controller, v2="activated")
    agent.succeeded(agent.uninstall(new))
    reported(controller)


def test_one_web_path(agent, controller):
    """It serves one version at a time, and in place the old one makes room."""
    name = agent.base.unique("web")
    old, new = agent.base.jar(name, "1"), agent.base.jar(name, "2")
    agent.succeeded(agent.install(old))
    reported(controller, v1="activated")
    agent.failed(agent.install(new), "Arklet.InstallationRequirementNotMet", "WEB_PATH_IN_USE")
    agent.succeeded(agent.install(new, in_place=True))
    reported(controller, v2="activated")


def test_what_is_done_already(agent, controller):
    jar = agent.base.jar(agent.base.unique(), "1")
    first = agent.succeeded(agent.install(jar, op="once"))
    again = agent.succeeded(agent.install(jar, op="once"))
    assert (first.id, again.id, again.execution_time) == ("once", "once", first.execution_time)
    agent.succeeded(agent.install(jar, op="twice"))
    agent.succeeded(agent.switch(jar))
    reported(controller, v1="activated")
    agent.succeeded(agent.uninstall(jar))
    agent.succeeded(agent.uninstall(jar))
    reported(controller)
    assert agent.state(agent.operation("once")) == "SUCCEEDED"


def test_a_prefetch(agent):
    jar = agent.base.jar(agent.base.unique(), "1")
    operation = agent.succeeded(agent.prefetch(jar, op="early"))
    assert (operation.id, operation.type) == ("early", "prefetch")


def test_what_is_not_there(agent):
    agent.failed(agent.switch(("nobody", "1")), "Arklet.NoMatchedBiz", "MODULE_NOT_FOUND")
    unknown = protokit.failure(agent.stub.GetOperation, agent.proto.GetOperationRequest(operation_id="nine"))
    assert unknown.code == grpc.StatusCode.NOT_FOUND


def test_who_is_meant(agent, controller):
    jar = agent.base.jar(agent.base.unique(), "1")
    agent.succeeded(agent.install(jar, target_base=f"{NAMESPACE}/{NAME}"))
    for method, request in [("InstallModule", agent.install_request(jar, target_base=f"{NAMESPACE}/base-8")),
                            ("UninstallModule", agent.identity("Uninstall", jar, target_base=f"default/{NAME}")),
                            ("SwitchModule", agent.identity("Switch", jar, target_base=NAME)),
                            ("PrefetchModule", agent.prefetch_request(jar, target_base=NAME))]:
        failure = protokit.failure(getattr(agent.stub, method), request)
        assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BASE_MISMATCH"), method
    reported(controller, v1="activated")


def test_a_model_that_dies(protos, base, controller):
    with Model(protos, base, controller) as model:
        await_ready(controller)
        model.tell(f"die {NAME}")
        basekit.wait_until(lambda: protokit.failure(model.stub.GetOperation, model.proto.GetOperationRequest(
            operation_id="one")).code == grpc.StatusCode.UNAVAILABLE, "nobody to answer")
