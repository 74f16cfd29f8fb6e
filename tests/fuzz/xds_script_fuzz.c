/*
 * A script of snapshot changes and client actions from bytes, played against two clients that know only the protocol.
 * Each holds what it was sent; what it refuses it takes over in part, as Envoy does. In the end, when all is quiet and
 * accepted, every client must hold just what the snapshot has of what it wants.
 */
#include <stdint.h>

#include "support/xds.h"

enum {
  TYPES = 4,
  NAMES = 8,
  CLIENTS = 2,
  QUEUE = TYPES,
  /* Enough for ever: a type takes 80 bytes of names in a table of 1,024, and 300 of versions in one of 512. */
  BYTES = 2048 * TYPES,
  NOISE_BYTES = 600 /* one table and a few names */
};

static const char letters[] = "CELR"; /* in the order in which they must be sent */

/* The script. */
typedef struct script {
  const uint8_t *data;
  size_t size;
} script;

static unsigned take(script *s, unsigned limit) {
  if (s->size == 0)
    return 0;
  s->size--;
  return *s->data++ % limit;
}

/* What a client knows of one type. */
typedef struct view {
  int started;
  int wildcard;
  int named;                      /* it said a name on this stream */
  uint8_t wanted;                 /* names, a bit each */
  uint8_t held[NAMES];            /* content of each name; 0: it has none */
  char versions[NAMES][XDS_WORD]; /* delta: of what it holds */
  char nonce[XDS_WORD];           /* of the last response handled */
  /* For checks of what the server sends: */
  char refused[XDS_WORD]; /* version of the response refused last; "": all accepted since */
  int asking;             /* the subscription changed since the last response was made */
  uint8_t asked;          /* delta: names asked for since the last response was made */
  int asked_all;
} view;

typedef struct client {
  egress__xds_variant variant;
  egress__stream_config config;
  egress__stream *stream;
  view views[TYPES];
  xds_response queue[QUEUE]; /* sent and not handled, oldest first */
  size_t queued;
  uint64_t last_nonce;
} client;

typedef struct world {
  egress_cache *cache;
  uint8_t content[TYPES][NAMES];
  client clients[CLIENTS];
} world;

static void on_ready(egress__stream *stream, void *user) {
  (void)stream;
  (void)user;
}

static void on_event(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)user;
  assert(event->type_url != NULL && event->version != NULL && event->message != NULL && event->peer != NULL);
}

static int is_whole(int type) {
  return letters[type] == 'C' || letters[type] == 'L';
}

static int covers(const view *v, int name) {
  return v->wildcard || (v->wanted >> name & 1);
}

/* Snapshots. Half of the clusters have endpoints of the same name. */
static void set_snapshot(world *w, const char *group) {
  char text[XDS_TEXT] = "";
  for (int type = 0; type < TYPES; type++) {
    sprintf(text + strlen(text), " %c:", letters[type]);
    for (int name = 0; name < NAMES; name++)
      if (w->content[type][name] != 0)
        sprintf(text + strlen(text), " %c=%d%s", 'a' + name, w->content[type][name],
                letters[type] == 'C' && name % 2 == 0 ? "!" : "");
  }
  egress_snapshot *snap;
  assert(xds_snapshot_new(&snap, text, NULL) == 0);
  assert(egress_cache_set(w->cache, group, snap) == 0);
  egress_snapshot_unref(snap);
}

static void change_snapshot(world *w, script *s) {
  for (unsigned count = 1 + take(s, 4); count > 0; count--)
    w->content[take(s, TYPES)][take(s, NAMES)] = (uint8_t)take(s, 4);
  set_snapshot(w, "g");
}

/* Requests. */
static void connect_client(world *w, client *c, size_t max_bytes) {
  c->config =
      (egress__stream_config){egress__alloc_or_default(NULL), w->cache, "fuzz", 1000, max_bytes, on_ready, on_event};
  assert(egress__stream_new(&c->stream, &c->config, c->variant, c) == 0);
  c->queued = 0;
  c->last_nonce = 0;
}

