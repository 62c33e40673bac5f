/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/credentials.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/counter_test_kit.h"
#include "lib/base/file.h"
#include "lib/base/str.h"

#define V1 "client.authentication.k8s.io/v1"
#define PEM "-----BEGIN X-----\\nAA==\\n-----END X-----\\n"

/* For sh: prints a credential with a token, and other members of the status behind it. */
#define SHOW(token, more)                                                                          \
    "printf '%s' '{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\","                         \
    "\"status\":{\"token\":\"'" token "'\"" more "}}'"
/* One more line in the file "runs". */
#define COUNT "echo x >> runs; "

/* A clock that the test sets. Wall time is a day ahead of monotonic time. */
#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct world {
    char dir[40];
    struct clock clock;
    _Atomic int64_t now_ms;
    _Atomic int64_t step_ms; /* passes with each look at the clock */
    struct kube_config config;
    struct kube_credentials *credentials;
};

static int64_t mono_of(struct clock *clock)
{
    struct world *world = CONTAINER_OF(clock, struct world, clock);
    return atomic_fetch_add(&world->now_ms, atomic_load(&world->step_ms));
}

static int64_t wall_of(struct clock *clock)
{
    return atomic_load(&CONTAINER_OF(clock, struct world, clock)->now_ms) + DAY_MS;
}

/* What a callback was told. */
struct answer {
    struct counter told;
    char *authorization, *cert_pem, *key_pem, *error;
    enum err_code code;
    struct kube_credentials *again; /* asked from the callback, for: */
    struct answer *next;
};

static void answer_done(struct answer *answer)
{
    mem_free(answer->authorization);
    mem_free(answer->cert_pem);
    mem_free(answer->key_pem);
    mem_free(answer->error);
}

#define AUTO_ANSWER AUTO(answer_done)
#define ANSWER_INIT                                                                                \
    {                                                                                              \
        .told = COUNTER_INIT                                                                       \
    }

static void on_identity(void *user, const struct kube_identity *identity, const struct err *err)
{
    struct answer *answer = user;
    assert_true(!identity != !err);
    if (identity) {
        answer->authorization = mem_strdup(identity->authorization);
        answer->cert_pem = mem_strdup(identity->cert_pem);
        answer->key_pem = mem_strdup(identity->key_pem);
    } else if (err) {
        answer->code = err->code;
        answer->error = mem_strdup(err->message);
    }
    if (answer->again)
        kube_credentials_use(answer->again, NULL, on_identity, answer->next);
    counter_add(&answer->told);
}

/* -- worlds -- */

static int setup(void **state)
{
    struct world *world = NEW(struct world);
    memcpy(world->dir, "/tmp/koupleless-credentials-XXXXXX",
           sizeof("/tmp/koupleless-credentials-XXXXXX"));
    assert_non_null(mkdtemp(world->dir));
    world->clock = (struct clock){mono_of, wall_of};
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"token", "runs", "pid", "go"};
    struct world *world = *state;
    kube_credentials_free(world->credentials);
    kube_config_done(&world->config);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO_FREE char *path = mem_printf("%s/%s", world->dir, files[i]);
        (void)remove(path); /* most tests make few of them */
    }
    assert_int_equal(rmdir(world->dir), 0);
    mem_free(world);
    return 0;
}

static void begin(struct world *world)
{
    kube_credentials_free(world->credentials);
    world->credentials = kube_credentials_new(&world->config, &world->clock, NULL);
}

/* The program is @script, run by sh in the world's folder. */
static void begin_script(struct world *world, const char *script)
{
    struct kube_exec *exec = &world->config.exec;
    kube_credentials_free(TAKE(world->credentials));
    kube_config_done(&world->config);
    exec->api_version = mem_strdup(V1);
    exec->command = mem_strdup("sh");
    exec->args.items = mem_alloc(2 * sizeof(char *));
    exec->args.items[exec->args.len++] = mem_strdup("-c");
    exec->args.items[exec->args.len++] = mem_printf("cd %s; %s", world->dir, script);
    begin(world);
}

