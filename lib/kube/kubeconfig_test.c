/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/kube/config_internal.h"

#define PEM "-----BEGIN X-----\nAA==\n-----END X-----\n"
#define PEM_BASE64 "LS0tLS1CRUdJTiBYLS0tLS0KQUE9PQotLS0tLUVORCBYLS0tLS0K"

/* Files of a made-up disk: the text is PEM and the path, unless the path says otherwise. */
static char *read_made_up(const char *path, size_t max, size_t *ret_len, struct err **err)
{
    (void)ret_len;
    assert_int_equal(max, LIMIT_CREDENTIAL);
    if (strstr(path, "missing")) {
        err_set(err, ERR_NOT_FOUND, "No such file or directory");
        return NULL;
    }
    if (strstr(path, "secret")) {
        err_set(err, ERR_DENIED, "Permission denied");
        return NULL;
    }
    return strstr(path, "text") ? mem_strdup("text") : mem_printf(PEM "%s", path);
}

static void done(struct kubeconfig *kubeconfig)
{
    kube__kubeconfig_done(kubeconfig);
}

static int add(struct kubeconfig *kubeconfig, const char *path, const char *text, struct err **err)
{
    return kube__kubeconfig_add(kubeconfig, path, text, strlen(text), err);
}

static int load(const char *path, const char *text, struct kube_config *out, struct err **err)
{
    AUTO(done) struct kubeconfig kubeconfig = {0};
    if (add(&kubeconfig, path, text, err) < 0)
        return -1;
    return kube__kubeconfig_select(&kubeconfig, NULL, read_made_up, out, err);
}

/* A file with a context, into which @cluster, @user and @more are put, in flow style. */
static char *file_of(const char *cluster, const char *user, const char *more)
{
    return mem_printf("current-context: c\n"
                      "contexts: [{name: c, context: {cluster: k, user: admin, %s}}]\n"
                      "clusters: [{name: k, cluster: {%s}}]\n"
                      "users: [{name: admin, user: {%s}}]\n",
                      more, cluster, user);
}

#define SERVER "server: 'https://h:6443'"

/* -- what is read -- */

static void everything_at_its_place(void **state)
{
    (void)state;
    static const char text[] =
        "apiVersion: v1\n"
        "kind: Config\n"
        "preferences: {colors: true}\n"
        "current-context: work\n"
        "contexts:\n"
        "- name: other\n"
        "  context: {cluster: nowhere, user: nobody}\n"
        "- name: work\n"
        "  context: {cluster: k8s, user: me, namespace: shop, extensions: [{name: x}]}\n"
        "clusters:\n"
        "- name: k8s\n"
        "  cluster:\n"
        "    server: https://10.0.0.1:6443/k8s//\n"
        "    tls-server-name: kubernetes\n"
        "    proxy-url: socks5://p:1080\n"
        "    certificate-authority: pki/ca.pem\n"
        "    something-new: [1]\n"
        "    extensions:\n"
        "    - {name: other, extension: 1}\n"
        "    - {name: client.authentication.k8s.io/exec, extension: {audience: a}}\n"
        "users:\n"
        "- name: me\n"
        "  user:\n"
        "    client-certificate: /abs/me.pem\n"
        "    client-certificate-data: " PEM_BASE64 "\n"
        "    client-key: ../me.key\n"
        "    exec:\n"
        "      apiVersion: client.authentication.k8s.io/v1\n"
        "      command: bin/login\n"
        "      args: [get-token, --cluster, '']\n"
        "      env: [{name: A, value: b}, {name: E, value: ''}]\n"
        "      installHint: install it\n"
        "      provideClusterInfo: true\n"
        "      interactiveMode: IfAvailable\n";
    struct kube_config config = {0};
    if (load("/etc/kube/config", text, &config, NULL) < 0) {
        fail();
        return;
    }
    assert_string_equal(config.context, "work");
    assert_string_equal(config.namespace, "shop");
    assert_string_equal(config.server, "https://10.0.0.1:6443/k8s");
    assert_string_equal(config.tls_server_name, "kubernetes");
    assert_string_equal(config.proxy_url, "socks5://p:1080");
    assert_string_equal(config.ca_pem, PEM "/etc/kube/pki/ca.pem");
    assert_false(config.insecure_skip_tls_verify);
    assert_string_equal(config.cert_pem, PEM); /* data counts more than a file */
    assert_string_equal(config.key_pem, PEM "/etc/kube/../me.key");
    assert_null(config.token);
    assert_null(config.token_file);
    assert_string_equal(config.exec.api_version, "client.authentication.k8s.io/v1");
    assert_string_equal(config.exec.command, "/etc/kube/bin/login");
    assert_int_equal(config.exec.args.len, 3);
    assert_string_equal(config.exec.args.items[0], "get-token");
    assert_string_equal(config.exec.args.items[2], "");
    assert_string_equal(json_map_get(&config.exec.env, "A"), "b");
    assert_string_equal(json_map_get(&config.exec.env, "E"), "");
    assert_string_equal(config.exec.install_hint, "install it");
    assert_true(config.exec.provide_cluster_info);
    assert_string_equal(config.exec.cluster_config, "{\"audience\":\"a\"}");
    assert_false(config.in_cluster);
    kube_config_done(&config);
}

