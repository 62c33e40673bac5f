/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/control.h"

#include "lib/base/str.h"
#include "tests/support/arklet-sim/faults.h"
#include "tests/support/arklet-sim/web.h"

typedef int control_fn(struct base *base, const cJSON *body, struct err **err);

static int control_fault(struct base *base, const cJSON *body, struct err **err)
{
    return fault_add(base, body, err);
}

static int control_clear(struct base *base, const cJSON *body, struct err **err)
{
    (void)body;
    return faults_heal(base, err);
}

static int control_restart(struct base *base, const cJSON *body, struct err **err)
{
    const cJSON *ms = cJSON_GetObjectItemCaseSensitive(body, "ms");

    (void)err;
    base_restart(base, cJSON_IsNumber(ms) ? (int64_t)ms->valuedouble : 0);
    return 0;
}

static const struct {
    const char *path;
    control_fn *run;
} controls[] = {
    {"/sim/fault", control_fault},
    {"/sim/clear", control_clear},
    {"/sim/restart", control_restart},
};

/* Runs @run on the bases that the body names; the default is @base. */
static int run_on(struct base *base, const cJSON *body, control_fn *run, struct err **err)
{
    const char *target = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "base"));
    struct sim *sim = base->sim;
    bool found = false;

    if (!target)
        return run(base, body, err);
    for (int64_t i = 0; i < sim->options.bases; i++) {
        if (!str_eq(target, "*") && !str_eq(target, sim->bases[i].address))
            continue;
        found = true;
        if (run(&sim->bases[i], body, err) < 0)
            return -1;
    }
    return found ? 0 : err_field(err, "base", "this simulator has no base %s", target);
}

static void reply(struct conn *conn, int status, const char *text)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, status == 200 ? "done" : "error", text);
    web_json(conn, status, json);
}

static void reply_state(struct conn *conn, const struct base *base)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *modules = cJSON_AddArrayToObject(json, "modules");

    cJSON_AddStringToObject(json, "address", base->address);
    cJSON_AddBoolToObject(json, "ready", base->ready);
    MODULES_FOR_EACH (module, &base->modules)
        cJSON_AddItemToArray(modules, module_json(module, base_style(base)));
    cJSON_AddItemToObject(json, "faults", faults_json(base));
    web_json(conn, 200, json);
}

void control_handle(struct conn *conn, struct request *request, struct base *base)
{
    AUTO_ERR struct err *err = NULL;

    if (str_eq(request->method, "GET") && str_eq(request->path, "/sim/state")) {
        reply_state(conn, base);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
        if (!str_eq(request->path, controls[i].path))
            continue;
        cJSON *body = cJSON_Parse(str_text(&request->body));
        request->keep_alive = false; /* a restart ends the connection */
        /* A restart spares only complete answers, so it is answered before it is done. */
        conn_hold(conn);
        if (controls[i].run == control_restart)
            reply(conn, 200, "restarting");
        int result = run_on(base, body, controls[i].run, &err);
        if (controls[i].run != control_restart)
            reply(conn, result < 0 ? 400 : 200, result < 0 ? err->message : "ok");
        conn_release(conn);
        cJSON_Delete(body);
        return;
    }
    web_error(base, conn, 404, request->path);
}
