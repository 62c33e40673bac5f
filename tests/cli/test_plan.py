# SPDX-License-Identifier: Apache-2.0
"""koupleless plan: what a release would do, as text and as an object."""
import re

import pytest

BATCHES = {"batchCount": 2, "useBeta": True, "needConfirm": True}


def test_a_file_that_was_not_applied(deployment, cli):
    file = deployment.write(deployment.document(replicas=3, strategy=BATCHES))
    lines = cli.lines("plan", "-f", file)
    assert lines[:3] == [f"moduledeployment/{deployment.name}: 3 instances to change in 2 batches", "",
                         "Batch 1 of 2: 1 instance to change, then it waits for a confirmation"]
    assert lines[3].split() == ["AFTER", "ACTION", "BASE", "WAY", "REASON"]
    rows = [line.split() for line in lines if re.match(r"\d", line)]
    assert sorted(row[2] for row in rows) == ["base-1", "base-2", "base-3"]
    assert {(row[1], row[3], row[4]) for row in rows} == {("install", "-", "-")}
    assert any(line.startswith("Outcome:      Completed after ") for line in lines)
    assert "Unavailable:  0 instances at once" in lines
    (modules,) = [line.split() for line in lines if line.startswith("Module ")]
    assert modules[1] == "3"
    assert not deployment.exists()


def test_wide_shows_the_names_of_the_modules(deployment, cli):
    lines = cli.lines("plan", "-f", deployment.write(deployment.document()), "-o", "wide")
    assert lines[3].split()[-1] == "MODULE"
    assert lines[4].split()[-1].startswith(deployment.name + "-")


def test_a_name_shows_what_is_left(waiting, cli):
    lines = cli.lines("plan", waiting.name)
    assert lines[0] == f"moduledeployment/{waiting.name}: 2 instances to change in 1 batch"
    assert lines[2] == "Batch 2 of 2: 2 instances to change"


def test_nothing_changes(deployment, cli):
    deployment.released(replicas=2)
    assert cli.lines("plan", deployment.name)[0] == f"moduledeployment/{deployment.name}: nothing changes"


def test_in_place_there_is_a_gap(deployment, cli):
    deployment.released(replicas=2)
    file = deployment.write(deployment.document(version="2.0.0", replicas=2,
                                                strategy={"upgradePolicy": "uninstallThenInstall"}))
    text = cli.ok("plan", "-f", file)
    assert "2 instances to change; 2 instances less at once\n" in text
    assert re.search(r"replace +base-\d +InPlace +UpgradePolicy\n", text)
    assert "Unavailable:  2 instances at once\n" in text


def test_what_holds_it_up(deployment, cli):
    text = cli.ok("plan", "-f", deployment.write(deployment.document(replicas=4)))
    assert "Outcome:      stuck after " in text
    assert "Held up:      NoCapacity: " in text


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_message(deployment, cli, form):
    file = deployment.write(deployment.document(replicas=2))
    plan = getattr(cli, form)("plan", "-f", file)
    assert plan["outcome"] == "PLAN_OUTCOME_COMPLETED"
    assert [(one["batch"], one["action"]) for one in plan["changes"]] == [(1, "install")] * 2
    assert plan["batches"][0]["size"] == 2


def test_a_file_that_is_no_good(deployment, cli):
    document = deployment.document(strategy={"batchCount": -1})
    file = deployment.write(document)
    assert "batchCount" in cli.fails("plan", "-f", file)
    assert cli.fails("plan", "-f", file.parent / "none").endswith("No such file or directory")
    assert cli.misused("plan").startswith("plan needs NAME, or -f")


def test_a_name_that_is_not_there(cli):
    assert cli.fails("plan", "nobody") == 'ModuleDeployment "default/nobody": not found'
