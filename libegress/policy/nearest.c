#include "policy/nearest.h"

#include <string.h>

enum { LONGEST = 32 }; /* no key is longer */

static unsigned smaller(unsigned a, unsigned b) {
  return a < b ? a : b;
}

/* Insertions, removals and replacements that turn one word into the other; both at most LONGEST bytes. */
static unsigned distance(const char *a, const char *b) {
  unsigned row[LONGEST + 1];
  size_t b_size = strlen(b);
  for (unsigned j = 0; j <= b_size; j++)
    row[j] = j;
  for (unsigned i = 1; a[i - 1] != '\0'; i++) {
    unsigned diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = smaller(replaced, smaller(row[j], row[j - 1]) + 1);
    }
  }
  return row[b_size];
}

const char *egress__nearest(const char *word, const char *const *words, size_t count) {
  const char *nearest = NULL;
  size_t size = strnlen(word, LONGEST + 1);
  if (size > LONGEST)
    return NULL;
  unsigned least = size < 3 ? 2 : size < 6 ? 3 : 4; /* a third of the word may be wrong */
  for (size_t i = 0; i < count; i++) {
    unsigned apart = distance(word, words[i]);
    if (apart < least && apart < size) {
      least = apart;
      nearest = words[i];
    }
  }
  return nearest;
}
