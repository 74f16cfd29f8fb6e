#include <egress/fetch.h>

#include "oom/sweep.h"
#include "support/xds.h"
#include "xds/record.h"

/*
 * One stream through a script. A request that finds no memory ends the stream; a response that finds none is asked for
 * again and must then be the one that the client would have got before.
 */
typedef struct scene {
  egress__xds_variant variant;
  egress_cache *cache, *routes; /* `routes` NULL: all types come from `cache` */
  egress__stream_config config;
  egress__versions versions;
  egress__stream *stream;
  const egress_alloc *alloc;
  char sent[XDS_TEXT];
  char nonce[XDS_WORD]; /* of the last response */
  int starved;          /* a response had to be asked for again */
} scene;

/* What happens next: a snapshot for the group, time that passes, or a request; then what is sent. */
typedef struct act {
  const char *snapshot;
  uint64_t passed_ms;
  xds_request request;
  int answers; /* the request carries the nonce of the last response */
  const char *sent;
} act;

static void on_ready(egress__stream *stream, void *user) {
  (void)stream;
  (void)user;
}

static void on_event(egress__stream *stream, const egress_event *event, void *user) {
  (void)stream;
  (void)event;
  (void)user;
}

/* As an embedder's would: it needs memory of its own. */
static int authorise(egress__stream *stream, const egress_node *node, const char *type_url, egress__stream_fault *fault,
                     void *user) {
  (void)stream;
  (void)fault;
  const scene *s = user;
  void *block = egress__malloc(s->alloc, 1);
  assert(strcmp(node->id, "n") == 0 && strcmp(node->cluster, "g") == 0 && type_url[0] != '\0');
  egress__free(s->alloc, block);
  return block != NULL ? 0 : EGRESS_ENOMEM;
}

static int choose(egress_cache **out, egress__stream *stream, const egress_node *node, const char *type_url,
                  egress__stream_fault *fault, void *user) {
  const scene *s = user;
  *out = s->routes != NULL && strcmp(type_url, EGRESS_TYPE_ROUTE) == 0 ? s->routes : s->cache;
  return authorise(stream, node, type_url, fault, user);
}

static int take(scene *s, egress__response *response) {
  xds_response read;
  xds_decode(&read, response, s->variant);
  size_t used = strlen(s->sent);
  snprintf(s->sent + used, sizeof s->sent - used, used == 0 ? "" : " | ");
  xds_print(s->sent + strlen(s->sent), sizeof s->sent - strlen(s->sent), &read);
  snprintf(s->nonce, sizeof s->nonce, "%s", read.nonce);
  return 0;
}

/* Returns 0, or EGRESS_ENOMEM when there never is memory. */
static int drain(scene *s) {
  egress__response response;
  s->sent[0] = '\0';
  for (int rv, failures = 0; (rv = egress__stream_next(s->stream, &response)) != 0;) {
    if (rv == 1) {
      take(s, &response);
      continue;
    }
    assert(rv == EGRESS_ENOMEM);
    s->starved = 1;
    if (++failures > 3)
      return rv;
  }
  return 0;
}

static int set(scene *s, const char *text) {
  egress_snapshot *snap;
  int rv = xds_snapshot_new(&snap, text, s->alloc);
  if (rv != 0)
    return rv;
  rv = egress_cache_set(s->cache, "g", snap);
  if (rv == 0 && s->routes != NULL)
    rv = egress_cache_set(s->routes, "g", snap);
  egress_snapshot_unref(snap);
  return rv;
}

static int ask(scene *s, const act *a) {
  static uint8_t bytes[XDS_REQUEST];
  egress__stream_fault fault = {0};
  xds_request request = a->request;
  request.node_id = "n";
  request.cluster = "g";
  request.features = "xds.config.supports-resource-ttl xds.config.supports-resource-in-sotw";
  request.nonce = a->answers ? s->nonce : NULL;
  int rv = egress__stream_request(s->stream, bytes, xds_encode(bytes, s->variant, &request), &fault);
  assert(rv == 0 || (rv == EGRESS_ENOMEM && fault.status == 8 && strcmp(fault.message, "out of memory") == 0));
  return rv;
}

static int play(scene *s, const act *acts) {
  int rv = 0;
  for (const act *a = acts; rv == 0 && a->sent != NULL; a++) {
    s->config.now_ms += a->passed_ms;
    rv = a->snapshot != NULL ? set(s, a->snapshot) : a->passed_ms != 0 ? 0 : ask(s, a);
    if (rv == 0)
      rv = drain(s);
    assert(rv != 0 || strcmp(s->sent, a->sent) == 0);
  }
  return rv;
}

