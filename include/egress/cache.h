#ifndef EGRESS_CACHE_H
#define EGRESS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/export.h>
#include <egress/snapshot.h>

EGRESS_BEGIN_DECLS

/** Which snapshot each group of Envoys has. Belongs to one thread: that of the server which uses it. */
typedef struct egress_cache egress_cache;

/** What a client said of itself in its first request; borrowed during the call it is given to. */
typedef struct egress_node {
  /** ``node.id``: UTF-8, ``""`` when not given. */
  const char *id;
  /** ``node.cluster``: UTF-8, ``""`` when not given. */
  const char *cluster;
  /** ``node.locality``, likewise. */
  const char *region;
  const char *zone;
  const char *sub_zone;
  /** ``node.user_agent_name``, such as ``envoy`` or ``gRPC Go``, likewise. */
  const char *user_agent_name;
} egress_node;

/**
 * Says which group a node belongs to.
 *
 * :param node: borrowed during the call.
 * :param user: what the cache's options gave.
 * :return: the group's name, 1 to 255 bytes of UTF-8, read before the function is called again; NULL, ``""`` or
 *   anything longer refuses the node: its stream ends.
 *
 * Thread: the cache's.
 */
typedef const char *(*egress_group_fn)(const egress_node *node, void *user);

/** Options for a cache. */
typedef struct egress_cache_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Where the cache's memory comes from; must outlive it; NULL means malloc. */
  const egress_alloc *alloc;
  /** Tells a node's group; NULL means ``node.cluster``, or ``node.id`` where that is empty. */
  egress_group_fn group;
  /** Passed to ``group``. */
  void *user;
  /**
   * How long a client waits for a name that its group's snapshot has not, in milliseconds, while
   * ``EGRESS_EVENT_WANTED`` asks you for it; 0: not at all, clients of delta are told at once that there is nothing.
   * docs/on-demand.md.
   */
  uint32_t answer_ms;
  /**
   * 1: a name that a delta client subscribes to and that ends in a slash and a star stands for all resources of this
   * cache whose names begin with what is before the star. 0: it is a name as others are; names ``xdstp://`` can end so
   * anyway. docs/xds.md, 70.
   */
  uint32_t globs;
} egress_cache_options;
#define EGRESS_CACHE_OPTIONS_INIT \
  { sizeof(egress_cache_options), NULL, NULL, NULL, 0, 0 }

/**
 * Makes an empty cache.
 *
 * :param out: set on success only; the caller owns one reference.
 * :param options: NULL means the defaults.
 * :return: 0; EGRESS_EINVAL: no ``out``, options of a wrong size, or ``globs`` above 1; EGRESS_EABI;
 * EGRESS_ENOMEM.
 *
 * Thread: any; then the cache belongs to the thread of its server's loop. Since: 0.1.
 */
EGRESS_API int egress_cache_new(egress_cache **out, const egress_cache_options *options);

/** Takes one more reference; returns ``cache``. NULL is allowed. Thread: the cache's. Since: 0.1. */
EGRESS_API egress_cache *egress_cache_ref(egress_cache *cache);

/** Gives one reference back; the last frees the cache. NULL is allowed. Thread: the cache's. Since: 0.1. */
EGRESS_API void egress_cache_unref(egress_cache *cache);

/**
 * Gives ``group`` a snapshot, in the place of the one it had. Streams of the group are sent what differs, once
 * control is back in the loop. With a snapshot built from the one that it had, this ends a transaction:
 * docs/snapshots.md has one.
 *
 * :param group: UTF-8, 1 to 255 bytes, copied; ``"*"`` stands for every group that has no snapshot of its own.
 * :param snap: gets one more reference, the cache's; yours stays yours.
 * :return: 0; EGRESS_EINVAL: an empty or long name, or no snapshot; EGRESS_ENOMEM: nothing changed.
 *
 * Thread: the cache's; nothing of yours is called before this returns. Since: 0.1.
 */
EGRESS_API int egress_cache_set(egress_cache *cache, const char *group, egress_snapshot *snap);

/** The group's own snapshot, borrowed until the group is set or cleared; NULL when it has none. Thread: the cache's.
 * Since: 0.1. */
EGRESS_API egress_snapshot *egress_cache_get(const egress_cache *cache, const char *group);

