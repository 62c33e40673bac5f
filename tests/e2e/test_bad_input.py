# SPDX-License-Identifier: Apache-2.0
"""What must not be: each mistake gets a clear answer that names it, and nothing is lost by it."""
import json
import socket

import grpc
import pytest
import programkit
import protokit
import systemkit
import yaml

MODULE = "spec.template.spec.module"


@pytest.fixture(name="shared", scope="module")
def fixture_shared(tmp_path_factory):
    """One system for all that is refused: it must not change anything."""
    with systemkit.System(tmp_path_factory.mktemp("bad"), bases=2) as system:
        system.apply("good", system.jar("good"), replicas=2)
        system.wait_completed("good")
        yield system
        system.check_agreement("good")
        assert [md.metadata.name for md in listed(system)] == ["good"]
        assert system.installs("good") == 2
        system.check_operations()


def listed(system):
    request = system.proto.ListModuleDeploymentsRequest()
    return system.release.ListModuleDeployments(request, timeout=protokit.DEADLINE_S).module_deployments


def set_at(document, path, value):
    *way, last = path.split(".")
    for key in way:
        document = document.setdefault(key, {})
    document[last] = value


def document(system, *changes):
    """A ModuleDeployment as in a file, with (path, value) changes."""
    result = {
        "apiVersion": "koupleless.alipay.com/v1alpha1", "kind": "ModuleDeployment",
        "metadata": {"name": "bad"},
        "spec": {"baseDeploymentName": systemkit.DEPLOYMENT, "replicas": 1,
                 "template": {"spec": {"module": {"name": "bad", "version": "1.0.0",
                                                  "url": system.jar("bad").as_uri()}}}}}
    for path, value in changes:
        set_at(result, path, value)
    return result


def apply_refused(system, change):
    """Applies over gRPC what change(message) made of a good message: how it was refused."""
    message = system.deployment("bad", system.jar("bad"))
    change(message)
    request = system.proto.ApplyModuleDeploymentRequest(module_deployment=message)
    return protokit.failure(system.release.ApplyModuleDeployment, request)


# -- files --

FILES = [
    ("spec.replcas", 2, "spec.replcas"),
    ("spec.operationStrategy.needConfirmation", True, "needConfirmation"),
    ("spec.template.spec.module.digest", "x", "digest"),
    ("metadata.nme", "x", "nme"),
    ("spec.replicas", "two", "spec.replicas"),
    ("spec.replicas", 1.5, "spec.replicas"),
    ("spec.replicas", -2, "spec.replicas"),
    ("spec.pause", "maybe", "spec.pause"),
    ("spec.template", [], "spec.template"),
    (MODULE + ".version", 1.0, MODULE + ".version"),
    ("spec.operationStrategy.batchCount", -1, "batchCount"),
    ("spec.maxUnavailable", "150%", "maxUnavailable"),
    ("spec.maxUnavailable", "some", "maxUnavailable"),
    ("kind", "ModuleDeploymnt", "kind"),
    ("apiVersion", "koupleless.alipay.com/v9", "apiVersion"),
]


@pytest.mark.parametrize("path, value, named", FILES, ids=[f"{path}={value}" for path, value, _ in FILES])
def test_file_with_a_mistake(shared, tmp_path, path, value, named):
    file = tmp_path / "bad.yaml"
    file.write_text(yaml.safe_dump(document(shared, (path, value))), encoding="utf-8")
    ended = shared.cli("apply", "-f", str(file))
    assert ended.returncode == 1, ended.stdout
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert shared.get("bad") is None


@pytest.mark.parametrize("text, named", [
    ("kind: ModuleDeployment\nkind: ModuleDeployment\n", "kind"),
    ("spec: [", "bad.yaml"),
    ("a: &a [*a]\n", "bad.yaml"),
    ("\0\1\2", "bad.yaml"),
    ("[]", "bad.yaml"),
])
def test_file_that_is_no_object(shared, tmp_path, text, named):
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    ended = shared.cli("apply", "-f", str(file))
    assert ended.returncode == 1, ended.stdout
    assert named in ended.stderr


