// Writes `total` bytes to stdout, `block` at a time. An argument `bench:BLOCK:TOTAL` says how many.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_all(const char *from, size_t length) {
  while (length > 0) {
    ssize_t written = write(STDOUT_FILENO, from, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return 0;
    from += written;
    length -= (size_t)written;
  }
  return 1;
}

int main(int count, char **arguments) {
  size_t block = 0, total = 0;
  // By its prefix: spawnProvider puts the provider's own arguments before the caller's.
  for (int i = 1; i < count; i++) {
    if (sscanf(arguments[i], "bench:%zu:%zu", &block, &total) == 2) break;
  }
  char *buffer = block > 0 ? malloc(block) : NULL;
  if (buffer == NULL) return 2;
  memset(buffer, 'x', block);
  for (size_t left = total; left > 0;) {
    size_t now = left < block ? left : block;
    if (!write_all(buffer, now)) return 1;
    left -= now;
  }
  return 0;
}
