# SPDX-License-Identifier: Apache-2.0
"""What the chart becomes, by lint and template: no cluster is asked."""
import shutil
import subprocess
import tarfile

import basekit
import helmkit
import manifestkit
import pytest
import yaml

OF_HELM = {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
EVERYTHING = {
    "scope": "cluster", "fullnameOverride": "ark", "crds": {"install": True, "keep": False},
    "images": {"registry": "registry.example.com:5000/team/", "tag": "1.2.3", "pullPolicy": "Always",
               "pullSecrets": ["pull"]},
    "serviceAccount": {"name": "somebody", "annotations": {"a": "1"}},
    "controller": {"image": "other/controller", "resources": {"limits": {"cpu": 1}},
                   "options": {"agent-port": 1300, "base-silent-after": "30s", "log-format": "json"}},
    "scheduler": {"image": "other/scheduler", "resources": {}, "options": {"log-level": "debug"}},
    "pod": {"annotations": {"b": "2"}, "labels": {"team": "x"}, "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "k", "operator": "Exists"}], "priorityClassName": "high",
            "affinity": {"podAntiAffinity": {}}, "securityContext": {"runAsUser": 1000650000}},
    "containerSecurityContext": {"privileged": False},
    "service": {"type": "NodePort", "port": 19090, "annotations": {"c": "3"}},
    "agent": {"image": "other/agent", "cacheDir": "/jars",
              "options": {"max-module-count": 2000000, "metaspace-limit": 80, "cache-size": "512MiB",
                          "requests-timeout": "0s"}},
}
VALUES = {"default": {}, "everything": EVERYTHING, "cluster-wide": {"scope": "cluster"},
          "no custom resources": {"crds": {"install": False}},
          "account of one's own": {"serviceAccount": {"create": False, "name": "mine"}, "rbac": {"create": False}}}


@pytest.mark.parametrize("name", VALUES)
def test_lint_finds_nothing(helm, name):
    """--strict: warnings are errors."""
    assert "1 chart(s) linted, 0 chart(s) failed" in helm.run("lint", "--strict", helmkit.CHART, values=VALUES[name])


# -- the chart and the plain resources --

def normalised(documents):
    """(kind, name) -> document, without what Helm alone writes and without defaults of Kubernetes."""
    found = {}
    for document in documents:
        labels_of(document["metadata"])
        if document["kind"] == "Deployment":
            labels_of(document["spec"]["template"]["metadata"])
            drop(document["spec"]["selector"]["matchLabels"])
        if document["kind"] == "Service":
            drop(document["spec"]["selector"])
            document["spec"].setdefault("type", "ClusterIP")
        if document["kind"] == "CustomResourceDefinition":
            document["metadata"].pop("annotations", None)
            document["metadata"].pop("labels", None)
        found[document["kind"], document["metadata"]["name"]] = document
    return found


def labels_of(metadata):
    drop(metadata.setdefault("labels", {}))


def drop(labels):
    for name in OF_HELM & set(labels):
        del labels[name]


def plain(version, cluster_wide):
    return [document for file in manifestkit.files(version, cluster_wide)
            for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("version", ["1.24.17", "1.25.0", "1.34.4-vendor.1"])
@pytest.mark.parametrize("scope", ["namespace", "cluster"])
def test_it_says_what_the_plain_resources_say(helm, version, scope):
    rendered = helm.render({"scope": scope}, "--kube-version", version)
    expected = plain("1.24" if version.startswith("1.24") else "current", scope == "cluster")
    assert len(rendered) == len(expected) == 9
    assert normalised(rendered) == normalised(expected)


def test_it_needs_kubernetes_1_24(helm):
    with pytest.raises(helmkit.HelmFailed, match="incompatible with Kubernetes v1.23.9"):
        helm.render({}, "--kube-version", "1.23.9")


def test_a_package_holds_all_that_is_needed(helm, tmp_path):
    """Files instead of the link, nothing twice; and it becomes the same."""
    helm.run("package", helmkit.CHART, "--destination", tmp_path)
    package, = tmp_path.glob("koupleless-*.tgz")
    with tarfile.open(package) as archive:
        members = archive.getmembers()
        archive.extractall(tmp_path)
    assert all(member.isfile() for member in members)
    inside = {member.name.removeprefix("koupleless/") for member in members}
    crds = [path.name for path in manifestkit.crds()]
    assert {name for name in inside if name.startswith("manifests/")} == {
        "manifests/05-role.yaml", *[f"manifests/{name}" for name in crds],
        *[f"manifests/kubernetes-1.24/{name}" for name in crds]}
    assert {"README.md", "values.schema.json", "examples/base-deployment.yaml", "templates/NOTES.txt"} <= inside
    for folder_or_file in (package, tmp_path / "koupleless"):
        assert helm.render({}, chart=folder_or_file) == helm.render({})


def test_a_copy_that_lost_the_link_says_so(helm, tmp_path):
    copy = shutil.copytree(helmkit.CHART, tmp_path / "koupleless", symlinks=True)
    (copy / "manifests").unlink()
    (copy / "manifests").write_text("../../manifests", encoding="utf-8")  # as git leaves it where there are no links
    with pytest.raises(helmkit.HelmFailed, match="manifests/.*yaml is not in this chart: .*take the packaged chart"):
        helm.render({}, chart=copy)


# -- values --

def test_custom_resources_are_kept_unless_told_otherwise(helm):
    for values, policy in (({}, "keep"), ({"crds": {"keep": False}}, None)):
        crds = [document["metadata"] for document in helm.render(values)
                if document["kind"] == "CustomResourceDefinition"]
        assert len(crds) == 4
        assert {(crd["annotations"] or {}).get("helm.sh/resource-policy") for crd in crds} == {policy}
    kinds = {document["kind"] for document in helm.render({"crds": {"install": False}})}
    assert "CustomResourceDefinition" not in kinds and "Role" in kinds


def test_what_is_made_for_the_account(helm):
    kinds = [document["kind"] for document in helm.render(VALUES["account of one's own"])]
    assert not {"ServiceAccount", "Role", "RoleBinding"} & set(kinds)
    documents = helm.render({"serviceAccount": {"create": False, "name": "mine"}})
    assert helmkit.one(documents, "RoleBinding")["subjects"] == [
        {"kind": "ServiceAccount", "name": "mine", "namespace": "default"}]
    with pytest.raises(helmkit.HelmFailed, match="serviceAccount.name: which account is it"):
        helm.render({"serviceAccount": {"create": False}})


@pytest.mark.parametrize("release, override, name", [
    ("koupleless", "", "koupleless-controller"), ("my-koupleless", "", "my-koupleless-controller"),
    ("shop", "", "shop-koupleless-controller"), ("shop", "ark", "ark-controller"),
    ("a" * 53, "", "a" * 52 + "-controller")])
def test_names_follow_the_release(helm, release, override, name):
    documents = helm.render({"fullnameOverride": override, "crds": {"install": False}}, release=release)
    assert {document["metadata"]["name"] for document in documents} == {name} and len(name) <= 63
    assert helmkit.one(documents, "RoleBinding")["roleRef"]["name"] == name
    selector = helmkit.one(documents, "Service")["spec"]["selector"]
    deployment = helmkit.one(documents, "Deployment")["spec"]
    assert selector == deployment["selector"]["matchLabels"] and selector["app.kubernetes.io/instance"] == release
    assert selector.items() <= deployment["template"]["metadata"]["labels"].items()


def test_every_value_of_the_controller_has_its_place(helm):
    documents = helm.render(EVERYTHING)
    account, service = helmkit.one(documents, "ServiceAccount"), helmkit.one(documents, "Service")
    assert (account["metadata"]["name"], account["metadata"]["annotations"]) == ("somebody", {"a": "1"})
    assert (service["spec"]["type"], service["spec"]["ports"][0]["port"]) == ("NodePort", 19090)
    assert service["metadata"]["annotations"] == {"c": "3"}
    template = helmkit.one(documents, "Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"] == {"b": "2"} and template["metadata"]["labels"]["team"] == "x"
    pod = template["spec"]
    given = EVERYTHING["pod"]
    for field in ("nodeSelector", "tolerations", "affinity", "priorityClassName"):
        assert pod[field] == given[field]
    assert pod["serviceAccountName"] == "somebody" and pod["imagePullSecrets"] == [{"name": "pull"}]
    assert pod["securityContext"]["runAsUser"] == 1000650000
    controller, scheduler = pod["containers"]
    assert controller["image"] == "registry.example.com:5000/team/other/controller:1.2.3"
    assert scheduler["image"] == "registry.example.com:5000/team/other/scheduler:1.2.3"
    assert {"--agent-port=1300", "--base-silent-after=30s", "--log-format=json"} <= set(controller["args"])
    assert "--log-level=debug" in scheduler["args"]
    assert [one["name"] for one in controller["env"]] == ["KOUPLELESS_LEADER_IDENTITY"]  # all namespaces
    assert controller["resources"]["limits"] == {"memory": "256Mi", "cpu": 1}
    for container in (controller, scheduler):
        assert container["imagePullPolicy"] == "Always" and container["securityContext"]["privileged"] is False


REFUSED = [
    ({"injection": {"enabled": True}}, "at '': additional properties 'injection' not allowed"),
    ({"controller": {"replicas": 2}}, "at '/controller': additional properties 'replicas' not allowed"),
    ({"controller": {"options": {"data-dir": "/x"}}}, "at '/controller/options': additional properties 'data-dir' not"),
    ({"controller": {"options": {"agent-port": 70000}}}, "at '/controller/options/agent-port': maximum: got 70,000"),
    ({"controller": {"options": {"base-gone-after": "5 min"}}}, "at '/controller/options/base-gone-after': '5 min' does"),
    ({"controller": {"resources": {"limit": {}}}}, "at '/controller/resources': additional properties 'limit' not"),
    ({"controller": {"image": "a:1"}}, "at '/controller/image': 'a:1' does not match pattern"),
    ({"scheduler": {"options": {"log-level": "loud"}}},
     "at '/scheduler/options/log-level': value must be one of 'debug', 'info', 'warn', 'error'"),
    ({"scope": "everywhere"}, "at '/scope': value must be one of 'namespace', 'cluster'"),
    ({"crds": {"install": "yes"}}, "at '/crds/install': got string, want boolean"),
    ({"service": {"port": "9090"}}, "at '/service/port': got string, want integer"),
    ({"service": {"type": "ExternalName"}}, "at '/service/type': value must be one of"),
    ({"images": {"registry": "https://registry.example.com"}}, "at '/images/registry': 'https://registry"),
    ({"images": {"pullSecrets": "pull"}}, "at '/images/pullSecrets': got string, want array"),
    ({"fullnameOverride": "Big_Name"}, "at '/fullnameOverride': 'Big_Name' does not match pattern"),
    ({"pod": {"nodeSelector": {"disk": True}}}, "at '/pod/nodeSelector/disk': got boolean, want string"),
    ({"agent": {"cacheDir": "jars"}}, "at '/agent/cacheDir': 'jars' does not match pattern"),
    ({"agent": {"options": {"arklet": "127.0.0.1:1238"}}}, "at '/agent/options/arklet': '127.0.0.1:1238' does not"),
    ({"agent": {"options": {"cache-size": "512MB"}}}, "at '/agent/options/cache-size': '512MB' does not match pattern"),
]


@pytest.mark.parametrize("values, said", REFUSED, ids=[said.split("'")[1] + f"-{i}" for i, (_, said) in enumerate(REFUSED)])
def test_wrong_values_are_refused_by_name(helm, values, said):
    with pytest.raises(helmkit.HelmFailed) as refused:
        helm.render(values)
    assert said in refused.value.stderr, refused.value.stderr


def test_a_chart_may_depend_on_it(helm, tmp_path):
    """Helm then adds "global" to its values; the sidecar is to be had by name."""
    parent = tmp_path / "shop"
    (parent / "templates").mkdir(parents=True)
    (parent / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n"
                                       "- {name: koupleless, version: 0.1.0, repository: ''}\n", encoding="utf-8")
    shutil.copytree(helmkit.CHART, parent / "charts" / "koupleless")
    (parent / "templates" / "pod.yaml").write_text(
        "kind: Pod\nspec:\n  containers:\n"
        '  {{- include "koupleless.agent.container" (list .Subcharts.koupleless "stock") | nindent 2 }}\n',
        encoding="utf-8")
    documents = helm.render({"global": {"x": 1}, "koupleless": {"images": {"registry": "r"}}}, chart=parent)
    agent, = helmkit.one(documents, "Pod")["spec"]["containers"]
    assert agent["image"] == "r/koupleless-agent:0.1.0"
    assert agent["env"][0] == {"name": "KOUPLELESS_BASE_DEPLOYMENT", "value": "stock"}
    assert len(documents) == 10


# -- options --

@pytest.mark.parametrize("container", ["controller", "scheduler", "agent"])
def test_options_are_those_of_the_program(container):
    """Each option that the schema lets through is one of the program's."""
    schema = yaml.safe_load((helmkit.CHART / "values.schema.json").read_text(encoding="utf-8"))
    options = schema["properties"][container]["properties"]["options"]["properties"]
    said = subprocess.run([basekit.find_program(f"koupleless-{container}"), "--help"], capture_output=True, text=True,
                          check=True).stdout
    missing = [name for name in options if f"--{name} " not in said]
    assert options and not missing
