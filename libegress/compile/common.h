#ifndef EGRESS_COMPILE_COMMON_H
#define EGRESS_COMPILE_COMMON_H

#include <egress/compile.h>

#include "base/addr.h"
#include "compile/build.h"

/* Parts of configuration that several resources hold. */

/** `egress_compile_options`, checked. */
typedef struct egress__compile_plan {
  egress__endpoint explicit_address; /* port 0: no such listener */
  egress__endpoint sni_address;      /* likewise */
  egress__endpoint dns_resolver;     /* likewise: that of Envoy's machine */
  const char *access_log;
  uint16_t sni_port;
  int name_rules;
} egress__compile_plan;

/** Name of the address guard of TLS connections, a TypedExtensionConfig that every filter chain refers to. */
#define EGRESS__GUARD_NAME "egress_guard"
#define EGRESS__TYPE_EXTENSION "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"

/**
 * Starts the name of whatever decides a request and is no rule. No rule's name starts so, and it sorts behind them:
 * among RBAC policies, Envoy takes the first by name.
 */
#define EGRESS__NOT_A_RULE "~"
#define EGRESS__NO_RULE EGRESS__NOT_A_RULE "no-rule"

/** envoy.config.core.v3.Address. */
egress__message *egress__address(egress__build *b, const egress__endpoint *endpoint);

/** envoy.config.core.v3.ConfigSource: the stream that this came from. */
egress__message *egress__ads(egress__build *b);

/** DnsCacheConfig; Envoy wants it alike in every place that shares the cache. */
egress__message *egress__dns_cache(egress__build *b, const egress__compile_plan *plan);

/** One field of an access log line: its name and Envoy's command for it. */
typedef struct egress__log_field {
  const char *name;
  const char *command;
} egress__log_field;

/** envoy.config.accesslog.v3.AccessLog writing one JSON object a line; `fields` ends with a NULL name. */
egress__message *egress__access_log(egress__build *b, const egress__compile_plan *plan,
                                    const egress__log_field *fields);

/** envoy.config.listener.v3.Listener without filter chains. */
egress__message *egress__listener(egress__build *b, const char *name, const egress__endpoint *endpoint);

/** The cluster through which everything leaves. */
egress__message *egress__forward_cluster(egress__build *b, const egress__compile_plan *plan);

#endif
