#include "policy/pattern.h"

#include <assert.h>
#include <string.h>

#include <egress/error.h>

#include "base/host.h"

enum { MAX_TEXT = 2 * EGRESS__HOST_MAX + 1 }; /* no two stars touch, so a longer text has too many other characters */

/* What stands behind the `**.` of a deep pattern, or the whole text. */
static const char *rest_of(const egress__pattern *p) {
  if (p->kind != EGRESS__PATTERN_DEEP)
    return p->text;
  return p->size > 3 ? p->text + 3 : p->text + p->size;
}

static size_t count_labels(const char *text) {
  size_t labels = text[0] != '\0';
  for (; *text != '\0'; text++)
    labels += *text == '.';
  return labels;
}

static const char *label_end(const char *label) {
  return label + strcspn(label, ".");
}

/* A label that could never be part of a valid name; NULL when it could. */
static const char *label_fault(const char *label, size_t size, int last) {
  size_t literal = 0;
  int stars = 0, digits_only = 1;
  for (size_t i = 0; i < size; i++) {
    char c = label[i];
    if (c == '*') {
      if (i + 1 < size && label[i + 1] == '*')
        return "has ** where only a leading **. may stand; write one * for a run of characters within a label";
      stars = 1;
      continue;
    }
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
      return "has a character that no host name has; allowed are letters, digits, - _ . and *";
    digits_only = digits_only && c >= '0' && c <= '9';
    literal++;
  }
  if (size == 0)
    return "has an empty label";
  if (literal > EGRESS__LABEL_MAX)
    return "has a label longer than 63 characters";
  if (last && digits_only && !stars)
    return "ends in a label of digits only, which is no host name; write an address as ADDRESS/LENGTH";
  return NULL;
}

/* Bytes of the shortest name that could match: a label of stars alone stands for one character at least. */
static size_t shortest_match(const char *rest) {
  size_t size = 0;
  for (const char *label = rest;; label++) {
    const char *end = label_end(label);
    size_t literal = 0;
    for (const char *c = label; c < end; c++)
      literal += *c != '*';
    size += literal == 0 ? 1 : literal;
    label = end;
    if (*end == '\0')
      return size;
    size++;
  }
}

/* `deep`: `**.` stands before the rest and takes at least one character and a dot. */
static const char *text_fault(const char *rest, int deep) {
  if (strlen(rest) > MAX_TEXT || shortest_match(rest) + (deep ? 2 : 0) > EGRESS__HOST_MAX)
    return "is longer than any host name, which has at most 253 characters";
  for (const char *label = rest;;) {
    const char *end = label_end(label);
    const char *fault = label_fault(label, (size_t)(end - label), *end == '\0');
    if (fault != NULL || *end == '\0')
      return fault;
    label = end + 1;
  }
}

/* Offset of the longest suffix of whole labels without a star. */
static size_t find_anchor(const char *text, size_t size) {
  const char *star = NULL;
  for (const char *c = text; *c != '\0'; c++)
    if (*c == '*')
      star = c;
  if (star == NULL)
    return 0;
  const char *dot = strchr(star, '.');
  return dot == NULL ? size : (size_t)(dot - text) + 1;
}

int egress__pattern_parse(egress__pattern *out, egress__arena *arena, const char *text, size_t size,
                          const char **fault) {
  char *canonical;
  int rv = egress__host_canonical(&canonical, arena, text, size, fault);
  if (rv != 0)
    return rv;
  egress__pattern pattern = {.text = canonical};
  if (strcmp(canonical, "*") == 0 || strcmp(canonical, "**") == 0) {
    pattern.text = "**";
    pattern.kind = EGRESS__PATTERN_DEEP;
  } else {
    int deep = strncmp(canonical, "**.", 3) == 0;
    *fault = text_fault(canonical + (deep ? 3 : 0), deep);
    if (*fault != NULL)
      return EGRESS_EPOLICY;
    pattern.kind = deep                             ? EGRESS__PATTERN_DEEP
                   : strchr(canonical, '*') != NULL ? EGRESS__PATTERN_GLOB
                                                    : EGRESS__PATTERN_EXACT;
  }
  pattern.size = (uint16_t)strlen(pattern.text);
  pattern.anchor = (uint16_t)find_anchor(pattern.text, pattern.size);
  *out = pattern;
  return 0;
}

