/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server reflection, v1 and v1alpha: the same messages under two package names, so one implementation
 * answers both and the v1 messages are packed and unpacked as v1alpha's.
 */
#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "lib/base/str.h"
#include "lib/rpc/rpc_internal.h"
#include "proto/proto_descriptors.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;
typedef Google__Protobuf__FileDescriptorProto FileProto;

struct reflection {
    Grpc__Reflection__V1__ServerReflection_Service v1;
    Grpc__Reflection__V1alpha__ServerReflection_Service v1alpha;
    Google__Protobuf__FileDescriptorSet *files;
    const struct map *methods; /* of the server */
};

/* -- finding the file -- */

static const FileProto *file_by_name(const struct reflection *reflection, const char *name)
{
    for (size_t i = 0; i < reflection->files->n_file; i++)
        if (str_eq(reflection->files->file[i]->name, name))
            return reflection->files->file[i];
    return NULL;
}

/*
 * What is left of @symbol behind "@name." or "@name"; NULL where it is something else. "" stands for
 * the thing itself.
 */
static const char *inside(const char *symbol, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(symbol, name, len) != 0)
        return NULL;
    if (!symbol[len])
        return symbol + len;
    return symbol[len] == '.' && symbol[len + 1] ? symbol + len + 1 : NULL;
}

/* The values of an enum belong to what the enum is in, beside it. */
static bool enums_hold(Google__Protobuf__EnumDescriptorProto *const *enums, size_t count,
                       const char *symbol)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(enums[i]->name, symbol))
            return true;
        for (size_t j = 0; j < enums[i]->n_value; j++)
            if (str_eq(enums[i]->value[j]->name, symbol))
                return true;
    }
    return false;
}

static bool service_holds(const Google__Protobuf__ServiceDescriptorProto *service,
                          const char *symbol)
{
    const char *method = inside(symbol, service->name);
    if (!method || !*method)
        return method != NULL;
    for (size_t i = 0; i < service->n_method; i++)
        if (str_eq(service->method[i]->name, method))
            return true;
    return false;
}

/* Messages nest as deep as our own protos do. */
static bool message_holds(const Google__Protobuf__DescriptorProto *message, const char *symbol)
{
    const char *member = inside(symbol, message->name);
    if (!member || !*member)
        return member != NULL;
    for (size_t i = 0; i < message->n_field; i++)
        if (str_eq(message->field[i]->name, member))
            return true;
    for (size_t i = 0; i < message->n_oneof_decl; i++)
        if (str_eq(message->oneof_decl[i]->name, member))
            return true;
    for (size_t i = 0; i < message->n_nested_type; i++)
        if (message_holds(message->nested_type[i], member))
            return true;
    return enums_hold(message->enum_type, message->n_enum_type, member);
}

static bool file_holds(const FileProto *file, const char *symbol)
{
    const char *name = str_empty(file->package) ? symbol : inside(symbol, file->package);
    if (str_empty(name)) /* a package is in many files */
        return false;
    for (size_t i = 0; i < file->n_service; i++)
        if (service_holds(file->service[i], name))
            return true;
    for (size_t i = 0; i < file->n_message_type; i++)
        if (message_holds(file->message_type[i], name))
            return true;
    return enums_hold(file->enum_type, file->n_enum_type, name);
}

static const FileProto *file_by_symbol(const struct reflection *reflection, const char *symbol)
{
    for (size_t i = 0; i < reflection->files->n_file; i++)
        if (file_holds(reflection->files->file[i], symbol))
            return reflection->files->file[i];
    return NULL;
}

/* -- answers -- */

struct answer {
    Response response;
    Grpc__Reflection__V1__FileDescriptorResponse file;
    ProtobufCBinaryData bytes;
    Grpc__Reflection__V1__ListServiceResponse list;
    Grpc__Reflection__V1__ServiceResponse *services;
    Grpc__Reflection__V1__ServiceResponse **service_pointers;
    Grpc__Reflection__V1__ErrorResponse error;
};

static void answer_file(struct answer *answer, const FileProto *file)
{
    if (!file) {
        grpc__reflection__v1__error_response__init(&answer->error);
        answer->error.error_code = GRPC_STATUS_NOT_FOUND;
        answer->error.error_message = (char *)(uintptr_t) "not found";
        answer->response.message_response_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
        answer->response.error_response = &answer->error;
        return;
    }
    answer->bytes.len = google__protobuf__file_descriptor_proto__get_packed_size(file);
    answer->bytes.data = mem_alloc(answer->bytes.len);
    google__protobuf__file_descriptor_proto__pack(file, answer->bytes.data);
    grpc__reflection__v1__file_descriptor_response__init(&answer->file);
    answer->file.n_file_descriptor_proto = 1;
    answer->file.file_descriptor_proto = &answer->bytes;
    answer->response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    answer->response.file_descriptor_response = &answer->file;
}

