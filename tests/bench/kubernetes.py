# SPDX-License-Identifier: Apache-2.0
"""Figures of the controller on a real Kubernetes API server, beside their limits.

    /usr/bin/python3 tests/bench/kubernetes.py [--pods 100] [--deployments 5] [--idle-s 60] [--listed-pods 5000]
                                            [--only listed|release]

release: each of some ModuleDeployments has one instance on every pod, where a model of base and agent runs, so that it
is the controller that is measured, and not a hundred agents on the server's processors; install, upgrade, remove.
Writes by the server's audit log; the time beside that of a bare client (kube_bare.c) that does the same writes at the
same concurrency on the same server. Between upgrade and removal nothing changes for a while.
listed: memory of the controller, and its cold start, with pods and four Modules on each, which are objects only; beside
the time that the bare client needs for the same lists.
Ends with 1 where a limit is missed.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import basekit  # noqa: E402
import fleetkit  # noqa: E402
import kubeapi  # noqa: E402
import kubekit  # noqa: E402
import processor  # noqa: E402
import programkit  # noqa: E402
from kubeapi import path  # noqa: E402

OURS = "koupleless.alipay.com"
WRITES_LIMIT = {"install": 3, "upgrade": 4, "remove": 3}
TIME_LIMIT = 1.25  # of the bare client's
RSS_MB_LIMIT = 80
PATIENCE_S = 900
SETTLE_S = 15  # for status and counts of Events that are held back
STEADY_S = 3  # memory that has not grown for so long
PER_POD = 4  # Modules on each of the listed pods
missed = []


def judge(what, figure, limit, unit=""):
    missed.extend([what] if figure > limit else [])
    print(f"  {what}: {figure:.2f}{unit} (limit {limit}{unit}){'  MISSED' if figure > limit else ''}", flush=True)


def bare(cluster, command, namespace, *more, chains=(), kubeconfig=None):
    """Seconds that kube_bare says it took. @kubeconfig: of whom it is; the administrator's by default."""
    lines = "\n\n".join("\n".join("\t".join(step) for step in chain) for chain in chains) + "\n"
    done = subprocess.run([basekit.find_program("kube_bare"), command, namespace, *more], input=lines, text=True, check=True,
                          stdout=subprocess.PIPE, env={**os.environ, "KUBECONFIG": str(kubeconfig or cluster.kubeconfig)})
    return int(done.stdout) / 1000


def step(verb, resource, name, body=None, subresource="-"):
    return verb, resource, subresource, name, json.dumps(body) if body else ""


def ours(kind, name, **body):
    metadata = {"name": name, **body.pop("metadata", {})}
    return {"apiVersion": f"{OURS}/v1alpha1", "kind": kind, "metadata": metadata, **body}


# -- a release --


def written(fleet):
    """(verb, resource) -> how many writes of the controller there were, those of its Lease too."""
    account = f"system:serviceaccount:{fleet.namespace}:{fleetkit.ACCOUNT}"
    counts = collections.Counter()
    for event in fleet.cluster.audit_events():
        if event["user"].get("username") == account and event["verb"] in ("create", "patch", "delete"):
            reference = event["objectRef"]
            counts[event["verb"], "/".join(filter(None, (reference["resource"], reference.get("subresource"))))] += 1
    return counts


def release(fleet, names, pods, version):
    """Seconds from the first apply to the last ReleaseCompleted."""
    documents = [fleet.document(name, fleet.jar(name, version), replicas=pods) for name in names]
    where = path("moduledeployments", fleet.namespace)
    known = {md["metadata"]["name"] for md in fleet.cluster.api.get(where)["items"]}
    begin_s = time.monotonic()
    for document in documents:  # without kubectl, whose start takes longer than some releases
        name = document["metadata"]["name"]
        if name in known:
            fleet.cluster.api.patch(path("moduledeployments", fleet.namespace, name), {"spec": document["spec"]})
        else:
            fleet.cluster.api.post(where, document)

    left = set(names)
    watch = fleet.cluster.api.watch(where, "0", timeoutSeconds=PATIENCE_S)
    for event in watch:  # asking again and again would take time from the server
        name = event["object"]["metadata"]["name"]
        (left.discard if is_released(event["object"], version) else left.add)(name)
        if not left:
            break
    seconds = time.monotonic() - begin_s
    watch.close()
    assert not left, f"waited {PATIENCE_S} s for {version} of {sorted(left)} to be released"
    return seconds


def is_released(md, version):
    status = md.get("status", {})
    return (md["spec"]["template"]["spec"]["module"]["version"] == version and
            status.get("observedGeneration") == md["metadata"]["generation"] and
            status["releaseStatus"]["progress"] == "Completed")


