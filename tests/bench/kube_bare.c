/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bare client of an API server, that the controller is compared with: the same requests, at the same concurrency
 * (KUBE_IN_FLIGHT), and nothing else.
 *
 *     KUBECONFIG=FILE kube_bare write NAMESPACE < REQUESTS    prints milliseconds
 *     KUBECONFIG=FILE kube_bare list NAMESPACE SELECTOR       prints milliseconds, of the lists of a cold start
 *
 * A line of REQUESTS is VERB, RESOURCE, SUBRESOURCE (- = none), NAME and a JSON body on one line, separated by tabs; an
 * empty line begins another chain. The requests of a chain follow each other, chains run side by side.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/kube/client.h"

#define OURS "koupleless.alipay.com", "v1alpha1"
#define PAGE 500 /* as the controller lists */

static const struct kube_resource resources[] = {
    {OURS, "modules", "Module", false},
    {OURS, "modulereplicasets", "ModuleReplicaSet", false},
    {OURS, "moduledeployments", "ModuleDeployment", false},
    {"", "v1", "pods", "Pod", false},
};

struct step {
    char *line; /* what the others point into */
    const char *verb, *resource, *subresource, *name, *body;
};

struct chain {
    VEC(struct step) steps;
    size_t next;
};

static struct {
    struct kube_client *client;
    const char *namespace, *selector;
    VEC(struct chain *) chains;
    int running; /* chains, or lists; atomic */
    int failed;
    char *tokens[ARRAY_LEN(resources)];
} bare;

static const struct kube_resource *resource_named(const char *plural)
{
    for (size_t i = 0; i < ARRAY_LEN(resources); i++)
        if (str_eq(resources[i].plural, plural))
            return &resources[i];
    (void)fprintf(stderr, "no such resource: %s\n", plural);
    exit(2);
}

static void ended(const struct err *err)
{
    if (err) {
        (void)fprintf(stderr, "%s\n", err->message);
        __atomic_fetch_add(&bare.failed, 1, __ATOMIC_RELAXED);
    }
    __atomic_fetch_sub(&bare.running, 1, __ATOMIC_RELEASE);
}

/* -- writes -- */

static void send_next(struct chain *chain);

static void on_written(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct chain *chain = user;
    (void)answer;
    if (err || chain->next == chain->steps.len)
        ended(err);
    else
        send_next(chain);
}

static void send_next(struct chain *chain)
{
    const struct step *step = &chain->steps.items[chain->next++];
    bool creates = str_eq(step->verb, "create");
    const struct kube_request request = {
        .verb = creates                        ? KUBE_CREATE
                : str_eq(step->verb, "delete") ? KUBE_DELETE
                                               : KUBE_MERGE_PATCH,
        .path = {resource_named(step->resource), bare.namespace, creates ? NULL : step->name,
                 str_eq(step->subresource, "-") ? NULL : step->subresource},
        .body = *step->body ? step->body : NULL,
    };
    kube_send(bare.client, &request, on_written, chain);
}

static void read_chains(void)
{
    char *line = NULL;
    size_t size = 0;
    struct chain *chain = NULL;
    for (ssize_t len; (len = getline(&line, &size, stdin)) > 0;) {
        line[len - 1] = 0;
        if (!*line) {
            chain = NULL;
            continue;
        }
        if (!chain) {
            chain = NEW(struct chain);
            VEC_PUSH(&bare.chains, chain);
        }
        struct step step = {.line = mem_strdup(line)};
        char *rest = step.line;
        step.verb = strsep(&rest, "\t");
        step.resource = strsep(&rest, "\t");
        step.subresource = strsep(&rest, "\t");
        step.name = strsep(&rest, "\t");
        step.body = rest ? rest : "";
        VEC_PUSH(&chain->steps, step);
    }
    free(line);
}

static void begin_writes(void)
{
    bare.running = (int)bare.chains.len;
    for (size_t i = 0; i < bare.chains.len; i++)
        send_next(bare.chains.items[i]);
}

static void free_chains(void)
{
    for (size_t i = 0; i < bare.chains.len; i++) {
        struct chain *chain = bare.chains.items[i];
        for (size_t s = 0; s < chain->steps.len; s++)
            mem_free(chain->steps.items[s].line);
        VEC_DONE(&chain->steps);
        mem_free(chain);
    }
    VEC_DONE(&bare.chains);
}

/* -- lists -- */

static void list_page(size_t at);

static void on_page(void *user, const struct kube_answer *answer, const struct err *err)
{
    size_t at = (size_t)((char **)user - bare.tokens);
    AUTO_JSON cJSON *page =
        err ? NULL : json_parse(answer->body, answer->body_bytes, SIZE_MAX, NULL);
    mem_replace(&bare.tokens[at], page ? json_get_string(page, "metadata.continue") : NULL);
    if (!str_empty(bare.tokens[at]))
        list_page(at);
    else
        ended(err);
}

static void list_page(size_t at)
{
    const struct kube_request request = {
        .verb = KUBE_LIST,
        .path = {&resources[at], bare.namespace, NULL, NULL},
        .label_selector = str_eq(resources[at].plural, "pods") ? bare.selector : NULL,
        .limit = PAGE,
        .continue_token = bare.tokens[at],
    };
    kube_send(bare.client, &request, on_page, &bare.tokens[at]);
}

static void begin_lists(void)
{
    bare.running = (int)ARRAY_LEN(resources);
    for (size_t i = 0; i < ARRAY_LEN(resources); i++)
        list_page(i);
}

int main(int argc, char *argv[])
{
    AUTO_ERR struct err *err = NULL;
    struct kube_config config = {0};
    struct log *log = log_new(STDERR_FILENO, LOG_WARN, LOG_TEXT, clock_real());
    bool writes = argc == 3 && str_eq(argv[1], "write");
    if ((!writes && (argc != 4 || !str_eq(argv[1], "list"))) ||
        kube_config_load(NULL, NULL, &config, &err) < 0 ||
        kube_client_new(&bare.client, &config, "kube_bare", log, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err ? err->message : "usage: see the head of kube_bare.c");
        return 2;
    }
    kube_config_done(&config);
    bare.namespace = argv[2];
    bare.selector = writes ? NULL : argv[3];
    if (writes)
        read_chains();
    int64_t begin_ms = clock_mono_ms(clock_real());
    if (writes)
        begin_writes();
    else
        begin_lists();
    while (__atomic_load_n(&bare.running, __ATOMIC_ACQUIRE))
        (void)usleep(500);
    (void)printf("%lld\n", (long long)(clock_mono_ms(clock_real()) - begin_ms));
    kube_client_free(bare.client);
    free_chains();
    log_free(log);
    return bare.failed ? 1 : 0;
}
