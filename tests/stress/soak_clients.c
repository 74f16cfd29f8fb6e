#include "stress/soak_clients.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <egress/egress.h>

#include "load/h2.h"
#include "sample/sample.h"

enum {
  NAMES = 12, /* that a stream wants, if it does not want all */
  TICK_MS = 10,
  LIFE_MS = 1000, /* on average something happens to a stream so often */
  WINDOW = 65535, /* small, so that who stalls is felt */
  REFUSED = 8,    /* one response in so many */
  CONNECTING_MAX = 64,
  NODE_BYTES = 2000
};

typedef struct life {
  connection connection;
  stream stream;
  variant variant;
  int wants_all;
  unsigned half, names[NAMES];  /* indexes of clusters, all even or all odd: nothing of the other half is in it */
  uint64_t sum;                 /* state of the world: of the last response */
  uint64_t held[SOAK_CLUSTERS]; /* delta */
  char version[REPLY_TEXT];     /* accepted last */
  char nonce[REPLY_TEXT];
  int has_refused; /* the last response */
  int is_finishing;
} life;

static network net; /* callbacks find these here */
static life *lives;
static unsigned life_count;
static soak_answer done;
static soak_state state;
static int is_quiet; /* the server waits for an answer to `state` */
static unsigned random_state;

static void must(int ok, const char *what) {
  if (ok)
    return;
  fprintf(stderr, "soak: %s\n", what);
  exit(1);
}

static unsigned random_below(unsigned limit) {
  random_state = random_state * 1103515245 + 12345;
  return (random_state >> 16) % limit;
}

/* ---- what a stream asks ---- */

static void choose_names(life *l) {
  l->half = !l->half;
  unsigned first = random_below(SOAK_CLUSTERS);
  for (unsigned i = 0; i < NAMES; i++)
    l->names[i] = ((first + i) * 2 + l->half) % SOAK_CLUSTERS;
}

/* Fills the texts of what `l` wants; returns their number. */
static size_t name_texts(const life *l, char texts[NAMES][SAMPLE_NAME], const char *list[NAMES]) {
  for (unsigned i = 0; !l->wants_all && i < NAMES; i++)
    list[i] = sample_name(texts[i], l->names[i]);
  return l->wants_all ? 0 : NAMES;
}

static void ask_first(life *l) {
  char texts[NAMES][SAMPLE_NAME], id[32];
  const char *names[NAMES];
  request r = {.variant = l->variant, .type_url = EGRESS_TYPE_CLUSTER, .node_id = id};
  snprintf(id, sizeof id, "node-%zu", (size_t)(l - lives));
  request_filler(NODE_BYTES, &r.node_filler);
  r.names = names;
  r.name_count = name_texts(l, texts, names);
  stream_send(&l->stream, &r);
}

/*
 * Accepts or refuses, which is for the server to live with: the stream was told all the same. Not twice in a row: what
 * was refused and is asked for again is sent again once. In state of the world that says again what it wants.
 */
static void answer(life *l) {
  char texts[NAMES][SAMPLE_NAME];
  const char *names[NAMES];
  request r = {.variant = l->variant, .type_url = EGRESS_TYPE_CLUSTER, .version = l->version, .nonce = l->nonce};
  l->has_refused = !l->has_refused && random_below(REFUSED) == 0;
  if (l->has_refused)
    r.error = "refused, as some are";
  else
    memcpy(l->version, l->stream.reply.version, REPLY_TEXT);
  if (l->variant == SOTW) {
    r.names = names;
    r.name_count = name_texts(l, texts, names);
  }
  stream_send(&l->stream, &r);
  done.refused += (unsigned long)l->has_refused;
}

/* Wants others than before. */
static void move(life *l) {
  char texts[NAMES][SAMPLE_NAME], old_texts[NAMES][SAMPLE_NAME];
  const char *names[NAMES], *old[NAMES];
  request r = {.variant = l->variant, .type_url = EGRESS_TYPE_CLUSTER, .names = names, .dropped = old};
  r.dropped_count = l->variant == DELTA ? name_texts(l, old_texts, old) : 0;
  choose_names(l);
  r.name_count = name_texts(l, texts, names);
  memset(l->held, 0, sizeof l->held);
  if (l->variant == SOTW) {
    r.version = l->version;
    r.nonce = l->nonce;
  }
  stream_send(&l->stream, &r);
  connection_flush(&l->connection);
  done.moved++;
}

/* ---- what it is sent ---- */

static void on_resource(const char *name, uint64_t hash, void *user) {
  life *l = user;
  unsigned index;
  if (l->variant == SOTW)
    return;
  must(sscanf(name, "egress|443||svc-%u.", &index) == 1 && index < SOAK_CLUSTERS, "a cluster that nobody has");
  l->held[index] = hash;
}

static void on_reply(stream *s) {
  life *l = s->user;
  must(strcmp(s->reply.type_url, EGRESS_TYPE_CLUSTER) == 0 && s->reply.removed == 0, "a response that nobody wants");
  l->sum = s->reply.sum;
  memcpy(l->nonce, s->reply.nonce, REPLY_TEXT);
  done.responses++;
  if (!l->is_finishing)
    answer(l);
}

