/* Small files that are read whole. */
#ifndef EGRESSD_TEXT_FILE_H
#define EGRESSD_TEXT_FILE_H

#include <stddef.h>

/* The text of the regular file at `path`, at most `max_bytes`, owned by the caller; NULL with errno set: EFBIG: longer;
 * EINVAL: not a regular file, or with a NUL in it. Never waits for another program, as opening a pipe would. */
char *text_file_read(const char *path, size_t max_bytes);

#endif
