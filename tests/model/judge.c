#include "model/judge.h"

#include <stdarg.h>

void judge_fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  abort();
}

static int type_of(const xds_response *response) {
  const char *letter = strchr(TYPE_LETTERS, response->type);
  assert(letter != NULL && *letter != '\0');
  return (int)(letter - TYPE_LETTERS);
}

/* Types without a place in the order come behind all others. */
static int rank(int type) {
  return type < 4 ? type : 4;
}

/* The name was told before and nothing has happened since. A refused one counts as told while its version stays. */
static int is_told(const view *v, int name, int value) {
  uint8_t bit = (uint8_t)(1U << name);
  int known = v->told[name] == value;
  if (v->asked_all || (v->asked | v->warmed | v->repeatable) & bit)
    return 0;
  if (v->refused[0] != '\0' && v->moved)
    return known && !(v->unsettled & bit);
  return known || v->doubt & bit;
}

/* c70 */
static void judge_empty_glob(const client *c, int type) {
  const view *v = &c->views[type];
  MUST(v->asked_glob || v->glob_refused, "c70: the glob of %c is told to be empty, unasked", TYPE_LETTERS[type]);
  for (int name = FIRST_BELOW; name < NAMES; name++)
    MUST(c->taken.value[type][name] == 0, "c70: the glob of %c is told to be empty, but for %c", TYPE_LETTERS[type],
         'a' + name);
}

/* The client came with what there is of a name, and is not told it for a glob. */
static int is_excused(const view *v, int name, int value) {
  return v->excused >> name & 1 && v->told[name] == value;
}

/* c70: who asks for a glob is told of all below it. What is on its way out may still be there (c58). */
static void judge_glob(const client *c, const xds_response *response, int type) {
  const view *v = &c->views[type];
  int exist = 0, told_empty = 0;
  for (int name = FIRST_BELOW; name < NAMES; name++) {
    int value = c->taken.value[type][name];
    exist += value != 0;
    MUST(value == 0 || mentioned(response) >> name & 1 || is_excused(v, name, value),
         "c70: %c %c is not told for its glob", TYPE_LETTERS[type], 'a' + name);
  }
  for (size_t i = 0; i < response->removed; i++)
    told_empty += name_of(response->gone[i]) == GLOB;
  MUST(exist > 0 || told_empty || type <= ENDPOINTS || (v->excused & BELOW) != 0,
       "c70: the glob of %c is empty, and that is not told", TYPE_LETTERS[type]);
}

/* Each name that a response speaks of must be one to speak of. Returns how many are news. */
static int judge_names(const client *c, const xds_response *response, int type) {
  const view *v = &c->views[type];
  int may_repeat = c->variant == EGRESS__XDS_SOTW && (is_whole(c, type) || v->listed_all), news = 0;
  for (size_t i = 0; i < response->count; i++) {
    int name = name_of(response->puts[i]), told = is_told(v, name, content_of(response->puts[i]));
    MUST(is_listed(v, name), "c43, c44: %c %c is not subscribed to", response->type, 'a' + name);
    MUST(!told || may_repeat, "c28, c47, c48, c54: %c %c is sent again, unchanged", response->type, 'a' + name);
    news += !told;
  }
  for (size_t i = 0; i < response->removed; i++) {
    int name = name_of(response->gone[i]);
    if (name == GLOB) {
      judge_empty_glob(c, type);
      news++;
      continue;
    }
    if (v->came_with >> name & 1) { /* c55, c73: it may be told whether asked for or not, which may be by an alias */
      news++;
      continue;
    }
    MUST(is_listed(v, name), "c43, c44: %c %c is removed and not subscribed to", response->type, 'a' + name);
    MUST(!is_told(v, name, 0), "c48: %c %c is removed, which the client does not have", response->type, 'a' + name);
    news++;
  }
  return news;
}

/* c58: what is gone is told of clusters and endpoints after what led to it; with what was told and refused before. */
static int may_be_late(const client *c, const xds_response *response, int type) {
  const view *v = &c->views[type];
  for (size_t i = 0; i < response->count; i++) {
    int name = name_of(response->puts[i]);
    if (!is_told(v, name, content_of(response->puts[i])) && !((v->unsettled | v->doubt | v->repeatable) >> name & 1))
      return 0;
  }
  return type < 2;
}

