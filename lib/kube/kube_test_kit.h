/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_KUBE_TEST_KIT_H
#define KOUPLELESS_KUBE_KUBE_TEST_KIT_H

#include "lib/http/http_test_kit.h"
#include "lib/kube/client_internal.h"

/* A client of an API server that is a peer of bytes. */

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define STATUS(http, reason)                                                                       \
    "HTTP/1.1 " http "\r\n\r\n{\"kind\":\"Status\",\"message\":\"no, " reason                      \
    "\",\"reason\":\"" reason "\"}"

static const struct kube_resource test_modules = {"example.org", "v1", "modules", "Module", false};

struct outcome {
    struct counter done;
    int status; /* 0: no answer */
    char *body;
    struct err *err;
};

#define OUTCOME_INIT                                                                               \
    {                                                                                              \
        .done = COUNTER_INIT                                                                       \
    }

static inline void outcome_done(struct outcome *outcome)
{
    mem_free(outcome->body);
    err_clear(&outcome->err);
}

#define AUTO_OUTCOME AUTO(outcome_done)

static inline void on_done(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct outcome *outcome = user;
    outcome->status = answer ? answer->status : 0;
    outcome->body = answer ? mem_strndup(answer->body, answer->body_bytes) : NULL;
    outcome->err = err_copy(err);
    counter_add(&outcome->done);
}

struct bench {
    struct peer peer;
    struct kube_config config;
    struct kube_client *client;
};

/**
 * bench_keeping() - a server with @answers (kept by the caller) that keeps its connections where @keep, and a client
 * of it. @token_file: or NULL
 */
static inline struct bench *bench_keeping(const char *const *answers, const char *token_file,
                                          bool keep)
{
    struct bench *bench = NEW(struct bench);
    bench->peer.answers = answers;
    bench->peer.keep = keep;
    peer_start(&bench->peer);
    bench->config.server = mem_printf("http://127.0.0.1:%d", bench->peer.port);
    bench->config.token = token_file ? NULL : mem_strdup("secret");
    bench->config.token_file = mem_strdup(token_file);
    assert_int_equal(kube_client_new(&bench->client, &bench->config, "test/1", NULL, NULL), 0);
    return bench;
}

/** bench_new() - the same with a connection per answer. */
static inline struct bench *bench_new(const char *const *answers, const char *token_file)
{
    return bench_keeping(answers, token_file, /* keep= */ false);
}

static inline void bench_free(struct bench *bench)
{
    kube_client_free(bench->client);
    peer_stop(&bench->peer);
    kube_config_done(&bench->config);
    mem_free(bench);
}

/** request_of() - about the module "m" of the namespace "shop". */
static inline struct kube_request request_of(enum kube_verb verb)
{
    return (struct kube_request){.verb = verb,
                                 .path = {&test_modules, "shop", "m", NULL},
                                 .body = verb == KUBE_GET ? NULL : "{}"};
}

#endif
