# SPDX-License-Identifier: Apache-2.0
"""get and describe: every kind, name, selector and form of output."""
import json

import basekit
import pytest
import systemkit

LABEL = "koupleless.alipay.com/module-deployment"
KINDS = {
    "moduledeployment": ["moduledeployments", "moduledeployment", "mddeploy", "ModuleDeployment"],
    "modulereplicaset": ["modulereplicasets", "modulereplicaset", "mdrs"],
    "module": ["modules", "module", "md"],
    "base": ["bases", "base"],
}
TITLES = {
    "mddeploy": "NAME MODULE VERSION AVAILABLE UPDATED PROGRESS REASON BATCH AGE",
    "mdrs": "NAME REVISION MODULE VERSION AVAILABLE AGE",
    "md": "NAME MODULE VERSION BASE STATUS REASON AGE",
    "bases": "NAME DEPLOYMENT IP PHASE REASON MAX-MODULES AGE",
}
MORE_TITLES = {
    "mddeploy": "BASE POLICY REVISION MESSAGE",
    "mdrs": "DEPLOYMENT BASE URL",
    "md": "IP DEPLOYMENT INSTALL MESSAGE",
    "bases": "AGENT NODE ZONE MESSAGE",
}


def row(lines, name):
    """The cells of the row of @name by their titles; cells are three blanks apart at least."""
    titles = [title.strip() for title in lines[0].split("   ") if title.strip()]
    (line,) = [line for line in lines[1:] if line.split()[0] == name]
    return dict(zip(titles, [cell.strip() for cell in line.split("   ") if cell.strip()]))


@pytest.fixture
def released(deployment):
    return deployment.released(replicas=2)


@pytest.fixture
def selector(released):
    return f"{LABEL}={released.name}"


# -- kinds --

@pytest.mark.parametrize("singular, names", KINDS.items())
def test_each_kind_has_its_names(released, cli, singular, names):
    listed = [cli.ok("get", name, "-o", "name") for name in names]
    assert set(listed) == {listed[0]}
    assert listed[0] and all(line.startswith(singular + "/") for line in listed[0].splitlines())
    assert released.name in listed[0] or singular == "base"


@pytest.mark.parametrize("kind", TITLES)
def test_titles_of_tables(released, cli, kind):
    assert released.exists()
    assert cli.lines("get", kind)[0].split() == TITLES[kind].split()
    assert cli.lines("get", kind, "-o", "table")[0].split() == TITLES[kind].split()
    assert cli.lines("get", kind, "-o", "wide")[0].split() == (TITLES[kind] + " " + MORE_TITLES[kind]).split()
    assert cli.lines("get", kind, "-n", "*")[0].split() == ("NAMESPACE " + TITLES[kind]).split()


def test_rows_of_tables(released, cli, selector):
    name = released.name
    found = row(cli.lines("get", "mddeploy", name, "-o", "wide"), name)
    assert found.pop("AGE").endswith("s")
    assert found.pop("REVISION").startswith(name + "-")
    assert found.pop("MESSAGE") == "2 instances are released"
    assert found == {"NAME": name, "MODULE": name, "VERSION": "1.0.0", "AVAILABLE": "2/2", "UPDATED": "2",
                     "PROGRESS": "Completed", "REASON": "ReleaseCompleted", "BATCH": "1/1",
                     "BASE": systemkit.DEPLOYMENT, "POLICY": "installThenUninstall"}
    for line in cli.lines("get", "md", "-l", selector)[1:]:
        cells = line.split()
        assert cells[1:3] + cells[4:6] == [name, "1.0.0", "Available", "-"]
        assert cells[3] in released.system.available(name)
    base = released.system.base(2)
    found = row(cli.lines("get", "bases", "-o", "wide"), "base-2")
    assert (found["DEPLOYMENT"], found["IP"], found["PHASE"]) == (systemkit.DEPLOYMENT, base.address, "Ready")
    assert (found["MAX-MODULES"], found["AGENT"]) == ("unlimited", f"{base.address}:1239")


