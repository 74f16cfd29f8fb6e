#ifndef EGRESS_SNAPSHOT_H
#define EGRESS_SNAPSHOT_H

#include <stddef.h>

#include <egress/alloc.h>
#include <egress/export.h>
#include <egress/resource.h>

EGRESS_BEGIN_DECLS

/**
 * An immutable set of resources, at most one for a type URL and name: all that one group of Envoys is to have.
 * Reference-counted; may be read and shared by any number of threads.
 */
typedef struct egress_snapshot egress_snapshot;

/** A snapshot being put together, from nothing or from an older one. Belongs to one thread at a time. */
typedef struct egress_snapshot_builder egress_snapshot_builder;

/**
 * What ``egress_snapshot_dangling`` found: a list of references, each a resource and what it refers to in vain, once
 * however often it does. Resources are in the order of the snapshot, by type URL and name. It never changes; any thread
 * may read it.
 */
typedef struct egress_dangling egress_dangling;

/**
 * Starts a snapshot, or a transaction: with a snapshot as ``base``, put and remove what changes, build. That costs what
 * changes, and little for what stays: 16 bytes for 250 resources; all else is shared.
 *
 * :param out: set on success only; the caller owns it.
 * :param base: what the snapshot holds before any change; NULL means nothing. Borrowed during the call.
 * :param alloc: borrowed for the life of the builder and of what it builds; NULL means malloc.
 * :return: 0; EGRESS_EINVAL: no ``out``; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_snapshot_builder_new(egress_snapshot_builder **out, egress_snapshot *base,
                                           const egress_alloc *alloc);

/** Frees ``builder`` and drops its changes; NULL is allowed. Thread: the builder's. Since: 0.1. */
EGRESS_API void egress_snapshot_builder_free(egress_snapshot_builder *builder);

/**
 * Adds ``resource``, or replaces the one of the same type URL and name.
 *
 * :param resource: the builder takes its own reference.
 * :return: 0; EGRESS_EINVAL: an argument is NULL; EGRESS_ENOMEM: nothing changed.
 *
 * Thread: the builder's. Since: 0.1.
 */
EGRESS_API int egress_snapshot_builder_put(egress_snapshot_builder *builder, egress_resource *resource);

/**
 * Takes out the resource ``name`` of type ``type_url``.
 *
 * :return: 0; EGRESS_ENOENT: there is none; EGRESS_EINVAL; EGRESS_ENOMEM: nothing changed.
 *
 * Thread: the builder's. Since: 0.1.
 */
EGRESS_API int egress_snapshot_builder_remove(egress_snapshot_builder *builder, const char *type_url, const char *name);

/**
 * Gives a type a label: the text that clients are told as its version (``version_info`` in state of the world,
 * ``system_version_info`` in delta). A type without one is told its version by content.
 *
 * A label says nothing about the content. The same content under another label is sent once more in state of the world
 * (all that a stream wants of the type, also when it refused it before) and not sent in delta. Other content under the
 * same label is sent as any change.
 *
 * A label stays with its type in snapshots built from this one, until that type's content changes: then it goes, unless
 * a label is given again.
 *
 * :param type_url: NULL stands for all types, also those without resources, but those labelled one by one in this
 *   build; labels of the base then count no more. :param label: UTF-8, 1 to 255 bytes, copied; NULL means by content.
 * :return: 0; EGRESS_EINVAL: an empty type URL, an empty or long label; EGRESS_ENOMEM: nothing changed.
 *
 * Thread: the builder's. Since: 0.1.
 */
EGRESS_API int egress_snapshot_builder_set_label(egress_snapshot_builder *builder, const char *type_url,
                                                 const char *label);

/**
 * Makes the snapshot. The builder then starts again from it.
 *
 * :param out: set on success only; the caller owns one reference.
 * :return: 0; EGRESS_EINVAL; EGRESS_ECLASH: two resources of a type go by the same name or alias, which
 *   ``egress_snapshot_builder_clash`` tells; EGRESS_ENOMEM. On failure the builder is unchanged.
 *
 * Thread: the builder's. Since: 0.1.
 */
EGRESS_API int egress_snapshot_builder_build(egress_snapshot **out, egress_snapshot_builder *builder);

