#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "model/client.h"
#include "oom/sweep.h"

/* A cache and its clients, all of them connected at first. Whatever is not as it must be ends the process. */
typedef struct model {
  sweep memory; /* counts the blocks that live */
  groups groups;
  client clients[CLIENTS];
  FILE *trace; /* NULL: none */
} model;

void model_begin(model *m, FILE *trace);
void model_play(model *m, const step *s);

/* All comes to rest, is changed once more, comes to rest again and goes; no block is left. Returns responses made. */
size_t model_end(model *m);

/* All of that. */
size_t model_run(const step *steps, size_t count, FILE *trace);

#endif
