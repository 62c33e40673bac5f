# SPDX-License-Identifier: Apache-2.0
"""The programs, started as the chart says it: arguments, variables, rights and probes are those that it renders. What a
kubelet would do is done here: addresses of the pod, the downward API, the shared volume."""
import http.client

import basekit
import fleetkit
import helmkit
import kubeapi
import kubefixture
import programkit
import pytest

CONTROLLER = "koupleless-controller"


class ChartFleet(fleetkit.Fleet):
    """A Fleet whose processes are the containers of an installed release, and of bases with the sidecar of its notes."""

    def __init__(self, folder, cluster, namespace, notes, bases):
        self.told = helmkit.sidecar(notes.replace("YOUR-DEPLOYMENT", fleetkit.DEPLOYMENT))
        self.controller = cluster.api.get(kubeapi.path("deployments", namespace, CONTROLLER))["spec"]["template"]
        super().__init__(folder, cluster, namespace, bases=bases, kubeconfig=cluster.kubeconfig_of(namespace, CONTROLLER))

    def create_base_deployment(self, name, replicas, annotations=None, labels=None, pod_labels=None):
        containers = [{"image": "base", **container} for container in self.told["containers"]]
        return self.cluster.api.post(kubeapi.path("deployments", self.namespace), {
            "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"nodeName": self.node.name, "terminationGracePeriodSeconds": 0,
                         "containers": containers, "volumes": self.told["volumes"]}}}})

    def container(self, name):
        """Of a process, and its pod."""
        if name.startswith("agent-"):
            pod = self.cluster.api.get(kubeapi.path("pods", self.namespace, name.removeprefix("agent-")))
        else:
            pod = {**self.controller, "metadata": {"namespace": self.namespace, "name": f"{CONTROLLER}-0"}}
        return next(one for one in pod["spec"]["containers"] if one["name"].endswith(name.partition("-")[0])), pod

    def _program(self, name, program, host, *options, env=None):
        """Nothing of what the Fleet would say, but how the container's base and cluster are reached here. The pod's
        addresses are @host, the Service's is that of the controller's pod."""
        container, pod = self.container(name)
        volume = self.folder / f"volume-{name}"
        volume.mkdir(exist_ok=True)
        instead = {"=0.0.0.0:": f"={host}:", "=127.0.0.1:": f"={host}:",
                   f"={CONTROLLER}.{self.namespace}.svc:": f"={self.host}:",
                   **{f"={mount['mountPath']}": f"={volume}" for mount in container.get("volumeMounts", [])}}
        arguments = container["args"]
        for old, new in instead.items():
            arguments = [argument.replace(old, new) for argument in arguments]
        env = {one["name"]: resolved(one, pod, host) for one in container.get("env", [])}
        if name == "controller":
            env["KUBECONFIG"] = str(self.kubeconfig)  # instead of the files that a pod has of its ServiceAccount
        if name.startswith("agent-"):
            arguments += ["--arklet", f"http://{host}:{basekit.ARKLET_PORT}",
                          "--health-url", f"http://{host}:{basekit.HTTP_PORT}/actuator/health"]
        self._close(name)
        self.processes[name] = programkit.Program(program, volume, *arguments, host=host, env=env)
        return self.processes[name]


def resolved(variable, pod, address):
    """The value of a variable of a container, as the downward API gives it."""
    if "value" in variable:
        return variable["value"]
    field = variable["valueFrom"]["fieldRef"]["fieldPath"]
    if field == "status.podIP":
        return address
    if field.startswith("metadata.labels["):
        return pod["metadata"]["labels"].get(field.removeprefix("metadata.labels['").removesuffix("']"), "")
    part, name = field.split(".")
    return pod[part][name]


def check_probes(fleet, name, address):
    """Each probe of a container is answered where it is asked."""
    container, _ = fleet.container(name)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = [container[kind]["httpGet"] for kind in container if kind.endswith("Probe")]
    assert len(probes) >= 2
    for probe in probes:
        connection = http.client.HTTPConnection(address, ports[probe["port"]], timeout=basekit.WATCHDOG_S)
        connection.request("GET", probe["path"])
        assert connection.getresponse().status == 200, (name, probe)
        connection.close()


@pytest.mark.parametrize("values", [{}, {"scope": "cluster", "controller": {"options": {"agent-port": 1300}}}],
                         ids=["default", "cluster"])
def test_a_module_comes_online(kube_cluster, kube_helm, tmp_path, values):
    namespace = f"fleet-{next(kubefixture.serial)}"
    kube_helm.install(namespace, "--create-namespace", helmkit.TAKE, values=values)
    notes = kube_helm.run("get", "notes", "koupleless", "--namespace", namespace)
    with ChartFleet(tmp_path, kube_cluster, namespace, notes, bases=2) as fleet:
        fleet.apply_document(fleet.document("online", fleet.jar("online"), replicas=2))
        fleet.kubectl("wait", "--for=condition=Available", f"--timeout={basekit.WATCHDOG_S}s",
                      "moduledeployment/online")
        fleet.wait_completed("online")
        for pod, base in fleet.running().items():
            assert len(base.modules()) == 1
            assert list((tmp_path / f"volume-agent-{pod}").glob("*.jar"))
            check_probes(fleet, f"agent-{pod}", base.address)
        check_probes(fleet, "controller", fleet.host)
        check_probes(fleet, "scheduler", fleet.host)
        fleet.kubectl("delete", "moduledeployment", "online", f"--timeout={basekit.WATCHDOG_S}s")
    kube_helm.run("uninstall", "koupleless", "--namespace", namespace)
    kube_cluster.api.delete(kubeapi.path("namespaces", None, namespace))
