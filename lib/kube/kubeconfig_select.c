/* SPDX-License-Identifier: Apache-2.0 */
/* A context of a kubeconfig, with the cluster and the user that it names, as a struct kube_config. */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/kube/credential_program.h"
#include "lib/kube/kubeconfig_entry.h"

/* -- clusters -- */

/* Printable ASCII, without what ends the host, up to LIMIT_URL. */
static bool is_url_of(const char *url, const char *scheme)
{
    size_t len = strlen(url), prefix = strlen(scheme);
    if (strncmp(url, scheme, prefix) != 0 || len == prefix || len > LIMIT_URL ||
        strchr("/:?#", url[prefix]))
        return false;
    while (len && url[len - 1] > ' ' && url[len - 1] <= '~')
        len--;
    return len == 0;
}

static int get_server(const struct kube_entry *entry, char **ret, struct err **err)
{
    AUTO_FREE char *server = NULL;
    if (kube__entry_text(entry, "server", &server, err) < 0)
        return -1;
    if (!server)
        return kube__entry_wrong(entry, "server", "is missing", err);
    if ((!is_url_of(server, "https://") && !is_url_of(server, "http://")) || strpbrk(server, "?#@"))
        return kube__entry_wrong(entry, "server", "must be https://HOST:PORT", err);
    for (size_t len = strlen(server); server[len - 1] == '/'; len--)
        server[len - 1] = '\0';
    *ret = TAKE(server);
    return 0;
}

static int get_proxy(const struct kube_entry *entry, char **ret, struct err **err)
{
    if (kube__entry_text(entry, "proxy-url", ret, err) < 0)
        return -1;
    const char *proxy = *ret;
    if (!proxy || is_url_of(proxy, "http://") || is_url_of(proxy, "https://") ||
        is_url_of(proxy, "socks5://"))
        return 0;
    return kube__entry_wrong(entry, "proxy-url",
                             "must begin with http://, https:// or socks5:// and a host", err);
}

/* What the cluster's entry has for credential programs, as JSON. */
static int get_cluster_config(const struct kube_entry *entry, char **ret, struct err **err)
{
    const cJSON *list = kube__get(entry->json, "extensions"), *item;
    if (list && !cJSON_IsArray(list))
        return kube__entry_wrong(entry, "extensions", "must be a list", err);
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *extension = kube__get(item, "extension");
        if (extension && !*ret &&
            str_eq(json_get_string(item, "name"), "client.authentication.k8s.io/exec"))
            *ret = json_text(extension);
    }
    return 0;
}

static int read_cluster(const struct kube_entry *entry, kube_read_fn read, struct kube_config *out,
                        struct err **err)
{
    if (get_server(entry, &out->server, err) < 0 || get_proxy(entry, &out->proxy_url, err) < 0 ||
        kube__entry_text(entry, "tls-server-name", &out->tls_server_name, err) < 0 ||
        kube__entry_bool(entry, "insecure-skip-tls-verify", &out->insecure_skip_tls_verify, err) <
            0 ||
        kube__entry_pem(entry, "certificate-authority", read, &out->ca_pem, err) < 0 ||
        get_cluster_config(entry, &out->exec.cluster_config, err) < 0)
        return -1;
    if (out->ca_pem && out->insecure_skip_tls_verify)
        return kube__entry_wrong(entry, "insecure-skip-tls-verify",
                                 "can't be true beside a certificate authority", err);
    return 0;
}

/* -- credential programs -- */

static int get_args(const struct kube_entry *entry, struct json_strings *out, struct err **err)
{
    const cJSON *list = kube__get(entry->json, "args"), *item;
    if (list && !cJSON_IsArray(list))
        return kube__entry_wrong(entry, "args", "must be a list of strings", err);
    out->items = mem_resize(NULL, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*out->items));
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item))
            return kube__entry_wrong(entry, "args", "must be a list of strings", err);
        out->items[out->len++] = mem_strdup(item->valuestring);
    }
    return 0;
}