static void write_token(struct world *world, const char *text)
{
    AUTO_FREE char *path = mem_printf("%s/token", world->dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char *read_file(struct world *world, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/%s", world->dir, name);
    char *text = file_read(path, 1000, NULL, NULL);
    return text ? text : mem_strdup("");
}

static void assert_runs(struct world *world, size_t runs)
{
    AUTO_FREE char *text = read_file(world, "runs");
    assert_int_equal(strlen(text), runs * 2);
}

static void assert_authorization(struct world *world, const char *refused, const char *wanted)
{
    AUTO_ANSWER struct answer answer = ANSWER_INIT;
    kube_credentials_use(world->credentials, refused, on_identity, &answer);
    counter_wait(&answer.told, 1);
    assert_null(answer.error);
    if (wanted)
        assert_string_equal(answer.authorization, wanted);
    else
        assert_null(answer.authorization);
}

static void assert_error(struct world *world, const char *refused, const char *message)
{
    AUTO_ANSWER struct answer answer = ANSWER_INIT;
    kube_credentials_use(world->credentials, refused, on_identity, &answer);
    counter_wait(&answer.told, 1);
    assert_non_null(answer.error);
    assert_int_equal(answer.code, ERR_UNAUTHENTICATED);
    assert_string_equal(answer.error, message);
}

/* -- what stands in the configuration -- */

static void fixed_ones(void **state)
{
    struct world *world = *state;
    begin(world);
    assert_authorization(world, NULL, NULL);
    world->config.username = mem_strdup("me");
    world->config.password = mem_strdup("p:w");
    begin(world);
    assert_authorization(world, NULL, "Basic bWU6cDp3");
    world->config.token = mem_strdup("t");
    begin(world);
    assert_authorization(world, NULL, "Bearer t");
    assert_authorization(world, "Bearer t", "Bearer t"); /* there is no other */
}

static void certificates_come_on_top(void **state)
{
    struct world *world = *state;
    world->config.token = mem_strdup("t");
    world->config.cert_pem = mem_strdup("c");
    world->config.key_pem = mem_strdup("k");
    begin(world);
    AUTO_ANSWER struct answer answer = ANSWER_INIT;
    kube_credentials_use(world->credentials, NULL, on_identity, &answer);
    assert_int_equal(counter_get(&answer.told), 1); /* at once */
    assert_string_equal(answer.authorization, "Bearer t");
    assert_string_equal(answer.cert_pem, "c");
    assert_string_equal(answer.key_pem, "k");
}

/* -- token files -- */

static void begin_file(struct world *world)
{
    world->config.token_file = mem_printf("%s/token", world->dir);
    begin(world);
}

static void a_token_file_is_read_again(void **state)
{
    struct world *world = *state;
    write_token(world, "  a\n\n");
    begin_file(world);
    assert_authorization(world, NULL, "Bearer a");
    write_token(world, "b");
    world->now_ms += KUBE_TOKEN_FILE_MS - 1;
    assert_authorization(world, NULL, "Bearer a");
    world->now_ms += 1;
    assert_authorization(world, NULL, "Bearer b");

    write_token(world, "c");
    assert_authorization(world, "Bearer a", "Bearer b"); /* renewed since */
    assert_authorization(world, "Bearer b", "Bearer c");
    assert_authorization(world, "Bearer c", "Bearer c");
}

static void a_token_file_that_is_away(void **state)
{
    struct world *world = *state;
    begin_file(world);
    AUTO_FREE char *path = mem_strdup(world->config.token_file);
    AUTO_FREE char *missing = mem_printf("token file %s: No such file or directory", path);
    assert_error(world, NULL, missing);
    write_token(world, "a"); /* there was none, so it is looked for at once */
    assert_authorization(world, NULL, "Bearer a");

    assert_int_equal(unlink(path), 0);
    world->now_ms += KUBE_TOKEN_FILE_MS;
    assert_authorization(world, NULL, "Bearer a");
    assert_error(world, "Bearer a", missing);
    assert_error(world, NULL, missing);
    write_token(world, "b");
    assert_authorization(world, NULL, "Bearer b");
}

static void a_token_file_that_holds_none(void **state)
{
    struct world *world = *state;
    begin_file(world);
    const char *path = world->config.token_file;
    AUTO_FREE char *empty = mem_printf("token file %s: is empty", path);
    AUTO_FREE char *wrong =
        mem_printf("token file %s: holds a character that no header can carry", path);
    write_token(world, " \n");
    assert_error(world, NULL, empty);
    write_token(world, "a\nb");
    assert_error(world, NULL, wrong);
}

static void a_fixed_token_serves_while_there_is_no_file(void **state)
{
    struct world *world = *state;
    world->config.token = mem_strdup("fixed");
    begin_file(world);
    assert_authorization(world, NULL, "Bearer fixed");
    write_token(world, "a");
    world->now_ms += KUBE_TOKEN_FILE_MS;
    assert_authorization(world, NULL, "Bearer a");
}

/* -- programs -- */

static void a_program_runs_once(void **state)
{
    struct world *world = *state;
    begin_script(world, COUNT SHOW("t", ""));
    assert_runs(world, 0);
    assert_authorization(world, NULL, "Bearer t");
    assert_authorization(world, NULL, "Bearer t");
    world->now_ms += 1000 * DAY_MS;
    assert_authorization(world, NULL, "Bearer t");
    assert_runs(world, 1);
}

static void a_program_gets_what_it_needs(void **state)
{
    struct world *world = *state;
    begin_script(world,
                 "cat; "
                 "info=$(printenv KUBERNETES_EXEC_INFO | grep -c '\"interactive\":false'); " SHOW(
                     "$A-$HOME_OF_TEST-$info", ""));
    json_map_set(&world->config.exec.env, "A", "b");
    json_map_set(&world->config.exec.env, "HOME_OF_TEST", "mine");
    assert_int_equal(setenv("HOME_OF_TEST", "ours", 1), 0);
    assert_authorization(world, NULL, "Bearer b-mine-1");
}

static void a_program_gives_certificates(void **state)
{
    struct world *world = *state;
    begin_script(world,
                 SHOW("", ",\"clientCertificateData\":\"" PEM "\",\"clientKeyData\":\"" PEM "\""));
    world->config.cert_pem = mem_strdup("fixed");
    AUTO_ANSWER struct answer answer = ANSWER_INIT;
    kube_credentials_use(world->credentials, NULL, on_identity, &answer);
    counter_wait(&answer.told, 1);
    assert_null(answer.authorization);
    assert_string_equal(answer.cert_pem, "-----BEGIN X-----\nAA==\n-----END X-----\n");
    assert_string_equal(answer.key_pem, answer.cert_pem);
}

static void a_program_runs_again_before_it_expires(void **state)
{
    struct world *world = *state;
    /* Two hours after the begin of the clock. */
    begin_script(world, COUNT SHOW("$(grep -c x runs)",
                                   ",\"expirationTimestamp\":\"1970-01-02T02:00:00Z\""));
    assert_authorization(world, NULL, "Bearer 1");
    world->now_ms = 2 * 3600 * 1000 - KUBE_EXPIRY_SLACK_MS - 1;
    assert_authorization(world, NULL, "Bearer 1");
    world->now_ms += 1;
    assert_authorization(world, NULL, "Bearer 2");
    assert_authorization(world, NULL, "Bearer 2"); /* as old as the first, but it has just run */
    world->now_ms += KUBE_PROGRAM_AGAIN_MS;
    assert_authorization(world, NULL, "Bearer 3");
}

static void a_program_runs_again_when_refused(void **state)
{
    struct world *world = *state;
    begin_script(world, COUNT SHOW("$(grep -c x runs)", ""));
    assert_authorization(world, NULL, "Bearer 1");
    assert_authorization(world, "Bearer 1", "Bearer 1"); /* it has just run */
    world->now_ms += KUBE_PROGRAM_AGAIN_MS;
    assert_authorization(world, "Bearer 0", "Bearer 1"); /* another one */
    assert_authorization(world, "Bearer 1", "Bearer 2");
    assert_authorization(world, "Bearer 1", "Bearer 2");
    assert_runs(world, 2);
}

static void a_failure_stands_for_a_while(void **state)
{
    struct world *world = *state;
    begin_script(world, COUNT "[ -e token ] || exit 3; " SHOW("t", ""));
    assert_error(world, NULL, "credential program sh: exit code 3");
    write_token(world, "");
    assert_error(world, NULL, "credential program sh: exit code 3");
    assert_runs(world, 1);
    world->now_ms += KUBE_PROGRAM_AGAIN_MS;
    assert_authorization(world, NULL, "Bearer t");
}

static void a_failure_costs_no_good_identity(void **state)
{
    struct world *world = *state;
    begin_script(world, COUNT "[ $(grep -c x runs) = 1 ] || exit 1; " SHOW(
                            "t", ",\"expirationTimestamp\":\"1970-01-02T02:00:00Z\""));
    assert_authorization(world, NULL, "Bearer t");
    world->now_ms = 2 * 3600 * 1000 - 6000;
    assert_authorization(world, NULL, "Bearer t"); /* not renewed, but good for 6 s more */
    assert_runs(world, 2);
    world->now_ms += 6000;
    assert_error(world, NULL, "credential program sh: exit code 1");
    assert_runs(world, 3);
}

static void programs_that_fail(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *script, *message;
    } rows[] = {
        {"echo one >&2; echo 'two 2' >&2; echo >&2; exit 7", "exit code 7: two 2"},
        {"printf 'a\\rb\\033c' >&2; exit 1", "exit code 1: a b c"},
        {"head -c 300000 /dev/zero | tr '\\0' '\\n' >&2; echo last >&2; exit 1",
         "exit code 1: last"},
        {"echo help >&2; kill -9 $$", "signal 9: help"},
        {"true", "what it printed: not JSON at byte 0"},
        {"echo hunter2", "what it printed: not JSON at byte 0"},
        {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"v2\"}'",
         "what it printed: apiVersion: must be " V1},
        {"exec head -c 2000000 /dev/zero", "prints more than 1048576 bytes"},
        {"exec cat /dev/zero", "prints more than 1048576 bytes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *message = mem_printf("credential program sh: %s", rows[i].message);
        begin_script(world, rows[i].script);
        assert_error(world, NULL, message);
    }
}

static void a_program_that_is_not_there(void **state)
{
    struct world *world = *state;
    begin_script(world, "");
    mem_replace(&world->config.exec.command, "koupleless-no-such-program");
    world->config.exec.install_hint = mem_strdup("get it:\n  apt-get install it");
    assert_error(world, NULL,
                 "credential program koupleless-no-such-program: No such file or directory; "
                 "get it:   apt-get install it");
    mem_replace(&world->config.exec.command, "/etc/passwd");
    world->now_ms += KUBE_PROGRAM_AGAIN_MS;
    assert_error(world, NULL, "credential program /etc/passwd: Permission denied");
}

static void a_program_that_does_not_end_is_killed(void **state)
{
    struct world *world = *state;
    begin_script(world, "exec tail -f /dev/null");
    world->step_ms = KUBE_PROGRAM_MS / 2;
    assert_error(world, NULL, "credential program sh: no end after 60 s");
}

static void a_program_may_leave_another_behind(void **state)
{
    struct world *world = *state;
    begin_script(world, "tail -f /dev/null & echo $! > pid; " SHOW("t", ""));
    assert_authorization(world, NULL, "Bearer t");
    AUTO_FREE char *text = read_file(world, "pid");
    int64_t pid = 0;
    text[strcspn(text, "\n")] = '\0';
    assert_true(str_parse_int64(text, 2, INT32_MAX, &pid));
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

/* The script waits at the end of a pipe until release() is called. */
#define WAIT "read x < go; "

static void make_gate(struct world *world)
{
    AUTO_FREE char *path = mem_printf("%s/go", world->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void release(struct world *world)
{
    AUTO_FREE char *path = mem_printf("%s/go", world->dir);
    FILE *gate = fopen(path, "we"); /* waits for the script */
    assert_non_null(gate);
    fputs("go\n", gate);
    fclose(gate);
}

static void one_run_serves_all_who_wait(void **state)
{
    struct world *world = *state;
    struct answer answers[20];
    make_gate(world);
    begin_script(world, COUNT WAIT SHOW("t", ""));
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        answers[i] = (struct answer)ANSWER_INIT;
        kube_credentials_use(world->credentials, NULL, on_identity, &answers[i]);
        assert_int_equal(counter_get(&answers[i].told), 0);
    }
    release(world);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        counter_wait(&answers[i].told, 1);
        assert_string_equal(answers[i].authorization, "Bearer t");
        answer_done(&answers[i]);
    }
    assert_runs(world, 1);
}

static void the_end_kills_the_program(void **state)
{
    struct world *world = *state;
    AUTO_ANSWER struct answer answer = ANSWER_INIT, next = ANSWER_INIT;
    make_gate(world);
    begin_script(world, "echo $$ > pid; " WAIT "exec tail -f /dev/null");
    answer.again = world->credentials; /* which is about to end */
    answer.next = &next;
    kube_credentials_use(world->credentials, NULL, on_identity, &answer);
    release(world); /* so it has begun */
    kube_credentials_free(TAKE(world->credentials));
    assert_int_equal(counter_get(&answer.told), 1);
    assert_int_equal(counter_get(&next.told), 1);
    assert_int_equal(answer.code, ERR_CANCELLED);
    assert_int_equal(next.code, ERR_CANCELLED);
    AUTO_FREE char *text = read_file(world, "pid");
    int64_t pid = 0;
    text[strcspn(text, "\n")] = '\0';
    assert_true(str_parse_int64(text, 2, INT32_MAX, &pid));
    assert_int_equal(kill((pid_t)pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* Who is about to end waits for no program. */
static void a_stop_ends_the_wait(void **state)
{
    struct world *world = *state;
    AUTO_ANSWER struct answer answer = ANSWER_INIT, later = ANSWER_INIT;
    make_gate(world);
    begin_script(world, WAIT "exec tail -f /dev/null");
    kube_credentials_use(world->credentials, NULL, on_identity, &answer);
    release(world);
    kube_credentials_stop(world->credentials);
    counter_wait(&answer.told, 1);
    assert_int_equal(answer.code, ERR_CANCELLED);
    kube_credentials_use(world->credentials, NULL, on_identity, &later);
    assert_int_equal(counter_get(&later.told), 1);
    assert_int_equal(later.code, ERR_CANCELLED);
}

static void a_callback_may_ask_again(void **state)
{
    struct world *world = *state;
    AUTO_ANSWER struct answer answer = ANSWER_INIT, next = ANSWER_INIT;
    begin_script(world, COUNT SHOW("t", ""));
    answer.again = world->credentials;
    answer.next = &next;
    kube_credentials_use(world->credentials, NULL, on_identity, &answer);
    counter_wait(&next.told, 1);
    counter_wait(&answer.told, 1);
    assert_string_equal(next.authorization, "Bearer t");
    assert_runs(world, 1);
}

/* -- threads -- */

static void *use_often(void *user)
{
    struct world *world = user;
    for (int i = 0; i < 50; i++) {
        AUTO_ANSWER struct answer answer = ANSWER_INIT;
        kube_credentials_use(world->credentials, i % 5 ? NULL : "Bearer t", on_identity, &answer);
        counter_wait(&answer.told, 1);
        assert_string_equal(answer.authorization, "Bearer t");
        world->now_ms += KUBE_PROGRAM_AGAIN_MS / 10;
    }
    return NULL;
}

static void many_threads_use_it(void **state)
{
    struct world *world = *state;
    pthread_t threads[4];
    begin_script(world, SHOW("t", ""));
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_often, world), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fixed_ones),
        TEST(certificates_come_on_top),
        TEST(a_token_file_is_read_again),
        TEST(a_token_file_that_is_away),
        TEST(a_token_file_that_holds_none),
        TEST(a_fixed_token_serves_while_there_is_no_file),
        TEST(a_program_runs_once),
        TEST(a_program_gets_what_it_needs),
        TEST(a_program_gives_certificates),
        TEST(a_program_runs_again_before_it_expires),
        TEST(a_program_runs_again_when_refused),
        TEST(a_failure_stands_for_a_while),
        TEST(a_failure_costs_no_good_identity),
        TEST(programs_that_fail),
        TEST(a_program_that_is_not_there),
        TEST(a_program_that_does_not_end_is_killed),
        TEST(a_program_may_leave_another_behind),
        TEST(one_run_serves_all_who_wait),
        TEST(the_end_kills_the_program),
        TEST(a_stop_ends_the_wait),
        TEST(a_callback_may_ask_again),
        TEST(many_threads_use_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
