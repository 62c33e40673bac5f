/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_FORECAST_INTERNAL_H
#define KOUPLELESS_CONTROLLER_ENGINE_FORECAST_INTERNAL_H

#include "lib/base/map.h"
#include "services/controller/engine/forecast.h"

/*
 * The parts of a forecast: forecast.c runs the plans in made up time, forecast_world.c is the copy that they see,
 * forecast_start.c brings bases back that restart, forecast_apply.c changes it as they decide, forecast_answer.c
 * stands between them and the scheduler, forecast_record.c keeps what is told afterwards.
 */
struct forecast_base {
    struct base_state view;
    struct base *base; /* owned; = view.base */
    int32_t serving;   /* instances of the module that serve there */
    bool queued, touched;
};

/* Never freed before the forecast: steps and timers point at it. */
struct forecast_instance {
    struct instance view;
    struct module *module;      /* owned; = view.module */
    struct forecast_base *base; /* = view.base */
    bool gone;
    bool off;     /* taken off its base, or being taken off */
    bool serving; /* as counted in its base */
    bool queued;
    int64_t requeue_ms; /* for which a timer runs; 0 = none */
};

/* When the scheduler last answered one kind of question. */
struct forecast_answered {
    int64_t change; /* of the forecast; -1 = never */
    int32_t count;  /* how many were asked for */
};

struct forecast_revision {
    struct revision view;
    struct module_replicaset *rs; /* owned; = view.rs */
    struct forecast_answered placed, evicted;
};

struct forecast_service {
    struct service_state view;
    struct service *service; /* owned; = view.service */
};

enum forecast_timer_type {
    TIMER_OPERATION,
    TIMER_START,
    TIMER_MODULE,
    TIMER_BASE,
    TIMER_DEPLOYMENT
};

struct forecast_timer {
    int64_t at_ms;
    int64_t sequence; /* equal times come in the order in which they were started */
    enum forecast_timer_type type;
    void *target; /* instance or base */
};

/* What is done in one instant, from the first to the last; from the bases it goes on with the deployment. */
enum forecast_pass { PASS_TIMERS, PASS_DEPLOYMENT, PASS_MODULES, PASS_BASES };

struct forecast {
    struct forecast_times times;
    int64_t start_ms, now_ms; /* one clock, mono and wall */
    struct module_deployment *md;
    struct module_template_spec asked; /* owned */
    bool has_template;
    char *update_name; /* of the revision that is released; NULL without a template */
    char *owner, *bases_problem;
    bool bases_unknown;
    int64_t status_written_ms;

    struct {
        struct revision **items;
        size_t len, cap;
    } revisions;
    struct {
        struct base_state **items;
        size_t len, cap;
    } bases;              /* of the base Deployment */
    struct map all_bases; /* name -> struct forecast_base */
    struct map instances; /* name -> struct forecast_instance that is there */
    struct {
        struct forecast_instance **items;
        size_t len, cap;
    } all_instances; /* those that are gone too */
    struct {
        struct service_state **items;
        size_t len, cap;
    } services;

    struct plan plan; /* the one at hand */
    enum forecast_pass pass;
    size_t planned; /* in this pass, of dirty_modules or dirty_bases */
    int64_t change; /* counts what the scheduler's next answer may depend on */
    bool dirty;     /* the deployment is to be planned */
    struct {
        struct forecast_instance **items;
        size_t len, cap;
    } dirty_modules;
    struct {
        struct forecast_base **items;
        size_t len, cap;
    } dirty_bases;
    struct {
        struct forecast_timer *items;
        size_t len, cap;
    } timers; /* a heap */
    int64_t timer_sequence, effort;
    struct scheduling_question question;
    bool asking;
    int32_t running;      /* operations, and bases that start */
    bool removed;         /* the ModuleDeployment is */
    bool given_up;        /* another revision would be released in its place */
    int64_t completed_ms; /* 0 = not yet */
    int64_t moved_ms;     /* when an operation ended, the last time */

