# SPDX-License-Identifier: Apache-2.0
"""apply: documents in, ModuleDeployments out, and what is wrong with documents."""
import json

import pytest
import systemkit
import yaml

# -- what works --

def test_created_configured_unchanged(deployment, cli):
    name = f"moduledeployment/{deployment.name}"
    file = deployment.write(deployment.document())
    assert cli.ok("apply", "-f", file) == f"{name} created\n"
    assert cli.ok("apply", "-f", file) == f"{name} unchanged\n"
    deployment.system.wait_completed(deployment.name)
    assert cli.ok("apply", "-f", file) == f"{name} unchanged\n"
    file = deployment.write(deployment.document(replicas=2))
    assert cli.ok("apply", "-f", file) == f"{name} configured\n"
    assert deployment.system.wait_completed(deployment.name).spec.replicas == 2


def test_update_keeps_what_it_does_not_name(deployment, cli):
    document = deployment.document(replicas=None)
    assert cli.ok("apply", "-f", deployment.write(document)).endswith(" created\n")
    cli.ok("scale", deployment.name, "--replicas", 2)
    assert cli.ok("apply", "-f", deployment.write(document)).endswith(" unchanged\n")
    assert cli.json("get", "mddeploy", deployment.name)["spec"]["replicas"] == 2


def test_json_and_yaml_are_the_same(deployment, cli, tmp_path):
    document = deployment.document()
    file = tmp_path / "md.json"
    file.write_text(json.dumps(document, indent=4), encoding="utf-8")
    assert cli.ok("apply", "-f", file).endswith(" created\n")
    assert cli.ok("apply", "-f", deployment.write(document)).endswith(" unchanged\n")


def test_stdin(deployment, cli):
    text = yaml.safe_dump(deployment.document())
    assert cli.ok("apply", "-f", "-", stdin=text).endswith(" created\n")
    assert cli.ok("apply", "-f", "-", stdin=json.dumps(yaml.safe_load(text))).endswith(" unchanged\n")


def test_several_documents_in_their_order(new_deployment, cli):
    three = [new_deployment() for _ in range(3)]
    file = three[0].write(*[one.document() for one in three])
    file.write_text(f"# first\n---\n{file.read_text()}\n---\n# nothing\n")
    assert cli.lines("apply", "-f", file) == [f"moduledeployment/{one.name} created" for one in three]
    listed = {"apiVersion": "v1", "kind": "List", "items": list(filter(None, yaml.safe_load_all(file.read_text())))}
    assert cli.lines("apply", "-f", "-", stdin=yaml.safe_dump(listed)) == [
        f"moduledeployment/{one.name} unchanged" for one in three]


def test_folder_in_the_order_of_names(new_deployment, cli, tmp_path):
    first, second, third, other = [new_deployment() for _ in range(4)]
    third.write(third.document(), file="all/c.yml")
    first.write(first.document(), file="all/a.yaml")
    (tmp_path / "all" / "b.json").write_text(json.dumps(second.document()))
    other.write(other.document(), file="all/notes.txt")
    other.write(other.document(), file="all/.hidden.yaml")
    other.write(other.document(), file="all/deeper/d.yaml")
    assert cli.lines("apply", "-f", tmp_path / "all") == [
        f"moduledeployment/{one.name} created" for one in (first, second, third)]
    assert not other.exists()


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_get_prints_can_be_applied_again(deployment, cli, form):
    deployment.released(replicas=2, strategy={"batchCount": 2, "useBeta": True, "upgradePolicy": "scaleupthenscaledown"},
                        schedulingStrategy={"schedulingPolicy": "stacking"}, minReadySeconds=1)
    printed = cli.ok("get", "mddeploy", deployment.name, "-o", form)
    assert cli.ok("apply", "-f", "-", stdin=printed) == f"moduledeployment/{deployment.name} unchanged\n"
    listed = cli.ok("get", "mddeploy", "-o", form)
    assert f"moduledeployment/{deployment.name} unchanged" in cli.lines("apply", "-f", "-", stdin=listed)


def test_output_forms(deployment, cli):
    file = deployment.write(deployment.document())
    assert cli.ok("apply", "-f", file, "-o", "name") == f"moduledeployment/{deployment.name}\n"
    applied = cli.json("apply", "-f", file)
    assert (applied["kind"], applied["metadata"]["name"]) == ("ModuleDeployment", deployment.name)
    assert cli.yaml("apply", "-f", file)["metadata"]["uid"] == applied["metadata"]["uid"]


def test_namespace_of_the_document_and_of_the_option(deployment, cli):
    document = deployment.document(replicas=0)
    document["metadata"]["namespace"] = "elsewhere"
    file = deployment.write(document)
    said = cli.fails("apply", "-f", file, "-n", "default")
    assert said == f"{file}: document 1: metadata.namespace: is elsewhere, but --namespace is default"
    assert cli.ok("apply", "-f", file).endswith(" created\n")
    assert cli.ok("apply", "-f", file, "-n", "elsewhere").endswith(" unchanged\n")
    del document["metadata"]["namespace"]
    assert cli.ok("apply", "-f", deployment.write(document), "-n", "elsewhere").endswith(" unchanged\n")
    assert not deployment.exists()
    assert cli.ok("delete", "mddeploy", deployment.name, "-n", "elsewhere", "--wait")


# -- what is wrong with a document --

MODULE = "spec.template.spec.module"