/**
 * Forgets the group's snapshot. Its open streams keep what they have and are sent nothing now, not even deletions;
 * new streams get the snapshot of ``"*"`` if there is one, and the open ones do when that changes the next time.
 *
 * :return: 0; EGRESS_ENOENT: it has none; EGRESS_EINVAL: no cache, or no valid group name.
 *
 * Thread: the cache's. Since: 0.1.
 */
EGRESS_API int egress_cache_clear(egress_cache *cache, const char *group);

/**
 * Answers ``EGRESS_EVENT_WANTED``: there is nothing of that name. The clients that wait for it are told so, once
 * control is back in the loop. The other answer is a snapshot that has it.
 *
 * :param group: as the event says. :param type_url: likewise. :param name: ``resource`` of the event.
 * :return: 0; EGRESS_ENOENT: nobody waits for that (any more); EGRESS_EINVAL: an argument is NULL.
 *
 * Thread: the cache's; nothing of yours is called before this returns. Since: 0.1.
 */
EGRESS_API int egress_cache_absent(egress_cache *cache, const char *group, const char *type_url, const char *name);

/** What becomes of a group's new snapshot when a client refuses it. */
typedef enum egress_on_nack {
  /** Nothing: it goes to everybody. */
  EGRESS_ON_NACK_NOTHING = 0,
  /** Streams that have it keep it; no others get it. */
  EGRESS_ON_NACK_HOLD = 1,
  /** All streams go back to the last good snapshot. */
  EGRESS_ON_NACK_ROLLBACK = 2
} egress_on_nack;

/** How new snapshots of a group are tried. docs/rollback.md tells what happens. */
typedef struct egress_trial_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** An ``egress_on_nack``. */
  uint32_t on_nack;
  /** A snapshot is good when this share of the streams has accepted it, in percent, at most 100; 0 means 100. */
  uint32_t good_percent;
  /**
   * A new snapshot goes to this share of the streams first, in percent, at most 100; 0 means 100: to all at once. Needs
   * an ``on_nack``.
   */
  uint32_t rollout_percent;
  /** How long the others wait after these have accepted it, in milliseconds. */
  uint32_t soak_ms;
} egress_trial_options;
#define EGRESS_TRIAL_OPTIONS_INIT \
  { sizeof(egress_trial_options), EGRESS_ON_NACK_NOTHING, 0, 0, 0 }

/**
 * Says how new snapshots of a group are tried: what happens when a client refuses one, and whether it goes to some
 * streams first. Without this it goes to everybody, whatever they say. A trial under way begins again; a snapshot that
 * is there already goes on trial, too.
 *
 * :param group: UTF-8, 1 to 255 bytes, copied; ``"*"`` stands for every group for which nothing else is said.
 * :param options: copied; NULL: nothing is said any more.
 * :return: 0; EGRESS_EINVAL: no cache, no valid group name, an unknown ``on_nack``, more than 100 percent, or
 *   ``rollout_percent`` without ``on_nack``; EGRESS_EABI; EGRESS_ENOMEM: nothing changed.
 *
 * Thread: the cache's; nothing of yours is called before this returns. Since: 0.1.
 */
EGRESS_API int egress_cache_set_trial(egress_cache *cache, const char *group, const egress_trial_options *options);

/** Where the trial of a group's own snapshot stands. */
typedef enum egress_trial {
  /** No trial: the group has no snapshot, or its snapshots are not tried. */
  EGRESS_TRIAL_NONE = 0,
  /** Some streams are given it; the others have the last good one. */
  EGRESS_TRIAL_STAGED = 1,
  /** These have accepted it; ``soak_ms`` pass. */
  EGRESS_TRIAL_SOAKING = 2,
  /** All are given it. */
  EGRESS_TRIAL_OPEN = 3,
  /** It was accepted: this is the last good one now. */
  EGRESS_TRIAL_GOOD = 4,
  /** It was refused: new streams get the last good one. */
  EGRESS_TRIAL_REFUSED = 5
} egress_trial;

/** Where the trial of the group's own snapshot stands: an ``egress_trial``. Thread: the cache's. Since: 0.1. */
EGRESS_API int egress_cache_trial(const egress_cache *cache, const char *group);

/**
 * The last of the group's own snapshots that was good, borrowed until the group or its trial is set or cleared; NULL:
 * there is none, or they are not tried. ``egress_cache_get`` gives the one set last, good or not.
 *
 * Thread: the cache's. Since: 0.1.
 */
EGRESS_API egress_snapshot *egress_cache_good(const egress_cache *cache, const char *group);

EGRESS_END_DECLS

#endif
