/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to the API server at a time, and one timer: for the next question, or for the moment when leadership
 * is lost though a question is out.
 *
 *   go_on(): kube_lease_next() ─> ask() ─> API server ─> on_answered(): kube_lease_saw() ─> go_on()
 */
#include "services/controller/leader.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/kube/client.h"
#include "lib/kube/lease.h"

#define TRY_MS 3000       /* one request; a Lease is small */
#define HAND_BACK_MS 2000 /* the end of the process waits no longer */

struct leader {
    struct leader_options options;
    struct kube_client *client;
    char *namespace;
    struct kube_lease lease;
    struct loop_timer timer;
    struct question *question; /* that is out */
    bool leading, lost, stopping;
    bool in_trouble; /* the last question was not answered, which has been told */
    struct metric *leads;
};

struct question {
    struct loop_event event;
    struct leader *leader;
    enum kube_lease_step step;
    int64_t asked_ms;
    char *body; /* the answer, or: */
    size_t body_bytes;
    struct err *err;
};

static void go_on(struct leader *leader);

/* -- questions -- */

static void tell_trouble(struct leader *leader, const struct question *question)
{
    static const char *const steps[] = {"look", "create", "patch"};
    const struct err *err = question->err;
    bool expected =
        err && (err->code == ERR_NOT_FOUND || err->code == ERR_CONFLICT || err->code == ERR_EXISTS);
    if (expected)
        return;
    if (err && !leader->in_trouble && !leader->stopping)
        log_warn(leader->options.log, "lease failed, tried again",
                 LOG_STR("step", steps[question->step]), LOG_ERR(err));
    leader->in_trouble = err != NULL;
}

static void learn(struct leader *leader, struct question *question)
{
    AUTO_FREE char *before = mem_strdup(leader->lease.holder);
    int64_t now_ms = loop_now_ms(leader->options.loop);
    if (!question->err)
        (void)kube_lease_saw(&leader->lease, question->step, question->body, question->body_bytes,
                             question->asked_ms, now_ms, &question->err);
    else
        kube_lease_failed(&leader->lease, question->step, question->err, question->asked_ms);
    tell_trouble(leader, question);
    const char *holder = leader->lease.holder;
    bool others = !str_empty(holder) && !str_eq(holder, leader->lease.identity);
    if (!question->err && others && !leader->lease.epoch && !str_eq(before, holder))
        log_info(leader->options.log, "another controller leads", LOG_STR("holder", holder));
}

static void on_answered(struct loop_event *event)
{
    struct question *question = CONTAINER_OF(event, struct question, event);
    struct leader *leader = question->leader;
    leader->question = NULL;
    learn(leader, question);
    err_free(question->err);
    mem_free(question->body);
    mem_free(question);
    if (!leader->stopping)
        go_on(leader);
}

static void on_done(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct question *question = user;
    question->err = err_copy(err);
    if (answer) {
        question->body = mem_strndup(answer->body, answer->body_bytes);
        question->body_bytes = answer->body_bytes;
    }
    loop_post(question->leader->options.loop, &question->event);
}

static void send_question(struct leader *leader, enum kube_lease_step step, const char *body)
{
    static const enum kube_verb verbs[] = {KUBE_GET, KUBE_CREATE, KUBE_MERGE_PATCH};
    ASSERT(!leader->question && step < ARRAY_LEN(verbs));
    const struct kube_request request = {
        .verb = verbs[step],
        .path = {.resource = &kube_leases,
                 .namespace = leader->namespace,
                 .name = step == KUBE_LEASE_CREATE ? NULL : LEADER_LEASE},
        .body = body,
        .timeout_ms = TRY_MS,
    };
    struct question *question = NEW(struct question);
    question->event.fn = on_answered;
    question->leader = leader;
    question->step = step;
    question->asked_ms = loop_now_ms(leader->options.loop);
    leader->question = question;
    kube_send(leader->client, &request, on_done, question);
}

static void ask(struct leader *leader, enum kube_lease_step step)
{
    AUTO_FREE char *body = step == KUBE_LEASE_LOOK
                               ? NULL
                               : kube_lease_body(&leader->lease, leader->namespace, LEADER_LEASE,
                                                 loop_wall_ms(leader->options.loop));
    send_question(leader, step, body);
}

