// Writes when its main began: CLOCK_MONOTONIC in nanoseconds, the clock of Node's process.hrtime on Linux.
#include <stdio.h>
#include <time.h>

int main(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec) < 0;
}
