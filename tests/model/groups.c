#include "model/groups.h"

static const char *const names[GROUPS] = GROUP_NAMES;

enum { EVERY_GROUP = GROUPS - 1 };

const char *group_name(int group) {
  return names[group];
}

#define KIND "xdstp://m/T/k/"

static const char *const texts[][NAMES + 1] = {{"a", "b", "c", KIND "d", KIND "e", KIND "*"},
                                               {"a", "b", "c", "/k/?d", "/k/e/", "/k/*"}};
static const char *const asked[NAMES + 1] = {"a", "b", "c", KIND "%64#x", KIND "e?", KIND "*?&#y"};

static int is_text; /* the names below the glob, and its own */

void groups_name(int as_text) {
  is_text = as_text;
}

const char *name_text(int name) {
  return texts[is_text][name];
}

const char *name_asked(int name) {
  return is_text ? name_text(name) : asked[name];
}

int content_of(const char *word) {
  return atoi(strrchr(word, '=') + 1);
}

int name_of(const char *word) {
  for (int name = 0; name <= NAMES; name++) {
    size_t size = strlen(name_text(name));
    if (strncmp(word, name_text(name), size) == 0 && strchr("=~", word[size]) != NULL)
      return name;
  }
  assert(0 && "a response has names that there are");
  return -1;
}

int endpoints_of(int cluster) {
  static const int endpoints[NAMES] = {0, 0, -1, 3, -1};
  return endpoints[cluster];
}

void groups_begin(groups *g, const egress_alloc *alloc) {
  *g = (groups){.alloc = alloc};
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.alloc = alloc;
  options.globs = (uint32_t)is_text;
  assert(egress_cache_new(&g->cache, &options) == 0);
}

void groups_end(groups *g) {
  for (int i = 0; i < GROUPS; i++)
    egress_snapshot_unref(g->snap[i]);
  egress_cache_unref(g->cache);
}

int groups_counting(const groups *g, int group) {
  return g->own[group] ? group : EVERY_GROUP;
}

content groups_content(const groups *g, int group) {
  int counting = groups_counting(g, group);
  return g->own[counting] ? g->contents[counting] : (content){0};
}

enum { TTL_MS = 3000, TTL_EVERY = 3 /* values have a time to live */ };

static void put(egress_snapshot_builder *builder, int type, int name, int value, const egress_alloc *alloc) {
  char service[4] = "", text[XDS_WORD];
  int endpoints = TYPE_LETTERS[type] == 'C' ? endpoints_of(name) : -1;
  if (endpoints >= 0)
    snprintf(service, sizeof service, endpoints == name ? "!" : "!%c", 'a' + endpoints);
  size_t size = (size_t)snprintf(text, sizeof text, "%d%s", value, service);
  if (value % TTL_EVERY == 0)
    snprintf(text + size, sizeof text - size, "@%d", TTL_MS);
  egress_resource *resource;
  assert(xds_resource(&resource, TYPE_LETTERS[type], name_text(name), text, alloc) == 0);
  assert(egress_snapshot_builder_put(builder, resource) == 0);
  egress_resource_unref(resource);
}

static void put_all(egress_snapshot_builder *builder, const content *c, const egress_alloc *alloc) {
  for (int type = 0; type < TYPES; type++)
    for (int name = 0; name < NAMES; name++)
      if (c->value[type][name] != 0)
        put(builder, type, name, c->value[type][name], alloc);
}

static void apply_edit(egress_snapshot_builder *builder, content *c, const edit *e, const egress_alloc *alloc) {
  uint8_t *value = &c->value[e->type][e->name];
  if (e->value != 0)
    put(builder, e->type, e->name, e->value, alloc);
  else if (*value != 0)
    assert(egress_snapshot_builder_remove(builder, xds_type_url(TYPE_LETTERS[e->type]), name_asked(e->name)) == 0);
  *value = e->value;
}

static egress_snapshot *build(groups *g, const step *s) {
  content *c = &g->contents[s->group];
  egress_snapshot_builder *builder;
  int fresh = s->flags & FLAG_FRESH;
  assert(egress_snapshot_builder_new(&builder, fresh ? NULL : g->snap[s->group], g->alloc) == 0);
  if (fresh)
    put_all(builder, c, g->alloc);
  for (size_t i = 0; i < s->edit_count; i++)
    apply_edit(builder, c, &s->edits[i], g->alloc);
  egress_snapshot *snap;
  assert(egress_snapshot_builder_build(&snap, builder) == 0);
  egress_snapshot_builder_free(builder);
  c->exists = 1;
  for (int type = 0; type < TYPES; type++)
    snprintf(c->version[type], XDS_WORD, "%s", egress_snapshot_type_version(snap, xds_type_url(TYPE_LETTERS[type])));
  return snap;
}

/* Takes over the reference. */
static void set(groups *g, int group, egress_snapshot *snap) {
  assert(egress_cache_set(g->cache, names[group], snap) == 0);
  egress_snapshot_unref(g->snap[group]);
  g->snap[group] = snap;
  g->own[group] = 1;
}

int groups_play(groups *g, const step *s) {
  int had = g->own[s->group];
  if (s->kind == STEP_SET) {
    set(g, s->group, build(g, s));
    return 1;
  }
  if (s->kind == STEP_CLEAR) {
    assert(egress_cache_clear(g->cache, names[s->group]) == (had ? 0 : EGRESS_ENOENT));
    g->own[s->group] = 0;
    return had;
  }
  if (g->snap[s->other] == NULL)
    return 0;
  g->contents[s->group] = g->contents[s->other];
  set(g, s->group, egress_snapshot_ref(g->snap[s->other]));
  return 1;
}
