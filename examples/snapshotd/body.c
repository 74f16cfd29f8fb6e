#include "body.h"
#include "base64.h"

#include <egress/egress.h>

#include <stdlib.h>
#include <string.h>

enum {
  LABEL_MAX_BYTES = 255,    /* of a version: what egress_snapshot_builder_set_label takes */
  TTL_MAX_SECONDS = 4294967 /* whole ones of a uint32_t of milliseconds */
};

typedef struct item {
  egress_resource *resource;
  const egress_value *value; /* where it stands */
} item;

typedef struct body {
  egress_snapshot_builder *builder;
  egress_diag *diag;
  faults *faults;
  item *items;
  size_t count, room;
  const egress_value *ttls;    /* seconds by type URL; NULL: none */
  const egress_value *aliases; /* lists by type URL and name; NULL: none */
  int no_memory;
} body;

/* ---- what any part needs ---- */

/* 1 for a value of this type; null stands for a member that is left out. */
static int is_of_type(body *self, const egress_value *value, egress_value_type type, const char *wanted) {
  int32_t found = egress_value_type_of(value);
  if (found == (int32_t)type)
    return 1;
  if (found != EGRESS_VALUE_NULL)
    faults_add(self->faults, value, "is not %s", wanted);
  return 0;
}

/* Notes what the library said of `value`: in its diagnostics, or else by its code alone. */
static void add_failure(body *self, const egress_value *value, int rv) {
  size_t before = self->faults->count;
  self->no_memory |= rv == EGRESS_ENOMEM;
  faults_add_diag(self->faults, self->diag);
  egress_diag_clear(self->diag);
  if (self->faults->count == before && rv != EGRESS_ENOMEM)
    faults_add(self->faults, value, "%s", egress_strerror(rv));
}

/* A resource that says nothing but its type and these bytes; printing it judges both. */
static int print_message(egress_text **out, const char *type_url, const void *bytes, size_t size) {
  egress_resource *resource = NULL;
  int rv = egress_resource_new(&resource, type_url, "any", bytes, size, NULL);
  if (rv == 0)
    rv = egress_resource_json(out, resource);
  egress_resource_unref(resource);
  return rv;
}

/* A text may hold NULs. */
static int is_text(const egress_value *value, const char *text) {
  return egress_value_size(value) == strlen(text) && strcmp(egress_value_text(value), text) == 0;
}

/* The type URL that `value` is; NULL after saying that it is none. */
static const char *known_type(body *self, const egress_value *value) {
  const char *type_url = egress_value_text(value);
  egress_text *text = NULL;
  int rv = is_text(value, type_url) ? print_message(&text, type_url, NULL, 0) : EGRESS_ENOENT;
  egress_text_free(text);
  if (rv == 0)
    return type_url;
  faults_add(self->faults, value, "\"%.255s\" is no type of the Envoy v3 API", type_url);
  return NULL;
}

/* ---- resources ---- */

/* Takes over the reference. */
static void keep(body *self, egress_resource *resource, const egress_value *value) {
  if (self->count == self->room) {
    size_t room = self->room == 0 ? 64 : 2 * self->room; /* a document has at most 2^21 values */
    item *items = realloc(self->items, room * sizeof *items);
    if (items == NULL) {
      self->no_memory = 1;
      egress_resource_unref(resource);
      return;
    }
    self->items = items;
    self->room = room;
  }
  self->items[self->count++] = (item){resource, value};
}

static void read_resources(body *self, const egress_value *list) {
  if (!is_of_type(self, list, EGRESS_VALUE_LIST, "a list of resources"))
    return;
  for (const egress_value *at = egress_value_first(list); at != NULL && !self->no_memory; at = egress_value_next(at)) {
    egress_resource *resource;
    int rv = egress_resource_from_value(&resource, at, NULL, self->diag);
    if (rv == 0)
      keep(self, resource, at);
    else
      add_failure(self, at, rv);
  }
}

/* The name that a printed message says it has, copied into *out; 0, -1: it says none, or one that no resource can have,
   or EGRESS_ENOMEM. */
