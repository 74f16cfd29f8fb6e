#include "model/client.h"

#include "cache/step.h"
#include "model/judge.h"

/* Enough for ever: a type takes a table of 512 bytes and few names, and the same once more for versions. */
enum { BYTES_MAX = 2048 * TYPES };

enum { PASSES_MS = 700 /* before a client takes what is due by a step: now and then a heartbeat is */ };

static const char strange_nonce[] = "99999999";

/* An empty list of names may mean everything. */
static int has_legacy(int type) {
  return strchr("CLP", TYPE_LETTERS[type]) != NULL;
}

int is_whole(const client *c, int type) {
  return c->variant == EGRESS__XDS_SOTW && has_legacy(type);
}

/* 1 when `name` is one of `names`, or below the glob that is. */
static int is_among(const view *v, uint8_t names, int name) {
  return names >> name & 1 || (v->delta && names >> GLOB & 1 && BELOW >> name & 1);
}

static int is_wanted(const view *v, int name) {
  return v->wildcard || is_among(v, v->wanted, name);
}

int is_listed(const view *v, int name) {
  return v->listed_all || is_among(v, v->listed, name);
}

uint8_t removed_names(const xds_response *response) {
  unsigned names = 0;
  for (size_t i = 0; i < response->removed; i++) {
    int name = name_of(response->gone[i]);
    names |= name == GLOB ? BELOW : 1U << name;
  }
  return (uint8_t)names;
}

uint8_t mentioned(const xds_response *response) {
  unsigned names = removed_names(response);
  for (size_t i = 0; i < response->count; i++)
    names |= 1U << name_of(response->puts[i]);
  return (uint8_t)names;
}

static void on_ready(egress__stream *stream, void *user) {
  client *c = user;
  assert(c->stream == stream);
  c->ready = 1;
}

static void on_event(egress__stream *stream, const egress_event *event, void *user) {
  client *c = user;
  assert(strcmp(event->group, group_name(c->group)) == 0 && strcmp(egress__stream_node_id(stream), "n") == 0);
  if (event->kind == EGRESS_EVENT_CONNECTED)
    return;
  c->events++;
  c->refusals += event->kind == EGRESS_EVENT_NACKED;
  snprintf(c->event_version, XDS_WORD, "%s", event->version);
}

/* The last two of clients that the server keeps waiting for what they accept; these refuse nothing. */
static uint8_t is_gated(int id) {
  return id >= CLIENTS / 2;
}

void client_begin(client *c, int id, const groups *g) {
  *c = (client){.id = id, .variant = id % 2 == 0 ? EGRESS__XDS_SOTW : EGRESS__XDS_DELTA, .groups = g};
  c->config = (egress__stream_config){
      .alloc = g->alloc,
      .cache = g->cache,
      .identifier = "model",
      .max_subscriptions = 1000,
      .max_bytes = BYTES_MAX,
      .on_ready = on_ready,
      .on_event = on_event,
      .gate_on_ack = is_gated(id),
  };
}

void client_end(client *c) {
  egress__stream_free(c->stream);
  c->stream = NULL;
}

uint8_t unsayable(const client *c, int type) {
  unsigned names = 0;
  for (int name = 0; c->variant == EGRESS__XDS_SOTW && name < NAMES; name++)
    names |= (unsigned)(c->due.value[type][name] == 0) << name;
  return (uint8_t)names;
}

int is_refused(const view *v, const char *version) {
  return strcmp(v->refused, version) == 0 || strcmp(v->refused_as, version) == 0;
}

static void be_due(client *c, const content *due) {
  c->due = *due;
  for (int type = 0; type < TYPES; type++) {
    view *v = &c->views[type];
    v->moved |= strcmp(v->refused, due->version[type]) != 0;
    v->repeatable |= unsayable(c, type);
  }
}

void client_notice(client *c) {
  content due = groups_content(c->groups, c->group);
  be_due(c, &due);
}

void client_notice_clear(client *c) {
  if (c->taken.exists)
    be_due(c, &c->taken);
  else
    client_notice(c);
}

/* Who it is stands in the first request only. */
static void send(client *c, xds_request request) {
  static uint8_t bytes[XDS_REQUEST];
  egress__stream_fault fault = {0};
  if (!c->joined) {
    request.node_id = "n";
    request.cluster = group_name(c->group);
    request.features = c->id == 1 ? "xds.config.supports-resource-ttl" : NULL; /* one of delta */
    c->joined = 1;
    client_notice(c);
  }
  assert(egress__stream_request(c->stream, bytes, xds_encode(bytes, c->variant, &request), &fault) == 0);
  c->ready = 1;
}

