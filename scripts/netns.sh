#!/bin/sh
# Runs a command in a private network namespace that has only `lo`, so that nothing can leave this machine.
# Usage: scripts/netns.sh COMMAND [ARGUMENT...]
# Exit status: the command's; 2 for wrong use; 3, with a reason, where no such namespace can be made.
set -eu

refuse() {
  echo "netns.sh: $1" >&2
  exit 3
}

if [ $# -eq 0 ]; then
  echo 'usage: netns.sh COMMAND [ARGUMENT...]' >&2
  exit 2
fi

command -v unshare >/dev/null || refuse 'unshare is missing: install util-linux'

# Without root only a user namespace gives the right to make a network namespace; inside it, one can not become
# another uid.
if [ "$(id -u)" -eq 0 ]; then flags=-n; else flags=-rn; fi
reason=$(unshare $flags true 2>&1) || refuse "unshare $flags: $reason"

# A new namespace has `lo` down. The loopback address is not reachable until it is up.
if command -v ip >/dev/null; then
  up='ip link set lo up'
elif command -v python3 >/dev/null; then
  # SIOCSIFFLAGS (0x8914) with IFF_UP (1) on a struct ifreq of 40 bytes.
  up='python3 -c "
import fcntl, socket, struct
request = struct.pack(\"16sh22x\", b\"lo\", 1)
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, request)"'
else
  refuse 'no way to bring lo up: install iproute2'
fi

exec unshare $flags sh -c "$up || { echo 'netns.sh: could not bring lo up' >&2; exit 3; }"'; exec "$@"' sh "$@"
