# SPDX-License-Identifier: Apache-2.0
"""lib/kube on a real API server."""
import pytest

import basekit
import kubeapi
import probekit


@pytest.fixture
def probe(kube_cluster):
    with probekit.Probe(kube_cluster.kubeconfig) as client:
        yield client


@pytest.fixture
def own_probe(own_cluster):
    with probekit.Probe(own_cluster.kubeconfig) as client:
        yield client


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def version_of(thing):
    return thing["metadata"]["resourceVersion"]


def refused(code, call, *arguments, **options):
    """The Refused that a call ends with."""
    with pytest.raises(probekit.Refused) as caught:
        call(*arguments, **options)
    assert caught.value.code == code, caught.value
    return caught.value


# -- objects --

def test_an_object_is_made_read_changed_and_deleted(probe, kube_namespace):
    at = {"namespace": kube_namespace}
    made = probe.call("create", "configmaps", **at, body=config_map("c", a="1"))
    assert probe.call("get", "configmaps", **at, name="c") == made
    made["data"]["a"] = "2"
    updated = probe.call("update", "configmaps", **at, name="c", body=made)
    assert updated["data"] == {"a": "2"}
    patched = probe.call("mergePatch", "configmaps", **at, name="c", body={"data": {"a": None, "b": "3"}})
    assert patched["data"] == {"b": "3"}
    added = probe.call("jsonPatch", "configmaps", **at, name="c",
                       body=[{"op": "add", "path": "/data/c", "value": "4"}])
    assert added["data"] == {"b": "3", "c": "4"}
    applied = probe.call("apply", "configmaps", **at, name="c", body=config_map("c", b="5"), force=True,
                         fieldManager="probe")
    assert applied["data"] == {"b": "5", "c": "4"}
    assert "probe" in [entry["manager"] for entry in applied["metadata"]["managedFields"]]
    probe.call("delete", "configmaps", **at, name="c")
    refused("NOT_FOUND", probe.call, "get", "configmaps", **at, name="c")


def test_status_is_a_part_of_its_own(probe, kube_namespace):
    at = {"namespace": kube_namespace, "name": "p"}
    probe.call("create", "pods", namespace=kube_namespace, body={
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"nodeName": "none", "containers": [{"name": "c", "image": "i"}]}})
    patched = probe.call("mergePatch", "pods", **at, subresource="status", body={"status": {"podIP": "127.0.0.9"}})
    assert patched["status"]["podIP"] == "127.0.0.9"
    probe.call("delete", "pods", **at, body={"gracePeriodSeconds": 0})


def test_a_dry_run_leaves_nothing(probe, kube_namespace):
    probe.call("create", "configmaps", namespace=kube_namespace, body=config_map("c"), dryRun=True)
    refused("NOT_FOUND", probe.call, "get", "configmaps", namespace=kube_namespace, name="c")


