#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Shows the main job on a Kubernetes API server of this machine, with kubectl: a module comes online on real Java bases,
is released in batches with a person confirming, rolled back, scaled, replaced, and goes offline. Prints each step as
the command that a user types, and its result. Cleans up after itself.

    scripts/demo-kubernetes.py          the tour
    KEEP=1 scripts/demo-kubernetes.py   leaves everything running at the end until Ctrl+C, and says what to type

The server is built from its sources the first time (8 minutes), which is told. There is no kubelet: this program plays
the pods, each with an agent and a base. Where Java or Maven can't be had, the bases are simulated.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests" / "support"))
import basekit  # noqa: E402
import fleetkit  # noqa: E402
import kubeapi  # noqa: E402
import kubecerts  # noqa: E402
import kubekit  # noqa: E402

NAMESPACE, DEPLOYMENT, BASES = "shop", "dynamic-stock-deployment", 3
MD = "moduledeployment-sample"
SAMPLE = TOP / "tests" / "e2e" / "samples" / "documentation.yaml"
PROGRESS = "--for=jsonpath='{.status.releaseStatus.progress}'"


def build():
    """Our programs, unless others are named."""
    if "KOUPLELESS_BUILD_DIR" in os.environ:
        return
    for command in (["cmake", "--preset", "dev", "--log-level=WARNING"], ["cmake", "--build", "--preset", "dev"]):
        done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            sys.exit(f"demo: the build failed:\n{done.stdout[-2000:]}")


def kind_of_bases():
    try:
        basekit.java_base()
        return "jvm"
    except basekit.Unavailable:
        say("No Java base can be had here: the bases are simulated.")
        return "sim"


def say(text):
    print(text, flush=True)


def title(text):
    say(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}")


