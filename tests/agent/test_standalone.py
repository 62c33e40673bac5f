# SPDX-License-Identifier: Apache-2.0
"""Requirement 6.1: an agent alone. Every command of Arklet, by its gRPC API and by the command line; nobody reports to anybody."""
import itertools
import json
import subprocess

import basekit
import pytest
import yaml

pytestmark = pytest.mark.real


@pytest.fixture(name="koupleless")
def fixture_koupleless(agent):
    """Runs `koupleless agent ...`; what it prints."""

    def run(*arguments):
        done = subprocess.run([str(basekit.find_program("koupleless")), "--insecure", "agent", "--address", agent.grpc,
                               *map(str, arguments)], capture_output=True, text=True, timeout=basekit.WATCHDOG_S,
                              check=False)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    return run


@pytest.fixture(name="new_jar")
def fixture_new_jar(base):
    """Jars of one module; each version has a web path of its own."""
    name, numbers = base.unique(), itertools.count(1)
    return lambda **extra: base.jar(name, f"{next(numbers)}.0.0", context=base.unique(), **extra)


def rows(text):
    return [line.split() for line in text.splitlines()[1:]]


# -- by gRPC --


def test_6_1_install_list_switch_health_uninstall_by_grpc(base, agent, new_jar):
    old, new = new_jar(), new_jar()
    agent.succeeded(agent.install(old))
    agent.succeeded(agent.install(new))
    names = [f"{jar.module}:{jar.version}" for jar in (old, new)]
    agent.succeeded(agent.switch(new))
    assert {name: module.state for name, module in agent.modules().items()} == {
        names[0]: "deactivated", names[1]: "activated"} == base.modules()
    basekit.wait_until(lambda: agent.module_status(new.module) == "UP", "the module to be UP")
    assert agent.status(agent.health().status) == agent.base_status() == "UP"
    for jar in (old, new):
        agent.succeeded(agent.uninstall(jar))
    assert base.modules() == {} == agent.modules()
    assert base.operations_of(old.module) == [("install", "1.0.0"), ("install", "2.0.0"),
                                              ("uninstall", "1.0.0"), ("uninstall", "2.0.0")]


def test_6_1_help_by_grpc(agent):
    commands = agent.stub.ListCommands(agent.proto.ListCommandsRequest()).commands
    assert {"help", "installBiz", "uninstallBiz", "switchBiz", "queryAllBiz", "health"} <= {one.id for one in commands}
    assert all(one.description for one in commands)


def test_6_1_several_at_once_by_grpc(base, agent):
    jars = [base.jar(base.unique()) for _ in range(2)]
    for operation in agent.batch(*(agent.install_request(jar) for jar in jars)):
        agent.succeeded(operation)
    assert base.modules() == {f"{jar.module}:1.0.0": "activated" for jar in jars}


def test_6_1_an_operation_outlives_the_agent(base, start_agent, new_jar):
    """The JVM works on while the agent is away; nothing is done twice, nothing is touched that runs."""
    agent, other = start_agent(base), base.jar(base.unique())
    agent.succeeded(agent.install(other, op="before"))
    slow = new_jar(Test_Start_Sleep_Ms=1000)
    agent.begin(agent.install_request(slow, op="slow"))
    basekit.wait_until(lambda: agent.knows("slow") == "EXECUTING", "Arklet to work on it")
    agent.kill()
    agent = start_agent(base)
    agent.succeeded(agent.ended("slow"))
    assert agent.knows("before") == "SUCCEEDED"
    assert base.operations_of(slow.module) == base.operations_of(other.module) == [("install", "1.0.0")]


# -- by the command line --


def test_6_1_install_list_switch_health_uninstall_by_the_command_line(base, koupleless, new_jar):
    old, new = new_jar(), new_jar()
    for jar in (old, new):
        said = koupleless("install", jar.as_uri(), "--name", jar.module, "--version", jar.version, "--operation-id",
                          f"{jar.module}-{jar.version}")
        assert said == f"module/{jar.module}:{jar.version} installed\n"
    assert koupleless("switch", new.module, new.version) == f"module/{new.module}:2.0.0 active\n"
    assert [row[1:3] for row in rows(koupleless("list"))] == [["1.0.0", "deactivated"], ["2.0.0", "activated"]]
    assert [row[:5] for row in rows(koupleless("operations", "--module", old.module))][:2] == [
        [f"{old.module}-1.0.0", "install", old.module, "1.0.0", "SUCCEEDED"],
        [f"{old.module}-2.0.0", "install", old.module, "2.0.0", "SUCCEEDED"]]
    basekit.wait_until(lambda: [row[2] for row in rows(koupleless("health")) if row[0] == new.module][-1:] == ["UP"],
                       "the module to be UP")
    health = yaml.safe_load(koupleless("health", "-o", "yaml"))
    assert health["status"] == health["baseStatus"] == "HEALTH_STATUS_UP"
    for jar in (old, new):
        koupleless("uninstall", jar.module, jar.version)
    assert json.loads(koupleless("list", "-o", "json")) == {} and base.modules() == {}


def test_6_1_help_by_the_command_line(koupleless):
    assert {"help", "installBiz", "uninstallBiz", "switchBiz", "queryAllBiz", "health"} <= {
        row[0] for row in rows(koupleless("commands"))}
