#ifndef EGRESS_RESOURCE_H
#define EGRESS_RESOURCE_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/diag.h>
#include <egress/document.h>
#include <egress/export.h>
#include <egress/text.h>

EGRESS_BEGIN_DECLS

/**
 * One xDS resource: a type URL, a name and the packed message. Immutable and reference-counted; its wire form is made
 * once and shared by every snapshot, stream and response that holds it.
 */
typedef struct egress_resource egress_resource;

/** Type URLs of the resources that libegress makes itself; any other may be served too. */
#define EGRESS_TYPE_LISTENER "type.googleapis.com/envoy.config.listener.v3.Listener"
#define EGRESS_TYPE_CLUSTER "type.googleapis.com/envoy.config.cluster.v3.Cluster"
#define EGRESS_TYPE_ROUTE "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
#define EGRESS_TYPE_ENDPOINT "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"

/**
 * Makes a resource from a packed protobuf message. Its version is a hash of type, name and bytes (XXH3, 128 bits).
 *
 * :param out: set on success only; the caller owns one reference.
 * :param type_url: such as ``EGRESS_TYPE_CLUSTER``; 1 to 255 bytes of UTF-8, copied.
 * :param name: 1 to 4096 bytes of UTF-8, copied; should be the name that the message itself says. One that begins with
 *   ``xdstp://`` is kept in normal form: context parameters sorted, no needless escapes, no directives.
 * :param bytes: the packed message, copied; at most 64 MiB; NULL is allowed where ``size`` is 0.
 * :param size: number of ``bytes``; 0 is an empty message.
 * :param alloc: borrowed for the resource's life; NULL means malloc.
 * :return: 0; EGRESS_EINVAL: no ``out``, or a bad URL or name; EGRESS_EWIRE: ``bytes`` are not well-formed protobuf;
 *   EGRESS_ELIMIT: more than 64 MiB; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_new(egress_resource **out, const char *type_url, const char *name, const void *bytes,
                                   size_t size, const egress_alloc *alloc);

/**
 * Makes the same resource with a time to live: a client drops it when so much time has passed without word from the
 * control plane, for changes that must not outlive whoever made them. The server refreshes it by heartbeats, three in
 * the shortest time to live of its type, as long as the stream is there and the resource in its snapshot. The time to
 * live is part of the content: with another one the version is another, and the resource is sent again.
 *
 * Only clients are told that declare ``xds.config.supports-resource-ttl`` in ``node.client_features``, and in state of
 * the world ``xds.config.supports-resource-in-sotw``, too; for all others it lasts.
 *
 * :param out: set on success only; the caller owns one reference.
 * :param resource: borrowed during the call. :param ttl_ms: milliseconds, at least 1000; 0: none.
 * :param alloc: borrowed for the resource's life; NULL means malloc.
 * :return: 0; EGRESS_EINVAL: an argument is NULL, ``resource`` is an error, or less than a second; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_with_ttl(egress_resource **out, const egress_resource *resource, uint32_t ttl_ms,
                                        const egress_alloc *alloc);

/**
 * Makes the same resource with aliases: names by which clients of delta may ask for it, too. It is told under its name,
 * with all its aliases. Envoy's virtual hosts on demand (VHDS) are asked for so: as ``ROUTE_CONFIGURATION/HOST``, of
 * which only the resource called so, or with that alias, is an answer. State of the world knows no aliases.
 *
 * Aliases are part of the content: with others the version is another, and the resource is sent again. In a snapshot
 * every name and alias of a type is that of one resource; ``egress_snapshot_builder_build`` says when it is not.
 *
 * :param out: set on success only; the caller owns one reference.
 * :param resource: borrowed during the call. :param aliases: instead of those that it has; copied; each as a name, but
 *   not ``"*"`` and none twice; in any order. NULL is allowed where ``count`` is 0. :param count: at most 4096.
 * :param alloc: borrowed for the resource's life; NULL means malloc.
 * :return: 0; EGRESS_EINVAL: an argument is not as said here, or ``resource`` is an error; EGRESS_ELIMIT: more than
 *   4096; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_with_aliases(egress_resource **out, const egress_resource *resource,
                                            const char *const *aliases, size_t count, const egress_alloc *alloc);

/**
 * Makes an error that stands in the place of a resource: why clients do not get the one of that name. It is put into a
 * snapshot as a resource is, and each client that wants the name is told it once, in ``resource_errors``; it remembers
 * it until the resource comes, or another error. With UNAVAILABLE, INTERNAL and UNKNOWN a client keeps the resource
 * that it has; with NOT_FOUND and PERMISSION_DENIED it may drop it.
 *
 * Clients that know no errors see that nothing comes; in delta, NOT_FOUND is told to them, too: as a name that is
 * removed. In state of the world a cluster or listener that is an error now is deleted by them, as one that is gone.
 *
 * Its version is a hash of all that it says. It has no bytes and counts as a resource of its type in a snapshot.
 *
 * :param out: set on success only; the caller owns one reference.
 * :param type_url: 1 to 255 bytes of UTF-8, copied. :param name: as for a resource; not ``"*"``. That of an
 *   xdstp glob is for clients that want the glob.
 * :param code: ``google.rpc.Code``, 1 to 16. :param text: for people, at most 4096 bytes of UTF-8, copied.
 * :param alloc: borrowed for the error's life; NULL means malloc.
 * :return: 0; EGRESS_EINVAL: an argument is not as said here; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_new_error(egress_resource **out, const char *type_url, const char *name, int32_t code,
                                         const char *text, const egress_alloc *alloc);

/** Options for reading a resource from text. */
typedef struct egress_resource_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Borrowed for the resource's life; NULL means malloc. */
  const egress_alloc *alloc;
  /** Name of the resource; NULL: what the message itself says (``name``, of an endpoint ``cluster_name``). */
  const char *name;
  /** How diagnostics call the text, usually its path; NULL means ``"resource"``. */
  const char *file;
} egress_resource_options;
#define EGRESS_RESOURCE_OPTIONS_INIT \
  { sizeof(egress_resource_options), NULL, NULL, NULL }

