/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testmodule;

import java.util.function.Supplier;
import org.springframework.stereotype.Component;

/** What the base finds by SpringServiceFinder; Koupleless asks that it is a public class. */
@Component("echo")
public class Echo implements Supplier<String> {
    public Echo() {
        Self.failIfToldToAt("bean");
    }

    @Override
    public String get() {
        return Self.identity() + "\n";
    }
}