static void json_is_read_too(void **state)
{
    (void)state;
    static const char text[] =
        "{\"kind\": \"Config\", \"current-context\": \"c\","
        " \"contexts\": [{\"name\": \"c\", \"context\": {\"cluster\": \"k\", \"user\": \"u\"}}],"
        " \"clusters\": [{\"name\": \"k\", \"cluster\": {\"server\": \"http://[::1]:8080\","
        "   \"insecure-skip-tls-verify\": true}}],"
        " \"users\": [{\"name\": \"u\", \"user\": {\"username\": \"me\", \"password\": \"p:w\"}}]}";
    struct kube_config config = {0};
    assert_int_equal(load("config", text, &config, NULL), 0);
    assert_string_equal(config.server, "http://[::1]:8080");
    assert_true(config.insecure_skip_tls_verify);
    assert_string_equal(config.username, "me");
    assert_string_equal(config.password, "p:w");
    assert_string_equal(config.namespace, "default");
    assert_null(config.exec.command);
    kube_config_done(&config);
}

static void paths_are_seen_from_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *file, *path, *resolved;
    } rows[] = {
        {"config", "token", "token"},         {"a/config", "token", "a/token"},
        {"/config", "../token", "/../token"}, {"/a/b/config", "c/token", "/a/b/c/token"},
        {"/a/b/config", "/token", "/token"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *user = mem_printf("token: t, tokenFile: %s", rows[i].path);
        AUTO_FREE char *text = file_of(SERVER, user, "");
        struct kube_config config = {0};
        assert_int_equal(load(rows[i].file, text, &config, NULL), 0);
        assert_string_equal(config.token_file, rows[i].resolved);
        assert_string_equal(config.token, "t");
        kube_config_done(&config);
    }
}

static void a_bare_command_is_looked_for_in_the_path(void **state)
{
    (void)state;
    AUTO_FREE char *text = file_of(
        SERVER, "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}", "");
    struct kube_config config = {0};
    assert_int_equal(load("/etc/config", text, &config, NULL), 0);
    assert_string_equal(config.exec.command, "aws");
    assert_int_equal(config.exec.args.len, 0);
    kube_config_done(&config);
}

