#ifndef EGRESS_SERVER_H
#define EGRESS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <egress/access.h>
#include <egress/alloc.h>
#include <egress/cache.h>
#include <egress/diag.h>
#include <egress/event.h>
#include <egress/export.h>
#include <egress/log.h>
#include <egress/message.h>

EGRESS_BEGIN_DECLS

struct uv_loop_s;

/**
 * An xDS server on the caller's libuv loop: aggregated discovery and a service for each type, state of the world, delta
 * and Fetch. The loop is never made, run or stopped here, and there are no threads. While a server exists, the child of
 * fork(2) should do no more than exec another program or ``_exit``.
 */
typedef struct egress_server egress_server;

/**
 * Says which cache serves a type to a node, for control planes that keep types, or nodes, in caches of their own: asked
 * once for each type on a stream, after ``authorise``. The node joins the group that this cache's own group function
 * says. Types are told in the same order whichever caches they come from; but only what is in one cache changes
 * together.
 *
 * :param node: borrowed during the call.
 * :param type_url: likewise.
 * :param user: that of the server's options.
 * :return: borrowed until control is back in the loop: the server takes a reference of its own when it first sees a
 *   cache, and keeps it until it is freed; NULL: none, so the stream ends as one that ``authorise`` refuses.
 *
 * Thread: the loop's; may call anything but ``egress_server_free``.
 */
typedef egress_cache *(*egress_choose_fn)(const egress_node *node, const char *type_url, void *user);

