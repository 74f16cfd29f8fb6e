#include "xds/record.h"

#include <assert.h>
#include <string.h>

#include <egress/error.h>

/* ---- versions ---- */

void egress__versions_init(egress__versions *versions, const egress_alloc *alloc) {
  egress__map_init(&versions->map, alloc);
}

void egress__versions_dispose(egress__versions *versions) {
  assert(versions->map.count == 0 && "streams go before what they refer to");
  egress__map_dispose(&versions->map);
}

int egress__versions_get(egress__version **out, egress__versions *versions, const char *text) {
  size_t size = strlen(text);
  egress__version *version = egress__map_get(&versions->map, text, size);
  if (version == NULL) {
    version = egress__malloc(versions->map.alloc, sizeof *version + size + 1);
    if (version == NULL)
      return EGRESS_ENOMEM;
    *version = (egress__version){.all = versions};
    memcpy(version->text, text, size + 1);
    int rv = egress__map_set(&versions->map, version->text, size, version);
    if (rv != 0) {
      egress__free(versions->map.alloc, version);
      return rv;
    }
  }
  version->refs++;
  *out = version;
  return 0;
}

void egress__version_unref(egress__version *version) {
  if (version == NULL || --version->refs > 0)
    return;
  egress__map_remove(&version->all->map, version->text, strlen(version->text));
  egress__free(version->all->map.alloc, version);
}

const char *egress__version_text(const egress__version *version) {
  return version == NULL ? "" : version->text;
}

static void replace(egress__version **place, egress__version *with) {
  if (with != NULL)
    with->refs++;
  egress__version_unref(*place);
  *place = with;
}

/* ---- records ---- */

void egress__record_dispose(egress__record *record, const egress_alloc *alloc) {
  egress__version_unref(record->sent);
  egress__version_unref(record->acked);
  egress__version_unref(record->nacked);
  egress__free(alloc, record->refusal);
  *record = (egress__record){0};
}

void egress__record_changed(egress__record *record, int differs, uint64_t ms) {
  if (!differs)
    record->changed_ms = 0;
  else if (record->changed_ms == 0)
    record->changed_ms = ms;
}

void egress__record_brings(egress__record *record) {
  record->brought_ms = record->changed_ms;
  record->changed_ms = 0;
}

void egress__record_sent(egress__record *record, egress__version *version, uint64_t now_ms) {
  egress__version_unref(record->sent);
  record->sent = version;
  record->sent_ms = now_ms;
}

void egress__record_accepted(egress__record *record, uint64_t now_ms) {
  replace(&record->acked, record->sent);
  record->acked_ms = now_ms;
  record->brought_ms = 0;
}

int egress__record_refused(egress__record *record, const egress_alloc *alloc, int32_t code, const char *text,
                           uint64_t now_ms) {
  size_t size = strlen(text) + 1; /* of at most EGRESS__ERROR_TEXT_MAX */
  egress__refusal *refusal = egress__malloc(alloc, sizeof *refusal + size);
  if (refusal == NULL)
    return EGRESS_ENOMEM;
  refusal->code = code;
  memcpy(refusal->text, text, size);
  egress__free(alloc, record->refusal);
  record->refusal = refusal;
  replace(&record->nacked, record->sent);
  record->nacked_ms = now_ms;
  record->brought_ms = 0;
  return 0;
}
