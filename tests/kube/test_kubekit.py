# SPDX-License-Identifier: Apache-2.0
"""The servers that other tests stand on: what they are, and what the kit can do to them."""
import os
import re
import signal
import socket
import subprocess
import sys

import basekit
import kubeapi
import kubekit
import pytest
from kubeapi import path


def config_map(name, text="x"):
    return {"metadata": {"name": name}, "data": {"text": text}}


def pinned_version(version):
    text = (basekit.SUPPORT / "kube" / version / "go.mod").read_text(encoding="utf-8")
    return re.search(r"k8s.io/kubernetes (v[\d.]+)", text).group(1)


def test_the_server_tells_the_version_it_was_built_from(kube_cluster):
    told = kube_cluster.api.get("/version")
    assert told["gitVersion"] == pinned_version(kube_cluster.version)
    assert f"v{told['major']}.{told['minor']}." in told["gitVersion"]
    seen = kube_cluster.kubectl_json("version")
    assert seen["serverVersion"] == told
    assert seen["clientVersion"]["gitVersion"] == pinned_version("current")


def test_an_object_goes_in_by_kubectl_and_out_again(kube_cluster, kube_namespace):
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colours}\ndata: {sky: blue}\n"
    said = kube_cluster.kubectl("apply", "-n", kube_namespace, "-f", "-", input=manifest)
    assert said == "configmap/colours created\n"
    found = kube_cluster.kubectl_json("get", "configmap", "colours", "-n", kube_namespace)
    assert found["data"] == {"sky": "blue"}
    with pytest.raises(kubekit.KubectlFailed, match='configmaps "sea" not found') as failed:
        kube_cluster.kubectl("get", "configmap", "sea", "-n", kube_namespace)
    assert failed.value.code == 1


def test_the_namespaces_controller_empties_and_removes_a_namespace(kube_cluster):
    kube_cluster.kubectl("create", "namespace", "short-lived")
    kube_cluster.api.post(path("configmaps", "short-lived"), config_map("inside"))
    kube_cluster.api.delete(path("namespaces", None, "short-lived"))
    basekit.wait_until(lambda: not kube_cluster.api.find(path("namespaces", None, "short-lived")), "its end")


def test_a_kubeconfig_of_a_service_account_has_the_rights_of_rbac_alone(kube_cluster, kube_namespace):
    kube_cluster.service_account(kube_namespace, "reader", [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}])
    kube_cluster.api.post(path("configmaps", kube_namespace), config_map("c", "seen"))
    as_reader = {"kubeconfig": kube_cluster.kubeconfig_of(kube_namespace, "reader")}

    def allowed():
        answer = kube_cluster.client(kube_cluster.token(kube_namespace, "reader"))
        try:
            return answer.get(path("configmaps", kube_namespace, "c"))
        except kubeapi.ApiError as error:
            assert error.code == 403
            return None

    basekit.wait_until(allowed, "the role to hold")
    assert kube_cluster.kubectl_json("get", "configmap", "c", **as_reader)["data"] == {"text": "seen"}
    user = f"system:serviceaccount:{kube_namespace}:reader"
    for verb, command in (("delete", ["delete", "configmap", "c"]), ("list", ["get", "pods"]),
                          ("list", ["get", "configmaps", "-n", "default"])):
        with pytest.raises(kubekit.KubectlFailed, match=rf'Forbidden.*User "{user}" cannot {verb}'):
            kube_cluster.kubectl(*command, **as_reader)


def test_who_has_no_valid_token_is_nobody(kube_cluster):
    for token, code in ((None, 403), ("made-up", 401)):
        with pytest.raises(kubeapi.ApiError) as refused:
            kube_cluster.client(token).get(path("pods", "default"))
        assert refused.value.code == code


def test_requests_are_counted_and_audited(kube_cluster, kube_namespace):
    before = kube_cluster.api.requests()
    kube_cluster.service_account(kube_namespace, "counted")
    kube_cluster.api.post(path("pods", kube_namespace), {
        "metadata": {"name": "p"}, "spec": {"nodeName": "none", "containers": [{"name": "c", "image": "c"}]}})
    kube_cluster.api.patch(path("pods", kube_namespace, "p", "status"), {"status": {"message": "counted"}})
    kube_cluster.token(kube_namespace, "counted")
    after = kube_cluster.api.requests()
    for key in (("POST", "pods", ""), ("PATCH", "pods", "status"), ("POST", "serviceaccounts", "token")):
        assert after[key] - before[key] == 1, key
    seen = []
    for event in kube_cluster.audit_events():
        about = event.get("objectRef", {})
        if about.get("namespace") == kube_namespace and about["resource"] == "pods":
            seen.append((event["verb"], about.get("subresource"), event["responseStatus"]["code"]))
    assert seen == [("create", None, 201), ("patch", "status", 200)]


# -- other programs than those that are built --


