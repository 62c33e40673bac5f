/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_ARKLET_ANSWER_H
#define KOUPLELESS_AGENT_ENGINE_ARKLET_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/vec.h"

/*
 * What Arklet answers. Its HTTP status says nothing; the envelope's `code` does, then `data.code`.
 * States come in lower or upper case, by version. Source: koupleless/runtime 1.4.2 and 2.1.6.
 */
enum arklet_code {
    ARKLET_SUCCESS,
    ARKLET_FAILED,
    ARKLET_CMD_NOT_FOUND,
    ARKLET_INTERNAL_ERROR, /* also any code that is not known */
};

/* Answer to a command that works on one module. Strings are owned; arklet_answer_done(). */
struct arklet_answer {
    enum arklet_code code;
    char *data_code; /* "REPEAT_BIZ", "NOT_FOUND_BIZ", "ILLEGAL_STATE_BIZ" or NULL */
    char *message;   /* data.message, else the envelope's; "" where there is none */
    char *cause;     /* last "Caused by: ..." of the stack trace, without these words; or NULL */
    bool metaspace_full; /* OutOfMemoryError: Metaspace anywhere */
    char *identity;      /* name:version of the module that was really installed, or NULL */
    int64_t metaspace_bytes;
};

/** arklet_answer_parse() - @body of @len bytes. Return: 0, or -1 with ERR_DATA_LOSS where it is no envelope. */
int arklet_answer_parse(const char *body, size_t len, struct arklet_answer *out, struct err **err);
void arklet_answer_done(struct arklet_answer *answer);

enum biz_state { BIZ_RESOLVED, BIZ_ACTIVATED, BIZ_DEACTIVATED, BIZ_BROKEN };

/** biz_state_name() - "activated". */
const char *biz_state_name(enum biz_state state);

struct biz {
    char *name, *version;
    enum biz_state state;   /* unresolved and unknown states count as resolved: on the way */
    char *web_context_path; /* without slashes at its ends; "" where it has none */
};

/** biz_runs() - whether it has started and serves, or would where it is switched to. NULL: no. */
bool biz_runs(const struct biz *biz);

/* Modules on a base, in order of name and version; the base itself is not among them. */
struct biz_list {
    struct biz *items;
    size_t len, cap;
};

/**
 * biz_list_parse() - the answer to queryAllBiz. Fails as arklet_answer_parse(), or where `code` is no success or
 * there is no list.
 */
int biz_list_parse(const char *body, size_t len, struct biz_list *out, struct err **err);
void biz_list_done(struct biz_list *list);

/** biz_list_find() - the module, or NULL. */
const struct biz *biz_list_find(const struct biz_list *list, const char *name, const char *version);

/** biz_list_on_path() - a module that serves @path ("" is served by none), other than @name where that is given; or NULL. */
const struct biz *biz_list_on_path(const struct biz_list *list, const char *path,
                                   const char *except_name);

/** web_path_normal() - @path without slashes at its ends; owned; NULL gives "". */
char *web_path_normal(const char *path);

#define JVM_UNKNOWN (-1)

/* What the JVM of the base says of itself; JVM_UNKNOWN: it does not say. */
struct jvm_figures {
    int64_t uptime_s; /* always known */
    int64_t heap_used_bytes, heap_max_bytes;
    int64_t metaspace_used_bytes, metaspace_committed_bytes;
    int64_t metaspace_max_bytes; /* MaxMetaspaceSize; JVM_UNKNOWN also where there is no limit */
};

/**
 * jvm_figures_parse() - the answer to health with metric jvm
 *
 * ERR_DATA_LOSS where it has no "run time(s)"; the rest may be missing.
 */
int jvm_figures_parse(const char *body, size_t len, struct jvm_figures *out, struct err **err);

/**
 * biz_requests_parse() - how many requests are under way in a module: the answer to queryBizRequests, a command that
 * a base may offer. @ret: -1 where it does not, or not for this module. Fails as arklet_answer_parse().
 */
int biz_requests_parse(const char *body, size_t len, int64_t *ret, struct err **err);

struct arklet_command {
    char *id, *description;
};

struct arklet_commands {
    struct arklet_command *items;
    size_t len, cap;
};

/** arklet_commands_parse() - the answer to help, in order of id. */
int arklet_commands_parse(const char *body, size_t len, struct arklet_commands *out,
                          struct err **err);
void arklet_commands_done(struct arklet_commands *commands);

#endif