static void send_request(client *c, const xds_request *given) {
  static uint8_t bytes[XDS_REQUEST];
  xds_request request = *given;
  egress__stream_fault fault = {0};
  request.node_id = "n";
  request.cluster = "g";
  assert(egress__stream_request(c->stream, bytes, xds_encode(bytes, c->variant, &request), &fault) == 0);
}

static const char *list(char out[XDS_WORD], uint8_t names, int star) {
  size_t used = (size_t)sprintf(out, "%s", star ? "*" : "");
  for (int name = 0; name < NAMES; name++)
    if (names >> name & 1)
      used += (size_t)sprintf(out + used, " %c", 'a' + name);
  return out;
}

/* State of the world: the whole list, with the nonce of what was handled last. */
static void send_list(client *c, int type, const char *error) {
  view *v = &c->views[type];
  char names[XDS_WORD];
  int legacy = v->wildcard && !v->named;
  list(names, v->wanted, v->wildcard && !legacy);
  send_request(c, &(xds_request){.type = letters[type], .names = names, .nonce = v->nonce, .error = error});
}

static void forget_unwanted(view *v) {
  for (int name = 0; name < NAMES; name++)
    if (!covers(v, name))
      v->held[name] = 0;
}

static void change_list(client *c, int type, uint8_t names, int star) {
  view *v = &c->views[type];
  v->named |= names != 0 || star;
  v->wildcard = star || (!v->named && is_whole(type));
  v->wanted = names;
  v->asking = 1;
  forget_unwanted(v);
  send_list(c, type, NULL);
}

static void send_delta(client *c, int type, uint8_t add, int star, uint8_t drop, int unstar, const char *initial) {
  view *v = &c->views[type];
  char added[XDS_WORD], dropped[XDS_WORD];
  send_request(c, &(xds_request){.type = letters[type],
                                 .names = list(added, add, star),
                                 .drop = list(dropped, drop, unstar),
                                 .initial = initial});
  v->asking = 1;
}

static void change_delta(client *c, int type, uint8_t add, int star, uint8_t drop, int unstar) {
  view *v = &c->views[type];
  drop &= (uint8_t)~add;
  unstar = unstar && !star;
  send_delta(c, type, add, star, drop, unstar, NULL);
  v->asked |= add | (v->wildcard && !unstar ? drop & v->wanted : 0);
  v->asked_all |= star;
  v->wildcard = star || (v->wildcard && !unstar) || (!v->started && add == 0 && is_whole(type));
  v->asked_all |= !v->started && v->wildcard;
  v->wanted = (uint8_t)((v->wanted | add) & ~drop);
  forget_unwanted(v);
}

static void change_subscription(client *c, script *s) {
  int type = (int)take(s, TYPES);
  uint8_t names = (uint8_t)take(s, 256);
  unsigned flags = take(s, 16);
  view *v = &c->views[type];
  if (c->variant == EGRESS__XDS_SOTW) {
    change_list(c, type, flags & 1 ? names : 0, flags >> 1 == 0);
  } else {
    uint8_t drop = flags & 4 ? (uint8_t)take(s, 256) : 0;
    int first = !v->started;
    change_delta(c, type, flags & 1 ? names : 0, flags >> 1 == 0, first ? 0 : drop, !first && (flags & 8) != 0);
  }
  v->started = 1;
}

/* A new stream: the client says again all that it wants and, in delta, what it holds. */
static void reconnect(world *w, client *c) {
  egress__stream_free(c->stream);
  connect_client(w, c, BYTES);
  for (int type = 0; type < TYPES; type++) {
    view *v = &c->views[type];
    char initial[XDS_TEXT] = "";
    for (int name = 0; name < NAMES; name++)
      if (v->held[name] != 0)
        sprintf(initial + strlen(initial), " %c=%s", 'a' + name, v->versions[name]);
    v->nonce[0] = v->refused[0] = '\0';
    v->asked = 0;
    v->asked_all = 0;
    v->started = v->started && (v->wildcard || v->wanted != 0);
    v->named = v->wanted != 0 || (v->wildcard && !is_whole(type));
    if (!v->started)
      memset(v->held, 0, sizeof v->held);
    else if (c->variant == EGRESS__XDS_SOTW)
      send_list(c, type, NULL);
    else
      send_delta(c, type, v->wanted, v->wildcard && v->named, 0, 0, initial);
  }
}

