# SPDX-License-Identifier: Apache-2.0
"""A gRPC client that knows nothing but an address: it learns services and messages by server reflection.

    with reflectkit.Client("127.0.0.1:9090") as client:
        client.services()
        method = client.method("koupleless.controller.v1.ReleaseService", "GetModuleDeployment")
        method(name="pay")
"""
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DEADLINE_S = 60  # generous: nothing is judged by time
V1ALPHA = "grpc.reflection.v1alpha"
V1 = "grpc.reflection.v1"

Field = descriptor_pb2.FieldDescriptorProto

# The parts of the reflection protocol that are used: message -> (field, number, type or message, repeated, oneof).
PROTOCOL = {
    "ServerReflectionRequest": [
        ("host", 1, Field.TYPE_STRING, False, None),
        ("file_by_filename", 3, Field.TYPE_STRING, False, "message_request"),
        ("file_containing_symbol", 4, Field.TYPE_STRING, False, "message_request"),
        ("list_services", 7, Field.TYPE_STRING, False, "message_request"),
    ],
    "FileDescriptorResponse": [("file_descriptor_proto", 1, Field.TYPE_BYTES, True, None)],
    "ServiceResponse": [("name", 1, Field.TYPE_STRING, False, None)],
    "ListServiceResponse": [("service", 1, "ServiceResponse", True, None)],
    "ErrorResponse": [
        ("error_code", 1, Field.TYPE_INT32, False, None),
        ("error_message", 2, Field.TYPE_STRING, False, None),
    ],
    "ServerReflectionResponse": [
        ("valid_host", 1, Field.TYPE_STRING, False, None),
        ("original_request", 2, "ServerReflectionRequest", False, None),
        ("file_descriptor_response", 4, "FileDescriptorResponse", False, "message_response"),
        ("list_services_response", 6, "ListServiceResponse", False, "message_response"),
        ("error_response", 7, "ErrorResponse", False, "message_response"),
    ],
}


class NotFound(Exception):
    """The server knows no such file or symbol."""


def message_class(pool, name):
    """The Python class of a message."""
    descriptor = pool.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):  # protobuf 4.22 and later
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def protocol_file(package):
    """The reflection protocol as a file descriptor."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in PROTOCOL.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated, oneof in fields:
            added = message.field.add(
                name=field, number=number, label=Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL)
            if isinstance(kind, str):
                added.type, added.type_name = Field.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                added.type = kind
            if oneof:
                if not message.oneof_decl:
                    message.oneof_decl.add(name=oneof)
                added.oneof_index = 0
    return file


class Method:
    """A method of a service: called with the fields of its request, or with a request."""

    def __init__(self, client, service, descriptor):
        pool = client.pool
        self.request = message_class(pool, descriptor.input_type.lstrip("."))
        self.response = message_class(pool, descriptor.output_type.lstrip("."))
        kind = client.channel.unary_stream if descriptor.server_streaming else client.channel.unary_unary
        self._call = kind(f"/{service}/{descriptor.name}",
                          request_serializer=self.request.SerializeToString,
                          response_deserializer=self.response.FromString)

    def __call__(self, request=None, **fields):
        return self._call(request or self.request(**fields), timeout=DEADLINE_S)

    def failure(self, **fields):
        """The grpc.RpcError of a call that has to fail."""
        try:
            answer = self(**fields)
        except grpc.RpcError as error:
            return error
        raise AssertionError(f"it succeeded: {answer}")


class Client:
    """One plaintext connection and what was learned over it. Use as a context."""

    def __init__(self, address, package=V1ALPHA):
        self.channel = grpc.insecure_channel(
            address, options=[("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)])
        self.pool = descriptor_pool.DescriptorPool()
        self.files = {}  # name -> FileDescriptorProto, as the server sent it
        protocol = descriptor_pool.DescriptorPool()
        protocol.Add(protocol_file(package))
        self._request = message_class(protocol, f"{package}.ServerReflectionRequest")
        response = message_class(protocol, f"{package}.ServerReflectionResponse")
        self._info = self.channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            request_serializer=self._request.SerializeToString, response_deserializer=response.FromString)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.channel.close()

    def ask_all(self, *questions):
        """The answers to several questions, each {field: value}, over one stream."""
        requests = [self._request(**question) for question in questions]
        answers = list(self._info(iter(requests), timeout=DEADLINE_S))
        assert len(answers) == len(requests)
        for request, answer in zip(requests, answers):
            assert answer.original_request == request
        return answers

    def ask(self, **question):
        """The answer to one question; NotFound where it is an error."""
        answer, = self.ask_all(question)
        if answer.WhichOneof("message_response") == "error_response":
            assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
            raise NotFound(str(question))
        return answer

    def services(self):
        """Names of all services."""
        return [service.name for service in self.ask(list_services="*").list_services_response.service]

    def file_of(self, symbol):
        """The file that defines a symbol; it and all that it imports are known to the pool afterwards."""
        return self._learn(self.ask(file_containing_symbol=symbol))

    def message(self, name):
        """The Python class of a message, by its full name."""
        self.file_of(name)
        return message_class(self.pool, name)

    def method(self, service, name):
        """A method of a service, to be called."""
        file = self.file_of(service)
        for candidate in file.service:
            if f"{file.package}.{candidate.name}" == service:
                for method in candidate.method:
                    if method.name == name:
                        return Method(self, service, method)
        raise NotFound(f"{service}/{name}")

    def _learn(self, answer):
        file = None
        for text in reversed(answer.file_descriptor_response.file_descriptor_proto):
            file = descriptor_pb2.FileDescriptorProto.FromString(text)  # the asked one is the first
            if file.name in self.files:
                continue
            for imported in file.dependency:
                if imported not in self.files:
                    self._learn(self.ask(file_by_filename=imported))
            self.pool.Add(file)
            self.files[file.name] = file
        return file


def details(client, error):
    """What a failed call says beside code and message: {full name of the type: message}."""
    known = dict(error.trailing_metadata() or ())
    status = client.message("google.rpc.Status").FromString(known["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    client.file_of("google.rpc.ErrorInfo")
    return {name: message_class(client.pool, name).FromString(detail.value)
            for detail in status.details for name in [detail.type_url.removeprefix("type.googleapis.com/")]}