static void the_first_file_counts(void **state)
{
    (void)state;
    static const char first[] = "users: [{name: u, user: {token: first}}]\n";
    static const char empty[] = "# nothing\n";
    static const char second[] =
        "current-context: a\n"
        "contexts: [{name: a, context: {cluster: k, user: u}}]\n"
        "clusters: [{name: k, cluster: {server: 'https://second', certificate-authority: ca}}]\n"
        "users: [{name: u, user: {token: second, client-certificate: x, client-key: x}}]\n";
    static const char third[] = "current-context: b\n"
                                "contexts: [{name: a, context: {cluster: none}}, {name: b, "
                                "context: {cluster: k, user: v}}]\n"
                                "clusters: [{name: k, cluster: {server: 'https://third'}}]\n"
                                "users: [{name: v, user: {tokenFile: v}}]\n";
    AUTO(done) struct kubeconfig kubeconfig = {0};
    assert_int_equal(add(&kubeconfig, "/1/config", first, NULL), 0);
    assert_int_equal(add(&kubeconfig, "/e/config", empty, NULL), 0);
    assert_int_equal(add(&kubeconfig, "/2/config", second, NULL), 0);
    assert_int_equal(add(&kubeconfig, "/3/config", third, NULL), 0);

    struct kube_config config = {0};
    assert_int_equal(kube__kubeconfig_select(&kubeconfig, "", read_made_up, &config, NULL), 0);
    assert_string_equal(config.context, "a");
    assert_string_equal(config.server, "https://second");
    assert_string_equal(config.ca_pem, PEM "/2/ca");
    assert_string_equal(config.token, "first");
    assert_null(config.cert_pem); /* an entry is taken as a whole */
    kube_config_done(&config);

    assert_int_equal(kube__kubeconfig_select(&kubeconfig, "b", read_made_up, &config, NULL), 0);
    assert_string_equal(config.server, "https://second");
    assert_string_equal(config.token_file, "/3/v");
    kube_config_done(&config);

    AUTO_ERR struct err *err = NULL;
    assert_int_equal(kube__kubeconfig_select(&kubeconfig, "c", read_made_up, &config, &err), -1);
    assert_string_equal(err->message, "contexts[\"c\"]: is not there, but named by the caller");
    kube_config_done(&config);
}

/* -- what is refused -- */

static void assert_refused(const char *text, const char *field, const char *message)
{
    struct kube_config config = {0};
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(load("f", text, &config, &err), -1);
    assert_int_equal(err->code, ERR_INVALID);
    assert_string_equal(err->message, message);
    assert_string_equal(err->field ? err->field : "", field);
    kube_config_done(&config);
}

static void files_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field, *message;
    } rows[] = {
        {"a: [", "", "f: line 2: did not find expected node content"},
        {"just text", "", "f: must consist of keys and values"},
        {"a: 1\n---\nb: 1\n", "", "f: must be one document"},
        {"kind: Pod", "kind", "f: kind: must be Config"},
        {"apiVersion: 1", "apiVersion", "f: apiVersion: must be v1"},
        {"current-context: 1", "current-context",
         "f: current-context: must be a string; put it in quotes"},
        {"", "current-context", "current-context: is not set, and no other context is asked for"},
        {"current-context: x", "contexts[\"x\"]",
         "contexts[\"x\"]: is not there, but named by current-context"},
        {"users: {}", "users", "f: users: must be a list"},
        {"users: [1]", "users[0]", "f: users[0]: must be an object"},
        {"users: [{name: a}, {}]", "users[1]", "f: users[1]: must have a name, which is a string"},
        {"users: [{name: 1}]", "users[0]", "f: users[0]: must have a name, which is a string"},
        {"users: [{name: a}, {name: a}]", "users[\"a\"]", "f: users[\"a\"]: is there twice"},
        {"users: [{name: a, user: b}]", "users[\"a\"].user",
         "f: users[\"a\"].user: must be an object"},
        {"clusters: [{name: a, cluster: []}]", "clusters[\"a\"].cluster",
         "f: clusters[\"a\"].cluster: must be an object"},
        {"contexts: x", "contexts", "f: contexts: must be a list"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_refused(rows[i].text, rows[i].field, rows[i].message);
}

static void contexts_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *context, *field, *message;
    } rows[] = {
        {"user: u", "contexts[\"c\"].context.cluster", "is missing"},
        {"cluster: k", "contexts[\"c\"].context.user", "is missing"},
        {"cluster: 1, user: u", "contexts[\"c\"].context.cluster",
         "must be a string; put it in quotes"},
        {"cluster: k, user: u, namespace: A/b", "contexts[\"c\"].context.namespace",
         "is no name of a namespace"},
        {"cluster: k, user: u, namespace: -a", "contexts[\"c\"].context.namespace",
         "is no name of a namespace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = mem_printf(
            "current-context: c\ncontexts: [{name: c, context: {%s}}]\n", rows[i].context);
        AUTO_FREE char *message = mem_printf("f: %s: %s", rows[i].field, rows[i].message);
        assert_refused(text, rows[i].field, message);
    }
    assert_refused("current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n",
                   "clusters[\"k\"]",
                   "clusters[\"k\"]: is not there, but named by contexts[\"c\"].context");
}

