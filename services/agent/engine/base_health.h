/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_BASE_HEALTH_H
#define KOUPLELESS_AGENT_ENGINE_BASE_HEALTH_H

#include "services/agent/engine/arklet_answer.h"
#include "services/agent/engine/contact.h"

/*
 * How well a base and its modules are, from the actuator's health page and Arklet's list (requirement
 * 8.x, five scenarios).
 *
 * The root of the page is DOWN by design while any module starts, and UNKNOWN never reaches it, so the
 * components are read: `baseStartUp` for the base, `compositeAllBiz` (older: `arkBizAggregate`) for the
 * modules. A 404 that is no JSON is what a base shows whose context has closed: it is dead, even if Arklet still
 * answers SUCCESS.
 */
enum health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

const char *health_name(enum health health); /* "UP" */

struct module_health {
    char *name, *version;
    enum health status;
    char *message; /* why it is not UP, or NULL */
};

struct base_health {
    enum health status;            /* all of it together */
    enum health base_status;       /* the base without its modules */
    bool takes_modules;            /* the base is up, and Arklet can be asked */
    bool dead;                     /* its context has closed while the JVM lives on */
    char *message;                 /* why status is not UP, or NULL */
    struct module_health *modules; /* one per module of the list, in its order */
    size_t len;
};

/* What was observed. */
struct health_facts {
    bool page_wanted; /* a health url is configured */
    enum contact page_contact, arklet_contact;
    int page_status;  /* of the last answer over HTTP: 200, 503, 404, ... */
    const char *page; /* its body; NULL where there was none since it was refused */
    size_t page_len;
    const char *page_error;         /* why it does not answer, or NULL */
    const struct biz_list *modules; /* as of the last answer of Arklet */
    bool operating;                 /* an operation works on a module now */
    enum health replay;             /* of what belongs on the base; counts with replay_why */
    const char *replay_why;         /* what of it is not there; NULL: all is */
};

/** base_health_of() - pure. @out: base_health_done(). */
void base_health_of(const struct health_facts *facts, struct base_health *out);
void base_health_done(struct base_health *health);

/**
 * base_unready_reason() - what a base that is not ready is called in reports (docs/errors.md)
 * @takes_modules: then it waits for what belongs on it
 * @arklet_answers: what Arklet said last counts
 */
const char *base_unready_reason(bool takes_modules, bool arklet_answers, enum health base_status);

/** base_health_equal() - whether a watcher would see no difference. */
bool base_health_equal(const struct base_health *a, const struct base_health *b);

#endif
