/* Runs a fuzz target over every file of the folders and files named on the command line. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    return 0;
  }
  size_t size = 0, room = 1 << 16;
  uint8_t *data = malloc(room);
  for (size_t got; data != NULL && (got = fread(data + size, 1, room - size, file)) > 0;) {
    size += got;
    if (size == room)
      data = realloc(data, room *= 2);
  }
  fclose(file);
  if (data == NULL)
    return 0;
  LLVMFuzzerTestOneInput(data, size);
  free(data);
  return 1;
}

static int replay(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL)
    return replay_file(path);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    char name[4096];
    struct stat info;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (stat(name, &info) == 0 && S_ISREG(info.st_mode))
      count += replay_file(name);
  }
  closedir(dir);
  return count;
}

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 1; i < argc; i++)
    count += replay(argv[i]);
  printf("replayed %d inputs\n", count);
  return count > 0 ? 0 : 1; /* an empty corpus proves nothing */
}
