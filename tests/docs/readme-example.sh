#!/bin/sh
# The C example of the README, as it is printed, compiles and does what it says.
#
# Usage: readme-example.sh README CC RUNSTORED LIBRARY HEADER
set -eu

readme=$1 compiler=$2 runstored=$3 library=$4 header=$5
echo 1..1
work=$(mktemp -d)
trap 'kill "$daemon" 2>/dev/null; wait; rm -rf "$work"' EXIT
daemon=

sed -n '/^```c$/,/^```$/p' "$readme" | sed '/^```/d' >"$work/example.c"
mkdir "$work/include"
cp "$(dirname "$header")"/runstore*.h "$work/include/"
$compiler -std=c11 -Wall -Wextra -Werror -I"$work/include" -o "$work/example" "$work/example.c" "$library"

mkfifo "$work/ready"
"$runstored" --data "$work/data" --log-level error >"$work/ready" &
daemon=$!
read -r line <"$work/ready"
echo "# $line"
LD_LIBRARY_PATH=$(dirname "$library") RUNSTORE_DIR="$work/data" "$work/example" >"$work/said"
sed 's/^/# /' "$work/said"
if grep -Eq '^step step_[0-9A-Z]{26} of run run_[0-9A-Z]{26} is in_progress$' "$work/said"; then
	echo 'ok 1 - the_example_of_the_readme_works'
else
	echo 'not ok 1 - the_example_of_the_readme_works'
	exit 1
fi
