/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The life of an operation. An install fetches its jar, removes older versions if asked (one after
 * another, a real gap), registers the module as resolved, waits for its start, and ends:
 *
 *     fetch -> [remove each old version] -> repeated? -> start ... -> activated | failed
 *
 * A failed module is removed unless options.keep_failed. What is answered and logged is what
 * sofa-ark 3.1.7 was seen to do; the texts are its own.
 */
#include "tests/support/arklet-sim/operations.h"

#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "tests/support/arklet-sim/answers.h"

#define HEAP_FULL_MS 1500 /* what collecting garbage adds to an install then */

struct operation {
    struct list node; /* in base->operations */
    struct base *base;
    char *url, *name, *version;
    bool replace;
    struct jar_fetch *fetch; /* while downloading */
    struct jar *jar;         /* until it becomes the module's */
    struct module *module;   /* being started or stopped */
    void (*next)(struct operation *op);
    struct event *timer; /* until next() */
    int64_t begin_wall_ms;
    operation_done_fn *done;
    void *arg;
};

static void operation_free(struct operation *op)
{
    list_remove(&op->node);
    if (op->timer)
        event_free(op->timer);
    jar_fetch_cancel(op->fetch);
    jar_free(op->jar);
    if (op->module && op->module->gone)
        module_free(op->module);
    mem_free(op->url);
    mem_free(op->name);
    mem_free(op->version);
    mem_free(op);
}

static void finish(struct operation *op, cJSON *data, struct failure *failure)
{
    operation_done_fn *done = op->done;
    void *arg = op->arg;

    operation_free(op);
    done(arg, data, failure);
    failure_free(failure);
}

void operations_abandon(struct base *base)
{
    LIST_FOR_EACH (it, &base->operations)
        operation_free(LIST_ENTRY(it, struct operation, node));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct operation *op = arg;

    (void)fd;
    (void)what;
    event_free(op->timer);
    op->timer = NULL;
    op->next(op);
}

/* Goes on with @next after @delay_ms; at once where that is 0. */
static void later(struct operation *op, int64_t delay_ms, void (*next)(struct operation *op))
{
    op->next = next;
    if (delay_ms <= 0)
        next(op);
    else
        op->timer = sim_after(op->base->sim, delay_ms, on_timer, op);
}

/* -- stopping a module: for uninstall, and for replace -- */

static void stop_module(struct operation *op, struct module *module,
                        void (*next)(struct operation *op))
{
    int64_t now_ms = sim_wall_ms(op->base->sim);

    if (module->state == MODULE_ACTIVATED)
        module_move(module, MODULE_DEACTIVATED, "Killing", NULL, now_ms);
    module->serving = false; /* Tomcat answers 404 before the context is closed */
    module->stopping = true;
    op->module = module;
    later(op, module->jar->stop_sleep_ms + op->base->sim->options.uninstall_ms, next);
}

/* Its classes go, but what is softly reachable stays as long as there is room. */
static void free_memory(struct base *base)
{
    base->metaspace_used -= base->sim->options.metaspace_module;
    base->heap_used += base->sim->options.heap_kept;
    if (base->heap_used > HEAP_MAX)
        base->heap_used = HEAP_MAX;
}

/* Return: what closing the module threw; it is removed all the same. */
static struct failure *remove_module(struct operation *op)
{
    static const char no_context[] =
        "Cannot invoke "
        "\"com.alipay.sofa.koupleless.common.model.ApplicationContextHolder.close()\" "
        "because \"this.applicationContext\" is null";
    struct module *module = TAKE(op->module);
    struct base *base = op->base;
    struct failure *failure = NULL;

    if (!module->jar->spring) {
        failure = failure_new("com.alipay.sofa.koupleless.common.exception.BizRuntimeException",
                              "java.lang.NullPointerException: %s", no_context);
        failure_cause(failure, "java.lang.NullPointerException", "%s", no_context);
    }
    operations_log(base, "uninstall", module->jar->name, module->jar->version);
    free_memory(base);
    module_free(module);
    /* Nothing re-opens the readiness after an uninstall, except the next good install. */
    base->refusing = base->sim->options.readiness == SIM_READINESS_MODULES;
    return failure;
}

static void uninstall_finish(struct operation *op)
{
    struct failure *failure = remove_module(op);

    finish(op,
           failure ? NULL
                   : answer_data("SUCCESS", "Uninstall biz: %s:%s success.", op->name, op->version),
           failure);
}

/*
 * A module that is starting can't be stopped, but is unregistered all the same and loses its
 * classes, so that its start will fail.
 */
static struct failure *stop_starting(struct module *module)
{
    if (!module->gone)
        list_remove(&module->node);
    module->gone = true;
    return failure_new(JAVA_ILLEGAL_ARGUMENT, "BizState must be ACTIVATED, DEACTIVATED or BROKEN.");
}