def test_good_documents_of_a_file_are_not_applied_by_halves_in_silence(new_system, tmp_path):
    """The bad document of a file is told; what was applied before it is told too."""
    system = new_system(bases=1)
    good, bad = document(system), document(system, ("metadata.name", "worse"), ("spec.replicas", -2))
    file = tmp_path / "two.yaml"
    file.write_text(yaml.safe_dump_all([good, bad]), encoding="utf-8")
    ended = system.cli("apply", "-f", str(file))
    assert ended.returncode == 1
    assert "spec.replicas" in ended.stderr
    assert ("moduledeployment/bad created" in ended.stdout) == (system.get("bad") is not None)
    assert system.get("worse") is None


# -- messages --


def module_of(message):
    return message.spec.template.spec.module


MESSAGES = {
    "replicas -2": (lambda m: setattr(m.spec, "replicas", -2), "spec.replicas"),
    "too many replicas": (lambda m: setattr(m.spec, "replicas", 2000000), "spec.replicas"),
    "batchCount -1": (lambda m: setattr(m.spec.operation_strategy, "batch_count", -1),
                      "spec.operationStrategy.batchCount"),
    "negative gray time": (lambda m: setattr(m.spec.operation_strategy, "gray_time_between_batch_seconds", -1),
                           "spec.operationStrategy.grayTimeBetweenBatchSeconds"),
    "unknown upgrade policy": (lambda m: setattr(m.spec.operation_strategy, "upgrade_policy", "hope"),
                               "spec.operationStrategy.upgradePolicy"),
    "unknown scheduling policy": (lambda m: setattr(m.spec.scheduling_strategy, "scheduling_policy", "dice"),
                                  "spec.schedulingStrategy.schedulingPolicy"),
    "percent beyond 100": (lambda m: setattr(m.spec.max_unavailable, "percent", 101), "spec.maxUnavailable"),
    "no base Deployment": (lambda m: setattr(m.spec, "base_deployment_name", ""), "spec.baseDeploymentName"),
    "no template": (lambda m: m.spec.ClearField("template"), "spec.template"),
    "no module name": (lambda m: setattr(module_of(m), "name", ""), MODULE + ".name"),
    "no module version": (lambda m: setattr(module_of(m), "version", ""), MODULE + ".version"),
    "no url": (lambda m: setattr(module_of(m), "url", ""), MODULE + ".url"),
    "long url": (lambda m: setattr(module_of(m), "url", "http://h/" + "x" * 5000), MODULE + ".url"),
    "url of another kind": (lambda m: setattr(module_of(m), "url", "ftp://h/a.jar"), MODULE + ".url"),
    "md5 that is none": (lambda m: setattr(module_of(m), "md5", "xyz"), MODULE + ".md5"),
    "module name in capitals": (lambda m: setattr(module_of(m), "name", "Bad"), MODULE + ".name"),
    "module name with a dot": (lambda m: setattr(module_of(m), "name", "a.b"), MODULE + ".name"),
    "module name too long": (lambda m: setattr(module_of(m), "name", "a" * 64), MODULE + ".name"),
    "module name that climbs": (lambda m: setattr(module_of(m), "name", "../etc"), MODULE + ".name"),
    "no name": (lambda m: setattr(m.metadata, "name", ""), "metadata.name"),
    "name in capitals": (lambda m: setattr(m.metadata, "name", "Bad"), "metadata.name"),
    "name too long": (lambda m: setattr(m.metadata, "name", "a" * 254), "metadata.name"),
    "namespace with a slash": (lambda m: setattr(m.metadata, "namespace", "a/b"), "metadata.namespace"),
    "label that is none": (lambda m: m.metadata.labels.update({"a b": "c"}), "metadata.labels"),
    "port 0 of the Service": (lambda m: m.spec.operation_strategy.service_strategy.CopyFrom(
        type(m.spec.operation_strategy.service_strategy)(enable_module_service=True, port=70000, target_port=1)),
        "spec.operationStrategy.serviceStrategy.port"),
}