/* Responses, as they are made. */
static int type_of(const xds_response *response) {
  const char *letter = strchr(letters, response->type);
  assert(letter != NULL && *letter != '\0');
  return (int)(letter - letters);
}

static void check_puts(const client *c, const xds_response *response, const view *v) {
  int delta = c->variant == EGRESS__XDS_DELTA;
  for (size_t i = 0; i < response->count; i++) {
    int name = response->puts[i][0] - 'a', value = atoi(response->puts[i] + 2);
    if (!delta) /* its newest list may be stale: not checked */
      continue;
    assert(covers(v, name) || (v->asked >> name & 1)); /* c43, c44 */
    if (v->refused[0] == '\0' && !v->asked_all && !(v->asked >> name & 1) && response->type != 'E')
      assert(v->held[name] != value); /* c28, c48, c54 */
  }
}

static void check_response(client *c, const xds_response *response) {
  int type = type_of(response);
  view *v = &c->views[type];
  uint64_t nonce = strtoull(response->nonce, NULL, 10);
  assert(nonce > c->last_nonce); /* c10 */
  c->last_nonce = nonce;
  for (size_t i = 0; i < c->queued; i++)
    assert(c->queue[i].type != response->type);                                             /* c22 */
  assert(strcmp(response->version, v->refused) != 0 || v->asking || response->type == 'E'); /* c18 */
  check_puts(c, response, v);
  v->asking = 0;
  v->asked = 0;
  v->asked_all = 0;
}

static void drain(client *c) {
  egress__response response;
  int rv, last_type = -1;
  while ((rv = egress__stream_next(c->stream, &response)) == 1) {
    xds_response read;
    xds_decode(&read, &response, c->variant);
    check_response(c, &read);
    assert(type_of(&read) > last_type); /* c58 */
    last_type = type_of(&read);
    assert(c->queued < QUEUE);
    c->queue[c->queued++] = read;
  }
  assert(rv == 0);
}

/* Responses, as the client handles them: `part` has a bit for each name that is taken over. */
static void apply(client *c, view *v, const xds_response *response, uint8_t part) {
  uint8_t absent = 0xff;
  for (size_t i = 0; i < response->count; i++) {
    int name = response->puts[i][0] - 'a';
    absent &= (uint8_t) ~(1U << name);
    if (!(part >> name & 1) || !covers(v, name))
      continue;
    v->held[name] = (uint8_t)atoi(response->puts[i] + 2);
    memcpy(v->versions[name], response->versions[i], XDS_WORD);
  }
  if (c->variant == EGRESS__XDS_DELTA) {
    absent = 0;
    for (size_t i = 0; i < response->removed; i++)
      absent |= (uint8_t)(1U << (response->gone[i][0] - 'a'));
  } else if (!is_whole(type_of(response))) {
    absent = 0;
  }
  for (int name = 0; name < NAMES; name++)
    if (absent & part & (1U << name))
      v->held[name] = 0;
}

static void handle(client *c, uint8_t part, int accept) {
  if (c->queued == 0)
    return;
  xds_response response = c->queue[0];
  memmove(c->queue, c->queue + 1, --c->queued * sizeof c->queue[0]);
  int type = type_of(&response);
  view *v = &c->views[type];
  apply(c, v, &response, accept ? 0xff : part);
  memcpy(v->nonce, response.nonce, XDS_WORD);
  if (!accept)
    memcpy(v->refused, response.version, XDS_WORD);
  else if (strcmp(v->refused, response.version) != 0)
    v->refused[0] = '\0'; /* else only what was asked for came: the rest is in doubt still */
  if (c->variant == EGRESS__XDS_SOTW)
    send_list(c, type, accept ? NULL : "refused");
  else
    send_request(c, &(xds_request){.type = letters[type], .nonce = v->nonce, .error = accept ? NULL : "refused"});
}

