/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/kube/config_internal.h"
#include "lib/kube/credential_program.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

static void kubeconfig_done(struct kubeconfig *kubeconfig)
{
    kube__kubeconfig_done(kubeconfig);
}

/* -- kubeconfig files -- */

static int add_file(struct kubeconfig *kubeconfig, const char *path, struct err **err)
{
    size_t len = 0;
    AUTO_FREE char *text = file_read(path, LIMIT_KUBECONFIG, &len, err);
    if (!text)
        return err_wrap(err, "%s", path);
    return kube__kubeconfig_add(kubeconfig, path, text, len, err);
}

/* The next path of a list; NULL at its end. Empty ones are passed over. */
static char *next_path(const char **list)
{
    const char *start = *list + strspn(*list, ":");
    size_t len = strcspn(start, ":");
    *list = start + len;
    return len ? mem_strndup(start, len) : NULL;
}

static bool any_exists(const char *list)
{
    bool exists = false;
    char *path;
    while (!exists && (path = next_path(&list))) {
        exists = access(path, F_OK) == 0;
        mem_free(path);
    }
    return exists;
}

/* Files of a list that are not there are passed over, as long as one is. */
static int load_list(const char *list, const char *context, struct kube_config *out,
                     struct err **err)
{
    AUTO(kubeconfig_done) struct kubeconfig kubeconfig = {0};
    if (!any_exists(list))
        return err_set(err, ERR_NOT_FOUND, "%s: no such file", list);
    for (;;) {
        AUTO_FREE char *path = next_path(&list);
        if (!path)
            return kube__kubeconfig_select(&kubeconfig, context, file_read, out, err);
        if (access(path, F_OK) == 0 && add_file(&kubeconfig, path, err) < 0)
            return -1;
    }
}

static int load_file(const char *path, const char *context, struct kube_config *out,
                     struct err **err)
{
    AUTO(kubeconfig_done) struct kubeconfig kubeconfig = {0};
    if (add_file(&kubeconfig, path, err) < 0)
        return -1;
    return kube__kubeconfig_select(&kubeconfig, context, file_read, out, err);
}

static char *home_file(const struct kube_places *places)
{
    return str_empty(places->home) ? NULL : mem_printf("%s/.kube/config", places->home);
}

/* -- service accounts: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ -- */

static char *account_file(const struct kube_places *places, const char *name)
{
    return mem_printf("%s/%s", places->service_account, name);
}

/* A pod without a service account's token has the variables all the same. */
static bool is_pod(const struct kube_places *places)
{
    if (str_empty(places->service_host) || str_empty(places->service_port))
        return false;
    AUTO_FREE char *token = account_file(places, "token");
    return access(token, F_OK) == 0;
}

static char *read_namespace(const struct kube_places *places)
{
    AUTO_FREE char *path = account_file(places, "namespace");
    AUTO_FREE char *text = file_read(path, LIMIT_NAME, NULL, NULL);
    size_t len = text ? strcspn(text, " \t\r\n") : 0;
    return len ? mem_strndup(text, len) : mem_strdup("default");
}

static int load_pod(const struct kube_places *places, const char *context, struct kube_config *out,
                    struct err **err)
{
    if (!str_empty(context))
        return err_field(err, "context", "a service account has none, and there is no kubeconfig");
    AUTO_FREE char *ca = account_file(places, "ca.crt");
    bool ipv6 = strchr(places->service_host, ':') != NULL;
    out->ca_pem = file_read(ca, LIMIT_CREDENTIAL, NULL, err);
    if (!out->ca_pem)
        return err_wrap(err, "%s", ca);
    if (!kube_is_pem(out->ca_pem))
        return err_set(err, ERR_INVALID, "%s: is no PEM", ca);
    out->server = mem_printf(ipv6 ? "https://[%s]:%s" : "https://%s:%s", places->service_host,
                             places->service_port);
    out->token_file = account_file(places, "token");
    out->namespace = read_namespace(places);
    out->in_cluster = true;
    return 0;
}

/* -- which of them -- */

static int load(const struct kube_places *places, const char *kubeconfig, const char *context,
                struct kube_config *out, struct err **err)
{
    if (!str_empty(kubeconfig))
        return load_file(kubeconfig, context, out, err);
    if (!str_empty(places->kubeconfig))
        return load_list(places->kubeconfig, context, out, err);
    if (is_pod(places))
        return load_pod(places, context, out, err);
    AUTO_FREE char *home = home_file(places);
    if (home && access(home, F_OK) == 0)
        return load_file(home, context, out, err);
    return err_set(err, ERR_NOT_FOUND,
                   "no API server: neither a kubeconfig file nor a service account is there");
}

bool kube__config_found(const struct kube_places *places, const char *kubeconfig)
{
    if (!str_empty(kubeconfig) || !str_empty(places->kubeconfig))
        return true;
    AUTO_FREE char *home = home_file(places);
    return is_pod(places) || (home && access(home, F_OK) == 0);
}

int kube__config_load(const struct kube_places *places, const char *kubeconfig, const char *context,
                      struct kube_config *out, struct err **err)
{
    struct kube_config config = {0};
    if (load(places, kubeconfig, context, &config, err) < 0) {
        kube_config_done(&config);
        return -1;
    }
    *out = config;
    return 0;
}

/* -- public -- */

static struct kube_places places_of_process(void)
{
    return (struct kube_places){.kubeconfig = getenv("KUBECONFIG"),
                                .home = getenv("HOME"),
                                .service_host = getenv("KUBERNETES_SERVICE_HOST"),
                                .service_port = getenv("KUBERNETES_SERVICE_PORT"),
                                .service_account = SERVICE_ACCOUNT};
}

bool kube_config_found(const char *kubeconfig)
{
    const struct kube_places places = places_of_process();
    return kube__config_found(&places, kubeconfig);
}

int kube_config_load(const char *kubeconfig, const char *context, struct kube_config *out,
                     struct err **err)
{
    const struct kube_places places = places_of_process();
    return kube__config_load(&places, kubeconfig, context, out, err);
}

static void exec_done(struct kube_exec *exec)
{
    mem_free(exec->api_version);
    mem_free(exec->command);
    mem_free(exec->install_hint);
    mem_free(exec->cluster_config);
    json_map_done(&exec->env);
    json_strings_done(&exec->args);
}

void kube_config_done(struct kube_config *config)
{
    char *texts[] = {config->server,    config->ca_pem,     config->tls_server_name,
                     config->proxy_url, config->cert_pem,   config->key_pem,
                     config->token,     config->token_file, config->username,
                     config->password,  config->namespace,  config->context};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        mem_free(texts[i]);
    exec_done(&config->exec);
    *config = (struct kube_config){0};
}