def remove(fleet, names):
    begin_s = time.monotonic()
    fleet.kubectl("delete", "moduledeployments", *names, "--wait=false")
    basekit.wait_until(lambda: not fleet.cluster.api.get(path("moduledeployments", fleet.namespace))["items"],
                       "everything to be gone", PATIENCE_S)
    return time.monotonic() - begin_s


class Twin:
    """What the bare client writes to: a namespace with a copy of every pod and of every ModuleReplicaSet, in which it
    has the controller's rights. Nobody watches its Modules but the cluster's own controllers."""

    def __init__(self, fleet, namespace):
        self.fleet, self.cluster, self.namespace = fleet, fleet.cluster, namespace
        self.kubeconfig = fleetkit.account(self.cluster, namespace)
        self.names = {}  # uid of what is copied -> (name, uid) of its copy
        for name, pod in fleet.pods().items():
            self._copy_pod(name, pod)

    def _copy_pod(self, name, pod):
        """All of it but its node: no kubelet starts a base for it, no Deployment counts it."""
        metadata = {"name": name, "labels": {**pod["metadata"]["labels"], "app": "twin"},
                    "annotations": pod["metadata"].get("annotations", {})}
        spec = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
        made = self.cluster.api.post(path("pods", self.namespace), {"metadata": metadata, "spec": spec})
        self.cluster.api.patch(path("pods", self.namespace, name, "status"), {"status": pod["status"]})
        self._note(pod, made)

    def _note(self, original, made):
        self.names[original["metadata"]["uid"]] = made["metadata"]["name"], made["metadata"]["uid"]

    def copy_replicasets(self):
        """Those that there are, and were not copied yet."""
        where = path("modulereplicasets", self.fleet.namespace)
        for rs in self.cluster.api.get(where)["items"]:
            if rs["metadata"]["uid"] not in self.names:
                name = rs["metadata"]["name"]
                self._note(rs, self.cluster.api.post(path("modulereplicasets", self.namespace), ours(
                    "ModuleReplicaSet", name, metadata={"labels": rs["metadata"]["labels"]}, spec=rs["spec"])))

    def _owners(self, module):
        return [{**owner, "name": self.names[owner["uid"]][0], "uid": self.names[owner["uid"]][1]}
                for owner in module["metadata"]["ownerReferences"]]

    def module_chains(self, modules, old):
        """What the controller wrote to bring these Modules there; with the removal of the @old ones, which are by base
        and module."""
        chains = []
        for module in modules:
            metadata = {key: module["metadata"][key] for key in ("labels", "finalizers")}
            metadata["ownerReferences"] = self._owners(module)
            name, before = module["metadata"]["name"], old.get(place_of(module))
            chain = [step("create", "modules", name, ours("Module", name, metadata=metadata, spec=module["spec"])),
                     step("patch", "modules", name, {"status": module["status"]}, "status")]
            if before:
                chain += [step("delete", "modules", before),
                          step("patch", "modules", before, {"metadata": {"finalizers": []}})]
            chains.append(chain)
        return chains

    def label_chains(self, count):
        """So many changes of a label, evenly on the pods."""
        pods = list(self.fleet.pods())
        return [[step("patch", "pods", name, {"metadata": {"labels": {f"module.{OURS}/m{n}": "true"}}})
                 for n in range(at, count, len(pods))] for at, name in enumerate(pods[:count])]

    def warm_up(self, instances):
        """A server that has just started is slower, whoever asks: Modules come and go before anything is measured."""
        chains = []
        for n in range(instances):
            name, module = f"warm-{n}", {"name": "warm", "version": "1.0.0", "url": "http://jars.example/warm.jar"}
            chains.append([
                step("create", "modules", name, ours("Module", name, spec={
                    "module": module, "baseName": name, "baseUid": name})),
                step("patch", "modules", name, {"status": {"status": "Pending"}}, "status"),
                step("delete", "modules", name)])
        bare(self.cluster, "write", self.namespace, kubeconfig=self.kubeconfig, chains=chains)

    def write(self, modules, old, labels):
        """The same writes; their seconds."""
        return bare(self.cluster, "write", self.namespace, kubeconfig=self.kubeconfig,
                    chains=self.module_chains(modules, old) + self.label_chains(labels))


def place_of(module):
    return module["spec"]["baseName"], module["spec"]["module"]["name"]


def judge_release(what, counts, instances, seconds, bare_s, deployments):
    print(f"{what} of {instances} modules: {seconds:.1f} s, the bare client {bare_s:.1f} s; "
          + ", ".join(f"{count} {verb} {resource}" for (verb, resource), count in sorted(counts.items())))
    of_instances = sum(count for (_, resource), count in counts.items()
                       if resource in ("modules", "modules/status", "pods"))
    judge(f"{what}: writes per instance", of_instances / instances, WRITES_LIMIT[what])
    judge(f"{what}: writes of the deployment's status, per batch", counts["patch", "moduledeployments/status"] /
          deployments, 2)
    others = sum(counts.values()) - of_instances - counts["patch", "moduledeployments/status"] - counts["patch", "leases"]
    print(f"  {what}: all others, Events too, per batch: {others / deployments:.1f}")
    if bare_s:
        judge(f"{what}: time, of the bare client's", seconds / bare_s, TIME_LIMIT)


