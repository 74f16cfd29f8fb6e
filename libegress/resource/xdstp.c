#include "resource/xdstp.h"

#include <string.h>

static const char scheme[] = "xdstp://";

enum { SCHEME = sizeof scheme - 1 };

/* What means something in each part of a name: it is another thing when it is escaped. */
static const char path_syntax[] = "%/?#[]*", params_syntax[] = "%#[]&=";

int egress__is_xdstp(egress__span name) {
  return name.size > SCHEME && name.size <= EGRESS__XDSTP_MAX && memcmp(name.data, scheme, SCHEME) == 0;
}

/* Bytes before the first `c`. */
static size_t size_to(egress__span text, char c) {
  const uint8_t *at = text.size == 0 ? NULL : memchr(text.data, c, text.size);
  return at == NULL ? text.size : (size_t)(at - text.data);
}

static int hex(uint8_t c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* The byte that is escaped at the front of `text`; -1: none is. */
static int escaped(egress__span text) {
  if (text.size < 3 || text.data[0] != '%' || hex(text.data[1]) < 0 || hex(text.data[2]) < 0)
    return -1;
  return hex(text.data[1]) << 4 | hex(text.data[2]);
}

/* Writes a part with the escapes only that are needed, those in capitals. Returns the bytes written. */
static size_t put_part(char *out, egress__span part, const char *syntax) {
  size_t used = 0;
  for (size_t i = 0; i < part.size; i++) {
    int c = escaped((egress__span){part.data + i, part.size - i});
    if (c < 0) {
      out[used++] = (char)part.data[i];
      continue;
    }
    i += 2;
    if (c > ' ' && c < 0x7f && strchr(syntax, c) == NULL) {
      out[used++] = (char)c;
      continue;
    }
    out[used++] = '%';
    out[used++] = "0123456789ABCDEF"[c >> 4];
    out[used++] = "0123456789ABCDEF"[c & 15];
  }
  return used;
}

/* By key, then by value: a key that another begins with comes first. */
static int compare_params(egress__span a, egress__span b) {
  const egress__span keys[2] = {{a.data, size_to(a, '=')}, {b.data, size_to(b, '=')}};
  size_t common = keys[0].size < keys[1].size ? keys[0].size : keys[1].size;
  int order = memcmp(keys[0].data, keys[1].data, common);
  if (order != 0 || keys[0].size != keys[1].size)
    return order != 0 ? order : keys[0].size < keys[1].size ? -1 : 1;
  common = a.size < b.size ? a.size : b.size;
  order = memcmp(a.data, b.data, common);
  return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static void insert(egress__span *params, size_t count, egress__span param) {
  size_t at = count;
  while (at > 0 && compare_params(params[at - 1], param) > 0) {
    params[at] = params[at - 1];
    at--;
  }
  params[at] = param;
}

/* Writes the parameters in order, each behind its '?' or '&'. Returns 0 when there are too many. */
static int put_params(char *out, size_t *used, egress__span query) {
  egress__span params[EGRESS__XDSTP_PARAMS_MAX];
  size_t count = 0;
  while (query.size > 0) {
    egress__span param = {query.data, size_to(query, '&')};
    size_t gone = param.size + (param.size < query.size);
    query = (egress__span){query.data + gone, query.size - gone};
    if (param.size == 0)
      continue;
    if (count == EGRESS__XDSTP_PARAMS_MAX)
      return 0;
    insert(params, count++, param);
  }
  for (size_t i = 0; i < count; i++) {
    out[(*used)++] = i == 0 ? '?' : '&';
    memcpy(out + *used, params[i].data, params[i].size);
    *used += params[i].size;
  }
  return 1;
}

egress__span egress__xdstp_normal(egress__xdstp_room *room, egress__span name) {
  if (!egress__is_xdstp(name))
    return name;
  egress__span rest = {name.data, size_to(name, '#')};
  size_t path = size_to(rest, '?');
  size_t used = put_part(room->text, (egress__span){rest.data, path}, path_syntax);
  if (path < rest.size) {
    char query[EGRESS__XDSTP_MAX];
    size_t size = put_part(query, (egress__span){rest.data + path + 1, rest.size - path - 1}, params_syntax);
    if (!put_params(room->text, &used, (egress__span){(const uint8_t *)query, size}))
      return name;
  }
  room->text[used] = '\0';
  return (egress__span){(const uint8_t *)room->text, used};
}

const char *egress__xdstp_normal_text(egress__xdstp_room *room, const char *name) {
  if (strncmp(name, scheme, SCHEME) != 0)
    return name;
  egress__span text = {(const uint8_t *)name, strnlen(name, EGRESS__XDSTP_MAX + 1)};
  return (const char *)egress__xdstp_normal(room, text).data;
}

/* ---- globs ---- */

/* Index of the '/' behind `from`, in the path; its end when there is none. */
static size_t next_slash(egress__span path, size_t from) {
  return from >= path.size ? path.size : from + size_to((egress__span){path.data + from, path.size - from}, '/');
}

/* What stands before the parameters, which only the new kind has. */
static egress__span path_of(egress__span name) {
  return egress__is_xdstp(name) ? (egress__span){name.data, size_to(name, '?')} : name;
}

/* Index of the first '/' with which a glob may end: behind authority and type, which only the new kind has. */
static size_t first_slash(egress__span path, int is_xdstp) {
  return is_xdstp ? next_slash(path, next_slash(path, SCHEME) + 1) : next_slash(path, 0);
}

int egress__glob_read(egress__glob *out, egress__span name) {
  egress__span path = path_of(name);
  size_t depth = 0, slash = 0;
  for (size_t at = first_slash(path, egress__is_xdstp(name)); at < path.size; at = next_slash(path, at + 1)) {
    slash = at;
    depth++;
  }
  if (depth == 0 || slash + 2 != path.size || path.data[slash + 1] != '*' || depth > EGRESS__GLOB_DEPTH_MAX)
    return 0;
  *out = (egress__glob){{name.data, slash + 1}, {name.data + path.size, name.size - path.size}};
  return 1;
}

int egress__glob_has(const egress__glob *glob, egress__span name) {
  size_t path = path_of(name).size;
  if (path <= glob->prefix.size || memcmp(name.data, glob->prefix.data, glob->prefix.size) != 0 ||
      egress__is_xdstp(name) != egress__is_xdstp(glob->prefix))
    return 0;
  return name.size - path == glob->params.size &&
         (glob->params.size == 0 || memcmp(name.data + path, glob->params.data, glob->params.size) == 0);
}

egress__span egress__globs_above_next(egress__globs_above *walk, egress__xdstp_room *room) {
  const egress__span name = walk->name, path = path_of(name), none = {name.data, 0};
  if (name.size > EGRESS__XDSTP_MAX || walk->depth == EGRESS__GLOB_DEPTH_MAX)
    return none;
  size_t slash = walk->depth++ == 0 ? first_slash(path, egress__is_xdstp(name)) : next_slash(path, walk->slash + 1);
  if (slash + 1 >= path.size)
    return none;
  walk->slash = slash;
  memcpy(room->text, name.data, slash + 1);
  room->text[slash + 1] = '*';
  memcpy(room->text + slash + 2, name.data + path.size, name.size - path.size);
  return (egress__span){(const uint8_t *)room->text, slash + 2 + name.size - path.size};
}
