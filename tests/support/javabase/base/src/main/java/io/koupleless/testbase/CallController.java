/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testbase;

import com.alipay.sofa.koupleless.common.api.SpringServiceFinder;
import java.util.function.Supplier;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** Lets a test reach a module inside the JVM, without the module's web context. */
@RestController
public class CallController {
    @GetMapping("/hello")
    public String hello() {
        return "base\n";
    }

    @GetMapping("/call/{module}")
    public Object callActive(@PathVariable("module") String module) {
        return call(module, /* version= */ null);
    }

    @GetMapping("/call/{module}/{version}")
    public Object callVersion(@PathVariable("module") String module,
                              @PathVariable("version") String version) {
        return call(module, version);
    }

    private static Object call(String module, String version) {
        return SpringServiceFinder.getModuleService(module, version, "echo", Supplier.class).get();
    }
}