@pytest.mark.parametrize("mistake", MESSAGES)
def test_message_with_a_mistake(shared, mistake):
    change, field = MESSAGES[mistake]
    failure = apply_refused(shared, change)
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT
    assert any(named == field or named.startswith(field + ".") or named.startswith(field + "[")
               for named in failure.fields), (failure.fields, failure.message)
    assert failure.domain == "koupleless.io"
    assert shared.get("bad") is None


def test_calls_about_what_is_not_there(shared):
    for method in ("GetModuleDeployment", "DeleteModuleDeployment", "ConfirmBatch", "PauseRelease", "ResumeRelease",
                   "AbortRelease", "UndoRelease"):
        failure = shared.refused(method, "nobody")
        assert failure.code == grpc.StatusCode.NOT_FOUND, method
        assert "nobody" in failure.message, method
    assert shared.refused("ScaleModuleDeployment", "nobody", replicas=1).code == grpc.StatusCode.NOT_FOUND
    request = shared.proto.ReplaceModuleRequest(name="nobody")
    assert protokit.failure(shared.inventory.ReplaceModule, request).code == grpc.StatusCode.NOT_FOUND


def test_scale_below_minus_one(shared):
    failure = shared.refused("ScaleModuleDeployment", "good", replicas=-2)
    assert failure.code == grpc.StatusCode.INVALID_ARGUMENT
    assert any("replicas" in field for field in failure.fields)


def test_undo_without_an_earlier_revision(shared):
    failure = shared.refused("UndoRelease", "good")
    assert failure.code in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND)
    assert "revision" in failure.message
    failure = shared.refused("UndoRelease", "good", to_revision=77)
    assert "77" in failure.message


def test_confirm_where_nothing_waits(shared):
    failure = shared.refused("ConfirmBatch", "good", batch=1)
    assert failure.code == grpc.StatusCode.FAILED_PRECONDITION
    assert failure.reason == "BATCH_NOT_WAITING"


def test_stale_version_changes_nothing(with_good):
    old = with_good.get("good").metadata.resource_version
    with_good.call("ScaleModuleDeployment", "good", replicas=1, resource_version=old)
    with_good.wait_completed("good")
    for method, fields in (("ScaleModuleDeployment", {"replicas": 0}), ("PauseRelease", {}),
                           ("DeleteModuleDeployment", {})):
        failure = with_good.refused(method, "good", resource_version=old, **fields)
        assert failure.code == grpc.StatusCode.ABORTED, method
    message = with_good.deployment("good", with_good.jar("good"), replicas=0)
    message.metadata.resource_version = old
    request = with_good.proto.ApplyModuleDeploymentRequest(module_deployment=message)
    assert protokit.failure(with_good.release.ApplyModuleDeployment, request).code == grpc.StatusCode.ABORTED
    md = with_good.get("good")
    assert md.spec.replicas == 1 and not md.spec.pause and not md.metadata.HasField("deletion_timestamp")


def test_message_of_64_mb(shared):
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(shared.processes["controller"].grpc, options) as channel:
        stub = shared.proto.ReleaseServiceStub(channel)
        message = shared.deployment("bad", shared.jar("bad"))
        message.metadata.annotations["big"] = "x" * (64 << 20)
        request = shared.proto.ApplyModuleDeploymentRequest(module_deployment=message)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ApplyModuleDeployment(request, timeout=protokit.DEADLINE_S)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert shared.get("bad") is None


def test_object_beyond_its_limit(shared):
    def grow(message):
        message.metadata.annotations["big"] = "x" * (2 << 20)

    failure = apply_refused(shared, grow)
    assert failure.code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert shared.get("bad") is None