def judge_idle(fleet, idle_s):
    """The Lease is renewed, and nothing else is written, once that is which a release leaves for later."""
    time.sleep(SETTLE_S)
    before = written(fleet)
    time.sleep(idle_s)
    counts = written(fleet) - before
    print(f"idle for {idle_s} s: {counts['patch', 'leases']} renewals of the Lease")
    judge("idle: other writes", sum(counts.values()) - counts["patch", "leases"], 0)


def measure_release(folder, pods, deployments, idle_s):
    names = [f"module-{n}" for n in range(deployments)]
    with kubekit.Cluster(folder / "cluster", controllers=True, audit=True) as cluster:
        fleetkit.install_definitions(cluster)
        for namespace in ("shop", "twin"):
            cluster.api.post(path("namespaces"), {"metadata": {"name": namespace}})
        with fleetkit.ModelFleet(folder / "fleet", cluster, "shop", bases=pods,
                                 controller=("--leader-elect",)) as fleet:
            twin, old = Twin(fleet, "twin"), {}
            twin.warm_up(pods * deployments)
            for what, version in (("install", "1.0.0"), ("upgrade", "2.0.0")):
                counted, before_s = written(fleet), processor.used_s()
                seconds = release(fleet, names, pods, version)
                ours_spent, counts = processor.since(before_s), written(fleet) - counted
                modules = cluster.api.get(path("modules", "shop"))["items"]
                twin.copy_replicasets()
                before_s = processor.used_s()
                bare_s = twin.write(modules, old, counts["patch", "pods"])
                bare_spent = processor.since(before_s)
                judge_release(what, counts, pods * deployments, seconds, bare_s, deployments)
                print(f"  processor time: {ours_spent}; bare client: {bare_spent}")
                old = {place_of(module): module["metadata"]["name"] for module in modules}
            judge_idle(fleet, idle_s)
            counted = written(fleet)
            seconds = remove(fleet, names)
            judge_release("remove", written(fleet) - counted, pods * deployments, seconds, 0, deployments)


# -- objects that are only listed --


def wait_steady(pid):
    """Until its memory has not grown for a while."""
    peak, since_s = 0.0, time.monotonic()
    while time.monotonic() - since_s < STEADY_S:
        now = processor.memory_mb(pid, "VmHWM:")
        if now > peak:
            peak, since_s = now, time.monotonic()
        time.sleep(0.1)
    return peak


