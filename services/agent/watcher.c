/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/watcher.h"

#include "lib/base/limits.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

#define CLOSEST_MS 250     /* between two rounds: many operations in a row share one */
#define ROUND_MS 1000      /* the longest round */
#define AWAY_EVERY_MS 200  /* between rounds at the most, while nobody is there */
#define JVM_EVERY_MS 10000 /* the JVM's age, where nothing speaks for another one */
#define JITTER_PERCENT 10

/* Of what is asked: Arklet, or the health page. */
struct question {
    bool open;
    bool answered, refused; /* see contact.h */
    int64_t asked_ms;
    int64_t waiting_since_ms; /* when the first was asked of those that have no answer; 0: none */
    int64_t took_ms;
    struct metric *failures;
};

struct watcher {
    struct watcher_options options;
    struct base_state state;
    struct loop_timer timer; /* the end of this round, or the next one */
    struct rand rand;
    bool running, again, stopped;
    int64_t began_ms; /* the last round */
    struct question arklet, page_question;
    bool operating;       /* as this round ends */
    int64_t operating_ms; /* when that was so last; -1: never */
    struct metric *rounds;

    /* What was found counts at the end of a round, all at once, for a report may go out meanwhile. */
    struct biz_list modules;
    bool modules_found;
    char *boot_id; /* NULL: the same JVM, as far as is known */
    bool changed;

    /* the last answer, or NULL */
    struct loop_event page_event;
    int page_status;
    char *page, *page_error;
    size_t page_len;

    /* on its way from the client's thread */
    int new_status;
    char *new_page, *new_error;
    size_t new_len;
    bool new_unavailable;

    /* Since the JVM told its age last: */
    bool in_doubt; /* Arklet was silent, or a module has gone: it may be another one */
    bool lost;     /* a module has gone */
    bool jvm_wanted;

    /* Of Arklet's question: the list, and the age beside it. */
    bool list_open, jvm_open;
    bool listed, aged; /* it has come */
    bool age_again;    /* a module has gone: the age may be that of the JVM before */

    struct jvm_question jvm;
    int64_t uptime_s; /* of the JVM; -1 = not known */
    int64_t uptime_known_ms;
};

static int64_t now_ms(const struct watcher *watcher)
{
    return loop_now_ms(watcher->options.loop);
}

/* The next round begins so long after the beginning of the last one. */
static void plan_round(struct watcher *watcher, int64_t after_ms)
{
    if (!watcher->stopped)
        loop_timer_start(watcher->options.loop, &watcher->timer, watcher->began_ms + after_ms);
}

/* -- questions -- */

static void question_begin(struct watcher *watcher, struct question *question)
{
    question->open = true;
    question->asked_ms = now_ms(watcher);
    if (!question->waiting_since_ms)
        question->waiting_since_ms = question->asked_ms;
}

static void question_answered(struct watcher *watcher, struct question *question)
{
    question->answered = true;
    question->refused = false;
    question->took_ms = now_ms(watcher) - question->asked_ms;
    question->waiting_since_ms = 0;
}

/* @unavailable: there was no connection. */
static void question_failed(struct watcher *watcher, struct question *question, bool unavailable)
{
    metric_add(question->failures, 1);
    if (!contact_refused(unavailable, now_ms(watcher) - question->asked_ms))
        return;
    question->answered = false;
    question->refused = true;
    question->waiting_since_ms = 0;
}

static enum contact contact(const struct watcher *watcher, const struct question *question)
{
    int64_t now = now_ms(watcher);
    const struct contact_facts facts = {
        .answered = question->answered,
        .refused = question->refused,
        .waiting_ms = question->waiting_since_ms ? now - question->waiting_since_ms : 0,
        .took_ms = question->took_ms,
        .operating = watcher->operating,
        .quiet_ms = watcher->operating_ms < 0 ? INT64_MAX : now - watcher->operating_ms,
        .silent_ms = watcher->options.query_ms,
    };
    return contact_of(&facts);
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
    enum contact arklet = contact(watcher, &watcher->arklet);
    bool known = arklet == CONTACT_GOOD;
    watcher->changed |= known != state->modules_known;
    state->arklet_answered = contact_counts(arklet);
    state->modules_known = known;
    state->listed = watcher->modules_found;
    if (!watcher->modules_found) /* the last list stays */
        return;
    watcher->changed |= !same_modules(&state->modules, &watcher->modules);
    biz_list_done(&state->modules);
    state->modules = watcher->modules;
    watcher->modules = (struct biz_list){0};
    watcher->modules_found = false;
    state->in_doubt = watcher->lost;
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
        .page_contact = contact(watcher, &watcher->page_question),
        .arklet_contact = contact(watcher, &watcher->arklet),
        .page_status = watcher->page_status,
        .page = watcher->page,
        .page_len = watcher->page_len,
        .page_error = watcher->page_error,
        .modules = &state->modules,
        .operating = watcher->operating,
    };
    AUTO_FREE char *why = NULL;
    facts.replay = watcher->options.replay_health(watcher->options.user, &why);
    facts.replay_why = why;
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

