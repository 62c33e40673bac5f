/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testmodule;

import jakarta.annotation.PreDestroy;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.actuate.health.Status;
import org.springframework.context.annotation.Bean;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** The module's pages and its health, below the module's web context path. */
@RestController
public class ModuleController {
    private volatile Status status = Status.UP;

    /** Answers name:version, after @delayMs. */
    @GetMapping("/version")
    public String version(@RequestParam(name = "ms", defaultValue = "0") long delayMs)
            throws InterruptedException {
        Thread.sleep(delayMs);
        return Self.identity() + "\n";
    }

    /** Sets the module's health: UP, DOWN, UNKNOWN or OUT_OF_SERVICE. */
    @GetMapping("/set/{status}")
    public String set(@PathVariable("status") String wanted) {
        status = new Status(wanted);
        return wanted + "\n";
    }

    // Koupleless cuts 15 letters off the name of this bean: a shorter one makes the base DOWN.
    @Bean
    public HealthIndicator testHealthIndicator() {
        return () -> Health.status(status).withDetail("module", Self.identity()).build();
    }

    @PreDestroy
    public void stop() throws InterruptedException {
        Self.sleepAsToldBy("Test-Stop-Sleep-Ms");
    }
}
