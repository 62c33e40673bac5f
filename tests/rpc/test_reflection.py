# SPDX-License-Identifier: Apache-2.0
"""What a client learns by reflection."""
import pytest

import reflectkit

SERVICES = {
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "koupleless.controller.v1.AgentGatewayService",
    "koupleless.controller.v1.InventoryService",
    "koupleless.controller.v1.ReleaseService",
}


def test_services_are_listed_once(client):
    listed = client.services()
    assert sorted(listed) == sorted(SERVICES)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_each_service_is_described_with_all_it_needs(client, service):
    file = client.file_of(service)
    assert f"{file.package}.{file.service[0].name}".startswith(file.package)
    described = client.pool.FindServiceByName(service)
    assert described.methods
    for method in described.methods:
        assert reflectkit.message_class(client.pool, method.input_type.full_name)
        assert reflectkit.message_class(client.pool, method.output_type.full_name)


@pytest.mark.parametrize("symbol", [
    "koupleless.module.v1.ModuleDeployment",
    "koupleless.module.v1.ModuleDeployment.spec",
    "koupleless.controller.v1.ChangeType",
    "koupleless.controller.v1.CHANGE_TYPE_ADDED",  # values stand beside their enum
    "koupleless.module.v1.ObjectMeta.LabelsEntry.key",
    "grpc.health.v1.HealthCheckResponse.ServingStatus",
    "grpc.health.v1.HealthCheckResponse.SERVING",
    "koupleless.controller.v1.ReleaseService.ConfirmBatch",
    "google.protobuf.Timestamp",
])
def test_a_symbol_leads_to_its_file(client, symbol):
    file = client.file_of(symbol)
    assert symbol.startswith(file.package + ".")


@pytest.mark.parametrize("symbol", ["", "koupleless", "koupleless.module.v1", "koupleless.module.v1.Nothing",
                                    "koupleless.module.v1.ModuleDeploymen",
                                    "koupleless.module.v1.ModuleDeployment.",
                                    "koupleless.module.v1.ModuleDeployments",
                                    "koupleless.controller.v1.ChangeType.CHANGE_TYPE_ADDED",
                                    "koupleless.controller.v1.ReleaseService.Nothing",
                                    "koupleless.module.v1.ModuleDeployment.nothing"])
def test_what_is_not_there_is_not_found(client, symbol):
    with pytest.raises(reflectkit.NotFound):
        client.file_of(symbol)
    with pytest.raises(reflectkit.NotFound):
        client.ask(file_by_filename=symbol)


def test_one_stream_takes_many_questions(client):
    """Also after one that fails."""
    answers = client.ask_all({"list_services": ""}, {"file_by_filename": "no/such.proto"},
                             {"file_containing_symbol": "grpc.health.v1.Health"}, {"host": "x"},
                             {"list_services": ""})
    assert [answer.WhichOneof("message_response") for answer in answers] == [
        "list_services_response", "error_response", "file_descriptor_response", "error_response",
        "list_services_response"]
    assert answers[0].list_services_response == answers[4].list_services_response
