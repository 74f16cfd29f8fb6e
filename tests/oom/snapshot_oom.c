#include <string.h>

#include <egress/snapshot.h>

#include "oom/sweep.h"

enum { CLUSTERS = 600 /* three chunks */ };

/* Made once, of plain malloc: the sweeps are about what is built of them. */
static egress_resource *clusters[CLUSTERS], *changed, *listener, *route;

/* `r` with that alias takes its place. */
static egress_resource *give_alias(egress_resource *r, const char *alias) {
  egress_resource *with;
  if (egress_resource_with_aliases(&with, r, &alias, 1, NULL) != 0)
    abort();
  egress_resource_unref(r);
  return with;
}

static egress_resource *make(const char *type_url, const char *name, const char *bytes, size_t size) {
  egress_resource *r;
  if (egress_resource_new(&r, type_url, name, bytes, size, NULL) != 0)
    abort();
  return r;
}

static void make_all(void) {
  for (int i = 0; i < CLUSTERS; i++) {
    char name[16];
    snprintf(name, sizeof name, "c%03d", i);
    clusters[i] = make(EGRESS_TYPE_CLUSTER, name, "", 0);
    name[0] = 'a';
    clusters[i] = give_alias(clusters[i], name);
  }
  changed = make(EGRESS_TYPE_CLUSTER, "c007",
                 "\x0a\x04"
                 "c007",
                 6);
  changed = give_alias(changed, "other");
  listener = make(EGRESS_TYPE_LISTENER, "l", "", 0);
  /* virtual_hosts 2, routes 3, route 2, cluster 1 */
  route = make(EGRESS_TYPE_ROUTE, "r", "\x12\x0b\x1a\x09\x12\x07\x0a\x05other", 13);
}

static void unref_all(void) {
  for (int i = 0; i < CLUSTERS; i++)
    egress_resource_unref(clusters[i]);
  egress_resource_unref(changed);
  egress_resource_unref(listener);
  egress_resource_unref(route);
}

/* A call that found no memory changed nothing, so it may be made again; it fails again only while memory is short. */
#define TWICE(call) ((call) == 0 ? 0 : (call))

static int put_all(egress_snapshot_builder *builder) {
  int rv = 0;
  for (int i = 0; i < CLUSTERS && rv == 0; i++)
    rv = TWICE(egress_snapshot_builder_put(builder, clusters[(i * 7) % CLUSTERS]));
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_put(builder, listener));
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_put(builder, route));
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_set_label(builder, EGRESS_TYPE_CLUSTER, "c1"));
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_set_label(builder, NULL, "v1"));
  return rv;
}

static int change_some(egress_snapshot_builder *builder) {
  int rv = TWICE(egress_snapshot_builder_put(builder, changed));
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_remove(builder, EGRESS_TYPE_CLUSTER, "c001"));
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_remove(builder, EGRESS_TYPE_LISTENER, "l"));
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_set_label(builder, EGRESS_TYPE_LISTENER, "l2"));
  return rv;
}

static void same_label(const egress_snapshot *snap, const char *type_url, const char *label) {
  if (strcmp(egress_snapshot_type_label(snap, type_url), label) != 0)
    abort();
}

/* Every snapshot that could be built must be the same. */
static void same_version(char version[33], const egress_snapshot *snap) {
  const char *got = egress_snapshot_type_version(snap, EGRESS_TYPE_CLUSTER);
  if (version[0] == '\0')
    memcpy(version, got, 33);
  if (strcmp(version, got) == 0)
    return;
  fprintf(stderr, "version %s, without failures %s\n", got, version);
  abort();
}

/* From nothing, then from what the first call built. */
static int build(const egress_alloc *alloc, void *user) {
  static char first_version[33], second_version[33];
  (void)user;
  egress_snapshot_builder *builder;
  egress_snapshot *first = NULL, *second = NULL;
  int rv = TWICE(egress_snapshot_builder_new(&builder, NULL, alloc));
  if (rv != 0)
    return rv;
  rv = put_all(builder);
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_build(&first, builder));
  if (rv == 0) {
    same_version(first_version, first);
    same_label(first, EGRESS_TYPE_CLUSTER, "c1");
  }
  if (rv == 0)
    rv = change_some(builder);
  if (rv == 0)
    rv = TWICE(egress_snapshot_builder_build(&second, builder));
  if (rv == 0) {
    same_version(second_version, second);
    same_label(second, EGRESS_TYPE_LISTENER, "l2");
    same_label(second, EGRESS_TYPE_ROUTE, "v1");
    same_label(second, EGRESS_TYPE_CLUSTER, second_version);
  }
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(second);
  egress_snapshot_unref(first);
  return rv;
}

static int reports(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_snapshot_builder *builder;
  egress_snapshot *snap = NULL;
  int rv = egress_snapshot_builder_new(&builder, NULL, alloc);
  if (rv != 0)
    return rv;
  rv = put_all(builder);
  if (rv == 0)
    rv = egress_snapshot_builder_build(&snap, builder);
  egress_dangling *dangling = NULL;
  if (rv == 0)
    rv = egress_snapshot_dangling(&dangling, snap);
  if ((rv == 0) != (dangling != NULL) || (rv == 0 && egress_dangling_count(dangling) != 1))
    abort();
  egress_snapshot *unused = NULL;
  if (rv == 0)
    rv = egress_snapshot_unused(&unused, snap);
  if ((rv == 0) != (unused != NULL))
    abort();
  egress_snapshot_unref(unused);
  egress_snapshot_builder_free(builder);
  egress_snapshot_unref(snap);
  egress_dangling_free(dangling); /* the last that has the snapshot */
  return rv;
}

/* Two clusters go by one alias: whatever memory there is, that is no snapshot. */
static int clash(const egress_alloc *alloc, void *user) {
  (void)user;
  egress_snapshot_builder *builder = NULL;
  egress_snapshot *snap = NULL;
  egress_resource *other = give_alias(make(EGRESS_TYPE_CLUSTER, "other", "", 0), "a000");
  int rv = egress_snapshot_builder_new(&builder, NULL, alloc);
  if (rv == 0)
    rv = egress_snapshot_builder_put(builder, clusters[0]);
  if (rv == 0)
    rv = egress_snapshot_builder_put(builder, other);
  if (rv == 0)
    rv = egress_snapshot_builder_build(&snap, builder);
  if (rv == 0 || snap != NULL)
    abort();
  const char *text = rv == EGRESS_ECLASH ? egress_snapshot_builder_clash(builder) : "";
  int found = strcmp(text, "a000") == 0;
  egress_snapshot_builder_free(builder);
  egress_resource_unref(other);
  return rv == EGRESS_ECLASH && found ? 0 : EGRESS_ENOMEM;
}

int main(void) {
  make_all();
  sweep_run("clash", clash, NULL);
  sweep_run("build", build, NULL);
  sweep_run("reports", reports, NULL);
  unref_all();
  return 0;
}
