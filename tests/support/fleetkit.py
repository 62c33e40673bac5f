# SPDX-License-Identifier: Apache-2.0
"""Our system in a Kubernetes cluster, for tests: controller and scheduler, base Deployments, and in each of their pods,
as a sidecar would be, an agent in front of a base.

    with fleetkit.Fleet(tmp_path, cluster, "shop", bases=3) as fleet:
        jar = fleet.jar("pay", "1.0.0")
        fleet.apply_document(fleet.document("pay", jar, replicas=2))
        fleet.wait_completed("pay")
        fleet.kubectl("delete", "module", "-l", "koupleless.alipay.com/module-name=pay")

Processes are called "controller", "scheduler", and "agent-POD"; bases have the names of their pods. The controller looks
after the namespace of the fleet alone, with the rights of a ServiceAccount. kind="jvm" takes real bases.
"""
import json
import pathlib
import threading

from google.protobuf import json_format

import basekit
import kubeapi
import kubelet
import podbases
import programkit
import protokit
import systemclient

MANIFESTS = basekit.TOP / "deploy" / "manifests"
DEPLOYMENT = "dynamic-stock"
ACCOUNT = "koupleless-controller"
BASE, AGENT = "base", "koupleless-agent"  # the containers of a pod
AGENT_PORT = 1239
SPARE_BASES = 16  # addresses for pods that come later


def install_definitions(cluster):
    """The custom resources, in the form that this server takes."""
    folder = MANIFESTS if cluster.version == "current" else MANIFESTS / "kubernetes-1.24"
    files = [part for file in sorted(folder.glob("0[1-4]-*.yaml")) for part in ("-f", file)]
    cluster.kubectl("apply", "--server-side", *files)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *files)


def account(cluster, namespace):
    """The ServiceAccount of the controller with the rights of the plain files, in @namespace; a kubeconfig of it."""
    rules = json.loads(cluster.kubectl(
        "create", "--dry-run=client", "-o", "json", "-f", MANIFESTS / "05-role.yaml"))["rules"]
    cluster.service_account(namespace, ACCOUNT, rules)
    return cluster.kubeconfig_of(namespace, ACCOUNT)