const char *egress__pattern_suffix(const egress__pattern *pattern) {
  return pattern->text + pattern->anchor;
}

/* Whole-text match in which a star never takes a dot. Going back to the last star of the same label is enough. */
static int glob_match(const char *glob, const char *name, size_t size) {
  const char *end = name + size, *star = NULL, *resume = NULL;
  while (name < end) {
    if (*glob == '*') {
      star = ++glob;
      resume = name;
    } else if (*glob == *name) {
      if (*name == '.')
        star = NULL;
      glob++;
      name++;
    } else if (star != NULL && *resume != '.') {
      glob = star;
      name = ++resume;
    } else {
      return 0;
    }
  }
  while (*glob == '*')
    glob++;
  return *glob == '\0';
}

/* Where the last `labels` labels of `name` start; NULL when nothing stands before them. */
static const char *last_labels(const char *name, size_t size, size_t labels) {
  if (labels == 0)
    return size > 0 ? name + size : NULL;
  for (const char *c = name + size; c-- > name;)
    if (*c == '.' && --labels == 0)
      return c + 1;
  return NULL;
}

int egress__pattern_match(const egress__pattern *pattern, const char *name, size_t size) {
  switch (pattern->kind) {
  case EGRESS__PATTERN_EXACT:
    return pattern->size == size && memcmp(pattern->text, name, size) == 0;
  case EGRESS__PATTERN_GLOB:
    return glob_match(pattern->text, name, size);
  case EGRESS__PATTERN_DEEP: {
    const char *rest = rest_of(pattern);
    const char *from = last_labels(name, size, count_labels(rest));
    return from != NULL && glob_match(rest, from, size - (size_t)(from - name));
  }
  }
  return 0;
}

/* 1 when some text matches both label globs. Row i of the table: which rests of `b` can meet the rest of `a` at i. */
static int labels_meet(const char *a, size_t a_size, const char *b, size_t b_size) {
  uint8_t below[MAX_TEXT + 2] = {0}, row[MAX_TEXT + 2];
  assert(a_size <= MAX_TEXT && b_size <= MAX_TEXT);
  for (size_t i = a_size + 1; i-- > 0;) {
    for (size_t j = b_size + 1; j-- > 0;) {
      int a_left = i < a_size, b_left = j < b_size;
      uint8_t meets = !a_left && !b_left;
      if (a_left && a[i] == '*')
        meets |= below[j] | (b_left && b[j] != '*' ? row[j + 1] : 0);
      if (b_left && b[j] == '*')
        meets |= row[j + 1] | (a_left && a[i] != '*' ? below[j] : 0);
      if (a_left && b_left && a[i] == b[j])
        meets |= below[j + 1];
      row[j] = meets;
    }
    memcpy(below, row, b_size + 1);
  }
  return below[0];
}

/* Walks the labels of both from the right, as far as both have one; 0 when a pair cannot meet. */
static int tails_meet(const char *a, const char *b) {
  const char *a_end = a + strlen(a), *b_end = b + strlen(b);
  while (a_end > a && b_end > b) {
    const char *x = a_end, *y = b_end;
    while (x > a && x[-1] != '.')
      x--;
    while (y > b && y[-1] != '.')
      y--;
    if (!labels_meet(x, (size_t)(a_end - x), y, (size_t)(b_end - y)))
      return 0;
    a_end = x == a ? x : x - 1;
    b_end = y == b ? y : y - 1;
  }
  return 1;
}

