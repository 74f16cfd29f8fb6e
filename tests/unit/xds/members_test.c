#include "support/xds.h"

#include <criterion/criterion.h>

#include "base/alloc.h"
#include "snapshot/snapshot.h"
#include "xds/members.h"

#define X "xdstp://a/T/"

Test(members, c70_they_come_from_many_chunks) {
  enum { COUNT = 2000 };
  egress_snapshot_builder *builder;
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_new(&builder, NULL, NULL), 0);
  for (int i = 0; i < COUNT; i++) {
    char name[XDS_WORD];
    snprintf(name, sizeof name, X "%d/%04d", i % 2, i);
    egress_resource *made;
    cr_assert_eq(xds_resource(&made, 'E', name, "1", NULL), 0);
    cr_assert_eq(egress_snapshot_builder_put(builder, made), 0);
    egress_resource_unref(made);
  }
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  egress_snapshot_builder_free(builder);
  egress__budget budget = {.max_names = 10, .max_bytes = 10000};
  egress__subscription sub;
  egress__subscription_init(&sub, egress__alloc_or_default(NULL), &budget);
  const char *glob = X "1/*";
  cr_assert_eq(egress__subscription_add(&sub, (egress__span){(const uint8_t *)glob, strlen(glob)}), 0);
  egress__name *name = egress__subscription_find(&sub, glob, strlen(glob));
  cr_assert_eq(egress__subscription_be_glob(&sub, name), 0);
  egress__members members = egress__members_of(name, egress__snapshot_type(snap, EGRESS_TYPE_ENDPOINT));
  for (int i = 1; i < COUNT; i += 2) {
    char expected[XDS_WORD];
    snprintf(expected, sizeof expected, X "1/%04d", i);
    cr_assert_str_eq(egress_resource_name(egress__members_next(&members)), expected);
  }
  cr_assert(egress__members_next(&members) == NULL);
  egress__subscription_dispose(&sub);
  egress_snapshot_unref(snap);
}
