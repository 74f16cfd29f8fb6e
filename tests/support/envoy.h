#ifndef TESTS_SUPPORT_ENVOY_H
#define TESTS_SUPPORT_ENVOY_H

#include <egress/policy.h>
#include <egress/snapshot.h>

#include <envoy/config/listener/v3/listener.pb-c.h>
#include <envoy/config/rbac/v3/rbac.pb-c.h>
#include <envoy/config/route/v3/route.pb-c.h>
#include <xds/type/matcher/v3/matcher.pb-c.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/map.h"

/*
 * How Envoy 1.40 judges connections and requests, as far as compiled policies use it: filter chain matchers, virtual
 * hosts, RBAC. Written from Envoy's behaviour, not from the compiler: what a compiled policy must not contain, and
 * what this does not know, stops the test. No I/O, so thousands of flows take milliseconds.
 */
typedef struct envoy {
  egress__arena arena;
  egress__map opened; /* address of an Any -> the message in it */
  egress__map *regexes;
  const egress_snapshot *snap;
  const Envoy__Config__Listener__V3__Listener *sni;           /* NULL: there is none */
  const Envoy__Config__Listener__V3__Listener *explicit;      /* likewise */
  const Envoy__Config__Route__V3__RouteConfiguration *routes; /* likewise */
} envoy;

/** What a filter or matcher can see. */
typedef struct envoy_connection {
  egress__addr source;
  const char *name;      /* server name in lower case, or authority as it came; "" when there is none */
  int http;              /* an HTTP request; else a TLS connection */
  int connect;           /* by CONNECT */
  egress__addr upstream; /* what Envoy is about to dial; family 0: not known yet */
  uint16_t upstream_port;
} envoy_connection;

/** What became of it. */
typedef struct envoy_answer {
  egress_verdict verdict; /* EGRESS_ALLOW_IF_ADDRESS: the guard would have to know the address */
  const char *rule;       /* the rule, or whatever decided; "": nothing did */
  const char *filter;     /* the HTTP or network filter that refused, "" for none */
  egress__addr dialled;   /* family 0: a name that was not resolved */
  uint16_t dialled_port;
} envoy_answer;

/** Expressions, compiled once for all models of a test; start with an empty map of malloc's. */
void envoy_regexes_dispose(egress__map *regexes);

/** Takes a configuration, and stops the test where Envoy would reject it. `snap` must live as long. */
void envoy_init(envoy *e, const egress_snapshot *snap, egress__map *regexes);
void envoy_dispose(envoy *e);

/** A TLS connection to the SNI listener; `resolved` NULL: not said. */
envoy_answer envoy_tls(envoy *e, const char *source, const char *server_name, const char *resolved);

/** A request to the explicit listener. */
envoy_answer envoy_http(envoy *e, const char *source, int connect, const char *authority, const char *resolved);

/* The parts, for tests of single pieces. */

/** The message in an Any, or in a resource. */
const ProtobufCMessage *envoy_open(envoy *e, const Google__Protobuf__Any *any);
const void *envoy_resource(envoy *e, const char *type_url, const char *name,
                           const ProtobufCMessageDescriptor *descriptor);

/** The bytes of a message that was just built, read again. */
const void *envoy_reread(envoy *e, const ProtobufCMessage *message);

/** 1 when the whole of `text` matches. */
int envoy_regex(envoy *e, const char *regex, const char *text);

/** Stops the test if the tree is not what Envoy takes, or some way through it ends in no answer. */
void envoy_check_matcher(envoy *e, const Xds__Type__Matcher__V3__Matcher *matcher);

/** The action that the tree answers with; NULL: no match. */
const ProtobufCMessage *envoy_match(envoy *e, const Xds__Type__Matcher__V3__Matcher *matcher,
                                    const envoy_connection *c);

/** 1 when the rules let the connection through; `decided_by` gets the policy, "" for none. */
int envoy_rbac(envoy *e, const Envoy__Config__Rbac__V3__RBAC *rules, const envoy_connection *c,
               const char **decided_by);

/** The filter chain of that name; NULL: there is none. */
const Envoy__Config__Listener__V3__FilterChain *envoy_chain(const Envoy__Config__Listener__V3__Listener *listener,
                                                            const char *name);

/** The virtual host that Envoy finds for an authority. */
const Envoy__Config__Route__V3__VirtualHost *envoy_virtual_host(const envoy *e, const char *authority);

void envoy_stop(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