static int run_with(const egress_alloc *alloc, egress__xds_variant variant, egress_on_nack on_nack, int two_caches,
                    uint32_t answer_ms, const act *acts) {
  scene s = {.variant = variant, .alloc = alloc};
  egress_trial_options trial = EGRESS_TRIAL_OPTIONS_INIT;
  trial.on_nack = on_nack;
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  options.alloc = alloc;
  options.answer_ms = answer_ms;
  egress__versions_init(&s.versions, alloc);
  int rv = egress_cache_new(&s.cache, &options);
  if (rv == 0)
    rv = egress_cache_set_trial(s.cache, "g", &trial);
  if (rv == 0 && two_caches)
    rv = egress_cache_new(&s.routes, &options);
  if (rv == 0) {
    s.config = (egress__stream_config){.alloc = alloc,
                                       .cache = s.cache,
                                       .identifier = "tested",
                                       .max_subscriptions = 100,
                                       .max_bytes = EGRESS__STREAM_BYTES_MAX,
                                       .on_ready = on_ready,
                                       .on_event = on_event,
                                       .versions = &s.versions,
                                       .is_verbose = 1,
                                       .authorise = authorise,
                                       .choose = choose};
    rv = egress__stream_new(&s.stream, &s.config, variant, NULL, &s);
    assert((rv == 0) == (s.stream != NULL));
  }
  if (rv == 0)
    rv = play(&s, acts);
  egress__stream_free(s.stream);
  egress__versions_dispose(&s.versions);
  egress_cache_unref(s.routes);
  egress_cache_unref(s.cache);
  return rv == 0 && s.starved ? EGRESS_ENOMEM : rv;
}

static int run(const egress_alloc *alloc, egress__xds_variant variant, egress_on_nack on_nack, const act *acts) {
  return run_with(alloc, variant, on_nack, 0, 0, acts);
}

static int make_before_break(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "C: a=1 b=1 R: r=1", .sent = ""},
      {.request = {.type = 'C'}, .sent = "C: a=1 b=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.request = {.type = 'R', .names = "r"}, .sent = "R: r=1"},
      {.request = {.type = 'R', .names = "r"}, .answers = 1, .sent = ""},
      {.snapshot = "C: b=1 R: r=2", .sent = "R: r=2"},
      {.request = {.type = 'R', .names = "r"}, .answers = 1, .sent = "C: b=1"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_SOTW, EGRESS_ON_NACK_NOTHING, acts);
}

static int two_caches(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "C: a=1 R: r=1", .sent = ""},
      {.request = {.type = 'C'}, .sent = "C: a=1"},
      {.request = {.type = 'R', .names = "r"}, .sent = "R: r=1"},
      {.sent = NULL},
  };
  return run_with(alloc, EGRESS__XDS_SOTW, EGRESS_ON_NACK_NOTHING, 1, 0, acts);
}

static int sotw(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.request = {.type = 'C'}, .sent = ""},
      {.snapshot = "C: a=1! b=1 E: a=1 b=1 L: l=1 m=1", .sent = "C: a=1! b=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.request = {.type = 'E', .names = "a b none"}, .sent = "E: a=1 b=1"},
      {.request = {.type = 'E', .names = "a", .error = "bad"}, .answers = 1, .sent = ""},
      {.request = {.type = 'L', .names = "l"}, .sent = "L: l=1"},
      {.request = {.type = 'L', .names = "l m"}, .answers = 1, .sent = "L: l=1 m=1"},
      {.request = {.type = 'L', .names = "l m"}, .answers = 1, .sent = ""},
      {.snapshot = "C: a=2! E: a=1 L: l=2", .sent = "C: a=2! b=1 | E: a=1 | L: l=2"},
      {.request = {.type = 'L', .names = "*"}, .answers = 1, .sent = "L: l=2"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_SOTW, EGRESS_ON_NACK_NOTHING, acts);
}