static int has_all(const life *l) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < (l->wants_all ? SOAK_CLUSTERS : NAMES); i++) {
    unsigned index = l->wants_all ? i : l->names[i];
    sum += state.hashes[index];
    if (l->variant == DELTA && l->held[index] != state.hashes[index])
      return 0;
  }
  return l->variant == DELTA || l->sum == sum;
}

/* ---- lives ---- */

static void begin_life(life *l) {
  memset(l, 0, sizeof *l);
  l->variant = random_below(2) ? SOTW : DELTA;
  l->wants_all = random_below(4) == 0;
  choose_names(l);
  connection_open(&l->connection, &net);
  stream_open(&l->stream, &l->connection, l->variant, on_resource, l);
  ask_first(l);
  done.lives++;
}

static void end_life(life *l) {
  connection_cut(&l->connection);
  stream_close(&l->stream);
}

static void finish(life *l) {
  l->is_finishing = 1;
  connection_stall(&l->connection, 0);
  stream_finish(&l->stream);
  connection_flush(&l->connection);
  done.finished++;
}

static void happen(life *l) {
  if (l->is_finishing || !l->connection.is_connected)
    return;
  connection_stall(&l->connection, 0);
  unsigned what = random_below(10);
  if (what < 4 && !l->wants_all)
    move(l);
  else if (what < 6) {
    end_life(l);
    begin_life(l);
    done.cut++;
  } else if (what < 8)
    finish(l);
  else {
    connection_stall(&l->connection, 1);
    done.stalled++;
  }
}

/* Nothing ends but by its own will; who said goodbye and was answered comes again. */
static void look_after(life *l) {
  if (!stream_is_ended(&l->stream))
    return;
  must(l->is_finishing, "a stream was ended by the server");
  must(l->stream.status == 0, "a stream that said goodbye is not ended with OK");
  end_life(l);
  begin_life(l);
}

/* ---- the server's word ---- */

static int states_fd, answers_fd;

static void on_state(source *s, uint32_t events) {
  (void)events;
  must(read(s->fd, &state, sizeof state) == (ssize_t)sizeof state, "the server is gone");
  for (unsigned i = 0; i < life_count; i++)
    connection_stall(&lives[i].connection, 0);
  is_quiet = 1;
}

static int all_have_all(void) {
  for (unsigned i = 0; i < life_count; i++)
    if (lives[i].is_finishing || !has_all(&lives[i]))
      return 0;
  return 1;
}

static void tell_stuck(void) {
  unsigned told = 0;
  for (unsigned i = 0; i < life_count && told < 5; i++) {
    const life *l = &lives[i];
    if (l->is_finishing || !has_all(l)) {
      fprintf(stderr, "soak: stream %u, %s, %s%s, is stuck; its last version is \"%s\"%s\n", i,
              l->variant == SOTW ? "state of the world" : "delta", l->wants_all ? "all" : "some",
              l->is_finishing ? ", finishing" : "", l->stream.reply.version, l->has_refused ? ", refused" : "");
      told++;
    }
  }
  must(0, "streams are stuck, or messages lost");
}

static void answer_when_all_have_all(uint64_t since) {
  if (all_have_all()) {
    is_quiet = 0;
    must(write(answers_fd, &done, sizeof done) == (ssize_t)sizeof done, "the server is gone");
  } else if (poll_now_ns() - since > (uint64_t)SOAK_DEADLINE_S * 1000000000U)
    tell_stuck();
}

/* Something happens to some of the streams, and those that have ended come again. */
static void tick(void) {
  for (unsigned i = 0; i < life_count; i++)
    look_after(&lives[i]);
  for (unsigned i = 0; !is_quiet && i < (life_count * TICK_MS + LIFE_MS - 1) / LIFE_MS; i++)
    if (net.connecting < CONNECTING_MAX)
      happen(&lives[random_below(life_count)]);
}

static void live(void) {
  uint64_t next = poll_now_ns(), since = 0;
  while (is_quiet || !state.is_last) {
    int was_quiet = is_quiet;
    poll_turn(net.epoll, TICK_MS);
    uint64_t now = poll_now_ns();
    since = is_quiet && !was_quiet ? now : since;
    if (now >= next) {
      tick();
      next = now + TICK_MS * 1000000U;
    }
    if (is_quiet)
      answer_when_all_have_all(since);
  }
}

int soak_clients_run(unsigned port, unsigned streams, unsigned seed, int states, int answers) {
  random_state = seed;
  net = (network){.epoll = epoll_create1(EPOLL_CLOEXEC), .window = WINDOW, .on_reply = on_reply};
  net.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  net.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  states_fd = states;
  answers_fd = answers;
  life_count = streams;
  lives = calloc(streams, sizeof *lives);
  must(net.epoll >= 0 && lives != NULL, "memory");
  source server = {.fd = states_fd, .on_ready = on_state};
  poll_watch(net.epoll, &server, EPOLLIN);
  for (unsigned i = 0; i < streams; i++)
    begin_life(&lives[i]);
  live();
  for (unsigned i = 0; i < streams; i++)
    end_life(&lives[i]);
  free(lives);
  close(net.epoll);
  return 0;
}