static const char *list(char out[XDS_TEXT], uint8_t names, int star) {
  size_t used = (size_t)snprintf(out, XDS_TEXT, "%s", star ? "*" : "");
  for (int name = 0; name <= GLOB; name++)
    if (names >> name & 1)
      used += (size_t)snprintf(out + used, XDS_TEXT - used, " %s", name_asked(name));
  return out;
}

/* The client holds nothing that it does not want, from when it says so. */
static void let_go(view *v) {
  for (int name = 0; name < NAMES; name++)
    if (!is_wanted(v, name))
      v->held[name] = 0;
}

/* The server knows what the client wants: that is all that it may send. */
static void be_known(view *v) {
  v->unheard = 0;
  v->listed_all = v->wildcard;
  v->listed = v->wanted;
  v->left_all = v->left = 0;
  v->asked_all = v->asked_all && v->listed_all;
  v->asked_glob = v->asked_glob && (v->listed_all || v->listed >> GLOB & 1);
  let_go(v);
  for (int name = 0; name < NAMES; name++) {
    if (is_listed(v, name))
      continue;
    v->told[name] = 0;
    v->asked &= (uint8_t) ~(1U << name);
    v->warming &= (uint8_t) ~(1U << name);
  }
}

/*
 * A list that the server does not answer, nor counts what is new in it. What it leaves out may come back in the next
 * one: then the client has nothing of it any more, though to the server it was there all the time.
 */
static void be_unheard(view *v) {
  v->unheard = 1;
  v->left |= (uint8_t)(v->listed & ~v->wanted);
  v->left_all |= v->listed_all && !v->wildcard;
  let_go(v);
}

/* State of the world: the list as it is now. */
static void send_list(client *c, int type, const char *nonce, const char *error) {
  view *v = &c->views[type];
  char names[XDS_TEXT];
  list(names, v->wanted, v->wildcard && v->named);
  send(c, (xds_request){.type = TYPE_LETTERS[type], .names = names, .nonce = nonce, .error = error});
  v->started = 1;
  if (v->made[0] != '\0' && strcmp(nonce, v->made) != 0) { /* c12, c13 */
    be_unheard(v);
    return;
  }
  v->asked |= (uint8_t)((~v->listed | v->left) & v->wanted); /* c37 */
  v->asked_all |= v->wildcard && (!v->listed_all || v->left_all);
  be_known(v);
}

/* c31, c32, c34 */
static void change_list(client *c, int type, const step *s, const char *nonce, const char *error) {
  view *v = &c->views[type];
  int star = (s->flags & FLAG_STAR) != 0;
  v->named |= s->names != 0 || star;
  v->wildcard = star || (!v->named && has_legacy(type));
  v->wanted = s->names;
  if (s->flags & FLAG_STRANGE && v->made[0] == '\0')
    nonce = strange_nonce; /* of another stream: it means nothing */
  send_list(c, type, nonce, error);
}

/* What the client says that it holds: the truth, and the claims of the step. */
static const char *list_held(char out[XDS_TEXT], const view *v, const step *s) {
  size_t used = 0;
  out[0] = '\0';
  for (int name = 0; name < NAMES; name++)
    if (s->claims >> name & 1)
      used += (size_t)snprintf(out + used, XDS_TEXT - used, " %s=made-up", name_asked(name));
    else if (v->held[name] != 0)
      used += (size_t)snprintf(out + used, XDS_TEXT - used, " %s=%s", name_asked(name), v->versions[name]);
  return out;
}

static uint8_t held_names(const view *v) {
  unsigned names = 0;
  for (int name = 0; name < NAMES; name++)
    names |= (unsigned)(v->held[name] != 0) << name;
  return (uint8_t)names;
}

/* Delta: what a request means, without a word about what the client holds. c31, c33, c38, c40 */
static void change_wanted(view *v, int type, const step *s) {
  int star = (s->flags & FLAG_STAR) != 0, unstar = (s->flags & FLAG_UNSTAR) != 0;
  int legacy = !v->started && s->names == 0 && !star && has_legacy(type);
  uint8_t dropped = v->wanted & s->drop;
  v->wildcard = (v->wildcard || star || legacy) && !unstar;
  v->wanted = (uint8_t)((v->wanted | s->names) & ~dropped);
  v->asked |= (s->names | dropped) & ((1 << NAMES) - 1);
  if (s->names >> GLOB & 1 || (dropped >> GLOB & 1 && v->wildcard)) { /* c70; c40 */
    v->asked_glob = 1;
    v->excused = 0;
    v->repeatable |= v->started ? 0xff : BELOW; /* no more counts what it came with, as for "*" */
  }
  if (star && v->started)
    v->repeatable = 0xff; /* also when it changes its mind before it is answered */
  v->asked_all |= star || legacy;
}

