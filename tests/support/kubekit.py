# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes API server for tests: etcd, kube-apiserver and, where asked for, kube-controller-manager.

    with kubekit.Cluster(tmp_path, controllers=True) as cluster:
        cluster.kubectl("create", "namespace", "shop")
        pod = cluster.api.get(kubeapi.path("pods", "shop", "p1"))
        cluster.restart("kube-apiserver")

Each listens on a loopback address of its own, so clusters run side by side and keep their ports through a
restart. There is no kubelet and no scheduler: kubelet.py plays both. RBAC is on. The programs come from
kube/build.sh. They end with the process that started them, however that ends.
"""
import base64
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess

import basekit
import kubeapi
import kubecerts
from basekit import Unavailable

VERSIONS = ["current", "1.24"]
ETCD_PORT, PEER_PORT, API_PORT = 2379, 2380, 6443
CONTROLLERS = ["deployment", "replicaset", "garbagecollector", "endpoint", "endpointslice", "namespace",
               "serviceaccount"]  # without those that watch for heartbeats of nodes
ISSUER = "https://kubernetes.default.svc"

def is_list(event):
    """Whether an event of the audit log is about a list: one of its own, or one that a watch begins with."""
    return event["verb"] == "list" or is_streamed_list(event)


def is_streamed_list(event):
    return "sendInitialEvents=true" in event["requestURI"] and event["stage"] != "ResponseComplete"  # told twice


# The kernel ends a child with the thread that made it (setpriv): this one lives as long as Python does.
_starter = concurrent.futures.ThreadPoolExecutor(1, "kubekit")


def build(version="current"):
    """The folder with the programs; they are built where they aren't yet, which is told on stderr and takes
    minutes. Raises Unavailable where they can't be had."""
    built = subprocess.run([str(basekit.SUPPORT / "kube" / "build.sh"), version], stdout=subprocess.PIPE, text=True,
                           check=False)
    if built.returncode == 77:
        raise Unavailable(f"no Kubernetes {version} can be built here: no Go, or no modules")
    assert built.returncode == 0, "build.sh failed"
    return pathlib.Path(built.stdout.split()[-1])


class KubectlFailed(Exception):
    """kubectl ended with .code; .stderr is what it said."""

    def __init__(self, arguments, code, stderr):
        super().__init__(f"kubectl {' '.join(arguments)}: {code}: {stderr.strip()}")
        self.code, self.stderr = code, stderr