/* A response that says nothing new is owed only to who asked. */
static void judge_reason(const client *c, const xds_response *response, int type, int news) {
  const view *v = &c->views[type];
  int refusing = v->refused[0] != '\0' && !v->moved && is_refused(v, response->version);
  int asked = v->asked_all || v->asked_glob || v->asked != 0 || v->warmed != 0;
  MUST(!refusing || asked, "c18: %c is sent again after it was refused", response->type);
  for (int name = 0; is_whole(c, type) && name < NAMES; name++)
    news += !(mentioned(response) >> name & 1) && !is_told(v, name, 0);
  /* All who want everything of a type are sent the same; what is gone shows in its version only. */
  int shared = c->variant == EGRESS__XDS_SOTW && v->listed_all && strcmp(v->made_version, response->version) != 0;
  MUST(news > 0 || v->asked_all || (c->variant == EGRESS__XDS_SOTW && asked) || shared,
       "c18, c76: %c is sent for no reason", response->type);
}

/* c59: a cluster that is new, asked for again or changed waits for its endpoints, however old they are. */
static void note_clusters(client *c, const xds_response *response) {
  const view *clusters = &c->views[0];
  view *endpoints = &c->views[1];
  for (size_t i = 0; i < response->count; i++) {
    int name = name_of(response->puts[i]), service = endpoints_of(name);
    int is_new = clusters->asked_all || clusters->asked >> name & 1 || (clusters->asked_glob && BELOW >> name & 1);
    if (service < 0)
      continue;
    endpoints->warmed |= (uint8_t)(1U << service);
    if (endpoints->started && is_listed(endpoints, service) &&
        (is_new || clusters->told[name] != content_of(response->puts[i])))
      endpoints->warming |= (uint8_t)(1U << service);
  }
}

/* c58: a route that the client holds, and did not refuse to give up, still leads to the cluster of its name. */
static int is_led_to(const client *c, int name) {
  const view *routes = &c->views[ROUTES];
  return routes->leads >> name & 1 && routes->held[name] != 0 && routes->held[name] == routes->told[name] &&
         routes->held[name] != c->taken.value[ROUTES][name] && is_listed(routes, name) &&
         !(routes->doubt >> name & 1) && !routes->unheard;
}

static void judge_clusters(const client *c, const xds_response *response) {
  const view *clusters = &c->views[CLUSTERS];
  unsigned gone = is_whole(c, CLUSTERS) ? ~(unsigned)mentioned(response) : 0;
  gone |= removed_names(response);
  for (int name = 0; name < NAMES; name++)
    MUST(!(gone >> name & 1) || clusters->held[name] == 0 || !is_listed(clusters, name) || !is_led_to(c, name),
         "c58: client %d loses the cluster %c before its route", c->id, 'a' + name);
}

static void note_routes(client *c, const xds_response *response) {
  for (size_t i = 0; i < response->count; i++) {
    int name = name_of(response->puts[i]), exists = c->taken.value[CLUSTERS][name] != 0;
    uint8_t *leads = &c->views[ROUTES].leads;
    *leads = (uint8_t)((*leads & ~(1U << name)) | (unsigned)exists << name);
  }
}

static void note_response(client *c, const xds_response *response, int type) {
  view *v = &c->views[type];
  if (type == CLUSTERS)
    judge_clusters(c, response);
  if (type == ROUTES)
    note_routes(c, response);
  uint8_t names = is_whole(c, type) ? 0xff : mentioned(response);
  if (response->type == 'C')
    note_clusters(c, response);
  if (v->asked_glob)
    judge_glob(c, response, type);
  v->answers_glob = v->asked_glob;
  v->asked_glob = v->excused = 0;
  v->answers_all = v->asked_all || v->made[0] == '\0';
  v->unsettled |= v->refused[0] != '\0' ? names : 0;
  v->asked &= (uint8_t)~names;
  v->warming &= (uint8_t)~names;
  v->repeatable = (uint8_t)((v->repeatable & ~names) | unsayable(c, type));
  /* It may be told before, and with, its change. */
  if (c->config.gate_on_ack && type >= LISTENERS && type <= SCOPED_ROUTES)
    v->repeatable = 0xff;
  v->asked_all = v->warmed = 0;
  memcpy(v->made, response->nonce, XDS_WORD);
  memcpy(v->made_version, response->version, XDS_WORD);
}

