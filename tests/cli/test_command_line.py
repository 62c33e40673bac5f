# SPDX-License-Identifier: Apache-2.0
"""Help, usage, options, servers that are not there, completion: what needs no object."""
import os
import re
import subprocess

import basekit
import pytest
from conftest import PROGRAM, Cli, environment

COMMANDS = ["apply", "get", "describe", "delete", "scale", "restart", "undo", "history", "confirm", "pause",
            "resume", "abort", "status", "plan", "agent", "version", "completion"]


def succeed(process):
    assert (process.returncode, process.stderr) == (0, ""), process
    return process.stdout


# -- help and version --

def test_help_lists_all_commands(alone):
    text = alone.ok("--help")
    assert re.findall(r"^  (\w+)  ", text, re.M) == COMMANDS
    assert "--server HOST:PORT" in text and "(default 127.0.0.1:9090)" in text
    assert alone.ok("-h") == text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(alone, command):
    text = alone.ok(command, "--help")
    assert text.startswith(f"{PROGRAM} {command}")
    assert "--server" in text and "--help" in text
    assert alone.ok(command, "-h") == text
    # Whatever else is wrong with the call.
    assert alone.ok(command, "a", "b", "c", "d", "--help") == text


def test_lines_of_help_fit_a_wide_terminal(alone):
    for arguments in [[], *([command] for command in COMMANDS)]:
        lines = alone.lines(*arguments, "--help")
        assert [line for line in lines if len(line) > 130] == []


def test_version(alone):
    text = alone.ok("version")
    assert re.fullmatch(r"koupleless \d+\.\d+\.\d+\S*\n", text)
    assert alone.ok("--version") == alone.ok("get", "--version") == text
    assert alone.json("version") == alone.yaml("version") == {"version": text.split()[1]}


# -- usage --

@pytest.mark.parametrize("arguments, said", [
    ([], "a command is missing; --help lists the commands"),
    (["aply"], 'command "aply" is not known; did you mean apply?'),
    (["frobnicate"], 'command "frobnicate" is not known; --help lists the commands'),
    (["--servr", "x", "get", "bases"], "--servr is not known; did you mean --server?"),
    (["get", "bases", "--selectr=a"], "--selectr is not known; did you mean --selector?"),
    (["status", "x", "--follow"], "--follow is not known"),
    (["get", "bases", "-x"], "-x is not known"),
    (["get", "bases", "-o"], "-o needs a value"),
    (["get", "bases", "-o", "xml"], '--output: must be table, wide, json, yaml or name, not "xml"'),
    (["get", "bases", "--watch=perhaps"], '--watch: must be true or false, not "perhaps"'),
    (["status", "x", "--timeout", "soon"], "--timeout: must be a duration such as 500ms, 30s or 5m, not \"soon\""),
    (["get"], "get KIND [NAME] [-l SELECTOR] [-w]: operand missing"),
    (["get", "bases", "a", "b"], "get: b: one operand too many"),
    (["get", "bases", "a", "-l", "x"], "a name and a selector can't be given together"),
    (["get", "base", "a", "-n", "*"], "a name is one of a namespace: name it with -n"),
    (["pause", "a", "-n", "*"], "a name is one of a namespace: name it with -n"),
    (["describe", "base", "a", "-n", "*"], "a name is one of a namespace: name it with -n"),
    (["get", "modul"], 'kind "modul" is not known; did you mean modules?'),
    (["get", "pods"], 'kind "pods" is not known; it is moduledeployments (mddeploy), modulereplicasets (mdrs), '
                      'modules (md) or bases'),
    (["get", "mdtemplate"], "moduletemplates are not served by the controller's API; use kubectl"),
    (["apply"], "apply needs -f FILE|DIR|-"),
    (["apply", "x.yaml"], "apply: x.yaml: one operand too many"),
    (["delete", "mddeploy"], "delete needs KIND NAME, or -f FILE|DIR|-"),
    (["delete", "mddeploy", "x", "-f", "x"], "delete needs KIND NAME, or -f FILE|DIR|-"),
    (["plan"], "plan needs NAME, or -f FILE|DIR|-"),
    (["scale", "x"], "scale needs --replicas N"),
    (["scale", "x", "--replicas", "two"], '--replicas: must be a number from -1 to 1000000, not "two"'),
    (["scale", "x", "--replicas", "-2"], '--replicas: must be a number from -1 to 1000000, not "-2"'),
    (["undo", "x", "--to-revision", "v1"], '--to-revision: must be a number from 0 to 2147483647, not "v1"'),
    (["confirm", "x", "--batch", "-1"], '--batch: must be a number from 0 to 2147483647, not "-1"'),
    (["pause"], "pause NAME: operand missing"),
    (["status", "x", "--watch", "-o", "json"],
     "status --watch prints no objects; get mddeploy NAME --watch does"),
    (["completion", "tcsh"], 'completion: the shell is bash, zsh or fish, not "tcsh"'),
    (["--tls-cert", "x", "get", "bases"], "--tls-cert and --tls-key are required together"),
    (["--insecure", "--server", "localhost", "get", "bases"], '--server: must be HOST:PORT, not "localhost"'),
    (["--insecure", "--server", "localhost:http", "get", "bases"],
     '--server: must be HOST:PORT, not "localhost:http"'),
])
def test_wrong_usage_is_exit_2_and_names_the_nearest(alone, arguments, said):
    assert alone.misused(*arguments) == said


