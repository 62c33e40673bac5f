/* SPDX-License-Identifier: Apache-2.0 */
#include "google/protobuf/descriptor.pb-c.h"
#include "lib/base/str.h"
#include "lib/rpc/rpc_internal.h"
#include "proto/proto_descriptors.h"

typedef Google__Protobuf__MethodDescriptorProto MethodProto;
typedef Google__Protobuf__FileDescriptorProto FileProto;

/* protobuf-c's descriptors don't say what streams; the embedded descriptor set does. */
static const MethodProto *find_method(const FileProto *file, const char *service,
                                      const char *method)
{
    for (size_t s = 0; s < file->n_service; s++) {
        AUTO_FREE char *name = mem_printf("%s.%s", file->package, file->service[s]->name);
        for (size_t m = 0; str_eq(name, service) && m < file->service[s]->n_method; m++)
            if (str_eq(file->service[s]->method[m]->name, method))
                return file->service[s]->method[m];
    }
    return NULL;
}

static void add_method(struct map *methods, ProtobufCService *service, unsigned index,
                       const Google__Protobuf__FileDescriptorSet *files)
{
    const ProtobufCMethodDescriptor *descriptor = &service->descriptor->methods[index];
    struct rpc_method *method = NEW(struct rpc_method);
    *method = (struct rpc_method){.service = service, .index = index, .input = descriptor->input};
    for (size_t i = 0; i < files->n_file; i++) {
        const MethodProto *found =
            find_method(files->file[i], service->descriptor->name, descriptor->name);
        if (found) {
            method->client_stream = found->client_streaming;
            method->server_stream = found->server_streaming;
        }
    }
    AUTO_FREE char *path = mem_printf("/%s/%s", service->descriptor->name, descriptor->name);
    mem_free(map_put(methods, path, method));
}

/* protobuf-c keeps a service's handlers, in the order of its methods, behind the ProtobufCService. */
static bool has_handler(const ProtobufCService *service, unsigned index)
{
    void (*const *handlers)(void) = (void (*const *)(void))(const void *)(service + 1);
    return handlers[index] != NULL;
}

void rpc_methods_add(struct map *methods, ProtobufCService *service)
{
    Google__Protobuf__FileDescriptorSet *files = google__protobuf__file_descriptor_set__unpack(
        NULL, proto_descriptor_set_size(), proto_descriptor_set);
    for (unsigned i = 0; i < service->descriptor->n_methods; i++)
        if (has_handler(service, i))
            add_method(methods, service, i, files);
    google__protobuf__file_descriptor_set__free_unpacked(files, NULL);
}

void rpc_methods_free(struct map *methods)
{
    for (size_t i = 0; i < methods->len; i++)
        mem_free(methods->entries[i].value);
    map_done(methods);
}
