/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_MODULE_DEPLOYMENT_H
#define KOUPLELESS_MODEL_MODULE_DEPLOYMENT_H

#include "lib/model/object.h"

/*
 * ModuleDeployment, ModuleReplicaSet and ModuleTemplate: what is wanted, and how it is brought there.
 */

#define REPLICAS_SYMMETRIC (-1) /* one instance on every eligible base (requirement 5.10) */

struct module_spec {
    char *name;         /* DNS-1123 label; Ark-Biz-Name of the jar */
    char *version;      /* Ark-Biz-Version of the jar */
    char *url;          /* http, https or file */
    char *md5, *sha256; /* hex; NULL = not checked */
    char *type;
};

/* Metadata of a template; kept, and but for the restart stamp not used. */
struct template_meta {
    struct json_map labels, annotations;
};

struct module_template_spec {
    struct module_spec module;
    struct json_map base_selector; /* labels a base must have to run this revision */
    struct template_meta meta;     /* JSON has it beside "spec", not within */
};

#define UPGRADE_POLICY_MAP(X)                                                                      \
    X(UPGRADE_INSTALL_THEN_UNINSTALL, "installThenUninstall")                                      \
    X(UPGRADE_UNINSTALL_THEN_INSTALL, "uninstallThenInstall")                                      \
    X(UPGRADE_SCALE_UP_THEN_SCALE_DOWN, "scaleUpThenScaleDown")

enum upgrade_policy {
#define X(id, name) id,
    UPGRADE_POLICY_MAP(X)
#undef X
};

enum scheduling_policy { SCHEDULE_SCATTER, SCHEDULE_STACKING };

struct service_strategy {
    bool enable_module_service;
    int32_t port, target_port;
};

struct operation_strategy {
    int32_t batch_count; /* >= 1; 0 is read as 1 */
    bool use_beta, need_confirm;
    int32_t gray_time_seconds;
    char *upgrade_policy_name; /* as normalised by the parser: one of UPGRADE_POLICY_MAP */
    enum upgrade_policy upgrade_policy;
    struct service_strategy service;
    int32_t drain_seconds;
    bool drain_seconds_set;
    bool rollback_on_failure;
    struct int_or_percent max_unavailable; /* merged into the deployment's by the parser */
};

struct module_deployment_spec {
    char *base_deployment_name;
    struct module_template_spec template;
    bool template_set;
    char *template_ref; /* name of a ModuleTemplate, or NULL */
    int32_t replicas;   /* -1, or >= 0; default 1 */
    bool replicas_set;
    int32_t scale_replicas; /* replicas as the scale subresource reads and writes it; >= 0 */
    bool scale_replicas_set;
    bool pause, pause_set;
    int32_t confirm_batch_num; /* 0 = none */
    struct int_or_percent max_unavailable;
    struct operation_strategy strategy;
    char *scheduling_policy_name;
    enum scheduling_policy scheduling_policy;
    int32_t min_ready_seconds;
    int32_t revision_history_limit;
    bool revision_history_limit_set;
    int32_t progress_deadline_seconds;
    bool progress_deadline_seconds_set;
};

#define RELEASE_PROGRESS_MAP(X)                                                                    \
    X(PROGRESS_INIT, "Init")                                                                       \
    X(PROGRESS_EXECUTING, "Executing")                                                             \
    X(PROGRESS_PAUSED, "Paused")                                                                   \
    X(PROGRESS_COMPLETED, "Completed")                                                             \
    X(PROGRESS_ABORTED, "Aborted")                                                                 \
    X(PROGRESS_TERMINATING, "Terminating")                                                         \
    X(PROGRESS_TERMINATED, "Terminated")

enum release_progress {
#define X(id, name) id,
    RELEASE_PROGRESS_MAP(X)
#undef X
};

#define REASON_WAITING_FOR_CONFIRMATION "WaitingForConfirmation"
#define REASON_GRAY_TIME "GrayTime"
#define REASON_PAUSED_BY_USER "PausedByUser"
#define REASON_PROGRESS_DEADLINE_EXCEEDED "ProgressDeadlineExceeded"
#define REASON_ROLLED_BACK "RolledBack"

/*
 * What can't be derived from the objects. The target that the release was planned for stands here
 * too, so that an edit is noticed whenever it was made.
 */
