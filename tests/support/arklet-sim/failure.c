/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/failure.h"

#include <stdarg.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"

#define ARKLET_EXCEPTION "com.alipay.sofa.koupleless.arklet.core.common.exception."

/* Frames below each exception; the real ones make 4 to 10 KB of one answer. */
static const char *const frames[] = {
    "com.alipay.sofa.koupleless.arklet.core.command.CommandServiceImpl.process(CommandServiceImpl."
    "java:98)",
    "com.alipay.sofa.koupleless.arklet.core.api.tunnel.http.netty.NettyHttpServer$NettyHttpHandler."
    "channelRead0(NettyHttpServer.java:157)",
    "io.netty.channel.SimpleChannelInboundHandler.channelRead(SimpleChannelInboundHandler.java:99)",
    "io.netty.channel.AbstractChannelHandlerContext.invokeChannelRead("
    "AbstractChannelHandlerContext.java:444)",
    "io.netty.channel.AbstractChannelHandlerContext.fireChannelRead(AbstractChannelHandlerContext."
    "java:412)",
    "io.netty.handler.codec.MessageToMessageDecoder.channelRead(MessageToMessageDecoder.java:103)",
    "io.netty.channel.DefaultChannelPipeline.fireChannelRead(DefaultChannelPipeline.java:919)",
    "io.netty.channel.nio.NioEventLoop.processSelectedKey(NioEventLoop.java:788)",
    "io.netty.util.concurrent.SingleThreadEventExecutor$4.run(SingleThreadEventExecutor.java:997)",
    "java.base/java.lang.Thread.run(Thread.java:840)",
};

__attribute__((format(printf, 3, 0))) static void
add_link(struct failure *failure, const char *type, const char *fmt, va_list args)
{
    char *text = fmt ? mem_vprintf(fmt, args) : NULL;

    VEC_PUSH(&failure->links, (struct failure_link){.type = type, .text = text});
}

struct failure *failure_new(const char *type, const char *fmt, ...)
{
    struct failure *failure = NEW(struct failure);
    va_list args;

    failure->wrapped = true;
    va_start(args, fmt);
    add_link(failure, type, fmt, args);
    va_end(args);
    return failure;
}

void failure_cause(struct failure *failure, const char *type, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_link(failure, type, fmt, args);
    va_end(args);
}

struct failure *failure_invalid(const char *fmt, ...)
{
    struct failure *failure = NEW(struct failure);
    va_list args;

    va_start(args, fmt);
    add_link(failure, ARKLET_EXCEPTION "CommandValidationException", fmt, args);
    va_end(args);
    return failure;
}

struct failure *failure_null_input(const char *handler, const char *getter)
{
    struct failure *failure = failure_new(
        "java.lang.NullPointerException",
        "Cannot invoke "
        "\"com.alipay.sofa.koupleless.arklet.core.command.builtin.handler.%s$Input.%s()\" "
        "because \"input\" is null",
        handler, getter);
    failure->wrapped = false;
    return failure;
}

void failure_free(struct failure *failure)
{
    if (!failure)
        return;
    for (size_t i = 0; i < failure->links.len; i++)
        mem_free(failure->links.items[i].text);
    VEC_DONE(&failure->links);
    mem_free(failure);
}

/* What Throwable.toString() gives. */
static char *link_string(const struct failure_link *link)
{
    return link->text ? mem_printf("%s: %s", link->type, link->text) : mem_strdup(link->type);
}

char *failure_text(const struct failure *failure)
{
    const struct failure_link *first = &failure->links.items[0];

    return failure->wrapped ? link_string(first) : mem_strdup(first->text);
}

static void add_trace(struct str *trace, const struct failure_link *link, const char *before)
{
    AUTO_FREE char *text = link_string(link);

    str_printf(trace, "%s%s", before, text);
    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        str_printf(trace, "\n\tat %s", frames[i]);
}

char *failure_trace(const struct failure *failure)
{
    AUTO_STR struct str trace = STR_INIT(LIMIT_KIB(64));

    if (failure->wrapped)
        str_add(&trace, ARKLET_EXCEPTION "ArkletRuntimeException: ");
    add_trace(&trace, &failure->links.items[0], "");
    for (size_t i = failure->wrapped ? 0 : 1; i < failure->links.len; i++)
        add_trace(&trace, &failure->links.items[i], "\nCaused by: ");
    str_add_char(&trace, '\n');
    return str_take(&trace);
}

static cJSON *link_json(const char *type, const char *message, cJSON *cause)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "@type", type);
    if (cause)
        cJSON_AddItemToObject(json, "cause", cause);
    if (message) {
        cJSON_AddStringToObject(json, "localizedMessage", message);
        cJSON_AddStringToObject(json, "message", message);
    }
    cJSON_AddArrayToObject(json, "stackTrace");
    return json;
}

cJSON *failure_json(const struct failure *failure)
{
    cJSON *json = NULL;

    for (size_t i = failure->links.len; i-- > 0;)
        json = link_json(failure->links.items[i].type, failure->links.items[i].text, json);
    if (!failure->wrapped)
        return json;
    AUTO_FREE char *text = failure_text(failure);
    return link_json(ARKLET_EXCEPTION "ArkletRuntimeException", text, json);
}