class Cluster:
    """A running API server with its etcd. Use as a context.

    @version: "current" or "1.24"; @controllers: with kube-controller-manager; @audit: writes audit.log;
    @options: more options of programs, as {"kube-apiserver": ["--feature-gates=..."]}.

    .api: a client as admin; .kubeconfig: a file with the same rights; .url; .folder: all files, logs as NAME.log.
    """

    def __init__(self, folder, version="current", controllers=False, audit=False, options=None):
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.programs, self.version = build(version), version
        self._options, self._audit = options or {}, audit
        self._processes = {}
        self.host = basekit.free_address(ports=(ETCD_PORT, PEER_PORT, API_PORT))
        self.url = f"https://{self.host}:{API_PORT}"
        kubecerts.make(self.folder, self.host)
        self.kubeconfig = self._certificate_config("admin")
        self.api = self.client(certificate="admin")
        try:
            self.start("etcd")
            self.start("kube-apiserver")
            if controllers:
                self.start("kube-controller-manager")
        except BaseException:
            self.stop()
            raise

    # -- processes --

    def _program(self, name):
        path = self.programs / name
        if path.exists():
            return str(path)
        found = shutil.which(name)
        if not found:
            raise Unavailable(f"no {name} in {self.programs}")
        return found

    def _command(self, name):
        if name == "etcd":
            client, peer = f"http://{self.host}:{ETCD_PORT}", f"http://{self.host}:{PEER_PORT}"
            return ["--name=test", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
                    f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                    f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                    f"--initial-cluster=test={peer}"]
        if name == "kube-apiserver":
            return [f"--etcd-servers=http://{self.host}:{ETCD_PORT}", "--etcd-compaction-interval=0",
                    f"--bind-address={self.host}", f"--advertise-address={self.host}", f"--secure-port={API_PORT}",
                    "--endpoint-reconciler-type=none",  # Endpoints refuse loopback addresses
                    f"--cert-dir={self.folder}", f"--tls-cert-file={self.folder / 'server.crt'}",
                    f"--tls-private-key-file={self.folder / 'server.key'}",
                    f"--client-ca-file={self.folder / 'ca.crt'}", "--authorization-mode=RBAC",
                    f"--service-account-issuer={ISSUER}", f"--service-account-key-file={self.folder / 'accounts.pub'}",
                    f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
                    "--service-cluster-ip-range=10.0.0.0/24", "--allow-privileged=true",
                    # Pods may be made before their namespace has its account, and by nobody's token.
                    "--disable-admission-plugins=ServiceAccount", *self._audit_options()]
        return [f"--kubeconfig={self._certificate_config('controllers')}", "--leader-elect=false", "--secure-port=0",
                "--use-service-account-credentials=true", f"--controllers={','.join(CONTROLLERS)}",
                f"--service-account-private-key-file={self.folder / 'accounts.key'}",
                f"--root-ca-file={self.folder / 'ca.crt'}"]

    def _audit_options(self):
        if not self._audit:
            return []
        policy = self.folder / "audit-policy.json"
        policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [
            {"level": "Metadata", "omitStages": ["RequestReceived"]}]}), encoding="utf-8")
        return [f"--audit-policy-file={policy}", f"--audit-log-path={self.folder / 'audit.log'}",
                "--audit-log-mode=blocking"]

    def start(self, name):
        """Starts "etcd", "kube-apiserver" or "kube-controller-manager", and waits until the first two serve."""
        command = ["setpriv", "--pdeathsig", "KILL", self._program(name), *self._command(name),
                   *self._options.get(name, [])]
        with open(self.folder / f"{name}.log", "a", encoding="utf-8") as log:
            self._processes[name] = _starter.submit(
                subprocess.Popen, command, stdin=subprocess.DEVNULL, stdout=log, stderr=log).result()
        probe = {"etcd": self._etcd_serves, "kube-apiserver": self.serves}.get(name, lambda: True)
        basekit.wait_until(lambda: self._alive(name) and probe(), f"{name} to serve; {self.folder / name}.log")

    def _alive(self, name):
        code = self._processes[name].poll()
        if code is not None:
            log = (self.folder / f"{name}.log").read_text(encoding="utf-8")
            raise AssertionError(f"{name} ended with {code}: {log[-2000:]}")
        return True

    def _etcd_serves(self):
        try:
            return self._etcd("/v3/kv/range", key=base64.b64encode(b"/").decode())
        except OSError:
            return False

    def serves(self):
        """The API server is ready, and has the namespace "default", which older ones make a little later."""
        try:
            return (self.api.text("GET", "/readyz") == "ok"
                    and bool(self.api.get(kubeapi.path("namespaces", name="default"))))
        except (OSError, http.client.HTTPException, kubeapi.ApiError):
            return False

    def kill(self, name):
        """SIGKILL: it is gone until start(); etcd keeps its data."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(basekit.WATCHDOG_S)

    def terminate(self, name):
        """SIGTERM, as in an upgrade of the server: it ends its watches and closes its connections."""
        process = self._processes.pop(name)
        process.terminate()
        process.wait(basekit.WATCHDOG_S)

    def restart(self, name, graceful=False):
        """It comes back on the same port."""
        (self.terminate if graceful else self.kill)(name)
        self.start(name)

    def freeze(self, name):
        """It hangs: connections stay, nothing is answered, until thaw()."""
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name):
        self._processes[name].send_signal(signal.SIGCONT)

    def stop(self):
        """Everything ends at once; certificates and logs are kept, data is not."""
        for name in list(self._processes):
            self.kill(name)
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    # -- clients --

    def client(self, token=None, certificate=None):
        """An Api with a token, or with a certificate that kubecerts.leaf() made in .folder; neither: anonymous."""
        tls = ssl.create_default_context(cafile=self.folder / "ca.crt")
        if certificate:
            tls.load_cert_chain(self.folder / f"{certificate}.crt", self.folder / f"{certificate}.key")
        return kubeapi.Api(self.host, API_PORT, tls, token)

    def _certificate_config(self, name):
        user = {"client-certificate": str(self.folder / f"{name}.crt"), "client-key": str(self.folder / f"{name}.key")}
        return kubecerts.write_kubeconfig(self.folder / f"{name}.kubeconfig", self.url, self.folder / "ca.crt", user)

    def service_account(self, namespace, name, rules=(), everywhere=False):
        """Makes a ServiceAccount with the rights of @rules (PolicyRules: apiGroups, resources, verbs), in its
        namespace or @everywhere."""
        self.api.post(kubeapi.path("serviceaccounts", namespace), {"metadata": {"name": name}})
        prefix, within = ("cluster", None) if everywhere else ("", namespace)
        role_kind = "ClusterRole" if everywhere else "Role"
        named = f"{namespace}-{name}"
        self.api.post(kubeapi.path(f"{prefix}roles", within), {"metadata": {"name": named}, "rules": list(rules)})
        self.api.post(kubeapi.path(f"{prefix}rolebindings", within), {
            "metadata": {"name": named},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": named},
            "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}]})

    def token(self, namespace, name, seconds=3600):
        """A new token of a ServiceAccount, for so long (the server grants no less than 600 s)."""
        return self.api.post(kubeapi.path("serviceaccounts", namespace, name, "token"), {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds}})["status"]["token"]

    def kubeconfig_of(self, namespace, name, server=None):
        """A kubeconfig file with a new token of a ServiceAccount, whose rights are what RBAC gives it. @server: the URL
        of a proxy (faultproxy)."""
        return kubecerts.write_kubeconfig(
            self.folder / f"{namespace}-{name}.kubeconfig", server or self.url, self.folder / "ca.crt",
            {"token": self.token(namespace, name)}, namespace)

    def kubectl(self, *arguments, kubeconfig=None, **run):
        """What kubectl writes on stdout; as admin where no other @kubeconfig is given. @run: of subprocess.run, as
        input="..." for "-f -". Raises KubectlFailed."""
        command = [self._program("kubectl"), "--kubeconfig", str(kubeconfig or self.kubeconfig),
                   "--cache-dir", str(self.folder / "kubectl"), *map(str, arguments)]
        feed = {} if "input" in run else {"stdin": subprocess.DEVNULL}
        env = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
        done = subprocess.run(command, **feed, env=env, capture_output=True, text=True, timeout=basekit.WATCHDOG_S,
                              check=False, **run)
        if done.returncode:
            raise KubectlFailed(command[5:], done.returncode, done.stderr)
        return done.stdout

    def kubectl_json(self, *arguments, **how):
        """The same with -o json, as an object."""
        return json.loads(self.kubectl(*arguments, "-o", "json", **how))

    # -- what the server wrote and keeps --

    def audit_events(self):
        """Requests that the server has answered, or begun to answer as watches, from all clients: objects of
        audit.k8s.io/v1 with user, verb, objectRef (not where a path was asked for), responseStatus."""
        lines = (self.folder / "audit.log").read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def compact(self):
        """Takes away the history up to now: lists and watches that want to go on from before get 410 Gone. Those
        that kube-apiserver still has in its memory are served until it is restarted."""
        answer = self._etcd("/v3/kv/range", key=base64.b64encode(b"/").decode())
        self._etcd("/v3/kv/compaction", revision=answer["header"]["revision"], physical=True)

    def _etcd(self, where, **body):
        connection = http.client.HTTPConnection(self.host, ETCD_PORT, timeout=basekit.WATCHDOG_S)
        try:
            connection.request("POST", where, json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, f"etcd {where}: {text}"
            return json.loads(text)
        finally:
            connection.close()
