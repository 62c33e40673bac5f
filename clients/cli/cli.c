/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that the commands handle is JSON: requests and responses go through the protobuf
 * descriptors, so a command names a method and members, and no generated struct.
 */
#include "clients/cli/cli.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/model/protojson.h"

#define CALL_DEADLINE_MS 30000
#define REASON_USAGE "USAGE"
#define PLUGIN_NAME "kubectl-koupleless"

const struct option_spec cli_option_specs[] = {
    {.name = "server",
     .type = OPTION_STRING,
     .offset = offsetof(struct cli_options, server),
     .fallback = "127.0.0.1:9090",
     .value = "HOST:PORT",
     .help = "the controller"},
    {.name = "namespace",
     .short_name = 'n',
     .type = OPTION_STRING,
     .offset = offsetof(struct cli_options, namespace),
     .value = "NS",
     .help = "of the objects, \"*\" = all where lists are asked for (default default)"},
    {.name = "output",
     .short_name = 'o',
     .type = OPTION_STRING,
     .offset = offsetof(struct cli_options, output),
     .value = "FORMAT",
     .help = "table, wide, json, yaml or name"},
    {.name = "tls-cert",
     .type = OPTION_STRING,
     .offset = offsetof(struct cli_options, identity.tls_cert),
     .value = "FILE",
     .help = "client certificate, PEM"},
    {.name = "tls-key",
     .type = OPTION_STRING,
     .offset = offsetof(struct cli_options, identity.tls_key),
     .value = "FILE",
     .help = "its private key, PEM"},
    {.name = "tls-ca",
     .type = OPTION_STRING,
     .offset = offsetof(struct cli_options, identity.tls_ca),
     .value = "FILE",
     .help = "CA that the certificate of the server must come from, PEM"},
    {.name = "insecure",
     .type = OPTION_COUNT,
     .offset = offsetof(struct cli_options, identity.insecure),
     .help = "plaintext to a loopback address; given twice: to any address"},
    {.name = "config",
     .type = OPTION_STRING,
     .offset = offsetof(struct cli_options, config),
     .value = "FILE",
     .help = "YAML file with these options as keys; KOUPLELESS_CONFIG is for services, not read"},
    {.name = NULL},
};

const char *cli_program(const char *argv0)
{
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
    const char *base = slash ? slash + 1 : argv0;
    return str_eq(base, PLUGIN_NAME) ? "kubectl koupleless" : "koupleless";
}

/* -- errors -- */

int cli_usage(struct err **err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *message = mem_vprintf(fmt, args);
    va_end(args);
    err_set(err, ERR_INVALID, "%s", message);
    return err_reason(err, REASON_USAGE);
}

int cli_report(const char *program, const struct err *err)
{
    AUTO_FREE char *line = mem_strdup(err ? err->message : "failed");
    for (char *p = line; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    fprintf(stderr, "%s: %s\n", program, line);
    return err && str_eq(err->reason, REASON_USAGE) ? 2 : 1;
}

/* -- life -- */

static int parse_output(const char *text, enum output *ret, struct err **err)
{
    static const char *const names[] = {
        [OUTPUT_TABLE] = "table", [OUTPUT_WIDE] = "wide", [OUTPUT_JSON] = "json",
        [OUTPUT_YAML] = "yaml",   [OUTPUT_NAME] = "name",
    };
    *ret = OUTPUT_TABLE;
    if (str_empty(text))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(text, names[i])) {
            *ret = (enum output)i;
            return 0;
        }
    }
    return cli_usage(err, "--output: must be table, wide, json, yaml or name, not \"%.100s\"",
                     text);
}

int cli_init(struct cli *cli, const char *program, const struct cli_options *options,
             struct err **err)
{
    *cli = (struct cli){
        .program = program,
        .options = options,
        .namespace = str_empty(options->namespace) ? "default" : options->namespace,
        .namespace_given = !str_empty(options->namespace),
    };
    if (!options->identity.tls_cert != !options->identity.tls_key)
        return cli_usage(err, "--tls-cert and --tls-key are required together");
    return parse_output(options->output, &cli->output, err);
}

void cli_done(struct cli *cli)
{
    if (!cli->client)
        return;
    rpc_channel_free(cli->channel);
    rpc_client_free(cli->client);
    rpc_shutdown();
}

int cli_check_name(const struct cli *cli, struct err **err)
{
    if (!str_eq(cli->namespace, "*"))
        return 0;
    return cli_usage(err, "a name is one of a namespace: name it with -n");
}

/* -- calls -- */

static bool has_port(const char *address)
{
    const char *colon = strrchr(address, ':');
    int64_t port;
    return colon && colon > address && str_parse_int64(colon + 1, 1, UINT16_MAX, &port);
}

