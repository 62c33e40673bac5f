/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/watcher.h"

#include "lib/base/limits.h"
#include "lib/base/str.h"

#define CLOSEST_MS 250 /* between two rounds: many operations in a row share one */

struct watcher {
    struct watcher_options options;
    struct base_state state;
    struct loop_timer timer;
    bool running, again, stopped;
    int64_t began_ms; /* the last round */

    /* of the round: what it finds counts at its end, all at once, for a report may go out meanwhile */
    struct biz_list modules;
    bool arklet_answered;
    char *boot_id; /* NULL: the same JVM, as far as is known */
    struct loop_event page_event;
    bool changed, page_answered;
    int page_status;
    char *page, *page_error;
    size_t page_len;

    bool
        in_doubt; /* since the round before Arklet was silent, or a module has gone: may be another JVM */

    int64_t uptime_s; /* of the JVM; -1 = not known */
    int64_t uptime_asked_ms, uptime_known_ms;
    int64_t uptime_round_ms; /* when the round began that asked last */
};

/* The next round begins so long after the beginning of the last one. */
static void plan_round(struct watcher *watcher, int64_t after_ms)
{
    if (!watcher->stopped)
        loop_timer_start(watcher->options.loop, &watcher->timer, watcher->began_ms + after_ms);
}

/* -- the end of a round -- */

static bool same_modules(const struct biz_list *a, const struct biz_list *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!str_eq(a->items[i].name, b->items[i].name) ||
            !str_eq(a->items[i].version, b->items[i].version) ||
            a->items[i].state != b->items[i].state)
            return false;
    return true;
}

static void take_modules(struct watcher *watcher)
{
    struct base_state *state = &watcher->state;
    bool known = watcher->arklet_answered;
    watcher->changed |= known != state->modules_known ||
                        (known && !same_modules(&state->modules, &watcher->modules));
    state->arklet_answered = state->modules_known = known;
    if (!known) /* the last list stays */
        return;
    biz_list_done(&state->modules);
    state->modules = watcher->modules;
    watcher->modules = (struct biz_list){0};
}

static void take_boot(struct watcher *watcher)
{
    if (!watcher->boot_id)
        return;
    mem_free(watcher->state.boot_id);
    watcher->state.boot_id = TAKE(watcher->boot_id);
    watcher->changed = true;
    log_info(watcher->options.log, "base started", LOG_STR("boot_id", watcher->state.boot_id));
}

static void judge(struct watcher *watcher)
{
    struct base_state *state = &watcher->state;
    struct health_facts facts = {
        .page_wanted = watcher->options.health_url != NULL,
        .page_answered = watcher->page_answered,
        .page_status = watcher->page_status,
        .page = watcher->page,
        .page_len = watcher->page_len,
        .page_error = watcher->page_error,
        .arklet_answered = state->arklet_answered,
        .modules = &state->modules,
        .operating = watcher->options.is_busy(watcher->options.user),
    };
    struct base_health health;
    base_health_of(&facts, &health);
    if (base_health_equal(&health, &state->health)) {
        base_health_done(&health);
        return;
    }
    base_health_done(&state->health);
    state->health = health;
    watcher->changed = true;
}

static void end_round(struct watcher *watcher)
{
    take_modules(watcher);
    take_boot(watcher);
    judge(watcher);
    mem_free(TAKE(watcher->page));
    mem_free(TAKE(watcher->page_error));
    watcher->running = false;
    if (watcher->stopped) /* and not ready any more, whatever was seen */
        return;
    watcher->options.on_round(watcher->options.user, watcher->changed);
    plan_round(watcher, watcher->again ? CLOSEST_MS : watcher->options.every_ms);
}

/* -- the health page -- */

static void on_page(struct loop_event *event)
{
    end_round(CONTAINER_OF(event, struct watcher, page_event));
}

/* On the client's thread. */
static void on_page_done(void *user, const struct http_response *response, const struct err *err)
{
    struct watcher *watcher = user;
    watcher->page_answered = response != NULL;
    if (response) {
        watcher->page_status = response->status;
        watcher->page = mem_strndup(response->body, response->body_bytes);
        watcher->page_len = response->body_bytes;
    } else {
        watcher->page_error = mem_strdup(err->message);
    }
    loop_post(watcher->options.loop, &watcher->page_event);
}

static void ask_page(struct watcher *watcher)
{
    if (!watcher->options.health_url) {
        end_round(watcher);
        return;
    }
    struct http_request request = {
        .method = "GET",
        .url = watcher->options.health_url,
        .answer_bytes_max = LIMIT_HEALTH_ANSWER,
        .timeout_ms = watcher->options.query_ms,
        .fresh_connection = true,
    };
    watcher->page_event.fn = on_page;
    http_send(watcher->options.http, &request, on_page_done, watcher);
}

/* -- the JVM: a smaller age than it must have by now is another JVM, whatever the clock on the wall shows -- */

#define UPTIME_DOUBT_MS 1500 /* ages are whole seconds */

