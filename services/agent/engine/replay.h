/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_REPLAY_H
#define KOUPLELESS_AGENT_ENGINE_REPLAY_H

#include <stdint.h>

#include "lib/model/module_deployment.h"
#include "services/agent/engine/arklet_answer.h"
#include "services/agent/engine/record.h"
#include "services/agent/engine/trials.h"

/*
 * A replay: the JVM is another one, empty, and what should be on the base is put back before that counts as ready
 * (requirement 9.4, scenario 5). What should be there is the baseline: the controller's, else the agent's own copy,
 * its records. Pure: the shell (services/agent/replay.c) asks for the baseline, begins operations and tells how they
 * ended.
 *
 * Modules go in waves, one after the other; the modules of one wave at once, of which Arklet gets one after the other, in
 * order of their priority. The first wave has one version of each module: the active one, so that it is active again;
 * further versions follow. At the end come, each alone, those of which the base has died all but once too often
 * (trials.h): if it dies again there is no doubt of what. Those of which it died too often are left out.
 */
enum replay_fate {
    REPLAY_WAITS, /* for its wave */
    REPLAY_RUNS,  /* its install was begun */
    REPLAY_THERE,
    REPLAY_FAILED,   /* it could not be brought back */
    REPLAY_LEFT_OUT, /* the base died of it */
    REPLAY_UNWANTED, /* it was taken off meanwhile */
};

struct replay_item {
    struct module_spec module; /* owned, as all that follows */
    char *restart;             /* that it was installed for; or NULL */
    struct json_strings args;
    bool inactive; /* another version of it has the traffic */
    int crashes;   /* of the base, that count against its jar */
    int wave;
    enum replay_fate fate;
    char *message; /* FAILED, LEFT_OUT: why */
    bool switched; /* to be the active one: asked for once */
};

struct replay_plan {
    struct replay_item *items;
    size_t len, cap;
};

void replay_plan_done(struct replay_plan *plan);

/**
 * replay_add() - a module of the baseline. A second of the same name and version is ignored.
 * @record: what is known of the last install of this version here, or NULL
 * @trials: which jars the base died of
 *
 * Where nothing speaks for another jar than the one that was there, that one comes back, by its sha256: it is in the cache,
 * and a jar store that is away keeps nobody waiting. Its arguments come back with it in any case, for no declaration
 * has them.
 */
void replay_add(struct replay_plan *plan, const struct module_spec *wanted,
                const struct record *record, const struct trials *trials);

/** replay_add_record() - the same from the agent's own copy. @identity: "name:version" */
void replay_add_record(struct replay_plan *plan, const char *identity, const struct record *record,
                       const struct trials *trials);

/** replay_has() - whether there is any version of the module of @identity. */
bool replay_has(const struct replay_plan *plan, const char *identity);

/** replay_names() - whether the module and version of @identity is in it, whatever became of it. */
bool replay_names(const struct replay_plan *plan, const char *identity);

/** replay_order() - once all are there: who is left out, and the waves of the others. */
void replay_order(struct replay_plan *plan);

/** replay_misses() - whether @item is not there, and is not being installed. */
bool replay_misses(const struct replay_item *item);

/** replay_look() - @modules are on the base. Return: whether one is back that was not. */
bool replay_look(struct replay_plan *plan, const struct biz_list *modules);

enum replay_step {
    REPLAY_WAIT,    /* for what runs, or for the end of a trial */
    REPLAY_INSTALL, /* all of wave .wave that WAIT */
    REPLAY_SWITCH,  /* to .item */
    REPLAY_OVER,
};

struct replay_next {
    enum replay_step step;
    int wave;
    struct replay_item *item;
};

/**
 * replay_next() - what is to be done now
 * @on_trial: it is not known yet whether the base lives on with what was installed last (trials.h)
 */
struct replay_next replay_next(const struct replay_plan *plan, const struct biz_list *modules,
                               bool on_trial);

/** replay_put_off() - what was to RUN could not be begun now: it WAITS for the next round. */
void replay_put_off(struct replay_plan *plan);

/** replay_shown() - whether @modules has all that is there by what operations say; else it is older than the last of them. */
bool replay_shown(const struct replay_plan *plan, const struct biz_list *modules);

struct replay_counts {
    int wanted, installed, failed, left_out; /* wanted: the others, and those that are to come */
};

struct replay_counts replay_count(const struct replay_plan *plan);

/** replay_problem() - why not all is there: the first that failed or was left out, and how many more; NULL: all is. Owned. */
char *replay_problem(const struct replay_plan *plan);

/** replay_progress() - "1 of 4 are there". Owned. */
char *replay_progress(const struct replay_plan *plan);

#endif