    struct forecast_result result;
    char *degraded_reason, *degraded_message; /* as the status said while nothing ran; or NULL */
    struct map co_tenants; /* name of the module -> index + 1 in result.co_tenants */
    struct map events;     /* those that were told */
    char *told_name, *told_reason, *told_message; /* the last one: most are told again at once */
    struct map reasons;                           /* of steps -> the same, owned */
    int32_t serving;                              /* bases that serve the module */
    int32_t serving_floor; /* that serve when it begins, or are wanted where that is less */
};

/* -- forecast.c -- */
void forecast__dirty_module(struct forecast *f, struct forecast_instance *instance);
void forecast__dirty_base(struct forecast *f, struct forecast_base *base);
void forecast__start_timer(struct forecast *f, int64_t at_ms, enum forecast_timer_type type,
                           void *target);

/* -- forecast_world.c: objects that come and go -- */
struct deployment_view forecast__view(const struct forecast *f);
struct revision *forecast__find_revision(const struct forecast *f, const char *name);
void forecast__create_revision(struct forecast *f, const struct action *action);
void forecast__remove_revision(struct forecast *f, struct revision *revision);

/** forecast__create_module() - as @action says; nothing where its name is in use still. */
void forecast__create_module(struct forecast *f, struct action *action);
void forecast__remove_module(struct forecast *f, struct forecast_instance *instance);
void forecast__free_service(struct forecast_service *service);

/** forecast__link() - finds what takes the place of what; when all objects are there. */
void forecast__link(struct forecast *f);

/** forecast__unlink() - gives back what @instance was to take the place of. */
void forecast__unlink(struct forecast *f, struct forecast_instance *instance);

/** forecast__count_serving() - after what makes it serve, or not, has changed. */
void forecast__count_serving(struct forecast *f, struct forecast_instance *instance);

/**
 * forecast__dirty_around() - all that is planned with @instance in view, but for its base: only what serves or is to
 * serve there matters to that.
 */
void forecast__dirty_around(struct forecast *f, struct forecast_instance *instance);
void forecast__dirty_base_of(struct forecast *f, const struct forecast_instance *instance);
void forecast__free_names(struct json_strings *names);
void forecast__world_done(struct forecast *f);

/* -- forecast_start.c: bases that restart -- */

/** forecast__is_starting() - whether @base is not ready, but on its way. */
bool forecast__is_starting(const struct forecast *f, const struct base *base);

/** forecast__guess_report() - what its agent would say of @instance, as far as its status tells. */
void forecast__guess_report(struct forecast *f, struct forecast_instance *instance);
void forecast__begin_starts(struct forecast *f);
void forecast__end_start(struct forecast *f, struct forecast_base *base);

/* -- forecast_apply.c: what plans decide -- */

/**
 * forecast__apply() - carries @action out on the copy; its contents may be taken
 * @own: the instance that was planned, or NULL
 *
 * Return: whether that may call for another plan of the same.
 */
bool forecast__apply(struct forecast *f, struct action *action, struct forecast_instance *own);

/** forecast__apply_to_base() - the same, of a plan of @base. */
bool forecast__apply_to_base(struct forecast *f, struct forecast_base *base,
                             const struct action *action);

/** forecast__end_operation() - it has succeeded, and the agent reports what is there. */
void forecast__end_operation(struct forecast *f, struct forecast_instance *instance);

/* -- forecast_answer.c -- */

/** forecast__find_question() - Return: whether there is one to the scheduler (f->asking). */
bool forecast__find_question(struct forecast *f);

/** forecast__waits_for_room() - whether something was asked that will have the same answer, as long as nothing moves. */
bool forecast__waits_for_room(const struct forecast *f);

/* -- forecast_record.c -- */
void forecast__count_write(struct forecast *f, const struct action *action);
void forecast__record_step(struct forecast *f, const struct forecast_instance *instance,
                           enum forecast_action action);
void forecast__record_release(struct forecast *f); /* after each write of the status */
bool forecast__is_completed(const struct forecast *f);
void forecast__record_instant(struct forecast *f); /* before time goes on */
void forecast__record_touched(struct forecast *f, struct forecast_base *base, bool begins);
void forecast__record_hold(struct forecast *f, const char *reason, const char *message);
void forecast__record_room(struct forecast *f);
void forecast__record_end(struct forecast *f, bool stuck);
void forecast__record_done(struct forecast *f);

#endif
