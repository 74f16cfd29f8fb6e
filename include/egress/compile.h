#ifndef EGRESS_COMPILE_H
#define EGRESS_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/diag.h>
#include <egress/export.h>
#include <egress/policy.h>
#include <egress/snapshot.h>
#include <egress/text.h>

EGRESS_BEGIN_DECLS

/** Names of what ``egress_compile`` makes; clusters of an Envoy's own bootstrap must not take them. */
#define EGRESS_LISTENER_EXPLICIT "egress_explicit"
#define EGRESS_LISTENER_SNI "egress_sni"
#define EGRESS_ROUTE_HTTP "egress_http"
#define EGRESS_CLUSTER_FORWARD "egress_forward"

/** Which listeners the Envoys get, and what all of them share. */
typedef struct egress_compile_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Where the snapshot's memory comes from; must outlive it; NULL means malloc. */
  const egress_alloc *alloc;
  /**
   * Where the explicit forward proxy listens (absolute-form HTTP, HTTP/1.1 and HTTP/2 CONNECT): ``"ADDRESS:PORT"``,
   * ``"[IPV6]:PORT"``; NULL means that there is none.
   */
  const char *explicit_address;
  /** Where the SNI proxy listens: as above; NULL means that there is none. */
  const char *sni_address;
  /** The resolver that Envoy asks, ``"ADDRESS:PORT"``; NULL means that of the machine Envoy runs on. */
  const char *dns_resolver;
  /** Where Envoy writes its access log; NULL means ``"/dev/stdout"``. */
  const char *access_log;
  /**
   * What is in force now: an earlier result of ``egress_compile`` itself, not a snapshot built from one; borrowed
   * during the call; NULL: nothing. With it, a rule that became narrower gets a new filter chain, so that Envoy ends
   * the connections that lost their permission; or, where the policy says ``revoke: keep``, the chains that are no
   * longer needed stay for the connections that they have.
   */
  const egress_snapshot *previous;
  /**
   * The same from an earlier process: a text of ``egress_compile_history``, used where ``previous`` is NULL. With
   * neither, connections that an earlier policy allowed may live on although this one does not.
   */
  const char *history;
  /** Bits of ``egress_compile_flag``; any other is EGRESS_EABI. */
  uint32_t flags;
  /** The port that the SNI proxy dials; 0 means 443. */
  uint16_t sni_port;
  /** 0; anything else is EGRESS_EABI. */
  uint16_t reserved;
} egress_compile_options;
#define EGRESS_COMPILE_OPTIONS_INIT \
  { sizeof(egress_compile_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0 }

/** Choices of ``egress_compile_options.flags``. */
typedef enum egress_compile_flag {
  /** A refusal's 403 body also names the rule that decided. Rule names then reach every client. */
  EGRESS_COMPILE_NAME_RULES = 1,
  /** What none of the listeners can express is left out with a warning, instead of refusing the policy. */
  EGRESS_COMPILE_SKIP_UNSUPPORTED = 2
} egress_compile_flag;

/**
 * Turns ``policy`` into what Envoy needs to enforce it: listeners, a route configuration, a cluster, and for the SNI
 * proxy the address guard as a resource of its own. Equal arguments give equal bytes. Cluster and explicit listener do
 * not depend on the policy, so a new policy does not touch them.
 *
 * :param out: set on success only; the caller owns one reference.
 * :param policy: borrowed during the call; the snapshot keeps its own reference for later comparison.
 * :param options: borrowed during the call; at least one listener address is required, and two must differ.
 * :param diag: gets errors and warnings.
 * :return: 0; EGRESS_EINVAL: no listener, a bad address, path or history (``diag`` says which); EGRESS_EUNSUPPORTED: a
 * rule that none of the listeners can express, such as another port than ``sni_port`` with the SNI proxy alone;
 * EGRESS_ELIMIT: hosts, ports, sources and wildcards multiply to more than an Envoy can be given; EGRESS_EABI;
 * EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_compile(egress_snapshot **out, egress_policy *policy, const egress_compile_options *options,
                              egress_diag *diag);

/**
 * Writes what a later process has to know of ``snap`` to compile the next policy against it: the policy, which rule
 * has which filter chain, and which chains are kept. Keep it where the next process finds it, and replace it when the
 * next snapshot is in force.
 *
 * :param out: set on success only; the caller owns it.
 * :param snap: a result of ``egress_compile``.
 * :return: 0; EGRESS_EINVAL: ``snap`` was made in another way; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_compile_history(egress_text **out, const egress_snapshot *snap);

EGRESS_END_DECLS

#endif
