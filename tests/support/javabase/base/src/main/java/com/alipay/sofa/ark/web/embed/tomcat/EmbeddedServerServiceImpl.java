/* SPDX-License-Identifier: Apache-2.0 */
package com.alipay.sofa.ark.web.embed.tomcat;

import com.alipay.sofa.ark.spi.web.AbstractEmbeddedServerService;
import org.apache.catalina.startup.Tomcat;

/**
 * Takes the place of the class of this name in web-ark-plugin 3.1.4, which was made for sofa-ark
 * 3.1.4 and has no server per port, as 3.1.7 asks for.
 */
public class EmbeddedServerServiceImpl extends AbstractEmbeddedServerService<Tomcat> {
}
