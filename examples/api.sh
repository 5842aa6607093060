#!/bin/sh
# The API by curl. Make a token first:
#
#   TOKEN=$(slipway token add anna --name scripts)
#
# and set where the gateway is:
#
#   GATEWAY=https://pictures.example sh api.sh photo.jpg
#
# It puts the picture into /inbox, waits for its URL, and prints what there is: JSON,
# with the URL in uploads[].url.
set -eu
: "${GATEWAY:=http://127.0.0.1:8080}" "${TOKEN:?is the token that slipway token add printed}"
file=$1

# Names in addresses are percent-escaped; this one leaves all but the plainest out.
name=$(basename "$file" | tr -c 'A-Za-z0-9._\n-' '_')

# Put it there. 201: it is new; 200: it replaced one; 202: stored, and no URL yet.
# The answer has its uploads, with their state, reason and URL.
curl --fail-with-body -sS -H "Authorization: Bearer $TOKEN" \
	-T "$file" "$GATEWAY/api/v1/files/inbox/$name?wait=60s"

# More of it (see $GATEWAY/api/v1/openapi.json):
#
#   curl -H "Authorization: Bearer $TOKEN" "$GATEWAY/api/v1/uploads?state=failed&state=held"
#   curl -H "Authorization: Bearer $TOKEN" -X POST "$GATEWAY/api/v1/uploads/17/retry"
#   curl -H "Authorization: Bearer $TOKEN" "$GATEWAY/api/v1/explain/inbox/photo.jpg"
#   curl -H "Authorization: Bearer $TOKEN" -N "$GATEWAY/api/v1/events"