static int delta(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.request = {.type = 'C', .initial = "a=0 gone=1"}, .sent = ""},
      {.snapshot = "C: a=1! b=1 E: a=1 b=1 L: l=1", .sent = "C: a=1! b=1 -gone"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.request = {.type = 'E', .names = "a b none"}, .sent = "E: a=1 b=1 -none"},
      {.request = {.type = 'E', .drop = "b", .error = "bad"}, .answers = 1, .sent = ""},
      {.snapshot = "C: a=2! E: a=1 L: l=1", .sent = "C: a=2! -b | E: a=1 -none"},
      {.request = {.type = 'E', .names = "*"}, .answers = 1, .sent = "E: a=1"},
      {.request = {.type = 'E', .drop = "a"}, .answers = 1, .sent = "E: a=1"},
      {.snapshot = "C: a=2! E: a=2 L: l=1", .sent = ""},
      {.request = {.type = 'E'}, .answers = 1, .sent = "E: a=2"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_DELTA, EGRESS_ON_NACK_NOTHING, acts);
}

static int rollback(const egress_alloc *alloc, void *user) {
  static const act acts[] = {
      {.request = {.type = 'C'}, .sent = ""},
      {.snapshot = "C: a=1 b=1", .sent = "C: a=1 b=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.snapshot = "C: a=2 b=1", .sent = "C: a=2 b=1"},
      {.request = {.type = 'C', .error = "bad"}, .answers = 1, .sent = "C: a=1 b=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.snapshot = "C: a=3 b=1", .sent = "C: a=3 b=1"},
      {.sent = NULL},
  };
  (void)user;
  return run(alloc, EGRESS__XDS_SOTW, EGRESS_ON_NACK_ROLLBACK, acts);
}

static int sotw_heartbeats(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "C: a=1@3000 b=1 E: a=1@3000 b=1@3000 L: l=1@3000 m=1", .sent = ""},
      {.request = {.type = 'C'}, .sent = "C: a=1@3000 b=1"},
      {.request = {.type = 'E', .names = "a b"}, .sent = "E: a=1@3000 b=1@3000"},
      {.request = {.type = 'L', .names = "l m"}, .sent = "L: l=1@3000 m=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""}, /* of another type: not an answer */
      {.passed_ms = 1000, .sent = ""},
      {.request = {.type = 'L', .names = "l m"}, .answers = 1, .sent = "L: l=1@3000 m=1"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_SOTW, EGRESS_ON_NACK_NOTHING, acts);
}

static int delta_heartbeats(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "C: a=1@3000 b=1 E: a=1@3000 b=1@3000", .sent = ""},
      {.request = {.type = 'C'}, .sent = "C: a=1@3000 b=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.passed_ms = 1000, .sent = "C: a~3000"},
      {.request = {.type = 'E', .names = "a"}, .sent = "E: a=1@3000"},
      {.request = {.type = 'E'}, .answers = 1, .sent = ""},
      {.passed_ms = 1000, .sent = "E: a~3000"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_DELTA, EGRESS_ON_NACK_NOTHING, acts);
}

static int errors(const egress_alloc *alloc, egress__xds_variant variant, const char *changed) {
  const act acts[] = {
      {.snapshot = "C: a=1 b=#14 E: a=#5", .sent = ""},
      {.request = {.type = 'C'}, .sent = "C: a=1 b#14"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.snapshot = "C: a=2 b=#14 c=#7 E: a=#5", .sent = changed},
      {.sent = NULL},
  };
  return run(alloc, variant, EGRESS_ON_NACK_NOTHING, acts);
}

static int sotw_errors(const egress_alloc *alloc, void *user) {
  (void)user;
  return errors(alloc, EGRESS__XDS_SOTW, "C: a=2 c#7");
}

static int delta_errors(const egress_alloc *alloc, void *user) {
  (void)user;
  return errors(alloc, EGRESS__XDS_DELTA, "C: a=2 c#7");
}

static int globs(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "E: xdstp:///T/a/b=1 xdstp:///T/a/c=1", .sent = ""},
      {.request = {.type = 'E', .names = "xdstp:///T/%61/*", .initial = "xdstp:///T/a/d=0"},
       .sent = "E: xdstp:///T/a/b=1 xdstp:///T/a/c=1 -xdstp:///T/a/d"},
      {.request = {.type = 'E', .names = "xdstp:///T/z/*"}, .answers = 1, .sent = "E: -xdstp:///T/z/*"},
      {.snapshot = "E: xdstp:///T/a/b=1 xdstp:///T/z/c=1", .sent = ""},
      {.request = {.type = 'E'}, .answers = 1, .sent = "E: xdstp:///T/z/c=1 -xdstp:///T/a/c"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_DELTA, EGRESS_ON_NACK_NOTHING, acts);
}

static int ask_once(egress_text **out, egress_cache *cache, const egress_alloc *alloc) {
  egress_fetch *made;
  static const char text[] = "{\"node\": {\"id\": \"n\", \"cluster\": \"g\"}, \"resource_names\": [\"a\", \"b\"]}";
  egress_fetch_options options = EGRESS_FETCH_OPTIONS_INIT;
  options.alloc = alloc;
  int rv = egress_fetch_new(&made, cache, &options);
  if (rv != 0)
    return rv;
  rv = egress_fetch_answer(out, made, EGRESS_TYPE_CLUSTER, text, strlen(text), NULL);
  egress_fetch_free(made);
  return rv;
}

static int fetch(const egress_alloc *alloc, void *user) {
  egress_cache_options options = EGRESS_CACHE_OPTIONS_INIT;
  egress_cache *cache;
  egress_snapshot *snap;
  egress_text *text = NULL;
  (void)user;
  options.alloc = alloc;
  int rv = egress_cache_new(&cache, &options);
  if (rv != 0)
    return rv;
  rv = xds_snapshot_new(&snap, "C: a=1 b=2", alloc);
  if (rv == 0) {
    rv = egress_cache_set(cache, "g", snap);
    egress_snapshot_unref(snap);
  }
  if (rv == 0)
    rv = ask_once(&text, cache, alloc);
  assert(rv != 0 || strstr(egress_text_data(text), "\"b\"") != NULL);
  egress_text_free(text);
  egress_cache_unref(cache);
  return rv;
}

static int aliases(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "V: r/a=1^r/x r/b=1^r/y", .sent = ""},
      {.request = {.type = 'V', .names = "r/x r/z", .initial = "r/gone=0"}, .sent = "V: r/a=1^r/x r/z~^r/z -r/gone"},
      {.request = {.type = 'V'}, .answers = 1, .sent = ""},
      {.snapshot = "V: r/a=1 r/b=1^r/x", .sent = "V: r/b=1^r/x -r/a"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_DELTA, EGRESS_ON_NACK_NOTHING, acts);
}