/*
 * The client holds no more of what it asks for. Names of their own it has to ask for by themselves (c38): if it drops a
 * glob or "*" again before that is answered, it still wants them, and nothing says that it has them no more.
 */
static void forget(view *v, const step *s) {
  for (int name = 0; name < NAMES; name++)
    if (s->names >> name & 1 || (is_among(v, s->names, name) && !(v->wanted >> name & 1)) ||
        (s->flags & FLAG_STAR && !is_among(v, v->wanted, name)))
      v->held[name] = v->told[name] = 0;
}

static void change_delta(client *c, int type, const step *s, const char *nonce, const char *error) {
  view *v = &c->views[type];
  char added[XDS_TEXT], dropped[XDS_TEXT], held[XDS_TEXT];
  if (s->flags & FLAG_FORGET)
    forget(v, s);
  int says = !v->started || s->flags & FLAG_CLAIMS; /* c56: later it means nothing */
  if (s->flags & FLAG_STRANGE && nonce == NULL)
    nonce = strange_nonce; /* c15: what is asked for counts all the same */
  send(c, (xds_request){.type = TYPE_LETTERS[type],
                        .names = list(added, s->names, s->flags & FLAG_STAR),
                        .drop = list(dropped, s->drop, s->flags & FLAG_UNSTAR),
                        .initial = says ? list_held(held, v, s) : NULL,
                        .nonce = nonce,
                        .error = error});
  change_wanted(v, type, s);
  if (!v->started) { /* c54; and c55: what was made up is wrong, so it has to be put right */
    v->came_with = held_names(v) | s->claims;
    v->excused = (uint8_t)(held_names(v) & ~s->claims);
    v->asked = (uint8_t)((v->asked & ~held_names(v)) | s->claims);
  }
  v->started = 1;
  be_known(v);
}

static void change(client *c, int type, const step *s, const char *nonce, const char *error) {
  if (c->variant == EGRESS__XDS_SOTW)
    change_list(c, type, s, nonce == NULL ? c->views[type].handled : nonce, error);
  else
    change_delta(c, type, s, nonce, error);
}

/* A request with a nonce that is not the newest: in state of the world another list, in delta nothing new. */
static void send_stale(client *c, const step *s) {
  const view *v = &c->views[s->type];
  if (v->made[0] == '\0')
    return;
  const char *nonce = s->flags & FLAG_STRANGE ? strange_nonce : v->in_flight ? v->handled : "";
  const char *error = s->flags & FLAG_REFUSE ? "stale" : NULL;
  if (c->variant == EGRESS__XDS_SOTW)
    change_list(c, s->type, s, nonce, error);
  else
    send(c, (xds_request){.type = TYPE_LETTERS[s->type], .nonce = nonce, .error = error});
}

/* What a client takes over of a response: `part` of the names. */
static void apply(client *c, int type, uint8_t part) {
  view *v = &c->views[type];
  const xds_response *response = &v->response;
  unsigned gone = is_whole(c, type) ? ~(unsigned)mentioned(response) : 0;
  for (size_t i = 0; i < response->count; i++) {
    int name = name_of(response->puts[i]), value = content_of(response->puts[i]);
    if (!(part >> name & 1) || !is_listed(v, name))
      continue;
    v->told[name] = (uint8_t)value;
    v->held[name] = (uint8_t)(is_wanted(v, name) ? value : 0);
    memcpy(v->versions[name], response->versions[i], XDS_WORD);
  }
  gone |= removed_names(response);
  for (int name = 0; name < NAMES; name++)
    if (part & gone & (1U << name))
      v->held[name] = v->told[name] = 0;
}

/* c58: names that are on their way out, and stay until what leads to them is gone. */
static uint8_t leaving(const client *c, int type) {
  unsigned names = 0;
  for (int name = 0; name < NAMES; name++)
    names |= (unsigned)(c->taken.value[type][name] == 0) << name;
  return (uint8_t)names;
}

