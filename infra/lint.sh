#!/usr/bin/env bash
# Checks the template with the three linters that a virtual environment holds. None of them needs a network or an account.
# Usage: infra/lint.sh VENV_BIN
set -euo pipefail
bin=$1
template=$(dirname "$0")/template.yaml
export SAM_CLI_TELEMETRY=0

"$bin/cfn-lint" "$template"
"$bin/sam" validate --lint --template "$template" --region eu-west-3
"$bin/checkov" --file "$template" --framework cloudformation --compact --quiet --skip-download