static int on_demand(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "C: a=1", .sent = ""},
      {.request = {.type = 'C', .names = "a b c", .initial = "b=0"}, .sent = "C: a=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.snapshot = "C: a=1 b=1", .sent = "C: b=1"},
      {.request = {.type = 'C'}, .answers = 1, .sent = ""},
      {.passed_ms = 1000, .sent = "C: -c"},
      {.sent = NULL},
  };
  return run_with(alloc, EGRESS__XDS_DELTA, EGRESS_ON_NACK_NOTHING, 0, 1000, acts);
}

static int sotw_on_demand(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "C: a=1 E: a=1", .sent = ""},
      {.request = {.type = 'C', .names = "* b"}, .sent = "C: a=1"},
      {.request = {.type = 'C', .names = "* b"}, .answers = 1, .sent = ""},
      {.request = {.type = 'E', .names = "b c"}, .sent = ""},
      {.passed_ms = 1000, .sent = "C: a=1 b#none | E: b#none c#none"},
      {.sent = NULL},
  };
  return run_with(alloc, EGRESS__XDS_SOTW, EGRESS_ON_NACK_NOTHING, 0, 1000, acts);
}

static int no_hosts_yet(const egress_alloc *alloc, void *user) {
  (void)user;
  static const act acts[] = {
      {.snapshot = "R: r=vhds", .sent = ""},
      {.request = {.type = 'V'}, .sent = "V: r/~^r/"},
      {.sent = NULL},
  };
  return run(alloc, EGRESS__XDS_DELTA, EGRESS_ON_NACK_NOTHING, acts);
}

int main(void) {
  sweep_run("state of the world", sotw, NULL);
  sweep_run("delta", delta, NULL);
  sweep_run("heartbeats, state of the world", sotw_heartbeats, NULL);
  sweep_run("heartbeats, delta", delta_heartbeats, NULL);
  sweep_run("errors, state of the world", sotw_errors, NULL);
  sweep_run("errors, delta", delta_errors, NULL);
  sweep_run("globs", globs, NULL);
  sweep_run("aliases", aliases, NULL);
  sweep_run("on demand, delta", on_demand, NULL);
  sweep_run("on demand, state of the world", sotw_on_demand, NULL);
  sweep_run("no virtual hosts yet", no_hosts_yet, NULL);
  sweep_run("rollback", rollback, NULL);
  sweep_run("make before break", make_before_break, NULL);
  sweep_run("two caches", two_caches, NULL);
  sweep_run("one request in JSON", fetch, NULL);
  return 0;
}
