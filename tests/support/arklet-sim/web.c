/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/web.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "tests/support/arklet-sim/actuator.h"
#include "tests/support/arklet-sim/control.h"
#include "tests/support/arklet-sim/faults.h"

#define JSON "application/json"
#define TEXT "text/plain;charset=UTF-8"

void web_json(struct conn *conn, int status, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    conn_reply(conn, status, JSON, text);
    free(text);
    cJSON_Delete(json);
}

void web_error(struct base *base, struct conn *conn, int status, const char *path)
{
    int64_t now_ms = sim_wall_ms(base->sim);
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    char day[32];

    (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    AUTO_FREE char *stamp = mem_printf("%s.%03d+00:00", day, (int)(now_ms % 1000));
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "timestamp", stamp);
    cJSON_AddNumberToObject(json, "status", status);
    cJSON_AddStringToObject(json, "error", status == 404 ? "Not Found" : "Internal Server Error");
    cJSON_AddStringToObject(json, "path", path);
    web_json(conn, status, json);
}

/* -- a module's pages -- */

struct late_page {
    struct list node; /* in base->pages */
    struct base *base;
    struct conn *conn; /* held */
    struct event *timer;
    char *name, *version; /* of the module, which may be gone meanwhile */
    char *body;
};

static void free_page(struct late_page *page)
{
    list_remove(&page->node);
    conn_release(page->conn);
    event_free(page->timer);
    mem_free(page->name);
    mem_free(page->version);
    mem_free(page->body);
    mem_free(page);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    struct late_page *page = arg;

    (void)fd;
    (void)what;
    struct module *module = modules_find(&page->base->modules, page->name, page->version);
    if (module && module->requests > 0)
        module->requests--;
    conn_reply(page->conn, 200, TEXT, page->body);
    free_page(page);
}

void web_abandon(struct base *base)
{
    LIST_FOR_EACH (it, &base->pages)
        free_page(LIST_ENTRY(it, struct late_page, node));
}

/* A request that runs is finished even if its module is uninstalled meanwhile. */
static void reply_version(struct base *base, struct conn *conn, struct module *module,
                          const char *query)
{
    AUTO_FREE char *body = mem_printf("%s:%s\n", module->jar->name, module->jar->version);
    int64_t delay_ms = str_starts_with(query, "ms=") ? strtoll(query + 3, NULL, 10) : 0;

    if (delay_ms <= 0) {
        conn_reply(conn, 200, TEXT, body);
        return;
    }
    struct late_page *page = NEW(struct late_page);
    *page = (struct late_page){
        .base = base,
        .conn = conn_hold(conn),
        .name = mem_strdup(module->jar->name),
        .version = mem_strdup(module->jar->version),
        .body = TAKE(body),
    };
    list_append(&base->pages, &page->node);
    module->requests++;
    page->timer = sim_after(base->sim, delay_ms, on_late, page);
}

static void module_page(struct base *base, struct conn *conn, const struct request *request,
                        struct module *module, const char *page)
{
    if (str_eq(page, "/version")) {
        reply_version(base, conn, module, request->query);
    } else if (str_starts_with(page, "/set/")) {
        mem_replace(&module->health, page + strlen("/set/"));
        AUTO_FREE char *body = mem_printf("%s\n", module->health);
        conn_reply(conn, 200, TEXT, body);
    } else if (str_eq(page, "/actuator/health")) {
        int status;
        cJSON *json = actuator_module_page(module, &status);
        web_json(conn, status, json);
    } else {
        web_error(base, conn, 404, request->path);
    }
}

/* -- the base's pages -- */

/* What the base finds inside the JVM: the active version, or the named one while any is active. */
static void call_page(struct base *base, struct conn *conn, const char *path)
{
    const char *name = path + strlen("/call/");
    size_t len = strcspn(name, "/");
    AUTO_FREE char *wanted = mem_strndup(name, len);
    const struct module *module = modules_active(&base->modules, wanted);

    if (module && name[len] == '/')
        module = modules_find(&base->modules, wanted, name + len + 1);
    if (!module || !module->jar->spring) {
        web_error(base, conn, 500, path);
        return;
    }
    AUTO_FREE char *body = mem_printf("%s:%s\n", module->jar->name, module->jar->version);
    conn_reply(conn, 200, TEXT, body);
}

static void fault_page(struct base *base, struct conn *conn, const char *page, const char *path)
{
    static const char html[] =
        "<!doctype html><html lang=\"en\"><head><title>HTTP Status 404 – Not "
        "Found</title></head><body><h1>HTTP Status 404</h1></body></html>";

    if (str_eq(page, "hang"))
        return;
    if (str_eq(page, "401"))
        conn_reply(conn, 401, JSON, "");
    else if (str_eq(page, "404"))
        web_error(base, conn, 404, path);
    else
        conn_reply(conn, 404, "text/html;charset=utf-8", html);
}

static void actuator_request(struct base *base, struct conn *conn, const char *path)
{
    struct fault *fault = fault_take_actuator(base);
    int status;

    if (fault) {
        fault_page(base, conn, fault->page, path);
        fault_free(fault);
        return;
    }
    cJSON *json = actuator_page(base, path, &status);
    if (json)
        web_json(conn, status, json);
    else if (str_starts_with(path, "/actuator/health/"))
        conn_reply(conn, 404, JSON, "");
    else
        web_error(base, conn, 404, path);
}

void web_handle(struct conn *conn, struct request *request, void *arg)
{
    struct base *base = arg;
    const char *path = request->path;
    size_t first = 1 + strcspn(path + (path[0] == '/'), "/"); /* length of "/segment" */
    struct module *module = modules_serving(&base->modules, path + 1, first - 1);

    if (str_starts_with(path, "/sim/"))
        control_handle(conn, request, base);
    else if (str_starts_with(path, "/actuator/"))
        actuator_request(base, conn, path);
    else if (str_starts_with(path, "/call/"))
        call_page(base, conn, path);
    else if (str_eq(path, "/hello"))
        conn_reply(conn, 200, TEXT, "base\n");
    else if (module)
        module_page(base, conn, request, module, path + first);
    else
        web_error(base, conn, 404, path);
}