static int name_of(char **out, const egress_text *printed) {
  egress_document *document;
  int rv = egress_document_from_json(&document, egress_text_data(printed), egress_text_size(printed), NULL, NULL, NULL);
  if (rv != 0)
    return rv == EGRESS_ENOMEM ? rv : -1;
  const egress_value *root = egress_document_root(document);
  const egress_value *name = egress_value_member(root, "name");
  if (name == NULL)
    name = egress_value_member(root, "clusterName"); /* of endpoints */
  rv = name == NULL ? -1 : 0;
  if (rv == 0 && !is_text(name, egress_value_text(name)))
    rv = -1;
  if (rv == 0 && (*out = strdup(egress_value_text(name))) == NULL)
    rv = EGRESS_ENOMEM;
  egress_document_free(document);
  return rv;
}

/* The packed message of a type; it is checked to be one. */
static void read_packed(body *self, const egress_value *place, const char *type_url, const void *bytes, size_t size) {
  egress_text *printed = NULL;
  char *name = NULL;
  egress_resource *resource;
  int rv = print_message(&printed, type_url, bytes, size);
  if (rv != 0) {
    add_failure(self, place, rv);
  } else if ((rv = name_of(&name, printed)) == -1) {
    faults_add(self->faults, place, "the message says no name that a resource can have");
  } else if (rv != 0 || (rv = egress_resource_new(&resource, type_url, name, bytes, size, NULL)) != 0) {
    add_failure(self, place, rv);
  } else {
    keep(self, resource, place);
  }
  free(name);
  egress_text_free(printed);
}

/* The text of member `key`, which must be there; NULL after saying what is wrong. */
static const egress_value *need_text(body *self, const egress_value *object, const char *key) {
  const egress_value *value = egress_value_member(object, key);
  if (value != NULL && egress_value_type_of(value) == EGRESS_VALUE_TEXT)
    return value;
  faults_add(self->faults, value != NULL ? value : object, "needs \"%s\", a text", key);
  return NULL;
}

static void read_raw(body *self, const egress_value *object) {
  for (const egress_value *at = egress_value_first(object); at != NULL; at = egress_value_next(at)) {
    const egress_value *key = egress_value_key(at);
    if (!is_text(key, "type_url") && !is_text(key, "value"))
      faults_add(self->faults, key, "unknown field \"%.200s\"; there are type_url and value", egress_value_text(key));
  }
  const egress_value *type = need_text(self, object, "type_url"), *value = need_text(self, object, "value");
  const char *type_url = type == NULL || value == NULL ? NULL : known_type(self, type);
  if (type_url == NULL)
    return;
  unsigned char *bytes;
  size_t size;
  int rv = base64_decode(&bytes, &size, egress_value_text(value), egress_value_size(value));
  if (rv == -1)
    faults_add(self->faults, value, "is not base64 (the standard alphabet, padded with =)");
  self->no_memory |= rv == -2;
  if (rv != 0)
    return;
  read_packed(self, value, type_url, bytes, size);
  free(bytes);
}

static void read_resources_b64(body *self, const egress_value *list) {
  if (!is_of_type(self, list, EGRESS_VALUE_LIST, "a list of objects with type_url and value"))
    return;
  for (const egress_value *at = egress_value_first(list); at != NULL && !self->no_memory; at = egress_value_next(at)) {
    if (egress_value_type_of(at) == EGRESS_VALUE_OBJECT)
      read_raw(self, at);
    else
      faults_add(self->faults, at, "is not an object with type_url and value");
  }
}

/* ---- versions ---- */

static void set_label(body *self, const char *type_url, const egress_value *value) {
  const char *label = egress_value_text(value);
  size_t size = egress_value_size(value);
  if (egress_value_type_of(value) != EGRESS_VALUE_TEXT)
    faults_add(self->faults, value, "a version is a text");
  else if (size == 0 || size > LABEL_MAX_BYTES || strlen(label) != size)
    faults_add(self->faults, value, "a version has 1 to %d bytes, none of them NUL", LABEL_MAX_BYTES);
  else if (egress_snapshot_builder_set_label(self->builder, type_url, label) != 0)
    self->no_memory = 1;
}

