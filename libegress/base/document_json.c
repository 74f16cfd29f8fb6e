/* JSON by RFC 8259, without recursion: what is open is on the tree's own stack. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <egress/error.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/document_tree.h"
#include "base/protowire.h"

/* What may come next. */
typedef enum expected {
  EXPECT_VALUE,
  EXPECT_FIRST_VALUE, /* or the end of the list */
  EXPECT_KEY,
  EXPECT_FIRST_KEY, /* or the end of the map */
  EXPECT_COLON,
  EXPECT_COMMA, /* or the end of the list or map */
  EXPECT_END
} expected;

typedef struct reader {
  egress__tree *tree;
  const char *at, *end;
  const char *counted; /* `line` and `column` are of this place, which is never behind `at` */
  uint32_t line, column;
  egress__buf text; /* of a string with escapes */
} reader;

/* Counts up to `to`. */
static void locate(reader *r, const char *to) {
  for (; r->counted < to; r->counted++) {
    char c = *r->counted;
    if (c == '\n' || (c == '\r' && (r->counted + 1 == r->end || r->counted[1] != '\n'))) {
      r->line++;
      r->column = 1;
    } else if (((unsigned char)c & 0xc0) != 0x80) {
      r->column++;
    }
  }
}

__attribute__((format(printf, 3, 4))) static int fault(reader *r, const char *at, const char *format, ...) {
  char message[256];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  locate(r, at);
  egress__faults *faults = r->tree->faults;
  faults->count++;
  egress__place place = {faults->file, r->line, r->column};
  return egress__diag_error(faults->diag, EGRESS_ESYNTAX, place, "not well-formed JSON: %s", message);
}

static int is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
         c == '+' || c == '.';
}

/* The word or the character at the front, as a message shows it. */
static egress__quote shown(const reader *r) {
  char text[sizeof(egress__quote)] = "";
  size_t left = (size_t)(r->end - r->at), size = 0;
  while (size < left && size < sizeof text - 1 && is_word(r->at[size]))
    size++;
  if (size == 0)
    size = egress__utf8_sequence((const uint8_t *)r->at, left);
  memcpy(text, r->at, size);
  return egress__quoted(text);
}

static int unexpected(reader *r, const char *wanted) {
  if (r->at == r->end)
    return fault(r, r->at, "expected %s, but the text ends", wanted);
  if (egress__utf8_sequence((const uint8_t *)r->at, (size_t)(r->end - r->at)) == 0)
    return fault(r, r->at, "expected %s, not the byte 0x%02x", wanted, (unsigned char)*r->at);
  return fault(r, r->at, "expected %s, not `%s`", wanted, shown(r).text);
}

/* Takes four hexadecimal digits off the front. */
static int hex4(reader *r, uint32_t *out) {
  *out = 0;
  for (int i = 0; i < 4; i++, r->at++) {
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *found = r->at == r->end || *r->at == '\0' ? NULL : strchr(digits, *r->at);
    if (found == NULL)
      return unexpected(r, "four hexadecimal digits behind \\u");
    uint32_t digit = (uint32_t)(found - digits);
    *out = *out << 4 | (digit < 16 ? digit : digit - 6);
  }
  return 0;
}