def test_bytes_that_are_no_grpc(shared):
    host, port = shared.processes["controller"].grpc.split(":")
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 4096, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64):
        with socket.create_connection((host, int(port)), timeout=systemkit.WATCHDOG_S) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert shared.get("good").metadata.name == "good"


def test_second_controller_on_the_same_data(shared):
    ended = programkit.run("koupleless-controller", "--insecure", "--listen", "127.0.0.1:0", "--http-listen",
                           "127.0.0.1:0", "--store", "embedded", "--data-dir", str(shared.data_dir))
    assert ended.returncode == 1
    assert str(shared.data_dir) in ended.stderr.splitlines()[-1]
    assert shared.get("good").status.release_status.progress == "Completed"


# -- what only shows when it is carried out --


def failed_module(system, name):
    def failed(modules):
        return any(m.status.status == "Failed" for m in modules)

    (module,) = system.wait_modules(failed, "the failure to be told", name)
    return module


def check_told_and_mended(system, name, code, *words):
    """The failure stands in Module, condition and Event; another url mends it; a neighbour never noticed."""
    module = failed_module(system, name)
    assert module.status.reason == code, module.status.message
    for word in words:
        assert word in module.status.message
    md = system.wait_for(name, lambda md: any(code in c.reason + c.message for c in md.status.conditions),
                         "the condition")
    assert md.status.release_status.progress == "Executing"
    assert any(event.reason == "InstallFailed" and event.type == "Warning"
               for event in system.events("Module", module.metadata.name))
    assert not [key for keys in system.active().values() for key in keys if not key.startswith("good:")]
    system.apply(name, system.jar(name, "1.0.1"), replicas=1)
    system.wait_completed(name)
    system.check_agreement(name)
    system.check_agreement("good")
    assert system.installs("good") == 2


@pytest.fixture(name="with_good")
def fixture_with_good(new_system):
    system = new_system(bases=2, agent=["--download-timeout", "2s"])
    system.apply("good", system.jar("good"), replicas=2)
    system.wait_completed("good")
    return system


def test_unreachable_url(with_good):
    jar = with_good.jar("bad")
    with socket.socket() as nobody:  # bound, not listening: refused
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/bad.jar"
        with_good.apply("bad", jar, url=url)
        check_told_and_mended(with_good, "bad", "Arklet.PullBizError", url)


def test_url_that_never_answers(with_good):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/bad.jar"
        with_good.apply("bad", with_good.jar("bad"), url=url)
        check_told_and_mended(with_good, "bad", "Arklet.PullBizTimeOut", url)


def test_file_that_is_not_there(with_good):
    with_good.apply("bad", with_good.jar("bad"), url="file:///not/there.jar")
    check_told_and_mended(with_good, "bad", "Arklet.PullBizError", "not/there.jar")


def test_jar_of_another_module(with_good):
    other = with_good.jar("other")
    with_good.apply("bad", with_good.jar("bad"), url=other.as_uri())
    check_told_and_mended(with_good, "bad", "ModuleController.InvalidParameter", "other 1.0.0", "bad 1.0.0")


def test_jar_of_another_version(with_good):
    other = with_good.jar("bad", "9.9.9")
    with_good.apply("bad", with_good.jar("bad"), url=other.as_uri())
    check_told_and_mended(with_good, "bad", "ModuleController.InvalidParameter", "bad 9.9.9")


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + b"\0" * 200], ids=["empty", "text", "cut"])
def test_jar_that_is_no_zip(with_good, tmp_path, content):
    file = tmp_path / "bad.jar"
    file.write_bytes(content)
    with_good.apply("bad", with_good.jar("bad"), url=file.as_uri())
    check_told_and_mended(with_good, "bad", "Arklet.PullBizError", file.as_uri(), "no zip")


def test_md5_of_another_jar(with_good):
    jar = with_good.jar("bad")
    message = with_good.deployment("bad", jar)
    module_of(message).md5 = "0" * 32
    request = with_good.proto.ApplyModuleDeploymentRequest(module_deployment=message)
    with_good.release.ApplyModuleDeployment(request, timeout=protokit.DEADLINE_S)
    check_told_and_mended(with_good, "bad", "Arklet.PullBizError", jar.as_uri(), "0" * 32)


