#!/bin/bash
# A full disk under privityd: appends are refused as such, reads go on, and so do appends once there is room.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
. tests/server/lib.sh
[ -x "$load" ] || skip_all "$load is not built"
unshare -rm true 2>/dev/null || skip_all "no small file system can be mounted here"

# The server lives where only it sees the small disk; what fills it is removed by its name in /proc.
mkdir -m 700 "$home/data"
cat >"$home/enter" <<'END'
#!/bin/sh
mount -t tmpfs -o size=3m,mode=700 none "$DISK" && exec "$@"
END
chmod +x "$home/enter"
real=$privityd
cat >"$home/privityd" <<END
#!/bin/sh
DISK=$home/data exec unshare -rm $home/enter $real "\$@"
END
chmod +x "$home/privityd"
privityd=$home/privityd
start --registration open
ok $? "it starts on a small disk"
disk=/proc/$server/root/$home/data
dd if=/dev/zero of="$disk/filler" bs=1k count=1500 2>/dev/null

"$load" "$port" connections=4 rooms=2 seconds=20 bytes=2000 >"$home/load" 2>&1
isnt $? 0 "appends come to an end"
like "$(cat "$home/load")" '"status":507' "with 507"
like "$(cat "$home/load")" 'disk is full' "in words"
is "$(status "$url/v1/server")" 200 "it answers still"
rm "$disk/filler"
"$load" "$port" connections=4 rooms=1 entries=20 bytes=200 >"$home/load" 2>&1
ok $? "with room again it appends again" || note "$(cat "$home/load")"
stop TERM
ok $? "and stops as it should"
tap_done
