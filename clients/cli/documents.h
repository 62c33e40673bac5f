/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_DOCUMENTS_H
#define KOUPLELESS_CLI_DOCUMENTS_H

#include "lib/base/json.h"
#include "lib/base/vec.h"
#include "lib/model/kind.h"

/*
 * Documents that users give: YAML or JSON, several per file, Lists taken apart. Each keeps where it
 * came from, so that every message names file, document and field.
 */
struct document {
    char *where; /* "app.yaml: document 2" */
    cJSON *json;
    enum object_kind kind;
};

struct documents {
    VEC(struct document) items;
};

/**
 * documents_read() - all documents of @path: a file, a folder (its .yaml, .yml and .json files in the
 * order of their names, not those of folders within), or "-" for stdin
 * @out: zeroed; documents_done() also after a failure
 * Return: 0, or -1 with ERR_INVALID, ERR_LIMIT, or ERR_NOT_FOUND where there is no document.
 */
int documents_read(const char *path, struct documents *out, struct err **err);

/** documents_parse() - the documents of one file's @text; @name is its name for messages. Pure. */
int documents_parse(const char *text, size_t len, const char *name, struct documents *out,
                    struct err **err);

/** document_fail() - puts where @document came from before the message. Return: -1. */
int document_fail(const struct document *document, struct err **err);

/**
 * document_deployment() - checks a ModuleDeployment by all rules of its fields, unknown ones included
 * @namespace: for an object that names none. @must: an object that names another is an error
 * Return: the object as ApplyModuleDeployment takes it: canonical, without status, and only with those
 * of replicas, pause and confirmBatchNum that were given. Owned; NULL with @err.
 */
cJSON *document_deployment(const struct document *document, const char *namespace, bool must,
                           struct err **err);

void documents_done(struct documents *documents);

#define AUTO_DOCUMENTS AUTO(documents_done)

#endif
