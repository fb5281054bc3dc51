#!/usr/bin/env bash
# By hand, as root on Debian with debootstrap, Chromium and the packages of requirements-dev.txt: a machine that has nothing
# but Python is made in a folder, and the README's two commands run in it as written, by a person who is not root. A browser
# outside asks a question, with the network and without. 15 to 40 minutes; benchmarks/fresh_machine.md keeps what it said.
#
#   tests/fresh_machine.sh bare           no compiler
#   tests/fresh_machine.sh gcc            Debian's g++ is there
#   tests/fresh_machine.sh kills          no compiler; killed at ten moments of the installation, then run to its end
set -euo pipefail
kind=$1
repository=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d -t fresh-machine-XXXX)
chmod 755 "$root"
port=$((8700 + RANDOM % 200))
trap 'umount -l "$root/proc" "$root/dev" 2>/dev/null; rm -rf --one-file-system "$root"' EXIT

packages=python3,python3-venv,ca-certificates
[ "$kind" = gcc ] && packages+=,g++
debootstrap --variant=minbase --include="$packages" bookworm "$root" >/dev/null
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev" # unmounting it here unmounts nothing there
# how this machine reaches its package index
cp /etc/resolv.conf "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo "127.0.0.1 localhost" >"$root/etc/hosts" # every machine has this line; debootstrap makes no such file
chroot "$root" useradd --create-home visitor
git clone -q --no-hardlinks "$repository" "$root/home/visitor/my kdrinks"
chroot "$root" chown -R visitor: /home/visitor

say() { echo "$(date +%T) $*"; }
inside() {
  exec chroot --userspec=visitor:visitor "$root" env -i HOME=/home/visitor PATH=/usr/bin:/bin LANG=C.UTF-8 \
    ${PIP_CERT:+PIP_CERT=$PIP_CERT} sh -c "cd ~/'my kdrinks' && exec $*"
}
# Asks in a browser outside, in Korean, and says what came back.
ask() {
  python3 - "http://127.0.0.1:$port" "$repository" <<'PYTHON'
import sys, time, urllib.request
sys.path.insert(0, sys.argv[2])
from playwright.sync_api import expect, sync_playwright
from tests.support.running_app import CHROMIUM, answers, ask
for _ in range(1800):
    try:
        urllib.request.urlopen(sys.argv[1] + "/_stcore/health", timeout=1)
        break
    except OSError:
        time.sleep(1)
with sync_playwright() as playwright:
    page = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page(locale="ko-KR")
    page.goto(sys.argv[1])
    ask(page, "식혜에는 뭐가 들어가?")
    expect(answers(page)).to_have_count(1)
    text = page.get_by_test_id("stChatMessage").last.inner_text()
    assert "엿기름" in text, text
    print("         " + text.splitlines()[0])
PYTHON
}

say "machine: $kind, $(nproc) cores, commit $(git -C "$repository" rev-parse --short HEAD)"
if [ "$kind" = kills ]; then
  # what stands in the log or on the screen, and seconds after it; every second time start.py alone is killed
  moments=("1/3:0.2" "1/3:4" "2/3:3" "2/3:10" "2/3:20" "ready-made:0" "ziglang:2" '\[10/[0-9]+\]:0' '\[90/[0-9]+\]:0' "bench:1")
  for number in "${!moments[@]}"; do
    pattern=${moments[$number]%:*} after_s=${moments[$number]##*:}
    log="$root/home/visitor/my kdrinks/.venv.log"
    before=$(stat -c %s "$log" 2>/dev/null || echo 0)
    setsid bash -c "$(declare -f inside); root=$root; inside python3 start.py --no-browser --port $port" >"$root/screen" 2>&1 &
    started=$!
    until grep -qE "$pattern" "$root/screen" || tail -c +"$((before + 1))" "$log" 2>/dev/null | grep -qaE "$pattern"; do
      kill -0 $started || { say "ended before $pattern"; cat "$root/screen"; exit 1; }
      sleep 0.2
    done
    sleep "$after_s"
    if [ $((number % 2)) = 0 ]; then kill -9 -- -$started; else kill -9 $started; fi
    wait $started || true
    say "killed at ${moments[$number]}, $([ $((number % 2)) = 0 ] && echo "with all of its processes" || echo "start.py alone")"
  done
fi

say "python3 start.py"
began=$SECONDS
(inside python3 start.py --no-browser --port $port) 2>&1 | sed -u 's/^/         /' &
ask
say "answered in a browser $((SECONDS - began)) s after the command"
pkill -f "server.port=$port"
wait

say "python3 start.py, again"
began=$SECONDS
(inside python3 start.py --no-browser --port $port) >/dev/null 2>&1 &
ask
say "answered after $((SECONDS - began)) s"
pkill -f "server.port=$port"
wait

say "python3 start.py, the network gone"
export -f inside ask
export root port repository
unshare --net bash -c "ip link set lo up; (inside python3 start.py --no-browser --port $port) >/dev/null 2>&1 & ask; pkill -f server.port=$port"

if [ "$kind" != kills ]; then
  say "python3 start.py test"
  began=$SECONDS
  status=0
  (inside python3 start.py test -q) >"/tmp/fresh-machine-$kind-tests.log" 2>&1 || status=$?
  tail -n 20 "/tmp/fresh-machine-$kind-tests.log" | sed 's/^/         /'
  say "exit status $status, after $((SECONDS - began)) s"
fi
