/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_MODEL_INTERNAL_H
#define KOUPLELESS_MODEL_MODEL_INTERNAL_H

#include "lib/model/module_deployment.h"

/* What the files of lib/model share among themselves. */

/* An object of the JSON whose fields stand in the very struct of the table that holds the row. */
#define MODEL_FIELD_SAME(k, tab, f)                                                                \
    {                                                                                              \
        .key = (k), .type = JSON_OBJECT, .offset = 0, .flags = (f), .table = (tab)                 \
    }

/* "template": metadata and spec of a struct module_template_spec. */
extern const struct json_field model__template_body_fields[];

/* How an object of one kind is laid out. */
struct object_layout {
    enum object_kind kind;
    const struct json_field *fields;
    size_t size;
};

/**
 * object__read() - a zeroed object filled from @json; apiVersion and kind are checked where given, and
 * the name of the object (a DNS-1123 subdomain)
 * Return: owned, object__free(); NULL with ERR_INVALID and err->field.
 */
void *object__read(const struct object_layout *layout, const cJSON *json, enum json_unknown unknown,
                   struct err **err);

/** object__write() - the tree of @object, apiVersion and kind first. */
cJSON *object__write(const struct object_layout *layout, const void *object);

/** object__free() - @object may be NULL. */
void object__free(const struct object_layout *layout, void *object);

/**
 * enum__find() - index of @text among the @count @names, whatever its case and with or without '_' and
 * '-' (install_then_uninstall), or -1
 */
int enum__find(const char *const *names, size_t count, const char *text);

/**
 * enum__read() - the same, with *@text replaced by the canonical spelling; NULL and "" give the first
 * Return: the index, or -1 with ERR_INVALID about @field, which lists what is allowed.
 */
int enum__read(const char *const *names, size_t count, char **text, const char *field,
               struct err **err);

/** enum__to_write() - what is written for @value: its name, or NULL where it was never set (owned). */
char *enum__to_write(const char *const *names, int value, const char *given);

/**
 * module_deployment__finish() - fills defaults, normalises aliases and enums, and checks the rules of
 * the fields of what json_read() filled
 * Return: 0, or -1 with ERR_INVALID and err->field.
 */
int module_deployment__finish(struct module_deployment *md, struct err **err);

/**
 * module_deployment__drop_defaults() - zeroes what was filled in and not given, so that it is not
 * written: a default must stay one when the document comes back (an update leaves replicas as they are)
 */
void module_deployment__drop_defaults(struct module_deployment_spec *spec);

extern const char *const model__upgrade_policies[];
extern const size_t model__upgrade_policies_count;
extern const char *const model__scheduling_policies[];
extern const size_t model__scheduling_policies_count;

#endif