int cli_connect(struct cli *cli, const char *option, const char *address, struct err **err)
{
    struct rpc_tls tls = service_tls(&cli->options->identity);
    if (cli->client)
        return 0;
    if (!has_port(address))
        return cli_usage(err, "--%s: must be HOST:PORT, not \"%.100s\"", option, address);
    if (service_check_plaintext(&cli->options->identity, option, address, err) < 0)
        return err_reason(err, REASON_USAGE);
    rpc_init();
    cli->address = address;
    cli->client = rpc_client_new();
    if (rpc_channel_new(&cli->channel, cli->client, address, &tls, err) < 0)
        return err_wrap(err, "--%s %s", option, address);
    return 0;
}

void cli_name_server(const struct cli *cli, struct err **err)
{
    if (err && *err && (*err)->code == ERR_UNAVAILABLE)
        err_wrap(err, "%s", cli->address);
}

static const ProtobufCMethodDescriptor *find_method(const ProtobufCServiceDescriptor *service,
                                                    const char *name, struct err **err)
{
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(service, name);
    if (!method)
        err_set(err, ERR_INTERNAL, "%s has no method %s", service->name, name);
    return method;
}

int cli_call_on(struct cli *cli, const ProtobufCServiceDescriptor *service, const char *method,
                cJSON *request, int64_t deadline_ms, cJSON **ret_response, struct err **err)
{
    AUTO_JSON cJSON *json = request;
    struct rpc_options options = {.deadline_ms = deadline_ms};
    const ProtobufCMethodDescriptor *called = find_method(service, method, err);
    ProtobufCMessage *message =
        called ? protojson_read(called->input, json, JSON_UNKNOWN_REFUSE, err) : NULL;
    ProtobufCMessage *response = NULL;
    if (!message)
        return -1;
    int result = rpc_unary_wait(cli->channel, service, method, message, &options, &response, err);
    protobuf_c_message_free_unpacked(message, NULL);
    if (result == 0 && ret_response)
        *ret_response = protojson_write(response);
    if (result == 0)
        protobuf_c_message_free_unpacked(response, NULL);
    else
        cli_name_server(cli, err);
    return result;
}

/* -- streams -- */

struct stream {
    bool (*fn)(void *user, const cJSON *answer);
    void *user;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rpc_client_call *call; /* NULL until it has been begun */
    bool enough, ended;
    struct err *err;
};

static void on_answer(void *user, const ProtobufCMessage *message)
{
    struct stream *stream = user;
    AUTO_JSON cJSON *answer = protojson_write(message);
    if (stream->enough || stream->fn(stream->user, answer))
        return;
    pthread_mutex_lock(&stream->lock); /* held while the call begins */
    stream->enough = true;
    rpc_cancel(stream->call);
    pthread_mutex_unlock(&stream->lock);
}

static void on_stream_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct stream *stream = user;
    (void)response;
    pthread_mutex_lock(&stream->lock);
    stream->ended = true;
    stream->err = err_copy(err);
    pthread_cond_signal(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
}

int cli_stream_on(struct cli *cli, const ProtobufCServiceDescriptor *service, const char *method,
                  cJSON *request, bool (*fn)(void *user, const cJSON *answer), void *user,
                  struct err **err)
{
    AUTO_JSON cJSON *json = request;
    const ProtobufCMethodDescriptor *called = find_method(service, method, err);
    ProtobufCMessage *message =
        called ? protojson_read(called->input, json, JSON_UNKNOWN_REFUSE, err) : NULL;
    struct stream stream = {.fn = fn,
                            .user = user,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    struct rpc_options options = {0};
    if (!message)
        return -1;
    pthread_mutex_lock(&stream.lock);
    stream.call = rpc_stream(cli->channel, service, method, message, &options, on_answer,
                             on_stream_done, &stream);
    while (!stream.ended)
        pthread_cond_wait(&stream.changed, &stream.lock);
    pthread_mutex_unlock(&stream.lock);
    protobuf_c_message_free_unpacked(message, NULL);
    if (stream.enough) {
        err_free(stream.err);
        return 0;
    }
    if (!stream.err)
        err_set(&stream.err, ERR_UNAVAILABLE, "the server has ended the stream");
    err_move(err, stream.err);
    cli_name_server(cli, err);
    return -1;
}

int cli_call(struct cli *cli, const ProtobufCServiceDescriptor *service, const char *method,
             cJSON *request, cJSON **ret_response, struct err **err)
{
    bool named = json_get(request, "name") && str_eq(json_get_string(request, "namespace"), "*");
    if ((named && cli_check_name(cli, err) < 0) ||
        cli_connect(cli, "server", cli->options->server, err) < 0) {
        json_free(request);
        return -1;
    }
    return cli_call_on(cli, service, method, request, CALL_DEADLINE_MS, ret_response, err);
}

cJSON *cli_request(const struct cli *cli, const char *name)
{
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "namespace", cli->namespace);
    if (name)
        cJSON_AddStringToObject(request, "name", name);
    return request;
}
