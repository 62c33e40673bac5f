/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An identity is immutable and counted, so callbacks read it without the lock while it is renewed. Who asks when
 * the program has to run waits in a list; the thread that runs it goes on as long as somebody waits.
 */
#include "lib/kube/credentials.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/base64.h"
#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/list.h"
#include "lib/base/str.h"
#include "lib/kube/credential_program.h"

struct identity {
    int users; /* changed under the lock */
    char *authorization, *cert_pem, *key_pem;
};

struct waiting {
    struct list node;
    kube_identity_fn fn;
    void *user;
};

struct kube_credentials {
    const struct kube_config *config;
    struct clock *clock;
    struct log *log;
    enum { FROM_CONFIG, FROM_FILE, FROM_PROGRAM } source;
    int stop_fd; /* readable once stopped; -1 where there is no program */

    pthread_mutex_t lock;      /* of what follows */
    struct identity *identity; /* NULL: none yet, or the last one is good no more */
    struct err *failure;       /* why there is no identity */
    bool tried;                /* file or program was asked, at: */
    int64_t tried_ms;          /* monotonic */
    int64_t expires_ms;        /* wall; of the identity */
    bool refused;              /* the identity was */
    struct list waiting;
    pthread_t thread;
    bool has_thread; /* to be joined */
    bool running, stopped;
};

/* -- identities; under the lock -- */

static char *bearer(const char *token)
{
    return token ? mem_printf("Bearer %s", token) : NULL;
}

static char *basic(const struct kube_config *config)
{
    AUTO_FREE char *text = mem_printf("%s:%s", config->username ? config->username : "",
                                      config->password ? config->password : "");
    AUTO_FREE char *encoded = base64_text(text, strlen(text));
    return mem_printf("Basic %s", encoded);
}

static struct identity *identity_new(char *authorization, const char *cert_pem, const char *key_pem)
{
    struct identity *identity = NEW(struct identity);
    identity->users = 1;
    identity->authorization = authorization;
    identity->cert_pem = mem_strdup(cert_pem);
    identity->key_pem = mem_strdup(key_pem);
    return identity;
}

static void identity_release(struct identity *identity)
{
    if (!identity || --identity->users)
        return;
    mem_free(identity->authorization);
    mem_free(identity->cert_pem);
    mem_free(identity->key_pem);
    mem_free(identity);
}

static void set_identity(struct kube_credentials *credentials, struct identity *identity)
{
    identity_release(credentials->identity);
    credentials->identity = identity;
    credentials->refused = false;
    credentials->expires_ms = TIME_NEVER;
    err_clear(&credentials->failure);
}

static bool is_refused(const struct kube_credentials *credentials, const char *refused)
{
    return refused && credentials->identity &&
           str_eq(refused, credentials->identity->authorization);
}

/* The new one could not be had: the old one stays as long as it is good. */
static void set_failure(struct kube_credentials *credentials, struct err *failure)
{
    err_clear(&credentials->failure);
    if (credentials->identity && !credentials->refused &&
        clock_wall_ms(credentials->clock) < credentials->expires_ms) {
        log_warn(credentials->log, "credentials are not renewed, the old ones are used",
                 LOG_ERR(failure));
        err_free(failure);
        return;
    }
    identity_release(TAKE(credentials->identity));
    credentials->failure = failure;
}

/* What a callback gets, taken under the lock and told without it. */
struct outcome {
    struct identity *identity;
    struct err *err;
};

static struct outcome outcome_of(struct kube_credentials *credentials)
{
    struct outcome outcome = {.identity = credentials->identity};
    if (credentials->stopped) {
        outcome.identity = NULL;
        err_set(&outcome.err, ERR_CANCELLED, "the API client ends");
    } else if (outcome.identity) {
        outcome.identity->users++;
    } else {
        outcome.err = err_copy(credentials->failure);
    }
    return outcome;
}