@pytest.mark.parametrize("change, said", [
    (lambda md: md["spec"].update(replica=3), 'spec.replica: unknown field (did you mean "replicas"?)'),
    (lambda md: md.update(spc={}), 'spc: unknown field (did you mean "spec"?)'),
    (lambda md: md["spec"]["operationStrategy"].update(needsConfirm=True),
     'spec.operationStrategy.needsConfirm: unknown field (did you mean "needConfirm"?)'),
    (lambda md: md["spec"]["template"]["spec"]["module"].update(sha25="x"),
     f'{MODULE}.sha25: unknown field (did you mean "sha256"?)'),
    (lambda md: md["spec"].update(somethingElse=1), "spec.somethingElse: unknown field"),
    (lambda md: md["spec"].update(replicas="3"), "spec.replicas: must be an integer"),
    (lambda md: md["spec"].update(replicas=1.5), "spec.replicas: must be an integer"),
    (lambda md: md["spec"].update(replicas=-2), "spec.replicas: must be -1 to 1000000, is -2"),
    (lambda md: md["spec"]["operationStrategy"].update(useBeta="yes"),
     "spec.operationStrategy.useBeta: must be true or false"),
    (lambda md: md["spec"]["operationStrategy"].update(batchCount=[2]),
     "spec.operationStrategy.batchCount: must be an integer"),
    (lambda md: md["spec"]["operationStrategy"].update(upgradePolicy="soon"),
     'spec.operationStrategy.upgradePolicy: "soon" is not known; must be installThenUninstall, '
     "uninstallThenInstall or scaleUpThenScaleDown"),
    (lambda md: md["spec"]["template"]["spec"]["module"].update(version=1.5),
     f'{MODULE}.version: must be a string; put it in quotes: "1.5"'),
    (lambda md: md["spec"]["template"]["spec"]["module"].pop("url"), f"{MODULE}.url: is required"),
    (lambda md: md["spec"].pop("baseDeploymentName"), "spec.baseDeploymentName: is required"),
    (lambda md: md["metadata"].pop("name"), "metadata.name: is required"),
    (lambda md: md["metadata"].update(name="Pay_X"),
     "metadata.name: \"Pay_X\" is no DNS-1123 subdomain: at most 253 lower case letters, digits, '-' and '.', "
     "a letter or digit at both ends"),
    (lambda md: md.update(kind="ModuleDeploymnt"),
     'kind: "ModuleDeploymnt" is not known; did you mean ModuleDeployment?'),
    (lambda md: md.update(kind="Module"), "kind: a Module can't be applied here: only ModuleDeployments can"),
    (lambda md: md.update(apiVersion="v1"), 'apiVersion: must be koupleless.alipay.com/v1alpha1, is "v1"'),
])
def test_wrong_document_is_named_with_its_field_and_nothing_is_sent(new_deployment, cli, change, said):
    good, bad = new_deployment(), new_deployment()
    document = bad.document()
    change(document)
    file = good.write(good.document(), document)
    assert cli.fails("apply", "-f", file) == f"{file}: document 2: {said}"
    assert not good.exists() and not bad.exists()


def test_nothing_of_a_folder_is_sent_when_one_file_is_bad(new_deployment, cli, tmp_path):
    good = new_deployment()
    good.write(good.document(), file="all/a.yaml")
    (tmp_path / "all" / "b.yaml").write_text("kind: [", encoding="utf-8")
    assert cli.fails("apply", "-f", tmp_path / "all").startswith(f"{tmp_path}/all/b.yaml: line 2: ")
    assert not good.exists()


@pytest.mark.parametrize("text, said", [
    ("", "-: no document"),
    ("# only a comment\n---\n---\n", "-: no document"),
    ("just text\n", "stdin: document 1: an object with apiVersion and kind is expected"),
    ("- a\n- b\n", "stdin: document 1: an object with apiVersion and kind is expected"),
    ("kind: A\nkind: B\n", 'stdin: line 2: the key "kind" is there twice'),
    ("apiVersion: v1\nkind: List\nitems: 3\n", "stdin: document 1: items: must be an array"),
])
def test_text_that_is_no_document(cli, text, said):
    assert cli.fails("apply", "-f", "-", stdin=text) == said


def test_item_of_a_list_is_named(deployment, cli):
    document = deployment.document(replicas="many")
    listed = {"apiVersion": "v1", "kind": "List", "items": [document]}
    assert cli.fails("apply", "-f", "-", stdin=yaml.safe_dump(listed)) == (
        "stdin: document 1: items[0]: spec.replicas: must be an integer")


def test_file_that_is_not_there_or_can_not_be_read(cli, tmp_path):
    missing = tmp_path / "none.yaml"
    assert cli.fails("apply", "-f", missing) == f"{missing}: No such file or directory"
    assert cli.fails("apply", "-f", tmp_path) == f"{tmp_path}: no document"
    assert cli.fails("delete", "-f", missing) == f"{missing}: No such file or directory"
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    assert "larger than" in cli.fails("apply", "-f", large)


def test_document_that_did_not_get_through_is_named_too(deployment, alone):
    file = deployment.write(deployment.document())
    said = alone.fails("--insecure", "--server", "127.0.0.1:1", "apply", "-f", file)
    assert said.startswith(f"{file}: document 1: 127.0.0.1:1: ")


def test_namespace_default_is_that_of_the_system(deployment, cli):
    deployment.apply(replicas=0)
    assert cli.json("get", "mddeploy", deployment.name)["metadata"]["namespace"] == systemkit.NAMESPACE
