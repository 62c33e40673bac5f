/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/module.h"

#define VERSION_MAX 128

const struct json_field module_spec_fields[] = {
    JSON_FIELD(struct module_spec, "name", JSON_STRING, name, JSON_REQUIRED),
    JSON_FIELD(struct module_spec, "version", JSON_STRING, version, JSON_REQUIRED),
    JSON_FIELD(struct module_spec, "url", JSON_STRING, url, JSON_REQUIRED),
    JSON_FIELD(struct module_spec, "md5", JSON_STRING, md5, 0),
    JSON_FIELD(struct module_spec, "sha256", JSON_STRING, sha256, 0),
    JSON_FIELD(struct module_spec, "type", JSON_STRING, type, 0),
    JSON_END,
};

bool module_same_version(const struct module_spec *a, const struct module_spec *b)
{
    return str_eq(a->name, b->name) && str_eq(a->version, b->version);
}

void module_spec_copy(struct module_spec *to, const struct module_spec *from)
{
    *to = (struct module_spec){
        .name = mem_strdup(from->name),
        .version = mem_strdup(from->version),
        .url = mem_strdup(from->url),
        .md5 = mem_strdup(from->md5),
        .sha256 = mem_strdup(from->sha256),
        .type = mem_strdup(from->type),
    };
}

void module_template_spec_copy(struct module_template_spec *to,
                               const struct module_template_spec *from)
{
    module_spec_copy(&to->module, &from->module);
    json_map_copy(&to->base_selector, &from->base_selector);
    json_map_set(&to->meta.annotations, ANNOTATION_RESTARTED_AT, template_restart(from));
}

/* An error about the field @name of the module at @path. */
#define WRONG(err, path, name, ...)                                                                \
    __extension__({                                                                                \
        AUTO_FREE char *field_ = mem_printf("%s.%s", (path), (name));                              \
        err_field((err), field_, __VA_ARGS__);                                                     \
    })

static bool has_space_or_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return true;
    return false;
}

static int check_name(const char *name, const char *path, struct err **err)
{
    if (name_is_dns_label(name))
        return 0;
    return WRONG(err, path, "name",
                 "\"%.100s\" is no DNS-1123 label: 1 to 63 lower case letters, digits and '-', a "
                 "letter or digit at both ends",
                 name ? name : "");
}

/* Arklet's identity of a module is "name:version", so a colon would make it ambiguous. */
static int check_version(const char *version, const char *path, struct err **err)
{
    if (str_empty(version))
        return WRONG(err, path, "version", "is required");
    if (strlen(version) > VERSION_MAX)
        return WRONG(err, path, "version", "has %zu characters, at most %d are allowed",
                     strlen(version), VERSION_MAX);
    if (strchr(version, ':') || has_space_or_control(version))
        return WRONG(err, path, "version", "must not hold a colon, space or control character");
    return 0;
}

/* What follows the scheme, "" where nothing does; NULL where the scheme is none of ours. */
static const char *after_scheme(const char *url, bool *ret_file)
{
    static const char *const schemes[] = {"http://", "https://", "file://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (strncasecmp(url, schemes[i], len) == 0) {
            *ret_file = i == 2;
            return url + len;
        }
    }
    return NULL;
}

static int check_url(const char *url, const char *path, struct err **err)
{
    if (str_empty(url))
        return WRONG(err, path, "url", "is required");
    if (strlen(url) > LIMIT_URL)
        return WRONG(err, path, "url", "has %zu characters, at most %d are allowed", strlen(url),
                     LIMIT_URL);
    if (has_space_or_control(url))
        return WRONG(err, path, "url", "must not hold a space or control character");
    bool file = false;
    const char *rest = after_scheme(url, &file);
    if (!rest)
        return WRONG(err, path, "url", "\"%.100s\" must begin with http://, https:// or file:///",
                     url);
    if (file ? rest[0] != '/' || !rest[1] : strcspn(rest, "/?#") == 0)
        return WRONG(err, path, "url", "\"%.100s\" has no %s", url,
                     file ? "absolute path" : "host");
    return 0;
}

static int check_digest(const char *digest, size_t digits, const char *path, const char *name,
                        struct err **err)
{
    if (str_empty(digest))
        return 0;
    if (strlen(digest) == digits && strspn(digest, "0123456789abcdefABCDEF") == digits)
        return 0;
    return WRONG(err, path, name, "must be %zu hexadecimal digits", digits);
}

int module_spec_check(const struct module_spec *module, const char *path, struct err **err)
{
    if (check_name(module->name, path, err) < 0 || check_version(module->version, path, err) < 0 ||
        check_url(module->url, path, err) < 0 ||
        check_digest(module->md5, 32, path, "md5", err) < 0 ||
        check_digest(module->sha256, 64, path, "sha256", err) < 0)
        return -1;
    return 0;
}