/* How the base as a whole answers, for probes: nobody is there, or all that are asked are silent. */
static void judge_silence(struct watcher *watcher)
{
    struct base_state *state = &watcher->state;
    bool page_wanted = watcher->options.health_url != NULL;
    const struct question *arklet = &watcher->arklet, *page = &watcher->page_question;
    int64_t since_ms = arklet->waiting_since_ms;
    state->away = arklet->refused && (page->refused || !page_wanted);
    state->mute_ms = 0;
    if (contact(watcher, arklet) != CONTACT_SILENT ||
        (page_wanted && contact(watcher, page) != CONTACT_SILENT))
        return;
    if (page_wanted && page->waiting_since_ms > since_ms)
        since_ms = page->waiting_since_ms;
    state->mute_ms = now_ms(watcher) - since_ms;
}

/* The base's return is to be noticed soon, and a refused connection costs next to nothing. */
static int64_t pause_ms(struct watcher *watcher)
{
    bool away = watcher->arklet.refused || watcher->page_question.refused;
    int64_t every_ms = watcher->options.every_ms;
    if (watcher->again)
        return CLOSEST_MS;
    return rand_jitter(&watcher->rand, away && every_ms > AWAY_EVERY_MS ? AWAY_EVERY_MS : every_ms,
                       JITTER_PERCENT);
}

static void end_round(struct watcher *watcher)
{
    watcher->running = false;
    if (watcher->stopped) /* and not ready any more, whatever was seen */
        return;
    watcher->operating = watcher->options.is_busy(watcher->options.user);
    if (watcher->operating)
        watcher->operating_ms = now_ms(watcher);
    take_modules(watcher);
    take_boot(watcher);
    watcher->changed |= watcher->options.on_seen(watcher->options.user);
    judge(watcher);
    judge_silence(watcher);
    metric_add(watcher->rounds, 1);
    watcher->options.on_round(watcher->options.user, watcher->changed);
    plan_round(watcher, pause_ms(watcher));
}

static void on_closed(struct watcher *watcher, struct question *question)
{
    question->open = false;
    if (watcher->running && !watcher->arklet.open && !watcher->page_question.open)
        end_round(watcher);
}

/* -- the health page -- */

static void on_page(struct loop_event *event)
{
    struct watcher *watcher = CONTAINER_OF(event, struct watcher, page_event);
    struct question *question = &watcher->page_question;
    mem_free(TAKE(watcher->page_error));
    if (watcher->new_page)
        question_answered(watcher, question);
    else
        question_failed(watcher, question, watcher->new_unavailable);
    watcher->in_doubt |= question->refused;
    if (watcher->new_page || question->refused) {
        mem_free(watcher->page);
        watcher->page = TAKE(watcher->new_page);
        watcher->page_len = watcher->new_len;
        watcher->page_status = watcher->new_status;
    }
    watcher->page_error = TAKE(watcher->new_error);
    on_closed(watcher, question);
}

/* On the client's thread. */
static void on_page_done(void *user, const struct http_response *response, const struct err *err)
{
    struct watcher *watcher = user;
    if (response) {
        watcher->new_status = response->status;
        watcher->new_page = mem_strndup(response->body, response->body_bytes);
        watcher->new_len = response->body_bytes;
    } else {
        watcher->new_error = mem_strdup(err->message);
        watcher->new_unavailable = err->code == ERR_UNAVAILABLE;
    }
    loop_post(watcher->options.loop, &watcher->page_event);
}

static void ask_page(struct watcher *watcher)
{
    struct http_request request = {
        .method = "GET",
        .url = watcher->options.health_url,
        .answer_bytes_max = LIMIT_HEALTH_ANSWER,
        .timeout_ms = watcher->options.query_ms,
    };
    if (!watcher->options.health_url || watcher->page_question.open)
        return;
    question_begin(watcher, &watcher->page_question);
    watcher->page_event.fn = on_page;
    http_send(watcher->options.http, &request, on_page_done, watcher);
}

/* -- the JVM: a smaller age than it must have by now is another JVM, whatever the clock on the wall shows -- */

#define UPTIME_DOUBT_MS 1500 /* ages are whole seconds */