static void answer_services(struct answer *answer, const struct map *methods)
{
    grpc__reflection__v1__list_service_response__init(&answer->list);
    answer->services = mem_alloc(methods->len * sizeof(*answer->services));
    answer->service_pointers = mem_alloc(methods->len * sizeof(*answer->service_pointers));
    struct map seen = {0};
    for (size_t i = 0; i < methods->len; i++) {
        const struct rpc_method *method = methods->entries[i].value;
        const char *name = method->service->descriptor->name;
        if (map_put(&seen, name, &seen))
            continue;
        size_t n = answer->list.n_service++;
        grpc__reflection__v1__service_response__init(&answer->services[n]);
        answer->services[n].name = (char *)(uintptr_t)name;
        answer->service_pointers[n] = &answer->services[n];
    }
    map_done(&seen);
    answer->list.service = answer->service_pointers;
    answer->response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    answer->response.list_services_response = &answer->list;
}

static void make_answer(const struct reflection *reflection, const Request *request,
                        struct answer *answer)
{
    *answer = (struct answer){0};
    grpc__reflection__v1__server_reflection_response__init(&answer->response);
    answer->response.original_request = (Request *)(uintptr_t)request;
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        answer_file(answer, file_by_name(reflection, request->file_by_filename));
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        answer_file(answer, file_by_symbol(reflection, request->file_containing_symbol));
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        answer_services(answer, reflection->methods);
        break;
    default: /* extensions: proto3 has none */
        answer_file(answer, NULL);
        break;
    }
}

static void free_answer(struct answer *answer)
{
    mem_free(answer->bytes.data);
    mem_free(answer->services);
    mem_free(answer->service_pointers);
}

static void info_v1(Grpc__Reflection__V1__ServerReflection_Service *service, const Request *request,
                    Grpc__Reflection__V1__ServerReflectionResponse_Closure closure, void *call)
{
    struct answer answer;
    make_answer(CONTAINER_OF(service, struct reflection, v1), request, &answer);
    closure(&answer.response, call);
    free_answer(&answer);
}

/* The same bytes read as the other package's type: the messages are identical. */
static ProtobufCMessage *reread(const ProtobufCMessage *message,
                                const ProtobufCMessageDescriptor *type)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    AUTO_FREE uint8_t *bytes = mem_alloc(len);
    protobuf_c_message_pack(message, bytes);
    return protobuf_c_message_unpack(type, NULL, len, bytes);
}

static void info_v1alpha(Grpc__Reflection__V1alpha__ServerReflection_Service *service,
                         const Grpc__Reflection__V1alpha__ServerReflectionRequest *request,
                         Grpc__Reflection__V1alpha__ServerReflectionResponse_Closure closure,
                         void *call)
{
    struct answer answer;
    ProtobufCMessage *same =
        reread(&request->base, &grpc__reflection__v1__server_reflection_request__descriptor);
    make_answer(CONTAINER_OF(service, struct reflection, v1alpha),
                (const Request *)(const void *)same, &answer);
    ProtobufCMessage *response = reread(
        &answer.response.base, &grpc__reflection__v1alpha__server_reflection_response__descriptor);
    closure((const Grpc__Reflection__V1alpha__ServerReflectionResponse *)(const void *)response,
            call);
    protobuf_c_message_free_unpacked(response, NULL);
    protobuf_c_message_free_unpacked(same, NULL);
    free_answer(&answer);
}

struct reflection *reflection_new(const struct map *methods)
{
    struct reflection *reflection = NEW(struct reflection);
    reflection->methods = methods;
    reflection->files = google__protobuf__file_descriptor_set__unpack(
        NULL, proto_descriptor_set_size(), proto_descriptor_set);
    grpc__reflection__v1__server_reflection__init(&reflection->v1, NULL);
    grpc__reflection__v1alpha__server_reflection__init(&reflection->v1alpha, NULL);
    reflection->v1.server_reflection_info = info_v1;
    reflection->v1alpha.server_reflection_info = info_v1alpha;
    return reflection;
}

void reflection_free(struct reflection *reflection)
{
    if (!reflection)
        return;
    google__protobuf__file_descriptor_set__free_unpacked(reflection->files, NULL);
    mem_free(reflection);
}

ProtobufCService *reflection_service_v1(struct reflection *reflection)
{
    return &reflection->v1.base;
}

ProtobufCService *reflection_service_v1alpha(struct reflection *reflection)
{
    return &reflection->v1alpha.base;
}