/** Options for a server. */
typedef struct egress_server_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Where the server's memory comes from, HTTP/2's included; must outlive it; NULL means malloc. */
  const egress_alloc *alloc;
  /** Takes events as they happen; NULL means that they wait for ``egress_server_next_event``. */
  egress_event_fn on_event;
  /** Takes log lines; NULL means none. */
  egress_log_fn log;
  /** Passed to ``on_event``, ``log``, ``on_message``, ``authorise`` and ``choose``. */
  void *user;
  /**
   * Sent as ``control_plane.identifier``, which Envoy shows: UTF-8, at most 255 bytes, copied; NULL means
   * ``"libegress"``.
   */
  const char *identifier;
  /**
   * Largest request accepted, in bytes, at most 1 GiB; 0 means 4 MiB. A larger one, and any that is compressed, ends
   * its stream before it is read.
   */
  uint32_t max_request_bytes;
  /**
   * Open streams at most; 0 means 20,000. Further ones are refused with RESOURCE_EXHAUSTED. One connection may have
   * 256, which HTTP/2 tells clients.
   */
  uint32_t max_streams;
  /**
   * Names subscribed to on one stream at most, over all types; 0 means 100,000. However many are allowed, they and the
   * versions that a client says it holds may take 32 MiB a stream. A stream that goes over either limit ends with
   * RESOURCE_EXHAUSTED.
   */
  uint32_t max_subscriptions;
  /**
   * Events kept for ``egress_server_next_event`` at most; 0 means 1,024. However many are allowed, they may take 64
   * MiB. The oldest are dropped and counted, and ``EGRESS_EVENT_LOST`` says how many.
   */
  uint32_t max_events;
  /**
   * Shown every request and response of discovery, for logs and tests; NULL means none. A stream's messages come in
   * the order in which they pass, and before the events that they cause.
   */
  egress_message_fn on_message;
  /** Says which client may have which type; NULL means that all may have all but secrets (``insecure_secrets``). */
  egress_authorise_fn authorise;
  /** Says which cache serves which type to whom; NULL means the one that the server is made with, all to all. */
  egress_choose_fn choose;
  /**
   * Open streams of one client at most; 0: as many as ``max_streams``, because one address may have a whole fleet
   * behind it. A client is the SPIFFE ID of its certificate, which was verified, or else its address without the port;
   * whoever comes by a unix socket is the same. Further streams are refused with RESOURCE_EXHAUSTED.
   */
  uint32_t max_peer_streams;
  /**
   * Requests a second that are read of one connection, over all streams and ``Fetch`` on it, once it has sent
   * ``max_request_burst`` at a higher pace; 0 means 1,000. A faster client is slowed by flow control, its streams in
   * turn, and nothing else happens to it. It is looked at every 100 ms, so a burst below a tenth of this is a lower
   * pace.
   */
  uint32_t max_requests_per_second;
  /** Requests in a row that are read of a connection as fast as they come, 1 or more; 0 means 10,000. */
  uint32_t max_request_burst;
  /**
   * Bytes of responses at most that clients have not read yet; what many are sent alike counts once; 0 means 1 GiB. The
   * one response that passes it is sent. Until there is room, others wait, ``Fetch`` ends with RESOURCE_EXHAUSTED, and
   * so do streams that have not read theirs for 5 seconds.
   */
  uint32_t max_unread_bytes;
  /** A stream that has not read a response for so long ends with DEADLINE_EXCEEDED; 0 means 300,000. */
  uint32_t max_unread_ms;
  /**
   * A stream without any request for so long ends with DEADLINE_EXCEEDED, and so does one of which a request does not
   * come whole for so long; a connection without streams is ended likewise (GOAWAY). 0 means 60,000.
   */
  uint32_t first_request_ms;
  /**
   * A stream on which nothing passed for so long ends with DEADLINE_EXCEEDED; 0 means never: one that has what it wants
   * may be silent for days.
   */
  uint32_t idle_ms;
  /**
   * A connection is asked for a sign of life (an HTTP/2 ping) after so long without one, and lost when that does not
   * come for ``keepalive_timeout_ms``. 0 means 60,000; this and the next three are at most 2^31 - 1.
   */
  uint32_t keepalive_ms;
  /** 0 means 20,000. */
  uint32_t keepalive_timeout_ms;
  /**
   * Clients are asked to open another connection (GOAWAY) when theirs is so old, give or take a tenth, so that they
   * spread over several servers; 0 means never.
   */
  uint32_t connection_age_ms;
  /** For streams to end after that, before the connection is cut; 0 means 10,000. */
  uint32_t connection_grace_ms;
  /**
   * 1: on aggregated streams a change of listeners waits until the client has accepted the clusters and endpoints of
   * the same snapshot, one of routes also for its listeners; what a client refuses holds back what comes after it. 0:
   * they are sent one after the other. docs/xds.md says what never waits.
   */
  uint32_t gate_on_ack;
  /**
   * How often clients are asked to report their load, in milliseconds; their reports are EGRESS_EVENT_LOAD_REPORT. 0:
   * the load reporting service answers UNIMPLEMENTED, and nothing is reported.
   */
  uint32_t load_report_ms;
  /**
   * Kinds of events that are told: ``EGRESS_EVENT_BIT`` of each, added up; EGRESS_EVENT_LOST is told in any case. 0
   * means all but EGRESS_EVENT_REQUEST, _RESPONSE and _SUBSCRIPTION, which cost something on every message.
   */
  uint32_t events;
  /**
   * 1: the client status discovery service (CSDS) tells whoever asks, and is not refused by ``authorise``, what all
   * clients have (docs/status.md). 0: it answers UNIMPLEMENTED.
   */
  uint32_t client_status;
  /**
   * Bytes at most that the names and versions of all streams take, each of which may have 32 MiB; 0 means 1 GiB. A
   * stream that would pass it ends with RESOURCE_EXHAUSTED; the others go on.
   */
  uint32_t max_remembered_bytes;
  /**
   * Bytes at most of requests that were not taken yet: those that have not come whole, over all streams, and what has
   * come of streams that are slowed; 0 means 1 GiB. A stream that would pass it ends with RESOURCE_EXHAUSTED; the
   * others go on.
   */
  uint32_t max_pending_bytes;
  /**
   * Of ``max_remembered_bytes``, what the streams of one client (``max_peer_streams``) may take at most; 0 means a
   * quarter. A stream that would pass it ends with RESOURCE_EXHAUSTED.
   */
  uint32_t max_peer_remembered_bytes;
  /** Of ``max_pending_bytes``, likewise. */
  uint32_t max_peer_pending_bytes;
  /** 0. */
  uint32_t reserved;
} egress_server_options;
#define EGRESS_SERVER_OPTIONS_INIT \
  { \
    sizeof(egress_server_options), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
  }

/** Options for one address to listen on. */
typedef struct egress_listen_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** PEM text, copied like the two below: the server's certificate chain, its own first; NULL: no TLS. */
  const char *tls_cert;
  /** PEM text of its private key. */
  const char *tls_key;
  /** PEM text of the authorities whose client certificates are required; NULL: clients need none. */
  const char *tls_client_ca;
  /** 1 allows plaintext on an address that is not loopback: whoever can reach it can read the policy. Else 0. */
  uint32_t insecure;
  /**
   * 1 serves secrets (SDS) here to anybody; 0: over a unix socket or with ``tls_client_ca`` only, elsewhere a stream
   * that asks for them ends with PERMISSION_DENIED.
   */
  uint32_t insecure_secrets;
} egress_listen_options;
#define EGRESS_LISTEN_OPTIONS_INIT \
  { sizeof(egress_listen_options), NULL, NULL, NULL, 0, 0 }

