/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testmodule;

import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;

/**
 * The one module of all tests. Manifest attributes choose what it does:
 * Test-Start-Sleep-Ms and Test-Stop-Sleep-Ms: how long start and stop take;
 * Test-Fail: "main" throws before Spring starts, "bean" while it starts;
 * Test-Web: "false" opens no web context;
 * Test-Spring: "false" starts no Spring at all.
 * The simulator (tests/support/arklet-sim) obeys the same attributes.
 */
@SpringBootApplication
public class ModuleApplication {
    public static void main(String[] args) throws InterruptedException {
        Self.sleepAsToldBy("Test-Start-Sleep-Ms");
        Self.failIfToldToAt("main");
        if (Boolean.parseBoolean(Self.attribute("Test-Spring", "true"))) {
            new SpringApplicationBuilder(ModuleApplication.class).web(webType()).run(args);
        }
    }

    private static WebApplicationType webType() {
        boolean web = Boolean.parseBoolean(Self.attribute("Test-Web", "true"));
        return web ? WebApplicationType.SERVLET : WebApplicationType.NONE;
    }
}