def test_refusals_name_what_was_refused(probe, kube_namespace):
    at = {"namespace": kube_namespace}
    probe.call("create", "configmaps", **at, body=config_map("c"))
    exists = refused("EXISTS", probe.call, "create", "configmaps", **at, body=config_map("c"))
    assert exists.message == f'create configmaps in namespace "{kube_namespace}": configmaps "c" already exists'
    stale = {"metadata": {"resourceVersion": "1"}, "data": {"a": "1"}}
    refused("CONFLICT", probe.call, "mergePatch", "configmaps", **at, name="c", body=stale)
    refused("CONFLICT", probe.call, "delete", "configmaps", **at, name="c",
            body={"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}})
    invalid = refused("INVALID", probe.call, "create", "configmaps", **at, body=config_map("No"))
    assert invalid.field == "metadata.name"
    refused("INVALID", probe.call, "mergePatch", "configmaps", **at, name="c", body=5)


def test_an_unknown_field_is_refused_where_the_server_looks(probe, kube_cluster, kube_namespace):
    body = {**config_map("c"), "datum": {}}
    if kube_cluster.version == "1.24":
        probe.call("create", "configmaps", namespace=kube_namespace, body=body)
        return
    error = refused("INVALID", probe.call, "create", "configmaps", namespace=kube_namespace, body=body)
    assert 'unknown field "datum"' in error.message


def test_what_is_not_allowed_names_verb_and_resource(kube_cluster, kube_namespace):
    kube_cluster.service_account(kube_namespace, "bot", [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}])
    with probekit.Probe(kube_cluster.kubeconfig_of(kube_namespace, "bot")) as bot:
        error = refused("DENIED", bot.call, "mergePatch", "configmaps", namespace=kube_namespace, name="c", body={})
        assert f'patch configmaps "c" in namespace "{kube_namespace}": ' in error.message
        watch = bot.watch("configmaps", "0", namespace=kube_namespace)
        assert "watch configmaps" in watch.wait("TROUBLE")[1]
        watch.stop()


def test_a_list_comes_in_pages_of_one_version(probe, kube_namespace):
    at = {"namespace": kube_namespace}
    for i in range(5):
        probe.call("create", "configmaps", **at, body={**config_map(f"c{i}"), "metadata": {
            "name": f"c{i}", "labels": {"kept": "yes"}}})
    wanted = {"labelSelector": "kept=yes", "limit": 2}
    pages = [probe.call("list", "configmaps", **at, **wanted)]
    probe.call("delete", "configmaps", **at, name="c4")
    while pages[-1]["metadata"].get("continue"):
        pages.append(probe.call("list", "configmaps", **at, **wanted, **{"continue": pages[-1]["metadata"]["continue"]}))
    assert [[item["metadata"]["name"] for item in page["items"]] for page in pages] == [
        ["c0", "c1"], ["c2", "c3"], ["c4"]]
    assert len({version_of(page) for page in pages}) == 1
    refused("INVALID", probe.call, "list", "configmaps", **at, limit=2, **{"continue": "garbage"})


def test_many_at_once_share_a_connection(probe, kube_namespace):
    waits = [probe.begin("create", "configmaps", namespace=kube_namespace, body=config_map(f"c{i}"))
             for i in range(200)]
    names = [wait()["metadata"]["name"] for wait in waits]
    assert names == [f"c{i}" for i in range(200)]
    assert probe.sockets() <= 8  # the pairs that wake the two threads among them


# -- streaming lists --

def streamed(watch):
    """name -> object, and the version, of the list that a watch begins with; None where it can't be had."""
    if watch.wait("LISTED", "EXPIRED")[0] == "EXPIRED":
        return None
    listed = {it["metadata"]["name"]: it for kind, it in watch.seen if kind == "ADDED"}
    return listed, version_of(watch.seen[-1][1])


def test_a_watch_begins_with_what_there_is(probe, kube_cluster, kube_namespace):
    """Where the server offers that; where it does not, nobody is troubled, the second time either."""
    at = {"namespace": kube_namespace, "labelSelector": "kept=yes"}
    for i in range(5):
        probe.call("create", "configmaps", namespace=kube_namespace, body={**config_map(f"c{i}"), "metadata": {
            "name": f"c{i}", "labels": {"kept": "yes" if i else "no"}}})
    watch = probe.watch("configmaps", None, **at)
    found = streamed(watch)
    if kube_cluster.version == "1.24":
        watch.stop()
        again = probe.watch("configmaps", None, **at)
        again.wait("EXPIRED")
        again.stop()
        assert found is None and [kind for kind, _ in watch.seen + again.seen] == ["EXPIRED", "STOPPED"] * 2
    else:
        listed, version = found
        page = probe.call("list", "configmaps", **at)
        assert listed == {it["metadata"]["name"]: {**it, "apiVersion": "v1", "kind": "ConfigMap"} for it in page["items"]}
        assert version_of(listed["c4"]) <= version <= version_of(page)
        probe.call("delete", "configmaps", namespace=kube_namespace, name="c4")
        assert watch.wait("DELETED")[1]["metadata"]["name"] == "c4"
        watch.stop()
        assert [kind for kind, _ in watch.seen] == ["WATCHING"] + ["ADDED"] * 4 + ["LISTED", "DELETED", "STOPPED"]


def test_a_list_is_as_new_as_what_was_written_before(probe, kube_cluster, kube_namespace):
    """Streamed or not, nobody reads from a cache that is behind."""
    for i in range(20):
        probe.call("create", "configmaps", namespace=kube_namespace, body=config_map(f"c{i}"))
        watch = probe.watch("configmaps", None, namespace=kube_namespace)
        found = streamed(watch)
        watch.stop()
        assert (found is None) == (kube_cluster.version == "1.24")
        assert found is None or f"c{i}" in found[0]


# -- watches --

def test_a_watch_tells_what_changes(probe, kube_namespace):
    at = {"namespace": kube_namespace}
    start = version_of(probe.call("list", "configmaps", **at))
    watch = probe.watch("configmaps", start, **at, fieldSelector="metadata.name=c")
    watch.wait("WATCHING")
    probe.call("create", "configmaps", **at, body=config_map("other"))
    probe.call("create", "configmaps", **at, body=config_map("c"))
    probe.call("mergePatch", "configmaps", **at, name="c", body={"data": {"a": "1"}})
    probe.call("delete", "configmaps", **at, name="c")
    assert watch.wait("DELETED")[1]["data"] == {"a": "1"}
    watch.stop()
    assert [kind for kind, _ in watch.seen] == ["WATCHING", "ADDED", "MODIFIED", "DELETED", "STOPPED"]


def test_a_version_that_never_was_has_expired(probe, kube_namespace):
    watch = probe.watch("configmaps", "never", namespace=kube_namespace)
    watch.wait("EXPIRED")
    watch.stop()


def test_a_watch_outlives_its_server(own_cluster, own_probe):
    at = {"namespace": "default"}
    start = version_of(own_probe.call("list", "configmaps", **at))
    watch = own_probe.watch("configmaps", start, **at, labelSelector="restart")
    watch.wait("WATCHING")
    for i in range(2):
        own_cluster.api.post(kubeapi.path("configmaps", "default"), {
            "metadata": {"name": f"before-{i}", "labels": {"restart": "yes"}}})
        assert watch.wait("ADDED")[1]["metadata"]["name"] == f"before-{i}"
        own_cluster.restart("kube-apiserver")
        own_cluster.api.post(kubeapi.path("configmaps", "default"), {
            "metadata": {"name": f"after-{i}", "labels": {"restart": "yes"}}})
        assert watch.wait("ADDED")[1]["metadata"]["name"] == f"after-{i}"
    watch.stop()


def test_a_history_that_is_gone_has_expired(own_cluster, own_probe):
    at = {"namespace": "default"}
    start = version_of(own_probe.call("list", "configmaps", **at))
    for i in range(3):
        own_probe.call("create", "configmaps", **at, body=config_map(f"history-{i}"))
    page = own_probe.call("list", "configmaps", **at, limit=1)["metadata"]["continue"]
    own_probe.call("create", "configmaps", **at, body=config_map("history-after"))
    own_cluster.compact()
    own_cluster.restart("kube-apiserver")
    watch = own_probe.watch("configmaps", start, **at)
    watch.wait("EXPIRED")
    watch.stop()
    refused("EXPIRED", own_probe.call, "list", "configmaps", **at, limit=1, **{"continue": page})


# -- a server in trouble --

def test_a_server_that_hangs_is_a_timeout_and_comes_back(own_cluster, own_probe):
    at = {"namespace": "default"}
    own_probe.call("list", "configmaps", **at)
    own_cluster.freeze("kube-apiserver")
    try:
        refused("TIMEOUT", own_probe.call, "create", "configmaps", **at, body=config_map("hang"), timeoutMs=500)
    finally:
        own_cluster.thaw("kube-apiserver")
    own_probe.call("list", "configmaps", **at)


def test_a_server_that_is_away_is_waited_for(own_cluster, own_probe):
    at = {"namespace": "default"}
    own_probe.call("list", "configmaps", **at)
    own_cluster.kill("kube-apiserver")
    error = refused("UNAVAILABLE", own_probe.call, "create", "configmaps", **at, body=config_map("away"))
    assert error.message.startswith('create configmaps in namespace "default": ')
    own_cluster.start("kube-apiserver")
    basekit.wait_until(lambda: own_probe.call("create", "configmaps", **at, body=config_map("back")), "a create")
