#ifndef TESTS_MODEL_SHRINK_H
#define TESTS_MODEL_SHRINK_H

#include "model/script.h"

/* 1 when the script ends its process: played in one of its own, where it can say and do what it likes. */
int script_fails(const step *steps, size_t count);

/* Leaves out and simplifies steps of a script that fails, as long as it still fails; returns how many are left. */
size_t shrink(step *steps, size_t count);

#endif
