/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testbase;

import com.alipay.sofa.ark.api.ArkClient;
import com.alipay.sofa.ark.spi.model.Biz;
import com.alipay.sofa.ark.springboot.web.ArkTomcatWebServer;
import com.alipay.sofa.koupleless.arklet.core.command.meta.AbstractCommandHandler;
import com.alipay.sofa.koupleless.arklet.core.command.meta.Command;
import com.alipay.sofa.koupleless.arklet.core.command.meta.Output;
import com.alipay.sofa.koupleless.arklet.core.command.meta.bizops.ArkBizMeta;
import com.alipay.sofa.koupleless.arklet.core.common.exception.CommandValidationException;
import java.util.Map;
import org.apache.catalina.Container;
import org.apache.catalina.core.StandardWrapper;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;
import org.springframework.stereotype.Component;

/** Arklet's command queryBizRequests: how many requests are under way in a module (docs/guide.md). */
@Component
public class RequestsUnderWay extends AbstractCommandHandler<ArkBizMeta, Map<String, Integer>> {
    private final ServletWebServerApplicationContext base;

    public RequestsUnderWay(ServletWebServerApplicationContext base) {
        this.base = base;
    }

    @Override
    public Command command() {
        return new Command() {
            @Override
            public String getId() {
                return "queryBizRequests";
            }

            @Override
            public String getDesc() {
                return "count the requests under way in one ark biz";
            }
        };
    }

    @Override
    public void validate(ArkBizMeta biz) throws CommandValidationException {
        notBlank(biz.getBizName(), "bizName should not be blank");
        notBlank(biz.getBizVersion(), "bizVersion should not be blank");
    }

    @Override
    public Output<Map<String, Integer>> handle(ArkBizMeta meta) {
        Biz biz = ArkClient.getBizManagerService().getBiz(meta.getBizName(), meta.getBizVersion());
        ArkTomcatWebServer server = (ArkTomcatWebServer) base.getWebServer();
        String path = biz == null ? null : biz.getWebContextPath();
        Container context = path == null ? null : server.getTomcat().getHost().findChild(path);
        // The path may be that of another version, while this one listens on a port of its own.
        if (context == null || context.getParentClassLoader() != biz.getBizClassLoader()) {
            return Output.ofFailed("no web context of " + meta.getBizName() + ":" + meta.getBizVersion());
        }
        int requests = 0;
        for (Container servlet : context.findChildren()) {
            requests += ((StandardWrapper) servlet).getCountAllocated();
        }
        return Output.ofSuccess(Map.of("requests", requests));
    }
}