static void remember_answer(client *c, int type, int accept) {
  view *v = &c->views[type];
  uint8_t names = is_whole(c, type) || v->answers_all ? 0xff : mentioned(&v->response);
  /* c58: half of a change has a version of its own, and stands for the whole. */
  const char *whole = c->taken.version[type];
  int is_half = strcmp(v->response.version, whole) != 0;
  if (!accept) {
    names |= is_half ? leaving(c, type) : 0; /* of which it will not hear */
    memcpy(v->refused, whole, XDS_WORD);
    memcpy(v->refused_as, v->response.version, XDS_WORD);
    v->glob_refused |= v->answers_glob;
    v->doubt |= names;
    v->unsettled |= names;
    v->moved = strcmp(v->refused, c->due.version[type]) != 0;
    return;
  }
  int is_part = !is_half || !v->answers_all;
  v->doubt &= (uint8_t)(~names | (is_half && is_part ? leaving(c, type) : 0));
  if (is_part && (is_refused(v, v->response.version) || is_refused(v, whole)))
    return; /* only what was asked for came; with a change all comes that was refused before */
  v->doubt = v->unsettled = 0;
  v->glob_refused = 0;
  v->refused[0] = v->refused_as[0] = '\0';
}

/*
 * The part of a refused response that the client takes over all the same. The server remembers so many refused sets:
 * what a client took of one is put right by as many responses, of which it has to take over the last.
 */
static uint8_t part_of_refused(view *v, uint8_t part) {
  if (v->odd != 0 || part != 0)
    v->odd++;
  if (v->odd <= EGRESS__BASES_MAX - 1)
    return part;
  v->odd = 1;
  return 0xff;
}

static void answer(client *c, int type, const step *s) {
  view *v = &c->views[type];
  int accept = !(s->flags & FLAG_REFUSE) || is_gated(c->id);
  const char *error = accept ? NULL : "refused";
  apply(c, type, accept ? 0xff : part_of_refused(v, s->part));
  if (accept)
    v->odd = 0;
  remember_answer(c, type, accept);
  v->in_flight = 0;
  memcpy(v->handled, v->response.nonce, XDS_WORD);
  c->events = c->refusals = 0;
  if (s->flags & FLAG_CHANGE)
    change(c, type, s, v->handled, error);
  else if (c->variant == EGRESS__XDS_SOTW)
    send_list(c, type, v->handled, error);
  else
    send(c, (xds_request){.type = TYPE_LETTERS[type], .nonce = v->handled, .error = error});
  MUST(c->events == 1 && c->refusals == !accept, "c20: the answer is reported once, as what it is");
  MUST(strcmp(c->event_version, v->response.version) == 0, "c20: the answer is reported with its version");
}

static void answer_any(client *c, const step *s) {
  for (int i = 0; i < TYPES; i++)
    if (c->views[(s->type + i) % TYPES].in_flight) {
      answer(c, (s->type + i) % TYPES, s);
      return;
    }
}

/* The stream of before is gone; what the client holds is not, unless it forgets. */
static void begin_view(view *v, int delta, int forget) {
  view old = *v;
  memset(v, 0, sizeof *v);
  v->delta = delta;
  memcpy(v->versions, old.versions, sizeof v->versions);
  if (forget)
    return;
  memcpy(v->held, old.held, sizeof v->held);
  memcpy(v->told, old.held, sizeof v->told);
}

static void resubscribe(client *c, int type, const view *old, const step *s) {
  step again = {.names = old->wanted, .flags = s->flags & (FLAG_CLAIMS | FLAG_STRANGE), .claims = s->claims};
  if (old->wildcard && (old->wanted != 0 || !has_legacy(type)))
    again.flags |= FLAG_STAR;
  if (old->started && (old->wildcard || old->wanted != 0))
    change(c, type, &again, NULL, NULL);
}

static void reconnect(client *c, const step *s) {
  static view old[TYPES];
  memcpy(old, c->views, sizeof old);
  client_end(c);
  assert(egress__stream_new(&c->stream, &c->config, c->variant, NULL, c) == 0);
  c->group = s->group % 2;
  c->joined = c->ready = 0;
  c->last_nonce = 0;
  c->due = c->taken = (content){0};
  for (int type = 0; type < TYPES; type++)
    begin_view(&c->views[type], c->variant == EGRESS__XDS_DELTA, s->flags & FLAG_FORGET);
  for (int type = 0; type < TYPES; type++)
    if (s->part >> type & 1)
      resubscribe(c, type, &old[type], s);
}

/* What the client will hold of a route once it accepts the response in flight. */
static int coming(const view *routes, int name) {
  for (size_t i = 0; routes->in_flight && i < routes->response.count; i++)
    if (name_of(routes->response.puts[i]) == name)
      return content_of(routes->response.puts[i]);
  return routes->held[name];
}

