#include "snapshots.h"
#include "body.h"
#include "json_text.h"

#include <egress/egress.h>

#include <stdlib.h>
#include <string.h>

typedef struct entry {
  struct entry *next;
  egress_snapshot *snap;
  char node[]; /* with a NUL */
} entry;

struct snapshots {
  egress_cache *cache;
  entry *entries;
  size_t count;
};

/* A client that does not say who it is has no snapshot of its own. */
static const char *group_of(const egress_node *node, void *user) {
  (void)user;
  return *node->id != '\0' ? node->id : "*";
}

snapshots *snapshots_new(void) {
  snapshots *self = calloc(1, sizeof *self);
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.group = group_of;
  if (self != NULL && egress_cache_new(&self->cache, &options) == 0)
    return self;
  free(self);
  return NULL;
}

static void free_entry(entry *gone) {
  egress_snapshot_unref(gone->snap);
  free(gone);
}

void snapshots_free(snapshots *self) {
  if (self == NULL)
    return;
  for (entry *at; (at = self->entries) != NULL;) {
    self->entries = at->next;
    free_entry(at);
  }
  egress_cache_unref(self->cache);
  free(self);
}

egress_cache *snapshots_cache(const snapshots *self) {
  return self->cache;
}

/* Where the node's entry is linked, or would be: they are in order of their names. */
static entry **place_of(snapshots *self, const char *node) {
  entry **at = &self->entries;
  while (*at != NULL && strcmp((*at)->node, node) < 0)
    at = &(*at)->next;
  return at;
}

static int is_at(entry *const *place, const char *node) {
  return *place != NULL && strcmp((*place)->node, node) == 0;
}

static void write_one(FILE *out, const char *node, const egress_snapshot *snap) {
  fputs("{\"node\": ", out);
  json_put_quoted(out, node);
  fputs(", \"types\": {", out);
  for (size_t i = 0; i < egress_snapshot_type_count(snap); i++) {
    const char *type_url = egress_snapshot_type_url(snap, i);
    fputs(i > 0 ? ", " : "", out);
    json_put_quoted(out, type_url);
    fputs(": {\"version\": ", out);
    json_put_quoted(out, egress_snapshot_type_label(snap, type_url));
    fprintf(out, ", \"resources\": %zu}", egress_snapshot_count(snap, type_url));
  }
  fputs("}}", out);
}

static unsigned fail(FILE *out, unsigned status, const char *message) {
  faults_only(out, message);
  return status;
}

/* Puts `snap` in force for the node; takes over the reference. Returns 0 or a status. */
static unsigned set(snapshots *self, const char *node, egress_snapshot *snap) {
  entry **place = place_of(self, node);
  int is_new = !is_at(place, node);
  size_t size = strlen(node) + 1;
  entry *at = is_new ? calloc(1, sizeof *at + size) : *place;
  unsigned status = is_new && self->count >= NODES_MAX                             ? 503
                    : at == NULL || egress_cache_set(self->cache, node, snap) != 0 ? 500
                                                                                   : 0;
  if (status != 0) {
    if (is_new)
      free(at);
    egress_snapshot_unref(snap);
    return status;
  }
  if (is_new) {
    memcpy(at->node, node, size);
    at->next = *place;
    *place = at;
    self->count++;
  }
  egress_snapshot_unref(at->snap);
  at->snap = snap;
  return 0;
}

unsigned snapshots_put(snapshots *self, const char *node, const char *text, size_t size, FILE *out) {
  egress_snapshot *snap;
  faults found;
  char *list = NULL;
  size_t list_size = 0;
  FILE *told = open_memstream(&list, &list_size);
  if (told == NULL)
    return fail(out, 500, "out of memory");
  faults_begin(&found, told);
  int rv = body_read(&snap, text, size, &found);
  faults_end(&found);
  fclose(told);
  unsigned status = rv == 0 ? set(self, node, snap) : found.count > 0 ? 400 : 500;
  if (status == 0) {
    write_one(out, node, snap);
    putc('\n', out);
  } else if (status == 400) {
    fwrite(list, 1, list_size, out);
  } else {
    faults_only(out,
                status == 503 ? "there are 10,000 nodes with a snapshot, the most that are kept" : "out of memory");
  }
  free(list);
  return status == 0 ? 200 : status;
}

unsigned snapshots_delete(snapshots *self, const char *node, FILE *out) {
  entry **place = place_of(self, node), *gone = *place;
  if (!is_at(place, node))
    return fail(out, 404, "that node has no snapshot of its own");
  egress_cache_clear(self->cache, node);
  *place = gone->next;
  self->count--;
  write_one(out, node, gone->snap);
  putc('\n', out);
  free_entry(gone);
  return 200;
}

void snapshots_write(const snapshots *self, FILE *out) {
  putc('[', out);
  for (const entry *at = self->entries; at != NULL; at = at->next) {
    fputs(at != self->entries ? ",\n  " : "\n  ", out);
    write_one(out, at->node, at->snap);
  }
  putc(']', out);
}