static struct operation *operation_new(struct base *base, const char *name, const char *version,
                                       operation_done_fn *done, void *arg)
{
    struct operation *op = NEW(struct operation);

    op->base = base;
    op->name = mem_strdup(name);
    op->version = mem_strdup(version);
    op->begin_wall_ms = sim_wall_ms(base->sim);
    op->done = done;
    op->arg = arg;
    list_append(&base->operations, &op->node);
    return op;
}

void operation_uninstall(struct base *base, const char *name, const char *version,
                         operation_done_fn *done, void *arg)
{
    struct operation *op = operation_new(base, name, version, done, arg);
    struct module *module = modules_find(&base->modules, name, version);

    if (str_eq(name, BASE_NAME)) {
        finish(op, answer_data("FAILED", "Master biz must not be uninstalled."), NULL);
    } else if (!module || module->stopping) {
        finish(op, answer_data("NOT_FOUND_BIZ", "Uninstall biz: %s:%s not found.", name, version),
               NULL);
    } else if (module->state == MODULE_RESOLVED) {
        finish(op, NULL, stop_starting(module));
    } else {
        stop_module(op, module, uninstall_finish);
    }
}

/* -- switching -- */

static cJSON *switch_now(struct base *base, const char *name, const char *version)
{
    struct module *module = modules_find(&base->modules, name, version);
    bool master = str_eq(name, BASE_NAME) && str_eq(version, BASE_VERSION);

    if (!module && !master)
        return answer_data("NOT_FOUND_BIZ", "Switch biz: %s:%s not found.", name, version);
    if (module && module->state != MODULE_ACTIVATED && module->state != MODULE_DEACTIVATED)
        return answer_data("ILLEGAL_STATE_BIZ", "Switch Biz: %s:%s's state must not be %s.", name,
                           version, module_state_text(module->state, base_style(base).upper_case));
    if (module)
        module_switch(&base->modules, module, sim_wall_ms(base->sim));
    return answer_data("SUCCESS", "Switch biz: %s:%s is activated.", name, version);
}

void operation_switch(struct base *base, const char *name, const char *version,
                      operation_done_fn *done, void *arg)
{
    done(arg, switch_now(base, name, version), NULL);
}

/* -- installing -- */

static struct tm utc(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    return *gmtime_r(&seconds, &tm);
}

static char *work_dir(const struct operation *op)
{
    struct tm tm = utc(op->begin_wall_ms);
    char stamp[32];

    (void)strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &tm);
    return mem_printf("/tmp/sofa-ark/%s-%s-%s%03d-unpack", op->name, op->version, stamp,
                      (int)(op->begin_wall_ms % 1000));
}

/* What the start of the module throws, or NULL. */
static struct failure *start_failure(const struct base *base, const struct module *module)
{
    const struct jar *jar = module->jar;
    const char *context = module_context(module);
    struct failure *failure = NULL;

    if (module->gone) {
        failure = failure_new(JAVA_INVOCATION, NULL);
        failure_cause(failure, "java.lang.NoClassDefFoundError",
                      "org/springframework/boot/builder/SpringApplicationBuilder");
        failure_cause(failure, "com.alipay.sofa.ark.exception.ArkLoaderException",
                      "[ArkBiz Loader] %s:%s : can not load class: "
                      "org.springframework.boot.builder.SpringApplicationBuilder",
                      jar->name, jar->version);
        return failure;
    }
    if (str_eq(jar->fail, "main")) {
        failure = failure_new(JAVA_INVOCATION, NULL);
    } else if (jar->web && modules_serving(&base->modules, context, strlen(context))) {
        failure = failure_new(JAVA_INVOCATION, NULL);
        failure_cause(failure, "org.springframework.context.ApplicationContextException",
                      "Unable to start web server");
        failure_cause(failure, JAVA_ILLEGAL_ARGUMENT, "Child name [%s] is not unique", context);
        return failure;
    } else if (jar->spring && str_eq(jar->fail, "bean")) {
        failure = failure_new(JAVA_INVOCATION, NULL);
        failure_cause(failure, "org.springframework.beans.factory.BeanCreationException",
                      "Error creating bean with name 'echo' defined in file "
                      "[%s/io/koupleless/testmodule/Echo.class]",
                      module->work_dir);
    }
    if (failure)
        failure_cause(failure, JAVA_ILLEGAL_STATE, "asked to fail: %s:%s", jar->name, jar->version);
    return failure;
}

static void install_failed(struct operation *op, struct failure *failure)
{
    struct base *base = op->base;
    struct module *module = TAKE(op->module);
    AUTO_FREE char *trace = failure_trace(failure);

    operations_log(base, "install-failed", module->jar->name, module->jar->version);
    module_move(module, MODULE_BROKEN, "Install Failed", trace, sim_wall_ms(base->sim));
    base->refusing = base->sim->options.readiness == SIM_READINESS_MODULES;
    if (!base->sim->options.keep_failed || module->gone) {
        operations_log(base, "uninstall", module->jar->name, module->jar->version);
        free_memory(base);
        module_free(module);
    }
    finish(op, NULL, failure);
}

