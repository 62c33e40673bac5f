/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig, or what a credential program prints: both are read, or refused with a field or a place. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/kube/config_internal.h"
#include "lib/kube/credential_program.h"
#include "tests/fuzz/fuzz.h"

/* No file of this machine is read. */
static char *read_made_up(const char *path, size_t max, size_t *ret_len, struct err **err)
{
    (void)max, (void)ret_len;
    if (strlen(path) % 2) {
        err_set(err, ERR_NOT_FOUND, "No such file or directory");
        return NULL;
    }
    return mem_strdup("-----BEGIN X-----\nAA==\n-----END X-----\n");
}

static void check_config(const struct kube_config *config)
{
    size_t len = strlen(config->server);
    ASSERT(strncmp(config->server, "http", 4) == 0 && config->server[len - 1] != '/');
    ASSERT(config->context && *config->namespace);
    ASSERT(!config->cert_pem == !config->key_pem);
    ASSERT(!config->ca_pem || !config->insecure_skip_tls_verify);
    ASSERT(!config->token || kube_token_check(config->token, NULL) == 0);
    ASSERT(!config->exec.command || config->exec.api_version);
    AUTO_FREE char *info = kube_exec_info(config);
    AUTO_JSON cJSON *json = json_parse(info, strlen(info), SIZE_MAX, NULL);
    ASSERT(!config->exec.command || json);
}

static void read_kubeconfig(const char *text, size_t size)
{
    struct kubeconfig kubeconfig = {0};
    struct kube_config config = {0};
    AUTO_ERR struct err *err = NULL;
    if (kube__kubeconfig_add(&kubeconfig, "dir/config", text, size, &err) < 0) {
        ASSERT(err && kubeconfig.files.len == 0);
    } else if (kube__kubeconfig_select(&kubeconfig, NULL, read_made_up, &config, &err) < 0) {
        ASSERT(err && err->field);
    } else {
        check_config(&config);
    }
    kube_config_done(&config);
    kube__kubeconfig_done(&kubeconfig);
}

static void read_credential(const char *text, size_t size)
{
    struct kube_issued issued = {0};
    AUTO_ERR struct err *err = NULL;
    if (kube_issued_read(text, size, "client.authentication.k8s.io/v1", &issued, &err) < 0)
        ASSERT(err->code == ERR_UNAUTHENTICATED);
    else
        ASSERT(issued.token || (issued.cert_pem && issued.key_pem));
    kube_issued_done(&issued);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_kubeconfig((const char *)data, size);
    read_credential((const char *)data, size);
    return 0;
}
