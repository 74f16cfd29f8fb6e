/* Two bytes choose the type, the rest is the message: printed as JSON, then looked through for references. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <egress/snapshot.h>

#include "base/protowire.h"
#include "resource/schema.h"

static void fail(const char *what, int rv) {
  fprintf(stderr, "%s: %s\n", what, egress_code_name(rv));
  abort();
}

static void find_references(egress_resource *r) {
  egress_snapshot_builder *builder = NULL;
  egress_snapshot *snap = NULL;
  if (egress_snapshot_builder_new(&builder, NULL, NULL) == 0 && egress_snapshot_builder_put(builder, r) == 0 &&
      egress_snapshot_builder_build(&snap, builder) == 0) {
    egress_dangling *report = NULL;
    int rv = egress_snapshot_dangling(&report, snap);
    egress_dangling_free(report);
    if (rv != 0 && rv != EGRESS_EWIRE && rv != EGRESS_ELIMIT)
      fail("dangling", rv);
  }
  egress_snapshot_unref(snap);
  egress_snapshot_builder_free(builder);
}

static void print(const egress_resource *r) {
  egress_text *text = NULL;
  int rv = egress_resource_json(&text, r);
  if (rv != 0 && rv != EGRESS_EWIRE && rv != EGRESS_ELIMIT)
    fail("print", rv);
  if (rv == 0 && !egress__span_is_text((egress__span){(const uint8_t *)egress_text_data(text), egress_text_size(text)}))
    fail("text is not UTF-8", rv);
  egress_text_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  size_t index = ((size_t)data[0] << 8 | data[1]) % egress__schema_message_count;
  char url[512];
  snprintf(url, sizeof url, "type.googleapis.com/%s", egress__schema_text(egress__schema_messages[index].name));
  egress_resource *r;
  int rv = egress_resource_new(&r, url, "name", data + 2, size - 2, NULL);
  if (rv == EGRESS_EWIRE)
    return 0;
  if (rv != 0)
    fail("new", rv);
  print(r);
  find_references(r);
  egress_resource_unref(r);
  return 0;
}