def asked(assets, version):
    """What build.sh says about programs of somebody else; it builds nothing."""
    return subprocess.run([str(basekit.SUPPORT / "kube" / "build.sh"), "--print-dir", version], capture_output=True,
                          text=True, env={**os.environ, "KUBEBUILDER_ASSETS": str(assets)}, check=False)


@pytest.mark.parametrize("told,taken_for", [("v1.24.2", ["1.24", "current"]), ("v1.31.0", ["current"])])
def test_kubebuilder_assets_are_honoured(tmp_path, told, taken_for):
    """For 1.24 where they are of 1.24."""
    for name in ("etcd", "kube-apiserver"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho Kubernetes {told}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    folders = {version: asked(tmp_path, version).stdout.strip() for version in kubekit.VERSIONS}
    assert [version for version in folders if folders[version] == str(tmp_path)] == sorted(taken_for, reverse=True)
    assert all(folders.values())


def test_kubebuilder_assets_that_are_none_are_told(tmp_path):
    done = asked(tmp_path, "current")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"no etcd and kube-apiserver in {tmp_path}" in done.stderr


# -- what happens to a server --


def names_by_watch(cluster, version, count):
    """Names of the next @count objects of a watch on ConfigMaps."""
    watch = cluster.api.watch(path("configmaps", "default"), version)
    try:
        return [event["object"]["metadata"]["name"] for _, event in zip(range(count), watch)]
    finally:
        watch.close()


@pytest.mark.parametrize("graceful", [False, True])
def test_a_restarted_server_is_where_it_was_and_knows_what_it_knew(own_cluster, graceful):
    name = f"kept-{graceful}".lower()
    own_cluster.api.post(path("configmaps", "default"), config_map(name))
    own_cluster.restart("kube-apiserver", graceful)
    assert own_cluster.kubectl("get", "configmap", name, "-o", "name") == f"configmap/{name}\n"


def test_a_restarted_store_is_found_again(own_cluster):
    own_cluster.api.post(path("configmaps", "default"), config_map("stored"))
    own_cluster.restart("etcd")
    basekit.wait_until(own_cluster.serves, "the server to have found its store")
    assert own_cluster.api.get(path("configmaps", "default", "stored"))["data"] == {"text": "x"}


def test_history_that_was_compacted_is_gone(own_cluster):
    where = path("configmaps", "default")
    begin = own_cluster.api.get(where)["metadata"]["resourceVersion"]
    names = [f"h{n}" for n in range(4)]
    for name in names:
        own_cluster.api.post(where, config_map(name))
    assert names_by_watch(own_cluster, begin, 4) == names
    page = own_cluster.api.get(path("configmaps", "default", limit=1))
    more = path("configmaps", "default", limit=1, **{"continue": page["metadata"]["continue"]})
    assert len(own_cluster.api.get(more)["items"]) == 1
    own_cluster.api.post(where, config_map("h4"))

    own_cluster.compact()
    own_cluster.restart("kube-apiserver")
    for old in (lambda: own_cluster.api.get(more), lambda: names_by_watch(own_cluster, begin, 1)):
        with pytest.raises(kubeapi.ApiError) as gone:
            old()
        assert (gone.value.code, gone.value.reason) == (410, "Expired")


def test_a_frozen_server_answers_nothing_until_it_thaws(own_cluster):
    own_cluster.freeze("kube-apiserver")
    call = basekit.Parallel(own_cluster.client(certificate="admin").get, path("namespaces"))
    with pytest.raises(kubekit.KubectlFailed, match="request canceled|[Tt]imeout"):
        own_cluster.kubectl("get", "namespaces", "--request-timeout=1s")
    assert not call.done()
    own_cluster.thaw("kube-apiserver")
    assert call.result()["kind"] == "NamespaceList"


def listens(host, port):
    try:
        socket.create_connection((host, port), timeout=basekit.WATCHDOG_S).close()
    except ConnectionRefusedError:
        return False
    return True


def test_two_servers_know_nothing_of_each_other(kube_cluster, own_cluster):
    own_cluster.api.post(path("namespaces"), {"metadata": {"name": "here-only"}})
    assert kube_cluster.api.find(path("namespaces", None, "here-only")) is None
    with pytest.raises(kubekit.KubectlFailed, match="certificate signed by unknown authority"):
        own_cluster.kubectl("get", "namespaces", f"--certificate-authority={kube_cluster.folder / 'ca.crt'}")


def test_the_servers_end_with_the_process_that_started_them(kube_cluster, tmp_path):
    script = ("import sys; sys.path.insert(0, sys.argv[1]); import kubekit\n"
              "cluster = kubekit.Cluster(sys.argv[2], sys.argv[3])\n"
              "print(cluster.host, flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", script, str(basekit.SUPPORT), str(tmp_path), kube_cluster.version],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        host = process.stdout.readline().strip()
        assert listens(host, kubekit.API_PORT)
        process.send_signal(signal.SIGKILL)
    for port in (kubekit.API_PORT, kubekit.ETCD_PORT):
        basekit.wait_until(lambda at=port: not listens(host, at), f"the end of what listens on {port}")