static void read_version(body *self, const egress_value *value) {
  if (egress_value_type_of(value) != EGRESS_VALUE_NULL)
    set_label(self, NULL, value);
}

static void read_versions(body *self, const egress_value *object) {
  if (!is_of_type(self, object, EGRESS_VALUE_OBJECT, "an object of type URLs, each with its version"))
    return;
  for (const egress_value *at = egress_value_first(object); at != NULL; at = egress_value_next(at)) {
    const char *type_url = known_type(self, egress_value_key(at));
    if (type_url != NULL)
      set_label(self, type_url, at);
  }
}

/* ---- times to live ---- */

/* Milliseconds; 0: it is not a time to live. */
static uint32_t ttl_of(const egress_value *value) {
  double seconds = egress_value_type_of(value) == EGRESS_VALUE_NUMBER ? strtod(egress_value_text(value), NULL) : 0;
  return seconds >= 1 && seconds <= TTL_MAX_SECONDS ? (uint32_t)(seconds * 1000 + 0.5) : 0;
}

static void read_ttls(body *self, const egress_value *object) {
  if (!is_of_type(self, object, EGRESS_VALUE_OBJECT, "an object of type URLs, each with seconds"))
    return;
  for (const egress_value *at = egress_value_first(object); at != NULL; at = egress_value_next(at))
    if (known_type(self, egress_value_key(at)) != NULL && ttl_of(at) == 0)
      faults_add(self->faults, at, "a time to live is a number of seconds, 1 to %d", TTL_MAX_SECONDS);
  self->ttls = object;
}

/* The resource with its type's time to live, if that has one, in the place of the one without. */
static int give_ttl(const body *self, egress_resource **resource) {
  const egress_value *ttl =
      self->ttls == NULL ? NULL : egress_value_member(self->ttls, egress_resource_type_url(*resource));
  egress_resource *lasting = *resource;
  int rv = ttl == NULL ? 0 : egress_resource_with_ttl(resource, lasting, ttl_of(ttl), NULL);
  if (rv == 0 && ttl != NULL)
    egress_resource_unref(lasting);
  return rv;
}

/* ---- aliases ---- */

static void read_alias_lists(body *self, const egress_value *object) {
  if (!is_of_type(self, object, EGRESS_VALUE_OBJECT, "an object of names, each with a list of aliases"))
    return;
  for (const egress_value *list = egress_value_first(object); list != NULL; list = egress_value_next(list)) {
    if (!is_of_type(self, list, EGRESS_VALUE_LIST, "a list of aliases"))
      continue;
    for (const egress_value *at = egress_value_first(list); at != NULL; at = egress_value_next(at))
      if (egress_value_type_of(at) != EGRESS_VALUE_TEXT || !is_text(at, egress_value_text(at)))
        faults_add(self->faults, at, "an alias is a text without NUL");
  }
}

static void read_aliases(body *self, const egress_value *object) {
  if (!is_of_type(self, object, EGRESS_VALUE_OBJECT, "an object of type URLs, each with aliases by name"))
    return;
  for (const egress_value *at = egress_value_first(object); at != NULL; at = egress_value_next(at))
    if (known_type(self, egress_value_key(at)) != NULL)
      read_alias_lists(self, at);
  self->aliases = object;
}

/* The resource with the aliases of `list` in the place of the one without. */
static int set_aliases(body *self, egress_resource **resource, const egress_value *list) {
  size_t count = 0, next = 0;
  for (const egress_value *at = egress_value_first(list); at != NULL; at = egress_value_next(at))
    count++;
  const char **aliases = calloc(count + 1, sizeof *aliases);
  if (aliases == NULL)
    return EGRESS_ENOMEM;
  for (const egress_value *at = egress_value_first(list); at != NULL; at = egress_value_next(at))
    aliases[next++] = egress_value_text(at);
  egress_resource *plain = *resource;
  int rv = egress_resource_with_aliases(resource, plain, aliases, count, NULL);
  free(aliases);
  if (rv == 0)
    egress_resource_unref(plain);
  else if (rv != EGRESS_ENOMEM)
    faults_add(self->faults, list, "aliases are names, none of them twice, at most 4096 of a resource");
  return rv;
}

