# SPDX-License-Identifier: Apache-2.0
"""The public API, by a client that knows it from reflection only."""
import itertools

import grpc
import pytest

import reflectkit

RELEASES = "koupleless.controller.v1.ReleaseService"
ERROR_INFO = "google.rpc.ErrorInfo"
BAD_REQUEST = "google.rpc.BadRequest"


numbers = itertools.count(1)


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"pay-{next(numbers)}"


@pytest.fixture
def applied(client, name):
    """A ModuleDeployment that was just created; the answer."""
    return client.method(RELEASES, "ApplyModuleDeployment")(module_deployment=deployment(name))


def deployment(name, **spec):
    module = {"name": "pay", "version": "1.0.0", "url": "http://127.0.0.1:1/pay.jar"}
    return {"metadata": {"name": name, "labels": {"team": "payments"}},
            "spec": {"base_deployment_name": "base", "template": {"spec": {"module": module}},
                     "replicas": 0, **spec}}


def test_what_was_applied_is_read_back(client, applied, name):
    assert applied.module_deployment.metadata.name == name
    assert applied.module_deployment.metadata.namespace == "default"
    assert applied.module_deployment.spec.template.spec.module.version == "1.0.0"
    read = client.method(RELEASES, "GetModuleDeployment")(name=name).module_deployment
    assert read.metadata.uid == applied.module_deployment.metadata.uid
    assert read.metadata.labels == {"team": "payments"}
    read.spec.ClearField("scale_replicas")  # the controller's
    assert read.spec == applied.module_deployment.spec
    assert read.metadata.creation_timestamp.seconds > 1500000000


def test_applied_again_nothing_changes(client, applied, name):
    apply = client.method(RELEASES, "ApplyModuleDeployment")
    again = apply(module_deployment=deployment(name))
    results = type(applied).DESCRIPTOR.fields_by_name["result"].enum_type.values_by_number
    assert results[applied.result].name == "APPLY_RESULT_CREATED"
    assert results[again.result].name == "APPLY_RESULT_UNCHANGED"


def test_a_watch_tells_each_change(client, applied, name):
    watch = client.method(RELEASES, "WatchModuleDeployments")(name=name)
    kinds = watch_kinds(client)
    first = next(change for change in watch if change.module_deployment.metadata.name)
    assert kinds[first.type] == "CHANGE_TYPE_ADDED"
    assert first.module_deployment.metadata.uid == applied.module_deployment.metadata.uid
    client.method(RELEASES, "ScaleModuleDeployment")(name=name, replicas=3)
    scaled = next(change for change in watch if change.module_deployment.spec.replicas == 3)
    assert kinds[scaled.type] == "CHANGE_TYPE_MODIFIED"
    client.method(RELEASES, "ScaleModuleDeployment")(name=name, replicas=0)
    client.method(RELEASES, "DeleteModuleDeployment")(name=name)
    gone = next(change for change in watch if kinds[change.type] == "CHANGE_TYPE_DELETED")
    assert gone.module_deployment.metadata.name == name
    watch.cancel()
    with pytest.raises(grpc.RpcError) as ended:
        next(watch)
    assert ended.value.code() == grpc.StatusCode.CANCELLED


def watch_kinds(client):
    """Number -> name of the kinds of changes."""
    client.file_of("koupleless.controller.v1.ChangeType")
    kinds = client.pool.FindEnumTypeByName("koupleless.controller.v1.ChangeType")
    return {number: value.name for number, value in kinds.values_by_number.items()}


# -- errors --

def test_a_wrong_field_is_named(client, name):
    error = client.method(RELEASES, "ApplyModuleDeployment").failure(
        module_deployment=deployment(name, replicas=-2))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    found = reflectkit.details(client, error)
    assert found[ERROR_INFO].domain == "koupleless.io"
    assert [violation.field for violation in found[BAD_REQUEST].field_violations] == ["spec.replicas"]
    assert found[BAD_REQUEST].field_violations[0].description == error.details()


def test_what_is_not_there_is_not_found(client):
    error = client.method(RELEASES, "GetModuleDeployment").failure(name="no-such")
    assert error.code() == grpc.StatusCode.NOT_FOUND
    found = reflectkit.details(client, error)
    assert set(found) == {ERROR_INFO}
    assert found[ERROR_INFO].reason


def test_a_confirmation_that_nobody_waits_for_is_refused(client, applied, name):
    error = client.method(RELEASES, "ConfirmBatch").failure(name=applied.module_deployment.metadata.name, batch=7)
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    info = reflectkit.details(client, error)[ERROR_INFO]
    assert info.domain == "koupleless.io"
    assert info.reason == info.reason.upper() != "PRECONDITION"


def test_a_stale_version_is_aborted(client, applied, name):
    client.method(RELEASES, "ScaleModuleDeployment")(name=name, replicas=2)
    error = client.method(RELEASES, "ScaleModuleDeployment").failure(
        name=name, replicas=1, resource_version=applied.module_deployment.metadata.resource_version)
    assert error.code() == grpc.StatusCode.ABORTED
    assert ERROR_INFO in reflectkit.details(client, error)


def test_an_unknown_method_is_unimplemented(client):
    call = client.channel.unary_unary(f"/{RELEASES}/NoSuchMethod")
    with pytest.raises(grpc.RpcError) as error:
        call(b"", timeout=reflectkit.DEADLINE_S)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("request_bytes", [b"\x0a", b"\x0a\xff\xff\xff\xff\x0f", b"\xff" * 20, b"\x08\x01\x0a\x05ab"])
def test_bytes_that_are_no_message_are_invalid(client, request_bytes):
    call = client.channel.unary_unary(f"/{RELEASES}/GetModuleDeployment")
    with pytest.raises(grpc.RpcError) as error:
        call(request_bytes, timeout=reflectkit.DEADLINE_S)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
