/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_KINDS_H
#define KOUPLELESS_CLI_KINDS_H

#include <protobuf-c/protobuf-c.h>

#include "lib/base/json.h"
#include "lib/model/kind.h"

/* A cell of a table: an owned string. @now_ms: wall time, for ages. */
typedef char *(*column_fn)(const cJSON *object, int64_t now_ms);

struct kind_column {
    const char *title; /* NULL ends the list */
    const char *path;  /* dotted path of the value, where there is no function */
    column_fn value;
    bool wide; /* with -o wide only */
};

/*
 * The kinds that the public API serves, and its calls for each. Where a call is NULL the API has none;
 * revisions (ModuleReplicaSets) have none of these: they are listed per ModuleDeployment.
 */
struct cli_kind {
    enum object_kind kind;
    const char *singular; /* as printed before a name: "moduledeployment" */
    const ProtobufCServiceDescriptor *service;
    const char *list, *list_member;
    const char *get, *get_member;
    const char *watch, *watch_member;
    const char *remove;
    const struct kind_column *columns;
};

/** kind_parse() - what a user typed: any name or short name in any case; NULL with a cli_usage() error naming the nearest. */
const struct cli_kind *kind_parse(const char *name, struct err **err);

/** kind_of() - the kinds that kind_parse() can return; NULL for others. */
const struct cli_kind *kind_of(enum object_kind kind);

/** kind_all() - all of them. */
const struct cli_kind *kind_all(size_t *ret_count);

#endif