class Fleet(systemclient.Asked):
    """Our programs in @namespace of a running Cluster with controllers. Use as a context.

    @bases: replicas of the base Deployment, which is called @deployment; @kind: "sim" or "jvm"; @annotations: of its
    pods; @sim, @controller, @agent: more options of these programs; @kubeconfig: of the controller, instead of its
    ServiceAccount's.
    """

    def __init__(self, folder, cluster, namespace, bases=2, annotations=None, sim=(), controller=(), agent=(),
                 kubeconfig=None, kind="sim", deployment=DEPLOYMENT):
        self.folder = _made(pathlib.Path(folder))
        self.cluster, self.namespace, self.base_deployment, self.kind = cluster, namespace, deployment, kind
        self.protos = protokit.load(_made(self.folder / "protos"))
        self.proto = self.protos["koupleless.controller.v1"]
        self.options = {"controller": list(controller), "agent": list(agent)}
        self.processes, self._lock = {}, threading.Lock()
        self._running, self._names, self._starts = {}, {}, 0
        self.kubeconfig = kubeconfig or self._account()
        self.bases = self._make_bases(bases, sim)
        try:
            addresses = self.bases.addresses
            network = addresses[0].rsplit(".", 1)[0]
            self.host = f"{network}.254"
            self.node = kubelet.Kubelet(cluster, name=f"node-{namespace}", schedules=False, addresses=addresses,
                                        on_start=self._start_pod, on_stop=self._stop_pod)
            self.start("scheduler")
            self.start("controller")
            self.create_base_deployment(deployment, bases, annotations)
            self.wait_pods(bases)
        except BaseException:
            self.abandon()
            raise

    def _make_bases(self, count, sim):
        if self.kind == "jvm":
            return podbases.Real(self.folder / "jvm", count + SPARE_BASES, count)
        return podbases.Simulated(self.folder / "sim", count + SPARE_BASES, sim)

    def _account(self):
        return account(self.cluster, self.namespace)

    # -- processes --

    def start(self, name, *more, env=None):
        """Starts "controller" or "scheduler", and waits until it serves; the controller, until it is ready."""
        options = {
            "scheduler": ["--listen", f"{self.host}:9091", "--http-listen", f"{self.host}:8081"],
            "controller": ["--listen", f"{self.host}:9090", "--http-listen", f"{self.host}:8080",
                           "--store", "kubernetes", "--kubeconfig", str(self.kubeconfig),
                           "--namespace", self.namespace, "--scheduler", f"{self.host}:9091",
                           *self.options["controller"]]}[name]
        process = self._program(name, f"koupleless-{name}", self.host, *options, *more, env=env)
        if name == "controller":
            process.wait_ready()
        return process

    def _program(self, name, program, host, *options, env=None):
        self._starts += 1
        self._close(name)
        process = programkit.Program(program, self.folder / f"{name}.{self._starts}", "--insecure", "--insecure",
                                     *options, host=host, env=env)
        self.processes[name] = process
        return process

    def replace(self, name, process):
        """Another one is asked, and ended with the fleet, from now on."""
        self._close(name)
        self.processes[name] = process

    def kill(self, name):
        """SIGKILL."""
        self.processes.pop(name).kill()
        self._close(name)

    def restart(self, name):
        """Starts it again; kills it before where it runs still."""
        if name in self.processes:
            self.kill(name)
        return self.start(name)

    def stop_one(self, name):
        """SIGTERM; the process must end well."""
        self._close(name)
        process = self.processes.pop(name)
        code = process.stop()
        assert code == 0, f"{name} ended with {code}: {process.log.read_text(encoding='utf-8')[-2000:]}"

    def stop(self):
        """Everything ends, and ends well."""
        self.node.stop()
        for name in sorted(self.processes, key=lambda name: not name.startswith("agent-")):
            self.stop_one(name)
        self.bases.close()

    def abandon(self):
        """Everything ends somehow: the test has failed already."""
        for part, end in (("node", "stop"), ("bases", "close")):
            try:
                getattr(getattr(self, part), end)()
            except Exception:  # what went wrong first is what counts
                pass
        for name in list(self.processes):
            self.kill(name)

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        if kind:
            self.abandon()
        else:
            self.stop()

    # -- pods; called by the kubelet --

    def _start_pod(self, pod, address):
        """A JVM and its agent, as the containers of the pod."""
        name = pod["metadata"]["name"]
        base = self.bases.start(address)
        self._start_agent(pod, address)
        with self._lock:
            self._running[name], self._names[address] = base, name

    def _start_agent(self, pod, address):
        """Who it is it knows by its environment, as from the downward API."""
        name = pod["metadata"]["name"]
        port = pod["metadata"].get("annotations", {}).get("koupleless.alipay.com/agent-port", AGENT_PORT)
        env = {"KUBERNETES_SERVICE_HOST": self.cluster.host, "KOUPLELESS_NAMESPACE": self.namespace,
               "KOUPLELESS_POD_NAME": name, "KOUPLELESS_POD_IP": address}
        self._program(
            f"agent-{name}", AGENT, address,
            "--listen", f"{address}:{port}", "--http-listen", f"{address}:1240",
            "--arklet", f"http://{address}:{basekit.ARKLET_PORT}",
            "--health-url", f"http://{address}:{basekit.HTTP_PORT}/actuator/health",
            "--controller", f"{self.host}:9090", "--poll-interval", "200ms",
            "--cache-dir", str(_made(self.folder / f"cache-{name}")), *self.options["agent"], env=env)

    def _stop_pod(self, pod):
        name = pod["metadata"]["name"]
        with self._lock:
            base = self._running.pop(name)
        if f"agent-{name}" in self.processes:
            self.kill(f"agent-{name}")
        self.bases.stop(base.address)

    def restart_jvm(self, name, away_ms=0):
        """The JVM of a base dies, and is back, empty, after so long; its agent stays, and its pod."""
        self.bases.restart(self._running[name].address, away_ms)

    def restart_containers(self, name, *containers):
        """BASE, AGENT or both of a pod die at once, and are back; the pod stays."""
        address = self._running[name].address
        if AGENT in containers:
            self.kill(f"agent-{name}")
        if BASE in containers:
            self.bases.restart(address)
        for container in containers:
            self.node.restart_container(self.namespace, name, container)
        if AGENT in containers:
            self._start_agent(self.node.pod(self.namespace, name), address)

    def control(self, what, name, **body):
        """POST /sim/... about the simulated base of a pod."""
        self.bases.control(what, self._running[name].address, **body)

    # -- what systemclient.Asked wants to know --

    @property
    def jars(self):
        return self.bases.jars

    def running(self):
        with self._lock:
            return dict(self._running)

    def names(self):
        with self._lock:
            known = [*self.bases.addresses, self.bases.jars.address]
            return {**{address: address for address in known}, **self._names}

    def operation_logs(self):
        return self.bases.operation_logs()

    # -- the cluster --

    def create_base_deployment(self, name, replicas, annotations=None, labels=None, pod_labels=None):
        """A Deployment of bases; @labels of it, as max-module-count."""
        selector = {"app": name}
        template = {"metadata": {"labels": {**selector, **(pod_labels or {})}, "annotations": annotations or {}},
                    "spec": {"nodeName": self.node.name, "terminationGracePeriodSeconds": 30,
                             "containers": [{"name": name, "image": name} for name in (BASE, AGENT)]}}
        return self.cluster.api.post(kubeapi.path("deployments", self.namespace), {
            "metadata": {"name": name, "labels": labels or {}},
            "spec": {"replicas": replicas, "selector": {"matchLabels": selector}, "template": template}})

    def pods(self, deployment=None):
        """name -> Pod of a base Deployment; by default the one of the fleet."""
        selector = f"app={deployment or self.base_deployment}"
        return {pod["metadata"]["name"]: pod for pod in self.node.pods(self.namespace, selector)}

    def wait_pods(self, count, deployment=None):
        """Exactly so many pods, all Ready; their names."""
        deployment = deployment or self.base_deployment
        pods = self.node.wait_pods(self.namespace, f"app={deployment}", count)
        return sorted(pod["metadata"]["name"] for pod in pods)

    def kubectl(self, *arguments, **how):
        """kubectl in the namespace of the fleet."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, **how)

    def kubectl_json(self, *arguments, **how):
        return self.cluster.kubectl_json("-n", self.namespace, *arguments, **how)

    def document(self, name, jar, replicas=1, **spec):
        """A ModuleDeployment as kubectl takes it; @spec as System.deployment()."""
        body = json_format.MessageToDict(self.deployment(name, jar, replicas, **spec))
        return {"apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleDeployment", **body}

    def apply_document(self, document):
        """kubectl apply of an object."""
        return self.kubectl("apply", "-f", "-", input=json.dumps(document))

    def objects(self, kind, selector=""):
        """name -> object of a kind in the namespace, as the API server has it."""
        items = self.kubectl_json("get", kind, *(["-l", selector] if selector else []))["items"]
        return {item["metadata"]["name"]: item for item in items}

    def traffic(self, module):
        """Names of the pods whose label brings them requests for a module."""
        pods = self.node.pods(self.namespace, f"module.koupleless.alipay.com/{module}=true")
        return sorted(pod["metadata"]["name"] for pod in pods)


class ModelFleet(Fleet):
    """The same with models of bases and agents, for load: there are no processes "agent-POD", and operations and JVMs
    can't be asked."""

    def _make_bases(self, count, sim):
        return podbases.Modelled(self.folder / "model", count + SPARE_BASES)

    def create_base_deployment(self, name, replicas, annotations=None, labels=None, pod_labels=None):
        self.bases.connect(f"{self.host}:9090", self.namespace, name, AGENT_PORT)
        return super().create_base_deployment(name, replicas, annotations, labels, pod_labels)

    def _start_pod(self, pod, address):
        self.bases.tell(f"start {pod['metadata']['name']} {address}")

    def _stop_pod(self, pod):
        self.bases.tell(f"die {pod['metadata']['name']}")


def _made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder
