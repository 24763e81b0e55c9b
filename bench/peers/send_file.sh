#!/bin/sh
# send_file.sh FILE...: each file of records as one batch: paste joins its lines, or a Python program that also checks
# them if $CHECK names one; curl posts it and asks for the job until it has ended; then the file moves to $DONE.
# Reads $API, $CA, $KEY_FILE and $DONE from its environment.
set -eu
for file; do
  {
    printf '{"requests":['
    if [ -n "${CHECK:-}" ]; then $CHECK "$file"; else paste -sd, "$file"; fi
    printf ']}'
  } | curl -sS --fail --cacert "$CA" -H "Authorization: Basic $(cat "$KEY_FILE")" -H 'Content-Type: application/json' \
    --data-binary @- -o "$DONE/$$.job" "$API/v2/users/batch"
  job=$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' "$DONE/$$.job")
  [ -n "$job" ]
  until curl -sS --fail --cacert "$CA" -H "Authorization: Basic $(cat "$KEY_FILE")" "$API/v2/users/batch/$job" |
    grep -q COMPLETED; do
    sleep 0.01
  done
  rm "$DONE/$$.job"
  mv "$file" "$DONE/"
done