static void clusters_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *cluster, *key, *message;
    } rows[] = {
        {"", "server", "is missing"},
        {"server: 'h:6443'", "server", "must be https://HOST:PORT"},
        {"server: 'https://'", "server", "must be https://HOST:PORT"},
        {"server: 'https:///x'", "server", "must be https://HOST:PORT"},
        {"server: 'https://a b'", "server", "must be https://HOST:PORT"},
        {"server: 'https://me:pw@h'", "server", "must be https://HOST:PORT"},
        {"server: 'https://h?x=1'", "server", "must be https://HOST:PORT"},
        {SERVER ", proxy-url: h:8080", "proxy-url",
         "must begin with http://, https:// or socks5:// and a host"},
        {SERVER ", insecure-skip-tls-verify: 'true'", "insecure-skip-tls-verify",
         "must be true or false"},
        {SERVER ", insecure-skip-tls-verify: true, certificate-authority: ca",
         "insecure-skip-tls-verify", "can't be true beside a certificate authority"},
        {SERVER ", certificate-authority: missing", "certificate-authority",
         "missing: No such file or directory"},
        {SERVER ", certificate-authority: text", "certificate-authority", "is no PEM"},
        {SERVER ", certificate-authority-data: '*'", "certificate-authority-data", "is no base64"},
        {SERVER ", certificate-authority-data: YWJj", "certificate-authority-data", "is no PEM"},
        {SERVER ", tls-server-name: [a]", "tls-server-name", "must be a string; put it in quotes"},
        {SERVER ", extensions: 1", "extensions", "must be a list"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = file_of(rows[i].cluster, "", "");
        AUTO_FREE char *field = mem_printf("clusters[\"k\"].cluster.%s", rows[i].key);
        AUTO_FREE char *message = mem_printf("f: %s: %s", field, rows[i].message);
        assert_refused(text, field, message);
    }
}

#define EXEC "apiVersion: client.authentication.k8s.io/v1, command: c"

static void users_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *user, *key, *message;
    } rows[] = {
        {"auth-provider: {name: gcp}", "auth-provider",
         "is not known any more; an exec program takes its place"},
        {"token: t, as: root", "as", "acting as somebody else is not supported"},
        {"as-groups: [g]", "as-groups", "acting as somebody else is not supported"},
        {"token: 123456", "token", "must be a string; put it in quotes"},
        {"password: 123456", "password", "must be a string; put it in quotes"},
        {"token: \"a b\"", "token", "holds a character that no header can carry"},
        {"token: \"a\\r\\nX: y\"", "token", "holds a character that no header can carry"},
        {"token: t, username: u", "username", "can't be given beside a token"},
        {"tokenFile: t, password: p", "username", "can't be given beside a token"},
        {"username: 'a:b'", "username", "can't hold a colon"},
        {"client-key-data: '!'", "client-key-data", "is no base64"},
        {"client-key-data: YWJj", "client-key-data", "is no PEM"},
        {"client-certificate: c", "client-key", "is missing beside client-certificate"},
        {"client-key: k", "client-certificate", "is missing beside client-key"},
        {"exec: x", "exec", "must be an object"},
        {"exec: {command: c}", "exec.apiVersion",
         "must be client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1"},
        {"exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: c}", "exec.apiVersion",
         "v1alpha1 is not known any more; the program's newer versions have "
         "client.authentication.k8s.io/v1"},
        {"exec: {apiVersion: client.authentication.k8s.io/v1}", "exec.command", "is missing"},
        {"exec: {" EXEC ", args: x}", "exec.args", "must be a list of strings"},
        {"exec: {" EXEC ", args: [a, 1]}", "exec.args", "must be a list of strings"},
        {"exec: {" EXEC ", env: [{value: a}]}", "exec.env",
         "must be a list of objects with name and value, both strings"},
        {"exec: {" EXEC ", env: [{name: A, value: 1}]}", "exec.env",
         "must be a list of objects with name and value, both strings"},
        {"exec: {" EXEC ", env: [{name: A=B, value: c}]}", "exec.env",
         "must be a list of objects with name and value, both strings"},
        {"exec: {" EXEC ", interactiveMode: Always}", "exec.interactiveMode",
         "Always: nobody is there to be asked"},
        {"exec: {" EXEC ", interactiveMode: Maybe}", "exec.interactiveMode",
         "must be Never, IfAvailable or Always"},
        {"exec: {" EXEC ", provideClusterInfo: 1}", "exec.provideClusterInfo",
         "must be true or false"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = file_of(SERVER, rows[i].user, "");
        AUTO_FREE char *field = mem_printf("users[\"admin\"].user.%s", rows[i].key);
        AUTO_FREE char *message = mem_printf("f: %s: %s", field, rows[i].message);
        assert_refused(text, field, message);
    }
}

