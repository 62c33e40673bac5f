/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health pages and lists of modules as real bases have sent them, the figures of disk and memory left out: koupleless 2.1.6
 * (on Spring Boot 3.2, where withAllBizReadiness never reaches the page's readiness, and with what Boot 2 adds) and the
 * legacy line 2.1.3. Module m starts, runs, is sick; bad fails to start and is kept; plain has no Spring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "services/agent/engine/base_health.h"

/* What is made of it: all together, the base, module m (UNKNOWN also where there is none). */
#define JUDGED(all_, base_, module_)                                                               \
    .all = HEALTH_##all_, .base = HEALTH_##base_, .of_module = HEALTH_##module_

static const struct {
    const char *scenario;
    int status;
    bool operating;
    const char *modules, *page;
    enum health all, base, of_module;
    const char *message;
} rows[] = {
    {.scenario = "as shipped, starting",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UNKNOWN\",\"deta"
             "ils\":{\"base:1.0.0\":{\"status\":\"UNKNOWN\"}}},\"compositeAllBiz\":{\"status\":\""
             "UP\"},\"diskSpace\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status"
             "\":\"DOWN\"},\"metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\""
             "UP\"},\"readinessState\":{\"status\":\"OUT_OF_SERVICE\"}},\"groups\":[\"liveness\","
             "\"readiness\"]}",
     JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
     .message = "the base is UNKNOWN"},
    {.scenario = "as shipped, ready",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"}}},\"compositeAllBiz\":{\"status\":\"UP\"},\"disk"
             "Space\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\""
             "metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readine"
             "ssState\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "as shipped, hot running",
     .status = 503,
     .operating = true,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"resolved\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UNKNOWN\"}}},\"compo"
             "siteAllBiz\":{\"status\":\"DOWN\",\"details\":{\"m:1.0.0\":{\"status\":\"DOWN\",\"d"
             "etails\":{\"applicationContext\":\"haven't refreshed\"}}}},\"diskSpace\":{\"status"
             "\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"stat"
             "us\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"stat"
             "us\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "as shipped, hot done",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeAll"
             "Biz\":{\"status\":\"UP\",\"details\":{\"m:1.0.0\":{\"status\":\"UP\",\"details\":{"
             "\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"UP\"}},\"di"
             "skSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{\"details\":{"
             "},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\",\"details\":"
             "{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"details"
             "\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},\"group"
             "s\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UP)},
    {.scenario = "as shipped, hot failed, kept",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"bad\",\"bizVersion\":\"1.0.0\",\""
                "bizState\":\"broken\",\"webContextPath\":\"bad\"},{\"bizName\":\"m\",\"bizVersio"
                "n\":\"1.0.0\",\"bizState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"},\"bad:1.0.0\":"
             "{\"status\":\"DOWN\"}}},\"compositeAllBiz\":{\"status\":\"DOWN\",\"details\":{\"m:1"
             ".0.0\":{\"status\":\"UP\",\"details\":{\"test\":{\"details\":{\"module\":\"m:1.0.0"
             "\"},\"status\":{\"status\":\"UP\"}},\"diskSpace\":{\"details\":{},\"status\":{\"sta"
             "tus\":\"UP\"}},\"pingHe\":{\"details\":{},\"status\":{\"status\":\"UP\"}}}},\"bad:1"
             ".0.0\":{\"status\":\"DOWN\",\"details\":{\"applicationContext\":\"haven't refreshed"
             "\"}}}},\"diskSpace\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status"
             "\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP"
             "\"},\"readinessState\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]"
             "}",
     JUDGED(DOWN, UP, UP),
     .message = "module bad 1.0.0: it is broken"},
    {.scenario = "as shipped, indicator DOWN",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeA"
             "llBiz\":{\"status\":\"DOWN\",\"details\":{\"m:1.0.0\":{\"status\":\"DOWN\",\"detail"
             "s\":{\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"DOWN\""
             "}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{\"deta"
             "ils\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\",\"det"
             "ails\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"d"
             "etails\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},"
             "\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(DOWN, UP, DOWN),
     .message = "module m 1.0.0: test is DOWN"},
    {.scenario = "as shipped, indicator UNKNOWN",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeAll"
             "Biz\":{\"status\":\"UNKNOWN\",\"details\":{\"m:1.0.0\":{\"status\":\"UNKNOWN\",\"de"
             "tails\":{\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"UN"
             "KNOWN\"}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":"
             "{\"details\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP"
             "\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\""
             "UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\""
             "UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "as shipped, indicator OUT_OF_SERVICE",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeAll"
             "Biz\":{\"status\":\"UP\",\"details\":{\"m:1.0.0\":{\"status\":\"UP\",\"details\":{"
             "\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"OUT_OF_SERV"
             "ICE\"}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{"
             "\"details\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\""
             ",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\"UP"
             "\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP"
             "\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UP)},
    {.scenario = "as shipped, after uninstall",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"}}},\"compositeAllBiz\":{\"status\":\"UP\"},\"disk"
             "Space\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\""
             "metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readine"
             "ssState\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "as shipped, no spring",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"plain\",\"bizVersion\":\"1.0.0\","
                "\"bizState\":\"activated\",\"webContextPath\":\"plain\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"plain:1.0.0\":{\"status\":\"UP\"}}},\"compos"
             "iteAllBiz\":{\"status\":\"DOWN\",\"details\":{\"plain:1.0.0\":{\"status\":\"DOWN\","
             "\"details\":{\"applicationContext\":\"haven't refreshed\"}}}},\"diskSpace\":{\"stat"
             "us\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"st"
             "atus\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"st"
             "atus\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "withAllBizReadiness, Boot 3, hot running",
     .status = 503,
     .operating = true,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"resolved\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UNKNOWN\",\"deta"
             "ils\":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UNKNOWN\"}}},\""
             "compositeAllBiz\":{\"status\":\"DOWN\",\"details\":{\"m:1.0.0\":{\"status\":\"DOWN"
             "\",\"details\":{\"applicationContext\":\"haven't refreshed\"}}}},\"diskSpace\":{\"s"
             "tatus\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{"
             "\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{"
             "\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UNKNOWN, UP, UNKNOWN),
     .message = "baseStartUp is UNKNOWN: a module is not ready"},
    {.scenario = "withAllBizReadiness, Boot 3, hot done",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeAll"
             "Biz\":{\"status\":\"UP\",\"details\":{\"m:1.0.0\":{\"status\":\"UP\",\"details\":{"
             "\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"UP\"}},\"di"
             "skSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{\"details\":{"
             "},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\",\"details\":"
             "{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"details"
             "\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},\"group"
             "s\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UP)},
    {.scenario = "withAllBizReadiness, Boot 3, hot failed, kept",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"bad\",\"bizVersion\":\"1.0.0\",\""
                "bizState\":\"broken\",\"webContextPath\":\"bad\"},{\"bizName\":\"m\",\"bizVersio"
                "n\":\"1.0.0\",\"bizState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"DOWN\",\"details"
             "\":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"},\"bad:1.0.0"
             "\":{\"status\":\"DOWN\"}}},\"compositeAllBiz\":{\"status\":\"DOWN\",\"details\":{\""
             "m:1.0.0\":{\"status\":\"UP\",\"details\":{\"test\":{\"details\":{\"module\":\"m:1.0"
             ".0\"},\"status\":{\"status\":\"UP\"}},\"diskSpace\":{\"details\":{},\"status\":{\"s"
             "tatus\":\"UP\"}},\"pingHe\":{\"details\":{},\"status\":{\"status\":\"UP\"}}}},\"bad"
             ":1.0.0\":{\"status\":\"DOWN\",\"details\":{\"applicationContext\":\"haven't refresh"
             "ed\"}}}},\"diskSpace\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"stat"
             "us\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\""
             "UP\"},\"readinessState\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness"
             "\"]}",
     JUDGED(DOWN, UP, UP),
     .message = "baseStartUp is DOWN: a module is not ready"},
    {.scenario = "withAllBizReadiness, Boot 3, broken one uninstalled",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeAll"
             "Biz\":{\"status\":\"UP\",\"details\":{\"m:1.0.0\":{\"status\":\"UP\",\"details\":{"
             "\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"UP\"}},\"di"
             "skSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{\"details\":{"
             "},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\",\"details\":"
             "{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"details"
             "\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},\"group"
             "s\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UP)},
    {.scenario = "withAllBizReadiness, Boot 3, indicator DOWN",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeA"
             "llBiz\":{\"status\":\"DOWN\",\"details\":{\"m:1.0.0\":{\"status\":\"DOWN\",\"detail"
             "s\":{\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"DOWN\""
             "}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{\"deta"
             "ils\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\",\"det"
             "ails\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"d"
             "etails\":{}},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},"
             "\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(DOWN, UP, DOWN),
     .message = "module m 1.0.0: test is DOWN"},
    {.scenario = "withAllBizReadiness, Boot 3, after uninstall",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"}}},\"compositeAllBiz\":{\"status\":\"UP\"},\"disk"
             "Space\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\""
             "metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"readine"
             "ssState\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "withAllBizReadiness, as on Boot 2, starting",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UNKNOWN\",\"deta"
             "ils\":{\"base:1.0.0\":{\"status\":\"UNKNOWN\"}}},\"compositeAllBiz\":{\"status\":\""
             "UP\"},\"diskSpace\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status"
             "\":\"DOWN\"},\"metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\""
             "UP\"},\"probeAvailabilityStateIndicator\":{\"status\":\"UP\",\"details\":{\"baseAva"
             "ilability\":{\"livenessState\":\"BROKEN\",\"readinessState\":\"REFUSING_TRAFFIC\","
             "\"healthy\":false},\"bizAvailability\":{\"base:1.0.0\":{\"livenessState\":\"BROKEN"
             "\",\"readinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false}}}},\"readinessState\""
             ":{\"status\":\"OUT_OF_SERVICE\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
     .message = "the base is UNKNOWN"},
    {.scenario = "withAllBizReadiness, as on Boot 2, hot running",
     .status = 503,
     .operating = true,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"resolved\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UNKNOWN\",\"deta"
             "ils\":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UNKNOWN\"}}},\""
             "compositeAllBiz\":{\"status\":\"DOWN\",\"details\":{\"m:1.0.0\":{\"status\":\"DOWN"
             "\",\"details\":{\"applicationContext\":\"haven't refreshed\"}}}},\"diskSpace\":{\"s"
             "tatus\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{"
             "\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"probeAvailabilityS"
             "tateIndicator\":{\"status\":\"UP\",\"details\":{\"baseAvailability\":{\"livenessSta"
             "te\":\"CORRECT\",\"readinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false},\"bizAv"
             "ailability\":{\"m:1.0.0\":{\"livenessState\":\"BROKEN\",\"readinessState\":\"REFUSI"
             "NG_TRAFFIC\",\"healthy\":false},\"base:1.0.0\":{\"livenessState\":\"CORRECT\",\"rea"
             "dinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false}}}},\"readinessState\":{\"stat"
             "us\":\"OUT_OF_SERVICE\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UNKNOWN, UP, UNKNOWN),
     .message = "baseStartUp is UNKNOWN: a module is not ready"},
    {.scenario = "withAllBizReadiness, as on Boot 2, hot failed, kept",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"bad\",\"bizVersion\":\"1.0.0\",\""
                "bizState\":\"broken\",\"webContextPath\":\"bad\"},{\"bizName\":\"m\",\"bizVersio"
                "n\":\"1.0.0\",\"bizState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"DOWN\",\"details"
             "\":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"},\"bad:1.0.0"
             "\":{\"status\":\"DOWN\"}}},\"compositeAllBiz\":{\"status\":\"DOWN\",\"details\":{\""
             "m:1.0.0\":{\"status\":\"UP\",\"details\":{\"test\":{\"details\":{\"module\":\"m:1.0"
             ".0\"},\"status\":{\"status\":\"UP\"}},\"diskSpace\":{\"details\":{},\"status\":{\"s"
             "tatus\":\"UP\"}},\"pingHe\":{\"details\":{},\"status\":{\"status\":\"UP\"}}}},\"bad"
             ":1.0.0\":{\"status\":\"DOWN\",\"details\":{\"applicationContext\":\"haven't refresh"
             "ed\"}}}},\"diskSpace\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"stat"
             "us\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\""
             "UP\"},\"probeAvailabilityStateIndicator\":{\"status\":\"UP\",\"details\":{\"baseAva"
             "ilability\":{\"livenessState\":\"CORRECT\",\"readinessState\":\"REFUSING_TRAFFIC\","
             "\"healthy\":false},\"bizAvailability\":{\"m:1.0.0\":{\"livenessState\":\"CORRECT\","
             "\"readinessState\":\"ACCEPTING_TRAFFIC\",\"healthy\":true},\"bad:1.0.0\":{\"livenes"
             "sState\":\"BROKEN\",\"readinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false},\"ba"
             "se:1.0.0\":{\"livenessState\":\"CORRECT\",\"readinessState\":\"REFUSING_TRAFFIC\","
             "\"healthy\":false}}}},\"readinessState\":{\"status\":\"OUT_OF_SERVICE\"}},\"groups"
             "\":[\"liveness\",\"readiness\"]}",
     JUDGED(DOWN, UP, UP),
     .message = "baseStartUp is DOWN: a module is not ready"},
    {.scenario = "withAllBizReadiness, as on Boot 2, broken one uninstalled",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"OUT_OF_SERVICE\",\"components\":{\"baseStartUp\":{\"status\":\"UP\","
             "\"details\":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},"
             "\"compositeAllBiz\":{\"status\":\"UP\",\"details\":{\"m:1.0.0\":{\"status\":\"UP\","
             "\"details\":{\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":"
             "\"UP\"}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{"
             "\"details\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\""
             ",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\":{\"status\":\"UP"
             "\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"probeAvailabilityStateIndicator\""
             ":{\"status\":\"UP\",\"details\":{\"baseAvailability\":{\"livenessState\":\"CORRECT"
             "\",\"readinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false},\"bizAvailability\":{"
             "\"m:1.0.0\":{\"livenessState\":\"CORRECT\",\"readinessState\":\"ACCEPTING_TRAFFIC\""
             ",\"healthy\":true},\"base:1.0.0\":{\"livenessState\":\"CORRECT\",\"readinessState\""
             ":\"REFUSING_TRAFFIC\",\"healthy\":false}}}},\"readinessState\":{\"status\":\"OUT_OF"
             "_SERVICE\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UP)},
    {.scenario = "withAllBizReadiness, as on Boot 2, indicator UNKNOWN",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"activated\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"OUT_OF_SERVICE\",\"components\":{\"baseStartUp\":{\"status\":\"UP\","
             "\"details\":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},"
             "\"compositeAllBiz\":{\"status\":\"UNKNOWN\",\"details\":{\"m:1.0.0\":{\"status\":\""
             "UNKNOWN\",\"details\":{\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{"
             "\"status\":\"UNKNOWN\"}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP"
             "\"}},\"pingHe\":{\"details\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{"
             "\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"metrics\""
             ":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"UP\"},\"probeAvailabilit"
             "yStateIndicator\":{\"status\":\"UP\",\"details\":{\"baseAvailability\":{\"livenessS"
             "tate\":\"CORRECT\",\"readinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false},\"biz"
             "Availability\":{\"m:1.0.0\":{\"livenessState\":\"CORRECT\",\"readinessState\":\"ACC"
             "EPTING_TRAFFIC\",\"healthy\":true},\"base:1.0.0\":{\"livenessState\":\"CORRECT\",\""
             "readinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false}}}},\"readinessState\":{\"s"
             "tatus\":\"OUT_OF_SERVICE\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "withAllBizReadiness, as on Boot 2, after uninstall",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"OUT_OF_SERVICE\",\"components\":{\"baseStartUp\":{\"status\":\"UP\","
             "\"details\":{\"base:1.0.0\":{\"status\":\"UP\"}}},\"compositeAllBiz\":{\"status\":"
             "\"UP\"},\"diskSpace\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"statu"
             "s\":\"UP\"},\"metrics\":{\"status\":\"UP\",\"details\":{}},\"ping\":{\"status\":\"U"
             "P\"},\"probeAvailabilityStateIndicator\":{\"status\":\"UP\",\"details\":{\"baseAvai"
             "lability\":{\"livenessState\":\"CORRECT\",\"readinessState\":\"REFUSING_TRAFFIC\","
             "\"healthy\":false},\"bizAvailability\":{\"base:1.0.0\":{\"livenessState\":\"CORRECT"
             "\",\"readinessState\":\"REFUSING_TRAFFIC\",\"healthy\":false}}}},\"readinessState\""
             ":{\"status\":\"OUT_OF_SERVICE\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "legacy line, starting",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UNKNOWN\",\"deta"
             "ils\":{\"base:1.0.0\":{\"status\":\"UNKNOWN\"}}},\"compositeAllBiz\":{\"status\":\""
             "UP\"},\"diskSpace\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status"
             "\":\"DOWN\"},\"ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"OUT_OF_S"
             "ERVICE\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UNKNOWN, UNKNOWN, UNKNOWN),
     .message = "the base is UNKNOWN"},
    {.scenario = "legacy line, ready",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"}}},\"compositeAllBiz\":{\"status\":\"UP\"},\"disk"
             "Space\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\""
             "ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},\"groups\":[\"li"
             "veness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "legacy line, hot running",
     .status = 503,
     .operating = true,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"RESOLVED\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UNKNOWN\"}}},\"compo"
             "siteAllBiz\":{\"status\":\"DOWN\",\"details\":{\"error\":\"java.lang.NullPointerExc"
             "eption: Cannot invoke \\\"org.springframework.context.ApplicationContext.getBeansOf"
             "Type(java.lang.Class)\\\" because the return value of \\\"com.alipay.sofa.koupleles"
             "s.common.BizRuntimeContext.getRootApplicationContext()\\\" is null\"}},\"diskSpace"
             "\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"ping"
             "\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},\"groups\":[\"livene"
             "ss\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "legacy line, hot done",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"ACTIVATED\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeAll"
             "Biz\":{\"status\":\"UP\",\"details\":{\"m:1.0.0\":{\"status\":\"UP\",\"details\":{"
             "\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"UP\"}},\"di"
             "skSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{\"details\":{"
             "},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\",\"details\":"
             "{}},\"livenessState\":{\"status\":\"UP\"},\"ping\":{\"status\":\"UP\"},\"readinessS"
             "tate\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UP)},
    {.scenario = "legacy line, indicator DOWN",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"ACTIVATED\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeA"
             "llBiz\":{\"status\":\"DOWN\",\"details\":{\"m:1.0.0\":{\"status\":\"DOWN\",\"detail"
             "s\":{\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"DOWN\""
             "}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{\"deta"
             "ils\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\",\"det"
             "ails\":{}},\"livenessState\":{\"status\":\"UP\"},\"ping\":{\"status\":\"UP\"},\"rea"
             "dinessState\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(DOWN, UP, DOWN),
     .message = "module m 1.0.0: test is DOWN"},
    {.scenario = "legacy line, indicator OUT_OF_SERVICE",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"m\",\"bizVersion\":\"1.0.0\",\"bi"
                "zState\":\"ACTIVATED\",\"webContextPath\":\"m\"}]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"},\"m:1.0.0\":{\"status\":\"UP\"}}},\"compositeAll"
             "Biz\":{\"status\":\"UP\",\"details\":{\"m:1.0.0\":{\"status\":\"UP\",\"details\":{"
             "\"test\":{\"details\":{\"module\":\"m:1.0.0\"},\"status\":{\"status\":\"OUT_OF_SERV"
             "ICE\"}},\"diskSpace\":{\"details\":{},\"status\":{\"status\":\"UP\"}},\"pingHe\":{"
             "\"details\":{},\"status\":{\"status\":\"UP\"}}}}}},\"diskSpace\":{\"status\":\"UP\""
             ",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"ping\":{\"status\":\"UP\"}"
             ",\"readinessState\":{\"status\":\"UP\"}},\"groups\":[\"liveness\",\"readiness\"]}",
     JUDGED(UP, UP, UP)},
    {.scenario = "legacy line, after uninstall",
     .status = 200,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[]}",
     .page = "{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\":{"
             "\"base:1.0.0\":{\"status\":\"UP\"}}},\"compositeAllBiz\":{\"status\":\"UP\"},\"disk"
             "Space\":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\""
             "ping\":{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},\"groups\":[\"li"
             "veness\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
    {.scenario = "legacy line, no spring",
     .status = 503,
     .modules = "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"plain\",\"bizVersion\":\"1.0.0\","
                "\"bizState\":\"ACTIVATED\",\"webContextPath\":\"plain\"}]}",
     .page = "{\"status\":\"DOWN\",\"components\":{\"baseStartUp\":{\"status\":\"UP\",\"details\""
             ":{\"base:1.0.0\":{\"status\":\"UP\"},\"plain:1.0.0\":{\"status\":\"UP\"}}},\"compos"
             "iteAllBiz\":{\"status\":\"DOWN\",\"details\":{\"error\":\"java.lang.NullPointerExce"
             "ption: Cannot invoke \\\"org.springframework.context.ApplicationContext.getBeansOfT"
             "ype(java.lang.Class)\\\" because the return value of \\\"com.alipay.sofa.koupleless"
             ".common.BizRuntimeContext.getRootApplicationContext()\\\" is null\"}},\"diskSpace\""
             ":{\"status\":\"UP\",\"details\":{}},\"livenessState\":{\"status\":\"UP\"},\"ping\":"
             "{\"status\":\"UP\"},\"readinessState\":{\"status\":\"UP\"}},\"groups\":[\"liveness"
             "\",\"readiness\"]}",
     JUDGED(UP, UP, UNKNOWN)},
};

static enum health health_of(const struct base_health *health, const char *name)
{
    for (size_t i = 0; i < health->len; i++)
        if (str_eq(health->modules[i].name, name))
            return health->modules[i].status;
    return HEALTH_UNKNOWN;
}

static void pages_of_real_bases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct biz_list modules = {0};
        assert_int_equal(biz_list_parse(rows[i].modules, strlen(rows[i].modules), &modules, NULL),
                         0);
        const struct health_facts facts = {
            .page_wanted = true,
            .page_contact = CONTACT_GOOD,
            .arklet_contact = CONTACT_GOOD,
            .page_status = rows[i].status,
            .page = rows[i].page,
            .page_len = strlen(rows[i].page),
            .modules = &modules,
            .operating = rows[i].operating,
        };
        struct base_health health;
        base_health_of(&facts, &health);
        if (health.status != rows[i].all || health.base_status != rows[i].base ||
            health_of(&health, "m") != rows[i].of_module ||
            health.takes_modules != (rows[i].base == HEALTH_UP) ||
            !str_eq(health.message, rows[i].message))
            fail_msg("%s: %s, base %s, module %s, \"%s\"", rows[i].scenario,
                     health_name(health.status), health_name(health.base_status),
                     health_name(health_of(&health, "m")), health.message);
        /* One without Spring runs by Arklet's word; one that is kept though it failed does not. */
        if (biz_list_find(&modules, "plain", "1.0.0"))
            assert_int_equal(health_of(&health, "plain"), HEALTH_UP);
        if (biz_list_find(&modules, "bad", "1.0.0"))
            assert_int_equal(health_of(&health, "bad"), HEALTH_DOWN);
        base_health_done(&health);
        biz_list_done(&modules);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_real_bases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
