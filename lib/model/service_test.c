/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/mem.h"

static struct service *read_text(const char *text)
{
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    assert_non_null(json);
    struct service *service = service_read(json, NULL);
    assert_non_null(service);
    return service;
}

static void what_is_ours_comes_back(void **state)
{
    (void)state;
    static const char text[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"pay-service\"},"
        "\"spec\":{\"type\":\"NodePort\",\"selector\":{\"a\":\"true\"},\"ports\":[{\"name\":"
        "\"http\",\"protocol\":\"TCP\",\"port\":80,\"targetPort\":8080,\"nodePort\":30080}]}}";
    struct service *service = read_text(text);
    const struct service_port *port = service->spec.ports.items;
    assert_int_equal(service->spec.ports.len, 1);
    assert_string_equal(port->target_port, "8080");
    assert_int_equal(port->node_port, 30080);
    AUTO_JSON cJSON *json = service_write(service);
    AUTO_FREE char *written = json_text(json);
    assert_string_equal(written, text);
    service_free(service);
}

/* What the server adds is not looked at, and a port may have a name. */
static void services_of_others_are_read_too(void **state)
{
    (void)state;
    struct service *service = read_text(
        "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"clusterIP\":\"10.0.0.1\",\"ports\":[{\"port\":"
        "80,\"targetPort\":\"web\"}],\"sessionAffinity\":\"None\"},\"status\":{\"loadBalancer\":{}}"
        "}");
    const struct service_port *port = service->spec.ports.items;
    assert_string_equal(port->target_port, "\"web\"");
    service_free(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_ours_comes_back),
        cmocka_unit_test(services_of_others_are_read_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