static void what_can_not_be_read_is_denied(void **state)
{
    (void)state;
    AUTO_FREE char *text = file_of(SERVER, "client-certificate: secret, client-key: k", "");
    struct kube_config config = {0};
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(load("/d/f", text, &config, &err), -1);
    assert_int_equal(err->code, ERR_DENIED);
    assert_string_equal(err->message, "/d/f: users[\"admin\"].user.client-certificate: "
                                      "/d/secret: Permission denied");
    kube_config_done(&config);
}

static void no_message_shows_a_secret(void **state)
{
    (void)state;
    static const char *const users[] = {
        "password: !hunter2 x",
        "password: !!hunter2 x",
        "password: *hunter2",
        "token: 'hunter2 '",
        "token: [hunter2]",
        "client-key-data: hunter2!",
        "client-key-data: aHVudGVyMg==",
        "username: 'hunter2:'",
        ("exec: {" EXEC ", env: [{name: hunter2=, value: hunter2}]}"),
        ("exec: {" EXEC ", args: [hunter2, 1]}"),
    };
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        AUTO_FREE char *text = file_of(SERVER, users[i], "");
        struct kube_config config = {0};
        AUTO_ERR struct err *err = NULL;
        assert_int_equal(load("f", text, &config, &err), -1);
        assert_null(strstr(err->message, "hunter2"));
        kube_config_done(&config);
    }
}

static void a_user_of_another_kind_is_no_obstacle(void **state)
{
    (void)state;
    AUTO_FREE char *text =
        file_of(SERVER, "token: t}}, {name: gke, user: {auth-provider: {name: gcp}", "");
    struct kube_config config = {0};
    assert_int_equal(load("f", text, &config, NULL), 0);
    assert_string_equal(config.token, "t");
    kube_config_done(&config);
}

static void a_file_has_a_largest_size(void **state)
{
    (void)state;
    AUTO(done) struct kubeconfig kubeconfig = {0};
    AUTO_FREE char *blanks = mem_alloc(LIMIT_KUBECONFIG + 2);
    AUTO_ERR struct err *err = NULL;
    memset(blanks, '\n', LIMIT_KUBECONFIG + 1);
    assert_int_equal(add(&kubeconfig, "f", blanks, &err), -1);
    assert_int_equal(err->code, ERR_LIMIT);
    assert_int_equal(add(&kubeconfig, "f", blanks + 1, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_at_its_place),
        cmocka_unit_test(json_is_read_too),
        cmocka_unit_test(paths_are_seen_from_the_file),
        cmocka_unit_test(a_bare_command_is_looked_for_in_the_path),
        cmocka_unit_test(the_first_file_counts),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(contexts_that_are_refused),
        cmocka_unit_test(clusters_that_are_refused),
        cmocka_unit_test(users_that_are_refused),
        cmocka_unit_test(what_can_not_be_read_is_denied),
        cmocka_unit_test(no_message_shows_a_secret),
        cmocka_unit_test(a_user_of_another_kind_is_no_obstacle),
        cmocka_unit_test(a_file_has_a_largest_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