int egress__pattern_meets(const egress__pattern *a, const egress__pattern *b) {
  if (a->kind == EGRESS__PATTERN_EXACT)
    return egress__pattern_match(b, a->text, a->size);
  if (b->kind == EGRESS__PATTERN_EXACT)
    return egress__pattern_match(a, b->text, b->size);
  const char *a_rest = rest_of(a), *b_rest = rest_of(b);
  size_t a_labels = count_labels(a_rest), b_labels = count_labels(b_rest);
  int a_deep = a->kind == EGRESS__PATTERN_DEEP, b_deep = b->kind == EGRESS__PATTERN_DEEP;
  if (!a_deep && !b_deep && a_labels != b_labels)
    return 0;
  if ((a_deep && !b_deep && b_labels <= a_labels) || (b_deep && !a_deep && a_labels <= b_labels))
    return 0;
  return tails_meet(a_rest, b_rest);
}

/* 1 when `text` is `suffix`, or ends in a dot and `suffix`. */
static int is_at_or_below(const char *text, size_t text_size, const char *suffix, size_t size) {
  if (size == 0)
    return 1;
  if (text_size < size || memcmp(text + text_size - size, suffix, size) != 0)
    return 0;
  return text_size == size || text[text_size - size - 1] == '.';
}

int egress__pattern_covers_below(const egress__pattern *pattern, const char *suffix, size_t size) {
  const char *rest = rest_of(pattern);
  return pattern->kind == EGRESS__PATTERN_DEEP && strchr(rest, '*') == NULL &&
         is_at_or_below(suffix, size, rest, strlen(rest));
}

int egress__pattern_covers(const egress__pattern *outer, const egress__pattern *inner) {
  if (inner->kind == EGRESS__PATTERN_EXACT)
    return egress__pattern_match(outer, inner->text, inner->size);
  if (outer->size == inner->size && memcmp(outer->text, inner->text, outer->size) == 0)
    return 1;
  const char *suffix = egress__pattern_suffix(inner);
  return egress__pattern_covers_below(outer, suffix, strlen(suffix));
}

int egress__pattern_meets_below(const egress__pattern *pattern, const char *suffix, size_t size) {
  if (pattern->kind == EGRESS__PATTERN_EXACT)
    return pattern->size > size && is_at_or_below(pattern->text, pattern->size, suffix, size);
  const char *rest = rest_of(pattern);
  size_t labels = 0;
  for (size_t i = 0; i < size; i++)
    labels += suffix[i] == '.';
  labels += size != 0;
  if (pattern->kind == EGRESS__PATTERN_GLOB && count_labels(rest) <= labels)
    return 0;
  char copy[EGRESS__HOST_MAX + 1];
  if (size > EGRESS__HOST_MAX)
    return 0;
  memcpy(copy, suffix, size);
  copy[size] = '\0';
  return tails_meet(rest, copy);
}

/* The expression for the first `size` bytes of the pattern's text. */
static void write_regex(egress__buf *buf, const egress__pattern *pattern, size_t size) {
  const char *rest = rest_of(pattern);
  if (pattern->kind == EGRESS__PATTERN_DEEP)
    egress__buf_str(buf, rest[0] == '\0' ? ".*" : rest < pattern->text + size ? ".+\\." : ".+");
  for (const char *c = rest; c < pattern->text + size; c++) {
    if (*c == '*')
      egress__buf_str(buf, "[^.]*");
    else if (*c == '.')
      egress__buf_str(buf, "\\.");
    else
      egress__buf_char(buf, *c);
  }
}

void egress__pattern_regex(egress__buf *buf, const egress__pattern *pattern) {
  write_regex(buf, pattern, pattern->size);
}

void egress__pattern_regex_below(egress__buf *buf, const egress__pattern *pattern) {
  size_t labels = count_labels(egress__pattern_suffix(pattern));
  write_regex(buf, pattern, labels == 0 ? pattern->size : pattern->anchor - 1U); /* without the dot before the suffix */
  if (labels != 0)
    egress__buf_printf(buf, "(\\.[^.]+){%zu}", labels);
}
