/* SPDX-License-Identifier: Apache-2.0 */
package io.koupleless.testbase;

import com.alipay.sofa.koupleless.arklet.springboot.starter.health.ProbeAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/**
 * Koupleless registers ProbeAutoConfiguration in spring.factories only, which Spring Boot 3 no longer
 * reads: modules then never touch the readiness of their base. -Dtestbase.readiness=true brings
 * the documented behaviour back.
 */
@Configuration
@ConditionalOnProperty("testbase.readiness")
@Import(ProbeAutoConfiguration.class)
public class ReadinessByModules {
}
