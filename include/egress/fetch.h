#ifndef EGRESS_FETCH_H
#define EGRESS_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/cache.h>
#include <egress/diag.h>
#include <egress/export.h>
#include <egress/text.h>

EGRESS_BEGIN_DECLS

/**
 * Answers to clients that ask again and again instead of holding a stream (xDS over REST), for embedders with an HTTP
 * side. It remembers which version it told whom last, of the last 65,536 questions, and nothing else: no event and no
 * status tell of these clients.
 */
typedef struct egress_fetch egress_fetch;

/** Options for answers. */
typedef struct egress_fetch_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Where memory comes from, that of answers, too; must outlive them; NULL means malloc. */
  const egress_alloc *alloc;
  /** Sent as ``control_plane.identifier``: UTF-8, at most 255 bytes, copied; NULL means ``"libegress"``. */
  const char *identifier;
  /**
   * 1 serves secrets (SDS), too: for callers who know that nobody but their client can read the answer, because it goes
   * over mutual TLS or a unix socket. Else 0.
   */
  uint32_t secrets;
  /** 0. */
  uint32_t reserved;
} egress_fetch_options;
#define EGRESS_FETCH_OPTIONS_INIT \
  { sizeof(egress_fetch_options), NULL, NULL, 0, 0 }

/**
 * Makes it.
 *
 * :param out: set on success only; the caller owns it.
 * :param cache: what is served; gets one more reference.
 * :param options: NULL means the defaults.
 * :return: 0; EGRESS_EINVAL: no ``out`` or ``cache``, or an option is not as said there; EGRESS_EABI; EGRESS_ENOMEM.
 *
 * Thread: the cache's. Since: 0.1.
 */
EGRESS_API int egress_fetch_new(egress_fetch **out, egress_cache *cache, const egress_fetch_options *options);

/** Frees it; NULL is allowed. Thread: the cache's. Since: 0.1. */
EGRESS_API void egress_fetch_free(egress_fetch *fetch);

/**
 * The type that Envoy asks for by a ``POST`` to this path (``api_type: REST``), such as ``"/v3/discovery:clusters"``.
 *
 * :param http_path: of the request, without what follows a ``?``.
 * :return: type URL; static; NULL: discovery has no such path.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API const char *egress_fetch_type_url(const char *http_path);

/**
 * Answers one request: a ``DiscoveryRequest`` in proto3 JSON by a ``DiscoveryResponse`` in proto3 JSON, with what
 * exists of what is asked for. Who may ask is for the caller to know: a node says what it likes.
 *
 * The version in the answer is the type's label, or without one a hash of just what is in it. A client that asks the
 * same again with that version, which it has accepted, gets no answer until something is new to it; but where a label
 * stood for something else before, it gets one each time.
 *
 * :param out: set on success only, the caller owns it; NULL: what the client has is current, which HTTP says as
 *   status 304 without a body.
 * :param type_url: that of the path; 1 to 255 bytes. A request need not say it, but may say no other.
 * :param text: UTF-8, ``size`` bytes, borrowed during the call; at most 4 MiB and 2^18 values (keys included). What
 *   has no bearing on the answer may be anything, also members that this version of the Envoy API does not know.
 * :param diag: says what is wrong, with line and column where it is the text.
 * :return: 0; EGRESS_ESYNTAX: not JSON; EGRESS_ERESOURCE: not that message; EGRESS_EPROTO: it is about another type;
 *   EGRESS_ELIMIT: the text, a name or all names are too long, or the answer is more than 256 MiB; EGRESS_EDENIED: the
 *   cache's group function refuses the node, or these are secrets; EGRESS_ENOENT: its group has no snapshot;
 *   EGRESS_EWIRE: a resource is not the message that its type says; EGRESS_ENOMEM; EGRESS_EINVAL: ``out``, ``fetch`` or
 *   ``text`` is NULL, or ``type_url`` cannot be one.
 *
 * Thread: the cache's. Since: 0.1.
 */
EGRESS_API int egress_fetch_answer(egress_text **out, egress_fetch *fetch, const char *type_url, const char *text,
                                   size_t size, egress_diag *diag);

EGRESS_END_DECLS

#endif
