# SPDX-License-Identifier: Apache-2.0
"""The commands that steer a release, status that follows it, and delete."""
import signal

import basekit
import pytest
from conftest import environment

TREE = ("\u251c\u2500 ", "\u2514\u2500 ")
BATCHES = {"batchCount": 2, "useBeta": True, "needConfirm": True}


def progress(cli, name):
    return cli.json("get", "mddeploy", name)["status"]["releaseStatus"]["progress"]


# -- batches --

def test_confirm_the_batch_that_waits(waiting, cli):
    name = waiting.name
    assert cli.fails("confirm", name, "--batch", 2) == "batch 1 waits for confirmation, not batch 2"
    assert progress(cli, name) == "Paused"
    assert cli.ok("confirm", name, "--batch", 1) == f"moduledeployment/{name} confirmed\n"
    waiting.system.wait_completed(name)
    assert cli.fails("confirm", name).startswith("no batch waits for confirmation")


def test_confirm_without_a_number(waiting, cli):
    assert cli.ok("confirm", waiting.name) == f"moduledeployment/{waiting.name} confirmed\n"
    waiting.system.wait_completed(waiting.name)


def test_pause_and_resume(deployment, cli):
    """The first batch never gets done, so that the release is there to be paused."""
    system, name = deployment.system, deployment.name
    bad = system.jar(name, "1.0.0", Test_Fail="bean")
    deployment.apply(jar=bad, replicas=2)
    assert cli.ok("pause", name) == f"moduledeployment/{name} paused\n"
    system.wait_progress(name, "Paused", "PausedByUser")
    assert cli.ok("resume", name, "-o", "name") == f"moduledeployment/{name}\n"
    system.wait_progress(name, "Executing")


def test_abort_and_undo(deployment, cli):
    system, name = deployment.system, deployment.name
    deployment.released(replicas=2)
    deployment.apply(version="2.0.0", replicas=2, strategy=BATCHES)
    system.wait_waiting(name, batch=1)
    assert cli.ok("abort", name) == f"moduledeployment/{name} aborted\n"
    system.wait_progress(name, "Aborted")
    assert "Aborted" in cli.fails("abort", name)
    assert cli.ok("undo", name) == f"moduledeployment/{name} rolled back\n"
    assert cli.json("get", "mddeploy", name)["spec"]["template"]["spec"]["module"]["version"] == "1.0.0"


def test_history_and_undo_to_a_revision(deployment, cli):
    system, name = deployment.system, deployment.name
    deployment.released(version="1.0.0")
    assert cli.fails("undo", name) == f"{name} has no earlier revision to return to"
    for version in ("2.0.0", "3.0.0"):
        deployment.released(version=version)
    rows = [line.split() for line in cli.lines("history", name)]
    assert rows[0] == ["NAME", "REVISION", "MODULE", "VERSION", "AVAILABLE", "AGE"]
    assert [row[1:4] for row in rows[1:]] == [[str(n), name, f"{n}.0.0"] for n in (3, 2, 1)]
    listed = cli.json("history", name)
    assert [item["kind"] for item in listed["items"]] == ["ModuleReplicaSet"] * 3
    assert cli.lines("history", name, "-o", "name") == [f"modulereplicaset/{row[0]}" for row in rows[1:]]

    assert cli.fails("undo", name, "--to-revision", 7) == f"revision 7 of {name} is not kept"
    assert cli.ok("undo", name, "--to-revision", 1) == f"moduledeployment/{name} rolled back\n"
    system.wait_completed(name)
    assert set(system.available(name).values()) == {"1.0.0"}
    assert [line.split()[1:4] for line in cli.lines("history", name)[1:]] == [
        ["4", name, "1.0.0"], ["3", name, "3.0.0"], ["2", name, "2.0.0"]]


@pytest.mark.parametrize("replicas", [3, 0])
def test_scale(deployment, cli, replicas):
    deployment.released(replicas=1)
    assert cli.ok("scale", deployment.name, "--replicas", replicas) == f"moduledeployment/{deployment.name} scaled\n"
    deployment.system.wait_completed(deployment.name)
    assert len(deployment.system.available(deployment.name)) == replicas


def test_scale_to_every_base(deployment, cli):
    deployment.released(replicas=1)
    cli.ok("scale", deployment.name, "--replicas=-1")
    deployment.system.wait_completed(deployment.name)
    assert sorted(deployment.system.available(deployment.name)) == ["base-1", "base-2", "base-3"]


@pytest.mark.parametrize("arguments", [
    ["scale", "nobody", "--replicas", "1"], ["history", "nobody"], ["undo", "nobody"], ["confirm", "nobody"],
    ["pause", "nobody"], ["restart", "nobody"], ["resume", "nobody"], ["abort", "nobody"], ["status", "nobody"],
    ["status", "nobody", "--watch"], ["delete", "mddeploy", "nobody"], ["delete", "mddeploy", "nobody", "--wait"]])
def test_name_that_is_not_there(cli, arguments):
    assert cli.fails(*arguments) == 'ModuleDeployment "default/nobody": not found'