/**
 * Makes a resource from proto3 JSON: an object whose ``@type`` names any message of the Envoy v3 API
 * (``docs/resources.md``). Texts that say the same, whatever the order of their members, give the same bytes and so
 * the same version; what ``egress_resource_json`` prints is read back.
 *
 * :param out: set on success only; the caller owns one reference.
 * :param text: UTF-8, ``size`` bytes, borrowed during the call; limits as ``egress_document_from_json``, and messages
 *   nested at most 64 levels.
 * :param options: NULL means the defaults.
 * :param diag: gets every fault found, with line, column and path of the field.
 * :return: 0; EGRESS_ESYNTAX: not JSON; EGRESS_ERESOURCE: not that message, or it has no name; EGRESS_ELIMIT;
 *   EGRESS_ENOMEM; EGRESS_EINVAL: no ``out`` or ``text``, or the name in ``options`` cannot be one; EGRESS_EABI.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_from_json(egress_resource **out, const char *text, size_t size,
                                         const egress_resource_options *options, egress_diag *diag);

/**
 * Makes a resource from YAML: as ``egress_resource_from_json``, with the same field names and values. Anchors, aliases
 * and tags are errors.
 *
 * :return: as ``egress_resource_from_json``; EGRESS_ESYNTAX: not YAML.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_from_yaml(egress_resource **out, const char *text, size_t size,
                                         const egress_resource_options *options, egress_diag *diag);

/**
 * Makes a resource from a value inside a document; places in ``diag`` are places in the document's text.
 *
 * :param value: an object with ``@type``; borrowed during the call.
 * :return: as ``egress_resource_from_json``, but never EGRESS_ESYNTAX.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_from_value(egress_resource **out, const egress_value *value,
                                          const egress_resource_options *options, egress_diag *diag);

/** Takes one more reference; returns ``resource``. NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API egress_resource *egress_resource_ref(egress_resource *resource);

/** Gives one reference back; the last frees the resource. NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API void egress_resource_unref(egress_resource *resource);

/** Type URL; lives as long as the resource. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_resource_type_url(const egress_resource *resource);

/** Name; lives as long as the resource. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_resource_name(const egress_resource *resource);

/** Version: 32 hexadecimal digits, equal for equal content everywhere; lives as the resource. Thread: any. Since: 0.1.
 */
EGRESS_API const char *egress_resource_version(const egress_resource *resource);

/** Number of aliases. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_resource_alias_count(const egress_resource *resource);

/** Alias ``index``, in byte order; lives as long as the resource; NULL past the end. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_resource_alias(const egress_resource *resource, size_t index);

/** Time to live in milliseconds; 0: none. Thread: any. Since: 0.1. */
EGRESS_API uint32_t egress_resource_ttl_ms(const egress_resource *resource);

/** ``google.rpc.Code`` of an error that stands in the place of a resource; 0: it is a resource. Thread: any. Since:
 * 0.1.
 */
EGRESS_API int32_t egress_resource_error(const egress_resource *resource);

/** Text of that error; ``""`` for a resource; lives as long as it. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_resource_error_text(const egress_resource *resource);

/** The packed message; lives as long as the resource. Thread: any. Since: 0.1. */
EGRESS_API const void *egress_resource_bytes(const egress_resource *resource);

/** Bytes of the packed message. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_resource_size(const egress_resource *resource);

/**
 * Prints the message as proto3 JSON, indented by two spaces, ``@type`` first. An Any whose type is in the Envoy v3 API
 * is opened; one of another type is printed as ``{"@type": …, "value": BASE64}``. Fields that the API does not know
 * are left out.
 *
 * :param out: set on success only; the caller owns it.
 * :return: 0; EGRESS_ENOENT: the type URL is not in the Envoy v3 API, or it is an error; EGRESS_EWIRE: the bytes are
 * not that message; EGRESS_ELIMIT: nested deeper than 64, more than 2^20 fields in one message, or text of more than
 * 256 MiB; EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_json(egress_text **out, const egress_resource *resource);

EGRESS_END_DECLS

#endif
