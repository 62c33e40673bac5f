/* SPDX-License-Identifier: Apache-2.0 */
/* ExecCredential, in both directions, and what a token may be. */
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/kube/credential_program.h"

#define KIND "ExecCredential"

int kube_token_check(const char *token, struct err **err)
{
    if (str_empty(token))
        return err_set(err, ERR_INVALID, "is empty");
    if (strlen(token) > LIMIT_TOKEN)
        return err_set(err, ERR_INVALID, "is longer than %zu bytes", LIMIT_TOKEN);
    for (const char *c = token; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return err_set(err, ERR_INVALID, "holds a character that no header can carry");
    }
    return 0;
}

bool kube_is_pem(const char *text)
{
    return strstr(text, "-----BEGIN ") && strstr(text, "-----END ");
}

void kube_issued_done(struct kube_issued *issued)
{
    mem_free(issued->token);
    mem_free(issued->cert_pem);
    mem_free(issued->key_pem);
    *issued = (struct kube_issued){0};
}

/* -- what the program is told -- */

static void add_text(cJSON *object, const char *key, const char *text)
{
    if (text)
        cJSON_AddStringToObject(object, key, text);
}

static void add_cluster(cJSON *spec, const struct kube_config *config)
{
    cJSON *cluster = cJSON_AddObjectToObject(spec, "cluster");
    add_text(cluster, "server", config->server);
    add_text(cluster, "tls-server-name", config->tls_server_name);
    if (config->insecure_skip_tls_verify)
        cJSON_AddTrueToObject(cluster, "insecure-skip-tls-verify");
    if (config->ca_pem) {
        AUTO_FREE char *ca = base64_text(config->ca_pem, strlen(config->ca_pem));
        add_text(cluster, "certificate-authority-data", ca);
    }
    add_text(cluster, "proxy-url", config->proxy_url);
    if (config->exec.cluster_config)
        cJSON_AddRawToObject(cluster, "config", config->exec.cluster_config);
}

char *kube_exec_info(const struct kube_config *config)
{
    AUTO_JSON cJSON *info = cJSON_CreateObject();
    add_text(info, "apiVersion", config->exec.api_version);
    add_text(info, "kind", KIND);
    cJSON *spec = cJSON_AddObjectToObject(info, "spec");
    cJSON_AddFalseToObject(spec, "interactive");
    if (config->exec.provide_cluster_info)
        add_cluster(spec, config);
    return json_text(info);
}

/* -- what it prints -- */

static int wrong(struct err **err, const char *field, const char *what)
{
    return err_set(err, ERR_UNAUTHENTICATED, "%s: %s", field, what);
}

/* The string @key of @status, borrowed; NULL where there is none. */
static int text_of(const cJSON *status, const char *key, const char **ret, struct err **err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(status, key);
    if (item && !cJSON_IsNull(item) && !cJSON_IsString(item)) {
        AUTO_FREE char *field = mem_printf("status.%s", key);
        return wrong(err, field, "must be a string");
    }
    const char *text = cJSON_GetStringValue(item);
    *ret = str_empty(text) ? NULL : text;
    return 0;
}

struct texts {
    const char *expires, *token, *cert, *key;
};

static int check_texts(const struct texts *texts, int64_t *ret_expires_ms, struct err **err)
{
    AUTO_ERR struct err *why = NULL;
    *ret_expires_ms = TIME_NEVER;
    if (texts->expires && !time_parse(texts->expires, ret_expires_ms))
        return wrong(err, "status.expirationTimestamp", "must be an RFC 3339 time");
    if (texts->token && kube_token_check(texts->token, &why) < 0)
        return wrong(err, "status.token", why->message);
    if (texts->cert && !texts->key)
        return wrong(err, "status.clientKeyData", "is missing beside clientCertificateData");
    if (texts->key && !texts->cert)
        return wrong(err, "status.clientCertificateData", "is missing beside clientKeyData");
    if (texts->cert && !kube_is_pem(texts->cert))
        return wrong(err, "status.clientCertificateData", "is no PEM");
    if (texts->key && !kube_is_pem(texts->key))
        return wrong(err, "status.clientKeyData", "is no PEM");
    if (!texts->token && !texts->cert)
        return wrong(err, "status", "has neither token nor clientCertificateData");
    return 0;
}

static int read_status(const cJSON *status, struct kube_issued *out, struct err **err)
{
    struct texts texts = {0};
    int64_t expires_ms = TIME_NEVER;
    if (!cJSON_IsObject(status))
        return wrong(err, "status", "is missing");
    if (text_of(status, "expirationTimestamp", &texts.expires, err) < 0 ||
        text_of(status, "token", &texts.token, err) < 0 ||
        text_of(status, "clientCertificateData", &texts.cert, err) < 0 ||
        text_of(status, "clientKeyData", &texts.key, err) < 0 ||
        check_texts(&texts, &expires_ms, err) < 0)
        return -1;
    *out = (struct kube_issued){.token = mem_strdup(texts.token),
                                .cert_pem = mem_strdup(texts.cert),
                                .key_pem = mem_strdup(texts.key),
                                .expires_ms = expires_ms};
    return 0;
}

int kube_issued_read(const char *text, size_t len, const char *api_version, struct kube_issued *out,
                     struct err **err)
{
    AUTO_JSON cJSON *json = json_parse(text, len, LIMIT_CREDENTIAL, err);
    if (!json) {
        if (err)
            (*err)->code = ERR_UNAUTHENTICATED;
        return -1;
    }
    if (!str_eq(json_get_string(json, "kind"), KIND))
        return wrong(err, "kind", "must be " KIND);
    if (!str_eq(json_get_string(json, "apiVersion"), api_version)) {
        AUTO_FREE char *what = mem_printf("must be %s", api_version);
        return wrong(err, "apiVersion", what);
    }
    return read_status(cJSON_GetObjectItemCaseSensitive(json, "status"), out, err);
}