static bool is_another_jvm(const struct watcher *watcher, int64_t uptime_s)
{
    int64_t passed_ms = watcher->jvm.asked_ms - watcher->uptime_known_ms;
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

static bool jvm_due(const struct watcher *watcher)
{
    return !watcher->state.boot_id || watcher->in_doubt || watcher->jvm_wanted ||
           watcher->began_ms - watcher->jvm.asked_ms >= JVM_EVERY_MS;
}

static void ask_jvm(struct watcher *watcher)
{
    watcher->jvm_wanted = watcher->age_again = false;
    watcher->jvm_open = true;
    jvm_ask(watcher->options.jvm, &watcher->jvm);
}

/* -- both: an age counts with a list alone, that of another JVM would else come beside the modules of the one before -- */

static void end_arklet(struct watcher *watcher)
{
    if (watcher->list_open || watcher->jvm_open)
        return;
    if (watcher->age_again) {
        ask_jvm(watcher);
        return;
    }
    if (watcher->listed && watcher->aged) {
        watcher->in_doubt = watcher->lost = false;
        note_uptime(watcher, jvm_figures(watcher->options.jvm)->uptime_s);
    }
    if (watcher->listed)
        question_answered(watcher, &watcher->arklet);
    watcher->modules_found = watcher->listed;
    on_closed(watcher, &watcher->arklet);
}

static void on_jvm(struct jvm_question *question, bool answered)
{
    struct watcher *watcher = CONTAINER_OF(question, struct watcher, jvm);
    watcher->jvm_open = false;
    watcher->aged = answered;
    if (!answered)
        metric_add(watcher->arklet.failures, 1);
    end_arklet(watcher);
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
    biz_list_done(&watcher->modules);
    watcher->modules = (struct biz_list){0};
    watcher->modules_found = watcher->list_open = false;
    watcher->listed = !err && biz_list_parse(body, len, &watcher->modules, NULL) == 0;
    if (watcher->listed) {
        watcher->age_again = has_lost_one(&watcher->state.modules, &watcher->modules);
        watcher->lost |= watcher->age_again;
        watcher->in_doubt |= watcher->lost;
    } else {
        watcher->in_doubt = true;
        question_failed(watcher, &watcher->arklet, err && err->code == ERR_UNAVAILABLE);
    }
    end_arklet(watcher);
}

static void ask_modules(struct watcher *watcher)
{
    if (watcher->arklet.open)
        return;
    question_begin(watcher, &watcher->arklet);
    watcher->list_open = true;
    watcher->listed = watcher->aged = false;
    if (jvm_due(watcher))
        ask_jvm(watcher);
    arklet_ask(watcher->options.arklet, "queryAllBiz", NULL, watcher->options.query_ms, on_modules,
               watcher);
}

/* -- rounds -- */

static void begin_round(struct watcher *watcher)
{
    watcher->began_ms = now_ms(watcher);
    watcher->running = true;
    watcher->again = watcher->changed = false;
    plan_round(watcher, ROUND_MS);
    ask_page(watcher);
    ask_modules(watcher);
}

static void on_timer(struct loop_timer *timer)
{
    struct watcher *watcher = CONTAINER_OF(timer, struct watcher, timer);
    if (watcher->running)
        end_round(watcher);
    else
        begin_round(watcher);
}

struct watcher *watcher_new(const struct watcher_options *options)
{
    static const char name[] = "koupleless_agent_question_failures_total";
    static const char help[] = "Questions to the base without an answer that could be read.";
    struct watcher *watcher = NEW(struct watcher);
    watcher->options = *options;
    watcher->uptime_s = watcher->operating_ms = -1;
    watcher->jvm.fn = on_jvm;
    watcher->state.health.message = mem_strdup("the base was not asked yet");
    watcher->rounds = metrics_counter(options->metrics, "koupleless_agent_rounds_total",
                                      "Rounds in which the base was looked at.", NULL);
    watcher->arklet.failures = metrics_counter(options->metrics, name, help, "of=\"arklet\"");
    watcher->page_question.failures = metrics_counter(options->metrics, name, help, "of=\"page\"");
    rand_seed(&watcher->rand, options->seed);
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
    mem_free(watcher->new_page);
    mem_free(watcher->new_error);
    mem_free(watcher);
}

void watcher_start(struct watcher *watcher)
{
    begin_round(watcher);
}

void watcher_look(struct watcher *watcher)
{
    watcher->jvm_wanted = true;
    if (watcher->running)
        watcher->again = true;
    else
        plan_round(watcher, CLOSEST_MS);
}

void watcher_judge(struct watcher *watcher)
{
    if (watcher->running || watcher->stopped)
        return;
    watcher->changed = watcher->options.on_seen(watcher->options.user);
    judge(watcher);
    watcher->options.on_round(watcher->options.user, watcher->changed);
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
    return state->boot_id && !state->in_doubt && state->health.takes_modules;
}
