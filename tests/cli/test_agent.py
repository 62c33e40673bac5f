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
    # Modules are looked at in turns: one that was installed just now is known after the next.
    basekit.wait_until(lambda: [one["status"] for one in cli.json("health").get("modules", [])] == ["HEALTH_STATUS_UP"],
                       "the module to be UP")
    assert cli.yaml("health")["baseStatus"] == "HEALTH_STATUS_UP"


def test_commands(cli):
    rows = cli.lines("commands")
    assert rows[0].split() == ["COMMAND", "DESCRIPTION"]
    assert {"installBiz", "uninstallBiz", "queryAllBiz"} <= {row.split()[0] for row in rows[1:]}
    assert {command["id"] for command in cli.json("commands")["commands"]} == {row.split()[0] for row in rows[1:]}


# -- operations --


def rows_of(cli, *arguments):
    """id -> the rest of its row."""
    head, *rows = [line.split() for line in cli.lines("operations", *arguments)]
    assert head == ["ID", "TYPE", "MODULE", "VERSION", "STATE", "AGE", "MESSAGE"]
    return {row[0]: row[1:] for row in rows}


def test_operations(cli, base, new_jar):
    jar = new_jar()
    first, gone = f"{jar.module}-in", f"{jar.module}-out"
    for _ in range(2):  # the second finds the first
        install(cli, jar, "--operation-id", first, "--arg=--a=b", "--arg", "c d")
    cli.ok("uninstall", jar.module, "1.0.0", "--operation-id", gone)
    assert base.operations_of(jar.module) == [("install", "1.0.0"), ("uninstall", "1.0.0")]
    rows = rows_of(cli, "--module", jar.module)
    assert list(rows) == [first, gone]
    assert rows[first][:4] == ["install", jar.module, "1.0.0", "SUCCEEDED"]
    assert set(rows) <= set(rows_of(cli))
    assert rows_of(cli, "--running", "--module", jar.module) == {}
    (one, two) = cli.json("operations", "--module", jar.module)["operations"]
    assert (one["id"], two["type"]) == (first, "uninstall")
    assert cli.json("operation", first) == cli.yaml("operation", first) == one
    assert cli.lines("operation", first)[1].split()[:5] == [first, *rows[first][:4]]
    assert "is not known to this agent" in cli.fails("operation", "nobody")


def test_an_operation_that_failed_says_why(cli, tmp_path):
    missing = (tmp_path / "none.jar").as_uri()
    cli.fails("install", missing, "--name", "none", "--version", "1", "--operation-id", "fails")
    row = cli.lines("operation", "fails")[1]
    assert " FAILED " in row and "Arklet.PullBizError: " in row and "No such file" in row


def test_not_waited_for(cli, base, new_jar):
    slow = new_jar(Test_Start_Sleep_Ms=800)
    assert install(cli, slow, "--no-wait", "--operation-id", "slow") == "operation/slow begun\n"
    assert cli.json("operation", "slow", "--timeout", "1m")["state"] == "OPERATION_STATE_SUCCEEDED"
    said = cli.ok("uninstall", slow.module, "1.0.0", "--no-wait")
    op = said.removeprefix("operation/").removesuffix(" begun\n")
    assert cli.json("operation", op, "--timeout", "1m")["type"] == "uninstall"


def test_prefetch(cli, base, new_jar):
    jar = new_jar()
    said = cli.ok("prefetch", jar.as_uri(), "--name", jar.module, "--version", jar.version)
    assert said == f"module/{jar.module}:1.0.0 fetched\n"
    assert base.operations_of(jar.module) == []
    said = cli.fails("prefetch", jar.as_uri(), "--name", jar.module, "--version", jar.version, "--md5", 32 * "0")
    assert said.startswith("Arklet.PullBizError: ") and "md5" in said


def test_drain(cli, new_jar):
    jar = new_jar()
    install(cli, jar)
    waited = cli.json("drain", jar.module, jar.version, "--drain-time", "10ms", "--timeout", "20ms")
    said = cli.ok("drain", jar.module, jar.version)
    assert said.startswith(f"module/{jar.module}:1.0.0 ") and waited.get("requests", 0) == 0


def test_watch(cli, new_jar):
    jar = new_jar()
    with cli.start("operations", "-w", "--module", jar.module) as table, \
            cli.start("operations", "-w", "--module", jar.module, "-o", "json") as objects, \
            cli.start("health", "-w", "-o", "yaml") as health:
        table.wait_text("MESSAGE\n")
        health.wait_text("baseStatus: HEALTH_STATUS_UP")
        install(cli, jar)
        table.wait_text(" SUCCEEDED ")
        objects.wait_text('"state": "OPERATION_STATE_SUCCEEDED"')
        health.wait_text(f"name: {jar.module}")
        assert table.text.count("MESSAGE\n") == 1