static void tell(const struct outcome *outcome, kube_identity_fn fn, void *user)
{
    if (!outcome->identity) {
        fn(user, NULL, outcome->err);
        return;
    }
    const struct kube_identity shown = {.authorization = outcome->identity->authorization,
                                        .cert_pem = outcome->identity->cert_pem,
                                        .key_pem = outcome->identity->key_pem};
    fn(user, &shown, NULL);
}

static void outcome_done(struct kube_credentials *credentials, struct outcome *outcome)
{
    pthread_mutex_lock(&credentials->lock);
    identity_release(outcome->identity);
    pthread_mutex_unlock(&credentials->lock);
    err_clear(&outcome->err);
}

/* -- token files -- */

static char *read_token(const char *path, struct err **err)
{
    AUTO_FREE char *text = file_read(path, LIMIT_TOKEN, NULL, err);
    if (!text)
        return NULL;
    size_t blanks = strspn(text, " \t\r\n");
    size_t len = strlen(text + blanks);
    while (len && strchr(" \t\r\n", text[blanks + len - 1]))
        len--;
    AUTO_FREE char *token = mem_strndup(text + blanks, len);
    return kube_token_check(token, err) == 0 ? TAKE(token) : NULL;
}

static void renew_from_file(struct kube_credentials *credentials)
{
    const struct kube_config *config = credentials->config;
    struct err *err = NULL;
    AUTO_FREE char *token = read_token(config->token_file, &err);
    credentials->tried = true;
    credentials->tried_ms = clock_mono_ms(credentials->clock);
    if (token) {
        set_identity(credentials, identity_new(bearer(token), config->cert_pem, config->key_pem));
        return;
    }
    err_wrap(&err, "token file %s", config->token_file);
    err->code = ERR_UNAUTHENTICATED;
    set_failure(credentials, err);
}

static void look_at_file(struct kube_credentials *credentials, const char *refused)
{
    credentials->refused = is_refused(credentials, refused);
    int64_t again_ms = credentials->tried_ms + KUBE_TOKEN_FILE_MS;
    if (!credentials->tried || !credentials->identity || credentials->refused ||
        clock_mono_ms(credentials->clock) >= again_ms)
        renew_from_file(credentials);
}

/* -- programs -- */

/* Under the lock. */
static void take_issued(struct kube_credentials *credentials, const struct kube_issued *issued)
{
    const struct kube_config *config = credentials->config;
    bool own = issued->cert_pem != NULL;
    set_identity(credentials,
                 identity_new(bearer(issued->token), own ? issued->cert_pem : config->cert_pem,
                              own ? issued->key_pem : config->key_pem));
    credentials->expires_ms = issued->expires_ms;
}

/* Under the lock, which is let go of meanwhile. */
static void run_once(struct kube_credentials *credentials)
{
    struct kube_issued issued = {0};
    struct err *err = NULL;
    pthread_mutex_unlock(&credentials->lock);
    int result = kube_program_run(credentials->config, credentials->clock, credentials->stop_fd,
                                  &issued, &err);
    pthread_mutex_lock(&credentials->lock);
    credentials->tried = true;
    credentials->tried_ms = clock_mono_ms(credentials->clock);
    if (result == 0)
        take_issued(credentials, &issued);
    else if (credentials->stopped)
        err_free(err);
    else
        set_failure(credentials, err);
    kube_issued_done(&issued);
}

/* Under the lock, which is let go of meanwhile: callbacks may ask again. */
static void tell_all(struct kube_credentials *credentials)
{
    struct outcome outcome = outcome_of(credentials);
    struct list told;
    list_init(&told);
    LIST_FOR_EACH (node, &credentials->waiting) {
        list_remove(node);
        list_append(&told, node);
    }
    pthread_mutex_unlock(&credentials->lock);
    LIST_FOR_EACH (node, &told) {
        struct waiting *waiting = LIST_ENTRY(node, struct waiting, node);
        tell(&outcome, waiting->fn, waiting->user);
        mem_free(waiting);
    }
    outcome_done(credentials, &outcome);
    pthread_mutex_lock(&credentials->lock);
}

