/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/kube/config_internal.h"

#define PEM "-----BEGIN X-----\nAA==\n-----END X-----\n"

/* A folder with files; what is in it goes with it. */
struct world {
    char dir[32];
    char *made[16]; /* paths, folders before what is in them */
    size_t len;
};

static char *make(struct world *world, const char *name)
{
    char *path = mem_printf("%s/%s", world->dir, name);
    assert_true(world->len < ARRAY_LEN(world->made));
    world->made[world->len++] = path;
    return path;
}

/* Return: borrowed. */
static const char *make_file(struct world *world, const char *name, const char *text)
{
    char *path = make(world, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static const char *make_folder(struct world *world, const char *name)
{
    char *path = make(world, name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static void world_done(struct world *world)
{
    while (world->len) {
        char *path = world->made[--world->len];
        assert_int_equal(remove(path), 0);
        mem_free(path);
    }
    assert_int_equal(rmdir(world->dir), 0);
}

#define AUTO_WORLD AUTO(world_done)

static struct world new_world(void)
{
    struct world world = {.dir = "/tmp/koupleless-kube-XXXXXX"};
    assert_non_null(mkdtemp(world.dir));
    return world;
}

static char *kubeconfig_text(const char *name)
{
    return mem_printf("current-context: %s\n"
                      "contexts: [{name: %s, context: {cluster: %s, user: %s}}]\n"
                      "clusters: [{name: %s, cluster: {server: 'https://%s'}}]\n"
                      "users: [{name: %s, user: {token: t}}]\n",
                      name, name, name, name, name, name, name);
}

static const char *make_kubeconfig(struct world *world, const char *file, const char *name)
{
    AUTO_FREE char *text = kubeconfig_text(name);
    return make_file(world, file, text);
}

/* A pod's service account in the folder "sa". */
static struct kube_places make_pod(struct world *world)
{
    const char *folder = make_folder(world, "sa");
    make_file(world, "sa/token", "t\n");
    make_file(world, "sa/ca.crt", PEM);
    make_file(world, "sa/namespace", "shop\n");
    return (struct kube_places){
        .service_host = "10.96.0.1", .service_port = "443", .service_account = folder};
}

static void assert_server(const struct kube_places *places, const char *file, const char *context,
                          const char *server)
{
    struct kube_config config = {0};
    AUTO_ERR struct err *err = NULL;
    assert_true(kube__config_found(places, file));
    if (kube__config_load(places, file, context, &config, &err) < 0)
        fail_msg("%s", err->message);
    assert_string_equal(config.server, server);
    kube_config_done(&config);
}

static void assert_fails(const struct kube_places *places, const char *file, const char *context,
                         enum err_code code, const char *message)
{
    struct kube_config config = {0};
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(kube__config_load(places, file, context, &config, &err), -1);
    assert_int_equal(err->code, code);
    assert_string_equal(err->message, message);
    assert_null(config.server);
    assert_null(config.namespace);
}

static void a_pod_has_a_service_account(void **state)
{
    (void)state;
    AUTO_WORLD struct world world = new_world();
    struct kube_places places = make_pod(&world);
    struct kube_config config = {0};
    AUTO_FREE char *token_file = mem_printf("%s/token", places.service_account);
    assert_true(kube__config_found(&places, NULL));
    assert_int_equal(kube__config_load(&places, NULL, NULL, &config, NULL), 0);
    assert_string_equal(config.server, "https://10.96.0.1:443");
    assert_string_equal(config.ca_pem, PEM);
    assert_string_equal(config.token_file, token_file);
    assert_null(config.token);
    assert_string_equal(config.namespace, "shop");
    assert_null(config.context);
    assert_true(config.in_cluster);
    kube_config_done(&config);

    places.service_host = "fd00::1";
    assert_server(&places, NULL, "", "https://[fd00::1]:443");
    assert_fails(&places, NULL, "work", ERR_INVALID,
                 "context: a service account has none, and there is no kubeconfig");
}

static void a_service_account_without_its_files(void **state)
{
    (void)state;
    AUTO_WORLD struct world world = new_world();
    const char *folder = make_folder(&world, "sa");
    const struct kube_places places = {
        .service_host = "h", .service_port = "1", .service_account = folder};
    assert_false(kube__config_found(&places, NULL)); /* automountServiceAccountToken: false */
    make_file(&world, "sa/token", "t");
    AUTO_FREE char *missing = mem_printf("%s/ca.crt: No such file or directory", folder);
    assert_fails(&places, NULL, NULL, ERR_NOT_FOUND, missing);
    make_file(&world, "sa/ca.crt", "text");
    AUTO_FREE char *no_pem = mem_printf("%s/ca.crt: is no PEM", folder);
    assert_fails(&places, NULL, NULL, ERR_INVALID, no_pem);
    make_file(&world, "sa/ca.crt", PEM);
    mem_free(world.made[--world.len]); /* it was there already */
    struct kube_config config = {0};
    assert_int_equal(kube__config_load(&places, NULL, NULL, &config, NULL), 0);
    assert_string_equal(config.namespace, "default");
    kube_config_done(&config);
}

static void which_one_counts(void **state)
{
    (void)state;
    AUTO_WORLD struct world world = new_world();
    struct kube_places places = {.kubeconfig = "", .service_account = "/nowhere"};
    assert_false(kube__config_found(&places, NULL));
    assert_fails(&places, NULL, NULL, ERR_NOT_FOUND,
                 "no API server: neither a kubeconfig file nor a service account is there");
    places.home = world.dir;
    assert_false(kube__config_found(&places, NULL));
    make_folder(&world, ".kube");
    make_kubeconfig(&world, ".kube/config", "home");
    assert_server(&places, NULL, NULL, "https://home");

    struct kube_places pod = make_pod(&world);
    pod.home = world.dir;
    assert_server(&pod, NULL, NULL, "https://10.96.0.1:443");
    pod.kubeconfig = make_kubeconfig(&world, "env", "env");
    assert_server(&pod, NULL, NULL, "https://env");
    assert_server(&pod, make_kubeconfig(&world, "flag", "flag"), NULL, "https://flag");
    assert_server(&pod, "", NULL, "https://env");
}

static void lists_of_files(void **state)
{
    (void)state;
    AUTO_WORLD struct world world = new_world();
    const char *a = make_kubeconfig(&world, "a", "a"), *b = make_kubeconfig(&world, "b", "b");
    AUTO_FREE char *list = mem_printf("::%s/missing:%s::%s:", world.dir, b, a);
    struct kube_places places = {.kubeconfig = list, .home = world.dir};
    assert_server(&places, NULL, NULL, "https://b");
    assert_server(&places, NULL, "a", "https://a");
    assert_fails(&places, NULL, "c", ERR_INVALID,
                 "contexts[\"c\"]: is not there, but named by the caller");

    /* Another one is not taken for a file that somebody named. */
    make_folder(&world, ".kube");
    make_kubeconfig(&world, ".kube/config", "home");
    places.kubeconfig = "/nowhere/x:/nowhere/y";
    assert_true(kube__config_found(&places, NULL));
    assert_fails(&places, NULL, NULL, ERR_NOT_FOUND, "/nowhere/x:/nowhere/y: no such file");
    assert_true(kube__config_found(&places, "/nowhere/z"));
    assert_fails(&places, "/nowhere/z", NULL, ERR_NOT_FOUND,
                 "/nowhere/z: No such file or directory");
}

static void a_bad_file_of_a_list_is_named(void **state)
{
    (void)state;
    AUTO_WORLD struct world world = new_world();
    const char *a = make_kubeconfig(&world, "a", "a"), *b = make_file(&world, "b", "users: 1\n");
    AUTO_FREE char *list = mem_printf("%s:%s", a, b);
    AUTO_FREE char *message = mem_printf("%s: users: must be a list", b);
    AUTO_FREE char *folder = mem_printf("%s: Is a directory", world.dir);
    struct kube_places places = {.kubeconfig = list};
    assert_fails(&places, NULL, NULL, ERR_INVALID, message);
    assert_fails(&places, world.dir, NULL, ERR_INVALID, folder);
}

static void the_process_s_own_surroundings(void **state)
{
    (void)state;
    AUTO_WORLD struct world world = new_world();
    struct kube_config config = {0};
    assert_int_equal(setenv("KUBECONFIG", make_kubeconfig(&world, "env", "env"), 1), 0);
    assert_true(kube_config_found(NULL));
    assert_int_equal(kube_config_load(NULL, NULL, &config, NULL), 0);
    assert_string_equal(config.server, "https://env");
    kube_config_done(&config);
    assert_int_equal(unsetenv("KUBECONFIG"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_has_a_service_account),
        cmocka_unit_test(a_service_account_without_its_files),
        cmocka_unit_test(which_one_counts),
        cmocka_unit_test(lists_of_files),
        cmocka_unit_test(a_bad_file_of_a_list_is_named),
        cmocka_unit_test(the_process_s_own_surroundings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
