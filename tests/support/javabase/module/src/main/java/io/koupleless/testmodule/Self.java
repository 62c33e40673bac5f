/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testmodule;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.jar.Attributes;
import java.util.jar.Manifest;

/** What the manifest of this module's own jar says: who it is, and how it shall behave. */
final class Self {
    private static final Attributes MANIFEST = read();

    private Self() {
    }

    static String identity() {
        return attribute("Ark-Biz-Name", "?") + ":" + attribute("Ark-Biz-Version", "?");
    }

    static String attribute(String key, String fallback) {
        String value = MANIFEST.getValue(key);
        return value == null || value.isEmpty() ? fallback : value;
    }

    static void sleepAsToldBy(String key) throws InterruptedException {
        Thread.sleep(Long.parseLong(attribute(key, "0")));
    }

    static void failIfToldToAt(String stage) {
        if (attribute("Test-Fail", "").equals(stage)) {
            throw new IllegalStateException("asked to fail: " + identity());
        }
    }

    private static Attributes read() {
        URL root = Self.class.getProtectionDomain().getCodeSource().getLocation();
        try (InputStream in = new URL(root, "META-INF/MANIFEST.MF").openStream()) {
            return new Manifest(in).getMainAttributes();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
