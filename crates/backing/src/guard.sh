# Runs one server for a parent that may die at any moment.
#
#   sh guard.sh SIGNAL PATIENCE REMOVE LOG WORK COMMAND…
#
# Says `pid N` and later `exit CODE` on stdout. When stdin closes (the parent stopped us, or is dead) the server gets SIGNAL, after
# PATIENCE seconds KILL, and the folder REMOVE, if any, is deleted. A server that ended by itself is reported, and the folder stays
# until the parent closes stdin, or says `keep` because it starts the server again.
signal=$1 patience=$2 remove=$3 log=$4 work=$5
shift 5
# False when this shell was killed: then the server has had its parent-death signal, and the number may be somebody else's by now.
ours() { grep -qs "^PPid:[[:space:]]*$$\$" "/proc/$server/status"; }
cleanup() { if [ -n "$remove" ]; then rm -rf -- "$remove" || { sleep 1 && rm -rf -- "$remove"; }; fi; }
exec 3<&0 </dev/null
(cd "$work" && exec "$@") >>"$log" 2>&1 3<&- &
server=$!
trap '' HUP INT TERM PIPE
cd /
(
    while read -r _ <&3; do :; done
    if ours; then kill -s "$signal" "$server"; fi
    while [ "$patience" -gt 0 ] && ours; do
        sleep 1
        patience=$((patience - 1))
    done
    if ours; then kill -s KILL "$server"; fi
    if [ ! -d "/proc/$$" ]; then cleanup; fi
) >/dev/null 2>&1 &
watch=$!
echo "pid $server"
wait "$server"
code=$?
kill -s KILL "$watch"
# Until it is gone it could still take a line that is meant for us.
wait "$watch"
echo "exit $code"
read -r word <&3
if [ "$word" != keep ]; then cleanup; fi