static int get_env(const struct kube_entry *entry, struct json_map *out, struct err **err)
{
    static const char expected[] = "must be a list of objects with name and value, both strings";
    const cJSON *list = kube__get(entry->json, "env"), *item;
    if (list && !cJSON_IsArray(list))
        return kube__entry_wrong(entry, "env", expected, err);
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(kube__get(item, "name"));
        const cJSON *value = kube__get(item, "value");
        if (str_empty(name) || strchr(name, '=') || (value && !cJSON_IsString(value)))
            return kube__entry_wrong(entry, "env", expected, err);
        json_map_set(out, name, value ? value->valuestring : "");
    }
    return 0;
}

static int check_interactive(const struct kube_entry *entry, struct err **err)
{
    AUTO_FREE char *mode = NULL;
    if (kube__entry_text(entry, "interactiveMode", &mode, err) < 0)
        return -1;
    if (str_eq(mode, "Always"))
        return kube__entry_wrong(entry, "interactiveMode", "Always: nobody is there to be asked",
                                 err);
    if (mode && !str_eq(mode, "Never") && !str_eq(mode, "IfAvailable"))
        return kube__entry_wrong(entry, "interactiveMode", "must be Never, IfAvailable or Always",
                                 err);
    return 0;
}

static int check_exec_version(const struct kube_entry *entry, const char *version, struct err **err)
{
    if (str_eq(version, "client.authentication.k8s.io/v1") ||
        str_eq(version, "client.authentication.k8s.io/v1beta1"))
        return 0;
    if (str_eq(version, "client.authentication.k8s.io/v1alpha1"))
        return kube__entry_wrong(
            entry, "apiVersion",
            "v1alpha1 is not known any more; the program's newer versions have "
            "client.authentication.k8s.io/v1",
            err);
    return kube__entry_wrong(entry, "apiVersion",
                             "must be client.authentication.k8s.io/v1 or "
                             "client.authentication.k8s.io/v1beta1",
                             err);
}

static int read_exec(const struct kube_entry *entry, struct kube_exec *out, struct err **err)
{
    AUTO_FREE char *command = NULL;
    if (kube__entry_text(entry, "apiVersion", &out->api_version, err) < 0 ||
        check_exec_version(entry, out->api_version, err) < 0 ||
        kube__entry_text(entry, "command", &command, err) < 0 ||
        kube__entry_text(entry, "installHint", &out->install_hint, err) < 0 ||
        kube__entry_bool(entry, "provideClusterInfo", &out->provide_cluster_info, err) < 0 ||
        check_interactive(entry, err) < 0 || get_args(entry, &out->args, err) < 0 ||
        get_env(entry, &out->env, err) < 0)
        return -1;
    if (!command)
        return kube__entry_wrong(entry, "command", "is missing", err);
    /* A bare name is looked for in $PATH. */
    out->command = strchr(command, '/') ? kube__entry_resolve(entry, command) : TAKE(command);
    return 0;
}

/* -- users -- */

/* What kubectl knew once, or knows and we don't: going on without would be as somebody else. */
static const struct {
    const char *key, *what;
} refused[] = {
    {"auth-provider", "is not known any more; an exec program takes its place"},
    {"as", "acting as somebody else is not supported"},
    {"as-uid", "acting as somebody else is not supported"},
    {"as-groups", "acting as somebody else is not supported"},
    {"as-user-extra", "acting as somebody else is not supported"},
};

static int check_user(const struct kube_entry *entry, const struct kube_config *config,
                      struct err **err)
{
    AUTO_ERR struct err *why = NULL;
    if (config->token && kube_token_check(config->token, &why) < 0)
        return kube__entry_wrong(entry, "token", why->message, err);
    if ((config->token || config->token_file) && (config->username || config->password))
        return kube__entry_wrong(entry, "username", "can't be given beside a token", err);
    if (config->username && strchr(config->username, ':'))
        return kube__entry_wrong(entry, "username", "can't hold a colon", err);
    if (config->cert_pem && !config->key_pem)
        return kube__entry_wrong(entry, "client-key", "is missing beside client-certificate", err);
    if (config->key_pem && !config->cert_pem)
        return kube__entry_wrong(entry, "client-certificate", "is missing beside client-key", err);
    return 0;
}

