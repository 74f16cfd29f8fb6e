#include "model/model.h"

#include "model/judge.h"

enum {
  /* What a stream, a snapshot and a shared step may take at most in blocks: a few for each name of each type. What
     grows with the number of steps played passes it soon. */
  LIVE_MAX = (CLIENTS + GROUPS + 1) * TYPES * (NAMES + 5) * 4
};

void model_begin(model *m, FILE *trace) {
  *m = (model){.trace = trace};
  m->memory.alloc = (egress_alloc){sweep_resize, sweep_release, &m->memory};
  groups_begin(&m->groups, &m->memory.alloc);
  for (int i = 0; i < CLIENTS; i++) {
    client_begin(&m->clients[i], i, &m->groups);
    m->clients[i].trace = trace;
    client_play(&m->clients[i], &(step){.kind = STEP_CONNECT});
  }
}

static void play_group(model *m, const step *s) {
  int concerned[CLIENTS];
  for (int i = 0; i < CLIENTS; i++) {
    const client *c = &m->clients[i];
    int counting = s->group == c->group ? c->group : groups_counting(&m->groups, c->group);
    concerned[i] = c->stream != NULL && c->joined && counting == s->group;
  }
  if (!groups_play(&m->groups, s))
    return;
  for (int i = 0; i < CLIENTS; i++) {
    if (concerned[i] && s->kind == STEP_CLEAR)
      client_notice_clear(&m->clients[i]);
    else if (concerned[i])
      client_notice(&m->clients[i]);
  }
}

static void settle(model *m) {
  for (int i = 0; i < CLIENTS; i++) {
    client_settle(&m->clients[i]);
    judge_quiet(&m->clients[i]);
    client_repeat(&m->clients[i]);
    client_settle(&m->clients[i]);
    judge_quiet(&m->clients[i]);
  }
  size_t live = atomic_load(&m->memory.live);
  MUST(live <= LIVE_MAX, "%zu blocks are in use, more than %d", live, LIVE_MAX);
}

void model_play(model *m, const step *s) {
  if (m->trace != NULL) {
    fputs("  ", m->trace);
    step_print(m->trace, s);
  }
  switch ((step_kind)s->kind) {
  case STEP_SET:
  case STEP_SHARE:
  case STEP_CLEAR:
    play_group(m, s);
    break;
  case STEP_SETTLE:
    settle(m);
    break;
  case STEP_SUBSCRIBE:
  case STEP_STALE:
  case STEP_DRAIN:
  case STEP_ANSWER:
  case STEP_DISCONNECT:
  case STEP_CONNECT:
    client_play(&m->clients[s->client], s);
    break;
  }
}

/* Content that no step of a script makes, so that every type of every group changes: what was refused is told now. */
static void change_all(model *m) {
  for (int group = 0; group < GROUPS; group++) {
    step all = {.kind = STEP_SET, .group = (uint8_t)group, .edit_count = TYPES - 1};
    for (int type = 0; type < TYPES - 1; type++)
      all.edits[type] = (edit){(uint8_t)type, NAMES - 1, 9};
    model_play(m, &all);
  }
}

size_t model_end(model *m) {
  size_t responses = 0;
  settle(m);
  change_all(m);
  settle(m);
  for (int i = 0; i < CLIENTS; i++) {
    client_end(&m->clients[i]);
    responses += m->clients[i].responses;
  }
  groups_end(&m->groups);
  size_t live = atomic_load(&m->memory.live);
  MUST(live == 0, "%zu blocks are left", live);
  return responses;
}

size_t model_run(const step *steps, size_t count, FILE *trace) {
  static model m;
  model_begin(&m, trace);
  for (size_t i = 0; i < count; i++)
    model_play(&m, &steps[i]);
  return model_end(&m);
}
