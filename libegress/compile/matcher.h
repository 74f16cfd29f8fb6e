#ifndef EGRESS_COMPILE_MATCHER_H
#define EGRESS_COMPILE_MATCHER_H

#include "compile/build.h"
#include "compile/classes.h"

/*
 * Trees of xds.type.matcher.v3.Matcher. The listener of the SNI proxy and the RBAC filter of the explicit proxy ask the
 * same questions of a connection in other words; what differs is in a dialect.
 *
 * Envoy goes back to a broader entry when a nested tree ends in no match. Here every tree ends in an answer, so that
 * this never decides anything.
 */
typedef struct egress__dialect {
  egress__message *name_input;   /* xds.core.v3.TypedExtensionConfig: the name asked for, with what stands around it */
  egress__message *source_input; /* likewise: the client's address */
  const char *regex_head;        /* put before and after an expression for a name, to fit what name_input gives */
  const char *regex_tail;
  egress__message *const *by_rule; /* Matcher.OnMatch: the answer of each rule of the policy */
  egress__message *none;           /* Matcher.OnMatch: the answer when no rule matches: refused */
  const uint32_t *around;          /* egress__prefixes_around */
} egress__dialect;

/**
 * For each of the policy's atom prefixes, which of them is the longest one around it: its index + 1, or 0 for none.
 * NULL after a failure.
 */
const uint32_t *egress__prefixes_around(egress__build *b, const egress_policy *policy);

/** xds.core.v3.TypedExtensionConfig holding `config`. */
egress__message *egress__xds_extension(egress__build *b, const char *name, egress__message *config);

/** Matcher.OnMatch that answers with the action `config`. */
egress__message *egress__matcher_action(egress__build *b, egress__message *config);

/** Matcher.OnMatch that goes on with `matcher`. */
egress__message *egress__matcher_nested(egress__build *b, egress__message *matcher);

/** Matcher.OnMatch that answers as `verdicts` say: by source address, then pattern by pattern. Uses the scratch. */
egress__message *egress__matcher_verdicts(egress__build *b, const egress__dialect *dialect, const egress_policy *policy,
                                          const egress__verdicts *verdicts);

/** A Matcher that refuses what is no valid host name, and asks `then` about the rest. */
egress__message *egress__matcher_valid_name(egress__build *b, const egress__dialect *dialect, egress__message *then);

/** A Matcher that answers `then` when the whole name matches `regex`, and refuses the rest. */
egress__message *egress__matcher_regex(egress__build *b, const egress__dialect *dialect, const char *regex,
                                       egress__message *then);

/** xds.core.v3.CidrRange or envoy.config.core.v3.CidrRange, as `type` says. */
egress__message *egress__cidr(egress__build *b, const ProtobufCMessageDescriptor *type, const egress__prefix *prefix);

#endif