static bool is_another_jvm(const struct watcher *watcher, int64_t uptime_s)
{
    int64_t passed_ms = watcher->uptime_asked_ms - watcher->uptime_known_ms;
    return uptime_s < watcher->uptime_s ||
           uptime_s * 1000 + UPTIME_DOUBT_MS < watcher->uptime_s * 1000 + passed_ms;
}

static void note_uptime(struct watcher *watcher, int64_t uptime_s)
{
    if (!watcher->state.boot_id || is_another_jvm(watcher, uptime_s)) {
        /* Another agent, or a clock that was set, may give the same JVM another id: its modules are looked at
         * anew, and are there. */
        int64_t started_s = loop_wall_ms(watcher->options.loop) / 1000 - uptime_s;
        mem_free(watcher->boot_id);
        watcher->boot_id = mem_printf("%lld", (long long)started_s);
    }
    watcher->uptime_s = uptime_s;
    watcher->uptime_known_ms = loop_now_ms(watcher->options.loop);
}

static void on_jvm(void *user, const char *body, size_t len, const struct err *err)
{
    struct watcher *watcher = user;
    int64_t uptime_s = 0;
    if (!err && jvm_uptime_parse(body, len, &uptime_s, NULL) == 0)
        note_uptime(watcher, uptime_s);
    ask_page(watcher);
}

/* Rounds that come close together, for operations, need not ask each time. */
static bool jvm_due(const struct watcher *watcher)
{
    return !watcher->state.boot_id || watcher->in_doubt ||
           watcher->began_ms - watcher->uptime_round_ms >= watcher->options.every_ms;
}

static void ask_jvm(struct watcher *watcher)
{
    if (!jvm_due(watcher)) {
        ask_page(watcher);
        return;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "type", "system");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "metrics"), cJSON_CreateString("jvm"));
    watcher->uptime_round_ms = watcher->began_ms;
    watcher->uptime_asked_ms = loop_now_ms(watcher->options.loop);
    arklet_ask(watcher->options.arklet, "health", body, watcher->options.query_ms, on_jvm, watcher);
}

/* -- the modules -- */

static bool has_lost_one(const struct biz_list *before, const struct biz_list *now)
{
    for (size_t i = 0; i < before->len; i++)
        if (!biz_list_find(now, before->items[i].name, before->items[i].version))
            return true;
    return false;
}

static void on_modules(void *user, const char *body, size_t len, const struct err *err)
{
    struct watcher *watcher = user;
    const struct base_state *state = &watcher->state;
    watcher->arklet_answered = !err && biz_list_parse(body, len, &watcher->modules, NULL) == 0;
    if (!watcher->arklet_answered) {
        ask_page(watcher);
        return;
    }
    watcher->in_doubt = !state->arklet_answered || has_lost_one(&state->modules, &watcher->modules);
    ask_jvm(watcher);
}

static void ask_modules(struct watcher *watcher)
{
    arklet_ask(watcher->options.arklet, "queryAllBiz", NULL, watcher->options.query_ms, on_modules,
               watcher);
}

/* -- rounds -- */

static void begin_round(struct watcher *watcher)
{
    loop_timer_stop(watcher->options.loop, &watcher->timer);
    watcher->began_ms = loop_now_ms(watcher->options.loop);
    watcher->running = true;
    watcher->again = watcher->changed = watcher->page_answered = false;
    ask_modules(watcher);
}

static void on_timer(struct loop_timer *timer)
{
    begin_round(CONTAINER_OF(timer, struct watcher, timer));
}

struct watcher *watcher_new(const struct watcher_options *options)
{
    struct watcher *watcher = NEW(struct watcher);
    watcher->options = *options;
    watcher->uptime_s = -1;
    watcher->state.health.message = mem_strdup("the base was not asked yet");
    loop_timer_init(&watcher->timer, on_timer);
    return watcher;
}

void watcher_free(struct watcher *watcher)
{
    if (!watcher)
        return;
    loop_timer_stop(watcher->options.loop, &watcher->timer);
    biz_list_done(&watcher->modules);
    biz_list_done(&watcher->state.modules);
    base_health_done(&watcher->state.health);
    mem_free(watcher->state.boot_id);
    mem_free(watcher->boot_id);
    mem_free(watcher->page);
    mem_free(watcher->page_error);
    mem_free(watcher);
}

void watcher_start(struct watcher *watcher)
{
    begin_round(watcher);
}

void watcher_look(struct watcher *watcher)
{
    if (watcher->running)
        watcher->again = true;
    else
        plan_round(watcher, CLOSEST_MS);
}

void watcher_stop(struct watcher *watcher)
{
    watcher->stopped = true;
    loop_timer_stop(watcher->options.loop, &watcher->timer);
}

const struct base_state *watcher_state(const struct watcher *watcher)
{
    return &watcher->state;
}

bool base_state_ready(const struct base_state *state)
{
    return state->boot_id && state->health.base_status == HEALTH_UP &&
           (state->arklet_answered || state->health.status == HEALTH_UP);
}
