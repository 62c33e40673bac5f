/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_MODULE_H
#define KOUPLELESS_MODEL_MODULE_H

#include "lib/model/module_deployment.h"
#include "lib/model/object.h"

/* Module: one instance of one revision on one base. Base: where instances run. Event: what happened. */

/*
 *   Pending -> Prepare -> Upgrading -> Completing -> Available <-> Unavailable
 *                            |  ^                        |
 *                            v  | backoff                v
 *                          Failed                    Terminating
 */
#define MODULE_PHASE_MAP(X)                                                                        \
    X(MODULE_PENDING, "Pending")       /* created, its base is not ready */                        \
    X(MODULE_PREPARE, "Prepare")       /* jar on its way */                                        \
    X(MODULE_UPGRADING, "Upgrading")   /* install runs */                                          \
    X(MODULE_COMPLETING, "Completing") /* installed, not healthy yet */                            \
    X(MODULE_AVAILABLE, "Available")                                                               \
    X(MODULE_UNAVAILABLE, "Unavailable") /* was Available; base away or restarted, module sick */  \
    X(MODULE_FAILED, "Failed")           /* the last attempt failed; tried again with backoff */   \
    X(MODULE_TERMINATING, "Terminating")

enum module_phase {
#define X(id, name) id,
    MODULE_PHASE_MAP(X)
#undef X
};

/* How an instance takes the place of an old one (see the engine's upgrade.h). */
#define UPGRADE_WAY_MAP(X)                                                                         \
    X(WAY_NONE, "")                   /* first install or scale up: replaces nothing */            \
    X(WAY_SIDE_BY_SIDE, "SideBySide") /* same base, beside the old one, then switch */             \
    X(WAY_OTHER_BASE, "OtherBase")    /* another base, then the old one goes */                    \
    X(WAY_IN_PLACE, "InPlace")        /* same base, old out and new in as one operation */

enum upgrade_way {
#define X(id, name) id,
    UPGRADE_WAY_MAP(X)
#undef X
};

struct module_instance_spec {
    struct module_spec module;
    char *base_name; /* Base or Pod of the namespace */
    char *base_uid;
    char *replaces; /* Module that goes when this one is Available, or NULL */
    char *upgrade_way_name;
    enum upgrade_way upgrade_way;
    char *
        upgrade_way_reason; /* why not a better one: WebPathInUse, SameVersion, BaseUnfit, NoCapacity, UpgradePolicy; or NULL */
};

struct module_instance_status {
    char *phase_name; /* "status" in JSON */
    enum module_phase phase;
    char *reason, *message;
    int64_t last_transition_ms;
    int32_t install_duration_ms;
    int32_t attempts; /* failed installs in a row */
    char *digest;     /* sha256 of the installed jar */
};

struct module {
    struct object_meta
        meta; /* owners: ModuleReplicaSet (controller), Base; name <rs>-<hash of base uid> */
    struct module_instance_spec spec;
    struct module_instance_status status;
};

struct base_spec {
    char *deployment; /* base Deployment it belongs to */
    char *ip;
    char *agent_address; /* host:port of its agent */
    char *node, *zone;
    int32_t max_module_count; /* -1 = unlimited, 0 = none */
    bool max_module_count_set;
};

struct base_status {
    char *phase; /* Ready, NotReady, Gone */
    char *reason, *message;
    char *boot_id;           /* changes when the base's JVM starts anew */
    bool metaspace_full;     /* it takes no new modules ... */
    char *metaspace_message; /* ... and why; or NULL */
    int64_t last_transition_ms;
};

struct base {
    struct object_meta meta;
    struct base_spec spec;
    struct base_status status;
};

struct event_record {
    struct object_meta meta;
    char *involved_kind, *involved_name, *involved_uid;
    char *type; /* Normal, Warning */
    char *reason, *message;
    int32_t count;
    int64_t first_ms, last_ms;
};

extern const struct json_field module_fields[];
extern const struct json_field base_fields[];
extern const struct json_field event_record_fields[];

struct module *module_read(const cJSON *json, struct err **err);
cJSON *module_write(const struct module *module);
void module_free(struct module *module);

struct base *base_read(const cJSON *json, struct err **err);
cJSON *base_write(const struct base *base);
void base_free(struct base *base);

struct event_record *event_record_read(const cJSON *json, struct err **err);
cJSON *event_record_write(const struct event_record *event);
void event_record_free(struct event_record *event);

const char *module_phase_name(enum module_phase phase);
bool module_phase_parse(const char *name, enum module_phase *ret);
const char *upgrade_way_name(enum upgrade_way way);

/** module_spec_check() - rules of the fields of one module. @path: "spec.template.spec.module". */
int module_spec_check(const struct module_spec *module, const char *path, struct err **err);

/** module_same_version() - whether name and version are the same: a base has one of them. */
bool module_same_version(const struct module_spec *a, const struct module_spec *b);

/**
 * module_instance_name() - "<rs>-<hash of base uid>": the same for the same place, so a repeated create meets
 * AlreadyExists. Owned.
 */
char *module_instance_name(const char *rs_name, const char *base_uid);

#endif