/* A stream that says what it likes. */
static void send_noise(world *w, script *s) {
  client c = {.variant = take(s, 2) ? EGRESS__XDS_DELTA : EGRESS__XDS_SOTW};
  connect_client(w, &c, NOISE_BYTES);
  egress__stream_fault fault;
  int rv = 0;
  while (rv == 0 && s->size > 0) {
    size_t size = take(s, 64);
    size = size < s->size ? size : s->size;
    rv = egress__stream_request(c.stream, s->data, size, &fault);
    s->data += size;
    s->size -= size;
    egress__response response;
    for (int rv_next; rv == 0 && (rv_next = egress__stream_next(c.stream, &response)) == 1;)
      egress__blob_unref(response.body);
  }
  assert(rv == 0 || fault.message[0] != '\0');
  egress__stream_free(c.stream);
}

/* The end: all that is in flight is accepted, until there is no more. */
static void settle(client *c) {
  for (int round = 0; drain(c), c->queued > 0; round++) {
    assert(round < 100);
    handle(c, 0xff, 1);
  }
}

static void check_view(const world *w, const client *c, int type) {
  const view *v = &c->views[type];
  for (int name = 0; v->started && name < NAMES; name++) {
    int value = w->content[type][name];
    if (!covers(v, name))
      assert(v->held[name] == 0);
    else if (value != 0 || is_whole(type) || c->variant == EGRESS__XDS_DELTA)
      assert(v->held[name] == value);
  }
}

static void check_end(world *w) {
  set_snapshot(w, "g"); /* it may have been cleared */
  for (int i = 0; i < CLIENTS; i++) {
    settle(&w->clients[i]);
    for (int type = 0; type < TYPES; type++)
      if (w->clients[i].views[type].refused[0] == '\0')
        check_view(w, &w->clients[i], type);
  }
  for (int type = 0; type < TYPES; type++)
    w->content[type][NAMES - 1] = 9; /* what was refused comes with the next change */
  set_snapshot(w, "g");
  for (int i = 0; i < CLIENTS; i++) {
    settle(&w->clients[i]);
    for (int type = 0; type < TYPES; type++)
      check_view(w, &w->clients[i], type);
  }
}

static void act(world *w, script *s) {
  unsigned what = take(s, 16);
  client *c = &w->clients[what & 1];
  switch (what >> 1) {
  case 0:
    change_snapshot(w, s);
    break;
  case 1:
  case 2:
    change_subscription(c, s);
    break;
  case 3:
    drain(c);
    break;
  case 4:
    drain(c);
    handle(c, 0xff, 1);
    break;
  case 5:
    handle(c, (uint8_t)take(s, 256), 0);
    break;
  case 6:
    reconnect(w, c);
    break;
  default:
    if (take(s, 4) == 0)
      send_noise(w, s);
    else if (what & 1)
      egress_cache_clear(w->cache, "g");
    else
      settle(c);
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  script s = {data, size};
  static world w;
  w = (world){0};
  assert(egress_cache_new(&w.cache, NULL) == 0);
  unsigned variants = take(&s, 4);
  for (int i = 0; i < CLIENTS; i++) {
    w.clients[i].variant = variants >> i & 1 ? EGRESS__XDS_DELTA : EGRESS__XDS_SOTW;
    connect_client(&w, &w.clients[i], BYTES);
  }
  while (s.size > 0)
    act(&w, &s);
  check_end(&w);
  for (int i = 0; i < CLIENTS; i++)
    egress__stream_free(w.clients[i].stream);
  egress_cache_unref(w.cache);
  return 0;
}