/*
 * Routes that lead nowhere by what the client is being brought to: they stay as they are without their cluster, or, in
 * state of the world, they are gone and there is no word for that (c46).
 */
static void leave_routes(client *c) {
  view *routes = &c->views[ROUTES];
  for (int name = 0; name < NAMES; name++)
    if (c->taken.value[ROUTES][name] == 0
            ? c->variant == EGRESS__XDS_SOTW
            : c->taken.value[ROUTES][name] == coming(routes, name) && c->taken.value[CLUSTERS][name] == 0)
      routes->leads &= (uint8_t) ~(1U << name);
}

/* What is due is begun unless it changes a type that has a response in flight: that would be overtaken. */
static void begin_due(client *c) {
  for (int type = 0; type < TYPES; type++)
    if (c->views[type].in_flight && strcmp(c->views[type].made_version, c->due.version[type]) != 0)
      return;
  c->taken = c->due;
  leave_routes(c);
}

/* c63: it is of what the client holds, and taken at once, which changes nothing and is no event. */
static int take_heartbeat(client *c, const xds_response *read) {
  view *v = &c->views[strchr(TYPE_LETTERS, read->type) - TYPE_LETTERS];
  if (read->count == 0 || strchr(read->puts[0], '~') == NULL)
    return 0;
  uint64_t nonce = strtoull(read->nonce, NULL, 10);
  MUST(nonce > c->last_nonce, "c10: the nonce %s is not new", read->nonce);
  MUST(read->removed == 0 && !v->in_flight, "c63: a heartbeat of %c out of place", read->type);
  for (size_t i = 0; i < read->count; i++) {
    int name = name_of(read->puts[i]);
    MUST(strchr(read->puts[i], '~') != NULL, "c63: %c %c in a heartbeat", read->type, 'a' + name);
    MUST(is_listed(v, name), "c63: a heartbeat of %c %c, which is not wanted", read->type, 'a' + name);
    MUST(v->held[name] != 0 && strcmp(v->versions[name], read->versions[i]) == 0,
         "c63: a heartbeat of %c %c, which the client does not hold", read->type, 'a' + name);
  }
  c->last_nonce = nonce;
  memcpy(v->handled, read->nonce, XDS_WORD);
  c->events = 0;
  send(c, (xds_request){.type = read->type, .nonce = read->nonce});
  MUST(c->events == 0, "c63: a heartbeat is an event");
  return 1;
}

int client_drain(client *c) {
  egress__response response;
  int rv, count = 0, last_type = -1;
  c->ready = 0;
  if (c->due.exists)
    begin_due(c);
  while ((rv = egress__stream_next(c->stream, &response)) == 1) {
    xds_response read;
    xds_decode(&read, &response, c->variant);
    if (take_heartbeat(c, &read))
      continue;
    int type = judge_response(c, &read, last_type);
    last_type = type;
    c->views[type].response = read;
    c->views[type].in_flight = 1;
    count++;
  }
  assert(rv == 0);
  judge_silence(c);
  c->responses += (size_t)count;
  return count;
}

void client_settle(client *c) {
  static const step accept = {.kind = STEP_ANSWER};
  for (int round = 0, busy = 1; c->stream != NULL && busy; round++) {
    MUST(round < 100, "responses never end");
    busy = c->ready;
    if (c->ready)
      client_drain(c);
    for (int type = 0; type < TYPES; type++)
      if (c->views[type].in_flight) {
        answer(c, type, &accept);
        busy = 1;
      }
  }
}

void client_repeat(client *c) {
  for (int type = 0; c->stream != NULL && type < TYPES; type++)
    if (c->views[type].unheard)
      send_list(c, type, c->views[type].handled, NULL);
}

static void drain_later(client *c) {
  c->config.now_ms += PASSES_MS;
  client_drain(c);
}

void client_play(client *c, const step *s) {
  if (s->kind == STEP_CONNECT)
    reconnect(c, s);
  else if (c->stream == NULL)
    return;
  else if (s->kind == STEP_SUBSCRIBE)
    change(c, s->type, s, NULL, NULL);
  else if (s->kind == STEP_STALE)
    send_stale(c, s);
  else if (s->kind == STEP_DRAIN)
    drain_later(c);
  else if (s->kind == STEP_ANSWER)
    answer_any(c, s);
  else if (s->kind == STEP_DISCONNECT)
    client_end(c);
}