static void *run_while_awaited(void *user)
{
    struct kube_credentials *credentials = user;
    pthread_mutex_lock(&credentials->lock);
    while (!list_empty(&credentials->waiting)) {
        run_once(credentials);
        tell_all(credentials);
    }
    credentials->running = false; /* the last it does: who sees this may join it */
    pthread_mutex_unlock(&credentials->lock);
    return NULL;
}

static void wait_for_program(struct kube_credentials *credentials, kube_identity_fn fn, void *user)
{
    struct waiting *waiting = NEW(struct waiting);
    waiting->fn = fn;
    waiting->user = user;
    list_append(&credentials->waiting, &waiting->node);
    if (credentials->running)
        return;
    if (credentials->has_thread)
        pthread_join(credentials->thread, NULL);
    credentials->running = credentials->has_thread = true;
    ASSERT(pthread_create(&credentials->thread, NULL, run_while_awaited, credentials) == 0);
}

/* Whether the program's last answer is to be used, a failure too. */
static bool program_answer_stands(struct kube_credentials *credentials, const char *refused)
{
    if (credentials->tried &&
        clock_mono_ms(credentials->clock) < credentials->tried_ms + KUBE_PROGRAM_AGAIN_MS)
        return true;
    if (is_refused(credentials, refused))
        credentials->refused = true;
    return credentials->identity && !credentials->refused &&
           clock_wall_ms(credentials->clock) < credentials->expires_ms - KUBE_EXPIRY_SLACK_MS;
}

/* -- public -- */

struct kube_credentials *kube_credentials_new(const struct kube_config *config, struct clock *clock,
                                              struct log *log)
{
    struct kube_credentials *credentials = NEW(struct kube_credentials);
    credentials->config = config;
    credentials->clock = clock;
    credentials->log = log;
    credentials->stop_fd = -1;
    list_init(&credentials->waiting);
    pthread_mutex_init(&credentials->lock, NULL);
    bool own = config->token || config->username || config->password;
    if (config->token_file)
        credentials->source = FROM_FILE;
    else if (config->exec.command && !own)
        credentials->source = FROM_PROGRAM;
    if (credentials->source == FROM_PROGRAM) {
        credentials->stop_fd = eventfd(0, EFD_CLOEXEC);
        ASSERT(credentials->stop_fd >= 0);
    } else if (credentials->source == FROM_CONFIG || config->token) {
        char *authorization = own && !config->token ? basic(config) : bearer(config->token);
        set_identity(credentials, identity_new(authorization, config->cert_pem, config->key_pem));
    }
    return credentials;
}

void kube_credentials_use(struct kube_credentials *credentials, const char *refused,
                          kube_identity_fn fn, void *user)
{
    struct outcome outcome = {0};
    pthread_mutex_lock(&credentials->lock);
    bool later = credentials->source == FROM_PROGRAM && !credentials->stopped &&
                 !program_answer_stands(credentials, refused);
    if (later)
        wait_for_program(credentials, fn, user);
    if (credentials->source == FROM_FILE)
        look_at_file(credentials, refused);
    if (!later)
        outcome = outcome_of(credentials);
    pthread_mutex_unlock(&credentials->lock);
    if (later)
        return;
    tell(&outcome, fn, user);
    outcome_done(credentials, &outcome);
}

void kube_credentials_stop(struct kube_credentials *credentials)
{
    pthread_mutex_lock(&credentials->lock);
    credentials->stopped = true;
    pthread_mutex_unlock(&credentials->lock);
    if (credentials->stop_fd >= 0)
        eventfd_write(credentials->stop_fd, 1);
}

void kube_credentials_free(struct kube_credentials *credentials)
{
    if (!credentials)
        return;
    kube_credentials_stop(credentials);
    if (credentials->stop_fd >= 0) {
        if (credentials->has_thread)
            pthread_join(credentials->thread, NULL);
        close(credentials->stop_fd);
    }
    identity_release(credentials->identity);
    err_free(credentials->failure);
    pthread_mutex_destroy(&credentials->lock);
    mem_free(credentials);
}
