#ifndef EGRESS_RESOURCE_H
#define EGRESS_RESOURCE_H

#include <stddef.h>

#include <egress/alloc.h>
#include <egress/diag.h>
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
 * :param name: 1 to 4096 bytes of UTF-8, copied; should be the name that the message itself says.
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
 * :return: 0; EGRESS_ENOENT: the type URL is not in the Envoy v3 API; EGRESS_EWIRE: the bytes are not that message;
 *   EGRESS_ELIMIT: nested deeper than 64, more than 2^20 fields in one message, or text of more than 256 MiB;
 *   EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_resource_json(egress_text **out, const egress_resource *resource);

EGRESS_END_DECLS

#endif