def test_restart(deployment, cli):
    """Another revision of the same version; a file that does not know of it leaves it alone."""
    system, name = deployment.system, deployment.name
    file = deployment.write(deployment.document(replicas=2))
    cli.ok("apply", "-f", file)
    system.wait_completed(name)
    before = {m.metadata.uid for m in system.modules(name)}
    assert cli.ok("restart", name) == f"moduledeployment/{name} restarted\n"
    system.wait_completed(name)
    assert not before & {m.metadata.uid for m in system.modules(name)}
    assert set(system.available(name).values()) == {"1.0.0"}
    assert [line.split()[1:4] for line in cli.lines("history", name)[1:]] == [["2", name, "1.0.0"], ["1", name, "1.0.0"]]
    assert cli.ok("apply", "-f", file).endswith(" unchanged\n")
    system.check_operations()


def test_restart_by_the_annotation(deployment, cli):
    """As kubectl does it: any text will do, another one is another restart."""
    system, name = deployment.system, deployment.name
    deployment.released()
    for stamp in ("once", "twice"):
        document = deployment.document()
        document["spec"]["template"]["metadata"] = {"annotations": {"koupleless.alipay.com/restarted-at": stamp}}
        assert cli.ok("apply", "-f", deployment.write(document)) == f"moduledeployment/{name} configured\n"
        system.wait_completed(name)
    assert system.installs(name) == 3
    assert len(cli.lines("history", name)) == 4


# -- status --

def test_status_is_plain_lines_without_a_terminal(waiting, cli):
    lines = cli.lines("status", waiting.name)
    assert lines[0].startswith(f"moduledeployment/{waiting.name} Paused (WaitingForConfirmation) version 1.0.0, "
                               "batch 1/2, 1/3 updated and available: ")
    (instance,) = lines[1:]
    assert instance.startswith(f"module/{waiting.name}-") and " Available version 1.0.0 base base-" in instance


def test_status_as_an_object(waiting, cli):
    assert cli.json("status", waiting.name)["status"]["releaseStatus"]["progress"] == "Paused"
    assert cli.yaml("status", waiting.name)["kind"] == "ModuleDeployment"
    assert cli.ok("status", waiting.name, "-o", "name") == f"moduledeployment/{waiting.name}\n"


def test_watch_ends_well_at_completed(waiting, cli):
    name = waiting.name
    with cli.start("status", name, "--watch", "--timeout", "1m") as running:
        running.wait_text("Paused (WaitingForConfirmation)")
        assert running.process.poll() is None
        cli.ok("confirm", name)
        assert running.end(0) == ""
    lines = running.lines()
    assert len(lines) == len(set(lines))  # only what is new
    last = [line for line in lines if line.startswith("moduledeployment/")][-1]  # a Module may be told after it
    assert "Completed (ReleaseCompleted) version 1.0.0, batch 2/2, 3/3" in last
    assert cli.lines("status", name, "--watch")[0] == last  # at once


