/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testbase;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** A base with nothing of its own to do: it hosts modules. */
@SpringBootApplication
public class BaseApplication {
    public static void main(String[] args) {
        SpringApplication.run(BaseApplication.class, args);
    }
}