def test_revisions_say_how_many_are_available(released, cli, selector):
    (name,) = [one["metadata"]["name"] for one in cli.json("get", "mdrs", "-l", selector)["items"]]

    def found():
        cells = row(cli.lines("get", "mdrs", name, "-o", "wide"), name)
        return cells if cells["AVAILABLE"] == "2/2" else None

    found = basekit.wait_until(found, "its status, which follows that of the ModuleDeployment")
    assert (found["REVISION"], found["DEPLOYMENT"], found["MODULE"]) == ("1", released.name, released.name)
    assert found["URL"].startswith("file:///")


# -- names and selectors --

@pytest.mark.parametrize("kind, said", [
    ("mddeploy", "ModuleDeployment"), ("mdrs", "ModuleReplicaSet"), ("md", "Module"), ("base", "Base")])
def test_name_that_is_not_there(cli, kind, said):
    assert cli.fails("get", kind, "nobody") == f'{said} "default/nobody": not found'
    assert cli.fails("describe", kind, "nobody", "-n", "other") == f'{said} "other/nobody": not found'


def test_selectors(released, cli, selector):
    name = released.name
    for kind in ("md", "mdrs"):
        listed = cli.lines("get", kind, "-l", selector, "-o", "name")
        assert len(listed) == (2 if kind == "md" else 1)
        assert all(f"/{name}-" in line for line in listed)
        assert cli.lines("get", kind, f"--selector={LABEL} in (x,{name})", "-o", "name") == listed
        assert not set(listed) & set(cli.lines("get", kind, "-l", f"{LABEL}!={name}", "-o", "name"))
        assert cli.ok("get", kind, "-l", f"{selector},none", "-o", "name") == ""
    assert "selector" in cli.fails("get", "md", "-l", "a==,")
    assert "selector" in cli.fails("get", "mdrs", "-l", "a==,")


@pytest.mark.parametrize("options, where", [(["-n", "empty"], " in namespace empty."), (["-n*", "-lnone"], ".")])
def test_nothing_found_is_said_on_stderr(cli, options, where):
    done = cli.run("get", "modules", *options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"No modules found{where}\n")
    assert cli.ok("get", "modules", "-o", "name", *options) == ""
    assert cli.json("get", "modules", *options) == {"apiVersion": "v1", "kind": "List", "items": []}


# -- objects --

@pytest.mark.parametrize("kind, name", [("mddeploy", "ModuleDeployment"), ("mdrs", "ModuleReplicaSet"),
                                        ("md", "Module"), ("bases", "Base")])
def test_json_is_the_object_or_a_list(released, cli, selector, kind, name):
    select = [] if kind in ("mddeploy", "bases") else ["-l", selector]
    listed = cli.json("get", kind, *select)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert listed["items"]
    one = listed["items"][0]
    assert (one["apiVersion"], one["kind"]) == ("koupleless.alipay.com/v1alpha1", name)
    assert cli.json("get", kind, one["metadata"]["name"])["metadata"]["uid"] == one["metadata"]["uid"]
    assert released.exists()


def test_yaml_is_the_same_as_json(released, cli, selector):
    assert cli.yaml("get", "mddeploy", released.name) == cli.json("get", "mddeploy", released.name)
    assert cli.yaml("get", "md", "-l", selector) == cli.json("get", "md", "-l", selector)
    assert cli.yaml("get", "base", "base-1")["spec"] == cli.json("get", "base", "base-1")["spec"]


def test_deployment_has_all_that_is_known(released, cli):
    md = cli.json("get", "mddeploy", released.name)
    assert md["metadata"]["namespace"] == systemkit.NAMESPACE
    assert md["spec"]["template"]["spec"]["module"]["version"] == "1.0.0"
    assert md["status"]["availableReplicas"] == 2
    assert md["status"]["releaseStatus"]["progress"] == "Completed"


# -- describe --

def section(lines, title):
    """The lines below a title."""
    begin = lines.index(title) + 1
    end = next((i for i in range(begin, len(lines)) if not lines[i].startswith(" ")), len(lines))
    return [line.strip() for line in lines[begin:end]]


