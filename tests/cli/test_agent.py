# SPDX-License-Identifier: Apache-2.0
"""agent: one base, past the controller. It has a base and an agent that no controller knows."""
import re

import basekit
import programkit
import pytest
from conftest import Cli


@pytest.fixture(scope="module", name="base")
def fixture_base(tmp_path_factory):
    with basekit.Simulator(tmp_path_factory.mktemp("sim")) as simulator:
        yield simulator.bases[0]


@pytest.fixture(scope="module", name="address")
def fixture_address(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("agent")
    with programkit.Program(
            "koupleless-agent", folder, "--insecure", "--arklet", f"http://{base.address}:{basekit.ARKLET_PORT}",
            "--health-url", f"http://{base.address}:{basekit.HTTP_PORT}/actuator/health",
            "--poll-interval", "100ms", "--cache-dir", str(folder / "cache")) as agent:
        basekit.wait_until(lambda: agent.get("/readyz")[0] == 200, "the agent to be ready")
        yield agent.grpc


@pytest.fixture(name="cli")
def fixture_cli(base, address):
    base.control("clear")
    base.clean()
    cli = Cli()
    cli.options = ["--insecure", "agent", "--address", address]
    return cli


@pytest.fixture(name="new_jar")
def fixture_new_jar(base):
    """Jars of one module, without a web path: several versions run side by side."""
    name = base.unique("pay")
    return lambda version="1.0.0", **extra: base.jar(
        name, version, name, Test_Web="false", web_context_path="", **extra)


def install(cli, jar, *more):
    return cli.ok("install", jar.as_uri(), "--name", jar.module, "--version", jar.version, *more)


def states(cli):
    """version -> state, of the one module."""
    rows = [line.split() for line in cli.lines("list")]
    assert rows[0] == ["NAME", "VERSION", "STATE", "WEB-PATH"]
    return {row[1]: row[2] for row in rows[1:]}


def test_install_list_uninstall(cli, base, new_jar):
    jar = new_jar()
    assert states(cli) == {}
    assert install(cli, jar) == f"module/{jar.module}:1.0.0 installed\n"
    assert states(cli) == {"1.0.0": "activated"}
    (module,) = cli.json("list")["modules"]
    assert (module["name"], module["version"], module["state"]) == (jar.module, "1.0.0", "activated")
    assert cli.yaml("list") == cli.json("list")
    assert cli.ok("uninstall", jar.module, "1.0.0") == f"module/{jar.module}:1.0.0 uninstalled\n"
    assert states(cli) == {}
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")]


def test_switch(cli, new_jar):
    old, new = new_jar("1.0.0"), new_jar("2.0.0")
    install(cli, old)
    install(cli, new)
    before = states(cli)
    inactive = "2.0.0" if before["1.0.0"] == "activated" else "1.0.0"
    assert cli.ok("switch", old.module, inactive) == f"module/{old.module}:{inactive} active\n"
    after = states(cli)
    assert after[inactive] == "activated"
    assert sorted(after.values()) == sorted(before.values())
    assert cli.fails("switch", old.module, "9").startswith("Arklet.NoMatchedBiz: ")


def test_strategy(cli, base, new_jar):
    old, new = new_jar("1.0.0"), new_jar("2.0.0")
    install(cli, old, "--strategy", "installOnly")
    install(cli, new, "--strategy", "uninstallThenInstall")
    assert states(cli) == {"2.0.0": "activated"}
    assert base.operations_of(old.module) == [("install", "1.0.0"), ("uninstall", "1.0.0"), ("install", "2.0.0")]


def test_result_as_an_object(cli, new_jar):
    jar = new_jar()
    operation = cli.json("install", jar.as_uri(), "--name", jar.module, "--version", jar.version)
    assert (operation["type"], operation["state"]) == ("install", "OPERATION_STATE_SUCCEEDED")
    assert operation["module"]["name"] == jar.module
    assert cli.yaml("uninstall", jar.module, jar.version)["state"] == "OPERATION_STATE_SUCCEEDED"


def test_failures_are_one_line_with_their_reason(cli, tmp_path, new_jar):
    bad = new_jar(Test_Fail="bean")
    assert cli.fails("install", bad.as_uri(), "--name", bad.module, "--version", "1.0.0").startswith(
        "User.InstallBizUserError: ")
    missing = (tmp_path / "none.jar").as_uri()
    assert "No such file" in cli.fails("install", missing, "--name", "x", "--version", "1")
    good = new_jar("2.0.0")
    said = cli.fails("install", good.as_uri(), "--name", good.module, "--version", "2.0.0", "--sha256", 64 * "0")
    assert "sha256" in said.lower()


def test_time_out_leaves_the_operation_running(cli, base, new_jar):
    slow = new_jar(Test_Start_Sleep_Ms=3000)
    said = cli.fails("install", slow.as_uri(), "--name", slow.module, "--version", "1.0.0", "--timeout", "100ms")
    assert said.endswith("is not over at the time-out; it goes on")
    basekit.wait_until(lambda: base.modules().get(f"{slow.module}:1.0.0", "").lower() == "activated", "the install")


def test_health(cli, new_jar):
    jar = new_jar()
    install(cli, jar)
    rows = {line.split()[0]: line.split() for line in cli.lines("health")}
    assert rows["NAME"] == ["NAME", "VERSION", "STATUS", "MESSAGE"]
    assert rows["(all)"][2] == rows["(base)"][2] == "UP"
    assert re.search(r" up \d+s, heap 48.0 of 123.8 MiB, metaspace [89].\d MiB$", cli.lines("health")[3])
    basekit.wait_until(lambda: cli.json("health")["modules"][0]["status"] == "HEALTH_STATUS_UP", "the module to be UP")
    assert cli.yaml("health")["baseStatus"] == "HEALTH_STATUS_UP"


def test_commands(cli):
    rows = cli.lines("commands")
    assert rows[0].split() == ["COMMAND", "DESCRIPTION"]
    assert {"installBiz", "uninstallBiz", "queryAllBiz"} <= {row.split()[0] for row in rows[1:]}
    assert {command["id"] for command in cli.json("commands")["commands"]} == {row.split()[0] for row in rows[1:]}


@pytest.mark.parametrize("arguments, said", [
    ([], "agent --address HOST:PORT install|uninstall|switch|list|health|commands ...: operand missing"),
    (["lst"], 'agent: "lst" is not known; did you mean list?'),
    (["frobnicate"], 'agent: "frobnicate" is not known; it is install, uninstall, switch, list, health or commands'),
    (["install", "file:///x.jar"], "agent install needs URL --name N --version V"),
    (["install"], "usage: agent install URL --name N --version V"),
    (["uninstall", "pay"], "usage: agent uninstall NAME VERSION"),
    (["switch", "pay"], "usage: agent switch NAME VERSION"),
    (["list", "pay"], "usage: agent list "),
    (["install", "file:///x.jar", "--name", "x", "--version", "1", "--strategy", "quick"],
     '--strategy: must be installOnly or uninstallThenInstall, not "quick"'),
])
def test_usage(cli, arguments, said):
    assert cli.misused(*arguments) == said
