/* A request in JSON: it is refused with the reason, or its answer is a DiscoveryResponse. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <egress/fetch.h>
#include <egress/resource.h>

/* For all nodes: the clusters a and b. */
static egress_cache *make_cache(void) {
  egress_cache *cache;
  egress_snapshot_builder *builder;
  egress_snapshot *snap;
  if (egress_cache_new(&cache, NULL) != 0 || egress_snapshot_builder_new(&builder, NULL, NULL) != 0)
    abort();
  for (char letter = 'a'; letter <= 'b'; letter++) {
    egress_resource *resource;
    const char name[] = {letter, '\0'}, bytes[] = {0x0a, 1, letter};
    if (egress_resource_new(&resource, EGRESS_TYPE_CLUSTER, name, bytes, sizeof bytes, NULL) != 0 ||
        egress_snapshot_builder_put(builder, resource) != 0)
      abort();
    egress_resource_unref(resource);
  }
  if (egress_snapshot_builder_build(&snap, builder) != 0 || egress_cache_set(cache, "*", snap) != 0)
    abort();
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
  return cache;
}

static void check_answer(const egress_text *text) {
  static const char head[] = "{\"@type\": \"type.googleapis.com/envoy.service.discovery.v3.DiscoveryResponse\",";
  egress_resource_options options = EGRESS_RESOURCE_OPTIONS_INIT;
  egress_resource *resource;
  options.name = "answer";
  size_t size = egress_text_size(text);
  char *whole = malloc(sizeof head + size);
  if (whole == NULL || size == 0)
    abort();
  memcpy(whole, head, sizeof head - 1);
  memcpy(whole + sizeof head - 1, egress_text_data(text) + 1, size - 1); /* behind its { */
  if (egress_resource_from_json(&resource, whole, sizeof head - 1 + size - 1, &options, NULL) != 0)
    abort();
  egress_resource_unref(resource);
  free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char nothing = 0;
  egress_cache *cache = make_cache();
  egress_diag *diag = egress_diag_new(NULL);
  egress_text *text = NULL;
  egress_fetch *fetch;
  if (egress_fetch_new(&fetch, cache, NULL) != 0)
    abort();
  int rv = egress_fetch_answer(&text, fetch, EGRESS_TYPE_CLUSTER, size > 0 ? (const char *)data : &nothing, size, diag);
  if ((rv != 0) != (egress_diag_errors(diag) > 0) || (rv != 0 && text != NULL))
    abort();
  if (text != NULL)
    check_answer(text);
  egress_text_free(text);
  egress_diag_free(diag);
  egress_fetch_free(fetch);
  egress_cache_unref(cache);
  return 0;
}
