/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_CLI_H
#define KOUPLELESS_CLI_CLI_H

#include "clients/cli/kinds.h"
#include "lib/base/json.h"
#include "lib/base/options.h"
#include "lib/rpc/client.h"
#include "lib/service/service.h"

/* Options of all commands; they may stand before or after the command. */
struct cli_options {
    struct service_options identity; /* TLS files and insecure only */
    char *server, *namespace, *output, *config;
};

extern const struct option_spec cli_option_specs[];

/* How objects are printed. */
enum output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME };

/* One run of the program. */
struct cli {
    const char *program; /* "koupleless", or "kubectl koupleless" */
    const struct cli_options *options;
    enum output output;
    const char *namespace; /* never empty; "*" = all */
    bool namespace_given;
    const char *address;       /* of who is asked */
    struct rpc_client *client; /* NULL until something is asked */
    struct rpc_channel *channel;
};

/** cli_program() - the name that the program goes by, of argv[0]: as a plugin of kubectl it has another. */
const char *cli_program(const char *argv0);

/** cli_init() - checks the common options; connects to nothing. @options is borrowed. */
int cli_init(struct cli *cli, const char *program, const struct cli_options *options,
             struct err **err);
void cli_done(struct cli *cli);

/** cli_usage() - an error of usage: exit 2. Return: -1. */
int cli_usage(struct err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** cli_report() - prints @err as one line on stderr. Return: the exit code. */
int cli_report(const char *program, const struct err *err);

/** cli_check_name() - all namespaces and the name of one object don't go together. */
int cli_check_name(const struct cli *cli, struct err **err);

/** cli_name_server() - says in an error that the server is away, which one that is. */
void cli_name_server(const struct cli *cli, struct err **err);

/** cli_connect() - a channel to @address (@option is the option that gave it); refuses plaintext that was not asked for. */
int cli_connect(struct cli *cli, const char *option, const char *address, struct err **err);

/**
 * cli_call() - one call, its request and its response as JSON
 * @request: consumed; members that the method does not know are an error
 * @deadline_ms: from now; 0 = none
 * @ret_response: owned; may be NULL where nobody wants it
 */
int cli_call_on(struct cli *cli, const ProtobufCServiceDescriptor *service, const char *method,
                cJSON *request, int64_t deadline_ms, cJSON **ret_response, struct err **err);

/** cli_call() - the same with the controller, and a deadline that suits its calls. */
int cli_call(struct cli *cli, const ProtobufCServiceDescriptor *service, const char *method,
             cJSON *request, cJSON **ret_response, struct err **err);

/**
 * cli_stream_on() - a call with many answers, until it ends or @fn has enough
 * @request: consumed
 * @fn: gets each answer, on the client's thread; false: enough
 * Return: 0 where @fn had enough; else -1, also where the server just ended it
 */
int cli_stream_on(struct cli *cli, const ProtobufCServiceDescriptor *service, const char *method,
                  cJSON *request, bool (*fn)(void *user, const cJSON *answer), void *user,
                  struct err **err);

/** cli_request() - a new request about the object @name (may be NULL) of the namespace in use. Owned. */
cJSON *cli_request(const struct cli *cli, const char *name);

#endif