# -- the server --

@pytest.mark.parametrize("arguments", [
    ["get", "bases"], ["get", "mddeploy", "--watch"], ["describe", "mddeploy", "x"], ["status", "x", "--watch"],
    ["delete", "md", "x", "--wait"], ["scale", "x", "--replicas", "1"], ["history", "x"],
])
def test_server_that_is_not_there_is_one_line(alone, arguments):
    said = alone.fails("--insecure", "--server", "127.0.0.1:1", *arguments)
    assert said.startswith("127.0.0.1:1: ") and "refused" in said


def test_agent_that_is_not_there_is_one_line(alone):
    assert alone.fails("--insecure", "agent", "--address", "127.0.0.1:1", "list").startswith("127.0.0.1:1: ")


def test_plaintext_has_to_be_asked_for(alone):
    assert "--insecure" in alone.misused("get", "bases")
    said = alone.misused("--insecure", "--server", "10.255.255.1:9090", "get", "bases")
    assert "--insecure" in said and "twice" in said and "10.255.255.1:9090" in said


def test_tls_is_not_spoken_to_a_plaintext_server(cli, tmp_path):
    missing = tmp_path / "ca.pem"
    assert str(missing) in cli.fails("--tls-ca", missing, "get", "bases")


def test_options_stand_on_both_sides_of_the_command(cli, alone):
    server, insecure = cli.options[1:]
    expected = cli.ok("get", "bases", "-o", "name")
    assert expected.splitlines() == ["base/base-1", "base/base-2", "base/base-3"]
    assert alone.ok("get", "bases", "-o", "name", insecure, f"--server={server}") == expected
    assert alone.ok("get", "-oname", insecure, "bases", "--server", server) == expected
    assert alone.ok("-o", "name", insecure, "--server", server, "get", "bases") == expected


def test_options_come_from_the_environment_too(cli, alone):
    env = environment(KOUPLELESS_SERVER=cli.options[1], KOUPLELESS_INSECURE="1", KOUPLELESS_OUTPUT="name")
    assert alone.ok("get", "bases", "base-2", env=env) == "base/base-2\n"
    # What is nearer wins.
    assert "127.0.0.1:1: " in alone.fails("--server", "127.0.0.1:1", "get", "bases", env=env)
    assert '"namespace": "other"' not in alone.ok("get", "bases", "-o", "json", env=env)
    assert alone.ok("get", "bases", env={**env, "KOUPLELESS_NAMESPACE": "other"}) == ""
    assert alone.ok("get", "base", "base-1", "-n", "default", env={**env, "KOUPLELESS_NAMESPACE": "other"})


def test_options_come_from_a_file_that_is_named(cli, alone, tmp_path):
    config = tmp_path / "cli.yaml"
    config.write_text(f"server: {cli.options[1]}\ninsecure: true\noutput: name\n")
    assert alone.ok("--config", config, "get", "base", "base-1") == "base/base-1\n"
    assert alone.ok("get", "base", "base-1", "--config", config) == "base/base-1\n"
    config.write_text("servr: 127.0.0.1:9090\n")
    assert "key servr is not known; did you mean key server?" in alone.misused("--config", config, "get", "bases")
    assert "No such file" in alone.misused("--config", tmp_path / "none.yaml", "get", "bases")