/**
 * Makes a server that does not listen yet.
 *
 * :param out: set on success only; the caller owns it: ``egress_server_close``, then ``egress_server_free``.
 * :param loop: the caller's; borrowed until the close callback has run.
 * :param cache: the server takes its own reference.
 * :param options: NULL means the defaults.
 * :return: 0; EGRESS_EINVAL: no ``out``, loop or cache, an option is larger than it may be, ``identifier`` is not
 * UTF-8, or ``events`` has the bit of no kind; EGRESS_EABI; EGRESS_ENOMEM.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_server_new(egress_server **out, struct uv_loop_s *loop, egress_cache *cache,
                                 const egress_server_options *options);

/**
 * Listens on one more address; several are allowed.
 *
 * :param address: ``"127.0.0.1:18000"``, ``"[::1]:18000"`` (port 0: the kernel picks one) or ``"unix:/PATH"`` (at most
 *   107 bytes; made with mode 0600, beside it ``PATH.lock`` so that two servers never share it; a socket that nobody
 *   serves any more is replaced; both are removed by close). Plaintext needs a loopback or unix address, or the option
 *   ``insecure``.
 * :param options: NULL means plaintext.
 * :param diag: says what is wrong and what to do.
 * :return: 0; EGRESS_EADDR; EGRESS_EADDRINUSE; EGRESS_ETLS; EGRESS_EINVAL: plaintext where it is not allowed, half of a
 *   key pair, or ``insecure`` or ``insecure_secrets`` above 1; EGRESS_ESTATE: closing; EGRESS_EABI; EGRESS_ENOMEM. The
 * server is as before.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_server_listen(egress_server *server, const char *address, const egress_listen_options *options,
                                    egress_diag *diag);

/**
 * Port of the ``index``-th address listened on, in the order of the calls that succeeded; 0 for a unix address or past
 * the end. Thread: the loop's. Since: 0.1.
 */
EGRESS_API uint16_t egress_server_port(const egress_server *server, size_t index);

/**
 * Gives an address another certificate: clients that connect from here on see it, and are held to the new authorities.
 * Open connections, and the streams on them, go on as they began; even if their client's certificate would not do any
 * more.
 *
 * :param index: of the address, as for ``egress_server_port``. It is served by TLS.
 * :param options: ``tls_cert`` and ``tls_key``, and ``tls_client_ca`` if and only if the address had it before; the
 *   rest is checked, but changes nothing.
 * :param diag: says what is wrong and what to do.
 * :return: 0; EGRESS_ETLS; EGRESS_EINVAL: there is no such address, or it is of another kind; EGRESS_ESTATE: closing;
 *   EGRESS_EABI; EGRESS_ENOMEM. Then the old certificate stays.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_server_set_tls(egress_server *server, size_t index, const egress_listen_options *options,
                                     egress_diag *diag);

/** Number of open streams. Thread: the loop's. Since: 0.1. */
EGRESS_API size_t egress_server_stream_count(const egress_server *server);

/**
 * A descriptor that is readable while events wait, for callers without ``on_event``: poll it, or give it to another
 * event loop (``add_reader`` of asyncio), and call ``egress_server_next_event`` until that returns 0; never read it
 * oneself. Events come only while the server's own loop runs.
 *
 * :return: the descriptor, the same each time; the server's, closed by ``egress_server_free``. EGRESS_EINVAL: no
 * server, or it has ``on_event``; EGRESS_ENOMEM: there is no descriptor to be had.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_server_event_fd(egress_server *server);

/**
 * Takes the oldest waiting event, for callers without ``on_event``.
 *
 * :param out: filled when there is one; its text is valid until the next call or the server's end.
 * :return: 1; 0: none is waiting.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API int egress_server_next_event(egress_server *server, egress_event *out);

/** Number of events dropped because nobody took them. Thread: the loop's. Since: 0.1. */
EGRESS_API uint64_t egress_server_dropped_events(const egress_server *server);

/** Runs when a server is closed, on the loop, after the call that asked for it. */
typedef void (*egress_close_fn)(egress_server *server, void *user);

/**
 * Closes the server: no new streams, open ones end with status UNAVAILABLE after what was already given to the network
 * is sent; a client that has not taken that after a second is cut off. A second call does nothing.
 *
 * :param on_closed: called once, when nothing of the server is left on the loop; NULL is allowed. It may free the
 *   server.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API void egress_server_close(egress_server *server, egress_close_fn on_closed, void *user);

/**
 * Frees a server: one whose close callback ran, or one that was neither closed nor ever listened successfully; NULL is
 * allowed.
 *
 * Thread: the loop's. Since: 0.1.
 */
EGRESS_API void egress_server_free(egress_server *server);

EGRESS_END_DECLS

#endif