static int give_aliases(body *self, egress_resource **resource) {
  const egress_value *names =
      self->aliases == NULL ? NULL : egress_value_member(self->aliases, egress_resource_type_url(*resource));
  const egress_value *list = names == NULL ? NULL : egress_value_member(names, egress_resource_name(*resource));
  return list == NULL ? 0 : set_aliases(self, resource, list);
}

/* ---- the whole ---- */

static const struct {
  const char *name;
  void (*read)(body *self, const egress_value *value);
} members[] = {
    {"version", read_version}, {"versions", read_versions},   {"ttls", read_ttls},
    {"aliases", read_aliases}, {"resources", read_resources}, {"resources_b64", read_resources_b64},
};
enum { MEMBER_COUNT = sizeof members / sizeof *members };

static void read_member(body *self, const egress_value *value) {
  const egress_value *key = egress_value_key(value);
  for (size_t i = 0; i < MEMBER_COUNT; i++)
    if (is_text(key, members[i].name)) {
      members[i].read(self, value);
      return;
    }
  faults_add(self->faults, key,
             "unknown field \"%.200s\"; there are version, versions, ttls, aliases, resources, resources_b64",
             egress_value_text(key));
}

static void read_root(body *self, const egress_value *root) {
  if (egress_value_type_of(root) != EGRESS_VALUE_OBJECT) {
    faults_add(self->faults, root, "the body is not an object");
    return;
  }
  for (const egress_value *at = egress_value_first(root); at != NULL && !self->no_memory; at = egress_value_next(at))
    read_member(self, at);
}

static int build(egress_snapshot **out, body *self) {
  int rv = 0;
  for (size_t i = 0; rv == 0 && i < self->count; i++) {
    rv = give_ttl(self, &self->items[i].resource);
    if (rv == 0)
      rv = give_aliases(self, &self->items[i].resource);
    if (rv == 0)
      rv = egress_snapshot_builder_put(self->builder, self->items[i].resource);
  }
  if (rv == 0)
    rv = egress_snapshot_builder_build(out, self->builder);
  if (rv == EGRESS_ECLASH)
    faults_add(self->faults, self->aliases, "\"%.255s\" is the name or an alias of two resources of one type",
               egress_snapshot_builder_clash(self->builder));
  return rv;
}

/* Of two with the same type and name, the snapshot holds one. */
static void find_twins(body *self, const egress_snapshot *snap) {
  for (size_t i = 0; i < self->count; i++) {
    const egress_resource *mine = self->items[i].resource;
    const char *type_url = egress_resource_type_url(mine), *name = egress_resource_name(mine);
    if (egress_snapshot_find(snap, type_url, name) != mine)
      faults_add(self->faults, self->items[i].value, "\"%.255s\" of type %s is there twice", name, type_url);
  }
}

static void dispose(body *self) {
  for (size_t i = 0; i < self->count; i++)
    egress_resource_unref(self->items[i].resource);
  free(self->items);
  egress_snapshot_builder_free(self->builder);
}

static egress_snapshot *read_document(body *self, const egress_document *document) {
  egress_snapshot *snap = NULL;
  if (egress_snapshot_builder_new(&self->builder, NULL, NULL) != 0)
    return NULL;
  read_root(self, egress_document_root(document));
  if (self->faults->count == 0 && !self->no_memory && build(&snap, self) == 0)
    find_twins(self, snap);
  if (self->faults->count > 0) {
    egress_snapshot_unref(snap);
    snap = NULL;
  }
  return snap;
}

int body_read(egress_snapshot **out, const char *text, size_t size, faults *found) {
  body self = {.faults = found, .diag = egress_diag_new(NULL)};
  egress_document *document = NULL;
  egress_snapshot *snap = NULL;
  if (self.diag == NULL)
    return -1;
  int rv = egress_document_from_json(&document, text, size, "body", NULL, self.diag);
  if (rv == 0)
    snap = read_document(&self, document);
  else
    add_failure(&self, NULL, rv);
  dispose(&self);
  egress_document_free(document);
  egress_diag_free(self.diag);
  if (snap == NULL)
    return -1;
  *out = snap;
  return 0;
}