def test_watch_fails_at_aborted(waiting, cli):
    name = waiting.name
    with cli.start("status", name, "-w") as running:
        running.wait_text("Paused")
        cli.ok("abort", name)
        said = running.end(1)
    assert said.startswith(f"koupleless: moduledeployment/{name}: the release is Aborted: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("timeout, said", [("1s", "1 s"), ("300ms", "300 ms")])
def test_watch_fails_at_the_time_out(waiting, cli, timeout, said):
    done = cli.run("status", waiting.name, "--watch", "--timeout", timeout)
    assert (done.returncode, done.stderr) == (
        1, f"koupleless: moduledeployment/{waiting.name} is Paused after {said}\n")


def test_watch_fails_when_it_is_deleted(waiting, cli):
    with cli.start("status", waiting.name, "--watch") as running:
        running.wait_text("Paused")
        cli.ok("delete", "mddeploy", waiting.name)
        assert running.end(1) == f"koupleless: moduledeployment/{waiting.name} was deleted\n"


def test_watch_goes_on_when_the_controller_starts_again(waiting, cli):
    system, name = waiting.system, waiting.name
    with cli.start("status", name, "--watch") as running:
        running.wait_text("Paused")
        system.kill("controller")
        system.start("controller")
        cli.ok("confirm", name)
        assert running.end(0) == ""
        last = [line for line in running.lines() if line.startswith("moduledeployment/")][-1]
        assert "Completed" in last


# -- status on a terminal --

def frames(text):
    """What was drawn: each frame clears the screen from where it began."""
    return [frame.replace("\r\n", "\n").split("\x1b[")[0] for frame in text.split("\r\x1b[J")[1:]]


def on_terminal(**more):
    return environment(TERM="xterm", **more)


def test_terminal_gets_a_tree_that_is_drawn_again(waiting, cli):
    name = waiting.name
    with cli.start("status", name, "--watch", terminal=(24, 100), env=on_terminal()) as running:
        running.wait_text("Paused (WaitingForConfirmation)")
        cli.ok("confirm", name)
        assert running.end(0) == ""
    first, last = frames(running.text)[0].split("\n"), frames(running.text)[-1].split("\n")
    assert first[0] == last[0] == f"moduledeployment/{name}: {name} 1.0.0 on dynamic-stock"
    assert first[2].startswith("[##########--------------------] 1/3 updated and available")
    assert last[1].startswith("Completed (ReleaseCompleted) for ")
    assert last[2] == "[" + 30 * "#" + "] 3/3 updated and available"
    assert last[3] == TREE[0] + "batches 1 to 2 of 2: Completed"
    assert last[4].startswith(f"{TREE[1]}{name} 1.0.0 (") and last[4].endswith(": 3 of 3 Available")
    assert [line.split()[1:] for line in last[5:8]] == [[f"base-{n}", "Available"] for n in (1, 2, 3)]
    # Each frame goes up by the lines of the one before.
    parts = running.text.split("\r\x1b[J")
    for before, after in zip(parts[1:], parts[2:]):
        drawn = before.split("\x1b[")[0].count("\n")
        assert before.endswith(f"\x1b[{drawn}A"), (before, after)


def test_frames_fit_the_terminal(waiting, cli):
    with cli.start("status", waiting.name, "--watch", terminal=(5, 40), env=on_terminal()) as running:
        # The age of the state is drawn again each second.
        basekit.wait_until(lambda: len(frames(running.text)) >= 2, "a second frame")
        running.end(-signal.SIGINT, interrupt=True)
    lines = frames(running.text)[0].rstrip("\n").split("\n")
    assert len(lines) == 4 and max(len(line) for line in lines) == 40


def test_terminal_without_utf8_or_without_any_ability(waiting, cli):
    plain = on_terminal(LANG=None)
    with cli.start("status", waiting.name, terminal=(24, 100), env=plain) as running:
        running.end(0)
    assert "|- batch 1 of 2: Completed" in running.text and running.text.isascii()
    with cli.start("status", waiting.name, terminal=(24, 100), env=environment(TERM="dumb")) as running:
        running.end(0)
    assert "\x1b" not in running.text and running.text.startswith(f"moduledeployment/{waiting.name} Paused")


def test_interrupted_watch_ends_at_once(waiting, cli):
    with cli.start("status", waiting.name, "--watch", terminal=(24, 100), env=on_terminal()) as running:
        running.wait_text("Paused")
        assert running.end(-signal.SIGINT, interrupt=True) == ""


# -- delete --

def test_delete_and_wait(deployment, cli):
    name = deployment.name
    deployment.released(replicas=3)
    assert cli.ok("delete", "moduledeployment", name, "--wait") == f"moduledeployment/{name} deleted\n"
    assert not deployment.exists()
    assert deployment.system.modules(name) == []
    assert not any(name in key for keys in deployment.system.active().values() for key in keys)


def test_delete_without_waiting(deployment, cli):
    deployment.released()
    assert cli.ok("delete", "mddeploy", deployment.name, "-o", "name") == f"moduledeployment/{deployment.name}\n"
    deployment.system.wait_gone(deployment.name)


def test_delete_of_a_file(new_deployment, cli):
    first, second, third = [new_deployment() for _ in range(3)]
    first.released()
    third.released()
    file = first.write(*[one.document() for one in (first, second, third)])
    done = cli.run("delete", "-f", file, "--wait")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [f"moduledeployment/{one.name} deleted" for one in (first, third)]
    assert done.stderr == f'koupleless: {file}: document 2: ModuleDeployment "default/{second.name}": not found\n'
    assert not first.exists() and not third.exists()
    first.apply()
    assert cli.ok("delete", "-f", "-", stdin=first.write(first.document()).read_text())


def test_delete_of_a_module_replaces_it(deployment, cli):
    system = deployment.system
    deployment.released(replicas=2)
    (old, other) = system.modules(deployment.name)
    assert cli.ok("delete", "module", old.metadata.name, "--wait") == f"module/{old.metadata.name} deleted\n"
    uids = {old.metadata.uid, other.metadata.uid}

    def replaced(modules):
        return (len(modules) == 2 and all(m.status.status == "Available" for m in modules)
                and {m.metadata.uid for m in modules} & uids == {other.metadata.uid})

    system.wait_modules(replaced, "another instance", deployment.name)
    assert system.installs(deployment.name) == 3


def test_delete_that_is_not_over_at_the_time_out(deployment, cli):
    slow = deployment.system.jar(deployment.name, "1.0.0", Test_Stop_Sleep_Ms=2000)
    deployment.released(jar=slow)
    said = cli.fails("delete", "mddeploy", deployment.name, "--wait", "--timeout", "200ms")
    assert said == f"moduledeployment/{deployment.name} is still there at the time-out"
    deployment.system.wait_gone(deployment.name)


@pytest.mark.parametrize("kind", ["bases", "modulereplicasets"])
def test_what_can_not_be_deleted(cli, kind):
    assert cli.fails("delete", kind, "base-1") == f"{kind} can't be deleted: the controller looks after them"


def test_delete_of_a_kind_that_is_not_served(cli, deployment):
    template = {"apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleTemplate", "metadata": {"name": "x"}}
    file = deployment.write(template)
    assert cli.fails("delete", "-f", file) == (
        f"{file}: document 1: moduletemplates are not served by the controller's API")