static void put_utf8(egress__buf *text, uint32_t c) {
  if (c < 0x80) {
    egress__buf_char(text, (char)c);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
  egress__buf_char(text, (char)(leads[more] | c >> (6 * more)));
  while (more-- > 0)
    egress__buf_char(text, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

/* Behind `\u`. What UTF-16 needs two of comes as a pair; half of one is no character. */
static int take_unicode(reader *r, const char *start) {
  uint32_t c, low;
  int rv = hex4(r, &c);
  if (rv != 0)
    return rv;
  if (c >= 0xd800 && c <= 0xdbff && r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u') {
    r->at += 2;
    rv = hex4(r, &low);
    if (rv != 0)
      return rv;
    if (low < 0xdc00 || low > 0xdfff)
      return fault(r, start, "half of a surrogate pair, which is no character");
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  } else if (c >= 0xd800 && c <= 0xdfff) {
    return fault(r, start, "half of a surrogate pair, which is no character");
  }
  put_utf8(&r->text, c);
  return 0;
}

static int take_escape(reader *r) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  const char *start = r->at++;
  if (r->at == r->end)
    return unexpected(r, "an escape");
  char c = *r->at;
  if (c == 'u') {
    r->at++;
    return take_unicode(r, start);
  }
  const char *found = c == '\0' ? NULL : strchr(letters, c);
  if (found == NULL)
    return unexpected(r, "one of \" \\ / b f n r t u behind \\");
  egress__buf_char(&r->text, meant[found - letters]);
  r->at++;
  return 0;
}

/* Characters that stand for themselves. */
static int take_run(reader *r) {
  const char *from = r->at;
  while (r->at < r->end && *r->at != '"' && *r->at != '\\') {
    unsigned char c = (unsigned char)*r->at;
    size_t size = egress__utf8_sequence((const uint8_t *)r->at, (size_t)(r->end - r->at));
    if (c < 0x20)
      return fault(r, r->at, "the control character \\u%04x must be escaped", c);
    if (size == 0)
      return fault(r, r->at, "not UTF-8 text: the byte 0x%02x", c);
    r->at += size;
  }
  egress__buf_add(&r->text, from, (size_t)(r->at - from));
  return 0;
}

static int add_text(reader *r, uint32_t line, uint32_t column) {
  const char *text = r->text.data == NULL ? "" : r->text.data;
  return egress__tree_scalar(r->tree, line, column, text, r->text.size, 0, NULL);
}

/* From quote to quote. */
static int take_string(reader *r) {
  locate(r, r->at);
  uint32_t line = r->line, column = r->column;
  r->text.size = 0;
  r->at++;
  for (;;) {
    int rv = take_run(r);
    if (rv == 0 && r->at == r->end)
      rv = unexpected(r, "a quote at the end of a text");
    if (rv == 0 && *r->at == '\\') {
      rv = take_escape(r);
    } else if (rv == 0) {
      r->at++;
      return r->text.rv != 0 ? r->text.rv : add_text(r, line, column);
    }
    if (rv != 0)
      return rv;
  }
}

static int is_literal(const char *text, size_t size) {
  return (size == 4 && (memcmp(text, "true", 4) == 0 || memcmp(text, "null", 4) == 0)) ||
         (size == 5 && memcmp(text, "false", 5) == 0);
}

static int take_word(reader *r) {
  size_t size = 0;
  while (r->at + size < r->end && is_word(r->at[size]))
    size++;
  if (!is_literal(r->at, size) && !egress__text_is_number(r->at, size))
    return unexpected(r, "a value");
  locate(r, r->at);
  int rv = egress__tree_scalar(r->tree, r->line, r->column, r->at, size, 1, NULL);
  r->at += size;
  return rv;
}

static int open_frame(reader *r, egress__node_kind kind) {
  locate(r, r->at++);
  return egress__tree_open(r->tree, kind, r->line, r->column, NULL);
}

/* Behind a value. */
static expected behind(const reader *r) {
  return r->tree->depth == 0 ? EXPECT_END : EXPECT_COMMA;
}

static int take_value(reader *r, expected *next) {
  switch (*r->at) {
  case '{':
    *next = EXPECT_FIRST_KEY;
    return open_frame(r, EGRESS__NODE_MAP);
  case '[':
    *next = EXPECT_FIRST_VALUE;
    return open_frame(r, EGRESS__NODE_LIST);
  case '"':
    *next = behind(r);
    return take_string(r);
  default:
    *next = behind(r);
    return take_word(r);
  }
}

static int in_map(const reader *r) {
  return r->tree->frames[r->tree->depth - 1].node->kind == EGRESS__NODE_MAP;
}

static int take_close(reader *r, expected *next) {
  r->at++;
  int rv = egress__tree_close(r->tree);
  *next = behind(r);
  return rv;
}

static int take_key(reader *r, expected *next) {
  if (*r->at != '"')
    return unexpected(r, "a key in double quotes");
  *next = EXPECT_COLON;
  return take_string(r);
}

static int take_comma(reader *r, expected *next) {
  if (*r->at == (in_map(r) ? '}' : ']'))
    return take_close(r, next);
  if (*r->at != ',')
    return unexpected(r, in_map(r) ? "`,` or `}`" : "`,` or `]`");
  r->at++;
  *next = in_map(r) ? EXPECT_KEY : EXPECT_VALUE;
  return 0;
}

static int take_token(reader *r, expected *next) {
  switch (*next) {
  case EXPECT_FIRST_VALUE:
    if (*r->at == ']')
      return take_close(r, next);
    return take_value(r, next);
  case EXPECT_VALUE:
    return take_value(r, next);
  case EXPECT_FIRST_KEY:
    if (*r->at == '}')
      return take_close(r, next);
    return take_key(r, next);
  case EXPECT_KEY:
    return take_key(r, next);
  case EXPECT_COLON:
    if (*r->at != ':')
      return unexpected(r, "`:`");
    r->at++;
    *next = EXPECT_VALUE;
    return 0;
  case EXPECT_COMMA:
    return take_comma(r, next);
  case EXPECT_END:
    return unexpected(r, "nothing more");
  }
  return EGRESS_ESYNTAX;
}

/* The text ended where something should come. */
static int ended(reader *r, expected next) {
  static const char *const wanted[] = {"a value", "a value or `]`", "a key", "a key or `}`", "`:`", "`,` or `}`", ""};
  if (next == EXPECT_END)
    return 0;
  return unexpected(r, next == EXPECT_COMMA && !in_map(r) ? "`,` or `]`" : wanted[next]);
}

static int read_tokens(reader *r) {
  expected next = EXPECT_VALUE;
  for (;;) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
      r->at++;
    if (r->at == r->end)
      return ended(r, next);
    int rv = take_token(r, &next);
    if (rv != 0)
      return rv;
  }
}

int egress__document_read_json(egress__node **out, egress__arena *arena, const char *text, size_t size,
                               const egress__document_rules *rules, egress__faults *faults) {
  int rv = egress__document_start(&text, &size, rules, faults);
  if (rv != 0)
    return rv;
  egress__tree tree = {.arena = arena, .rules = rules, .faults = faults};
  reader r = {.tree = &tree, .at = text, .end = text + size, .counted = text, .line = 1, .column = 1};
  egress__buf_init(&r.text, arena->alloc);
  rv = read_tokens(&r);
  egress__buf_dispose(&r.text);
  if (rv == 0)
    *out = tree.root;
  return rv;
}