def test_configuration_of_a_service_does_not_matter(cli, tmp_path):
    """A shell beside a service has KOUPLELESS_CONFIG set for that service."""
    config = tmp_path / "controller.yaml"
    config.write_text("data-dir: /var/lib/koupleless\nserver: 127.0.0.1:1\nleader-elect: true\n"
                      "tls-cert: /etc/none.pem\n")
    for path in (config, tmp_path / "none.yaml"):
        assert cli.ok("get", "bases", "-o", "name", env=environment(KOUPLELESS_CONFIG=str(path)))
    assert "KOUPLELESS_CONFIG is for services" in cli.ok("--help")


def test_plugin_of_kubectl_speaks_of_itself_so(cli, tmp_path):
    path = tmp_path / "kubectl-koupleless"
    path.symlink_to(basekit.find_program(PROGRAM))
    plugin = Cli(cli.options[1], path)
    assert plugin.ok("get", "bases", "-o", "name") == cli.ok("get", "bases", "-o", "name")
    assert plugin.ok("version").startswith("kubectl koupleless ")
    assert plugin.ok("status", "--help").startswith("kubectl koupleless status NAME")
    assert "did you mean get?" in plugin.misused("gett")  # misused() looks at the name


# -- output --

def test_reader_that_goes_away_is_no_failure_to_speak_of(cli):
    for arguments in (["--help"], ["completion", "bash"], ["get", "bases", "-o", "yaml"]):
        source, sink = os.pipe()
        os.close(source)
        with os.fdopen(sink, "wb") as output:
            done = subprocess.run([cli.path, *cli.options, *arguments], stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.PIPE, env=environment(), check=False, timeout=basekit.WATCHDOG_S)
        assert done.stderr == b""


def test_disk_that_is_full_is_a_failure(cli):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([cli.path, *cli.options, "get", "bases"], stdout=full, stderr=subprocess.PIPE,
                              env=environment(), text=True, check=False, timeout=basekit.WATCHDOG_S)
    assert (done.returncode, done.stderr) == (1, "koupleless: the output can't be written\n")


# -- completion --

def complete(alone, *words, shell="bash"):
    """What bash offers for the last of @words."""
    script = (f'source <("$PROGRAM" completion {shell})\n'
              'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
              '_koupleless; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", PROGRAM, *words], env=environment(PROGRAM=alone.path),
                          capture_output=True, text=True, check=False, timeout=basekit.WATCHDOG_S)
    return succeed(done).split()


@pytest.mark.parametrize("words, expected", [
    (["sta"], ["status"]),
    (["re"], ["restart", "resume"]),
    (["status", "pay", "--wa"], ["--watch"]),
    (["status", "pay", "--ti"], ["--timeout"]),
    (["get", "mod"], ["moduledeployments", "modulereplicasets", "modules"]),
    (["-n", "default", "get", "ba"], ["bases"]),
    (["get", "bases", "-o", "w"], ["wide"]),
    (["agent", "un"], ["uninstall"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["version", ""], []),
    (["scale", "--rep"], ["--replicas"]),
    (["--ser"], ["--server"]),
])
def test_bash_completes(alone, words, expected):
    assert complete(alone, *words) == expected


def test_bash_completes_every_command(alone):
    assert complete(alone, "") == COMMANDS


def test_bash_completes_names_of_files(alone, tmp_path):
    (tmp_path / "pay.yaml").touch()
    assert complete(alone, "apply", "-f", f"{tmp_path}/p") == [f"{tmp_path}/pay.yaml"]


def test_bash_knows_whom_it_completes(alone):
    script = alone.ok("completion", "bash")
    assert script.endswith(f"complete -F _koupleless {PROGRAM}\n")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_command(alone, shell):
    script = alone.ok("completion", shell)
    assert all(re.search(rf"\b{command}\b", script) for command in COMMANDS)
    assert "moduledeployments" in script and "timeout" in script