static enum module_rival rival_rule(const struct sim_options *options)
{
    if (options->multi_version)
        return MODULE_BOTH_ACTIVE;
    return options->activate_new ? MODULE_NEW_TAKES_OVER : MODULE_OLD_STAYS;
}

static cJSON *installed_data(const struct operation *op)
{
    const struct base *base = op->base;
    const struct module *module = op->module;
    struct tm tm = utc(op->begin_wall_ms);
    AUTO_FREE char *message =
        mem_printf("Install Biz: %s:%s success, cost: %lld ms, started at: %02d:%02d:%02d,%03d",
                   module->jar->name, module->jar->version,
                   (long long)(sim_wall_ms(base->sim) - op->begin_wall_ms), tm.tm_hour, tm.tm_min,
                   tm.tm_sec, (int)(op->begin_wall_ms % 1000));
    cJSON *data = cJSON_CreateObject();
    cJSON *infos = cJSON_AddArrayToObject(data, "bizInfos");

    cJSON_AddItemToArray(infos, module_full_json(module, base_style(base)));
    cJSON_AddStringToObject(data, "code", "SUCCESS");
    cJSON_AddNumberToObject(data, "elapsedSpace", (double)base->sim->options.metaspace_module);
    cJSON_AddStringToObject(data, "message", message);
    return data;
}

static void install_finish(struct operation *op)
{
    struct base *base = op->base;
    struct module *module = op->module;
    struct failure *failure = start_failure(base, module);

    if (failure) {
        install_failed(op, failure);
        return;
    }
    module->serving = module->jar->web;
    module_start(&base->modules, module, rival_rule(&base->sim->options), sim_wall_ms(base->sim));
    base->refusing = false;
    operations_log(base, "install", module->jar->name, module->jar->version);
    finish(op, installed_data(op), NULL);
}

static cJSON *repeated_data(const struct operation *op)
{
    AUTO_FREE char *message =
        mem_printf("Biz: %s:%s has been installed or registered.", op->jar->name, op->jar->version);
    cJSON *data = cJSON_CreateObject();

    cJSON_AddStringToObject(data, "code", "REPEAT_BIZ");
    if (op->base->sim->options.runtime != SIM_RUNTIME_2_1_11)
        cJSON_AddNumberToObject(data, "elapsedSpace", 0);
    cJSON_AddStringToObject(data, "message", message);
    return data;
}

static void install_start(struct operation *op)
{
    struct base *base = op->base;
    const struct sim_options *options = &base->sim->options;

    if (modules_find(&base->modules, op->jar->name, op->jar->version)) {
        finish(op, repeated_data(op), NULL);
        return;
    }
    if (options->metaspace_max >= 0 &&
        base->metaspace_used + options->metaspace_module > options->metaspace_max) {
        finish(op, NULL, failure_new("java.lang.OutOfMemoryError", "Metaspace"));
        return;
    }
    base->metaspace_used += options->metaspace_module;
    if (options->readiness == SIM_READINESS_MODULES)
        base->refusing = true;
    int64_t start_ms = op->jar->start_sleep_ms + options->install_ms +
                       (base->heap_used == HEAP_MAX ? HEAP_FULL_MS : 0);
    op->module = module_new(&base->modules, TAKE(op->jar), work_dir(op), sim_wall_ms(base->sim));
    later(op, start_ms, install_finish);
}

/* Any version of the request's name that is still there, one at a time. */
static void replace_next(struct operation *op)
{
    if (op->module) {
        struct failure *failure = remove_module(op);
        if (failure) {
            finish(op, NULL, failure);
            return;
        }
    }
    MODULES_FOR_EACH (module, &op->base->modules) {
        if (!str_eq(module->jar->name, op->name) || module->stopping)
            continue;
        if (module->state == MODULE_RESOLVED)
            finish(op, NULL, stop_starting(module));
        else
            stop_module(op, module, replace_next);
        return;
    }
    install_start(op);
}

static void install_fetched(void *arg, struct jar *jar, struct failure *failure)
{
    struct operation *op = arg;

    if (failure) {
        finish(op, NULL, failure);
        return;
    }
    op->jar = jar;
    if (op->replace)
        replace_next(op);
    else
        install_start(op);
}

void operation_install(struct base *base, const struct install_request *request,
                       operation_done_fn *done, void *arg)
{
    struct operation *op = operation_new(base, request->name, request->version, done, arg);

    op->url = mem_strdup(request->url);
    op->replace = request->replace;
    jar_fetch(base->sim->events, op->url, &op->fetch, install_fetched, op);
}
