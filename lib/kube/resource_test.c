/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/kube/resource.h"

static const struct kube_resource pods = {"", "v1", "pods", "Pod", false};
static const struct kube_resource nodes = {"", "v1", "nodes", "Node", true};
static const struct kube_resource modules = {"koupleless.alipay.com", "v1alpha1", "modules",
                                             "Module", false};

static const struct {
    struct kube_path path;
    const char *url, *words;
} rows[] = {
    {{&pods, NULL, NULL, NULL}, "/api/v1/pods", "pods"},
    {{&pods, "shop", NULL, NULL}, "/api/v1/namespaces/shop/pods", "pods in namespace \"shop\""},
    {{&pods, "shop", "p-0", NULL},
     "/api/v1/namespaces/shop/pods/p-0",
     "pods \"p-0\" in namespace \"shop\""},
    {{&modules, "shop", "m", "status"},
     "/apis/koupleless.alipay.com/v1alpha1/namespaces/shop/modules/m/status",
     "modules/status \"m\" in namespace \"shop\""},
    {{&modules, NULL, NULL, NULL}, "/apis/koupleless.alipay.com/v1alpha1/modules", "modules"},
    {{&nodes, NULL, "n", NULL}, "/api/v1/nodes/n", "nodes \"n\""},
    /* A cluster has one of it, whatever namespace the caller works in. */
    {{&nodes, "shop", "n", NULL}, "/api/v1/nodes/n", "nodes \"n\""},
    /* A name that is none stays one part of the path. */
    {{&pods, "a/b", "../x?y=1#z %\xc3\xa9~", NULL},
     "/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy%3D1%23z%20%25%C3%A9~",
     "pods \"../x?y=1#z %\xc3\xa9~\" in namespace \"a/b\""},
    {{&pods, "shop", "..", NULL},
     "/api/v1/namespaces/shop/pods/%2E%2E",
     "pods \"..\" in namespace \"shop\""},
};

static void urls_and_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *url = kube_path_url(&rows[i].path);
        AUTO_FREE char *words = kube_path_describe(&rows[i].path);
        assert_string_equal(url, rows[i].url);
        assert_string_equal(words, rows[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