int judge_response(client *c, const xds_response *response, int last_type) {
  int type = type_of(response);
  const view *v = &c->views[type];
  if (c->trace != NULL) {
    char text[XDS_TEXT];
    xds_print(text, sizeof text, response);
    fprintf(c->trace, "      client %d is sent %s\n", c->id, text);
  }
  uint64_t nonce = strtoull(response->nonce, NULL, 10);
  MUST(nonce > c->last_nonce, "c10: the nonce %s is not new", response->nonce);
  MUST(v->started, "c43: %c is not subscribed to", response->type);
  MUST(!v->in_flight, "c22: %c is sent while a response is in flight", response->type);
  MUST(c->taken.exists, "c52: %c is sent without a snapshot", response->type);
  MUST(last_type < 0 || rank(type) >= rank(last_type) || may_be_late(c, response, type), "c58: %c is sent too late",
       response->type);
  judge_reason(c, response, type, judge_names(c, response, type));
  c->last_nonce = nonce;
  note_response(c, response, type);
  return type;
}

/*
 * c70: a glob that was asked for and of which nothing came is settled: the client came with all below it. What comes
 * below it from now on is a change, which may be told later than other things of the type.
 */
static void judge_silent_glob(const client *c, int type) {
  const view *v = &c->views[type];
  int exist = 0;
  for (int name = FIRST_BELOW; name < NAMES; name++) {
    int value = c->taken.value[type][name];
    exist += value != 0;
    MUST(value == 0 || is_excused(v, name, value), "c70: client %d is not told of %c %c for its glob", c->id,
         TYPE_LETTERS[type], 'a' + name);
  }
  MUST(exist > 0 || (v->excused & BELOW) != 0, "c70: client %d is not told that the glob of %c is empty", c->id,
       TYPE_LETTERS[type]);
}

void judge_silence(client *c) {
  for (int type = 0; c->taken.exists && type < TYPES; type++) {
    view *v = &c->views[type];
    if (!v->asked_glob || v->in_flight)
      continue;
    judge_silent_glob(c, type);
    v->asked_glob = v->excused = 0;
  }
}

static void judge_held(const client *c, int type, int name) {
  const view *v = &c->views[type];
  int held = v->held[name], due = c->due.value[type][name], letter = TYPE_LETTERS[type];
  int in_doubt = v->doubt >> name & 1 && is_refused(v, c->due.version[type]);
  if (!is_listed(v, name))
    MUST(held == 0, "client %d holds %c %c, which it does not want", c->id, letter, 'a' + name);
  else if (due == 0 && c->variant == EGRESS__XDS_SOTW && !is_whole(c, type))
    return; /* c46: there is no word for it */
  else if (!in_doubt) {
    MUST(v->told[name] == due, "client %d was told %c %c=%d instead of %d", c->id, letter, 'a' + name, v->told[name],
         due);
    MUST(held == due || v->unheard, "client %d holds %c %c=%d instead of %d", c->id, letter, 'a' + name, held, due);
  }
}

static void judge_debts(client *c, int type) {
  view *v = &c->views[type];
  MUST(!v->asked_all, "c42: client %d is not answered about %c *", c->id, TYPE_LETTERS[type]);
  for (int name = 0; name < NAMES; name++) {
    int exists = c->due.value[type][name] != 0, letter = TYPE_LETTERS[type];
    MUST(!(v->asked >> name & 1) || (c->variant == EGRESS__XDS_SOTW && !exists),
         "c37, c38, c40, c41: client %d is not answered about %c %c", c->id, letter, 'a' + name);
    MUST(!(v->warming >> name & 1) || !exists, "c59: client %d does not get %c %c again after its cluster", c->id,
         letter, 'a' + name);
  }
  v->asked = v->warming = v->warmed = 0;
}

void judge_quiet(client *c) {
  if (c->stream == NULL || !c->joined)
    return;
  MUST(client_drain(c) == 0, "client %d: something was due and nobody said so", c->id);
  for (int type = 0; type < TYPES; type++) {
    if (!c->views[type].started || !c->taken.exists)
      continue;
    for (int name = 0; name < NAMES; name++)
      judge_held(c, type, name);
    judge_debts(c, type);
  }
}