/**
 * The name or alias that two resources of a type go by, when the last build answered EGRESS_ECLASH; else ``""``. Lives
 * until the next build.
 *
 * Thread: the builder's. Since: 0.1.
 */
EGRESS_API const char *egress_snapshot_builder_clash(const egress_snapshot_builder *builder);

/** Takes one more reference; returns ``snap``. NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API egress_snapshot *egress_snapshot_ref(egress_snapshot *snap);

/** Gives one reference back; the last frees the snapshot. NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API void egress_snapshot_unref(egress_snapshot *snap);

/** Number of types that have a resource. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_snapshot_type_count(const egress_snapshot *snap);

/** Type URL ``index``, in byte order; lives as the snapshot; NULL past the end. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_snapshot_type_url(const egress_snapshot *snap, size_t index);

/**
 * Version of all resources of one type: equal when, and only when, the set is (a hash, 32 hexadecimal digits),
 * whatever it is labelled.
 *
 * :return: text that lives as long as the snapshot; for a type without resources the version of the empty set.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API const char *egress_snapshot_type_version(const egress_snapshot *snap, const char *type_url);

/**
 * What clients are told as the version of one type: the label given to the builder, else the version by content.
 *
 * :return: text that lives as long as the snapshot.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API const char *egress_snapshot_type_label(const egress_snapshot *snap, const char *type_url);

/** Number of resources of one type. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_snapshot_count(const egress_snapshot *snap, const char *type_url);

/** Resource ``index`` of one type, by name in byte order; borrowed; NULL past the end. Thread: any. Since: 0.1. */
EGRESS_API egress_resource *egress_snapshot_at(const egress_snapshot *snap, const char *type_url, size_t index);

/**
 * The resource ``name`` of one type, an xdstp name in any form; borrowed from the snapshot; NULL when there is none.
 * Thread: any. Since: 0.1.
 */
EGRESS_API egress_resource *egress_snapshot_find(const egress_snapshot *snap, const char *type_url, const char *name);

/**
 * Finds names that a resource refers to and the snapshot does not have: clusters of routes, of TCP proxies and of
 * aggregate clusters, route configurations of listeners and of scoped routes, endpoints of EDS clusters, and secrets
 * that come by SDS. A snapshot with such gaps can be served: clusters may also come from an Envoy's bootstrap, and
 * secrets from another server.
 *
 * :param out: set on success only, also when nothing dangles; of the allocator of ``snap``; the caller owns it.
 * :param snap: the report takes its own reference.
 * :return: 0; EGRESS_EINVAL: no ``out`` or no snapshot; EGRESS_EWIRE: a resource is not the message that its type URL
 *   says; EGRESS_ELIMIT: one is nested deeper than 64 or has more than 2^20 fields in one message; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_snapshot_dangling(egress_dangling **out, egress_snapshot *snap);

/** Frees ``report``; NULL is allowed. Thread: any, when nobody reads it. Since: 0.1. */
EGRESS_API void egress_dangling_free(egress_dangling *report);

/** Number of references that dangle. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_dangling_count(const egress_dangling *report);

/** The resource that refers to what is missing; borrowed from the snapshot; NULL past the end. Thread: any.
 * Since: 0.1. */
EGRESS_API egress_resource *egress_dangling_resource(const egress_dangling *report, size_t index);

/** Type URL of what is missing; lives as the report; NULL past the end. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_dangling_type_url(const egress_dangling *report, size_t index);

/** Name of what is missing, as ``resource`` writes it; lives as the report; NULL past the end. Thread: any.
 * Since: 0.1. */
EGRESS_API const char *egress_dangling_name(const egress_dangling *report, size_t index);

/**
 * Finds clusters, endpoints, route configurations and secrets that no other resource of the snapshot refers to. One
 * counts as referred to when its name stands in any text of another resource, so what is found is not used by this
 * snapshot; but others may use it, such as listeners from an Envoy's bootstrap.
 *
 * :param out: set on success only: these resources as a snapshot, of the allocator of ``snap``; the caller owns one
 *   reference.
 * :return: 0; EGRESS_EINVAL: no ``out`` or no snapshot; EGRESS_EWIRE, EGRESS_ELIMIT: as for
 * ``egress_snapshot_dangling``; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_snapshot_unused(egress_snapshot **out, const egress_snapshot *snap);

EGRESS_END_DECLS

#endif
