/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_RECORD_H
#define KOUPLELESS_AGENT_ENGINE_RECORD_H

#include <stdbool.h>

#include "lib/base/json.h"
#include "lib/base/map.h"

/*
 * Where a module on the base came from: all that it takes to install it once more. Its key is its identity,
 * "name:version". Of these the agent's own copy of what should be on the base is made (replay.h).
 */
struct record {
    char *url;     /* as Arklet got it */
    char *digest;  /* sha256; NULL: somebody else installed it */
    char *restart; /* the wish to have it installed again that was fulfilled by that, or NULL */
    char *source;  /* the url that was declared, or NULL */
    char *md5;     /* as declared, or NULL */
    struct json_strings args; /* for its main */
    bool inactive;            /* another version of it has the traffic */
    bool lost;                /* it went with a JVM before this one, and is not back */
};

struct record *record_copy(const struct record *from);
void record_free(struct record *record);

/** record_put() - a copy of @from into @map, by the @identity of its module, in the place of what was there. */
void record_put(struct map *map, const char *identity, const struct record *from);

/** record_version() - the version of @identity where it is one of @name, else NULL. Borrowed. */
const char *record_version(const char *identity, const char *name);

/** record_map_done() - frees what is in @map, and the map. */
void record_map_done(struct map *map);

/** record_map_write() / record_map_read() - as JSON: {"name:version": {"url": ..., "sha256": ...}, ...} */
void record_map_write(const struct map *map, cJSON *json);
void record_map_read(const cJSON *json, struct map *map);

/* -- JVMs: when they began, in seconds, as text -- */

enum jvm_met {
    JVM_MET_SAME,
    JVM_MET_OTHER,
    JVM_MET_UNKNOWN, /* nobody has said which one was there before */
};

/**
 * jvm_meet() - whether the JVM on the base is the one that records speak of
 * @recorded: NULL = not known
 * @by_us: this agent has told both
 *
 * Another agent may have rounded the age of the same JVM the other way.
 */
enum jvm_met jvm_meet(const char *recorded, const char *now, bool by_us);

#endif