def test_describe_deployment(waiting, cli):
    name = waiting.name
    lines = cli.lines("describe", "mddeploy", name)
    assert lines[0].split() == ["Name:", name]
    assert "replicas: 3" in section(lines, "Spec:")
    assert "progress: Paused" in section(lines, "Status:")
    assert [line.split()[0] for line in section(lines, "Conditions:")] == [
        "TYPE", "Available", "Progressing", "Degraded"]
    assert section(lines, "Batches:") == ["batch 1 of 2: Completed", "batch 2 of 2: to come"]
    assert len(section(lines, "Revisions:")) == 2
    (_, instance) = section(lines, "Instances:")
    assert instance.split()[0].startswith(name + "-") and "Available" in instance
    reasons = [line.split()[1] for line in section(lines, "Events:")]
    assert reasons[0] == "REASON"
    assert {"BatchStarted", "Installed", "BatchCompleted", "WaitingForConfirmation"} <= set(reasons)


def test_describe_other_kinds(released, cli, selector):
    (module, _) = cli.json("get", "md", "-l", selector)["items"]
    lines = cli.lines("describe", "module", module["metadata"]["name"])
    assert f"{LABEL}: {released.name}" in section(lines, "Labels:")
    lines = cli.lines("describe", "base", module["spec"]["baseName"])
    assert "phase: Ready" in section(lines, "Status:")
    assert module["metadata"]["name"] in [line.split()[0] for line in section(lines, "Instances:")]
    (revision,) = cli.json("get", "mdrs", "-l", selector)["items"]
    lines = cli.lines("describe", "mdrs", revision["metadata"]["name"])
    assert len(section(lines, "Instances:")) == 3


# -- watch --

def test_watch_goes_on_until_it_is_interrupted(new_deployment, cli):
    new_deployment().released()  # there is a table from the beginning
    deployment = new_deployment()
    with cli.start("get", "mddeploy", "-w") as running:
        running.wait_text("NAME")
        deployment.released()
        basekit.wait_until(lambda: "Completed" in "".join(
            line for line in running.lines() if line.startswith(deployment.name + " ")), "its row")
        assert running.end(-2, interrupt=True) == ""
        assert sum(line.startswith("NAME ") for line in running.lines()) == 1


def test_watch_of_one_name_tells_of_no_other(new_deployment, cli):
    mine, other = new_deployment(), new_deployment()
    mine.released()
    with cli.start("get", "mddeploy", mine.name, "--watch", "-o", "name") as running:
        running.wait_text(mine.name)
        other.released()
        cli.ok("scale", mine.name, "--replicas", "2")
        mine.system.wait_completed(mine.name)
        running.wait_text(f"{mine.name}\nmoduledeployment/{mine.name}\n")
        running.end(-2, interrupt=True)
        assert set(running.lines()) == {f"moduledeployment/{mine.name}"}


@pytest.mark.parametrize("form, mark", [("json", "\n}\n"), ("yaml", "---\n")])
def test_watch_prints_documents(released, cli, selector, form, mark):
    with cli.start("get", "md", "-l", selector, "-w", "-o", form) as running:
        running.wait_text("Available")
        cli.ok("scale", released.name, "--replicas", "1")
        running.wait_text("deletionTimestamp")
        running.end(-2, interrupt=True)
        if form == "json":
            first = json.JSONDecoder().raw_decode(running.text)[0]
            assert first["kind"] == "Module"
        assert running.text.count(mark) >= 2


def test_watch_of_bases_and_of_what_has_no_watch(cli):
    with cli.start("get", "bases", "-w") as running:
        running.wait_text("base-3")
        running.end(-2, interrupt=True)
    assert cli.fails("get", "mdrs", "-w") == "modulereplicasets can't be watched: the API has no call for it"


def test_watch_goes_on_when_the_controller_starts_again(deployment, cli):
    system = deployment.system
    with cli.start("get", "mddeploy", deployment.name, "-w") as running:
        deployment.apply(replicas=0)
        running.wait_text(deployment.name)
        system.restart("controller")
        deployment.apply(replicas=1)
        running.wait_text(" 1/1 ")
        assert running.end(-2, interrupt=True) == ""
