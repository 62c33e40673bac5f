/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_LIMITS_H
#define KOUPLELESS_BASE_LIMITS_H

#include <stdint.h>

/*
 * Every bound on what comes from outside, in one place. Bytes unless the name says otherwise.
 */
#define LIMIT_KIB(n) ((size_t)(n)*1024)
#define LIMIT_MIB(n) ((size_t)(n)*1024 * 1024)

#define LIMIT_RPC_MESSAGE LIMIT_MIB(16) /* one gRPC message, either way */
#define LIMIT_RPC_PENDING_CALLS 4096    /* unanswered calls of one server; more are refused */
#define LIMIT_AGENT_CALLS 512           /* calls for operations out to agents; more wait */
#define LIMIT_PREFETCHES 16             /* jars that agents fetch before their turn, at once */
#define LIMIT_AGENT_CONNECTIONS 768     /* connections to agents that are kept: each call has one */
#define LIMIT_RPC_STREAM_QUEUE 1024     /* unsent messages of one stream; more end the stream */
#define LIMIT_HTTP_HEADER LIMIT_KIB(64) /* headers of one HTTP message */
#define LIMIT_HTTP_BODY LIMIT_MIB(8)    /* body of one HTTP answer held in memory */
#define LIMIT_KUBE_ANSWER LIMIT_MIB(64) /* answer of an API server: a page of a list */
#define LIMIT_KUBE_EVENT LIMIT_MIB(8)   /* event of a watch: etcd's 1.5 MiB as JSON */
#define LIMIT_ARKLET_ANSWER LIMIT_MIB(8)   /* Arklet's bizInfos can be large */
#define LIMIT_HEALTH_ANSWER LIMIT_MIB(1)   /* actuator page */
#define LIMIT_JAR LIMIT_MIB(1024)          /* one module jar on disk */
#define LIMIT_JAR_MANIFEST LIMIT_MIB(1)    /* META-INF/MANIFEST.MF, unpacked */
#define LIMIT_JAR_ENTRIES 200000           /* entries of one jar */
#define LIMIT_JAR_DIRECTORY LIMIT_MIB(64)  /* central directory of one jar */
#define LIMIT_JAR_UNPACKED LIMIT_MIB(4096) /* all that one jar unpacks to, as it says */
#define LIMIT_JAR_RATIO 200  /* how much larger than the jar that may be, once it is over 256 MiB */
#define LIMIT_CACHED_JARS 64 /* jars that an agent keeps on disk */
#define LIMIT_MODULE_SERIES 256         /* modules that the metrics of an agent name */
#define LIMIT_MODULES_GONE 256          /* whose gRPC health an agent remembers */
#define LIMIT_ARKLET_QUESTIONS 64       /* of callers of an agent, at once */
#define LIMIT_OPERATIONS 1000           /* operations that an agent remembers */
#define LIMIT_OPERATION_ID 128          /* characters of the id of one */
#define LIMIT_YAML_FILE LIMIT_MIB(16)   /* one file given to apply or --config */
#define LIMIT_YAML_NODES 1000000        /* nodes after aliases are expanded */
#define LIMIT_YAML_ANCHORS 1000         /* anchors of one file: libyaml compares each with all */
#define LIMIT_YAML_TEXT LIMIT_MIB(32)   /* bytes of all strings after aliases are expanded */
#define LIMIT_JSON_DEPTH 64             /* nesting of any JSON or YAML we read */
#define LIMIT_OBJECT LIMIT_MIB(1)       /* one stored object, as JSON */
#define LIMIT_NAME 253                  /* characters of an object's name */
#define LIMIT_LABEL_VALUE 63            /* characters of a label's value */
#define LIMIT_ADDRESS 263               /* HOST:PORT, in brackets where it is an IPv6 address */
#define LIMIT_MESSAGE LIMIT_KIB(4)      /* why a base or a module is not well */
#define LIMIT_URL 4096                  /* characters of a module's url */
#define LIMIT_REPLICAS 1000000          /* instances of one ModuleDeployment */
#define LIMIT_REVISION INT32_MAX        /* number of a revision: none comes after it */
#define LIMIT_ATTEMPTS 1000000          /* failed attempts that are taken over from a Module */
#define LIMIT_LABELS 64                 /* labels that an agent gives its base */
#define LIMIT_MODULES_PER_REPORT 10000  /* modules in one report of an agent */
#define LIMIT_BASES_PER_QUESTION 200000 /* bases in one Place or Evict */
#define LIMIT_INBOX 65536               /* events waiting for a loop */
#define LIMIT_WATCH_HISTORY 2048        /* events kept for watches that resume */
#define LIMIT_WATCH_QUEUE 8192          /* undelivered events of one watch */
#define LIMIT_WATCH_HISTORY_BYTES LIMIT_MIB(4) /* documents of those events */
#define LIMIT_WATCH_QUEUE_BYTES LIMIT_MIB(64)  /* documents of the events of one watch */
#define LIMIT_UNTAKEN_BYTES LIMIT_MIB(8)       /* documents of one watch that wait for a loop */
#define LIMIT_EVENTS 10000                     /* Events that the embedded store keeps */
#define LIMIT_REQUEST_IDS 4096                 /* remembered request_id results */
#define LIMIT_PREVIEWS 16                      /* previews of releases, not answered yet */
#define LIMIT_PREVIEW_COPIES 2                 /* of them with a copy of a namespace: others wait */
#define LIMIT_KUBECONFIG LIMIT_MIB(4)          /* one kubeconfig file */
#define LIMIT_CREDENTIAL LIMIT_MIB(1)          /* a PEM file, or what a credential program prints */
#define LIMIT_TOKEN LIMIT_KIB(32)              /* a bearer token */
#define LIMIT_LOG_LINE LIMIT_KIB(16)

#define LIMIT_MODULE_ARGS LIMIT_KIB(8)    /* arguments for a module's main, together */
#define LIMIT_JOURNAL LIMIT_MIB(256)      /* file of operations that an agent has left behind */
#define LIMIT_RECORDS LIMIT_MIB(64)       /* file of where the modules of an agent came from */
#define LIMIT_JOURNAL_LINE LIMIT_KIB(256) /* line of it: url, arguments, message, as JSON */

#endif