def test_watch_ends_with_the_agent(tmp_path, base):
    with programkit.Program("koupleless-agent", tmp_path, "--insecure", "--arklet",
                            f"http://{base.address}:{basekit.ARKLET_PORT}") as agent:
        cli = Cli()
        with cli.start("--insecure", "agent", "--address", agent.grpc, "operations", "-w") as watch:
            watch.wait_text("MESSAGE\n")
            agent.stop()
            assert watch.end(1).startswith(f"koupleless: {agent.grpc}: ")


# -- several at once --


def test_install_a_file(cli, base, new_jar, tmp_path):
    other = base.jar(base.unique("ship"), "1.0.0", Test_Web="false", web_context_path="")
    old, new = new_jar("1.0.0"), new_jar("2.0.0")
    install(cli, old)
    file = tmp_path / "modules.yaml"
    file.write_text(f"""
installs:
- module: {{name: {new.module}, version: "2.0.0", url: "{new.as_uri()}"}}
  strategy: uninstallThenInstall
  operationId: from-a-file-{new.module}
- module: {{name: {other.module}, version: "1.0.0", url: "{other.as_uri()}"}}
  args: [--a=b]
""", encoding="utf-8")
    said = f"module/{new.module}:2.0.0 installed\nmodule/{other.module}:1.0.0 installed\n"
    assert cli.ok("install", "-f", file) == said
    assert cli.ok("install", "-f", "-", stdin=file.read_text(encoding="utf-8")) == said
    assert set(base.modules()) == {f"{new.module}:2.0.0", f"{other.module}:1.0.0"}
    assert base.operations_of(new.module) == [("install", "1.0.0"), ("uninstall", "1.0.0"), ("install", "2.0.0")]
    assert len(cli.json("install", "-f", file)["operations"]) == 2


def test_a_file_of_which_some_fail(cli, new_jar, tmp_path):
    jar, bad = new_jar(), tmp_path / "none.jar"
    file = tmp_path / "modules.json"
    file.write_text(f"""{{"installs": [
        {{"module": {{"name": "none", "version": "1", "url": "{bad.as_uri()}"}}}},
        {{"module": {{"name": "{jar.module}", "version": "1.0.0", "url": "{jar.as_uri()}"}}}}]}}""", encoding="utf-8")
    done = cli.run("install", "-f", file)
    assert (done.returncode, done.stdout) == (1, f"module/{jar.module}:1.0.0 installed\n")
    assert done.stderr.startswith("koupleless: 1 of 2 failed; none 1: Arklet.PullBizError: ")


@pytest.mark.parametrize("text, said", [
    ("installs: [{module: {name: x}, stratgy: y}]", 'installs[0].stratgy'),
    ("installs: [{strategy: quick}]", '--strategy: must be installOnly or uninstallThenInstall, not "quick"'),
    ("- name: x", "must be one document with the key installs"),
    ("", "must be one document with the key installs"),
    ("installs: []", "installs: must be 1 to 1000"),
])
def test_a_file_that_is_wrong(cli, tmp_path, text, said):
    file = tmp_path / "modules.yaml"
    file.write_text(text, encoding="utf-8")
    done = cli.run("install", "-f", file)
    assert done.returncode in (1, 2) and said in done.stderr and done.stdout == ""


@pytest.mark.parametrize("arguments, said", [
    ([], "agent --address HOST:PORT install|uninstall|switch|list|operations|health|... ...: operand missing"),
    (["lst"], 'agent: "lst" is not known; did you mean list?'),
    (["frobnicate"], 'agent: "frobnicate" is not known; it is install, uninstall, switch, prefetch, drain, list, '
                     'operations, operation, health or commands'),
    (["install", "file:///x.jar"], "agent install needs URL --name N --version V, or -f FILE|-"),
    (["install"], "agent install needs URL --name N --version V, or -f FILE|-"),
    (["install", "file:///x.jar", "-f", "x"], "agent install: a URL and -f can't be given together"),
    (["install", "-f", "x", "--no-wait"],
     "agent install: with -f all stands in the file, and the end is waited for"),
    (["prefetch", "file:///x.jar"], "agent prefetch needs URL --name N --version V"),
    (["operation"], "usage: agent operation ID"),
    (["operations", "x"], "usage: agent operations"),
    (["uninstall", "pay"], "usage: agent uninstall NAME VERSION"),
    (["switch", "pay"], "usage: agent switch NAME VERSION"),
    (["list", "pay"], "usage: agent list"),
    (["install", "file:///x.jar", "--name", "x", "--version", "1", "--strategy", "quick"],
     '--strategy: must be installOnly or uninstallThenInstall, not "quick"'),
])
def test_usage(cli, arguments, said):
    assert cli.misused(*arguments) == said
