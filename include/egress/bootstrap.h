#ifndef EGRESS_BOOTSTRAP_H
#define EGRESS_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/diag.h>
#include <egress/export.h>
#include <egress/text.h>

EGRESS_BEGIN_DECLS

/** What an Envoy needs to know to find its control plane. Texts are UTF-8, not empty, and borrowed during the call. */
typedef struct egress_bootstrap_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Where the result's memory comes from; must outlive it; NULL means malloc. */
  const egress_alloc *alloc;
  /** ``node.id``, unique for each Envoy; required. */
  const char *node_id;
  /** ``node.cluster``, by default the group whose snapshot it gets; NULL means ``"egress"``. */
  const char *node_cluster;
  /** Where the control plane listens, ``"ADDRESS:PORT"``, ``"NAME:PORT"`` or ``"unix:/PATH"`` (a path of at most 107
   * bytes); required. */
  const char *control_plane;
  /** Where Envoy's admin page listens; a loopback ``"ADDRESS:PORT"``; NULL means ``"127.0.0.1:9901"``. */
  const char *admin_address;
  /** PEM file, on Envoy's machine, of the authority that signed the control plane's certificate; NULL: no TLS. */
  const char *tls_ca;
  /** Name that the control plane's certificate must carry; NULL: the one in ``control_plane``. Needs ``tls_ca``. */
  const char *tls_name;
  /** PEM files, on Envoy's machine, of its own certificate and key for mutual TLS; both or neither; need ``tls_ca``. */
  const char *tls_cert;
  const char *tls_key;
  /** Interval of HTTP/2 keepalive pings to the control plane, in milliseconds, at least 1,000; 0 means 10,000. */
  uint32_t keepalive_ms;
  /** 1: the incremental variant of xDS (delta); 0: state of the world; nothing else. */
  uint32_t delta;
} egress_bootstrap_options;
#define EGRESS_BOOTSTRAP_OPTIONS_INIT \
  { sizeof(egress_bootstrap_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0 }

/**
 * Writes the JSON that an Envoy starts from: who it is, where its control plane is (asked for everything by one stream,
 * with pings that notice a dead peer), and an admin page for its own machine.
 *
 * :param out: set on success only; the caller owns it.
 * :param options: required; ``node_id`` and ``control_plane`` have no defaults.
 * :param diag: says which option is wrong; NULL is allowed.
 * :return: 0; EGRESS_EINVAL: a missing or bad option; EGRESS_EABI; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_bootstrap(egress_text **out, const egress_bootstrap_options *options, egress_diag *diag);

EGRESS_END_DECLS

#endif