static int read_user(const struct kube_entry *entry, kube_read_fn read, struct kube_config *out,
                     struct err **err)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (kube__get(entry->json, refused[i].key))
            return kube__entry_wrong(entry, refused[i].key, refused[i].what, err);
    }
    const cJSON *exec = kube__get(entry->json, "exec");
    if (exec && !cJSON_IsObject(exec))
        return kube__entry_wrong(entry, "exec", "must be an object", err);
    AUTO_ENTRY struct kube_entry program = {
        .file = entry->file, .json = exec, .path = mem_printf("%s.exec", entry->path)};
    if (kube__entry_text(entry, "token", &out->token, err) < 0 ||
        kube__entry_path(entry, "tokenFile", &out->token_file, err) < 0 ||
        kube__entry_text(entry, "username", &out->username, err) < 0 ||
        kube__entry_text(entry, "password", &out->password, err) < 0 ||
        kube__entry_pem(entry, "client-certificate", read, &out->cert_pem, err) < 0 ||
        kube__entry_pem(entry, "client-key", read, &out->key_pem, err) < 0 ||
        (exec && read_exec(&program, &out->exec, err) < 0))
        return -1;
    return check_user(entry, out, err);
}

/* -- contexts -- */

static bool is_label(const char *text)
{
    size_t len = strlen(text);
    return len <= LIMIT_LABEL_VALUE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && *text != '-' &&
           text[len - 1] != '-';
}

struct context {
    char *cluster, *user; /* names; owned */
};

#define AUTO_CONTEXT AUTO(context_done)

static void context_done(struct context *context)
{
    mem_free(context->cluster);
    mem_free(context->user);
}

static int read_context(const struct kube_entry *entry, struct context *context,
                        struct kube_config *out, struct err **err)
{
    if (kube__entry_text(entry, "cluster", &context->cluster, err) < 0 ||
        kube__entry_text(entry, "user", &context->user, err) < 0 ||
        kube__entry_text(entry, "namespace", &out->namespace, err) < 0)
        return -1;
    if (!context->cluster)
        return kube__entry_wrong(entry, "cluster", "is missing", err);
    if (!context->user)
        return kube__entry_wrong(entry, "user", "is missing", err);
    if (out->namespace && !is_label(out->namespace))
        return kube__entry_wrong(entry, "namespace", "is no name of a namespace", err);
    if (!out->namespace)
        out->namespace = mem_strdup("default");
    return 0;
}

/* That of the first file that has one; borrowed, NULL where none has. */
static const char *current_context(const struct kubeconfig *kubeconfig)
{
    const char *current = NULL;
    for (size_t i = 0; i < kubeconfig->files.len && str_empty(current); i++)
        current = json_get_string(kubeconfig->files.items[i].document, "current-context");
    return str_empty(current) ? NULL : current;
}

/* With the file's name before the message, where it is about what stands in a file. */
static int in_file(const struct kube_entry *entry, int result, struct err **err)
{
    return result == 0 ? 0 : err_wrap(err, "%s", entry->file->path);
}

int kube__kubeconfig_select(const struct kubeconfig *kubeconfig, const char *context_name,
                            kube_read_fn read, struct kube_config *out, struct err **err)
{
    AUTO_ENTRY struct kube_entry context_entry = {0}, cluster = {0}, user = {0};
    AUTO_CONTEXT struct context context = {0};
    const char *by = str_empty(context_name) ? "current-context" : "the caller";
    if (str_empty(context_name))
        context_name = current_context(kubeconfig);
    if (!context_name)
        return err_field(err, "current-context", "is not set, and no other context is asked for");
    out->context = mem_strdup(context_name);
    if (kube__entry_find(kubeconfig, &kube__contexts, context_name, by, &context_entry, err) < 0 ||
        in_file(&context_entry, read_context(&context_entry, &context, out, err), err) < 0 ||
        kube__entry_find(kubeconfig, &kube__clusters, context.cluster, context_entry.path, &cluster,
                         err) < 0 ||
        kube__entry_find(kubeconfig, &kube__users, context.user, context_entry.path, &user, err) <
            0)
        return -1;
    if (in_file(&cluster, read_cluster(&cluster, read, out, err), err) < 0)
        return -1;
    return in_file(&user, read_user(&user, read, out, err), err);
}
