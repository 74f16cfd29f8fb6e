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

int main(void) {
  sweep_run("make", make, NULL);
  sweep_run("pack", pack, NULL);
  sweep_run("print a map", print, (void *)(uintptr_t)&metadata);
  sweep_run("print a mask", print, (void *)(uintptr_t)&mask);
  return 0;
}
