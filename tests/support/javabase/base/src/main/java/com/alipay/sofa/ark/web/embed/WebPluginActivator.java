/* SPDX-License-Identifier: Apache-2.0 */
package com.alipay.sofa.ark.web.embed;

import com.alipay.sofa.ark.spi.model.PluginContext;
import com.alipay.sofa.ark.spi.service.PluginActivator;
import com.alipay.sofa.ark.spi.web.EmbeddedServerService;
import com.alipay.sofa.ark.web.embed.tomcat.EmbeddedServerServiceImpl;

/** Publishes our EmbeddedServerServiceImpl in place of the plugin's own. */
public class WebPluginActivator implements PluginActivator {
    private final EmbeddedServerServiceImpl servers = new EmbeddedServerServiceImpl();

    @Override
    public void start(PluginContext context) {
        context.publishService(EmbeddedServerService.class, servers);
    }

    @Override
    public void stop(PluginContext context) {
        // Tomcat is stopped by Spring's shutdown hook.
    }
}