struct release_status {
    char *progress_name;
    enum release_progress progress;
    char *reason, *message;
    char *update_revision; /* name of the ModuleReplicaSet being released */
    char *
        stable_revision; /* name of the one whose release was the last to be Completed, before this one */
    char *
        failed_revision; /* name of the one that is asked for and has failed: update_revision is in its place; or NULL */
    int32_t current_batch; /* from 1; 0 = no release yet */
    int32_t real_batch_count;
    char *
        batch_progress; /* of the current batch: Executing, Completed, or Passed: its gate is behind it */
    int32_t original_delta_replicas;   /* instances to change when the release began */
    int32_t original_updated_replicas; /* instances of the update revision wanted when it began */
    int32_t target_replicas;           /* spec.replicas that it was planned for (-1 stays -1) */
    int32_t planned_batch_count;       /* operationStrategy.batchCount that it was planned for */
    bool planned_use_beta;
    int64_t last_transition_ms; /* wall ms of the last change of progress, reason or batch */
    int64_t next_reconcile_ms;  /* wall ms when gray time or minReadySeconds end; 0 = none */
};

struct module_deployment_status {
    int64_t observed_generation;
    int32_t replicas, updated_replicas, ready_replicas, available_replicas, unavailable_replicas;
    int32_t updated_ready_replicas, updated_available_replicas;
    char *label_selector;
    struct json_array conditions; /* struct condition */
    struct release_status release;
};

struct module_deployment {
    struct object_meta meta;
    struct module_deployment_spec spec;
    struct module_deployment_status status;
};

struct module_replicaset_spec {
    char *base_deployment_name;
    struct module_template_spec template;
    int32_t replicas; /* instances wanted now; >= 0 */
};

struct module_replicaset_status {
    int32_t replicas, available_replicas;
};

struct module_replicaset {
    struct object_meta meta; /* owner: the ModuleDeployment; name <md>-<template hash> */
    struct module_replicaset_spec spec;
    struct module_replicaset_status status;
};

struct module_template {
    struct object_meta meta;
    struct module_template_spec spec;
};

extern const struct json_field module_spec_fields[];
extern const struct json_field module_template_spec_fields[];
extern const struct json_field module_deployment_fields[];
extern const struct json_field module_replicaset_fields[];
extern const struct json_field module_template_fields[];

/**
 * module_deployment_read() - a ModuleDeployment from its JSON, defaults filled, aliases and any-case
 * enums normalised, all rules of the fields checked
 * @unknown: JSON_UNKNOWN_REFUSE for what users give: unknown fields are errors too
 *
 * operationStrategy.maxUnavailable moves into spec.maxUnavailable; where both are given and differ,
 * that is an error. A name of a state in the status that is not known is read as the first one:
 * the status is derived, and written anew.
 * Return:  owned, module_deployment_free(); NULL with ERR_INVALID and err->field.
 */
struct module_deployment *module_deployment_read(const cJSON *json, enum json_unknown unknown,
                                                 struct err **err);
cJSON *module_deployment_write(
    const struct module_deployment *md); /* canonical spelling, with apiVersion and kind */
void module_deployment_free(struct module_deployment *md);
void module_deployment_free_slot(struct module_deployment **md);

struct module_replicaset *module_replicaset_read(const cJSON *json, struct err **err);
cJSON *module_replicaset_write(const struct module_replicaset *rs);
void module_replicaset_free(struct module_replicaset *rs);
void module_replicaset_free_slot(struct module_replicaset **rs);

/**
 * module_template_read() - also the original's shape, where `template` stands in place of `spec` and holds metadata and spec
 *
 * A restart stamp among the object's own annotations is the template's.
 */
struct module_template *module_template_read(const cJSON *json, enum json_unknown unknown,
                                             struct err **err);
cJSON *module_template_write(const struct module_template *template);
void module_template_free(struct module_template *template);

/** module_spec_copy() - deep; @to is empty before. json_release() by module_spec_fields. */
void module_spec_copy(struct module_spec *to, const struct module_spec *from);

/** module_template_spec_copy() - deep, of what a revision keeps: module, selector, restart stamp; @to is empty before. */
void module_template_spec_copy(struct module_template_spec *to,
                               const struct module_template_spec *from);

const char *upgrade_policy_name(enum upgrade_policy policy);
const char *release_progress_name(enum release_progress progress);
bool release_progress_parse(const char *name, enum release_progress *ret);

/**
 * template_restart() - the restart stamp of @template (ANNOTATION_RESTARTED_AT); borrowed, NULL where there is none
 *
 * Another stamp makes another revision of what else is the same, so that it is installed again in batches.
 */
const char *template_restart(const struct module_template_spec *template);

/**
 * template_hash() - 10 letters of name, version, md5, sha256, base selector, restart stamp and @also (may be NULL):
 * what else makes a revision
 *
 * Not the url: a new url alone is no release (requirement 3.1). The same on every machine and in every
 * version of the program: names of ModuleReplicaSets hold it. Owned.
 */
char *template_hash(const struct module_template_spec *template, const char *also);

/** revision_number() - of a ModuleReplicaSet, from its label; 0 where that is none. */
int32_t revision_number(const struct module_replicaset *rs);

#endif