class Tour:
    """A prompt in the namespace of a fleet."""

    def __init__(self, folder, cluster, fleet):
        self.folder, self.fleet = folder, fleet
        user = {"client-certificate": str(cluster.folder / "admin.crt"),
                "client-key": str(cluster.folder / "admin.key")}
        self.kubeconfig = kubecerts.write_kubeconfig(folder / "kubeconfig", cluster.url, cluster.folder / "ca.crt",
                                                     user, NAMESPACE)
        self.path = f"{cluster.programs}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": self.path, "KUBECONFIG": str(self.kubeconfig),
                            "KUBECACHEDIR": str(folder / "cache"), "no_proxy": "*"}

    def run(self, command):
        """Prints a command as its user types it, and runs it."""
        say(f"$ {command}")
        subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                       stderr=subprocess.STDOUT, check=True)

    def wait(self, what, resource=f"mddeploy/{MD}"):
        self.run(f"kubectl wait {what} {resource} --timeout=60s")

    def write_documents(self):
        """The documentation's own sample, with a module that was built here; and its next version."""
        text = SAMPLE.read_text(encoding="utf-8")
        for version, file in (("1.0.0", "provider.yaml"), ("2.0.0", "provider-2.yaml")):
            url = self.fleet.jar("provider", version, web=True).as_uri()
            lines = [line.split(":")[0] + f": {url}" if line.strip().startswith("url:") else
                     line.replace("1.0.2", version) for line in text.splitlines()]
            (self.folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def modules_are(self, count):
        """So many instances are available on bases that run."""
        basekit.wait_until(lambda: len(self.fleet.available(MD)) == count == len(self.fleet.modules(MD)),
                           f"{count} modules")

    def online(self):
        title("The bases: pods with a long-running JVM and an agent")
        self.run("kubectl get pods -o wide")

        title("Online, in 2 batches, a person confirms")
        self.run("kubectl apply -f provider.yaml")
        self.wait(f"{PROGRESS}=Paused")
        self.run("kubectl get moduledeployments,modules")
        self.run(f"kubectl patch mddeploy {MD} --type=merge -p '{{\"spec\": {{\"pause\": false}}}}'")
        self.wait(f"{PROGRESS}=Completed")

        title("Which module runs where, and what it answers")
        self.run("kubectl get modules -o wide")
        if self.fleet.kind == "jvm":
            for name in sorted(self.fleet.available(MD)):
                self.run(f"curl -s http://{self.fleet.running()[name].address}:8080/provider/version; echo")

    def change(self):
        title("Release 2.0.0, in 2 batches")
        self.run("kubectl apply -f provider-2.yaml")
        self.wait(f"{PROGRESS}=Paused")
        self.run("kubectl get modules")
        self.run(f"kubectl patch mddeploy {MD} --type=merge -p '{{\"spec\": {{\"confirmBatchNum\": 1}}}}'")
        self.wait(f"{PROGRESS}=Completed")
        self.run("kubectl get modules")

        title("Roll back: apply what was there before")
        self.run("kubectl apply -f provider.yaml")
        self.wait(f"{PROGRESS}=Paused")
        self.run(f"kubectl patch mddeploy {MD} --type=merge -p '{{\"spec\": {{\"pause\": false}}}}'")
        self.wait(f"{PROGRESS}=Completed")
        self.run("kubectl get moduledeployments,modulereplicasets")

        title("Scale to 3")
        self.run(f"kubectl scale moduledeployment/{MD} --replicas=3")
        self.wait("--for=condition=Available")

        title("Replace one instance")
        self.run(f"kubectl delete module {sorted(m.metadata.name for m in self.fleet.modules(MD))[0]}")
        self.modules_are(3)
        self.run("kubectl get modules")

        title("A pod goes; its Deployment makes another one, which gets the module")
        self.run(f"kubectl delete pod {sorted(self.fleet.pods())[0]}")
        self.fleet.wait_pods(BASES)
        self.modules_are(3)
        self.run("kubectl get pods,modules")

    def offline(self):
        title("Offline")
        self.run(f"kubectl delete moduledeployment {MD}")
        self.run("kubectl get modules")

    def leave_running(self):
        title("Left running until Ctrl+C. In another terminal:")
        say(f"export KUBECONFIG={self.kubeconfig} PATH={self.path.split(':', maxsplit=1)[0]}:$PATH")
        say("kubectl get moduledeployments,modulereplicasets,modules -o wide")
        say(f"kubectl scale moduledeployment/{MD} --replicas=1")
        say(f"kubectl scale deployment/{DEPLOYMENT} --replicas=4")
        say(f"kubectl delete moduledeployment {MD}")
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        ended.wait()


def main():
    begin_s = time.monotonic()
    say("Building the programs.")
    build()
    say("Building a Kubernetes API server (the first time, from its sources: about 8 minutes).")
    kubekit.build()
    say("Building a Java base and a module (the first time, Maven downloads 93 MB).")
    kind = kind_of_bases()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="koupleless-demo-kubernetes-"))
    say(f"Starting the API server, controller, scheduler, and {BASES} pods, each with a base and its agent.")
    try:
        with kubekit.Cluster(folder / "cluster", controllers=True) as cluster:
            fleetkit.install_definitions(cluster)
            cluster.api.post(kubeapi.path("namespaces"), {"metadata": {"name": NAMESPACE}})
            with fleetkit.Fleet(folder / "fleet", cluster, NAMESPACE, bases=BASES, kind=kind,
                                deployment=DEPLOYMENT) as fleet:
                tour = Tour(folder, cluster, fleet)
                tour.write_documents()
                tour.online()
                tour.change()
                if os.environ.get("KEEP"):
                    tour.leave_running()
                else:
                    tour.offline()
    except kubekit.Unavailable as error:
        sys.exit(f"demo: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    title("Done: provider went online, was released, rolled back, scaled, replaced and survived a pod's end, in "
          f"{time.monotonic() - begin_s:.0f} s.")


if __name__ == "__main__":
    main()
