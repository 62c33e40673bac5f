/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/config.h"

static struct kube_exec copy_exec(const struct kube_exec *from)
{
    struct kube_exec to = {.api_version = mem_strdup(from->api_version),
                           .command = mem_strdup(from->command),
                           .install_hint = mem_strdup(from->install_hint),
                           .provide_cluster_info = from->provide_cluster_info,
                           .cluster_config = mem_strdup(from->cluster_config)};
    json_strings_copy(&to.args, &from->args);
    json_map_copy(&to.env, &from->env);
    return to;
}

void kube_config_copy(struct kube_config *to, const struct kube_config *from)
{
    *to = (struct kube_config){
        .server = mem_strdup(from->server),
        .ca_pem = mem_strdup(from->ca_pem),
        .tls_server_name = mem_strdup(from->tls_server_name),
        .proxy_url = mem_strdup(from->proxy_url),
        .insecure_skip_tls_verify = from->insecure_skip_tls_verify,
        .cert_pem = mem_strdup(from->cert_pem),
        .key_pem = mem_strdup(from->key_pem),
        .token = mem_strdup(from->token),
        .token_file = mem_strdup(from->token_file),
        .username = mem_strdup(from->username),
        .password = mem_strdup(from->password),
        .exec = copy_exec(&from->exec),
        .namespace = mem_strdup(from->namespace),
        .context = mem_strdup(from->context),
        .in_cluster = from->in_cluster,
    };
}
