#ifndef EGRESS_XDS_REQUEST_H
#define EGRESS_XDS_REQUEST_H

#include "base/protowire.h"
#include "xds/node.h"
#include "xds/stream.h"

/* What a stream takes from a client. */
enum {
  EGRESS__TYPE_URL_MAX = 255,         /* as a resource's */
  EGRESS__NAME_MAX = 4096,            /* as a resource's */
  EGRESS__ERROR_TEXT_MAX = 4096,      /* a NACK's text past that is cut: it is for people */
  EGRESS__TYPES_MAX = 64,             /* on one stream; the xDS API has about 15 */
  EGRESS__INITIAL_NAMES_MAX = 1 << 17 /* initial_resource_versions: more than any Envoy can hold of one type */
};

/** A text that a request carries any number of times, such as the names subscribed to. */
typedef enum egress__names {
  EGRESS__NAMES_ADDED,  /* resource_names, or resource_names_subscribe */
  EGRESS__NAMES_REMOVED /* resource_names_unsubscribe; never in a DiscoveryRequest */
} egress__names;

/**
 * A (Delta)DiscoveryRequest, read in place: spans point into the caller's bytes, absent texts are empty. Everything
 * that libegress uses was checked: well-formed, within its limit, UTF-8 where it is text (but error_text). The rest,
 * such as the 60 KB list of extensions in Envoy's node, is not looked at.
 */
typedef struct egress__request {
  egress__xds_variant variant;
  egress__span bytes;
  egress__xds_node_read node;
  egress__span type_url;
  egress__span nonce;
  int has_error; /* error_detail is there: a NACK */
  int32_t error_code;
  egress__span error_text;        /* not checked for UTF-8: a client quotes in it what it likes */
  size_t added, removed, initial; /* how many of each there are */
} egress__request;

/**
 * `type_url` is that of the service; NULL: aggregated, where each request has to say it.
 * Returns 0 or, with `fault` filled, EGRESS_EWIRE, EGRESS_EPROTO or EGRESS_ELIMIT.
 */
int egress__request_read(egress__request *out, egress__xds_variant variant, const char *type_url, const void *bytes,
                         size_t size, egress__stream_fault *fault);

/** What is said of a text of a request that is too long or not UTF-8. Returns 0 or, with `fault` filled, a code. */
int egress__request_check(const char *what, egress__span text, size_t max, egress__stream_fault *fault);

/** Fills `fault` for bytes that are not well-formed; returns EGRESS_EWIRE. */
int egress__request_malformed(egress__stream_fault *fault);

/** 1 for "*", which stands for everything. */
int egress__span_is_star(egress__span name);

/** Walks names: start with `*rest` as `request->bytes`. Returns 1, or 0 at the end. */
int egress__request_name(const egress__request *request, egress__names which, egress__span *rest, egress__span *name);

/** Walks initial_resource_versions likewise; a DiscoveryRequest has none. */
int egress__request_initial(const egress__request *request, egress__span *rest, egress__span *name,
                            egress__span *version);

/** Copies error_text; what is not UTF-8 becomes '?', because clients quote there what they could not read. */
void egress__request_error_text(char out[EGRESS__ERROR_TEXT_MAX + 1], const egress__request *request);

/** Fills `fault` with a status and a text; returns `code`. */
int egress__stream_refuse(egress__stream_fault *fault, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
