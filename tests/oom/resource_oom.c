#include <string.h>

#include <egress/resource.h>
#include <envoy/config/endpoint/v3/endpoint.pb-c.h>

#include "oom/sweep.h"
#include "resource/resource.h"

static void must(int holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "%s\n", what);
  abort();
}

static int make(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_resource *r = NULL;
  int rv = egress_resource_new(&r, EGRESS_TYPE_CLUSTER, "a",
                               "\x0a\x01"
                               "a",
                               3, alloc);
  must((rv == 0) == (r != NULL), "out is written on success only");
  egress_resource_unref(r);
  return rv;
}

static int give_ttl(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_resource *lasting, *r = NULL;
  if (egress_resource_new(&lasting, EGRESS_TYPE_CLUSTER, "a", NULL, 0, NULL) != 0)
    abort();
  int rv = egress_resource_with_ttl(&r, lasting, 2000, alloc);
  must((rv == 0) == (r != NULL), "out is written on success only");
  egress_resource_unref(r);
  egress_resource_unref(lasting);
  return rv;
}

static int give_aliases(const egress_alloc *alloc, void *user) {
  (void)user;
  static const char *const aliases[] = {"y", "x"};
  egress_resource *plain, *r = NULL;
  if (egress_resource_new(&plain, EGRESS_TYPE_CLUSTER, "a", NULL, 0, NULL) != 0)
    abort();
  int rv = egress_resource_with_aliases(&r, plain, aliases, 2, alloc);
  must((rv == 0) == (r != NULL), "out is written on success only");
  egress_resource_unref(r);
  egress_resource_unref(plain);
  return rv;
}

static int make_error(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_resource *r = NULL;
  int rv = egress_resource_new_error(&r, EGRESS_TYPE_CLUSTER, "a", 5, "why", alloc);
  must((rv == 0) == (r != NULL), "out is written on success only");
  egress_resource_unref(r);
  return rv;
}

static int pack(const egress_alloc *alloc, void *user) {
  (void)user;
  Envoy__Config__Endpoint__V3__ClusterLoadAssignment message =
      ENVOY__CONFIG__ENDPOINT__V3__CLUSTER_LOAD_ASSIGNMENT__INIT;
  message.cluster_name = (char[]){"a"};
  egress_resource *r = NULL;
  int rv = egress__resource_pack(&r, EGRESS_TYPE_ENDPOINT, "a", &message.base, alloc);
  must((rv == 0) == (r != NULL), "out is written on success only");
  egress_resource_unref(r);
  return rv;
}

/* Metadata with a map of which a key comes twice, and a FieldMask, which is joined before it is printed. */
typedef struct printed {
  const char *type_url;
  const char *bytes;
  size_t size;
} printed;
static const printed metadata = {"t/envoy.config.core.v3.Metadata",
                                 "\x0a\x05\x0a\x01"
                                 "a"
                                 "\x12\x00"
                                 "\x0a\x0c\x0a\x01"
                                 "a"
                                 "\x12\x07\x0a\x05\x0a\x01"
                                 "k"
                                 "\x12\x00",
                                 21};
static const printed mask = {"t/google.protobuf.FieldMask",
                             "\x0a\x03"
                             "a_b"
                             "\x0a\x03"
                             "c.d",
                             10};

static int print(const egress_alloc *alloc, void *user) {
  const printed *what = user;
  egress_resource *r;
  int rv = egress_resource_new(&r, what->type_url, "a", what->bytes, what->size, alloc);
  if (rv != 0)
    return rv;
  egress_text *text = NULL;
  rv = egress_resource_json(&text, r);
  must((rv == 0) == (text != NULL), "out is written on success only");
  egress_text_free(text);
  egress_resource_unref(r);
  return rv;
}

/* Fields and entries out of order, nested messages, bytes, a number without its point; with faults, also the list. */
static const char good[] =
    "{\"typedExtensionProtocolOptions\": {\"b\": {}, \"a\": {\"@type\": "
    "\"t/google.protobuf.BytesValue\", \"value\": \"aGk\"}},\n\"lbSubsetConfig\": {\"subsetSelectors\": "
    "[{\"keys\": [\"\\u0041\"]}]}, \"commonLbConfig\": {\"healthyPanicThreshold\": {\"value\": 1.25}}, "
    "\"name\": \"a\", \"@type\": \"" EGRESS_TYPE_CLUSTER "\"}";
static const char bad[] = "{\"@type\": \"" EGRESS_TYPE_CLUSTER "\", \"nam\": \"a\", \"type\": \"X\"}";

static int read_good(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.alloc = alloc;
  egress_resource *r = NULL;
  int rv = egress_resource_from_json(&r, good, strlen(good), &options, NULL);
  must((rv == 0) == (r != NULL), "out is written on success only");
  egress_resource_unref(r);
  return rv;
}

/* The list may lack an item that found no memory; the code stays. */
static int read_bad(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.alloc = alloc;
  egress_resource *r = NULL;
  egress_diag *diag = egress_diag_new(alloc);
  if (diag == NULL)
    return EGRESS_ENOMEM;
  int rv = egress_resource_from_json(&r, bad, strlen(bad), &options, diag);
  must(r == NULL, "out is written on success only");
  egress_diag_free(diag);
  return rv == EGRESS_ERESOURCE ? 0 : rv;
}

static int read_document(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_document *document = NULL;
  int rv = egress_document_from_json(&document, good, strlen(good), "d", alloc, NULL);
  must((rv == 0) == (document != NULL), "out is written on success only");
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  options.alloc = alloc;
  egress_resource *r = NULL;
  if (rv == 0)
    rv = egress_resource_from_value(&r, egress_document_root(document), &options, NULL);
  must((rv == 0) == (r != NULL), "out is written on success only");
  egress_resource_unref(r);
  egress_document_free(document);
  return rv;
}

int main(void) {
  sweep_run("read", read_good, NULL);
  sweep_run("read with faults", read_bad, NULL);
  sweep_run("read a document", read_document, NULL);
  sweep_run("make", make, NULL);
  sweep_run("give a time to live", give_ttl, NULL);
  sweep_run("give aliases", give_aliases, NULL);
  sweep_run("make an error", make_error, NULL);
  sweep_run("pack", pack, NULL);
  sweep_run("print a map", print, (void *)(uintptr_t)&metadata);
  sweep_run("print a mask", print, (void *)(uintptr_t)&mask);
  return 0;
}