def pod_chain(number):
    name = f"{fleetkit.DEPLOYMENT}-{number}"
    containers = [{"name": one, "image": f"registry.example/{one}:1", "ports": [{"containerPort": 8080}],
                   "env": [{"name": "JAVA_OPTS", "value": "-Xmx1g"}]} for one in ("base", fleetkit.AGENT)]
    address = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
    ready = [{"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
             for kind in ("Initialized", "ContainersReady", "Ready", "PodScheduled")]
    return [step("create", "pods", name, {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": fleetkit.DEPLOYMENT}},
        "spec": {"nodeName": f"node-{number % 100}", "containers": containers}}),
            step("patch", "pods", name, {"status": {
                "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": ready}}, "status")]


def module_chain(replicaset, pod):
    meta, module = replicaset["metadata"], replicaset["spec"]["template"]["spec"]["module"]
    name = f"{meta['name']}-{pod['metadata']['uid'][:8]}{pod['metadata']['uid'][-4:]}"
    labels = {key: value for key, value in meta["labels"].items() if not key.endswith("revision")}
    base = pod["metadata"]["name"]
    labels |= {f"{OURS}/module-replicaset": meta["name"], f"{OURS}/base-instance-name": base,
               f"{OURS}/base-instance-ip": pod["status"]["podIP"]}
    owners = [{"apiVersion": f"{OURS}/v1alpha1", "kind": "ModuleReplicaSet", "name": meta["name"], "uid": meta["uid"],
               "controller": True}, {"apiVersion": "v1", "kind": "Pod", "name": base, "uid": pod["metadata"]["uid"]}]
    return [step("create", "modules", name, ours("Module", name, metadata={
        "labels": labels, "ownerReferences": owners, "finalizers": [f"{OURS}/module-installed"]}, spec={
            "module": module, "baseName": base, "baseUid": pod["metadata"]["uid"]})),
            step("patch", "modules", name, {"status": {
                "status": "Unavailable", "reason": "BaseNotReady", "message": f"base {base} does not answer",
                "lastTransitionTime": "2026-01-01T00:00:00Z"}}, "status")]


class Controller:
    """A controller on a cluster of objects, without agents. Use as a context."""

    def __init__(self, cluster, folder):
        host = basekit.free_address()
        begin_s = time.monotonic()
        self.program = programkit.Program(
            "koupleless-controller", folder, "--insecure", "--listen", f"{host}:9090", "--http-listen", f"{host}:8080",
            "--store", "kubernetes", "--kubeconfig", str(cluster.kubeconfig), "--namespace", "shop",
            "--scheduler", f"{host}:9091", host=host)
        basekit.wait_until(lambda: self.program.get("/readyz")[0] == 200, "the controller to be ready", PATIENCE_S)
        self.ready_s, self.pid = time.monotonic() - begin_s, self.program.process.pid

    def check(self, pods):
        """It knows them all. Asked last, as an answer takes memory."""
        listed = [line for line in self.program.log.read_text(encoding="utf-8").splitlines() if "objects listed" in line]
        assert f'"modules":{pods * PER_POD},' in listed[-1], listed
        shown = programkit.run("koupleless", "--server", self.program.grpc, "--insecure", "-n", "shop", "get", "bases")
        assert len(shown.stdout.splitlines()) == pods + 1, shown

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.program.stop()


def make_listed(cluster, folder, pods):
    """Deployments, released by a controller while they have no instance; then pods, and instances on them."""
    selector = {"app": fleetkit.DEPLOYMENT}
    cluster.api.post(path("deployments", "shop"), {
        "metadata": {"name": fleetkit.DEPLOYMENT}, "spec": {"selector": {"matchLabels": selector}, "template": {
            "metadata": {"labels": selector}, "spec": {"containers": [{"name": "base", "image": "base"}]}}}})
    for n in range(PER_POD):
        cluster.api.post(path("moduledeployments", "shop"), ours("ModuleDeployment", f"module-{n}", spec={
            "baseDeploymentName": fleetkit.DEPLOYMENT, "replicas": 0, "template": {"spec": {"module": {
                "name": f"module-{n}", "version": "1.0.0", "url": f"http://jars.example/module-{n}-1.0.0.jar"}}}}))
    with Controller(cluster, folder / "first"):
        basekit.wait_until(lambda: all(is_released(md, "1.0.0") for md in
                                       cluster.api.get(path("moduledeployments", "shop"))["items"]), "their revisions")
    bare(cluster, "write", "shop", chains=map(pod_chain, range(pods)))
    found = cluster.api.get(path("pods", "shop"))["items"]
    replicasets = cluster.api.get(path("modulereplicasets", "shop"))["items"]
    bare(cluster, "write", "shop", chains=[module_chain(rs, pod) for rs in replicasets for pod in found])
    for rs in replicasets:
        name = rs["metadata"]["labels"][f"{OURS}/module-deployment"]
        cluster.api.patch(path("modulereplicasets", "shop", rs["metadata"]["name"]), {"spec": {"replicas": pods}})
        cluster.api.patch(path("moduledeployments", "shop", name), {
            "metadata": {"annotations": {f"{OURS}/scaled": str(pods)}},
            "spec": {"replicas": pods, "scaleReplicas": pods}})
        cluster.api.patch(path("moduledeployments", "shop", name, "status"), {
            "status": {"releaseStatus": {"targetReplicas": pods}}})


def measure_listed(folder, pods):
    with kubekit.Cluster(folder / "listed") as cluster:
        fleetkit.install_definitions(cluster)
        cluster.api.post(path("namespaces"), {"metadata": {"name": "shop"}})
        make_listed(cluster, folder, pods)
        lists_s = bare(cluster, "list", "shop", f"app={fleetkit.DEPLOYMENT}")
        with Controller(cluster, folder / "cold") as controller:
            print(f"{pods} pods and {pods * PER_POD} Modules: ready after {controller.ready_s:.2f} s, "
                  f"the same lists by the bare client {lists_s:.2f} s")
            print(f"  controller RSS when ready: {processor.memory_mb(controller.pid, 'VmRSS:'):.1f} MB")
            wait_steady(controller.pid)
            judge("controller peak RSS", processor.memory_mb(controller.pid, "VmHWM:"), RSS_MB_LIMIT, " MB")
            controller.check(pods)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=100)
    parser.add_argument("--deployments", type=int, default=5)
    parser.add_argument("--idle-s", type=int, default=60)
    parser.add_argument("--listed-pods", type=int, default=5000)
    parser.add_argument("--only", choices=["release", "listed"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.only != "listed":
            measure_release(pathlib.Path(folder), args.pods, args.deployments, args.idle_s)
        if args.only != "release":
            measure_listed(pathlib.Path(folder), args.listed_pods)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
