# SPDX-License-Identifier: Apache-2.0
"""The plain resources of deploy/manifests, and the good and bad ModuleDeployments of tests/e2e/samples."""
import copy
import pathlib

import basekit
import kubeapi
import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
MANIFESTS = TOP / "deploy" / "manifests"
SAMPLES = TOP / "tests" / "e2e" / "samples"


def crds(version="current"):
    """The files of the custom resources, in order."""
    folder = MANIFESTS / "kubernetes-1.24" if version == "1.24" else MANIFESTS
    return sorted(folder.glob("0[1-4]-*.yaml"))


def files(version="current", cluster_wide=False):
    """The eight files, in the order in which they are applied."""
    others = sorted(MANIFESTS.glob("0[5-8]-*.yaml"))
    if cluster_wide:
        instead = {path.name[:2]: path for path in (MANIFESTS / "cluster-wide").glob("*.yaml")}
        others = [instead.get(path.name[:2], path) for path in others]
    return crds(version) + others


def install_crds(cluster):
    """Makes the custom resources known to a kubekit.Cluster, once."""
    for path in crds(cluster.version):
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", path)
    for path in crds(cluster.version):
        cluster.kubectl("wait", "--for=condition=Established", f"--timeout={basekit.WATCHDOG_S}s", "-f", path)


def definition(cluster, plural):
    """The custom resource of a kind, as the file for this server has it."""
    files = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in crds(cluster.version)]
    return next(file for file in files if file["spec"]["names"]["plural"] == plural)


def replace_crd(cluster, wanted):
    """Puts a custom resource in the place of the one that is there."""
    where = kubeapi.path("customresourcedefinitions", None, wanted["metadata"]["name"])
    version = cluster.api.get(where)["metadata"]["resourceVersion"]
    cluster.api.put(where, {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": version}})


def serve(cluster, plural, version="v1alpha1"):
    """Has the server serve a kind in this version alone."""
    wanted = definition(cluster, plural)
    ours = wanted["spec"]["versions"][0]
    if version != ours["name"]:
        wanted["spec"]["versions"].append({**ours, "name": version, "storage": False})
        ours["served"] = False
    replace_crd(cluster, wanted)
    group = f"/apis/{wanted['spec']['group']}"

    def is_served():
        listed = cluster.api.find(f"{group}/{version}") or {"resources": []}
        return plural in [resource["name"] for resource in listed["resources"]]

    basekit.wait_until(is_served, f"{plural} to be served in {version}")


# -- good and bad input --

class Case:
    """One of inputs.yaml: .name, .document; .controller, .kubectl, .plain: what is said of it, None where it is good."""

    def __init__(self, sample, row):
        self.name, self.document = row["name"], copy.deepcopy(sample)
        self.controller, self.kubectl, self.plain = (row.get(key) for key in ("controller", "kubectl", "plain"))
        for path, value in row["change"].items():
            *way, last = path.split(".")
            place = self.document
            for key in way:
                place = place.setdefault(key, {})
            place[last] = value


def cases():
    table = yaml.safe_load((SAMPLES / "inputs.yaml").read_text(encoding="utf-8"))
    return [Case(table["sample"], row) for row in table["cases"]]
