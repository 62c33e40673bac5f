/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testbase;

import com.alipay.sofa.ark.api.ArkClient;
import com.alipay.sofa.ark.spi.event.AbstractArkEvent;
import com.alipay.sofa.ark.spi.event.biz.AfterBizFailedEvent;
import com.alipay.sofa.ark.spi.event.biz.AfterBizStartupEvent;
import com.alipay.sofa.ark.spi.event.biz.AfterBizStopEvent;
import com.alipay.sofa.ark.spi.model.Biz;
import com.alipay.sofa.ark.spi.service.event.EventHandler;
import jakarta.annotation.PostConstruct;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.stereotype.Component;

/**
 * What was really done with modules, one line each, in the format of the simulator:
 * "address operation name version sequence milliseconds"; the operation is start (of the base),
 * install, install-failed or uninstall. -Dtestbase.operations=FILE turns it on.
 */
@Component
@ConditionalOnProperty("testbase.operations")
@SuppressWarnings("rawtypes")
public class OperationsLog implements EventHandler<AbstractArkEvent> {
    private final Path file;
    private final String address;
    private long sequence;

    public OperationsLog(@Value("${testbase.operations}") String file,
                         @Value("${server.address:0.0.0.0}") String address) {
        this.file = Path.of(file);
        this.address = address;
    }

    @PostConstruct
    void register() {
        ArkClient.getEventAdminService().register(this);
    }

    @Override
    public void handleEvent(AbstractArkEvent event) {
        if (event instanceof AfterBizStartupEvent) {
            Biz module = (Biz) event.getSource();
            write(module == ArkClient.getMasterBiz() ? "start" : "install", module);
        } else if (event instanceof AfterBizFailedEvent) {
            write("install-failed", (Biz) event.getSource());
        } else if (event instanceof AfterBizStopEvent) {
            write("uninstall", (Biz) event.getSource());
        }
    }

    private synchronized void write(String operation, Biz module) {
        String line = String.join(" ", address, operation, module.getBizName(),
            module.getBizVersion(), Long.toString(++sequence),
            Long.toString(System.currentTimeMillis()));
        try {
            Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public int getPriority() {
        return LOWEST_PRECEDENCE;
    }
}