/* -- what follows -- */

static void lose(struct leader *leader)
{
    leader->lost = true;
    metric_set(leader->leads, 0);
    log_error(leader->options.log, "leadership is lost", LOG_STR("lease", LEADER_LEASE),
              LOG_STR("holder", leader->lease.holder));
    leader->options.on_lost(leader->options.user);
}

static void lead(struct leader *leader)
{
    leader->leading = true;
    metric_set(leader->leads, 1);
    log_info(leader->options.log, "this controller leads", LOG_STR("lease", LEADER_LEASE),
             LOG_STR("identity", leader->lease.identity), LOG_INT("epoch", leader->lease.epoch));
    leader->options.on_leading(leader->options.user, leader->lease.epoch);
}

static void go_on(struct leader *leader)
{
    int64_t now_ms = loop_now_ms(leader->options.loop), at_ms;
    enum kube_lease_step step = kube_lease_next(&leader->lease, now_ms, &at_ms);
    if (leader->lost)
        return;
    if (step == KUBE_LEASE_LOST) {
        lose(leader);
        return;
    }
    if (leader->lease.epoch && !leader->leading)
        lead(leader);
    if (!leader->question && at_ms <= now_ms)
        ask(leader, step);
    int64_t lost_ms = kube_lease_lost_ms(&leader->lease);
    int64_t next_ms = leader->question || lost_ms < at_ms ? lost_ms : at_ms;
    if (next_ms != TIME_NEVER)
        loop_timer_start(leader->options.loop, &leader->timer, next_ms);
}

static void on_timer(struct loop_timer *timer)
{
    go_on(CONTAINER_OF(timer, struct leader, timer));
}

/* -- life -- */

int leader_new(struct leader **out, const struct leader_options *options, struct err **err)
{
    struct kube_client *client = NULL;
    if (kube_client_new(&client, options->config, options->user_agent, options->log, err) < 0)
        return -1;
    struct leader *leader = NEW(struct leader);
    leader->options = *options;
    leader->client = client;
    leader->namespace = mem_strdup(options->namespace);
    kube_lease_init(&leader->lease, options->identity);
    leader->leads = metrics_gauge(options->metrics, "koupleless_controller_leader",
                                  "Whether this controller holds the lease: 1 or 0", NULL);
    loop_timer_init(&leader->timer, on_timer);
    loop_timer_start(options->loop, &leader->timer, 0);
    *out = leader;
    return 0;
}

static void wait_for_answer(struct leader *leader, int64_t until_ms)
{
    struct loop *loop = leader->options.loop;
    for (int64_t next_ms = loop_turn(loop); leader->question && loop_now_ms(loop) < until_ms;
         next_ms = loop_turn(loop))
        loop_wait(loop, next_ms < until_ms ? next_ms : until_ms);
}

static void hand_back(struct leader *leader)
{
    struct loop *loop = leader->options.loop;
    loop_turn(loop);
    int64_t until_ms = loop_now_ms(loop) + HAND_BACK_MS;
    wait_for_answer(leader, until_ms); /* which tells the version */
    if (leader->question || !kube_lease_held(&leader->lease))
        return;
    AUTO_FREE char *body = kube_lease_hand_back(&leader->lease, loop_wall_ms(loop));
    send_question(leader, KUBE_LEASE_PATCH, body);
    wait_for_answer(leader, until_ms);
}

void leader_withdraw(struct leader *leader)
{
    if (!leader || leader->leading)
        return;
    leader->stopping = true;
    loop_timer_stop(leader->options.loop, &leader->timer);
}

/* Or will, by a question that is out. */
static bool may_hold(const struct leader *leader)
{
    return leader->lease.epoch || (leader->question && leader->question->step != KUBE_LEASE_LOOK);
}

void leader_free(struct leader *leader)
{
    if (!leader)
        return;
    leader->stopping = true;
    loop_timer_stop(leader->options.loop, &leader->timer);
    if (may_hold(leader) && !leader->lost)
        hand_back(leader);
    kube_client_free(leader->client);
    loop_turn(leader->options.loop); /* a question that was out has been ended by that */
    kube_lease_done(&leader->lease);
    mem_free(leader->namespace);
    mem_free(leader);
}