def test_two_deployments_of_one_module_on_one_base_deployment(with_good):
    """The second is told so, and takes nothing from the first; when the first is gone, it takes over."""
    with_good.apply("thief", with_good.jar("good", "2.0.0"), replicas=2)
    md = with_good.wait_for("thief", lambda md: any(c.reason == "OwnedByAnother" and "good" in c.message
                                                    for c in md.status.conditions), "the conflict to be told")
    assert md.status.replicas == 0
    assert not with_good.modules("thief")
    with_good.check_agreement("good")
    assert with_good.installs("good") == 2
    with_good.call("DeleteModuleDeployment", "good")
    with_good.wait_gone("good")
    with_good.wait_completed("thief")
    with_good.check_agreement("thief")


def test_confirm_for_another_batch(with_good):
    with_good.apply("pay", with_good.jar("pay"), replicas=2, strategy={"batchCount": 2, "needConfirm": True})
    md = with_good.wait_waiting("pay", batch=1)
    failure = with_good.refused("ConfirmBatch", "pay", batch=2)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BATCH_MISMATCH")
    assert "batch 1" in failure.message
    failure = with_good.refused("ConfirmBatch", "pay", batch=1, revision="pay-other")
    assert failure.reason == "REVISION_MISMATCH"
    assert md.status.release_status.update_revision in failure.message
    ended = with_good.cli("confirm", "pay", "--batch", "2")
    assert ended.returncode == 1 and "batch 1" in ended.stderr
    md.spec.confirm_batch_num = 2  # the other way to confirm
    request = with_good.proto.ApplyModuleDeploymentRequest(module_deployment=md)
    with_good.release.ApplyModuleDeployment(request, timeout=protokit.DEADLINE_S)
    md = with_good.wait_for("pay", lambda md: "refused" in md.status.release_status.message, "the refusal")
    assert (md.status.release_status.progress, md.status.release_status.current_batch) == ("Paused", 1)
    assert with_good.installs("pay") == 1
    with_good.call("ConfirmBatch", "pay", batch=1)
    with_good.wait_completed("pay")
    with_good.check_agreement("pay")


def test_repeated_request_id_gives_the_first_result(with_good):
    message = with_good.deployment("pay", with_good.jar("pay"), replicas=1)
    request = with_good.proto.ApplyModuleDeploymentRequest(module_deployment=message, request_id="once")
    first = with_good.release.ApplyModuleDeployment(request, timeout=protokit.DEADLINE_S)
    with_good.wait_completed("pay")
    again = with_good.release.ApplyModuleDeployment(request, timeout=protokit.DEADLINE_S)
    assert again == first
    assert with_good.installs("pay") == 1


def test_wrong_options_are_told_with_the_nearest():
    ended = programkit.run("koupleless-controller", "--data-dri", "x")
    assert ended.returncode == 2
    assert "--data-dir" in ended.stderr
    ended = programkit.run("koupleless-agent", "--controller", "127.0.0.1:1", "--insecure")
    assert ended.returncode == 2 and "--pod-name" in ended.stderr
    ended = programkit.run("koupleless-agent", "--arklet", "ftp://x", "--insecure")
    assert ended.returncode == 2 and "--arklet" in ended.stderr
    ended = programkit.run("koupleless-controller", "--listen", "0.0.0.0:0", "--insecure")
    assert ended.returncode == 2 and "--insecure" in ended.stderr


def test_answers_of_the_command_line_are_json_where_asked(with_good):
    ended = with_good.cli("get", "moduledeployments", "-o", "json")
    assert [item["metadata"]["name"] for item in json.loads(ended.stdout)["items"]] == ["good"]
    assert with_good.cli("get", "moduledeployment", "nobody").returncode == 1
