/* What is wrong with a request: a list that becomes the answer's body. */
#ifndef SNAPSHOTD_FAULTS_H
#define SNAPSHOTD_FAULTS_H

#include <egress/diag.h>
#include <egress/document.h>

#include <stdio.h>

typedef struct faults {
  FILE *out;    /* the answer */
  size_t count; /* of faults, told or not */
} faults;

enum { FAULTS_TOLD_MAX = 100 /* nobody mends more at a time */ };

/* Begins and ends the answer `{"errors": [...]}`. */
void faults_begin(faults *self, FILE *out);
void faults_end(faults *self);

/* A fault at `value`; NULL: of no place. */
void faults_add(faults *self, const egress_value *value, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* All errors that the library found. */
void faults_add_diag(faults *self, const egress_diag *diag);

/* An answer with one fault of no place. */
void faults_only(FILE *out, const char *message);

#endif
