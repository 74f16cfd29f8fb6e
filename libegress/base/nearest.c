#include "base/nearest.h"

#include <string.h>

enum { LONGEST = 64 }; /* longer words are not compared: few are, and the cost grows with the square */

static unsigned smaller(unsigned a, unsigned b) {
  return a < b ? a : b;
}

/* Insertions, removals, replacements and swaps of neighbours that turn one word into the other. */
static unsigned distance(const char *a, const char *b) {
  unsigned rows[3][LONGEST + 1]; /* for the last, this and the next-to-last letter of `a` */
  size_t a_size = strlen(a), b_size = strlen(b);
  for (unsigned j = 0; j <= b_size; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_size; i++) {
    unsigned *row = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b_size; j++) {
      unsigned replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = smaller(replaced, smaller(last[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = smaller(row[j], before[j - 2] + 1);
    }
  }
  return rows[a_size % 3][b_size];
}

void egress__search_start(egress__search *search, const char *word) {
  size_t size = strnlen(word, LONGEST + 1);
  unsigned least = size < 4 ? 2 : size < 7 ? 3 : 4; /* up to half of a word may be wrong */
  *search = (egress__search){word, size, size > LONGEST ? 0 : least, NULL};
}

void egress__search_try(egress__search *search, const char *candidate) {
  size_t size = strnlen(candidate, LONGEST + 1);
  if (search->least == 0 || size > LONGEST)
    return;
  unsigned apart = distance(search->word, candidate);
  if (apart < search->least && apart < search->size && apart < size) {
    search->least = apart;
    search->nearest = candidate;
  }
}

const char *egress__nearest(const char *word, const char *const *words, size_t count) {
  egress__search search;
  egress__search_start(&search, word);
  for (size_t i = 0; i < count; i++)
    egress__search_try(&search, words[i]);
  return search.nearest;
}
